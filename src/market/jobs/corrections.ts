import type { Us } from '../../kit/clock.ts';
import { InvalidInput, NotFound } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { OpsStored } from '../../kit/ops.ts';
import type { SqlRow } from '../../infra/duckdb/database.ts';
import { COLUMNS } from '../domain/columns.ts';
import { MARKETS, STREAMS, viewName, type SeriesKey, type Stream } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import type { CleanedRow } from '../store/contract.ts';
import { cleanedValues, numberOf, textOf, timeOf } from './row.ts';

export type Correction = OpsStored<'corrections'>;

/** A value of a raw row that somebody wants corrected. */
export interface CorrectionOrder {
  readonly id: string;
  readonly rowKey: string;
  /** Of the row, UTC µs; its millisecond is searched. */
  readonly time: Us;
  readonly column: string;
  readonly value: number;
  readonly by: string;
  readonly reason: string;
}

type CorrectionServices = Pick<MarketServices, 'store' | 'ops' | 'clock' | 'events'>;

/** How labelled a corrected row is in the cleaned copy. */
export const CORRECTED = 'corrected';
const MOST = 100_000;
const MS_US = 1000;

/** The row that a correction is about and the value that it has now. Throws NotFound, InvalidInput. */
export async function findCorrected(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  order: Pick<CorrectionOrder, 'rowKey' | 'time' | 'column'>,
): Promise<{ readonly row: SqlRow; readonly old: number | null }> {
  const numbers = COLUMNS[key.stream]
    .filter((c) => !c.derived && (c.type === 'double' || c.type === 'bigint'))
    .map((c) => c.name);
  if (!numbers.includes(order.column)) {
    throw new InvalidInput(
      `'${order.column}' is not a number of ${key.stream}${didYouMean(order.column, numbers)}; there are ${numbers.join(', ')}`,
    );
  }
  const row = await rowOf(services, key, order.rowKey, order.time);
  if (row === undefined) {
    const at = new Date(order.time / 1000).toISOString();
    throw new NotFound(
      `${viewName(key)} has no row '${order.rowKey}' in the millisecond ${at}; query_series gives both`,
    );
  }
  return { row, old: numberOf(row, order.column) };
}

/**
 * Records a correction and writes the corrected version of the row to the cleaned copy, labelled. The raw row stays as
 * the venue said it. Throws as `findCorrected`.
 */
export async function correctRow(
  services: CorrectionServices,
  key: SeriesKey,
  order: CorrectionOrder,
): Promise<Correction> {
  const { row, old } = await findCorrected(services, key, order);
  const { exchange, market, symbol, stream } = key;
  const correction = {
    correction_id: order.id,
    corrected_at: services.clock.now(),
    exchange,
    market,
    symbol,
    stream,
    row_key: order.rowKey,
    time_us: timeOf(row, stream) ?? order.time,
    column_name: order.column,
    old_value: old,
    new_value: order.value,
    reason: order.reason,
    corrected_by: order.by,
    reverted_at: null,
    reverted_by: null,
  };
  const id = await services.ops.insert('corrections', correction);
  await writeVersion(services, key, row);
  services.events.emit(
    'data.corrected',
    {
      correction_id: order.id,
      table: viewName(key),
      row_key: order.rowKey,
      column: order.column,
      old_value: old,
      new_value: order.value,
      by: order.by,
      reason: order.reason,
    },
    { source: 'desk' },
  );
  return { ...correction, id, created_at: correction.corrected_at };
}

/** Takes a correction back: the cleaned copy loses it. Throws NotFound when there is none in force with this id. */
export async function revertCorrection(
  services: CorrectionServices,
  id: string,
  by: string,
  reason: string,
): Promise<Correction> {
  const [held] = await services.ops.select('corrections', { where: { correction_id: id }, limit: 1 });
  if (held === undefined) throw new NotFound(`there is no correction '${id}'`);
  if (held.reverted_at !== null) throw new NotFound(`correction '${id}' was reverted already`);
  const key = keyOf(held);
  await services.ops.update('corrections', held.id, { reverted_at: services.clock.now(), reverted_by: by });
  const row = await rowOf(services, key, held.row_key, held.time_us);
  if (row === undefined) await services.store.removeCleaned(key, held.row_key);
  else await writeVersion(services, key, row);
  const { row_key, column_name: column, old_value, new_value } = held;
  services.events.emit(
    'data.corrected',
    {
      correction_id: id,
      table: viewName(key),
      row_key,
      column,
      old_value: new_value,
      new_value: old_value,
      by,
      reason,
    },
    { source: 'desk' },
  );
  return held;
}

/** Corrections in force, oldest first: of a series, or of all. */
export async function correctionsInForce(
  services: Pick<MarketServices, 'ops'>,
  key?: SeriesKey,
): Promise<readonly Correction[]> {
  const of =
    key === undefined ? {} : { exchange: key.exchange, market: key.market, symbol: key.symbol, stream: key.stream };
  return services.ops.select('corrections', { where: { ...of, reverted_at: null }, limit: MOST, order: 'asc' });
}

/** Writes the corrections in force to the cleaned copies again, after a rebuild. Gives the rows written. */
export async function reapplyCorrections(services: Pick<MarketServices, 'store' | 'ops' | 'log'>): Promise<number> {
  const rows = new Map<string, Correction>();
  for (const held of await correctionsInForce(services)) rows.set(`${viewName(keyOf(held))} ${held.row_key}`, held);
  let written = 0;
  for (const held of rows.values()) {
    const key = keyOf(held);
    await services.store.ensureSeries([key]);
    const row = await rowOf(services, key, held.row_key, held.time_us);
    if (row === undefined) {
      // Its row is not held any more (retention, a quarantine, a shorter tape): the correction waits for it.
      services.log.info('correction.row_absent', { correction: held.correction_id, table: viewName(key) });
    } else written += await writeVersion(services, key, row);
  }
  return written;
}

/**
 * A row with its corrections: what the cleaned copy holds of it. Columns that were computed from what the venue said are
 * null: they would tell of the value that was corrected.
 */
export function corrected(row: SqlRow, stream: Stream, corrections: readonly Correction[]): CleanedRow['values'] {
  const values = cleanedValues(row);
  for (const column of COLUMNS[stream]) if (column.derived) values[column.name] = null;
  for (const held of corrections) if (held.row_key === row['row_key']) values[held.column_name] = held.new_value;
  return values;
}

/** Writes the version of a row that its corrections in force give; without any, it takes the version out. */
async function writeVersion(
  services: Pick<MarketServices, 'store' | 'ops'>,
  key: SeriesKey,
  row: SqlRow,
): Promise<number> {
  const rowKey = textOf(row, 'row_key') ?? '';
  const own = (await correctionsInForce(services, key)).filter((c) => c.row_key === rowKey);
  if (own.length === 0) {
    await services.store.removeCleaned(key, rowKey);
    return 0;
  }
  const time = timeOf(row, key.stream) ?? 0;
  const values = corrected(row, key.stream, own);
  return services.store.writeCleaned(key, [{ event_time: time, method: CORRECTED, row_key: rowKey, values }]);
}

async function rowOf(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  rowKey: string,
  time: Us,
): Promise<SqlRow | undefined> {
  const from = Math.floor(time / MS_US) * MS_US;
  const rows = await services.store.seriesRows({ ...key, from, to: from + MS_US, limit: 10_000 });
  return rows.find((row) => row['row_key'] === rowKey);
}

/** Of a row of our own table, whose names were vetted when it was written. */
export function keyOf(row: {
  readonly exchange: string;
  readonly market: string;
  readonly symbol: string;
  readonly stream: string;
}): SeriesKey {
  const market = MARKETS.find((m) => m === row.market);
  const stream = STREAMS.find((s) => s === row.stream);
  if (market === undefined || stream === undefined) {
    throw new NotFound(`${row.market} ${row.stream} is no series of this program`);
  }
  return { exchange: row.exchange, market, symbol: row.symbol, stream };
}
