import { canonicalJson } from '../../kit/json.ts';
import type { CrewStructure } from './structure.ts';

/** One part of a crew that is not as it was. */
export interface StructureChange {
  readonly part: 'process' | 'manager' | 'agent' | 'task' | 'node' | 'edge' | 'route';
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** In words; empty where the name says it all. */
  readonly what: string;
}

/** What became of a crew's structure, part by part, each kind by name; empty for equal structures. */
export function structureChanges(from: CrewStructure, to: CrewStructure): readonly StructureChange[] {
  return [
    ...one('process', from.process, to.process),
    ...one('manager', from.manager ?? 'none', to.manager ?? 'none'),
    ...byName('agent', from.agents, to.agents, (a, b) => [listed('tools', a?.tools ?? null, b?.tools ?? null)]),
    ...byName('task', from.tasks, to.tasks, (a, b) => [
      a !== undefined && b !== undefined && a.agent === b.agent
        ? ''
        : `agent ${[a, b].flatMap((t) => (t === undefined ? [] : [t.agent ?? 'none'])).join(' → ')}`,
      listed('context', a?.context ?? null, b?.context ?? null),
      listed('tools', a?.tools ?? null, b?.tools ?? null),
    ]),
    ...byName('node', named(from.nodes), named(to.nodes), () => []),
    ...byName('edge', named(from.edges), named(to.edges), () => []),
    ...byName('route', from.routes, to.routes, (a, b) => [
      a === undefined || b === undefined ? '' : `${a} routes → ${b}`,
    ]),
  ];
}

/** The changes for people: a line each, `+` added, `-` removed, `~` changed. */
export function changesText(changes: readonly StructureChange[]): string {
  const signs = { added: '+', removed: '-', changed: '~' } as const;
  return changes
    .map(({ change, part, name, what }) => `  ${signs[change]} ${part} ${name}${what === '' ? '' : ` (${what})`}`)
    .join('\n');
}

function one(part: 'process' | 'manager', from: string, to: string): readonly StructureChange[] {
  return from === to ? [] : [{ part, name: to, change: 'changed', what: `was ${from}` }];
}

function named(names: readonly string[]): Readonly<Record<string, true>> {
  return Object.fromEntries(names.map((name) => [name, true]));
}

function byName<T>(
  part: StructureChange['part'],
  from: Readonly<Record<string, T>>,
  to: Readonly<Record<string, T>>,
  what: (from: T | undefined, to: T | undefined) => readonly string[],
): readonly StructureChange[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return names.flatMap((name) => {
    const [before, after] = [from[name], to[name]];
    if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
    const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
    const text = what(before, after).filter((words) => words !== '');
    return [{ part, name, change, what: text.join('; ') }];
  });
}

/** What came to a list and what went from it; null: there is none. */
function listed(name: string, from: readonly string[] | null, to: readonly string[] | null): string {
  const [a, b] = [from ?? [], to ?? []];
  const signed = [
    ...b.filter((item) => !a.includes(item)).map((item) => `+${item}`),
    ...a.filter((item) => !b.includes(item)).map((item) => `-${item}`),
  ];
  return signed.length === 0 ? '' : `${name} ${signed.join(' ')}`;
}
