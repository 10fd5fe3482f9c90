import type { TaskOutput } from '../agent/output.ts';
import type { StructureChange } from '../graph/structure-diff.ts';

/** A run that was begun on another structure of its crew, for the crew's `migrate`. */
export interface MigratingRun {
  readonly run_id: string;
  readonly crew: string;
  /** What became of the structure since. */
  readonly changes: readonly StructureChange[];
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What its tasks gave, by the names that they had then. */
  readonly outputs: Readonly<Record<string, TaskOutput>>;
}

/** How such a run goes on with the crew as it is now. */
export interface Migration {
  /** Default: the inputs that it had. */
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  /** What stands, by the names that the tasks have now: these tasks are not run again, all others are. */
  readonly outputs: Readonly<Record<string, TaskOutput>>;
}
