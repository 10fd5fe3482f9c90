import type { BaseCheckpointSaver } from '@langchain/langgraph';
import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Invoker } from '../../kit/invoke.ts';
import type { Redactor } from '../../kit/redact.ts';
import type { Logger } from '../../kit/logger.ts';
import type { AgentGraph } from '../agent/agent-graph.ts';
import type { TaskGuardrail } from '../agent/guardrail.ts';
import type { KnowledgeSource } from '../agent/knowledge.ts';
import type { CrewMemory } from '../agent/memory.ts';
import type { Pacer } from '../agent/pacer.ts';
import type { SkillShelf } from '../agent/skills.ts';
import type { ToolSchemas } from '../agent/tool-schema.ts';
import type { FeedbackSource } from '../feedback/store.ts';
import type { CrewGraphDefinition } from '../graph/define.ts';
import type { CrewHooks, TextListener } from '../hooks.ts';
import type { ModelSource } from '../model/model.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import type { ContinuousCrew, ContinuousOptions } from './continuous-contract.ts';
import type { DocumentExtras, RunDocument } from './document.ts';
import type { SpendMeter } from '../spend/meter.ts';
import type { EventSource } from './event-source.ts';
import type { RunEdit, RunStep } from './fork.ts';
import type { SoloRequest } from './solo.ts';
import type { RunQuery, RunRow, RunStore } from './store.ts';

/**
 * What people answer, by task: `{ accept: true }`, `{ feedback: '…' }` or `{ edit: … }` (the answer as it is to be) to a
 * `human_input` pause; what the graph expects, by node, to a pause of its own. Some may be answered now and others later. Approvals need no answer here: the call is simply tried again.
 */
export type Answers = Readonly<Record<string, unknown>>;

export interface CrewRunnerDeps {
  readonly crews: Readonly<Record<string, CrewSpec>>;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  /** Hand-written graphs, by crew id. */
  readonly graphs?: Readonly<Record<string, CrewGraphDefinition>> | undefined;
  readonly invoker: Invoker;
  readonly models: ModelSource;
  readonly checkpointer: BaseCheckpointSaver;
  readonly store: RunStore;
  readonly events: EventSink;
  /** Lets a run count the events that others emit under its id. */
  readonly eventSource?: EventSource | undefined;
  /** Takes secrets out of what providers of models say is wrong. */
  readonly redactor?: Redactor | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
  /** 0 ≤ x < 1: jitter of waits between model attempts. */
  readonly random: () => number;
  /**
   * The account of model calls, and what holds them back. Default: an account in memory, the shipped prices, no budgets
   * and no limits.
   */
  readonly spend?: SpendMeter | undefined;
  /** One model call, ms. Default 60,000. */
  readonly modelTimeoutMs?: number | undefined;
  /** Guardrails of the host, after a task's own. */
  readonly guardrails?: ((task: TaskSpec) => readonly TaskGuardrail[]) | undefined;
  /** Code that tasks and crews name, by crew id. */
  readonly hooks?: Readonly<Record<string, CrewHooks>> | undefined;
  /** Who reads answers while they are written, beside a crew's own hook. */
  readonly text?: TextListener | undefined;
  /** What people said of earlier answers, for the prompts of later ones. */
  readonly feedback?: FeedbackSource | undefined;
  /** Skills of the agents. */
  readonly skills?: SkillShelf | undefined;
  /** Where agents look up what the user gave them to know. */
  readonly knowledge?: KnowledgeSource | undefined;
  /** What the host adds to a document; asked when a run ends or waits. */
  readonly documentExtras?: ((run: RunRow) => Promise<DocumentExtras>) | undefined;
  /** Writes a task's `output_file`. Not called in shadow mode. */
  readonly writeOutput?: ((path: string, text: string, makeFolders: boolean) => Promise<void>) | undefined;
  /** What agents of crews with `memory: true` keep from run to run. */
  readonly memory?: CrewMemory | undefined;
  /** Awaited before every step of an agent: a host that pauses holds its agents here. */
  readonly gate?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /**
   * When checkpoints are written: before the next step (`sync`, the default: nothing that finished is done again after a
   * kill), beside it (`async`), or at the end.
   */
  readonly durability?: 'sync' | 'async' | 'exit' | undefined;
  /** Ended runs whose checkpoints stay; those of older ones are deleted, their documents are not. Default 20. */
  readonly keepCheckpointsOf?: number | undefined;
  /**
   * How long steps at work may take to end when runs are suspended, ms; past that they are given up, and done again by
   * whoever goes on. Default 0: at once.
   */
  readonly drainMs?: number | undefined;
}

export interface KickoffOptions {
  /** Calls with effects are proposed, not carried out. Default false. */
  readonly shadow?: boolean | undefined;
  /** Aborted, it cancels the run; with the reason `StopRequested` it suspends it. */
  readonly signal?: AbortSignal | undefined;
  /** Only these tasks, ordered by their context. */
  readonly onlyTasks?: readonly string[] | undefined;
  /** Id of the run: a second start under it takes up the first, or gives what it gave. Default: a new one. */
  readonly runId?: string | undefined;
  /** What started it, for the record; default `manual`. */
  readonly trigger?: string | undefined;
  /** Whose words from outside the inputs hold: then none of them is trusted. */
  readonly outside?: readonly string[] | undefined;
  /** Its document leaves out the host's lists (`streams`, `quality_issues`): for runs that come every few seconds. */
  readonly brief?: boolean | undefined;
}

/** One item of `kickoffForEach`: a run, whatever became of it, or the reason why there is none. */
export type EachResult =
  | { readonly index: number; readonly ok: true; readonly document: RunDocument }
  | { readonly index: number; readonly ok: false; readonly error: Error };

export interface ForEachOptions extends Omit<KickoffOptions, 'onlyTasks'> {
  /** Runs at work at once; default 1. */
  readonly concurrency?: number | undefined;
}

/** What runs share: made once per runner. */
export interface RunnerParts extends CrewRunnerDeps {
  readonly spend: SpendMeter;
  readonly pacer: Pacer;
  readonly agentGraph: AgentGraph;
  readonly schemas: ToolSchemas;
}

/** How a new run begins in the middle of another. */
export interface ForkOptions {
  /** What is changed before it goes on. */
  readonly edit?: RunEdit | undefined;
  /**
   * Effects are proposed, not made. Default true: what the first run did outside was done, and a copy of it should not
   * do it again unless somebody says so.
   */
  readonly shadow?: boolean | undefined;
  /** Id of the new run; default: a new one. */
  readonly runId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A run that was started: its id at once, its document when it ends or waits. */
export interface StartedRun {
  readonly runId: string;
  readonly done: Promise<RunDocument>;
}

/** Runs crews, keeps their record, and takes up what an earlier process left. */
export interface CrewRunner {
  /**
   * Runs a crew to its end; resolves for failed, waiting, suspended and cancelled runs too.
   * Throws NotFound for an unknown crew or task, InvalidInput for placeholders without input or a task that the model
   * cannot do; nothing has started then.
   */
  kickoff(crewId: string, inputs?: Readonly<Record<string, unknown>>, options?: KickoffOptions): Promise<RunDocument>;
  /**
   * Runs a crew once for each of the inputs, so many at once. Results come in the order of the inputs, and one that
   * fails leaves the others alone: `ok` is false only where no run could be started. Throws InvalidInput for anything
   * but a list of maps; an empty list gives an empty list.
   */
  kickoffForEach(
    crewId: string,
    inputs: readonly Readonly<Record<string, unknown>>[],
    options?: ForEachOptions,
  ): Promise<readonly EachResult[]>;
  /** Has one agent answer a question, alone: its run is one of the crew `agent:<id>`. Throws NotFound for an unknown agent. */
  runAgent(agentId: string, request: SoloRequest, options?: KickoffOptions): Promise<RunDocument>;
  /** As `kickoff`, but resolves as soon as the run has an id. */
  start(crewId: string, inputs?: Readonly<Record<string, unknown>>, options?: KickoffOptions): Promise<StartedRun>;
  /**
   * Goes on with a waiting, suspended or unfinished run. With an event source, a run that waits for an approval goes on by itself
   * when it is decided. A run whose crew has another structure now is migrated when the crew says how, else refused.
   * Throws NotFound, Conflict for a refusal and for an answer to what is not open (any more), InvalidInput for one
   * that is not what was asked for; the run waits on then.
   */
  resume(
    runId: string,
    answers?: Answers,
    options?: { readonly signal?: AbortSignal /** Who answers, for the record. */; readonly by?: string | undefined },
  ): Promise<RunDocument>;
  /** Ends a running or waiting run. False when it had already ended. */
  cancel(runId: string, reason: string): Promise<boolean>;
  /**
   * Takes up the runs that an earlier process left unfinished, each from its last checkpoint; a run whose crew is gone
   * is marked failed, one whose crew has another structure and cannot be migrated stays suspended, with the reason. Runs that wait for approvals look whether these were decided meanwhile;
   * other waiting runs stay. Resolves when all were taken up.
   */
  recover(): Promise<readonly StartedRun[]>;
  /**
   * Runs the crew's tasks by their triggers until stopped: each task once at a time, the most urgent first.
   * Throws InvalidInput for an event that does not exist, Unsupported for events without an event source.
   */
  runContinuous(crewId: string, options?: ContinuousOptions): ContinuousCrew;
  /**
   * Runs a task of an earlier run again, and all that comes after it, as a new run; what the tasks before it gave is
   * kept (or edited), and so is what was done beside it. Throws NotFound for a run or task that is not kept, Conflict
   * when the crew has another structure now, InvalidInput for an edit of what is not there, Unsupported for an edit of a
   * manager's step.
   */
  replay(runId: string, from: string, options?: ForkOptions): Promise<StartedRun>;
  /**
   * A new run from a checkpoint of another (`history`), by default its newest, with all that is open there: a fork of a
   * waiting run waits for the same. Throws as `replay`, and Conflict where nothing is left to do.
   */
  fork(runId: string, options?: ForkOptions & { readonly at?: string | undefined }): Promise<StartedRun>;
  /** The steps of a run that can be gone back to, newest first. Throws NotFound for an unknown run. */
  history(runId: string): Promise<readonly RunStep[]>;
  listRuns(query?: RunQuery): Promise<readonly RunRow[]>;
  /** The document of a run; of a running one, as far as it is. Throws NotFound. */
  showRun(runId: string): Promise<RunDocument>;
  /** Ids of the runs at work in this process. */
  readonly active: readonly string[];
  /** Suspends what runs: the steps at work end, as far as `drainMs` lets them, and what comes next stays for the next process. */
  close(): Promise<void>;
}
