import { z } from 'zod';

/** How values cross into the ops database and back: UTC ms here, µs TIMESTAMP there; values here, JSON text there. */

/** A TIMESTAMP column, as UTC ms. */
export const msOf = z.number().transform((us) => us / 1000);

/** A JSON text column, as its value; NULL is null. */
export const jsonValue = z
  .string()
  .nullable()
  .transform((text): unknown => (text === null ? null : JSON.parse(text)));

/** The text for a JSON column; null for undefined and null. */
export function jsonText(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

/** The number for `make_timestamp(?::BIGINT)`. */
export function microseconds(ms: number): number;
export function microseconds(ms: number | undefined): number | undefined;
export function microseconds(ms: number | null): number | null;
export function microseconds(ms: number | null | undefined): number | null | undefined {
  return ms === undefined || ms === null ? ms : Math.round(ms * 1000);
}

/** `WHERE a = ? AND …` of the conditions that have a value, and those values; an empty text when none has. */
export function whereClause(conditions: readonly (readonly [sql: string, value: string | number | undefined])[]): {
  readonly sql: string;
  readonly params: readonly (string | number)[];
} {
  const used = conditions.flatMap(([sql, value]) => (value === undefined ? [] : [[sql, value] as const]));
  return {
    sql: used.length === 0 ? '' : `WHERE ${used.map(([sql]) => sql).join(' AND ')}`,
    params: used.map(([, value]) => value),
  };
}
