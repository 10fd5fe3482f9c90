import type { Ms } from '../../../kit/clock.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedAnswer, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import { futuresSymbol, LISTED_AT, spotSymbol } from './simulate-instruments.ts';

/* REST of the simulated Binance, https://developers.binance.com/docs, with the limits and errors documented there. */

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** Futures serve aggregate trades no older than this. */
const FUTURES_TRADES_REACH = 48 * HOUR;

export interface Request {
  readonly market: SimulatedMarket;
  readonly query: URLSearchParams;
  readonly now: Ms;
  /** Checked; '' for calls without a symbol. */
  readonly symbol: string;
}

export type Call = { readonly needsSymbol: boolean; readonly run: (request: Request) => SimulatedAnswer };

/** The REST half of one Binance market; `more` adds to what the collectors need, or takes its place. */
export function restOf(kind: Market, more: Readonly<Record<string, Call>>): VenueSimulator['rest'] {
  const calls = { ...(kind === 'futures' ? FUTURES : SPOT), ...more };
  return (market, { path, query }, now) => {
    const call = calls[path];
    if (call === undefined) return undefined;
    const symbol = query.get('symbol') ?? '';
    if (symbol === '' && call.needsSymbol) {
      return failure(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
    }
    if (symbol !== '' && !market.instruments.some((i) => i.symbol === symbol)) return failure(-1121, 'Invalid symbol.');
    return call.run({ market, query, now, symbol });
  };
}

/** A JSON answer. */
export function answer(body: unknown, weight: number, status = 200): SimulatedAnswer {
  return { status, body: JSON.stringify(body), weight };
}

/** A number as the wire writes it. */
export function text(value: number, decimals: number): string {
  return value.toFixed(decimals);
}

/** Levels as JSON text: [["price","size"],…]. */
export function level(levels: readonly (readonly [number, number])[], price: number, quantity: number): string {
  let out = '';
  for (const [p, q] of levels) out += `${out === '' ? '' : ','}["${p.toFixed(price)}","${q.toFixed(quantity)}"]`;
  return `[${out}]`;
}

const ping: Call = { needsSymbol: false, run: () => answer({}, 1) };
const time: Call = { needsSymbol: false, run: ({ now }) => answer({ serverTime: Math.floor(now) }, 1) };

const exchangeInfo: Call = {
  needsSymbol: false,
  run({ market, now, query, symbol }) {
    const asked = symbol === '' ? namesOf(query.get('symbols')) : [symbol];
    const unknown = asked?.some((name) => !market.instruments.some((i) => i.symbol === name));
    if (unknown === true) return failure(-1121, 'Invalid symbol.');
    const listed = market.instruments.filter((i) => asked === undefined || asked.includes(i.symbol));
    return answer(
      {
        timezone: 'UTC',
        serverTime: Math.floor(now),
        rateLimits: [
          {
            rateLimitType: 'REQUEST_WEIGHT',
            interval: 'MINUTE',
            intervalNum: 1,
            limit: market.market === 'futures' ? 2400 : 6000,
          },
        ],
        exchangeFilters: [],
        symbols: listed.map((i) => (market.market === 'futures' ? futuresSymbol(market, i) : spotSymbol(i))),
      },
      market.market === 'futures' ? 1 : 20,
    );
  },
};

const depth: Call = {
  needsSymbol: true,
  run({ market, query, now, symbol }) {
    const limit = limitOf(query, market.market === 'futures' ? 500 : 100, market.market === 'futures' ? 1000 : 5000);
    if (limit === undefined) return badLimit();
    const d = wireDecimals(market, symbol);
    const book = market.book(symbol, now, limit);
    const times = market.market === 'futures' ? `"E":${Math.floor(now)},"T":${Math.floor(now)},` : '';
    const weight = limit <= 50 ? 2 : limit <= 100 ? 5 : limit <= 500 ? 10 : 20;
    return {
      status: 200,
      weight,
      body: `{"lastUpdateId":${book.seq},${times}"bids":${level(book.bids, d.price, d.quantity)},"asks":${level(book.asks, d.price, d.quantity)}}`,
    };
  },
};

const aggregateTrades: Call = {
  needsSymbol: true,
  run({ market, query, now, symbol }) {
    const limit = limitOf(query, 500, 1000);
    if (limit === undefined) return badLimit();
    const [from, to] = [timeOf(query, 'startTime'), timeOf(query, 'endTime')];
    if (from !== undefined && to !== undefined && to - from > HOUR) {
      return failure(-1127, 'More than 1 hours between startTime and endTime.');
    }
    const end = Math.min(now, to === undefined ? now : to + 1);
    const fromId = query.get('fromId');
    const oldest = market.market === 'futures' ? now - FUTURES_TRADES_REACH : LISTED_AT;
    let first: number;
    if (fromId !== null) first = Math.max(Number(fromId), market.tradeIdAt(symbol, oldest));
    else if (from !== undefined) first = market.tradeIdAt(symbol, Math.max(from, oldest));
    else first = market.tradeIdAt(symbol, end) - limit;
    const d = wireDecimals(market, symbol);
    const trades = market.tradesFrom(symbol, first, limit, fromId === null ? end : now).map((t) => ({
      a: t.id,
      p: text(t.price, d.price),
      q: text(t.quantity, d.quantity),
      f: t.id,
      l: t.id,
      T: t.at,
      m: t.side === 'sell',
      ...(market.market === 'spot' ? { M: true } : {}),
    }));
    return answer(trades, market.market === 'futures' ? 20 : 4);
  },
};

/** Rows of 1-minute candles, as [openTime, o, h, l, c, v, closeTime, q, n, V, Q, "0"]. */
export const klines: Call = {
  needsSymbol: true,
  run({ market, query, now, symbol }) {
    const d = wireDecimals(market, symbol);
    return minuteRows({ market, query, now, symbol }, (openTime) => {
      const c = market.candle(symbol, openTime, now);
      if (c === undefined) return undefined;
      const value = (v: number): string => text(v, 8);
      return [
        openTime,
        ...[c.open, c.high, c.low, c.close].map((p) => text(p, d.price)),
        text(c.volume, d.quantity),
        openTime + MINUTE - 1,
        value(c.quoteVolume),
        c.count,
        text(c.takerBuyVolume, d.quantity),
        value(c.takerBuyQuote),
        '0',
      ];
    });
  },
};

const markPriceKlines: Call = {
  needsSymbol: true,
  run: (request) =>
    minuteRows(request, (openTime) => {
      const { market, symbol, now } = request;
      const marks = [0, 10, 20, 30, 40, 50, 59]
        .map((second) => openTime + second * 1000)
        .filter((at) => at <= now)
        .map((at) => market.mark(symbol, at).mark);
      const [open, close] = [marks[0] ?? 0, marks.at(-1) ?? 0];
      const row = [open, Math.max(...marks), Math.min(...marks), close].map((p) => text(p, 8));
      return [openTime, ...row, '0', openTime + MINUTE - 1, '0', marks.length, '0', '0', '0'];
    }),
};

function minuteRows(
  { market, query, now }: Request,
  row: (openTime: Ms) => readonly unknown[] | undefined,
): SimulatedAnswer {
  if (query.get('interval') !== '1m') return failure(-1120, 'Invalid interval.');
  const spot = market.market === 'spot';
  const limit = limitOf(query, 500, spot ? 1000 : 1500);
  if (limit === undefined) return badLimit();
  const [from, to] = [timeOf(query, 'startTime'), timeOf(query, 'endTime')];
  const last = Math.floor(Math.min(now, to ?? now) / MINUTE) * MINUTE;
  const first =
    from === undefined ? last - (limit - 1) * MINUTE : Math.ceil(Math.max(from, LISTED_AT) / MINUTE) * MINUTE;
  const rows: (readonly unknown[])[] = [];
  for (let openTime = first; openTime <= last && rows.length < limit; openTime += MINUTE) {
    const made = row(openTime);
    if (made !== undefined) rows.push(made);
  }
  return answer(rows, spot ? 2 : limit < 100 ? 1 : limit < 500 ? 2 : limit <= 1000 ? 5 : 10);
}

const fundingRate: Call = {
  needsSymbol: false,
  run({ market, query, now, symbol }) {
    const limit = limitOf(query, 100, 1000);
    if (limit === undefined) return badLimit();
    const [from, to] = [timeOf(query, 'startTime'), timeOf(query, 'endTime')];
    const end = Math.min(now, to === undefined ? now : to + 1);
    const rows = market.instruments
      .filter((i) => symbol === '' || i.symbol === symbol)
      .flatMap((i) => {
        const begin = from ?? end - limit * (i.funding_interval_hours ?? 8) * HOUR;
        return market.funding(i.symbol, Math.max(begin, LISTED_AT), end).map((f) => ({
          symbol: i.symbol,
          fundingTime: f.at,
          fundingRate: text(f.rate, 8),
          markPrice: text(market.mark(i.symbol, f.at).mark, 8),
        }));
      });
    return answer(from === undefined ? rows.slice(-limit) : rows.slice(0, limit), 1);
  },
};

const fundingInfo: Call = {
  needsSymbol: false,
  run: ({ market }) =>
    answer(
      market.instruments.map((i) => ({
        symbol: i.symbol,
        adjustedFundingRateCap: '0.00300000',
        adjustedFundingRateFloor: '-0.00300000',
        fundingIntervalHours: i.funding_interval_hours,
        disclaimer: false,
      })),
      1,
    ),
};

const premiumIndex: Call = {
  needsSymbol: false,
  run: ({ market, now, symbol }) =>
    oneOrAll(market, symbol, (name) => {
      const at = Math.floor(now / 1000) * 1000;
      const m = market.mark(name, at);
      return {
        symbol: name,
        markPrice: text(m.mark, 8),
        indexPrice: text(m.index, 8),
        estimatedSettlePrice: text(m.mark, 8),
        lastFundingRate: text(m.fundingRate, 8),
        interestRate: '0.00010000',
        nextFundingTime: m.nextFundingTime,
        time: at,
      };
    }),
};

const openInterest: Call = {
  needsSymbol: true,
  run({ market, now, symbol }) {
    const at = Math.floor(now);
    const interest = text(market.openInterest(symbol, at), market.decimals(symbol).quantity);
    return answer({ symbol, openInterest: interest, time: at }, 1);
  },
};

const openInterestHistory: Call = {
  needsSymbol: true,
  run({ market, query, now, symbol }) {
    const period = { '5m': 5, '15m': 15, '30m': 30, '1h': 60, '2h': 120, '4h': 240 }[query.get('period') ?? ''];
    if (period === undefined) return failure(-1130, "Data sent for parameter 'period' is not valid.");
    const limit = limitOf(query, 30, 500);
    if (limit === undefined) return badLimit();
    const step = period * MINUTE;
    const [from, to] = [timeOf(query, 'startTime'), timeOf(query, 'endTime')];
    if (from !== undefined && from < now - 31 * 24 * HOUR) {
      return failure(-1130, "Data sent for parameter 'startTime' is not valid.");
    }
    const last = Math.floor(Math.min(now, to ?? now) / step) * step;
    const first = from === undefined ? last - (limit - 1) * step : Math.ceil(from / step) * step;
    const rows: unknown[] = [];
    for (let at = first; at <= last && rows.length < limit; at += step) {
      const interest = market.openInterest(symbol, at);
      rows.push({
        symbol,
        sumOpenInterest: text(interest, 8),
        sumOpenInterestValue: text(interest * market.mark(symbol, at).mark, 8),
        timestamp: at,
      });
    }
    return answer(rows, 0);
  },
};

const ticker24h: Call = {
  needsSymbol: false,
  run: ({ market, now, symbol }) =>
    oneOrAll(
      market,
      symbol,
      (name) => {
        const d = wireDecimals(market, name);
        const at = Math.floor(now);
        const t = market.ticker(name, at);
        const book = market.book(name, at, 1);
        const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
        const best =
          market.market === 'spot'
            ? {
                prevClosePrice: text(t.open, d.price),
                bidPrice: text(bid[0], d.price),
                bidQty: text(bid[1], d.quantity),
                askPrice: text(ask[0], d.price),
                askQty: text(ask[1], d.quantity),
              }
            : {};
        return {
          symbol: name,
          priceChange: text(t.last - t.open, d.price),
          priceChangePercent: text(((t.last - t.open) / t.open) * 100, 3),
          weightedAvgPrice: text(t.quoteVolume / t.volume, Math.max(8, d.price)),
          lastPrice: text(t.last, d.price),
          lastQty: text(t.lastQuantity, d.quantity),
          ...best,
          openPrice: text(t.open, d.price),
          highPrice: text(t.high, d.price),
          lowPrice: text(t.low, d.price),
          volume: text(t.volume, d.quantity),
          quoteVolume: text(t.quoteVolume, 8),
          openTime: t.openTime,
          closeTime: at,
          firstId: t.firstId,
          lastId: t.firstId + t.count - 1,
          count: t.count,
        };
      },
      symbol === '' ? 40 : 1,
    ),
};

const bookTicker: Call = {
  needsSymbol: false,
  run: ({ market, now, symbol }) =>
    oneOrAll(market, symbol, (name) => {
      const d = wireDecimals(market, name);
      const book = market.book(name, now, 1);
      const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
      return {
        symbol: name,
        bidPrice: text(bid[0], d.price),
        bidQty: text(bid[1], d.quantity),
        askPrice: text(ask[0], d.price),
        askQty: text(ask[1], d.quantity),
        ...(market.market === 'futures' ? { time: Math.floor(now), lastUpdateId: book.seq } : {}),
      };
    }),
};

const FUTURES: Readonly<Record<string, Call>> = {
  '/fapi/v1/ping': ping,
  '/fapi/v1/time': time,
  '/fapi/v1/exchangeInfo': exchangeInfo,
  '/fapi/v1/depth': depth,
  '/fapi/v1/aggTrades': aggregateTrades,
  '/fapi/v1/klines': klines,
  '/fapi/v1/markPriceKlines': markPriceKlines,
  '/fapi/v1/fundingRate': fundingRate,
  '/fapi/v1/fundingInfo': fundingInfo,
  '/fapi/v1/premiumIndex': premiumIndex,
  '/fapi/v1/openInterest': openInterest,
  '/fapi/v1/ticker/24hr': ticker24h,
  '/fapi/v1/ticker/bookTicker': bookTicker,
  '/futures/data/openInterestHist': openInterestHistory,
};

const SPOT: Readonly<Record<string, Call>> = {
  '/api/v3/ping': ping,
  '/api/v3/time': time,
  '/api/v3/exchangeInfo': exchangeInfo,
  '/api/v3/depth': depth,
  '/api/v3/aggTrades': aggregateTrades,
  '/api/v3/klines': klines,
  '/api/v3/ticker/24hr': ticker24h,
  '/api/v3/ticker/bookTicker': bookTicker,
};

export function failure(code: number, msg: string): SimulatedAnswer {
  return answer({ code, msg }, 1, 400);
}

export function badLimit(): SimulatedAnswer {
  return failure(-1130, "Data sent for parameter 'limit' is not valid.");
}

/** Values beyond the most allowed count as the most, as the venue has it. */
export function limitOf(query: URLSearchParams, usual: number, most: number): number | undefined {
  const given = query.get('limit');
  if (given === null) return usual;
  const limit = Number(given);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, most) : undefined;
}

function timeOf(query: URLSearchParams, name: string): Ms | undefined {
  const given = query.get(name);
  return given === null || !Number.isFinite(Number(given)) ? undefined : Number(given);
}

function namesOf(list: string | null): readonly string[] | undefined {
  return list === null
    ? undefined
    : list
        .replace(/[[\]"\s]/g, '')
        .split(',')
        .filter((name) => name !== '');
}

export function oneOrAll(
  market: SimulatedMarket,
  symbol: string,
  make: (symbol: string) => unknown,
  weight = 1,
): SimulatedAnswer {
  return answer(symbol === '' ? market.instruments.map((i) => make(i.symbol)) : make(symbol), weight);
}

export function wireDecimals(
  market: SimulatedMarket,
  symbol: string,
): { readonly price: number; readonly quantity: number } {
  return market.market === 'spot' ? { price: 8, quantity: 8 } : market.decimals(symbol);
}
