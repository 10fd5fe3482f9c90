import type { ForeignAssignments } from './mcp-checks.ts';
import type { YamlFile } from './yaml-file.ts';

/** The four files as read, whatever is wrong inside them: names are checked even where a neighbour field is wrong. */
export interface RawFiles {
  readonly system: YamlFile;
  readonly agents: YamlFile;
  readonly tasks: YamlFile;
  /** Undefined: there is no crews.yaml. */
  readonly crews: YamlFile | undefined;
  readonly systemValue: unknown;
  /** What is assigned to the tools of foreign servers. */
  readonly foreign: ForeignAssignments;
}

export type Entry = Readonly<Record<string, unknown>>;

/** Entries of a map keyed by id; whatever is not a map has none. */
export function entries(value: unknown): ReadonlyMap<string, Entry> {
  return new Map(Object.entries(asEntry(value) ?? {}).map(([id, entry]) => [id, asEntry(entry) ?? {}]));
}

/** A plain map, or undefined. */
export function asEntry(value: unknown): Entry | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? { ...value } : undefined;
}

/** The texts of a list, trimmed, with their positions. Values of another type are an issue of the schema already. */
export function namedItems(value: unknown): readonly (readonly [number, string])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown, i) => (typeof item === 'string' ? [[i, item.trim()] as const] : []));
}

/** The texts of a list, trimmed. */
export function stringList(value: unknown): readonly string[] {
  return namedItems(value).map(([, name]) => name);
}
