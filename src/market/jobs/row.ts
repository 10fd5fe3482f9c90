import type { SqlRow } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import type { Stream } from '../domain/records.ts';

/** A finite number of a row, else null (missing, NULL, NaN). BIGINT that came as bigint is converted. */
export function numberOf(row: SqlRow, column: string): number | null {
  const value = row[column];
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Text of a row, else null. */
export function textOf(row: SqlRow, column: string): string | null {
  const value = row[column];
  return typeof value === 'string' ? value : null;
}

/** The row's place in time, UTC µs: the open time of a candle, the event time of everything else. */
export function timeOf(row: SqlRow, stream: Stream): Us | null {
  return numberOf(row, stream === 'candles' ? 'open_time' : 'event_time');
}

/**
 * The price that a row of a stream stands for, quote units: trade price, mark price, close, last price, or the middle
 * of best bid and ask (an oracle's price). Null where the stream has none.
 */
export function priceOf(row: SqlRow, stream: Stream): number | null {
  switch (stream) {
    case 'trades':
    case 'liquidations':
      return numberOf(row, 'price');
    case 'mark_prices':
    case 'option_summaries':
      return numberOf(row, 'mark_price');
    case 'candles':
      return numberOf(row, 'close');
    case 'ticker_24h':
      return numberOf(row, 'last_price');
    case 'prices':
      return (
        middle(numberOf(row, 'bid_price'), numberOf(row, 'ask_price')) ??
        numberOf(row, 'mid_price') ??
        numberOf(row, 'last_price')
      );
    case 'orderbooks':
      return middle(numberOf(row, 'bid_1_price'), numberOf(row, 'ask_1_price'));
    case 'funding_rates':
    case 'open_interest':
      return null;
  }
}

/** The number that a row of a stream is watched by: its price, the funding rate or the open interest. */
export function valueOf(row: SqlRow, stream: Stream): number | null {
  if (stream === 'funding_rates') return numberOf(row, 'funding_rate');
  if (stream === 'open_interest') return numberOf(row, 'open_interest');
  return priceOf(row, stream);
}

function middle(bid: number | null, ask: number | null): number | null {
  return bid === null || ask === null ? null : (bid + ask) / 2;
}

/** Columns of a row that are not values of its stream. */
const FRAME = new Set([
  'row_key',
  'id',
  'timestamp',
  'event_time',
  'recv_time',
  'exchange',
  'market',
  'symbol',
  'stream',
  'origin',
  'seq',
]);

/** The values of a row, in the columns that its stream stores. */
export function cleanedValues(row: SqlRow): Record<string, number | string | boolean | null> {
  const values: Record<string, number | string | boolean | null> = {};
  for (const [column, value] of Object.entries(row)) {
    if (FRAME.has(column)) continue;
    if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
      values[column] = value;
    } else if (typeof value === 'bigint') {
      values[column] = Number(value);
    }
  }
  return values;
}
