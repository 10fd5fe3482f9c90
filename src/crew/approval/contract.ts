import type { Database } from '../../infra/duckdb/database.ts';
import type { Clock, Ms } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { ApprovalGate, ToolCall } from '../../kit/invoke.ts';
import type { Logger } from '../../kit/logger.ts';
import type { People, Person } from './people.ts';
import type { ApprovalPolicy } from './policy.ts';
import type { ApprovalRule } from './rules.ts';
import type { StandingApproval, StickyTerms } from './standing.ts';
import type { ApprovalRequest, ApprovalState } from './store.ts';

/** `wait`: the call waits for a person, until the request expires. `immediate`: it fails with ApprovalRequired. */
export type ApprovalMode = 'wait' | 'immediate';

export interface ApprovalOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly log: Logger;
  readonly ids: (prefix: string) => string;
  readonly policy: ApprovalPolicy;
  /** Who must agree to calls of some tools. */
  readonly rules?: readonly ApprovalRule[] | undefined;
  /** Who may answer; without it anybody who gives a name. */
  readonly people?: People | undefined;
  /** Time to answer a request; the same again to use an approval. */
  readonly timeoutMs: Ms;
  /** Default `immediate`: the same call, made again after the approval, passes once. */
  readonly mode?: ApprovalMode | ((call: ToolCall) => ApprovalMode) | undefined;
}

/**
 * Requests to people, kept in the ops database, each for one caller, tool and exact arguments, and used once: by one
 * call, or by one intent (run and place in it) that is made again.
 */
export interface Approvals extends ApprovalGate, AsyncDisposable {
  /** Newest first. */
  list(query?: {
    readonly state?: ApprovalState | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly ApprovalRequest[]>;
  /** Throws NotFound. */
  get(id: string): Promise<ApprovalRequest>;
  /**
   * One person's yes; the request stays pending until as many as it needs have given the same. Throws NotFound,
   * InvalidInput without a name or for terms that cannot be, PermissionDenied for somebody who may not answer, Conflict
   * when it is decided or expired, or this person has answered.
   */
  approve(id: string, decidedBy: string, note?: string, terms?: AnswerTerms): Promise<ApprovalRequest>;
  /** One person's no, which ends it. As `approve`. */
  reject(
    id: string,
    decidedBy: string,
    note?: string,
    terms?: Pick<AnswerTerms, 'key' | 'as'>,
  ): Promise<ApprovalRequest>;
  /** Approvals that cover further calls, newest first. */
  standing(): Promise<readonly StandingApproval[]>;
  /** Ends one. Throws NotFound, PermissionDenied. */
  revoke(id: string, by: string, key?: string): Promise<void>;
  /** Ends waiting calls with Unavailable; requests stay and can be answered after a restart. Idempotent. */
  close(): Promise<void>;
}

/** What a yes is to. */
export interface AnswerTerms {
  /** Somebody whom the host has identified itself, in the place of a name and a key: may answer only where a rule names one of their roles. */
  readonly as?: Person | undefined;
  /** What the person shows where `people` names a key. */
  readonly key?: string | undefined;
  /** Arguments in the place of those asked for; they pass the tool's own check before it runs. */
  readonly args?: Readonly<Record<string, unknown>> | undefined;
  /** Further calls that need not ask. */
  readonly sticky?: StickyTerms | undefined;
}
