import type { ErrorCode } from '../../kit/errors.ts';

/** One tool call that an agent made, as the run keeps it. */
export interface TaskToolCall {
  readonly call_id: string;
  /** Who made it: the task's agent, or a co-worker it delegated to. */
  readonly agent: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly ok: boolean;
  /** Shadow mode recorded it instead of running it. */
  readonly proposed: boolean;
  /** It ran and changed something outside the ops database. */
  readonly effect: boolean;
  readonly error_code: ErrorCode | 'internal' | 'cancelled' | null;
  readonly duration_ms: number;
}

/** A call with effects that shadow mode recorded. */
export interface Proposal {
  readonly proposal_id: string;
  readonly agent: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly would_change: Readonly<Record<string, unknown>>;
}
