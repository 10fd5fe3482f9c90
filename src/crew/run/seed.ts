import type { TaskOutput } from '../agent/output.ts';
import type { CrewPlans } from '../agent/planner.ts';

/** What a run begins with when it does not begin at nothing. */
export interface RunSeed {
  readonly outputs: Readonly<Record<string, TaskOutput>>;
  readonly outside: readonly string[];
  readonly planning: CrewPlans | null;
}
