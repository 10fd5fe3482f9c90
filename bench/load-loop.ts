// A stretch of the simulated market that comes again and again, so that an endless load costs little to make.
import type { Ms } from '../src/kit/clock.ts';
import type {
  SimulatedBookChange,
  SimulatedCandle,
  SimulatedTrade,
} from '../src/market/exchanges/simulator-contract.ts';
import type { ModelMarket } from '../src/market/simulator/model/market.ts';

type Level = readonly [number, number];

const STEP_MS = 100;
const MINUTE_MS = 60_000;

/** The stretch; `since` is infinite until it is known. */
export interface Loop {
  since: Ms;
  readonly length: Ms;
}

/**
 * The market up to the end of the loop's first round, and after that the same prices and sizes again, under later times
 * and with ids and sequence numbers that go on. Where a round meets the next, the book changes by what lies between.
 */
export function repeating(market: ModelMarket, loop: Loop): ModelMarket {
  const { length } = loop;
  const roundOf = (at: Ms): number => (at < loop.since ? 0 : Math.floor((at - loop.since) / length));
  /** Of what is known before a time: the end of a round belongs to it. */
  const roundBefore = (at: Ms): number => (at <= loop.since ? 0 : Math.ceil((at - loop.since) / length) - 1);
  const tradesEach = (symbol: string): number =>
    loop.since === Number.POSITIVE_INFINITY
      ? 0
      : market.tradeIdAt(symbol, loop.since + length) - market.tradeIdAt(symbol, loop.since);
  const numbersEach = (symbol: string): number =>
    loop.since === Number.POSITIVE_INFINITY
      ? 0
      : market.book(symbol, loop.since + length, 1).seq - market.book(symbol, loop.since, 1).seq;

  /** [from, to) by rounds, in the market's own times. */
  function* rounds(from: Ms, to: Ms): Generator<{ readonly round: number; readonly from: Ms; readonly to: Ms }> {
    for (let at = from; at < to; ) {
      const round = roundOf(at);
      const end = Math.min(to, loop.since + (round + 1) * length);
      yield { round, from: at - round * length, to: end - round * length };
      at = end;
    }
  }
  const tradesOf = (symbol: string, from: Ms, to: Ms): SimulatedTrade[] =>
    [...rounds(from, to)].flatMap(({ round, from: begin, to: end }) => {
      const ids = round === 0 ? 0 : round * tradesEach(symbol);
      return market
        .trades(symbol, begin, end)
        .map((trade) => ({ ...trade, at: trade.at + round * length, id: trade.id + ids }));
    });
  const bookOf: ModelMarket['book'] = (symbol, at, depth) => {
    const round = roundBefore(at);
    const book = market.book(symbol, at - round * length, depth);
    return round === 0 ? book : { ...book, seq: book.seq + round * numbersEach(symbol) };
  };

  return {
    ...market,
    trades: tradesOf,
    tradeIdAt: (symbol, at) => {
      const round = roundOf(at);
      const id = market.tradeIdAt(symbol, at - round * length);
      return round === 0 ? id : id + round * tradesEach(symbol);
    },
    tradesFrom(symbol, id, limit, to) {
      const found: SimulatedTrade[] = [];
      const [first, each] = [market.tradeIdAt(symbol, loop.since), tradesEach(symbol)];
      for (let next = id; next < id + limit; ) {
        const round = each > 0 && next >= first ? Math.floor((next - first) / each) : 0;
        const most = each > 0 ? Math.min(id + limit, first + (round + 1) * each) : id + limit;
        const own = market.tradesFrom(symbol, next - round * each, most - next, to - round * length);
        for (const trade of own) found.push({ ...trade, at: trade.at + round * length, id: trade.id + round * each });
        if (own.length < most - next) break;
        next = most;
      }
      return found;
    },
    book: bookOf,
    bookChanges(symbol, from, to, options = {}) {
      const everyMs = options.everyMs ?? STEP_MS;
      const changes: SimulatedBookChange[] = [];
      for (let at = Math.ceil(from / everyMs) * everyMs; at < to; at += everyMs) {
        const round = roundOf(at);
        const own = at - round * length;
        if (round > 0 && own - everyMs < loop.since) {
          const [before, after] = [
            bookOf(symbol, at - everyMs + 1, options.depth),
            bookOf(symbol, at + 1, options.depth),
          ];
          const numbers = { firstSeq: before.seq + 1, lastSeq: after.seq, prevSeq: before.seq };
          const bids = differences(before.bids, after.bids).sort(([a], [b]) => b - a);
          const asks = differences(before.asks, after.asks).sort(([a], [b]) => a - b);
          changes.push({ at, ...numbers, bids, asks });
          continue;
        }
        const by = round === 0 ? 0 : round * numbersEach(symbol);
        for (const change of market.bookChanges(symbol, own, own + 1, options)) {
          const { firstSeq, lastSeq, prevSeq } = change;
          changes.push({ ...change, at, firstSeq: firstSeq + by, lastSeq: lastSeq + by, prevSeq: prevSeq + by });
        }
      }
      return changes;
    },
    mark(symbol, at) {
      const round = roundOf(at);
      const own = market.mark(symbol, at - round * length);
      return { ...own, nextFundingTime: own.nextFundingTime + round * length };
    },
    funding: (symbol, from, to) =>
      [...rounds(from, to)].flatMap(({ round, from: begin, to: end }) =>
        market.funding(symbol, begin, end).map((settled) => ({ ...settled, at: settled.at + round * length })),
      ),
    openInterest: (symbol, at) => market.openInterest(symbol, at - roundOf(at) * length),
    liquidations: (symbol, from, to) =>
      [...rounds(from, to)].flatMap(({ round, from: begin, to: end }) =>
        market.liquidations(symbol, begin, end).map((one) => ({
          ...one,
          at: one.at + round * length,
          ...(one.tradeId === undefined ? {} : { tradeId: one.tradeId + round * tradesEach(symbol) }),
        })),
      ),
    candle(symbol, openTime, at) {
      const end = Math.min(at, openTime + MINUTE_MS);
      return end <= loop.since
        ? market.candle(symbol, openTime, at)
        : candleOf(openTime, tradesOf(symbol, openTime, end));
    },
    ticker(symbol, at) {
      const round = roundOf(at);
      const own = market.ticker(symbol, at - round * length);
      if (round === 0) return own;
      return { ...own, openTime: own.openTime + round * length, firstId: own.firstId + round * tradesEach(symbol) };
    },
    warm: (symbol, at, budget) => market.warm(symbol, at - roundOf(at) * length, budget),
  };
}

/** What turns one side of a book into another: quantity 0 takes a level away. */
function differences(before: readonly Level[], after: readonly Level[]): Level[] {
  const [held, wanted] = [new Map(before), new Map(after)];
  const gone = before.filter(([price]) => !wanted.has(price)).map(([price]): Level => [price, 0]);
  return [...gone, ...after.filter(([price, quantity]) => held.get(price) !== quantity)];
}

function candleOf(openTime: Ms, trades: readonly SimulatedTrade[]): SimulatedCandle | undefined {
  const [first, last] = [trades[0], trades.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const sums = { high: first.price, low: first.price, volume: 0, quoteVolume: 0, takerBuyVolume: 0, takerBuyQuote: 0 };
  for (const { price, quantity, side } of trades) {
    sums.high = Math.max(sums.high, price);
    sums.low = Math.min(sums.low, price);
    sums.volume += quantity;
    sums.quoteVolume += quantity * price;
    if (side === 'sell') continue;
    sums.takerBuyVolume += quantity;
    sums.takerBuyQuote += quantity * price;
  }
  return { openTime, open: first.price, close: last.price, count: trades.length, firstId: first.id, ...sums };
}
