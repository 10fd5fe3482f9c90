import type { FlowMethodShape, FlowSeed } from './migration.ts';
import type { FlowState } from './state.ts';

export type FlowRunStatus = 'running' | 'completed' | 'failed' | 'waiting' | 'suspended' | 'cancelled';

/** What a flow waits for: an answer to a method's question, or a run of its own that waits. */
export interface FlowPause {
  readonly id: string;
  readonly method: string;
  readonly kind: 'question' | 'run';
  /** Of a question: what was asked, or `question`, `payload` and `problem` of a typed one. Of a run: its id and what it waits for. */
  readonly details: unknown;
  /** Names this question alone; a run of its own is answered by its own questions. */
  readonly question_id?: string | undefined;
  /** JSON Schema of what may be answered to a typed question. */
  readonly answer?: Readonly<Record<string, unknown>> | undefined;
  /** When it is too late, UTC ms; null: never. */
  readonly expires_at?: number | null | undefined;
}

export interface FlowMethodRecord {
  readonly id: string;
  readonly runs: number;
  /** Of the last time; null when it did not run. */
  readonly output: unknown;
}

/** One run of a flow as one JSON document. Times are UTC ISO text. */
export interface FlowDocument {
  readonly run_id: string;
  readonly flow: string;
  readonly mode: 'shadow' | 'active';
  readonly status: FlowRunStatus;
  readonly trigger: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly error: string | null;
  readonly inputs: FlowState;
  readonly payload: unknown;
  readonly state: FlowState;
  /** Of the method that ended last. */
  readonly output: unknown;
  readonly methods: readonly FlowMethodRecord[];
  readonly waiting_for: readonly FlowPause[];
  /** Hash of methods, triggers and routes: a run goes on only on the flow that it began on. */
  readonly structure_hash: string;
  /** Its methods when it began; absent in documents of before this was kept. */
  readonly structure?: readonly FlowMethodShape[] | undefined;
  /** Of a migrated run whose thread begins anew: how. */
  readonly seed?: FlowSeed | undefined;
  /** Whose words from outside it was given or read; absent in documents of before this was kept. */
  readonly outside?: readonly string[] | undefined;
}
