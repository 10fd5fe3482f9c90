import { canonicalJson } from '../../kit/json.ts';
import type { RunDocument } from './document.ts';

/** One value in which two runs differ; null where a run has none. */
export interface RunDifference {
  /** As in `tasks.analyse.output.price`. */
  readonly path: string;
  readonly a: unknown;
  readonly b: unknown;
}

/** What differs between any two runs and says nothing about them. */
const OWN: ReadonlySet<string> = new Set(['call_id', 'duration_ms', 'proposal_id', 'approval_id', 'id']);

/**
 * Where two runs came out differently: status, outputs, calls, effects, proposals and usage, by path.
 * Ids, times and events are left out. Lists are compared by place, tasks by name.
 */
export function diffRuns(a: RunDocument, b: RunDocument): readonly RunDifference[] {
  return [...differences('', comparable(a), comparable(b))];
}

function comparable(document: RunDocument): Readonly<Record<string, unknown>> {
  const { crew, mode, model, status, error, output, tasks, waiting_for, effects, proposed_actions, usage } = document;
  const byName = Object.fromEntries(tasks.map(({ id, ...task }) => [id, task]));
  return { crew, mode, model, status, error, output, tasks: byName, waiting_for, effects, proposed_actions, usage };
}

function* differences(path: string, a: unknown, b: unknown): Generator<RunDifference> {
  if (canonicalJson(a ?? null) === canonicalJson(b ?? null)) return;
  const [inA, inB] = [entriesOf(a), entriesOf(b)];
  if (inA === null || inB === null) {
    yield { path, a: a ?? null, b: b ?? null };
    return;
  }
  for (const key of new Set([...Object.keys(inA), ...Object.keys(inB)])) {
    if (!OWN.has(key)) yield* differences(path === '' ? key : `${path}.${key}`, inA[key], inB[key]);
  }
}

function entriesOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : null;
}
