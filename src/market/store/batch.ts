import { InvalidInput } from '../../kit/errors.ts';
import type { Us } from '../../kit/clock.ts';
import type { AppendBatch } from '../../infra/duckdb/database.ts';
import { rowOf } from '../domain/columns.ts';
import type { ColumnValue } from '../domain/columns.ts';
import type { CandleRecord, SeriesKey, StoredRecord } from '../domain/records.ts';
import { RowHash } from './row-hash.ts';
import { numericColumns, originCode, stageTable, STAGED_COLUMNS, textColumns } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

/** A series while records are staged: its number, and the seeds of its rows' ids. */
export interface SeriesRef {
  readonly id: number;
  readonly seeds: readonly [number, number];
}

/** Records of one stream, ready to be staged. Times are UTC µs of the table's time column. */
export interface StagedBatch {
  readonly table: TableDefinition;
  readonly append: AppendBatch;
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
  readonly row: readonly ColumnValue[];
  readonly id: number;
  readonly seriesId: number;
}

const DAY_US = 86_400_000_000;

/** Whole days since 1970 of a time. */
export function dayNumber(time: Us): number {
  return Math.floor(time / DAY_US);
}

/** Seeds of the ids of a series' rows. */
export function seriesSeeds(key: SeriesKey): readonly [number, number] {
  const hash = new RowHash();
  hash.start(1, 2);
  for (const part of [key.exchange, key.market, key.symbol, key.stream]) hash.add(part);
  return hash.seeds();
}

/**
 * Stages records of one stream: one row each, doubles within the batch dropped (first wins; of a slot, the best).
 * Those that say something else under the same id follow as rivals. Throws InvalidInput for a value out of its column.
 */
export function stageBatch(
  table: TableDefinition,
  records: readonly StoredRecord[],
  seriesOf: (record: StoredRecord) => SeriesRef,
): StagedBatch {
  const staging = new Staging(table, records.length);
  for (const record of records) staging.take(record, seriesOf);
  return staging.finish();
}

/** Rows under way to their columns: each value is written to where the database's thread reads it, and nothing is kept. */
class Staging {
  readonly #table: TableDefinition;
  readonly #capacity: number;
  readonly #numeric: readonly Numeric[];
  readonly #textSources: readonly number[];
  /** Column after column, each as long as there are records. */
  readonly #memory: Float64Array;
  readonly #texts: (string | null)[][];
  readonly #hash = new RowHash();
  readonly #ids: IdIndex;
  readonly #records: StoredRecord[] = [];
  readonly #rivals: Rival[] = [];
  readonly #rejected: StoredRecord[] = [];
  readonly #days = new Map<number, Set<number>>();
  readonly #repeats = new Map<number, number>();
  #lastSeries = -1;
  #lastDay = -1;
  #rows = 0;
  #minTime = Number.POSITIVE_INFINITY;
  #maxTime = Number.NEGATIVE_INFINITY;
  #firstEventTime = Number.POSITIVE_INFINITY;
  #lastEventTime = Number.NEGATIVE_INFINITY;

  constructor(table: TableDefinition, capacity: number) {
    this.#table = table;
    this.#capacity = capacity;
    this.#numeric = numericColumns(table).map((index) => {
      const name = table.stored[index]?.name ?? '';
      return { name, source: table.sources[index] ?? -1, codes: table.codes[name] };
    });
    this.#textSources = textColumns(table).map((index) => table.sources[index] ?? -1);
    this.#memory = new Float64Array(capacity * (STAGED_COLUMNS.length + this.#numeric.length));
    this.#texts = this.#textSources.map(() => []);
    this.#ids = new IdIndex(capacity);
  }

  take(record: StoredRecord, seriesOf: (record: StoredRecord) => SeriesRef): void {
    const row = rowOf(record);
    if (!isRow(this.#table, record, row)) {
      this.#rejected.push(record);
      return;
    }
    if (record.event_time < this.#firstEventTime) this.#firstEventTime = record.event_time;
    if (record.event_time > this.#lastEventTime) this.#lastEventTime = record.event_time;
    const { id: seriesId, seeds } = seriesOf(record);
    const id = rowId(this.#table, record, row, seeds, this.#hash);
    const holder = this.#ids.put(id, this.#rows);
    if (holder === this.#rows) {
      this.#put(this.#rows++, record, row, id, seriesId, 0);
      return;
    }
    if (record.origin === 'live' && this.#records[holder]?.origin === 'live')
      this.#repeats.set(seriesId, (this.#repeats.get(seriesId) ?? 0) + 1);
    if (this.#table.identity !== 'content') this.#settle(holder, { record, row, id, seriesId });
  }

  /** Two records of one id: who stays, and whether the other is a rival. */
  #settle(at: number, next: Rival): void {
    const held = this.#records[at];
    if (held === undefined) return;
    const row = rowOf(held);
    const replaces = this.#table.identity === 'slot' && beats(next.record, held);
    const loser = replaces ? { ...next, record: held, row } : next;
    if (replaces) this.#put(at, next.record, next.row, next.id, next.seriesId, 0);
    if (!isOpenCandle(loser.record) && !sameSaid(this.#table, row, next.row)) this.#rivals.push(loser);
  }

  #put(
    n: number,
    record: StoredRecord,
    row: readonly ColumnValue[],
    id: number,
    seriesId: number,
    repeated: 0 | 1,
  ): void {
    const memory = this.#memory;
    const step = this.#capacity;
    let at = n;
    memory[at] = id;
    memory[(at += step)] = seriesId;
    memory[(at += step)] = record.event_time;
    memory[(at += step)] = record.recv_time;
    memory[(at += step)] = record.seq ?? Number.NaN;
    memory[(at += step)] = originCode(record.origin);
    memory[(at += step)] = n;
    memory[(at += step)] = repeated;
    for (let k = 0; k < this.#numeric.length; k++) {
      const column = this.#numeric[k];
      if (column === undefined) continue;
      const value = row[column.source];
      memory[(at += step)] = typeof value === 'number' ? value : numberOf(this.#table, column, value);
    }
    for (let k = 0; k < this.#texts.length; k++) {
      const texts = this.#texts[k];
      if (texts !== undefined) texts[n] = textOrNull(row[this.#textSources[k] ?? -1]);
    }
    this.#records[n] = record;
    this.#place(seriesId, timeOf(this.#table, record));
  }

  #place(seriesId: number, time: Us): void {
    if (time < this.#minTime) this.#minTime = time;
    if (time > this.#maxTime) this.#maxTime = time;
    const day = dayNumber(time);
    if (seriesId === this.#lastSeries && day === this.#lastDay) return;
    this.#lastSeries = seriesId;
    this.#lastDay = day;
    const own = this.#days.get(seriesId);
    if (own === undefined) this.#days.set(seriesId, new Set([day]));
    else own.add(day);
  }

  finish(): StagedBatch {
    const firsts = this.#rows;
    for (const { record, row, id, seriesId } of this.#rivals) this.#put(this.#rows++, record, row, id, seriesId, 1);
    const rows = this.#rows;
    const columns = Array.from({ length: STAGED_COLUMNS.length + this.#numeric.length }, (_, i) =>
      this.#memory.subarray(i * this.#capacity, i * this.#capacity + rows),
    );
    const none = this.#firstEventTime === Number.POSITIVE_INFINITY;
    return {
      table: this.#table,
      append: {
        table: `temp.${stageTable(this.#table)}`,
        rows,
        columns: [...columns, ...this.#texts],
        moves: true,
      },
      staged: rows,
      rejected: this.#rejected,
      firsts,
      minTime: this.#minTime,
      maxTime: this.#maxTime,
      firstEventTime: none ? null : this.#firstEventTime,
      lastEventTime: none ? null : this.#lastEventTime,
      days: this.#days,
      repeats: this.#repeats,
      slots: this.#table.identity === 'slot' ? this.#slots(rows) : [],
    };
  }

  #slots(rows: number): Slot[] {
    return this.#records.slice(0, rows).flatMap((record, n) => {
      const [id, seriesId] = [this.#memory[n] ?? 0, this.#memory[this.#capacity + n] ?? 0];
      return record.stream === 'candles' ? [{ id, seriesId, time: record.open_time, record }] : [];
    });
  }
}

/** Ids of rows to where they stand, in memory of its own: a `Map` of so many numbers costs an allocation each. */
class IdIndex {
  readonly #mask: number;
  readonly #ids: Float64Array;
  readonly #rows: Int32Array;

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
      return row;
    }
  }
}

/** A column that is staged as numbers. */
interface Numeric {
  readonly name: string;
  readonly source: number;
  readonly codes: readonly string[] | undefined;
}

function numberOf(table: TableDefinition, { name, codes }: Numeric, value: ColumnValue | undefined): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || value === undefined) return Number.NaN;
  const code = codes?.indexOf(value) ?? -1;
  if (code >= 0) return code;
  throw new InvalidInput(`${table.stream}.${name} is '${value}': not one of ${codes?.join(', ') ?? ''}`);
}

/** The time that places a record in a day. */
function timeOf(table: TableDefinition, record: StoredRecord): Us {
  return table.time === 'open_time' && record.stream === 'candles' ? record.open_time : record.event_time;
}

function isRow(table: TableDefinition, record: StoredRecord, row: readonly ColumnValue[]): boolean {
  if (!isTime(record.event_time) || !isTime(record.recv_time)) return false;
  for (let i = 0; i < table.stored.length; i++) {
    const column = table.stored[i];
    const value = row[table.sources[i] ?? -1];
    if (value === null || value === undefined) {
      if (column?.nullable !== true) return false;
    } else if (typeof value === 'number') {
      if (!(column?.type === 'double' ? Number.isFinite(value) : Number.isSafeInteger(value))) return false;
    }
  }
  return true;
}

/** Years 1970 to 9999, UTC µs. */
function isTime(time: Us): boolean {
  return Number.isSafeInteger(time) && time >= 0 && time < 253_402_300_800_000_000 && time <= Number.MAX_SAFE_INTEGER;
}

function beats(next: StoredRecord, holder: StoredRecord): boolean {
  if (next.stream !== 'candles' || holder.stream !== 'candles') return false;
  return next.closed === holder.closed ? next.event_time > holder.event_time : next.closed;
}

function isOpenCandle(record: StoredRecord): boolean {
  return record.stream === 'candles' && !record.closed;
}

function sameSaid(table: TableDefinition, a: readonly ColumnValue[], b: readonly ColumnValue[]): boolean {
  return table.stored.every((column, i) => {
    if (!table.said.includes(column.name)) return true;
    const source = table.sources[i] ?? -1;
    return a[source] === b[source];
  });
}

function rowId(
  table: TableDefinition,
  record: StoredRecord,
  row: readonly ColumnValue[],
  seeds: readonly [number, number],
  hash: RowHash,
): number {
  hash.start(seeds[0], seeds[1]);
  if (table.key !== null) table.key(record, hash);
  else {
    hash.add(record.event_time);
    hash.add(record.seq);
    for (let i = 0; i < table.stored.length; i++) {
      if (table.stored[i]?.derived === false) hash.add(row[table.sources[i] ?? -1] ?? null);
    }
  }
  return hash.end();
}

function textOrNull(value: ColumnValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
