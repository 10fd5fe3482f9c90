import { type Difference, differences } from '../../kit/difference.ts';
import type { RunDocument } from './document.ts';

/** What differs between any two runs and says nothing about them. */
const OWN: ReadonlySet<string> = new Set(['call_id', 'duration_ms', 'proposal_id', 'approval_id', 'id']);

/**
 * Where two runs came out differently: status, outputs, calls, effects, proposals and usage, by path.
 * Ids, times and events are left out. Lists are compared by place, tasks by name.
 */
export function diffRuns(a: RunDocument, b: RunDocument): readonly Difference[] {
  return differences(comparable(a), comparable(b), OWN);
}

function comparable(document: RunDocument): Readonly<Record<string, unknown>> {
  const { crew, mode, model, status, error, output, tasks, waiting_for, effects, proposed_actions, usage } = document;
  const byName = Object.fromEntries(tasks.map(({ id, ...task }) => [id, task]));
  return { crew, mode, model, status, error, output, tasks: byName, waiting_for, effects, proposed_actions, usage };
}
