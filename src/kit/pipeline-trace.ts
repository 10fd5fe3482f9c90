import type { Redactor } from './redact.ts';
import type { Clock } from './clock.ts';
import type { EventSink } from './event.ts';
import type {
  ApprovalGate,
  AuditLog,
  AuditRow,
  EffectLedger,
  PermissionDecision,
  PermissionGate,
  ProposalLog,
  RateGate,
  ToolCall,
} from './invoke.ts';
import type { Logger } from './logger.ts';
import type { OutsidePolicy } from './outside.ts';
import type { BoundTool } from './tool.ts';

/** What the pipeline is made of: its tools and its stages. */
export interface InvokerOptions {
  /** As a function: tools that may change while it runs, a new array whenever they did. */
  readonly tools: readonly BoundTool[] | (() => readonly BoundTool[]);
  readonly permission: PermissionGate;
  readonly proposals: ProposalLog;
  readonly approvals: ApprovalGate;
  /** What agents may do after reading words from outside; without one, nothing without a person. */
  readonly outside?: OutsidePolicy | undefined;
  readonly rates: RateGate;
  readonly ledger: EffectLedger;
  readonly audit: AuditLog;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes secrets out of the errors of tools. */
  readonly redactor?: Redactor | undefined;
  /** Makes ids: `ids('call')`. */
  readonly ids: (prefix: string) => string;
  /** Calls a minute that one agent may make, over all its tools; undefined: no limit. */
  readonly agentCallsPerMinute?: number | undefined;
}

/** Where in the pipeline a call is. */
export type Stage = 'look-up' | 'permission' | 'input' | 'shadow' | 'approval' | 'rate' | 'run';

/** What is known of a call so far: whatever ends it, the audit row is written from this. */
export interface Trace {
  readonly call: ToolCall;
  readonly callId: string;
  readonly startedAt: number;
  stage: Stage;
  toolName: string;
  category: AuditRow['category'];
  args: unknown;
  decision: PermissionDecision | undefined;
}

/** Milliseconds since the call came in. */
export function elapsed(options: InvokerOptions, trace: Trace): number {
  // To the microsecond: what lies below is the noise of floating-point numbers.
  return Math.round((options.clock.monotonicMs() - trace.startedAt) * 1000) / 1000;
}
