import type { Us } from '../../../kit/clock.ts';
import type { BookProof, CandleInterval, PriceLevel } from '../../domain/records.ts';
import { closeOf } from '../shared/candle-times.ts';
import {
  pushBook,
  pushCandle,
  pushFunding,
  pushInterest,
  pushLiquidation,
  pushPrices,
  pushTicker,
  pushTrade,
  type ReadContext,
} from '../shared/reading.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import {
  decimalDifference,
  isObject,
  levelsOf,
  numberOf,
  optionalPrice,
  optionalSize,
  sequenceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';

/** `trades` and `trades-all`, and REST `history-trades`: `side` is the taker's, `sz` contracts of derivatives. */
export function readTrade(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const { instId, tradeId, px, sz, ts, side, seqId } = row;
  return pushTrade(
    context.symbols.facts(instId),
    { id: tradeId, price: px, size: sz, time: timeOf(ts), side, seq: seqId },
    context,
  );
}

/**
 * `books` (400 levels, then changes every 100 ms) and the tick-by-tick books. `seqId` follows `prevSeqId`; where a
 * recording has none, the checksum of the book is the proof.
 */
export function readBook(row: unknown, instId: unknown, snapshot: boolean, context: ReadContext): Reading {
  if (!isObject(row)) return 'no book';
  const { ts, seqId, prevSeqId, checksum } = row;
  const seq = sequenceOf(seqId);
  const proof = seq === null ? proofOf(row['bids'], row['asks'], checksum) : undefined;
  const facts = context.symbols.facts(instId);
  const signed = facts?.signed === true;
  return pushBook(
    facts,
    {
      snapshot,
      bids: levelsOf(row['bids'], signed),
      asks: levelsOf(row['asks'], signed),
      time: timeOf(ts),
      seq,
      previous: sequenceOf(prevSeqId),
      proof,
    },
    context,
  );
}

function proofOf(bids: unknown, asks: unknown, checksum: unknown): BookProof | undefined {
  const expected = numberOf(checksum);
  if (!Number.isInteger(expected)) return undefined;
  const texts = (levels: unknown): string[] =>
    Array.isArray(levels)
      ? levels.map((level: unknown) => (Array.isArray(level) ? `${String(level[0])}:${String(level[1])}` : ''))
      : [];
  return { checksum: expected, bids: texts(bids), asks: texts(asks) };
}

/** `bbo-tbt`: one level a side. */
export function readBest(row: unknown, instId: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no best prices';
  const facts = context.symbols.facts(instId);
  const bids = levelsOf(row['bids'], facts?.signed);
  const asks = levelsOf(row['asks'], facts?.signed);
  if (bids === undefined || asks === undefined) return 'best prices cannot be read';
  const [bid, ask]: (PriceLevel | undefined)[] = [bids[0], asks[0]];
  const best = { bid: bid?.[0], bidSize: bid?.[1], ask: ask?.[0], askSize: ask?.[1] };
  const time = timeOf(row['ts']);
  return pushPrices(facts, { ...best, time, seq: row['seqId'] }, context);
}

/**
 * `tickers`: best prices and the rolling day. Derivatives count contracts in `vol24h` and base units in `volCcy24h` and
 * do not tell the quote volume; spot counts base units and quote units.
 */
export function readTicker(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no ticker';
  const facts = context.symbols.facts(row['instId']);
  if (facts === undefined) return 'ticker without a symbol';
  const { bidPx: bid, bidSz: bidSize, askPx: ask, askSz: askSize, last } = row;
  const time = timeOf(row['ts']);
  const prices = pushPrices(facts, { bid, bidSize, ask, askSize, last, time }, context);
  if (typeof prices === 'string') return prices;
  const day = pushTicker(facts, time, dayOf(row, context), context);
  return typeof day === 'string' ? day : prices + day;
}

function dayOf(row: WireObject, context: ReadContext): Parameters<typeof pushTicker>[2] {
  const spot = context.market === 'spot';
  const last = optionalPrice(row['last']);
  const open = optionalPrice(row['open24h']);
  const known = last !== null && open !== null && last > 0 && open > 0;
  return {
    last_price: last,
    open_24h: open,
    high_24h: optionalPrice(row['high24h']),
    low_24h: optionalPrice(row['low24h']),
    volume_24h: optionalSize(spot ? row['vol24h'] : row['volCcy24h']),
    quote_volume_24h: spot ? optionalSize(row['volCcy24h']) : null,
    price_change: known ? decimalDifference(String(row['last']), String(row['open24h'])) : null,
    price_change_pct: known ? ((last - open) / open) * 100 : null,
  };
}

/** `funding-rate`: `fundingTime` is when `fundingRate` is paid next; the time after tells the interval. */
export function readFunding(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no funding rate';
  const { instId, fundingRate, fundingTime, ts } = row;
  // Before a swap's first payment there is a time but no rate.
  if (fundingRate === undefined || fundingRate === '') return 0;
  const time = ts === undefined || ts === '' ? context.recvTime : timeOf(ts);
  const intervalHours = fundingHours(row);
  return pushFunding(
    context.symbols.facts(instId),
    { rate: fundingRate, time, next: timeOf(fundingTime), intervalHours },
    context,
  );
}

/** Hours between the payments that a message of the funding rate names; null when it does not name two. */
export function fundingHours(row: WireObject): number | null {
  const at = numberOf(row['fundingTime']);
  const after = numberOf(row['nextFundingTime']);
  const before = numberOf(row['prevFundingTime']);
  const hours = (after > at ? after - at : at - before) / 3_600_000;
  return hours > 0 && hours <= 24 ? hours : null;
}

/** `open-interest`: `oi` contracts, `oiCcy` base units, `oiUsd` their value. */
export function readInterest(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no open interest';
  const facts = context.symbols.facts(row['instId']);
  const usd = optionalSize(row['oiUsd']);
  return pushInterest(facts, { interest: interestOf(facts, row), usd, time: timeOf(row['ts']) }, context);
}

/** Base units; NaN when they cannot be read or the contract's size is not known. */
export function interestOf(facts: SymbolFacts | undefined, row: WireObject): number {
  const coins = optionalSize(row['oiCcy']);
  if (coins !== null || facts === undefined || facts.inverse) return coins ?? NaN;
  return baseSize(facts, sizeOf(row['oi']), 1);
}

/** A `details` entry of `liquidation-orders`: `side` is the order's, `posSide` the position's (`net`: neither). */
export function readLiquidation(row: unknown, instId: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no liquidation';
  const { bkPx: price, sz: size, ts } = row;
  const side = positionSide(row['posSide'], row['side']);
  return pushLiquidation(context.symbols.facts(instId), { price, size, time: timeOf(ts), side }, context);
}

function positionSide(position: unknown, order: unknown): 'long' | 'short' | undefined {
  if (position === 'long' || position === 'short') return position;
  if (order === 'sell') return 'long';
  return order === 'buy' ? 'short' : undefined;
}

/**
 * A row of `candle1m` and of REST: `[ts, open, high, low, close, vol, volCcy, volCcyQuote, confirm]`. Derivatives count
 * contracts in `vol`, base units in `volCcy`; spot counts base units in `vol`. The venue gives no time of sending:
 * a closed candle's is its end, a running one's the time of receiving.
 */
export function readCandle(
  row: unknown,
  facts: SymbolFacts | undefined,
  interval: CandleInterval,
  context: ReadContext,
  now: Us = context.recvTime,
): Reading {
  if (!Array.isArray(row)) return 'no candle';
  const cells: readonly unknown[] = row;
  const open = timeOf(cells[0]);
  const close = closeOf(open, interval);
  const closed = cells[8] === '1';
  const spot = context.market === 'spot';
  return pushCandle(
    facts,
    {
      interval,
      time: closed ? close : now,
      open,
      close,
      closed,
      prices: cells.slice(1, 5),
      volume: sizeOf(spot ? cells[5] : cells[6]),
      quoteVolume: optionalSize(cells[7] ?? (spot ? cells[6] : undefined)),
    },
    context,
  );
}
