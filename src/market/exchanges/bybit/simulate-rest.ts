import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedAnswer, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import { tickerFields } from './simulate-ticker.ts';

/* REST of the simulated Bybit v5, https://bybit-exchange.github.io/docs/v5/market/time and the pages beside it. */

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** No history before this. */
const LISTED_AT = Date.UTC(2020, 0, 1);

export interface Request {
  readonly market: SimulatedMarket;
  readonly kind: Market;
  readonly category: string;
  readonly query: URLSearchParams;
  readonly now: Ms;
  readonly symbol: string;
}

/** `needs`: `symbol` must name a listed symbol, `category` may leave it out, `nothing` takes neither. */
export interface Call {
  readonly needs: 'symbol' | 'category' | 'nothing';
  readonly futuresOnly?: boolean;
  readonly run: (request: Request) => SimulatedAnswer;
}

/** The REST half of one Bybit market, with `more` calls; every answer is HTTP 200 with a `retCode`, as the venue has it. */
export function restOf(kind: Market, category: string, more: Readonly<Record<string, Call>>): VenueSimulator['rest'] {
  return (market, { path, query }, now) => {
    const call = { ...CALLS, ...more }[query.get('category') === 'option' ? `${path}#option` : path];
    if (call === undefined) return undefined;
    const symbol = query.get('symbol') ?? '';
    if (call.needs !== 'nothing') {
      const asked = query.get('category');
      if (asked !== category || (call.futuresOnly === true && kind === 'spot')) {
        return failure(10001, 'Illegal category', now);
      }
      if (call.needs === 'symbol' && symbol === '') return failure(10001, 'params error: symbol is required', now);
      if (symbol !== '' && !market.instruments.some((i) => i.symbol === symbol)) {
        return failure(10001, 'params error: symbol invalid', now);
      }
    }
    return call.run({ market, kind, category, query, now: Math.floor(now), symbol });
  };
}

/** The JSON text around every result. */
export function envelope(retCode: number, retMsg: string, result: unknown, time: Ms): string {
  return JSON.stringify({ retCode, retMsg, result, retExtInfo: {}, time: Math.floor(time) });
}

/** Levels as JSON text: [["price","size"],…]. */
export function level(levels: readonly (readonly [number, number])[], price: number, quantity: number): string {
  let out = '';
  for (const [p, q] of levels)
    out += `${out === '' ? '' : ','}["${p.toFixed(price)}","${q === 0 ? '0' : q.toFixed(quantity)}"]`;
  return `[${out}]`;
}

/** A trade's id: derivatives have a UUID, spot has 19 digits. */
export function executionId(market: SimulatedMarket, symbol: string, id: number): string {
  if (market.market === 'spot') return `22${String((codeOf(symbol) % 90) + 10)}${String(id).padStart(15, '0')}`;
  const code = codeOf(symbol).toString(16).padStart(8, '0');
  const mixed = (Math.imul(id | 0, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
  const tail = id.toString(16).padStart(12, '0').slice(-12);
  return `${code}-${mixed.slice(0, 4)}-5${mixed.slice(4, 7)}-8${mixed.slice(5)}-${tail}`;
}

const time: Call = {
  needs: 'nothing',
  run: ({ now }) => ok({ timeSecond: String(Math.floor(now / 1000)), timeNano: `${now}000000` }, now),
};

const instruments: Call = {
  needs: 'category',
  run: ({ market, kind, category, now, symbol }) =>
    ok(
      {
        category,
        list: market.instruments
          .filter((i) => symbol === '' || i.symbol === symbol)
          .map((i) => (kind === 'futures' ? linearInstrument(market, i) : spotInstrument(market, i))),
        nextPageCursor: '',
      },
      now,
    ),
};

const orderbook: Call = {
  needs: 'symbol',
  run({ market, kind, query, now, symbol }) {
    const limit = limitOf(query, kind === 'futures' ? 25 : 1, kind === 'futures' ? 500 : 200);
    if (limit === undefined) return failure(10001, 'params error: limit invalid', now);
    const d = market.decimals(symbol);
    const book = market.book(symbol, now, limit);
    const bids = level(book.bids, d.price, d.quantity);
    const asks = level(book.asks, d.price, d.quantity);
    const result = `{"s":"${symbol}","a":${asks},"b":${bids},"ts":${now},"u":${book.seq},"seq":${book.seq * 5 + 2},"cts":${now}}`;
    return {
      status: 200,
      weight: 1,
      body: `{"retCode":0,"retMsg":"OK","result":${result},"retExtInfo":{},"time":${now}}`,
    };
  },
};

/** Newest first; the venue keeps 1000 trades of a derivative and 60 of a spot pair within reach, and has no pages. */
const recentTrades: Call = {
  needs: 'symbol',
  run({ market, kind, category, query, now, symbol }) {
    const limit = kind === 'futures' ? limitOf(query, 500, 1000) : limitOf(query, 60, 60);
    if (limit === undefined) return failure(10001, 'params error: limit invalid', now);
    const d = market.decimals(symbol);
    const list = market.tradesFrom(symbol, market.tradeIdAt(symbol, now) - limit, limit, now).map((t) => ({
      execId: executionId(market, symbol, t.id),
      symbol,
      price: t.price.toFixed(d.price),
      size: t.quantity.toFixed(d.quantity),
      side: t.side === 'buy' ? 'Buy' : 'Sell',
      time: String(t.at),
      isBlockTrade: false,
      isRPITrade: false,
      seq: String(t.id * 3 + 1),
    }));
    return ok({ category, list: list.reverse() }, now);
  },
};

export const klines: Call = {
  needs: 'symbol',
  run: (request) =>
    minuteRows(request, (openTime) => {
      const { market, symbol, now } = request;
      const c = market.candle(symbol, openTime, now);
      if (c === undefined) return undefined;
      const d = market.decimals(symbol);
      const prices = [c.open, c.high, c.low, c.close].map((p) => p.toFixed(d.price));
      return [String(openTime), ...prices, c.volume.toFixed(d.quantity), c.quoteVolume.toFixed(d.price + d.quantity)];
    }),
};

const markKlines: Call = {
  needs: 'symbol',
  futuresOnly: true,
  run: (request) =>
    minuteRows(request, (openTime) => {
      const { market, symbol, now } = request;
      const marks = [0, 10, 20, 30, 40, 50, 59]
        .map((second) => openTime + second * 1000)
        .filter((at) => at <= now)
        .map((at) => market.mark(symbol, at).mark);
      const row = [marks[0] ?? 0, Math.max(...marks), Math.min(...marks), marks.at(-1) ?? 0];
      return [String(openTime), ...row.map((p) => p.toFixed(market.decimals(symbol).mark))];
    }),
};

/** Newest first, as the venue has it. */
function minuteRows(
  { query, now, symbol, category }: Request,
  row: (openTime: Ms) => readonly string[] | undefined,
): SimulatedAnswer {
  if (query.get('interval') !== '1') return failure(10001, 'Invalid period!', now);
  const limit = limitOf(query, 200, 1000);
  if (limit === undefined) return failure(10001, 'params error: limit invalid', now);
  const [start, end] = [timeOf(query, 'start'), timeOf(query, 'end')];
  const newest = Math.floor(Math.min(now, end ?? now) / MINUTE) * MINUTE;
  const oldest =
    start === undefined ? newest - (limit - 1) * MINUTE : Math.ceil(Math.max(start, LISTED_AT) / MINUTE) * MINUTE;
  // With more rows than the limit, the venue gives the newest.
  const list: (readonly string[])[] = [];
  for (let openTime = newest; openTime >= oldest && list.length < limit; openTime -= MINUTE) {
    const made = row(openTime);
    if (made !== undefined) list.push(made);
  }
  return ok({ category, symbol, list }, now);
}

const fundingHistory: Call = {
  needs: 'symbol',
  futuresOnly: true,
  run({ market, category, query, now, symbol }) {
    const limit = limitOf(query, 200, 200);
    if (limit === undefined) return failure(10001, 'params error: limit invalid', now);
    const [start, end] = [timeOf(query, 'startTime'), timeOf(query, 'endTime')];
    if (start !== undefined && end === undefined) {
      return failure(10001, 'params error: startTime must come with endTime', now);
    }
    const hours = market.instruments.find((i) => i.symbol === symbol)?.funding_interval_hours ?? 8;
    const to = Math.min(now, end === undefined ? now : end + 1);
    const from = Math.max(start ?? to - limit * hours * HOUR, LISTED_AT);
    const list = market
      .funding(symbol, from, to)
      .slice(-limit)
      .map((f) => ({ symbol, fundingRate: decimalText(f.rate), fundingRateTimestamp: String(f.at) }))
      .reverse();
    return ok({ category, list }, now);
  },
};

const openInterest: Call = {
  needs: 'symbol',
  futuresOnly: true,
  run({ market, category, query, now, symbol }) {
    const minutes = { '5min': 5, '15min': 15, '30min': 30, '1h': 60, '4h': 240, '1d': 1440 }[
      query.get('intervalTime') ?? ''
    ];
    if (minutes === undefined) return failure(10001, 'params error: intervalTime invalid', now);
    const limit = limitOf(query, 50, 200);
    if (limit === undefined) return failure(10001, 'params error: limit invalid', now);
    const step = minutes * MINUTE;
    const [start, end] = [timeOf(query, 'startTime'), timeOf(query, 'endTime')];
    const cursor =
      Number(/lasttime%3D(\d+)/.exec(encodeURIComponent(query.get('cursor') ?? ''))?.[1] ?? Number.NaN) * 1000;
    const newest = Math.floor(Math.min(now, end ?? now, Number.isNaN(cursor) ? now : cursor - 1) / step) * step;
    const oldest =
      start === undefined ? newest - (limit - 1) * step : Math.ceil(Math.max(start, LISTED_AT) / step) * step;
    const d = market.decimals(symbol);
    const list: { openInterest: string; timestamp: string }[] = [];
    let at = newest;
    for (; at >= oldest && list.length < limit; at -= step) {
      list.push({ openInterest: market.openInterest(symbol, at).toFixed(d.quantity), timestamp: String(at) });
    }
    const more = at >= oldest ? `lastid%3D${at / step}%26lasttime%3D${(at + step) / 1000}` : '';
    return ok({ symbol, category, list, nextPageCursor: more }, now);
  },
};

const tickers: Call = {
  needs: 'category',
  run: ({ market, kind, category, now, symbol }) =>
    ok(
      {
        category,
        list: market.instruments
          .filter((i) => symbol === '' || i.symbol === symbol)
          .map((i) => tickerFields(market, kind, i.symbol, now)),
      },
      now,
    ),
};

const CALLS: Readonly<Record<string, Call>> = {
  '/v5/market/time': time,
  '/v5/market/instruments-info': instruments,
  '/v5/market/orderbook': orderbook,
  '/v5/market/recent-trade': recentTrades,
  '/v5/market/kline': klines,
  '/v5/market/mark-price-kline': markKlines,
  '/v5/market/funding/history': fundingHistory,
  '/v5/market/open-interest': openInterest,
  '/v5/market/tickers': tickers,
};

export function ok(result: unknown, now: Ms): SimulatedAnswer {
  return { status: 200, body: envelope(0, 'OK', result, now), weight: 1 };
}

export function failure(code: number, message: string, now: Ms): SimulatedAnswer {
  return { status: 200, body: envelope(code, message, {}, now), weight: 1 };
}

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

/** Plain decimals, without an exponent or trailing zeros. */
function decimalText(value: number): string {
  return value.toFixed(8).replace(/\.?0+$/, '');
}

function codeOf(symbol: string): number {
  let code = 7;
  for (let i = 0; i < symbol.length; i++) code = Math.imul(code, 31) + symbol.charCodeAt(i);
  return code >>> 0;
}

function linearInstrument(market: SimulatedMarket, i: Instrument): unknown {
  const d = market.decimals(i.symbol);
  const tick = (i.tick_size ?? 0).toFixed(d.price);
  const lot = (i.lot_size ?? 0).toFixed(d.quantity);
  return {
    symbol: i.symbol,
    contractType: 'LinearPerpetual',
    status: 'Trading',
    baseCoin: i.base,
    quoteCoin: i.quote,
    launchTime: String(LISTED_AT),
    deliveryTime: '0',
    deliveryFeeRate: '',
    priceScale: String(d.price),
    leverageFilter: { minLeverage: '1', maxLeverage: '50.00', leverageStep: '0.01' },
    priceFilter: { minPrice: tick, maxPrice: '1999999.80', tickSize: tick },
    lotSizeFilter: {
      maxOrderQty: '100000',
      minOrderQty: lot,
      qtyStep: lot,
      postOnlyMaxOrderQty: '100000',
      maxMktOrderQty: '50000',
      minNotionalValue: '5',
    },
    unifiedMarginTrade: true,
    fundingInterval: (i.funding_interval_hours ?? 8) * 60,
    settleCoin: i.quote,
    copyTrading: 'both',
    upperFundingRate: '0.003',
    lowerFundingRate: '-0.003',
    isPreListing: false,
    preListingInfo: null,
  };
}

function spotInstrument(market: SimulatedMarket, i: Instrument): unknown {
  const d = market.decimals(i.symbol);
  const lot = (i.lot_size ?? 0).toFixed(d.quantity);
  return {
    symbol: i.symbol,
    baseCoin: i.base,
    quoteCoin: i.quote,
    innovation: '0',
    status: 'Trading',
    marginTrading: 'utaOnly',
    stTag: '0',
    lotSizeFilter: {
      basePrecision: lot,
      quotePrecision: '0.0000001',
      minOrderQty: lot,
      maxOrderQty: '100000',
      minOrderAmt: '5',
      maxOrderAmt: '8000000',
    },
    priceFilter: { tickSize: (i.tick_size ?? 0).toFixed(d.price) },
    riskParameters: { priceLimitRatioX: '0.005', priceLimitRatioY: '0.01' },
  };
}
