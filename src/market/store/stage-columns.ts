import { InvalidInput } from '../../kit/errors.ts';
import type { OfferedColumn } from '../../infra/duckdb/database.ts';
import type { ColumnValue } from '../domain/columns.ts';
import type { TableDefinition } from './tables/contract.ts';

/** Ids of rows to where they stand, in memory of its own: a `Map` of so many numbers costs an allocation each. */
export class IdIndex {
  #mask: number;
  #ids: Float64Array;
  #rows: Int32Array;
  #held = 0;

  /** `capacity`: about as many ids will come; it grows when there are more. */
  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
    this.#mask = slots - 1;
    this.#ids = new Float64Array(slots).fill(-1);
    this.#rows = new Int32Array(slots);
  }

  /** The row that has the id; `row`, which then has it, when none had. */
  put(id: number, row: number): number {
    for (let slot = id & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const held = this.#ids[slot];
      if (held === id) return this.#rows[slot] ?? row;
      if (held !== -1) continue;
      this.#ids[slot] = id;
      this.#rows[slot] = row;
      if (++this.#held * 2 > this.#mask) this.#grow();
      return row;
    }
  }

  #grow(): void {
    const grown = new IdIndex(this.#mask + 1);
    for (let slot = 0; slot <= this.#mask; slot++) {
      const id = this.#ids[slot] ?? -1;
      if (id !== -1) grown.put(id, this.#rows[slot] ?? 0);
    }
    this.#mask = grown.#mask;
    this.#ids = grown.#ids;
    this.#rows = grown.#rows;
  }
}

/**
 * A column of text under way. As long as every text is a whole number as a number is written (ids mostly are), numbers
 * travel in its place.
 */
export class TextColumn {
  readonly name: string;
  #numbers: Float64Array | undefined;
  #texts: (string | null)[] = [];
  #rows = 0;

  constructor(name: string, capacity: number) {
    this.name = name;
    this.#numbers = new Float64Array(capacity);
  }

  put(row: number, value: ColumnValue | undefined): void {
    const text = value === null || value === undefined ? null : String(value);
    if (row >= this.#rows) this.#rows = row + 1;
    if (this.#numbers !== undefined) {
      const number = text === null ? Number.NaN : wholeNumber(text);
      if (number !== undefined) {
        if (row >= this.#numbers.length) this.#grow(this.#numbers);
        this.#numbers[row] = number;
        return;
      }
      this.#texts = Array.from(this.#numbers.subarray(0, this.#rows), textOf);
      this.#numbers = undefined;
    }
    this.#texts[row] = text;
  }

  #grow(numbers: Float64Array): void {
    this.#numbers = new Float64Array(numbers.length * 2 + 1);
    this.#numbers.set(numbers);
  }

  get(row: number): string | null {
    return this.#numbers === undefined ? (this.#texts[row] ?? null) : textOf(this.#numbers[row] ?? Number.NaN);
  }

  finish(rows: number): OfferedColumn {
    return this.#numbers === undefined
      ? { name: this.name, type: 'varchar', values: this.#texts }
      : { name: this.name, type: 'bigint', values: this.#numbers.subarray(0, rows) };
  }
}

function textOf(number: number): string | null {
  return Number.isNaN(number) ? null : String(number);
}

const MOST_DIGITS = 15;
const ZERO = 48;

/** The number that is written exactly so; undefined when there is none. */
function wholeNumber(text: string): number | undefined {
  const { length } = text;
  if (length === 0 || length > MOST_DIGITS) return undefined;
  if (length > 1 && text.charCodeAt(0) === ZERO) return undefined;
  let number = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number;
}

/** A column that is staged as numbers. */
export interface NumericColumn {
  readonly name: string;
  readonly source: number;
  readonly codes: readonly string[] | undefined;
}

export function numberOf(
  table: TableDefinition,
  { name, codes }: NumericColumn,
  value: ColumnValue | undefined,
): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || value === undefined) return Number.NaN;
  const code = codes?.indexOf(value) ?? -1;
  if (code >= 0) return code;
  throw new InvalidInput(`${table.stream}.${name} is '${value}': not one of ${codes?.join(', ') ?? ''}`);
}

/** Equal, or both not known. */
export function sameNumber(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
