import type { BaseCheckpointSaver } from '@langchain/langgraph';
import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Caller, Invoker } from '../../kit/invoke.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CrewRunner } from '../run/contract.ts';
import type { EventSource } from '../run/event-source.ts';
import type { FlowDefinition } from './define.ts';
import type { FlowDocument } from './document.ts';
import type { FlowStore } from './store.ts';

export interface FlowRunnerDeps {
  readonly flows: Readonly<Record<string, FlowDefinition>>;
  readonly crews: CrewRunner;
  readonly invoker: Invoker;
  /** The caller that an agent is; undefined: there is no such agent. */
  readonly agentCaller: (agentId: string) => Caller | undefined;
  readonly checkpointer: BaseCheckpointSaver;
  readonly store: FlowStore;
  readonly events: EventSink;
  /** With it, a flow that waits for a run of its own or for an approval goes on by itself when that is over. */
  readonly eventSource?: EventSource | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
  /** Makes the id of a state, a UUID. */
  readonly uuid: () => string;
  /** How long steps at work may take to end when runs are suspended, ms. Default 0: at once. */
  readonly drainMs?: number | undefined;
}

export interface FlowOptions {
  readonly shadow?: boolean | undefined;
  /** Aborted, it cancels the run; with the reason `StopRequested` it suspends it. */
  readonly signal?: AbortSignal | undefined;
  /** What started it; default `manual`. */
  readonly trigger?: string | undefined;
  /** What came with the trigger, for the methods' `payload`. */
  readonly payload?: unknown;
  /** Id of the run: a second start under it takes up the first, or gives what it gave. Default: a new one. */
  readonly runId?: string | undefined;
  /** Whose words from outside the inputs hold: then none of them is trusted. */
  readonly outside?: readonly string[] | undefined;
}

/** Runs flows, keeps their record, and takes up what was left. */
export interface FlowRunner {
  readonly flows: readonly FlowDefinition[];
  /**
   * Runs a flow to its end; resolves for failed, waiting, suspended and cancelled runs too. Throws NotFound for an unknown flow,
   * InvalidInput for inputs that do not fit its state.
   */
  kickoff(flowId: string, inputs?: Readonly<Record<string, unknown>>, options?: FlowOptions): Promise<FlowDocument>;
  /**
   * Goes on with a waiting, suspended or unfinished run. Answers are for `ask`, by method or by the question's id; some may be answered now and others
   * later. Throws NotFound, Conflict for an answer to what is not open (any more), InvalidInput for one that is not what
   * was asked for; the run waits on then.
   */
  resume(
    runId: string,
    answers?: Readonly<Record<string, unknown>>,
    options?: {
      readonly signal?: AbortSignal | undefined /** Who answers, for the record. */;
      readonly by?: string | undefined;
    },
  ): Promise<FlowDocument>;
  show(runId: string): Promise<FlowDocument>;
  list(limit?: number): Promise<readonly FlowDocument[]>;
  /** Takes up the runs that an earlier process left unfinished. */
  recover(): Promise<readonly FlowDocument[]>;
  /** Suspends what runs, as `CrewRunner.close` does; called before it. */
  close(): Promise<void>;
}
