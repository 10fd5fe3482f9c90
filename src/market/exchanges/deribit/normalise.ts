import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval, PriceLevel } from '../../domain/records.ts';
import { pushBook, pushCandle, pushFunding, pushLiquidation, pushTrade, type ReadContext } from '../shared/reading.ts';
import { closeOf } from '../shared/candle-times.ts';
import {
  elementsOf,
  isObject,
  numberOf,
  optional,
  priceOf,
  sequenceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { belongsTo, FUNDING_HOURS } from './wire.ts';

/**
 * A trade; `direction` is the taker's. `liquidation` names who was liquidated: T the taker, M the maker, MT both; a
 * liquidated seller had a long position. Those of options are told as trades alone (`OPTIONS_SUPPORT`).
 */
export function readTrade(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const { instrument_name: name, trade_id, trade_seq, price, amount, direction, timestamp, liquidation } = row;
  if (!belongsTo(context.market, name)) return 0;
  const facts = context.symbols.facts(name);
  const time = timeOf(timestamp);
  const wire = { id: trade_id, price, size: amount, time, side: direction, seq: trade_seq };
  const reading = pushTrade(facts, wire, context);
  if (typeof reading === 'string' || typeof liquidation !== 'string' || context.market === 'options') return reading;
  let records = reading;
  for (const who of ['T', 'M']) {
    if (!liquidation.includes(who)) continue;
    const sold = (direction === 'sell') === (who === 'T');
    const forced = pushLiquidation(facts, { price, size: amount, time, side: sold ? 'long' : 'short' }, context);
    if (typeof forced === 'number') records += forced;
  }
  return records;
}

/**
 * `book.X.100ms`: a snapshot, then changes `[action, price, amount]` that name the change before; one that follows
 * nothing (`prev_change_id` 0) begins anew. Grouped books (`[price, amount]`) and the REST book are whole.
 */
export function readBook(data: WireObject, context: ReadContext): Reading {
  const { instrument_name: name, type, change_id, prev_change_id: previous, timestamp } = data;
  const seq = sequenceOf(change_id);
  if (seq === null) return 'book without a change id';
  const grouped = [...elementsOf(data['bids']), ...elementsOf(data['asks'])].some(
    (level) => Array.isArray(level) && typeof level[0] === 'number',
  );
  const before = sequenceOf(previous);
  if (type === 'change' && before === null) return 'book change without the one before';
  if (type === 'change' && !(data['bids'] && data['asks'])) return 'book change without both sides';
  const snapshot = type === 'snapshot' || grouped || before === null || before === 0;
  const facts = context.symbols.facts(name);
  const signed = facts?.signed === true;
  const wire = {
    snapshot,
    bids: levelsOf(data['bids'], signed),
    asks: levelsOf(data['asks'], signed),
    time: timeOf(timestamp),
    seq,
    previous: snapshot ? null : before,
  };
  return pushBook(facts, wire, context);
}

function levelsOf(value: unknown, signed: boolean): PriceLevel[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const levels: PriceLevel[] = [];
  for (const row of value as readonly unknown[]) {
    const level = elementsOf(row);
    const [action] = level;
    const [price, size] = typeof action === 'string' ? level.slice(1) : level;
    const p = signed ? (optional(price) ?? NaN) : priceOf(price);
    const s = action === 'delete' ? 0 : sizeOf(size);
    if (Number.isNaN(p) || Number.isNaN(s)) return undefined;
    levels.push([p, s]);
  }
  return levels;
}

/**
 * `chart.trades.X.1` and longer ones: `tick` is the beginning; `cost` is in the quote, but for options, whose currency it does not say.
 * The wire does not say whether it is closed.
 */
export function readCandle(
  name: string,
  row: WireObject,
  said: { readonly interval: CandleInterval; readonly time: Us; readonly closed: boolean },
  context: ReadContext,
): Reading {
  const open = timeOf(row['tick']);
  const wire = {
    ...said,
    open,
    close: closeOf(open, said.interval),
    prices: [row['open'], row['high'], row['low'], row['close']],
    volume: sizeOf(row['volume']),
    quoteVolume: row['cost'] === undefined || context.market === 'options' ? null : sizeOf(row['cost']),
  };
  return pushCandle(context.symbols.facts(name), wire, context);
}

/** A row of the funding history: the rate of the 8 hours before. */
export function readFundingRow(name: string, row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no funding rate';
  const wire = {
    rate: row['interest_8h'],
    time: timeOf(numberOf(row['timestamp'])),
    next: null,
    intervalHours: FUNDING_HOURS,
  };
  return pushFunding(context.symbols.facts(name), wire, context);
}
