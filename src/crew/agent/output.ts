import type { TaskAnswers } from '../question/task-question.ts';
import type { Proposal, TaskToolCall } from './call.ts';
import type { ModelUsage } from '../model/usage.ts';

/** What one task of a run gave. Also what a crew graph's routes and later tasks read. */
export interface TaskOutput {
  readonly task: string;
  readonly agent: string;
  readonly status: 'completed' | 'failed' | 'skipped';
  /** The structured answer when there is one, else the answer's text; null when the task gave none. */
  readonly output: unknown;
  /** The answer as the model wrote it. */
  readonly raw: string;
  /** Why it failed or was skipped. */
  readonly error: string | null;
  /** How often the task ran in this run; calls, proposals and usage are of all of them, the output is the last one's. */
  readonly executions: number;
  readonly tool_calls: readonly TaskToolCall[];
  readonly proposals: readonly Proposal[];
  readonly usage: readonly ModelUsage[];
  /** Whose words from outside it may hold; absent: nobody's. */
  readonly outside?: readonly string[] | undefined;
  /** What people answered to the task's questions, by name. */
  readonly answers?: TaskAnswers | undefined;
  /** UTC ms. */
  readonly started_at: number;
  /** UTC ms. */
  readonly finished_at: number;
}
