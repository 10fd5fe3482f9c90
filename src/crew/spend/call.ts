import type { TokenCounts } from '../model/tokens.ts';

/**
 * What became of a call. `open`: it is at work, or its process died in it. `refused`: the provider said no, and bills
 * nothing. `failed`: no answer came (time-out, cut connection, unreadable answer), so nobody knows what it cost.
 */
export type CallState = 'open' | 'answered' | 'refused' | 'failed';

/** One call of a model, one row of `model_calls`. Times are UTC ms. */
export interface ModelCall {
  readonly call_id: string;
  readonly run_id: string;
  readonly crew: string;
  readonly task_id: string;
  readonly agent_id: string;
  /** What it was asked for, when not for a step of the task itself: `judge_answer`, `reason`, `summarise`. */
  readonly purpose: string | null;
  /** The tool on whose account the agent works: `delegate_work`, `ask_question`, `hand_off`; null for its own task. */
  readonly tool: string | null;
  readonly model: string;
  readonly provider: string | null;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly state: CallState;
  readonly began_at: number;
  /** Null while it is at work. */
  readonly latency_ms: number | null;
  /** As the provider reported them; null when it reported none. */
  readonly tokens: TokenCounts | null;
  /** USD; null when it is not known. */
  readonly cost_usd: number | null;
  /** The most that it can cost, USD: what counts where the cost is not known. Null without a price. */
  readonly most_usd: number | null;
  readonly most_tokens: number;
  /** Where the price came from, and of which day it is; null without a price. */
  readonly price_source: string | null;
  readonly price_as_of: string | null;
  readonly error: string | null;
}

/** How a call ended. */
export interface CallEnd {
  readonly state: Exclude<CallState, 'open'>;
  readonly latency_ms: number;
  readonly tokens: TokenCounts | null;
  readonly cost_usd: number | null;
  readonly error: string | null;
}

/** Which calls are meant; what is not given is not asked for. Times are UTC ms, `since` inclusive, `until` exclusive. */
export interface CallQuery {
  readonly run?: string | undefined;
  readonly crew?: string | undefined;
  readonly task?: string | undefined;
  readonly agent?: string | undefined;
  readonly tool?: string | undefined;
  readonly model?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Sums that budgets hold against their limits: the cost and tokens where they are known, else the most they can be. */
export interface Spent {
  readonly usd: number;
  readonly tokens: number;
  readonly calls: number;
}

export const USAGE_GROUPS = ['run', 'crew', 'task', 'agent', 'tool', 'model', 'purpose', 'day'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Calls that have something in common. */
export interface UsageRow {
  /** The run, agent … they share; null where a call has none (a step of the task itself has no purpose). */
  readonly key: string | null;
  readonly calls: number;
  /** Of them, those that gave no answer. */
  readonly failed_calls: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly reasoning_tokens: number;
  /** USD of the calls whose cost is known. */
  readonly cost_usd: number;
  /** Calls whose cost is not known: `cost_usd` is then too low. */
  readonly unknown_calls: number;
}

/** A person's answer to a run that reached a budget. */
export interface BudgetDecision {
  /** Id of the pause: an answer counts once. */
  readonly pause_id: string;
  readonly run_id: string;
  readonly budget: string;
  readonly accepted: boolean;
  /** What the run may spend beyond the budget. */
  readonly more: Spent;
  /** UTC ms. */
  readonly decided_at: number;
}

/** The account of model calls. */
export interface CallLedger {
  /** Resolves when the call is on record; only then may it be made. */
  begin(call: ModelCall): Promise<void>;
  end(callId: string, end: CallEnd): Promise<void>;
  spent(query: CallQuery): Promise<Spent>;
  /** Dearest first; days in their order. */
  usage(by: UsageGroup, query?: CallQuery): Promise<readonly UsageRow[]>;
  /** Newest first. */
  calls(query?: CallQuery & { readonly limit?: number | undefined }): Promise<readonly ModelCall[]>;
  decide(decision: BudgetDecision): Promise<void>;
  decisions(runId: string): Promise<readonly BudgetDecision[]>;
  /** Forgets calls, and answers to pauses, of before that time (UTC ms); gives how many calls. */
  prune(before: number): Promise<number>;
}
