import { canonicalJson } from '../kit/json.ts';
import type { TaskOutput } from './agent/output.ts';
import type { TaskCondition } from './spec.ts';

/** What is compared with a value; see `TaskCondition`. */
export type FieldTest = Omit<TaskCondition, 'task'>;

/** Whether a value passes: every comparison that is given must hold; a field that is not there only passes `exists: false` and `is_not`. */
export function passes(test: FieldTest, whole: unknown): boolean {
  const value = test.field === undefined ? whole : fieldOf(whole, test.field);
  if (test.exists !== undefined && test.exists !== (value !== undefined && value !== null)) return false;
  if (test.is !== undefined && !equal(value, test.is)) return false;
  if (test.is_not !== undefined && equal(value, test.is_not)) return false;
  if (test.above !== undefined && !(typeof value === 'number' && value > test.above)) return false;
  if (test.below !== undefined && !(typeof value === 'number' && value < test.below)) return false;
  if (test.contains !== undefined && !contains(value, test.contains)) return false;
  return true;
}

/** Whether a task's condition holds. False when the task that it looks at has no output. */
export function conditionHolds(condition: TaskCondition, outputs: Readonly<Record<string, TaskOutput>>): boolean {
  const subject = condition.task === undefined ? lastCompleted(outputs) : outputs[condition.task];
  return subject?.status === 'completed' && passes(condition, subject.output);
}

/** The completed output that ended last; of several that ended at once, the one listed last. */
export function lastCompleted(outputs: Readonly<Record<string, TaskOutput>>): TaskOutput | undefined {
  return Object.values(outputs)
    .filter((o) => o.status === 'completed')
    .reduce<TaskOutput | undefined>(
      (last, o) => (last === undefined || o.finished_at >= last.finished_at ? o : last),
      undefined,
    );
}

/** The value at a path of own fields, `a.b.0`; undefined when there is none. */
export function fieldOf(value: unknown, path: string): unknown {
  let here = value;
  for (const step of path.split('.')) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
    here = Object.entries(here).find(([key]) => key === step)?.[1];
  }
  return here;
}

function equal(a: unknown, b: unknown): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b);
}

function contains(value: unknown, part: string): boolean {
  if (typeof value === 'string') return value.includes(part);
  return Array.isArray(value) && value.some((entry) => entry === part);
}
