import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Invoker } from '../../kit/invoke.ts';
import type { Logger } from '../../kit/logger.ts';
import type { ModelChain } from '../model/chain.ts';
import type { ToolSchemas } from './tool-schema.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import type { RunMemory } from './memory.ts';
import type { CrewHooks, TextListener } from '../hooks.ts';
import type { AnyGuardrail } from './guardrail.ts';
import type { FeedbackSource } from '../feedback/store.ts';
import type { KnowledgeSource } from './knowledge.ts';
import type { SkillShelf } from './skills.ts';
import type { RunTripwires } from '../tripwire/of-run.ts';
import type { Pacer } from './pacer.ts';

/** What the tasks of one run share. */
export interface RunScope {
  readonly runId: string;
  readonly crew: CrewSpec;
  readonly shadow: boolean;
  readonly signal: AbortSignal;
  readonly invoker: Invoker;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pacer: Pacer;
  readonly schemas: ToolSchemas;
  /** Same chain for same models within a run, so that a fallback holds for the rest of it. */
  chainFor(agent: AgentSpec): Promise<ModelChain>;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  /** What agents keep from run to run; absent when the crew keeps nothing. */
  readonly memory?: RunMemory | undefined;
  /** The task's own in order, then the host's. */
  guardrailsOf(task: TaskSpec): readonly AnyGuardrail[];
  readonly tripwires: RunTripwires;
  readonly hooks?: CrewHooks | undefined;
  /** Who reads answers while they are written. */
  readonly text?: TextListener | undefined;
  /** What people said of earlier answers. */
  readonly feedback?: FeedbackSource | undefined;
  readonly skills?: SkillShelf | undefined;
  readonly knowledge?: KnowledgeSource | undefined;
  /** Writes a task's `output_file`; absent when the run may write none. */
  readonly writeOutput?: ((path: string, text: string, makeFolders: boolean) => Promise<void>) | undefined;
  /** Awaited before every step; holds while the host is paused. */
  readonly gate?: ((signal: AbortSignal) => Promise<void>) | undefined;
}
