import type { Us } from '../../../kit/clock.ts';
import type { PriceLevel } from '../../domain/records.ts';
import {
  pushBook,
  pushCandle,
  pushFunding,
  pushInterest,
  pushMark,
  pushPrices,
  pushTicker,
  pushTrade,
  type ReadContext,
} from '../shared/reading.ts';
import {
  afterInclusive,
  elementsOf,
  isObject,
  numberOf,
  optional,
  optionalCount,
  optionalPrice,
  optionalSize,
  priceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { FUNDING_HOURS, intervalOf } from './wire.ts';

const SIDES: Readonly<Record<string, 'buy' | 'sell'>> = { A: 'sell', B: 'buy' };

/** A trade; `side` is the taker's: B bought, A sold. */
export function readTrade(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const { coin, tid, px, sz, side, time } = row;
  const taker = typeof side === 'string' && Object.hasOwn(SIDES, side) ? SIDES[side] : undefined;
  return pushTrade(
    context.symbols.facts(coin),
    { id: tid, price: px, size: sz, time: timeOf(time), side: taker },
    context,
  );
}

/** `l2Book`: the whole book as far as it is shown, 20 levels a side. It has no sequence. */
export function readBook(data: unknown, context: ReadContext): Reading {
  if (!isObject(data)) return 'no book';
  const { coin, levels, time } = data;
  const [bids, asks] = elementsOf(levels);
  const wire = { snapshot: true, bids: side(bids), asks: side(asks), time: timeOf(time), seq: null };
  return pushBook(context.symbols.facts(coin), wire, context);
}

function side(levels: unknown): PriceLevel[] | undefined {
  if (!Array.isArray(levels)) return undefined;
  const read: PriceLevel[] = [];
  for (const level of levels as readonly unknown[]) {
    if (!isObject(level)) return undefined;
    const price = priceOf(level['px']);
    const size = sizeOf(level['sz']);
    if (Number.isNaN(price) || Number.isNaN(size)) return undefined;
    read.push([price, size]);
  }
  return read;
}

/** `bbo`: best bid and ask, null where a side is empty. */
export function readBest(data: unknown, context: ReadContext): Reading {
  if (!isObject(data) || !Array.isArray(data['bbo'])) return 'no best prices';
  const [bid, ask] = elementsOf(data['bbo']);
  const [b, a] = [isObject(bid) ? bid : {}, isObject(ask) ? ask : {}];
  const wire = { bid: b['px'], bidSize: b['sz'], ask: a['px'], askSize: a['sz'], time: timeOf(data['time']) };
  return pushPrices(context.symbols.facts(data['coin']), wire, context);
}

/**
 * The context of a perpetual: mark, oracle price (our index), the hourly funding rate, open interest in base units and
 * the day so far. It has no time of its own: `time` is the receive time.
 */
export function readContextOf(coin: unknown, ctx: unknown, time: Us, context: ReadContext): Reading {
  if (!isObject(ctx)) return 'no asset context';
  const facts = context.symbols.facts(coin);
  if (facts === undefined) return 'asset context without a symbol';
  const mark = optionalPrice(ctx['markPx']);
  const index = optionalPrice(ctx['oraclePx']);
  const funding = optional(ctx['funding']);
  const interest = optionalSize(ctx['openInterest']);
  const day = dayOf(ctx);
  for (const value of [mark, index, funding, interest, ...Object.values(day)]) {
    if (Number.isNaN(value)) return 'asset context cannot be read';
  }
  let records = 0;
  const take = (reading: Reading): void => {
    if (typeof reading === 'number') records += reading;
  };
  if (mark !== null) take(pushMark(facts, { mark, index, funding, time }, context));
  if (funding !== null) {
    take(pushFunding(facts, { rate: funding, time, next: null, intervalHours: FUNDING_HOURS }, context));
  }
  if (interest !== null) {
    take(pushInterest(facts, { interest, usd: mark === null ? null : interest * mark, time }, context));
  }
  take(pushTicker(facts, time, day, context));
  return records;
}

/** The last 24 hours as far as told: no last trade, no extremes. */
function dayOf(ctx: WireObject): Record<'volume_24h' | 'quote_volume_24h' | 'open_24h', number | null> {
  return {
    volume_24h: optionalSize(ctx['dayBaseVlm']),
    quote_volume_24h: optionalSize(ctx['dayNtlVlm']),
    open_24h: optionalPrice(ctx['prevDayPx']),
  };
}

/** A candle; `T` is its last ms. The wire does not say whether it is closed. */
export function readCandle(row: unknown, time: Us, closed: boolean, context: ReadContext): Reading {
  if (!isObject(row)) return 'no candle';
  const { t, T, s, i, o, h, l, c, v, n } = row;
  const interval = intervalOf(i);
  const count = optionalCount(n);
  if (interval === undefined) return 'candle of no known length';
  if (Number.isNaN(count)) return 'candle count cannot be read';
  const wire = {
    interval,
    time,
    open: timeOf(t),
    close: afterInclusive(T),
    closed,
    prices: [o, h, l, c],
    volume: sizeOf(v),
    quoteVolume: null,
    count,
  };
  return pushCandle(context.symbols.facts(s), wire, context);
}

/** A row of `fundingHistory`: the rate paid at `time`. */
export function readFundingRow(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no funding rate';
  const wire = {
    rate: row['fundingRate'],
    time: timeOf(numberOf(row['time'])),
    next: null,
    intervalHours: FUNDING_HOURS,
  };
  return pushFunding(context.symbols.facts(row['coin']), wire, context);
}
