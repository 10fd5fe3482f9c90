import type { Us } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { ColumnSpec } from '../domain/columns.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { CleanedRow, Timeframe } from './contract.ts';
import { runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import { quoted, sqlTime } from './names.ts';
import { seriesSelect } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

const TIMEFRAME_US: Readonly<Record<Exclude<Timeframe, '1m'>, number>> = {
  '5m': 300_000_000,
  '15m': 900_000_000,
  '1h': 3_600_000_000,
  '4h': 14_400_000_000,
  '1d': 86_400_000_000,
};
const MINUTE_US = 60_000_000;

/** Statements that make the tables of derived rows in a new database. */
export function derivedTables(tables: readonly TableDefinition[]): string[] {
  return [
    'CREATE SCHEMA derived',
    ...tables.flatMap((table) => {
      const columns = table.stored.map((column) => `${quoted(column.name)} ${plainType(column)}`).join(', ');
      const whole = table.stored.map((column) => `${quoted(column.name)} ${normalType(column)}`).join(', ');
      return [
        `CREATE TABLE derived.cleaned_${table.stream} (series_id INTEGER NOT NULL, event_time TIMESTAMP NOT NULL,
           method VARCHAR NOT NULL, ${columns})`,
        `CREATE TABLE derived.normalized_${table.stream} (series_id INTEGER NOT NULL, id BIGINT NOT NULL,
           symbol VARCHAR NOT NULL, timestamp_ms BIGINT NOT NULL, ${whole})`,
      ];
    }),
    `CREATE TABLE derived.candles (series_id INTEGER NOT NULL, open_time TIMESTAMP NOT NULL, close_time TIMESTAMP NOT NULL,
       "interval" VARCHAR NOT NULL, open DOUBLE NOT NULL, high DOUBLE NOT NULL, low DOUBLE NOT NULL, close DOUBLE NOT NULL,
       volume DOUBLE NOT NULL, quote_volume DOUBLE, trade_count BIGINT, taker_buy_volume DOUBLE, taker_buy_quote DOUBLE,
       taker_buy_pct DOUBLE, vwap DOUBLE, source_candles INTEGER NOT NULL, complete BOOLEAN NOT NULL)`,
  ];
}

function plainType(column: ColumnSpec): string {
  return column.type.toUpperCase();
}

/** Normalised copies hold times as UTC ms. */
function normalType(column: ColumnSpec): string {
  return column.type === 'timestamp' ? 'BIGINT' : plainType(column);
}

/** Writes rows marked by `method`; a row of the same time and method is replaced. Throws InvalidInput for a strange column. */
export async function writeCleanedRows(core: StoreCore, key: SeriesKey, rows: readonly CleanedRow[]): Promise<number> {
  const series = core.registry.get(key);
  const { table } = series;
  if (rows.length === 0) return 0;
  const names = table.stored.map((column) => column.name);
  for (const row of rows) {
    if (!Number.isSafeInteger(row.event_time))
      throw new InvalidInput(`${series.name}: event_time ${row.event_time} is not UTC µs`);
    for (const [name, value] of Object.entries(row.values)) checkValue(table, names, name, value);
  }
  const unique = new Map(rows.map((row) => [`${row.method}|${row.event_time}`, row]));
  const kept = [...unique.values()];
  const times = kept.map((row) => row.event_time).join(', ');
  const methods = [...new Set(kept.map((row) => row.method))];
  const target = `derived.cleaned_${table.stream}`;
  const view = `CREATE OR REPLACE VIEW ${quoted(`${series.name}_cleaned`)} AS SELECT event_time AS "timestamp",
    ${names.map(quoted).join(', ')}, event_time, method FROM ${target} WHERE series_id = ${series.id}`;
  await core.db.transaction([
    {
      sql: `DELETE FROM ${target} WHERE series_id = ${series.id} AND method IN (${methods.map(() => '?').join(', ')})
        AND epoch_us(event_time) IN (${times})`,
      params: methods,
    },
    {
      append: {
        table: target,
        rows: kept.length,
        columns: [
          kept.map(() => series.id),
          kept.map((row) => row.event_time),
          kept.map((row) => row.method),
          ...names.map((name) => kept.map((row) => row.values[name] ?? null)),
        ],
      },
    },
    { sql: view },
  ]);
  return kept.length;
}

function checkValue(
  table: TableDefinition,
  names: readonly string[],
  name: string,
  value: number | string | boolean | null,
): void {
  const column = table.stored.find((spec) => spec.name === name);
  if (column === undefined) throw new InvalidInput(`${table.stream} has no column '${name}'${didYouMean(name, names)}`);
  const wanted = column.type === 'varchar' ? 'string' : column.type === 'boolean' ? 'boolean' : 'number';
  if (value !== null && typeof value !== wanted)
    throw new InvalidInput(`${table.stream}.${name} takes a ${wanted}, not ${JSON.stringify(value)}`);
}

/** Copies [from, to) in one form for all venues: UTC ms, plain symbols, eight decimals, base units, buy and sell. */
export async function writeNormalizedRows(core: StoreCore, key: SeriesKey, from: Us, to: Us): Promise<number> {
  const series = core.registry.get(key);
  const { table } = series;
  const where = `${table.time} >= ${sqlTime(from)} AND ${table.time} < ${sqlTime(to)}`;
  const target = `derived.normalized_${table.stream}`;
  const values = table.stored.map((column) => {
    const name = quoted(column.name);
    if (column.type === 'timestamp') return `epoch_ms(${name})`;
    return column.type === 'double' ? `round(${name}, 8)` : name;
  });
  const columns = table.stored.map((column) => quoted(column.name)).join(', ');
  const results = await runAll(core.db, [
    `DELETE FROM ${target} WHERE series_id = ${series.id}
       AND timestamp_ms >= ${Math.floor(from / 1000)} AND timestamp_ms < ${Math.ceil(to / 1000)}`,
    `INSERT INTO ${target} SELECT ${series.id}, id, regexp_replace('${key.symbol}', '[-/.]', '', 'g'),
       epoch_ms(${table.time}), ${values.join(', ')}
     FROM (${seriesSelect(table, series.id, core.days.source(series.name), where)})`,
    `CREATE OR REPLACE VIEW ${quoted(`${series.name}_normalized`)} AS
       SELECT id, symbol, timestamp_ms, ${columns} FROM ${target} WHERE series_id = ${series.id}`,
  ]);
  return results[1]?.changed ?? 0;
}

/** Candles of a longer interval from those of a minute, for every bucket that [from, to) touches. Gives rows written. */
export async function aggregateCandles(
  core: StoreCore,
  key: SeriesKey,
  target: Timeframe,
  from: Us,
  to: Us,
): Promise<number> {
  if (key.stream !== 'candles') throw new InvalidInput(`only candles are aggregated, not ${key.stream}`);
  if (target === '1m')
    throw new InvalidInput('candles of 1m are what the venues send; aggregate to 5m, 15m, 1h, 4h or 1d');
  const series = core.registry.get(key);
  const width = TIMEFRAME_US[target];
  const first = Math.floor(from / width) * width;
  const last = Math.ceil(to / width) * width;
  const range = `open_time >= ${sqlTime(first)} AND open_time < ${sqlTime(last)}`;
  const results = await runAll(core.db, [
    `DELETE FROM derived.candles WHERE series_id = ${series.id} AND "interval" = '${target}' AND ${range}`,
    `INSERT INTO derived.candles ${bucketSelect(core, series, target, width, range)}`,
    `CREATE OR REPLACE VIEW ${quoted(`${series.name}_${target}`)} AS SELECT * EXCLUDE (series_id) FROM derived.candles
       WHERE series_id = ${series.id} AND "interval" = '${target}'`,
  ]);
  return results[1]?.changed ?? 0;
}

/** A sum is known when every part of it is. VWAP is the quote volume over the base volume. */
function bucketSelect(core: StoreCore, series: Series, target: string, width: number, range: string): string {
  const whole = (column: string): string =>
    `CASE WHEN count(${column}) = count(*) THEN sum(${column} ORDER BY open_time) END`;
  const expected = width / MINUTE_US;
  return `SELECT series_id, bucket, make_timestamp(epoch_us(bucket) + ${width}), '${target}', open, high, low, close, volume,
      quote_volume, trade_count, taker_buy_volume, taker_buy_quote, taker_buy_volume / nullif(volume, 0) * 100,
      quote_volume / nullif(volume, 0), source_candles, source_candles = ${expected} AND all_closed
    FROM (SELECT ${series.id} AS series_id, make_timestamp(epoch_us(open_time) // ${width} * ${width}) AS bucket,
      arg_min(open, open_time) AS open, max(high) AS high, min(low) AS low, arg_max(close, open_time) AS close,
      sum(volume ORDER BY open_time) AS volume, ${whole('quote_volume')} AS quote_volume, ${whole('trade_count')} AS trade_count,
      ${whole('taker_buy_volume')} AS taker_buy_volume, ${whole('taker_buy_quote')} AS taker_buy_quote,
      count(*) AS source_candles, bool_and(closed) AS all_closed
    FROM (${seriesSelect(series.table, series.id, core.days.source(series.name), `"interval" = '1m' AND ${range}`)})
    GROUP BY bucket)`;
}
