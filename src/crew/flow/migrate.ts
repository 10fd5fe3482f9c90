import { z } from 'zod';
import { Conflict, errorMessage, InvalidInput } from '../../kit/errors.ts';
import { canonicalJson } from '../../kit/json.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { FlowDefinition } from './define.ts';
import type { FlowDocument } from './document.ts';
import type { FlowMethodShape, FlowSeed } from './migration.ts';
import type { FlowValues } from './graph.ts';
import type { FlowState } from './state.ts';

const Given = z.object({
  state: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
  next: z.record(z.string(), z.unknown()),
});

/** The methods of a flow as its structure has them. */
export function shapeOf(flow: FlowDefinition): readonly FlowMethodShape[] {
  return flow.methods.map(({ id, start, on, routes }) => ({ id, start, on, routes }));
}

/** What became of a flow's methods, a line each: `+` added, `-` removed, `~` changed. */
export function flowChanges(before: readonly FlowMethodShape[], now: readonly FlowMethodShape[]): readonly string[] {
  const known = new Map(before.map((method) => [method.id, canonicalJson(method)]));
  const still = new Set(now.map((method) => method.id));
  return [
    ...now.flatMap((method) => {
      const was = known.get(method.id);
      if (was === undefined) return [`+ method ${method.id}`];
      return was === canonicalJson(method) ? [] : [`~ method ${method.id} (start, triggers or routes)`];
    }),
    ...before.filter((method) => !still.has(method.id)).map((method) => `- method ${method.id}`),
  ];
}

/** That a run stays with the structure that made it, what is different now, and what can be done. */
export function flowRefusal(document: FlowDocument, flow: FlowDefinition, note = ''): Conflict {
  const changes = document.structure === undefined ? [] : flowChanges(document.structure, shapeOf(flow));
  const list = changes.length === 0 ? ' (what it was is not on record)' : `:\n  ${changes.join('\n  ')}\n`;
  return new Conflict(
    `flow ${flow.id} has other methods than when run ${document.run_id} began${list}` +
      `${note === '' ? '' : `${note}. `}Bring them back, give the flow a migrate function, or start a new run`,
    { details: { changes } },
  );
}

/** What the flow's `migrate` makes of a run. Throws Conflict when it has none, gives nothing, fails, or gives what the flow has not. */
export async function migrateFlow(
  document: FlowDocument,
  flow: FlowDefinition,
  values: Partial<FlowValues>,
  open: readonly string[],
  hash: string,
): Promise<FlowSeed> {
  const refused = (note?: string): Conflict => flowRefusal(document, flow, note);
  if (flow.migrate === null) throw refused();
  const { run_id, inputs, structure = [] } = document;
  const { data: state = document.state, outputs = {}, runs = {}, outside = document.outside ?? [] } = values;
  const changes = flowChanges(structure, shapeOf(flow));
  try {
    const given = await flow.migrate({ run_id, flow: flow.id, changes, inputs, state, outputs, open });
    if (given === null) throw refused('Its migrate function lets this run not go on');
    return seedOf(flow, Given.parse(given), { state, outputs, runs, outside, open, hash });
  } catch (error) {
    if (error instanceof Conflict) throw error;
    throw refused(`Its migrate function failed: ${errorMessage(error)}`);
  }
}

function seedOf(
  flow: FlowDefinition,
  given: z.output<typeof Given>,
  was: Pick<FlowValues, 'outputs' | 'runs' | 'outside'> & {
    readonly state: FlowState;
    readonly open: readonly string[];
    readonly hash: string;
  },
): FlowSeed {
  const ids = flow.methods.map((method) => method.id);
  const still = Object.fromEntries(Object.entries(was.outputs).filter(([id]) => ids.includes(id)));
  const { state = was.state, outputs = still, next } = given;
  const unknown = [...Object.keys(outputs), ...Object.keys(next)].find((id) => !ids.includes(id));
  if (unknown !== undefined) throw new InvalidInput(`there is no method '${unknown}' now${didYouMean(unknown, ids)}`);
  if (Object.keys(next).length === 0) throw new InvalidInput('next names no method: nothing would run');
  const data = { ...flow.check({ ...state, id: was.state['id'] }), id: was.state['id'] };
  // A method that was at work counts as not run: run again, it finds the runs that it had begun.
  const counted = ids.map((id) => [id, (was.runs[id] ?? 0) - (was.open.includes(id) ? 1 : 0)] as const);
  return { data, runs: Object.fromEntries(counted), outputs, next, outside: was.outside, seeded: was.hash };
}
