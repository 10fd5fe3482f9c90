import type { TaskToolCall } from '../agent/call.ts';
import type { ModelUsage } from '../model/usage.ts';
import type { Trip } from '../tripwire/contract.ts';

/** `suspended`: stopped between two steps, by a process that ended; the next one goes on with it. */
export type RunStatus = 'running' | 'completed' | 'failed' | 'waiting' | 'suspended' | 'cancelled';
export type TaskStatus = 'running' | 'completed' | 'failed' | 'skipped' | 'waiting' | 'not_run';

export interface RunTask {
  readonly id: string;
  readonly agent: string | null;
  readonly status: TaskStatus;
  readonly output: unknown;
  /** The answer as the model wrote it. */
  readonly raw: string;
  readonly tool_calls: readonly TaskToolCall[];
  /** Why it failed or was skipped. */
  readonly error: string | null;
}

export interface RunUsage {
  readonly model_calls: number;
  readonly failed_calls: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
  readonly tool_calls: number;
  /** What the calls cost as far as it is known, USD; failed and repeated ones count too. */
  readonly cost_usd: number;
  /** Calls whose cost is not known (no price, no tokens reported, no answer): `cost_usd` is then too low. */
  readonly unknown_cost_calls: number;
  /** `mixed` when a model was replaced by the playbook on the way; null when no model was asked. */
  readonly source: 'llm' | 'playbook' | 'mixed' | null;
  readonly by_model: readonly ModelUsage[];
}

export interface ProposedAction {
  readonly agent: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly proposal_id: string;
  readonly would_change: Readonly<Record<string, unknown>>;
}

/** A call that changed something outside the ops database. */
export interface RunEffect {
  readonly agent: string;
  readonly task: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly call_id: string;
}

/**
 * What a run waits for: a person's approval of a call, a person's view of an answer, a word on an effect of which nobody
 * knows whether it happened (`details.effect_key`), more money than a budget allows (`details.budget`), an answer to a
 * question (`details.question`, with `payload` and, after an answer that was none, the `problem`), or what a graph.ts asked.
 */
export interface RunPause {
  /** Id of the interrupt in the graph. */
  readonly id: string;
  readonly kind: 'approval' | 'human_input' | 'effect' | 'budget' | 'question' | 'custom';
  /** The task, or the graph's node for `custom`. */
  readonly task: string;
  readonly agent: string | null;
  readonly approval_id: string | null;
  readonly tool: string | null;
  readonly details: unknown;
  /** Where a step waits for several at once: which of them, under a name that stays while the others are settled. */
  readonly part?: string | undefined;
  /** Of a question that tasks.yaml, or `ask` of a task, names. */
  readonly name?: string | undefined;
  /** Names this question alone, where an answer ends it: `crew questions answer ID`. */
  readonly question_id?: string | undefined;
  /** Of a review or a question: JSON Schema of what may be answered. */
  readonly answer?: Readonly<Record<string, unknown>> | undefined;
  /** Of a review or a question: when it is too late, UTC ms; null: never. */
  readonly expires_at?: number | null | undefined;
}

/** One run as one JSON document. Times are UTC ISO text. */
export interface RunDocument {
  readonly run_id: string;
  readonly crew: string;
  readonly mode: 'shadow' | 'active';
  /** Where the data came from (`sim`, `live`, `tape`); null when the host says nothing. */
  readonly source: string | null;
  /** The model asked first. */
  readonly model: string | null;
  readonly status: RunStatus;
  readonly trigger: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly error: string | null;
  /** Of the last task that completed, or what the crew's hooks made of it; null when none did. */
  readonly output: unknown;
  readonly tasks: readonly RunTask[];
  readonly waiting_for: readonly RunPause[];
  readonly streams: readonly unknown[];
  readonly events: { readonly total: number; readonly by_type: Readonly<Record<string, number>> };
  readonly quality_issues: readonly unknown[];
  readonly proposed_actions: readonly ProposedAction[];
  readonly effects: readonly RunEffect[];
  readonly health_score: number | null;
  readonly usage: RunUsage;
  /** Whose words from outside its agents read: servers, venues, pages, memory; absent: nobody's. */
  readonly outside?: readonly string[] | undefined;
  /** The tripwire that ended the run; absent: none did. */
  readonly tripped?: Trip | undefined;
}

/** What the host adds to a document, because crews know nothing of its field. */
export interface DocumentExtras {
  readonly source?: string | undefined;
  readonly streams?: readonly unknown[] | undefined;
  readonly quality_issues?: readonly unknown[] | undefined;
  readonly health_score?: number | null | undefined;
  /** Instead of the run's own events, when the host counts more. */
  readonly events?: RunDocument['events'] | undefined;
}
