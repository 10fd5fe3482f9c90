import type { Budget } from '../spend/budget.ts';
import type { ModelFailure } from './failure.ts';
import type { CrewModel } from './model.ts';
import type { TokenCounts } from './tokens.ts';
import type { ModelUse } from './where.ts';

/** A call that a chain is about to make. */
export interface MeteredCall {
  readonly where: ModelUse;
  /** The tool on whose account the agent works. */
  readonly via: string | null;
  readonly model: CrewModel;
  readonly attempt: number;
  /** Tokens that the request has at the very most. */
  readonly mostInput: number;
  /** Tokens that it has as far as one can guess: for limits a minute. */
  readonly expectedInput: number;
  /** Budgets of the agent and its crew. */
  readonly own: readonly Budget[];
  readonly signal: AbortSignal;
}

/** A call that may be made. Exactly one of its methods is to be called when it has ended. */
export interface AdmittedCall {
  /** Gives the cost, USD; null when it is not known. `tokens` is null when the provider reported none. */
  answered(tokens: TokenCounts | null): Promise<number | null>;
  /** `failure` is null when the call was aborted. */
  failed(failure: ModelFailure | null, message: string): Promise<void>;
}

/** Stands between a chain and its models: says whether a call may be made, and keeps the account of it. */
export interface CallMeter {
  /**
   * Waits until the call fits into the provider's limits, holds its cost and puts it on record. Throws BudgetExceeded,
   * CircuitOpen, RateLimited; an abort passes on untouched.
   */
  admit(call: MeteredCall): Promise<AdmittedCall>;
}
