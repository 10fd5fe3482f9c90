import type { Observation, PlaybookContext } from '../../src/crew/index.ts';

/** Reading of answers and tool results, which are JSON of any shape here. Nothing is assumed: what is absent is empty. */

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a JSON object; none for anything else. */
export function fields(value: unknown): Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

/** The objects of a list field. */
export function items(value: unknown, field: string): readonly Fields[] {
  const list = fields(value)[field];
  return Array.isArray(list) ? list.map(fields) : [];
}

/** The texts of a list field. */
export function texts(value: unknown, field: string): readonly string[] {
  const list = fields(value)[field];
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : [];
}

/** A number field; null when it is not a number. */
export function numberAt(value: unknown, field: string): number | null {
  const found = fields(value)[field];
  return typeof found === 'number' ? found : null;
}

/** A text field; empty when it is not a text. */
export function textAt(value: unknown, field: string): string {
  const found = fields(value)[field];
  return typeof found === 'string' ? found : '';
}

/** What the newest successful, real call of a tool gave in this task; null when there was none. */
export function resultOf(context: PlaybookContext, tool: string): unknown {
  return context.observations.findLast((o) => o.tool === tool && o.ok && !o.proposed)?.result ?? null;
}

/** All calls of a tool in this task. */
export function callsOf(context: PlaybookContext, tool: string): readonly Observation[] {
  return context.observations.filter((o) => o.tool === tool);
}

/** Output of an earlier task; null when it did not run. */
export function outputOf(context: PlaybookContext, task: string): unknown {
  return context.context.find((c) => c.task === task)?.output ?? null;
}
