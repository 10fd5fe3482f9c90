import { setImmediate } from 'node:timers';
import type { OfferedColumn, OfferedRows } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import { rowOf } from '../domain/columns.ts';
import type { ColumnValue } from '../domain/columns.ts';
import type { CandleRecord, StoredRecord } from '../domain/records.ts';
import { ColumnMemory } from './column-memory.ts';
import { beats, dayNumber, idOfNumbers, isOpenCandle, isRow, isTime, rowId, timeOf } from './identity.ts';
import { RowHash } from './row-hash.ts';
import { numericColumns, offeredType, originCode, STAGED_COLUMNS, STAGED_TYPES, textColumns } from './schema.ts';
import { doublesOf, IdIndex, numberOf, sameNumber, TextColumn, type NumericColumn } from './stage-columns.ts';
import type { TableDefinition } from './tables/contract.ts';

/** A series while records are staged: its number, and the seeds of its rows' ids. */
export interface SeriesRef {
  readonly id: number;
  readonly seeds: readonly [number, number];
}

/** Records of one stream, ready to be staged. Times are UTC µs of the table's time column. */
export interface StagedBatch {
  readonly table: TableDefinition;
  readonly offer: OfferedRows;
  readonly staged: number;
  /** Records that cannot be a row: no valid time, or a value missing that is never missing. */
  readonly rejected: readonly StoredRecord[];
  /** Rows without the rivals among them: as many as can be stored. */
  readonly firsts: number;
  readonly minTime: Us;
  readonly maxTime: Us;
  /** First and last event time of all records that can be a row, doubles included; null when there is none. */
  readonly firstEventTime: Us | null;
  readonly lastEventTime: Us | null;
  /** The candles among the rows. */
  readonly slots: readonly Slot[];
  /** Per series: live rows that came again live within the batch. */
  readonly repeats: ReadonlyMap<number, number>;
  /** Per series: the days (UTC, as whole numbers since 1970) that its rows fall on. */
  readonly days: ReadonlyMap<number, ReadonlySet<number>>;
}

/** A staged candle. */
export interface Slot {
  readonly id: number;
  readonly seriesId: number;
  readonly time: Us;
  readonly record: CandleRecord;
}

/** A record that says something else under an id that the batch has. */
interface Rival {
  readonly record: StoredRecord;
  readonly id: number;
  readonly seriesId: number;
}

/**
 * Stages records of one stream: one row each, doubles within the batch dropped (first wins; of a slot, the best).
 * Those that say something else under the same id follow as rivals. In turns with what else the thread does: it receives
 * frames, which should not wait for long. Rejects with InvalidInput for a value out of its column.
 */
export async function stageBatch(
  table: TableDefinition,
  records: readonly StoredRecord[],
  seriesOf: (record: StoredRecord) => SeriesRef,
  turns: Turns = new Turns(),
): Promise<StagedBatch> {
  const staging = new Staging(table, records.length);
  for (let from = 0; from < records.length; from += RECORDS_A_LOOK) {
    await turns.next();
    for (const record of records.slice(from, from + RECORDS_A_LOOK)) staging.take(record, seriesOf(record));
  }
  return staging.finish();
}

const LEAST_TURN_MS = 1;
const MOST_TURN_MS = 30;
const RECORDS_A_LOOK = 250;

/** Turns that take as long as all else took between them, so that rows do not fall behind the frames they come in. */
export class Turns {
  #began = performance.now();
  #ownMs = LEAST_TURN_MS;

  /** Gives the turn up when it has taken its time. */
  async next(): Promise<void> {
    const now = performance.now();
    if (now - this.#began < this.#ownMs) return;
    await new Promise((resolve) => void setImmediate(resolve));
    this.#began = performance.now();
    this.#ownMs = Math.min(Math.max(this.#began - now, LEAST_TURN_MS), MOST_TURN_MS);
  }
}
const ORIGIN_COLUMN = STAGED_COLUMNS.indexOf('origin');
/** Columns begin this many values further apart than they are long, or all of them would share few lines of the cache. */
const COLUMN_GAP = 24;
const FIRST_ROWS = 256;
const FIRST_SERIES = 256;
const BYTES_A_VALUE = 8;
const NO_ROW: readonly ColumnValue[] = [];

/** Rows under way to their columns: each value is written to where the database's thread reads it. */
export class Staging {
  readonly #table: TableDefinition;
  #capacity: number;
  #step: number;
  readonly #numeric: readonly NumericColumn[];
  /** Of each column of numbers, 0 where every finite value may stand. */
  readonly #strict: Uint8Array;
  readonly #textSources: readonly number[];
  /** Column after column, each as long as the capacity. */
  #memory: Float64Array<ArrayBuffer>;
  readonly #source: ColumnMemory;
  readonly #texts: readonly TextColumn[];
  readonly #hash = new RowHash();
  readonly #ids: IdIndex;
  /** What the record being taken has in the columns that are numbers, in order. */
  readonly #numbers: Float64Array;
  /** The same memory as words of 32 bits. */
  readonly #words: Uint32Array;
  /** Of each of those columns, 1 where it tells what the venue said. */
  readonly #said: Uint8Array;
  /** The records of the rows, of candles only: any of theirs may be replaced. */
  readonly #records: StoredRecord[] = [];
  readonly #rivals: Rival[] = [];
  readonly #rejected: StoredRecord[] = [];
  readonly #days = new Map<number, Set<number>>();
  /** Day of the row before, by series; -1: there was none. */
  #dayOf = new Int32Array(FIRST_SERIES).fill(-1);
  readonly #repeats = new Map<number, number>();
  #rows = 0;
  #minTime = Number.POSITIVE_INFINITY;
  #maxTime = Number.NEGATIVE_INFINITY;
  #firstEventTime = Number.POSITIVE_INFINITY;
  #lastEventTime = Number.NEGATIVE_INFINITY;

  /**
   * `capacity`: about as many records will be taken; there is room for more, at the price of copying. `source`: where the
   * memory of the columns comes from; it goes with what `finish` gives.
   */
  constructor(table: TableDefinition, capacity: number, source: ColumnMemory = new ColumnMemory()) {
    this.#table = table;
    this.#source = source;
    this.#capacity = capacity;
    this.#step = capacity + COLUMN_GAP;
    this.#numeric = numericColumns(table).map((index) => {
      const { name = '', type = 'double', nullable = false, derived = false } = table.stored[index] ?? {};
      const whole = type !== 'double' && type !== 'boolean';
      return { name, type, source: table.sources[index] ?? -1, codes: table.codes[name], whole, nullable, derived };
    });
    const texts = textColumns(table);
    this.#textSources = texts.map((index) => table.sources[index] ?? -1);
    this.#texts = texts.map((index) => new TextColumn(table.stored[index]?.name ?? '', capacity, source));
    this.#memory = doublesOf(source, this.#step * (STAGED_COLUMNS.length + this.#numeric.length));
    this.#numbers = new Float64Array(this.#numeric.length);
    this.#words = new Uint32Array(this.#numbers.buffer);
    this.#said = Uint8Array.from(this.#numeric, ({ derived }) => (derived ? 0 : 1));
    this.#strict = Uint8Array.from(this.#numeric, ({ whole, codes }) => (whole || codes !== undefined ? 1 : 0));
    this.#ids = new IdIndex(capacity, source);
  }

  get rows(): number {
    return this.#rows;
  }

  /** What the rows so far take. */
  get bytes(): number {
    return this.#rows * (STAGED_COLUMNS.length + this.#numeric.length + this.#texts.length) * BYTES_A_VALUE;
  }

  /** Throws InvalidInput for a value out of its column. */
  take(record: StoredRecord, series: SeriesRef): void {
    const row = this.#table.direct === null ? rowOf(record) : null;
    if (row === null ? !this.#readDirect(record) : !this.#readRow(record, row)) {
      this.#rejected.push(record);
      return;
    }
    if (record.event_time < this.#firstEventTime) this.#firstEventTime = record.event_time;
    if (record.event_time > this.#lastEventTime) this.#lastEventTime = record.event_time;
    const { id: seriesId, seeds } = series;
    const id =
      row !== null || this.#table.key !== null
        ? rowId(this.#table, record, row ?? NO_ROW, seeds, this.#hash)
        : idOfNumbers(record, this.#numbers, this.#words, this.#said, seeds, this.#hash);
    const holder = this.#ids.put(id, this.#rows, this.#memory);
    if (holder === this.#rows) {
      this.#put(this.#rows++, record, row, id, seriesId, 0);
      return;
    }
    if (record.origin === 'live' && this.#memory[ORIGIN_COLUMN * this.#step + holder] === originCode('live'))
      this.#repeats.set(seriesId, (this.#repeats.get(seriesId) ?? 0) + 1);
    if (this.#table.identity !== 'content') this.#settle(holder, { record, id, seriesId });
  }

  /** The numbers of a row; false when it cannot be one. */
  #readRow(record: StoredRecord, row: readonly ColumnValue[]): boolean {
    if (!isRow(this.#table, record, row)) return false;
    const numbers = this.#numbers;
    for (let k = 0; k < this.#numeric.length; k++) {
      const column = this.#numeric[k];
      if (column !== undefined) numbers[k] = numberOf(this.#table, column, row[column.source]);
    }
    return true;
  }

  /** The same without making the row. */
  #readDirect(record: StoredRecord): boolean {
    const { direct } = this.#table;
    if (direct === null || !isTime(record.event_time) || !isTime(record.recv_time)) return false;
    const numbers = this.#numbers;
    direct.numbers(record, numbers);
    let odd = false;
    const strict = this.#strict;
    for (let k = 0; k < numbers.length; k++) {
      const value = numbers[k] ?? Number.NaN;
      // Finite: the difference of others to themselves is not a number.
      if (value - value === 0 && strict[k] === 0) continue;
      const column = this.#numeric[k];
      if (column === undefined || Number.isNaN(value)) {
        if (column?.nullable !== true) return false;
      } else if (!(column.whole && column.codes === undefined ? Number.isSafeInteger(value) : Number.isFinite(value)))
        return false;
      else if (value === -1 && column.codes !== undefined) odd = true;
    }
    // Worded where the row is at hand.
    return odd ? this.#readRow(record, rowOf(record)) : true;
  }

  /** Two records of one id: who stays, and whether the other is a rival. */
  #settle(at: number, next: Rival): void {
    const same = this.#saysSame(at, rowOf(next.record));
    const held = this.#records[at];
    if (held !== undefined && beats(next.record, held)) {
      this.#write(at, next, 0);
      if (!isOpenCandle(held) && !same) this.#rivals.push({ ...next, record: held });
    } else if (!isOpenCandle(next.record) && !same) this.#rivals.push(next);
  }

  /** Whether the row at `at` says what `row` says, in the columns that make rivals. */
  #saysSame(at: number, row: readonly ColumnValue[]): boolean {
    const { said } = this.#table;
    return (
      this.#numeric.every((column, k) => {
        if (!said.includes(column.name)) return true;
        const held = this.#memory[(STAGED_COLUMNS.length + k) * this.#step + at] ?? Number.NaN;
        return sameNumber(held, numberOf(this.#table, column, row[column.source]));
      }) &&
      this.#texts.every(
        (column, k) => !said.includes(column.name) || column.get(at) === (row[this.#textSources[k] ?? -1] ?? null),
      )
    );
  }

  /** Puts a record that was taken before. */
  #write(n: number, { record, id, seriesId }: Rival, repeated: 0 | 1): void {
    const row = rowOf(record);
    this.#readRow(record, row);
    this.#put(n, record, row, id, seriesId, repeated);
  }

  /** Puts the record whose numbers were read; `row` where there is one. */
  #put(
    n: number,
    record: StoredRecord,
    row: readonly ColumnValue[] | null,
    id: number,
    seriesId: number,
    repeated: 0 | 1,
  ): void {
    if (n >= this.#capacity) this.#grow();
    const memory = this.#memory;
    const numbers = this.#numbers;
    const step = this.#step;
    let at = n;
    memory[at] = id;
    memory[(at += step)] = seriesId;
    memory[(at += step)] = record.event_time;
    memory[(at += step)] = record.recv_time;
    memory[(at += step)] = record.seq ?? Number.NaN;
    memory[(at += step)] = originCode(record.origin);
    memory[(at += step)] = n;
    memory[(at += step)] = repeated;
    for (let k = 0; k < numbers.length; k++) memory[(at += step)] = numbers[k] ?? Number.NaN;
    const text = row === null ? this.#table.direct?.text : undefined;
    for (let k = 0; k < this.#texts.length; k++)
      this.#texts[k]?.put(n, text == null ? row?.[this.#textSources[k] ?? -1] : text(record));
    if (this.#table.identity === 'slot') this.#records[n] = record;
    this.#place(seriesId, timeOf(this.#table, record));
  }

  #grow(): void {
    const columns = this.#memory.length / this.#step;
    const capacity = Math.max(FIRST_ROWS, this.#capacity * 2);
    const step = capacity + COLUMN_GAP;
    const memory = doublesOf(this.#source, step * columns);
    for (let c = 0; c < columns; c++) {
      memory.set(this.#memory.subarray(c * this.#step, c * this.#step + this.#capacity), c * step);
    }
    this.#source.give(this.#memory.buffer);
    this.#memory = memory;
    this.#step = step;
    this.#capacity = capacity;
  }

  #place(seriesId: number, time: Us): void {
    if (time < this.#minTime) this.#minTime = time;
    if (time > this.#maxTime) this.#maxTime = time;
    const day = dayNumber(time);
    if (this.#dayOf[seriesId] === day) return;
    if (seriesId >= this.#dayOf.length) {
      const before = this.#dayOf;
      this.#dayOf = new Int32Array(seriesId * 2).fill(-1);
      this.#dayOf.set(before);
    }
    this.#dayOf[seriesId] = day;
    const own = this.#days.get(seriesId);
    if (own === undefined) this.#days.set(seriesId, new Set([day]));
    else own.add(day);
  }

  /** What was taken; the staging is used up. */
  finish(): StagedBatch {
    const firsts = this.#rows;
    for (const rival of this.#rivals) this.#write(this.#rows++, rival, 1);
    this.#ids.free();
    const rows = this.#rows;
    const columns = [
      ...STAGED_COLUMNS.map((name) => ({ name, ...STAGED_TYPES[name] })),
      ...this.#numeric.map((column) => ({ name: column.name, ...offeredType(this.#table, column) })),
    ];
    const numbers = columns.map((column, i): OfferedColumn => {
      const values = this.#memory.subarray(i * this.#step, i * this.#step + rows);
      return { ...column, values };
    });
    const none = this.#firstEventTime === Number.POSITIVE_INFINITY;
    return {
      table: this.#table,
      offer: { name: this.#table.stream, rows, columns: [...numbers, ...this.#texts.map((text) => text.finish(rows))] },
      staged: rows,
      rejected: this.#rejected,
      firsts,
      minTime: this.#minTime,
      maxTime: this.#maxTime,
      firstEventTime: none ? null : this.#firstEventTime,
      lastEventTime: none ? null : this.#lastEventTime,
      days: this.#days,
      repeats: this.#repeats,
      slots: this.#slots(),
    };
  }

  #slots(): Slot[] {
    return this.#records.flatMap((record, n) => {
      const [id, seriesId] = [this.#memory[n] ?? 0, this.#memory[this.#step + n] ?? 0];
      return record.stream === 'candles' ? [{ id, seriesId, time: record.open_time, record }] : [];
    });
  }
}
