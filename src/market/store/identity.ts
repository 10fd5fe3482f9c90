import type { Us } from '../../kit/clock.ts';
import type { ColumnValue } from '../domain/columns.ts';
import type { SeriesKey, StoredRecord } from '../domain/records.ts';
import { RowHash } from './row-hash.ts';
import type { TableDefinition } from './tables/contract.ts';

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

/** The time that places a record in a day. */
export function timeOf(table: TableDefinition, record: StoredRecord): Us {
  return table.time === 'open_time' && record.stream === 'candles' ? record.open_time : record.event_time;
}

/** Whether a record can be a row: a valid time, nothing missing that never is, no number that is not finite. */
export function isRow(table: TableDefinition, record: StoredRecord, row: readonly ColumnValue[]): boolean {
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
export function isTime(time: Us): boolean {
  return Number.isSafeInteger(time) && time >= 0 && time < 253_402_300_800_000_000 && time <= Number.MAX_SAFE_INTEGER;
}

/** Whether the later of two records of one slot takes the place. */
export function beats(next: StoredRecord, holder: StoredRecord): boolean {
  if (next.stream !== 'candles' || holder.stream !== 'candles') return false;
  return next.closed === holder.closed ? next.event_time > holder.event_time : next.closed;
}

export function isOpenCandle(record: StoredRecord): boolean {
  return record.stream === 'candles' && !record.closed;
}

/** The id of a record's row: a hash of its series and of what identifies the record. */
export function rowId(
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

/**
 * The same where all columns are doubles and everything that the venue said identifies: `NaN` is null. `words`: the memory
 * of `numbers`; `said`: 1 where the venue said it.
 */
export function idOfNumbers(
  record: StoredRecord,
  numbers: Float64Array,
  words: Uint32Array,
  said: Uint8Array,
  seeds: readonly [number, number],
  hash: RowHash,
): number {
  hash.start(seeds[0], seeds[1]);
  hash.add(record.event_time);
  hash.add(record.seq);
  hash.addNumbers(numbers, words, said);
  return hash.end();
}
