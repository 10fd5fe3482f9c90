import { pushBook, pushPrices, pushTrade, type ReadContext } from '../shared/reading.ts';
import type { FrameVerdict } from '../contract.ts';
import { isObject, levelsOf, sequenceOf, type WireObject } from '../shared/values.ts';
import { control, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { timeAt } from './wire.ts';

/**
 * The interface of unified accounts: `{"T":"trade.SPOT","P":…,"d":{…}}`, times in ns. Candles are not stored: they tell
 * neither whether they are closed nor the unit of futures. Read in messages of 2026-01, documented there, not verified:
 * https://www.kucoin.com/docs-new/3470222w0 (and the channels beside it)
 */
export function readUnified(frame: WireObject, context: ReadContext): FrameVerdict {
  const { T: type, d: data } = frame;
  const [channel, market] = typeof type === 'string' ? type.split('.') : [];
  if (channel === undefined || !isObject(data)) return rejected('not a message');
  if (market !== context.market.toUpperCase()) return rejected('channel of another market');
  switch (channel) {
    case 'trade':
      return verdictOf(readTrade(data, context));
    case 'ticker':
      return verdictOf(readBest(data, context));
    case 'obu':
      return verdictOf(readBook(data, frame['t'], context));
    default:
      return control(channel);
  }
}

function readTrade({ s, ti, E, p, q, S, M }: WireObject, context: ReadContext): Reading {
  const side = typeof S === 'string' ? S.toLowerCase() : undefined;
  return pushTrade(context.symbols.facts(s), { id: ti, price: p, size: q, time: timeAt(M), side, seq: E }, context);
}

/** Best prices with the last trade's. */
function readBest({ s, b, B, a, A, l, M, E }: WireObject, context: ReadContext): Reading {
  const wire = { bid: b, bidSize: B, ask: a, askSize: A, last: l, time: timeAt(M), seq: E };
  return pushPrices(context.symbols.facts(s), wire, context);
}

/** The best levels whole, or changes `O` to `C` after a snapshot. */
function readBook({ s, b, a, M, O, C }: WireObject, kind: unknown, context: ReadContext): Reading {
  if (kind !== 'snapshot' && kind !== 'delta') return 'book without a kind';
  const seq = sequenceOf(C);
  if (seq === null) return 'book without a sequence';
  const snapshot = kind === 'snapshot';
  const book = { snapshot, bids: levelsOf(b), asks: levelsOf(a), time: timeAt(M), seq, first: sequenceOf(O) };
  return pushBook(context.symbols.facts(s), book, context);
}
