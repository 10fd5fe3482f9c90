import { InvalidInput } from '../../kit/errors.ts';
import type { TaskSpec } from '../spec.ts';

/** One task of a plan: it starts when all of `after` have ended, and sees the outputs of `context`. */
export interface PlannedTask {
  readonly task: string;
  readonly after: readonly string[];
  readonly context: readonly string[];
}

/**
 * Orders tasks. Parallel: a task waits for its `context` alone. Sequential: it waits for the task before it as well,
 * unless that one is `async_execution` and not in its context; a task without context sees all outputs so far.
 * Context outside the given tasks is left out. Throws InvalidInput for a cycle.
 */
export function planTasks(tasks: readonly TaskSpec[], process: 'sequential' | 'parallel'): readonly PlannedTask[] {
  const ids = tasks.map((t) => t.id);
  assertAcyclic(tasks);
  if (process === 'parallel') {
    return tasks.map((t) => {
      const context = t.context.filter((id) => ids.includes(id));
      return { task: t.id, after: context, context };
    });
  }
  return tasks.map((task, i) => {
    const context = task.context.filter((id) => ids.includes(id));
    for (const id of context) {
      if (ids.indexOf(id) > i) {
        throw new InvalidInput(`task ${task.id} needs the output of ${id}, which comes later: list ${id} first`);
      }
    }
    const before = tasks.slice(0, i);
    const lastWaiting = before.filter((t) => !t.async_execution).at(-1);
    const after = new Set(context);
    if (lastWaiting !== undefined) after.add(lastWaiting.id);
    const settled = before.filter((t) => !t.async_execution).map((t) => t.id);
    return { task: task.id, after: [...after], context: context.length > 0 ? context : settled };
  });
}

function assertAcyclic(tasks: readonly TaskSpec[]): void {
  const byId = new Map(tasks.map((t) => [t.id, t]));
  const done = new Set<string>();
  const visit = (id: string, path: readonly string[]): void => {
    if (path.includes(id)) throw new InvalidInput(`the context of tasks is a circle: ${[...path, id].join(' → ')}`);
    const task = byId.get(id);
    if (task === undefined || done.has(id)) return;
    for (const next of task.context) visit(next, [...path, id]);
    done.add(id);
  };
  for (const task of tasks) visit(task.id, []);
}
