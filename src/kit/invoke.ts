import type { AccessLevel, ToolCategory } from './access.ts';
import type { ErrorCode } from './errors.ts';
import type { GivenAnswer } from './question.ts';
import type { BoundTool, Provenance } from './tool.ts';

/** Who calls. `agentId` null means a person or a client with a role of its own. */
export interface Caller {
  /** `agent:collector`, `operator`, `mcp`, `behaviour:auto_validation`. */
  readonly id: string;
  readonly agentId: string | null;
  /** The role whose grants decide. */
  readonly role: string;
  /** The caller's own list; a tool outside it is denied whatever the role. Null: no list, the role alone decides. */
  readonly tools: readonly string[] | null;
}

/** What a model had read when it wrote a call. Calls of people and of code carry none. */
export interface CallOrigin {
  /**
   * Whose words are in the conversation that the call came out of: servers, venues, pages, memory. Whatever a model
   * writes after reading them is derived from them, in whatever words.
   */
  readonly outside: readonly string[];
  /** What a trusted hand gave: the inputs of the run, by name. */
  readonly trusted: Readonly<Record<string, unknown>>;
}

export interface ToolCall {
  readonly tool: string;
  readonly args: unknown;
  readonly caller: Caller;
  /** Why the caller wants it; kept with proposals and audit. */
  readonly reason?: string | undefined;
  readonly runId?: string | null | undefined;
  readonly taskId?: string | null | undefined;
  /** Place within the run: with the arguments it makes the idempotency key of an effect. */
  readonly path?: string | undefined;
  readonly correlationId?: string | undefined;
  /** What its writer had read; absent for people and code. */
  readonly origin?: CallOrigin | undefined;
  /** Tools with effects are proposed, not run. */
  readonly shadow?: boolean | undefined;
  /** What people answered to what it asked when it was made before, in order. */
  readonly answers?: readonly GivenAnswer[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((fraction: number, message?: string) => void) | undefined;
}

/** A typed failure that a model can act on. `internal` hides its details; the log has them under `call_id`. */
export interface ToolFailure {
  readonly ok: false;
  readonly call_id: string;
  readonly tool: string;
  readonly error: {
    readonly code: ErrorCode | 'internal' | 'cancelled';
    readonly message: string;
    readonly retryable: boolean;
    readonly retry_after_ms?: number;
    readonly approval_id?: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
  readonly duration_ms: number;
}

export interface ToolSuccess {
  readonly ok: true;
  readonly call_id: string;
  readonly tool: string;
  readonly data: unknown;
  readonly provenance: Provenance;
  /** One or two sentences for people. */
  readonly summary: string | null;
  readonly duration_ms: number;
  /** True when the ledger answered: the effect had already happened. */
  readonly replayed: boolean;
  /** What a person put in the place of the arguments before it ran. */
  readonly edited_args?: Readonly<Record<string, unknown>> | undefined;
}

/** In shadow mode a tool with effects answers what it would have changed. */
export interface ToolProposal {
  readonly ok: true;
  readonly call_id: string;
  readonly tool: string;
  readonly proposed: true;
  readonly proposal_id: string;
  readonly would_change: Readonly<Record<string, unknown>>;
  readonly duration_ms: number;
}

export type ToolOutcome = ToolSuccess | ToolProposal | ToolFailure;

/** The one way to call a tool. Never throws for an expected failure; rejects only when aborted by `signal`. */
export interface Invoker {
  invoke(call: ToolCall): Promise<ToolOutcome>;
  /** The tools that the caller may see, by the same permission check as the call. */
  visible(caller: Caller): readonly BoundTool[];
  find(name: string): BoundTool | undefined;
}

/** A decision, with the rule that made it. `rule` is readable: `role collector grants streaming_control WRITE (needs WRITE)`. */
export interface PermissionDecision {
  readonly allowed: boolean;
  readonly rule: string;
  readonly role: string;
  readonly category: ToolCategory | null;
  readonly held: AccessLevel;
  readonly needed: AccessLevel | null;
}

/** Stage 2. Anything unknown, and any exception inside, is a denial. */
export interface PermissionGate {
  decide(caller: Caller, tool: BoundTool | undefined, toolName: string): PermissionDecision;
}

/** Stage 5. Resolves when a person (or a standing rule) agreed; throws ApprovalRequired or PermissionDenied else. */
export interface ApprovalGate {
  check(request: {
    readonly call: ToolCall;
    readonly tool: BoundTool;
    readonly args: unknown;
    readonly argsHash: string;
    readonly callId: string;
    /** Called before it resolves with the arguments that a person put in the place of these. */
    readonly edit?: ((args: unknown) => void) | undefined;
    /** Why this call needs a person whatever the gate's own policy says. */
    readonly because?: string | undefined;
  }): Promise<void>;
}

/** Stage 4: where proposed actions go. */
export interface ProposalLog {
  record(proposal: {
    readonly id: string;
    readonly call: ToolCall;
    readonly args: unknown;
    readonly wouldChange: Readonly<Record<string, unknown>>;
  }): Promise<void>;
}

/** Stage 6. Throws RateLimited. */
export interface RateGate {
  take(key: string, limit: { readonly perSecond: number; readonly burst: number }): void;
}

export type LedgerEntry =
  | { readonly state: 'new' }
  | { readonly state: 'done'; readonly result: { readonly data: unknown; readonly provenance: Provenance } }
  /** The effect was begun and left no result: an earlier process died, or it failed in a way nobody foresaw. */
  | { readonly state: 'unknown' }
  /** The same effect is at work in this process now. */
  | { readonly state: 'running' };

/**
 * Stage 8: one effect per intent. The intent is on disk before the effect runs, the result after.
 * `finish` with null says that nothing happened, so the same intent may be tried again.
 */
export interface EffectLedger {
  begin(
    key: string,
    call: { readonly tool: string; readonly argsHash: string; readonly runId: string | null },
  ): Promise<LedgerEntry>;
  finish(key: string, result: { readonly data: unknown; readonly provenance: Provenance } | null): Promise<void>;
  /** The effect is no longer at work and nobody knows its outcome. */
  leave(key: string): void;
}

export interface AuditRow {
  readonly call_id: string;
  readonly time: number;
  readonly caller: string;
  readonly agent_id: string | null;
  readonly role: string;
  readonly tool: string;
  readonly category: ToolCategory | null;
  readonly args: unknown;
  readonly decision: 'allowed' | 'denied';
  readonly rule: string;
  readonly outcome: 'success' | 'failure' | 'proposed' | 'refused' | 'replayed';
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly duration_ms: number;
  readonly run_id: string | null;
  readonly task_id: string | null;
  readonly reason: string | null;
}

/** Stage 11. Buffered; `flush` makes it durable. */
export interface AuditLog {
  record(row: AuditRow): void;
  flush(): Promise<void>;
}
