import { quoteOutside } from '../../../kit/outside.ts';
import type { FrameVerdict } from '../contract.ts';
import { pushPrices, type ReadContext } from '../shared/reading.ts';
import { isObject, timeOf, type WireObject } from '../shared/values.ts';
import { control, readRows, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { readBest, readBook, readTrade } from './normalise.ts';

/**
 * Spreads (`sprd-` channels): two legs that are traded at the difference of their prices, which may be 0 or below. Sizes
 * are coins, or where a leg is inverse USD, which no difference converts: they are not known then.
 * https://www.okx.com/docs-v5/en/#spread-trading-websocket-public-channel. Documented there, not verified; checked against
 * recorded frames of 2023.
 */
export function readSpread(
  channel: string,
  sprdId: unknown,
  frame: WireObject,
  data: readonly unknown[],
  context: ReadContext,
): FrameVerdict {
  switch (channel) {
    case 'sprd-public-trades':
      return verdictOf(
        readRows(data, (row) => (isObject(row) ? readTrade({ ...row, instId: row['sprdId'] }, context) : 'no trade')),
      );
    case 'sprd-books5':
      return verdictOf(readRows(data, (row) => readBook(row, sprdId, true, context)));
    case 'sprd-books-l2-tbt': {
      const { action } = frame;
      if (action !== 'snapshot' && action !== 'update') return rejected('book without an action');
      return verdictOf(readRows(data, (row) => readBook(row, sprdId, action === 'snapshot', context)));
    }
    case 'sprd-bbo-tbt':
      return verdictOf(readRows(data, (row) => readBest(row, sprdId, context)));
    case 'sprd-tickers':
      return verdictOf(readRows(data, (row) => readTicker(row, context)));
    default:
      return channel.startsWith('sprd-candle')
        ? control(channel)
        : rejected(`unknown channel ${quoteOutside(channel.slice(0, 40))}`);
  }
}

/** Best prices and the last one; the day is in sizes of the wire. */
function readTicker(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no ticker';
  const { sprdId, bidPx: bid, bidSz: bidSize, askPx: ask, askSz: askSize, last, ts } = row;
  return pushPrices(context.symbols.facts(sprdId), { bid, bidSize, ask, askSize, last, time: timeOf(ts) }, context);
}
