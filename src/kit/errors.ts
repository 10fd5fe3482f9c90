/**
 * Errors by what the caller does next. Everything that is not an `AppError` is a bug and surfaces as one.
 * Messages name the thing, the value and the remedy.
 */

export type ErrorCode =
  | 'invalid_input'
  | 'not_found'
  | 'unsupported'
  | 'stale'
  | 'unavailable'
  | 'rate_limited'
  | 'permission_denied'
  | 'approval_required'
  | 'answer_required'
  | 'deadline_exceeded'
  | 'conflict'
  | 'budget_exceeded'
  | 'config_invalid'
  | 'corrupt';

export interface AppErrorOptions {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Base of every expected failure. `retryable` tells whether the same call may succeed later, unchanged. */
export abstract class AppError extends Error {
  abstract readonly code: ErrorCode;
  readonly retryable: boolean = false;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.details = options.details;
  }
}

/** The caller sent something wrong: change the input. */
export class InvalidInput extends AppError {
  readonly code = 'invalid_input' as const;
}

/** The thing named does not exist: choose another name. */
export class NotFound extends AppError {
  readonly code = 'not_found' as const;
}

/** The thing exists and cannot do this: do not try again. */
export class Unsupported extends AppError {
  readonly code = 'unsupported' as const;
}

/** The value known is too old to use: wait for fresh data. */
export class Stale extends AppError {
  readonly code = 'stale' as const;
  override readonly retryable = true;
}

/** A dependency does not answer (network, disk, database): try later. */
export class Unavailable extends AppError {
  readonly code = 'unavailable' as const;
  override readonly retryable: boolean = true;
}

/** A dependency does not serve this address, region or key: another try changes nothing, another way to it may. */
export class Refused extends Unavailable {
  override readonly retryable = false;
}

/** It went away while it worked: whether the work was done is not known. */
export class OutcomeUnknown extends Unavailable {
  override readonly retryable = false;
}

/** Too many calls: try again after `retryAfterMs`. */
export class RateLimited extends AppError {
  readonly code = 'rate_limited' as const;
  override readonly retryable = true;
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options: AppErrorOptions = {}) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The caller may not do this; the message holds the rule that decided. */
export class PermissionDenied extends AppError {
  readonly code = 'permission_denied' as const;
}

/** A person must agree first; `approvalId` names the request. */
export class ApprovalRequired extends AppError {
  readonly code = 'approval_required' as const;
  readonly approvalId: string;

  constructor(message: string, approvalId: string, options: AppErrorOptions = {}) {
    super(message, options);
    this.approvalId = approvalId;
  }
}

/** The time allowed ran out: allow more, or ask for less. */
export class DeadlineExceeded extends AppError {
  readonly code = 'deadline_exceeded' as const;
  override readonly retryable = true;
}

/** The state does not allow this now (already running, second owner, second answer). */
export class Conflict extends AppError {
  readonly code = 'conflict' as const;
}

/** Stored bytes are damaged or of an unknown version. */
export class Corrupt extends AppError {
  readonly code = 'corrupt' as const;
}

/** One finding in a configuration file. `line` and `column` count from 1; 0 where there are no lines (`env CREW_…`). */
export interface ConfigIssue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** `tasks.yaml:12:5: …`, or `env CREW_…: …`. */
export function configIssueText(issue: ConfigIssue): string {
  const place = issue.line === 0 ? issue.file : `${issue.file}:${issue.line}:${issue.column}`;
  return `${place}: ${issue.message}`;
}

/** The configuration is wrong; every issue found is listed. Exit code 2. */
export class ConfigInvalid extends AppError {
  readonly code = 'config_invalid' as const;
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map(configIssueText).join('\n'));
    this.issues = issues;
  }
}

/** Abort is not a failure: it passes on untouched. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/**
 * Reason of an abort that asks for a stop from where another process can go on, as SIGTERM does: a run ends the step it
 * is at and is suspended. Whatever cannot be gone on with ends as for any other abort.
 */
export class StopRequested extends DOMException {
  constructor(message: string) {
    super(message, 'AbortError');
  }
}

/** Text of any thrown value, without a stack. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** No venue, simulator or tape could be reached; the message lists what was tried. Exit code 4. */
export class SourceUnreachable extends Unavailable {}
