import type { Us } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { MARKETS, STREAMS, viewName } from '../domain/records.ts';
import type { SeriesKey } from '../domain/records.ts';

/** Name of the market database in the data folder. */
export const DATABASE_FILE = 'streaming_data.duckdb';

const SYMBOL = /^[A-Z0-9]{1,40}(?:[_.-][A-Z0-9]{1,24}){0,5}$/;
const EXCHANGE = /^[a-z][a-z0-9]{1,23}$/;

/**
 * The view name of a series whose parts were checked, so that it can stand in SQL and in a path.
 * Throws InvalidInput for anything that is not a plain canonical name.
 */
export function vettedViewName(key: SeriesKey): string {
  if (!SYMBOL.test(key.symbol)) throw new InvalidInput(`symbol ${shown(key.symbol)} is not canonical (as in BTCUSDT)`);
  if (!EXCHANGE.test(key.exchange)) throw new InvalidInput(`exchange ${shown(key.exchange)} is not a venue name`);
  if (!MARKETS.includes(key.market))
    throw new InvalidInput(`market ${shown(key.market)} is not one of ${MARKETS.join(', ')}`);
  if (!STREAMS.includes(key.stream))
    throw new InvalidInput(`stream ${shown(key.stream)} is not one of ${STREAMS.join(', ')}`);
  return viewName(key);
}

/** A double-quoted SQL identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A single-quoted SQL text. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** `make_timestamp(…)` of a time that was checked. */
export function sqlTime(time: Us): string {
  return `make_timestamp(${Math.trunc(time)}::BIGINT)`;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
