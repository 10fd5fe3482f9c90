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
  /** The candles among the rows. */
  readonly slots: readonly Slot[];
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

interface Kept {
  readonly record: StoredRecord;
  readonly row: readonly ColumnValue[];
  readonly id: number;
  readonly seriesId: number;
  readonly time: Us;
  repeated: boolean;
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
  const rejected: StoredRecord[] = [];
  const kept = keep(table, records, seriesOf, rejected);
  const { numbers, texts } = fill(table, kept);
  let [minTime, maxTime, firsts] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  const days = new Map<number, Set<number>>();
  for (const { time, seriesId, repeated } of kept) {
    minTime = Math.min(minTime, time);
    maxTime = Math.max(maxTime, time);
    if (!repeated) firsts++;
    const own = days.get(seriesId);
    if (own === undefined) days.set(seriesId, new Set([dayNumber(time)]));
    else own.add(dayNumber(time));
  }
  const append = {
    table: `temp.${stageTable(table)}`,
    rows: kept.length,
    columns: [...numbers, ...texts],
    moves: true,
  };
  return {
    table,
    append,
    staged: kept.length,
    rejected,
    firsts,
    minTime,
    maxTime,
    days,
    slots: table.identity === 'slot' ? kept.flatMap(slot) : [],
  };
}

function slot({ id, seriesId, time, record }: Kept): Slot[] {
  return record.stream === 'candles' ? [{ id, seriesId, time, record }] : [];
}

function keep(
  table: TableDefinition,
  records: readonly StoredRecord[],
  seriesOf: (record: StoredRecord) => SeriesRef,
  rejected: StoredRecord[],
): Kept[] {
  const hash = new RowHash();
  const held = new Map<number, Kept>();
  const rivals: Kept[] = [];
  for (const record of records) {
    const row = rowOf(record);
    if (!isRow(table, record, row)) {
      rejected.push(record);
      continue;
    }
    const { id: seriesId, seeds } = seriesOf(record);
    const id = rowId(table, record, row, seeds, hash);
    const time = table.time === 'open_time' && record.stream === 'candles' ? record.open_time : record.event_time;
    const candidate: Kept = { record, row, id, seriesId, time, repeated: false };
    const holder = held.get(id);
    if (holder === undefined) held.set(id, candidate);
    else if (table.identity !== 'content') settle(table, held, rivals, holder, candidate);
  }
  return rivals.length === 0 ? [...held.values()] : [...held.values(), ...rivals];
}

function isRow(table: TableDefinition, record: StoredRecord, row: readonly ColumnValue[]): boolean {
  if (!isTime(record.event_time) || !isTime(record.recv_time)) return false;
  return table.stored.every((column, i) => {
    const value = row[table.sources[i] ?? -1];
    if (value === null || value === undefined) return column.nullable;
    if (typeof value !== 'number') return true;
    return column.type === 'double' ? Number.isFinite(value) : Number.isSafeInteger(value);
  });
}

/** Years 1970 to 9999, UTC µs. */
function isTime(time: Us): boolean {
  return Number.isSafeInteger(time) && time >= 0 && time < 253_402_300_800_000_000 && time <= Number.MAX_SAFE_INTEGER;
}

/** Two records of one id in a batch: who stays, and whether the other is a rival. */
function settle(table: TableDefinition, held: Map<number, Kept>, rivals: Kept[], holder: Kept, next: Kept): void {
  const replaces = table.identity === 'slot' && beats(next.record, holder.record);
  const loser = replaces ? holder : next;
  if (replaces) held.set(next.id, next);
  if (isOpenCandle(loser.record) || sameSaid(table, holder.row, next.row)) return;
  loser.repeated = true;
  rivals.push(loser);
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

function fill(
  table: TableDefinition,
  kept: readonly Kept[],
): { readonly numbers: readonly Float64Array[]; readonly texts: readonly (string | null)[][] } {
  const rows = kept.length;
  const numeric = numericColumns(table);
  const first = STAGED_COLUMNS.length;
  const memory = new Float64Array(rows * (first + numeric.length));
  const numbers = Array.from({ length: first + numeric.length }, (_, i) => memory.subarray(i * rows, (i + 1) * rows));
  kept.forEach(({ record, id, seriesId, repeated }, n) => {
    memory[n] = id;
    memory[rows + n] = seriesId;
    memory[2 * rows + n] = record.event_time;
    memory[3 * rows + n] = record.recv_time;
    memory[4 * rows + n] = record.seq ?? Number.NaN;
    memory[5 * rows + n] = originCode(record.origin);
    memory[6 * rows + n] = n;
    memory[7 * rows + n] = repeated ? 1 : 0;
  });
  numeric.forEach((index, k) => fillNumbers(table, kept, index, memory.subarray((first + k) * rows)));
  const texts = textColumns(table).map((index) => {
    const source = table.sources[index] ?? -1;
    return kept.map(({ row }) => textOrNull(row[source]));
  });
  return { numbers, texts };
}

function fillNumbers(table: TableDefinition, kept: readonly Kept[], index: number, target: Float64Array): void {
  const column = table.stored[index];
  const source = table.sources[index] ?? -1;
  const codes = column === undefined ? undefined : table.codes[column.name];
  for (let n = 0; n < kept.length; n++) {
    const value = kept[n]?.row[source];
    if (typeof value === 'number') target[n] = value;
    else if (typeof value === 'boolean') target[n] = value ? 1 : 0;
    else if (value === null || value === undefined) target[n] = Number.NaN;
    else {
      const code = codes?.indexOf(value) ?? -1;
      if (code < 0)
        throw new InvalidInput(
          `${table.stream}.${column?.name ?? ''} is '${value}': not one of ${codes?.join(', ') ?? ''}`,
        );
      target[n] = code;
    }
  }
}

function textOrNull(value: ColumnValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
