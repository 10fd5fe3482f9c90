import type { Us } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { Statement } from '../../infra/duckdb/database.ts';
import type { ColumnSpec } from '../domain/columns.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { CleanedRow, FilledStretch, Timeframe } from './contract.ts';
import { runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import { MarksPlan } from './marks.ts';
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
           method VARCHAR NOT NULL, ${columns}, source_id BIGINT)`,
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

/** Columns that older databases lack. */
export function derivedUpgrades(tables: readonly TableDefinition[]): string[] {
  return tables.map((table) => `ALTER TABLE derived.cleaned_${table.stream} ADD COLUMN IF NOT EXISTS source_id BIGINT`);
}

/**
 * Writes rows marked by `method`. The version of a raw row replaces the one there was; a row that no venue said replaces
 * that of the same time and method. Columns that the view computes are left out. `filled`
 * marks the stretch in the ledger. Throws InvalidInput for a strange column or row key.
 */
export async function writeCleanedRows(
  core: StoreCore,
  key: SeriesKey,
  rows: readonly CleanedRow[],
  filled?: FilledStretch,
): Promise<number> {
  const series = core.registry.get(key);
  const { table } = series;
  if (rows.length === 0) return 0;
  const names = table.stored.map((column) => column.name);
  const computed = Object.keys(table.computed(''));
  for (const row of rows) {
    if (!Number.isSafeInteger(row.event_time))
      throw new InvalidInput(`${series.name}: event_time ${row.event_time} is not UTC µs`);
    for (const [name, value] of Object.entries(row.values)) {
      if (!computed.includes(name)) checkValue(table, names, name, value);
    }
  }
  const unique = new Map(rows.map((row) => [row.row_key ?? `${row.method}|${row.event_time}`, row]));
  const kept = [...unique.values()];
  const target = `derived.cleaned_${table.stream}`;
  const view = `CREATE OR REPLACE VIEW ${quoted(`${series.name}_cleaned`)} AS SELECT event_time AS "timestamp",
    ${names.map(quoted).join(', ')}, event_time, method, source_id::VARCHAR AS row_key
    FROM ${target} WHERE series_id = ${series.id}`;
  const marks = new MarksPlan(core);
  if (filled !== undefined) {
    const { from, to, strategy } = filled;
    marks.add(series.id, { from, to, state: 'interpolated', reason: `filled in the cleaned copy: ${strategy}` });
  }
  await core.db.transaction([
    ...replaced(target, series, kept),
    {
      append: {
        table: target,
        rows: kept.length,
        columns: [
          kept.map(() => series.id),
          kept.map((row) => row.event_time),
          kept.map((row) => row.method),
          ...names.map((name) => kept.map((row) => row.values[name] ?? null)),
          kept.map((row) => sourceOf(series, row.row_key)),
        ],
      },
    },
    { sql: view },
    ...marks.statements(),
  ]);
  marks.done();
  return kept.length;
}

/** Takes the version of a raw row out of the cleaned copy. */
export async function removeCleanedRow(core: StoreCore, key: SeriesKey, rowKey: string): Promise<number> {
  const series = core.registry.get(key);
  const target = `derived.cleaned_${series.table.stream}`;
  const source = sourceOf(series, rowKey);
  const { changed } = await core.db.run(
    `DELETE FROM ${target} WHERE series_id = ${series.id} AND source_id = ${source}`,
  );
  return changed;
}

function replaced(target: string, series: Series, rows: readonly CleanedRow[]): Statement[] {
  const own = `DELETE FROM ${target} WHERE series_id = ${series.id} AND`;
  const sources = rows.flatMap((row) => sourceOf(series, row.row_key) ?? []);
  const times = rows.map((row) => row.event_time).join(', ');
  const methods = [...new Set(rows.map((row) => row.method))];
  const params = methods.map(() => '?').join(', ');
  // Without a source: rows that no venue said, and versions that an older program wrote.
  const bare = `source_id IS NULL AND method IN (${params}) AND epoch_us(event_time) IN (${times})`;
  return [
    { sql: `${own} ${bare}`, params: methods },
    ...(sources.length === 0 ? [] : [{ sql: `${own} source_id IN (${sources.join(', ')})` }]),
  ];
}

/** The number of a raw row; null for none. Throws InvalidInput for text that is not a row key. */
function sourceOf(series: Series, rowKey: string | null | undefined): number | null {
  if (rowKey === null || rowKey === undefined) return null;
  if (!/^\d{1,16}$/.test(rowKey)) throw new InvalidInput(`'${rowKey.slice(0, 40)}' is not a row_key of ${series.name}`);
  return Number(rowKey);
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
