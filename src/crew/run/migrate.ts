import { z } from 'zod';
import { AppError, Conflict, errorMessage, InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { CompiledCrew } from '../graph/compile.ts';
import { changesText, type StructureChange, structureChanges } from '../graph/structure-diff.ts';
import type { CrewHooks } from '../hooks.ts';
import type { Migration } from './migration.ts';
import type { RunSeed } from './seed.ts';
import type { RunState } from './describe.ts';
import type { RunRow } from './store.ts';

const Outputs = z.record(z.string(), z.looseObject({ status: z.literal('completed'), output: z.unknown() }));

/** That a run stays with the structure that made it, what is different now, and what can be done. */
export function structureRefusal(row: RunRow, compiled: CompiledCrew, note = ''): Conflict {
  const changes = row.structure === null ? [] : structureChanges(row.structure, compiled.structure);
  const list = changes.length === 0 ? ' (what it was is not on record)' : `:\n${changesText(changes)}\n`;
  return new Conflict(
    `crew ${row.crew} has another structure than when run ${row.run_id} began${list}` +
      `${note === '' ? '' : `${note}. `}Bring it back, give the crew a migrate function, or start a new run`,
    { details: { changes } },
  );
}

/**
 * What the crew's `migrate` makes of a run. A manager begins anew, told of what stands: what it was told before speaks of
 * tasks and people that may not be there any more. Throws Conflict, with what changed, when the crew has none, when it gives
 * nothing, when it fails or gives what the crew has not.
 */
export async function migrateRun(
  row: RunRow,
  compiled: CompiledCrew,
  state: RunState,
  { migrate }: CrewHooks,
): Promise<{
  readonly inputs: RunRow['inputs'];
  readonly seed: RunSeed;
  readonly changes: readonly StructureChange[];
}> {
  const refused = (note?: string): Conflict => structureRefusal(row, compiled, note);
  if (migrate === undefined) throw refused();
  const changes = row.structure === null ? [] : structureChanges(row.structure, compiled.structure);
  const { run_id, crew, inputs } = row;
  const { outside = [], planning = null } = state;
  const outputs = standing(state);
  try {
    const migration = (await migrate({ run_id, crew, changes, inputs, outputs })) ?? null;
    if (migration === null) throw refused('Its migrate function lets this run not go on');
    checkOutputs(migration.outputs, [...compiled.taskKeys.keys()]);
    const seed = { outputs: renamed(migration.outputs, compiled.taskKeys), outside, planning };
    return { inputs: migration.inputs ?? inputs, seed, changes };
  } catch (error) {
    if (error instanceof AppError && error instanceof Conflict) throw error;
    throw refused(`Its migrate function failed: ${errorMessage(error)}`);
  }
}

/** Outputs without those that a manager has sent back and that are being done again: they stand no more. */
function standing({ outputs = {}, manager = null, reports = [] }: RunState): RunSeed['outputs'] {
  const told = new Set(reports.map((report) => report.call_id));
  const open = new Set((manager?.queue ?? []).flatMap(({ call_id, task }) => (told.has(call_id) ? [] : [task])));
  return Object.fromEntries(Object.entries(outputs).filter(([key]) => !open.has(key)));
}

function checkOutputs(outputs: unknown, keys: readonly string[]): void {
  const parsed = Outputs.safeParse(outputs);
  if (!parsed.success) throw new InvalidInput(`outputs are not of completed tasks: ${z.prettifyError(parsed.error)}`);
  const unknown = Object.keys(parsed.data).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new InvalidInput(`there is no task '${unknown}' now${didYouMean(unknown, keys)}`);
}

function renamed(outputs: Migration['outputs'], taskKeys: CompiledCrew['taskKeys']): RunSeed['outputs'] {
  return Object.fromEntries(
    Object.entries(outputs).map(([key, output]) => [key, { ...output, task: taskKeys.get(key) ?? key }]),
  );
}
