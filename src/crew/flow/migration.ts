import type { FlowState } from './state.ts';
import type { FlowTrigger } from './trigger.ts';

/** What of a method makes the flow's structure. */
export interface FlowMethodShape {
  readonly id: string;
  readonly start: boolean;
  readonly on: FlowTrigger | null;
  readonly routes: readonly string[] | null;
}

/** A run that was begun on another structure of its flow, for the flow's `migrate`. */
export interface MigratingFlow {
  readonly run_id: string;
  readonly flow: string;
  /** What became of its methods since, a line each. */
  readonly changes: readonly string[];
  readonly inputs: FlowState;
  readonly state: FlowState;
  /** What its methods gave the last time, by the names that they had then. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Methods that were at work, waited or came next. */
  readonly open: readonly string[];
}

/** How such a run goes on with the flow as it is now. */
export interface FlowMigration {
  /** Default: the state that it had; its id stays. */
  readonly state?: FlowState | undefined;
  /** Outputs that stand, by the names that the methods have now. Default: those of methods that are still there. */
  readonly outputs?: Readonly<Record<string, unknown>> | undefined;
  /** Methods that run next, with what each gets as `input`. */
  readonly next: Readonly<Record<string, unknown>>;
}

/** How the thread of a migrated run begins. */
export interface FlowSeed {
  readonly data: FlowState;
  /** How often each method has run. */
  readonly runs: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly next: Readonly<Record<string, unknown>>;
  readonly outside: readonly string[];
  /** Hash of the structure that it is for. */
  readonly seeded: string;
}
