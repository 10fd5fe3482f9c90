import type { MemoryDesk } from './memory-desk.ts';
import type { AnsweredQuestion, QuestionRow } from './question-rows.ts';
import type { Feedback, FeedbackQuery } from '../crew/feedback/store.ts';
import type { PermissionDecision, ToolOutcome } from '../kit/invoke.ts';
import type { AnyEvent } from '../kit/event.ts';
import type { AuditQuery, ChainedRow } from '../crew/audit/log.ts';
import type { AuditReport } from '../crew/audit/verify.ts';
import type { RunDocument } from '../crew/run/document.ts';
import type { RunEdit, RunStep } from '../crew/run/fork.ts';

import type { CollectorStatus } from '../market/collect/contract.ts';
import type { TapePruneReport } from '../market/collect/tape-retention.ts';
import type { BackupReport } from './backup/create.ts';
import type { Judgement } from '../crew/evaluate/judge.ts';
import type { FlowDocument } from '../crew/flow/document.ts';
import type { ForeignServerRow, ForeignToolRow } from '../crew/mcp/contract.ts';

import type { Budget } from '../crew/spend/budget.ts';
import type { CallQuery, ModelCall, Spent, UsageGroup, UsageRow } from '../crew/spend/call.ts';
import type { PriceRow } from '../crew/spend/price.ts';

export type { ForeignServerRow, ForeignToolRow } from '../crew/mcp/contract.ts';

export type { AnsweredQuestion, QuestionRow } from './question-rows.ts';
export type { FlowDocument } from '../crew/flow/document.ts';
export type { RunDocument } from '../crew/run/document.ts';
export type { RunStep } from '../crew/run/fork.ts';

/**
 * What every way in (CLI, MCP, HTTP, library) can ask of a desk. Values are JSON, so the same interface is served by
 * the controller of this process and, over its control address, by one that runs elsewhere.
 */
export interface Desk extends MemoryDesk, AsyncDisposable {
  /** `local`: this process runs the controller; `remote`: another does; `files`: none runs, the databases are read. */
  readonly kind: 'local' | 'remote' | 'files';
  status(): Promise<DeskStatus>;
  health(): Promise<DeskHealth>;
  crews(): Promise<readonly CrewRow[]>;
  agents(): Promise<readonly AgentRow[]>;
  tasks(): Promise<readonly TaskRow[]>;
  tools(query?: ToolsQuery): Promise<readonly ToolRow[]>;
  describeTool(name: string): Promise<ToolDetail>;
  callTool(request: CallToolRequest, options?: CallOptions): Promise<ToolOutcome>;
  kickoff(request: KickoffRequest, options?: CallOptions): Promise<RunDocument>;
  flows(): Promise<readonly FlowRow[]>;
  runFlow(request: FlowRequest, options?: CallOptions): Promise<FlowDocument>;
  runs(query?: { readonly limit?: number | undefined; readonly crew?: string | undefined }): Promise<readonly RunRow[]>;
  run(id: string): Promise<RunDocument>;
  /** Goes on with a run that waits or was left unfinished; answers are by task. Throws NotFound. */
  resumeRun(request: ResumeRunRequest, options?: CallOptions): Promise<RunDocument>;
  /** Ends a run that is at work, waits or is suspended. False when it had already ended. Throws NotFound. */
  cancelRun(request: CancelRunRequest): Promise<boolean>;
  /** A new run from a task (`from`) or a checkpoint (`at`) of another, or from its newest. Resolves when it ends or waits. */
  forkRun(request: ForkRunRequest, options?: CallOptions): Promise<RunDocument>;
  /** Steps of a run that can be gone back to, newest first. Throws NotFound. */
  runSteps(id: string): Promise<readonly RunStep[]>;
  /** What models were asked and what it cost, summed by something. */
  usage(request: UsageRequest): Promise<readonly UsageRow[]>;
  /** Calls of models, newest first. */
  modelCalls(query?: CallQuery & { readonly limit?: number | undefined }): Promise<readonly ModelCall[]>;
  /**
   * Has a model grade an answer by a criterion. Its calls count against the budgets and are in the account, as task
   * `grade` of agent `judge` of crew `evaluation`. Throws NotFound, InvalidInput, and Unavailable when there is no grade.
   */
  judge(request: JudgeRequest, options?: CallOptions): Promise<Judgement>;
  /** Prices in use, the user's own first, each with its source and day. */
  prices(): Promise<readonly PriceRow[]>;
  /** Budgets of system.yaml, with what is spent and held now; of one per run, for `run` alone. */
  budgets(query?: { readonly run?: string | undefined }): Promise<readonly BudgetRow[]>;
  events(query: EventsQuery): Promise<readonly AnyEvent[]>;
  /** Events after `afterSeq` as they come, until the signal aborts. */
  follow(query: EventsQuery, signal: AbortSignal): AsyncIterable<AnyEvent>;
  query(
    request: QueryRequest,
    options?: CallOptions,
  ): Promise<{
    readonly columns: readonly { readonly name: string; readonly type: string }[];
    readonly rows: readonly Readonly<Record<string, unknown>>[];
    readonly truncated: boolean;
  }>;
  /** Questions that wait for a person: of one run with those that it began, or of all. */
  questions(query?: { readonly run?: string | undefined }): Promise<readonly QuestionRow[]>;
  /**
   * Answers one; the run goes on, and this resolves when it ends or waits again. Throws Conflict when it is not open (any
   * more), InvalidInput, naming the field, for an answer that does not fit.
   */
  answerQuestion(
    request: {
      readonly id: string;
      readonly answer: unknown /** Who answers, for the record. */;
      readonly by?: string | undefined;
    },
    options?: CallOptions,
  ): Promise<AnsweredQuestion>;
  /** Requests for approval; with `client`, those that an MCP client of this role may answer and has not. */
  approvals(query?: {
    readonly state?: string | undefined;
    readonly client?: McpRole | undefined;
  }): Promise<readonly ApprovalRow[]>;
  decide(request: {
    readonly id: string;
    readonly decision: 'approve' | 'reject';
    /** The person; left out where `client` says who. */
    readonly by?: string | undefined;
    /** The MCP client that answers, in its role: only where a rule names that role, and once, whoever sits there. */
    readonly client?: McpRole | undefined;
    readonly note?: string | undefined;
    /** What the person shows where system.yaml names a key for them. */
    readonly key?: string | undefined;
    /** Arguments in the place of those asked for. */
    readonly args?: Readonly<Record<string, unknown>> | undefined;
    /** Further calls that need not ask: so long, with what may differ, and how many (null: any number). */
    readonly sticky?:
      | {
          readonly for_seconds: number;
          readonly allow?: Readonly<Record<string, string>> | undefined;
          readonly uses?: number | null | undefined;
        }
      | undefined;
  }): Promise<ApprovalRow>;
  /** Approvals that cover further calls, newest first. */
  standingApprovals(): Promise<readonly StandingRow[]>;
  /** Ends one. Throws NotFound, PermissionDenied. */
  revokeApproval(request: {
    readonly id: string;
    readonly by: string;
    readonly key?: string | undefined;
  }): Promise<{ readonly id: string; readonly revoked_by: string }>;
  /** Effects that were begun and whose outcome nobody knows (a crash in between), oldest first. */
  unknownEffects(): Promise<readonly EffectRow[]>;
  /**
   * A person says what became of one: `done`, or `void` (it did not happen, and may be made again). The run that waits
   * for it goes on; when it cannot, that is in the status as its last error. Throws NotFound.
   */
  settleEffect(request: { readonly key: string; readonly outcome: 'done' | 'void'; readonly by: string }): Promise<{
    readonly key: string;
    readonly outcome: string;
    readonly settled_by: string;
    /** The run that waited for this and was taken up, null when none did. */
    readonly resumed_run: string | null;
  }>;
  /** What was decided, approved and done, newest first; calls alone unless `kind` says otherwise. */
  audit(query?: AuditQuery): Promise<readonly ChainedRow[]>;
  /** Whether the audit log is what was written; `head` is one that was kept elsewhere, as `SEQ:HASH`. Throws InvalidInput. */
  verifyAudit(request?: { readonly head?: string | undefined }): Promise<AuditReport>;
  /** What people said of answers of a crew's agents, newest first. */
  feedback(query?: FeedbackQuery): Promise<readonly Feedback[]>;
  /** Keeps what a person said of a task of a run: later prompts of the agent have it. Throws NotFound, InvalidInput. */
  giveFeedback(request: {
    readonly run: string;
    readonly task: string;
    readonly text: string;
    readonly by: string;
  }): Promise<Feedback>;
  /** Takes one back. Throws NotFound. */
  forgetFeedback(request: { readonly id: string }): Promise<Feedback>;
  explain(request: { readonly agent: string; readonly tool: string }): Promise<PermissionRow>;
  /** MCP servers of others, without asking them. */
  mcpServers(): Promise<readonly ForeignServerRow[]>;
  /** Tools of one server, or of all, as they describe them now. Throws NotFound, Unavailable. */
  mcpTools(request?: { readonly server?: string | undefined }): Promise<readonly ForeignToolRow[]>;
  /** Accepts tools as they are described now; without names every assigned one. Throws NotFound, InvalidInput. */
  acceptMcpTools(request: McpToolsRequest & { readonly by: string }): Promise<readonly ForeignToolRow[]>;
  /** Takes back what was accepted. Throws NotFound. */
  forgetMcpTools(request: McpToolsRequest): Promise<readonly ForeignToolRow[]>;
  behaviours(): Promise<readonly BehaviourRow[]>;
  runBehaviour(request: { readonly name: string }, options?: CallOptions): Promise<Readonly<Record<string, unknown>>>;
  shadowReport(query?: {
    readonly since?: number | undefined;
    readonly limit?: number | undefined;
  }): Promise<ShadowReport>;
  pause(): Promise<DeskStatus>;
  resume(): Promise<DeskStatus>;
  /** Deletes segments of the tape that ended before a time, UTC ms; with `dry_run` only tells what would go. */
  pruneTape(request: { readonly before: number; readonly dry_run: boolean }): Promise<TapePruneReport>;
  /** A backup as configured; `tape` overrides whether it holds the tape. */
  createBackup(request: { readonly tape?: boolean | undefined }): Promise<BackupReport>;
}

/** Role of an MCP client; undefined: `mcp.role`. */
export interface McpRole {
  readonly role?: string | undefined;
}

export interface McpToolsRequest {
  readonly server: string;
  /** The server's own names of its tools. */
  readonly tools: readonly string[];
}

export interface ResumeRunRequest {
  readonly run: string;
  readonly answers?: Readonly<Record<string, unknown>> | undefined;
  /** Who answers, for the record. */
  readonly by?: string | undefined;
}

export interface CancelRunRequest {
  readonly run: string;
  readonly reason: string;
}

export interface JudgeRequest {
  readonly model: string;
  readonly criterion: string;
  /** What was asked. */
  readonly inputs: unknown;
  readonly answer: unknown;
  /** Run whose answer it is: the judge's own run is then `RUN/judge_…`. */
  readonly run?: string | undefined;
}

export interface UsageRequest extends CallQuery {
  readonly by: UsageGroup;
}

/** A budget, and what has been spent and is held under it; null where that depends on a run and none was named. */
export interface BudgetRow extends Budget {
  readonly spent: Spent | null;
}

export interface ForkRunRequest {
  readonly run: string;
  readonly from?: string | undefined;
  readonly at?: string | undefined;
  readonly edit?: RunEdit | undefined;
  /** Effects are proposed, not made; default true. */
  readonly shadow?: boolean | undefined;
}

/** Things that do not travel as JSON. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((fraction: number, message?: string) => void) | undefined;
}

export type ControllerState =
  | 'uninitialized'
  | 'initializing'
  | 'ready'
  | 'running'
  | 'paused'
  | 'stopping'
  | 'stopped'
  | 'error';

export interface DeskStatus {
  readonly state: ControllerState | 'not_running';
  readonly mode: 'shadow' | 'active' | null;
  readonly version: string;
  readonly pid: number | null;
  readonly address: string | null;
  readonly data_dir: string;
  readonly source: string | null;
  readonly model: string | null;
  readonly started_at: string | null;
  readonly uptime_seconds: number | null;
  readonly error_count: number;
  readonly last_error: string | null;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly connections: readonly Readonly<Record<string, unknown>>[];
  readonly streams: readonly StreamRow[];
  /** Markets that disable_exchange stopped, as `binance_spot`; null when the desk is not open. */
  readonly disabled_markets: readonly string[] | null;
  /** Asked symbols that are not collected because the venue does not trade them now; null when the desk is not open. */
  readonly not_trading: CollectorStatus['not_trading'] | null;
  readonly active_runs: readonly string[];
  readonly health_score: number | null;
  /** Whether tools may give trading signals; null when the desk is not open. */
  readonly trading_signals: {
    readonly state: 'active' | 'paused';
    readonly since: string | null;
    readonly reason: string | null;
    readonly changed_by: string | null;
  } | null;
}

export interface DeskHealth {
  readonly healthy: boolean;
  readonly checks: Readonly<Record<string, boolean>>;
  readonly timestamp: string;
}

export interface StreamRow {
  readonly table: string;
  /** The venue's own name of what is collected under the asked one; absent where they are the same. */
  readonly listed_as?: string;
  readonly rows: number;
  readonly last_event_time: string | null;
  readonly state: string;
}

export interface CrewRow {
  readonly id: string;
  readonly name: string;
  readonly process: string;
  readonly agents: readonly string[];
  readonly tasks: readonly string[];
  readonly description: string;
}

/** Whether an agent may use a tool, by which rule, and how it came to have it. */
export interface PermissionRow extends PermissionDecision {
  readonly agent: string;
  readonly tool: string;
  readonly approval: boolean;
  /** Toolsets through which the agent has the tool; none: its own list names it, or it does not have it. */
  readonly toolsets: readonly string[];
}

export interface AgentRow {
  readonly id: string;
  readonly role: string;
  readonly goal: string;
  readonly permission_role: string | null;
  /** All that it may use, what its toolsets gave included. */
  readonly tools: readonly string[];
  readonly toolsets: Readonly<Record<string, readonly string[]>>;
  readonly crews: readonly string[];
}

export interface TaskRow {
  readonly id: string;
  readonly agent: string | null;
  readonly description: string;
  readonly priority: string;
  readonly trigger: string | null;
  readonly context: readonly string[];
}

export interface ToolsQuery {
  readonly toolset?: string | undefined;
  readonly search?: string | undefined;
  readonly agent?: string | undefined;
}

export interface ToolRow {
  readonly id: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly toolset: string;
  readonly category: string;
  readonly access: string;
  readonly effects: string;
  readonly description: string;
}

export interface ToolDetail extends ToolRow {
  readonly input_schema: Readonly<Record<string, unknown>>;
  readonly output_schema: Readonly<Record<string, unknown>>;
  readonly examples: readonly { readonly title: string; readonly input: Readonly<Record<string, unknown>> }[];
}

export interface CallToolRequest {
  readonly name: string;
  readonly args: unknown;
  /** Act as this agent (its role and its own list); without: as the caller below. */
  readonly agent?: string | undefined;
  /** `operator` (a person at the CLI) or `mcp`; decides the role when no agent is named. */
  readonly caller?: 'operator' | 'mcp' | undefined;
  /** Role of an MCP client that has one of its own; default: `mcp.role`. */
  readonly role?: string | undefined;
  readonly reason?: string | undefined;
  /** What a person answered to the tool's questions so far, in order. */
  readonly answers?: readonly unknown[] | undefined;
}

export interface KickoffRequest {
  readonly crew: string;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly shadow?: boolean | undefined;
  readonly trigger?: string | undefined;
  /** An MCP client whose role may not write can only have a crew propose. */
  readonly caller?: 'operator' | 'mcp' | undefined;
  /** Role of an MCP client that has one of its own; default: `mcp.role`. */
  readonly role?: string | undefined;
}

export interface RunRow {
  readonly id: string;
  readonly crew: string;
  readonly mode: string;
  readonly status: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly trigger: string | null;
}

export interface FlowRow {
  readonly id: string;
  readonly trigger: string | null;
  readonly enabled: boolean;
  readonly steps: readonly string[];
  readonly description: string;
}

export interface FlowRequest {
  readonly flow: string;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly shadow?: boolean | undefined;
  /** As for a crew: an MCP client whose role may not write can only have a flow propose. */
  readonly caller?: 'operator' | 'mcp' | undefined;
  /** Role of an MCP client that has one of its own; default: `mcp.role`. */
  readonly role?: string | undefined;
  /** A run that waits: it goes on, with answers by step. */
  readonly resume?:
    | {
        readonly run: string;
        readonly answers: Readonly<Record<string, unknown>>;
        /** Who answers, for the record. */
        readonly by?: string | undefined;
      }
    | undefined;
}

export interface EventsQuery {
  readonly types?: readonly string[] | undefined;
  /** UTC ms. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly source?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly afterSeq?: number | undefined;
  readonly limit?: number | undefined;
}

export interface QueryRequest {
  readonly sql: string;
  readonly maxRows: number;
  readonly timeoutMs: number;
  /** `market` (default) or `ops`. */
  readonly database?: 'market' | 'ops' | undefined;
}

/** An effect of unknown outcome; `key` is what `settleEffect` takes. */
export interface EffectRow {
  readonly id: string;
  readonly key: string;
  readonly tool: string;
  readonly run_id: string | null;
  readonly begun_at: string;
}

export interface ApprovalRow {
  readonly id: string;
  readonly state: string;
  readonly tool: string;
  readonly agent: string;
  readonly args: unknown;
  readonly reason: string | null;
  readonly requested_at: string;
  readonly expires_at: string;
  readonly decided_by: string | null;
  readonly decided_at: string | null;
  /** Different people who must agree, the roles of which one is needed (none: anybody), and who agreed so far. */
  readonly needed: number;
  readonly approvers: readonly string[];
  readonly agreed: readonly { readonly by: string; readonly note: string | null }[];
  readonly escalated_at: string | null;
  /** What a person put in the place of the arguments. */
  readonly edited_args: unknown;
}

export interface StandingRow {
  readonly id: string;
  readonly tool: string;
  readonly caller: string;
  readonly pattern: Readonly<Record<string, unknown>>;
  readonly granted_by: readonly string[];
  readonly expires_at: string;
  readonly uses_left: number | null;
  readonly state: 'in force' | 'expired' | 'used up' | 'revoked';
}

export interface BehaviourRow {
  readonly id: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly trigger: string;
  readonly priority: number;
  readonly cooldown_seconds: number;
  readonly last_run: string | null;
  readonly next_run: string | null;
  readonly last_outcome: string | null;
}

export interface ShadowReport {
  readonly proposals: readonly Readonly<Record<string, unknown>>[];
  readonly totals: {
    readonly proposals: number;
    readonly right: number;
    readonly wrong: number;
    readonly undecided: number;
    readonly accuracy: number | null;
  };
}
