import { Annotation } from '@langchain/langgraph';
import { mergeOutside } from '../../kit/outside.ts';
import { mergeUsage } from '../model/usage.ts';
import type { CrewPlans } from '../agent/planner.ts';
import type { TaskOutput } from '../agent/output.ts';

/** Something found that another agent should see to. Crews add fields of their own under `details`. */
export interface CrewIssue {
  readonly kind: string;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  /** The task that found it. */
  readonly task: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The shared state of a crew's graph, checkpointed after every step.
 * `outside` names whose words the inputs hold when no trusted hand gave them.
 * `outputs` and `notes` are merged by key, `issues` are appended, `inputs` are set once at kickoff.
 * `planning` holds what the planner of a crew with `planning` wrote. `halted` names what stopped the run: from then on task nodes skip themselves.
 */
export const CrewState = Annotation.Root({
  inputs: Annotation<Readonly<Record<string, unknown>>>({ reducer: (_, next) => next, default: () => ({}) }),
  outside: Annotation<readonly string[]>({ reducer: (known, more) => mergeOutside(known, more), default: () => [] }),
  outputs: Annotation<Readonly<Record<string, TaskOutput>>>({ reducer: mergeOutputs, default: () => ({}) }),
  issues: Annotation<readonly CrewIssue[]>({ reducer: (known, more) => [...known, ...more], default: () => [] }),
  notes: Annotation<Readonly<Record<string, unknown>>>({
    reducer: (known, more) => ({ ...known, ...more }),
    default: () => ({}),
  }),
  planning: Annotation<CrewPlans | null>({ reducer: (known, next) => next ?? known, default: () => null }),
  /** Names of outputs that stand from before the run was migrated; a task's node takes its own off the list. */
  carried: Annotation<readonly string[], { readonly keep: readonly string[] } | { readonly used: string }>({
    reducer: (known, next) => ('keep' in next ? next.keep : known.filter((key) => key !== next.used)),
    default: () => [],
  }),
  /** Hash of the structure that the run was migrated to before it began in this thread; null: it was not. */
  seeded: Annotation<string | null>({ reducer: (_, next) => next, default: () => null }),
  halted: Annotation<string | null>({ reducer: (known, next) => known ?? next, default: () => null }),
});

export type CrewGraphState = typeof CrewState.State;
export type CrewGraphUpdate = typeof CrewState.Update;

function mergeOutputs(
  known: Readonly<Record<string, TaskOutput>>,
  more: Readonly<Record<string, TaskOutput>>,
): Readonly<Record<string, TaskOutput>> {
  const merged: Record<string, TaskOutput> = { ...known };
  for (const [key, next] of Object.entries(more)) {
    const earlier = known[key];
    merged[key] =
      earlier === undefined
        ? next
        : {
            ...next,
            executions: earlier.executions + next.executions,
            tool_calls: [...earlier.tool_calls, ...next.tool_calls],
            proposals: [...earlier.proposals, ...next.proposals],
            usage: mergeUsage(earlier.usage, next.usage),
            outside: mergeOutside(earlier.outside, next.outside),
            started_at: earlier.started_at,
          };
  }
  return merged;
}
