import { InvalidInput } from '../../kit/errors.ts';
import type { OfferedColumn } from '../../infra/duckdb/database.ts';
import type { ColumnType, ColumnValue } from '../domain/columns.ts';
import type { ColumnMemory } from './column-memory.ts';
import type { TableDefinition } from './tables/contract.ts';

/**
 * Where the row of an id stands, by a table of row numbers alone: the ids themselves are in the rows' first column. A `Map`
 * of so many numbers costs an allocation each, and ids kept twice are twice as much memory to be missed in the cache.
 */
export class IdIndex {
  #mask: number;
  /** Row numbers from 1; 0: none. */
  #rows: Int32Array<ArrayBuffer>;
  #held = 0;
  readonly #memory: ColumnMemory;

  /** `capacity`: about as many ids will come; it grows when there are more. */
  constructor(capacity: number, memory: ColumnMemory) {
    const slots = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
    this.#memory = memory;
    this.#mask = slots - 1;
    this.#rows = this.#emptySlots(slots);
  }

  /** No more is asked of it. */
  free(): void {
    this.#memory.give(this.#rows.buffer);
    this.#rows = new Int32Array(0);
  }

  #emptySlots(slots: number): Int32Array<ArrayBuffer> {
    const rows = new Int32Array(this.#memory.take(slots * Int32Array.BYTES_PER_ELEMENT), 0, slots);
    return rows.fill(0);
  }

  /** The row that has the id; `row`, which then has it, when none had. `ids` holds those of the rows put before. */
  put(id: number, row: number, ids: Float64Array): number {
    const rows = this.#rows;
    const mask = this.#mask;
    for (let slot = id & mask; ; slot = (slot + 1) & mask) {
      const held = rows[slot] ?? 0;
      if (held !== 0) {
        if (ids[held - 1] === id) return held - 1;
        continue;
      }
      rows[slot] = row + 1;
      if (++this.#held * 2 > mask) this.#grow(id, row, ids);
      return row;
    }
  }

  /** `ids` need not hold the id of the last row yet. */
  #grow(lastId: number, lastRow: number, ids: Float64Array): void {
    const before = this.#rows;
    const mask = before.length * 2 - 1;
    const rows = this.#emptySlots(before.length * 2);
    for (const held of before) {
      if (held === 0) continue;
      let slot = (held === lastRow + 1 ? lastId : (ids[held - 1] ?? 0)) & mask;
      while (rows[slot] !== 0) slot = (slot + 1) & mask;
      rows[slot] = held;
    }
    this.#mask = mask;
    this.#rows = rows;
    this.#memory.give(before.buffer);
  }
}

/**
 * A column of text under way. As long as every text is a whole number as a number is written (ids mostly are), numbers
 * travel in its place.
 */
export class TextColumn {
  readonly name: string;
  #numbers: Float64Array<ArrayBuffer> | undefined;
  #texts: (string | null)[] = [];
  #rows = 0;
  readonly #memory: ColumnMemory;

  constructor(name: string, capacity: number, memory: ColumnMemory) {
    this.name = name;
    this.#memory = memory;
    this.#numbers = doublesOf(memory, capacity);
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
      this.#memory.give(this.#numbers.buffer);
      this.#numbers = undefined;
    }
    this.#texts[row] = text;
  }

  #grow(numbers: Float64Array<ArrayBuffer>): void {
    this.#numbers = doublesOf(this.#memory, numbers.length * 2 + 1);
    this.#numbers.set(numbers);
    this.#memory.give(numbers.buffer);
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

/** So many doubles, whose values are not said. */
export function doublesOf(memory: ColumnMemory, count: number): Float64Array<ArrayBuffer> {
  return new Float64Array(memory.take(count * Float64Array.BYTES_PER_ELEMENT), 0, count);
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
  readonly type: ColumnType;
  readonly source: number;
  readonly codes: readonly string[] | undefined;
  /** Whole numbers only. */
  readonly whole: boolean;
  readonly nullable: boolean;
  readonly derived: boolean;
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
