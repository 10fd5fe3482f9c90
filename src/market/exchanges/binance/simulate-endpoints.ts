import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedCandle, SimulatedMarket } from '../simulator-contract.ts';
import {
  answer,
  badLimit,
  type Call,
  failure,
  klines,
  limitOf,
  oneOrAll,
  text,
  wireDecimals,
} from './simulate-rest.ts';

/* What the endpoint tools ask and the collectors do not. */

const MINUTE = 60_000;
/** Longer candles are put together from minutes; the simulated venue keeps no more of them than a day's worth. */
const MOST_MINUTES = 1440;
const PERIODS: Readonly<Record<string, number>> = {
  '3m': 3,
  '5m': 5,
  '15m': 15,
  '30m': 30,
  '1h': 60,
  '2h': 120,
  '4h': 240,
  '6h': 360,
  '12h': 720,
  '1d': 1440,
};

const longKlines: Call = {
  needsSymbol: true,
  run(request) {
    const { market, query, now, symbol } = request;
    const interval = query.get('interval') ?? '';
    if (interval === '1m') return klines.run(request);
    const minutes = PERIODS[interval];
    if (minutes === undefined) return failure(-1120, 'Invalid interval.');
    const limit = limitOf(query, 500, 1500);
    if (limit === undefined) return badLimit();
    const d = wireDecimals(market, symbol);
    const step = minutes * MINUTE;
    const last = Math.floor(now / step) * step;
    const count = Math.max(1, Math.min(limit, Math.floor(MOST_MINUTES / minutes)));
    const rows = Array.from({ length: count }, (_, i) => last - (count - 1 - i) * step).flatMap((from) => {
      const parts = candlesOf(market, symbol, from, Math.min(from + step, now));
      const [first, end] = [parts[0], parts.at(-1)];
      if (first === undefined || end === undefined) return [];
      const total = (of: (c: SimulatedCandle) => number): number => parts.reduce((sum, c) => sum + of(c), 0);
      return [
        [
          from,
          text(first.open, d.price),
          text(Math.max(...parts.map((c) => c.high)), d.price),
          text(Math.min(...parts.map((c) => c.low)), d.price),
          text(end.close, d.price),
          text(
            total((c) => c.volume),
            d.quantity,
          ),
          from + step - 1,
          text(
            total((c) => c.quoteVolume),
            8,
          ),
          total((c) => c.count),
          text(
            total((c) => c.takerBuyVolume),
            d.quantity,
          ),
          text(
            total((c) => c.takerBuyQuote),
            8,
          ),
          '0',
        ],
      ];
    });
    return answer(rows, 2);
  },
};

function candlesOf(market: SimulatedMarket, symbol: string, from: Ms, to: Ms): readonly SimulatedCandle[] {
  const found: SimulatedCandle[] = [];
  for (let at = from; at < to; at += MINUTE) {
    const candle = market.candle(symbol, at, to);
    if (candle !== undefined) found.push(candle);
  }
  return found;
}

const price: Call = {
  needsSymbol: false,
  run: ({ market, now, symbol }) =>
    oneOrAll(market, symbol, (name) => ({
      symbol: name,
      price: text(lastTrade(market, name, now), wireDecimals(market, name).price),
      ...(market.market === 'futures' ? { time: Math.floor(now) } : {}),
    })),
};

function lastTrade(market: SimulatedMarket, symbol: string, now: Ms): number {
  const [trade] = market.tradesFrom(symbol, market.tradeIdAt(symbol, now) - 1, 1, now);
  return trade?.price ?? market.book(symbol, now, 1).bids[0]?.[0] ?? 0;
}

const trades: Call = {
  needsSymbol: true,
  run({ market, query, now, symbol }) {
    const limit = limitOf(query, 500, 1000);
    if (limit === undefined) return badLimit();
    const d = wireDecimals(market, symbol);
    const found = market.tradesFrom(symbol, market.tradeIdAt(symbol, now) - limit, limit, now);
    return answer(
      found.map((t) => ({
        id: t.id,
        price: text(t.price, d.price),
        qty: text(t.quantity, d.quantity),
        quoteQty: text(t.price * t.quantity, 8),
        time: t.at,
        isBuyerMaker: t.side === 'sell',
        isBestMatch: true,
      })),
      25,
    );
  },
};

const averagePrice: Call = {
  needsSymbol: true,
  run({ market, now, symbol }) {
    const found = market.trades(symbol, now - 5 * MINUTE, now);
    const size = found.reduce((sum, t) => sum + t.quantity, 0);
    const value = found.reduce((sum, t) => sum + t.quantity * t.price, 0);
    const mean = size === 0 ? lastTrade(market, symbol, now) : value / size;
    return answer({ mins: 5, price: text(mean, 8), closeTime: found.at(-1)?.at ?? Math.floor(now) }, 2);
  },
};

const rollingTicker: Call = {
  needsSymbol: true,
  run({ market, query, now, symbol }) {
    const minutes = { '1m': 1, '5m': 5, ...PERIODS }[query.get('windowSize') ?? '1d'];
    if (minutes === undefined) return failure(-1130, "Data sent for parameter 'windowSize' is not valid.");
    const d = wireDecimals(market, symbol);
    const from = Math.floor(now / MINUTE) * MINUTE - (minutes - 1) * MINUTE;
    const parts = candlesOf(market, symbol, from, now);
    const [first, end] = [parts[0], parts.at(-1)];
    if (first === undefined || end === undefined) return failure(-1121, 'Invalid symbol.');
    const volume = parts.reduce((sum, c) => sum + c.volume, 0);
    const quoteVolume = parts.reduce((sum, c) => sum + c.quoteVolume, 0);
    const count = parts.reduce((sum, c) => sum + c.count, 0);
    return answer(
      {
        symbol,
        priceChange: text(end.close - first.open, d.price),
        priceChangePercent: text((end.close / first.open - 1) * 100, 3),
        weightedAvgPrice: text(volume === 0 ? end.close : quoteVolume / volume, 8),
        openPrice: text(first.open, d.price),
        highPrice: text(Math.max(...parts.map((c) => c.high)), d.price),
        lowPrice: text(Math.min(...parts.map((c) => c.low)), d.price),
        lastPrice: text(end.close, d.price),
        volume: text(volume, d.quantity),
        quoteVolume: text(quoteVolume, 8),
        openTime: from,
        closeTime: Math.floor(now),
        firstId: first.firstId,
        lastId: first.firstId + count - 1,
        count,
      },
      4,
    );
  },
};

/** Rows of `/futures/data`, one a period; the newest is the last whole one. */
function periodic(make: (market: SimulatedMarket, symbol: string, from: Ms, to: Ms) => object, name = 'symbol'): Call {
  return {
    needsSymbol: false,
    run({ market, query, now }) {
      const symbol = query.get(name) ?? '';
      if (!market.instruments.some((i) => i.symbol === symbol)) return failure(-1121, 'Invalid symbol.');
      const minutes = PERIODS[query.get('period') ?? ''];
      if (minutes === undefined) return failure(-1130, "Data sent for parameter 'period' is not valid.");
      const limit = limitOf(query, 30, 500);
      if (limit === undefined) return badLimit();
      const step = minutes * MINUTE;
      const last = Math.floor(now / step) * step;
      const count = Math.max(1, Math.min(limit, Math.floor(MOST_MINUTES / minutes)));
      const ends = Array.from({ length: count }, (_, i) => last - (count - 1 - i) * step);
      return answer(
        ends.map((to) => ({ ...make(market, symbol, to - step, to), timestamp: to })),
        1,
      );
    },
  };
}

/** More accounts are long when longs pay: the simulated crowd follows the funding rate. */
const ratio = (scale: number): Call =>
  periodic((market, symbol, _from, to) => {
    const long = Math.min(0.9, Math.max(0.1, 0.5 + market.mark(symbol, to).fundingRate * scale));
    return {
      symbol,
      longAccount: text(long, 4),
      shortAccount: text(1 - long, 4),
      longShortRatio: text(long / (1 - long), 4),
    };
  });

const taker = periodic((market, symbol, from, to) => {
  const parts = candlesOf(market, symbol, from, to);
  const buy = parts.reduce((sum, c) => sum + c.takerBuyVolume, 0);
  const sell = parts.reduce((sum, c) => sum + c.volume - c.takerBuyVolume, 0);
  return { buySellRatio: text(sell === 0 ? 0 : buy / sell, 4), buyVol: text(buy, 4), sellVol: text(sell, 4) };
});

const basis = periodic((market, symbol, _from, to) => {
  const { mark, index } = market.mark(symbol, to);
  return {
    pair: symbol,
    contractType: 'PERPETUAL',
    futuresPrice: text(mark, 8),
    indexPrice: text(index, 8),
    basis: text(mark - index, 8),
    basisRate: text(mark / index - 1, 4),
    annualizedBasisRate: '',
  };
}, 'pair');

export const FUTURES_ENDPOINTS: Readonly<Record<string, Call>> = {
  '/fapi/v1/klines': longKlines,
  '/fapi/v1/ticker/price': price,
  '/futures/data/globalLongShortAccountRatio': ratio(200),
  '/futures/data/topLongShortAccountRatio': ratio(300),
  '/futures/data/topLongShortPositionRatio': ratio(400),
  '/futures/data/takerlongshortRatio': taker,
  '/futures/data/basis': basis,
};

export const SPOT_ENDPOINTS: Readonly<Record<string, Call>> = {
  '/api/v3/klines': longKlines,
  '/api/v3/ticker/price': price,
  '/api/v3/trades': trades,
  '/api/v3/avgPrice': averagePrice,
  '/api/v3/ticker': rollingTicker,
};
