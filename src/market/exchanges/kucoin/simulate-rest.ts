import type { Ms } from '../../../kit/clock.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedAnswer, SimulatedMarket, SimulatedRequest } from '../simulator-contract.ts';
import { levelSnapshot } from '../shared/simulated-levels.ts';
import { byVenueSymbol, contractsText, HOUR, MINUTE, numberIn, plain, SECOND } from '../shared/simulated.ts';
import type { Instrument } from '../../domain/instrument.ts';
import {
  type Call,
  contractOfIndex,
  FUTURES_ENDPOINTS,
  FUTURES_INDICES,
  futuresBars,
  SPOT_ENDPOINTS,
  SPOT_LISTS,
  spotBars,
  spotDay,
} from './simulate-endpoints.ts';

/* REST of simulated KuCoin: https://www.kucoin.com/docs-new/rest/spot-trading/market-data/get-klines and beside it. */

const TRADES = 100;
const PING_MS = 18_000;

/** Answers a request of this market. */
export function kucoinAnswer(
  market: SimulatedMarket,
  kind: Market,
  { path, query, body, host }: SimulatedRequest,
  at: Ms,
): SimulatedAnswer | undefined {
  const now = Math.floor(at);
  if (path === '/api/v1/bullet-public') {
    return body === undefined ? failure(405, '405000', 'Method Not Allowed') : ok(bullet(host, now), 10);
  }
  if (path === '/api/v1/timestamp') return ok(now, 3);
  if (path === LISTS[kind]) {
    const rows = market.instruments.map((i) => (kind === 'futures' ? contract(market, i, now, false) : pair(i)));
    return ok(rows, 4);
  }
  const list = kind === 'spot' ? SPOT_LISTS[path] : undefined;
  if (list !== undefined) return ok(list(market, now), 15);
  const index = kind === 'futures' ? FUTURES_INDICES[path] : undefined;
  const [, prefix, named] = NAMED.exec(path) ?? [];
  const call = index === undefined ? CALLS[kind]?.[prefix ?? path] : { weight: 3, data: index.data };
  if (call === undefined) return undefined;
  const instrument =
    index === undefined
      ? byVenueSymbol(market, named ?? query.get('symbol'))
      : contractOfIndex(market, index.symbol, query.get('symbol'));
  if (instrument === undefined) {
    return kind === 'spot' ? failure(200, '900001', 'symbol not exists') : failure(200, '200003', 'Invalid symbol.');
  }
  const data = call.data({ market, instrument, symbol: instrument.symbol, query, now });
  return data === undefined ? failure(200, '400100', 'Parameter Error') : ok(data, call.weight);
}

/** Calls that have the symbol in their path. */
const NAMED =
  /^(\/api\/v1\/contracts|\/api\/v1\/mark-price|\/api\/v1\/funding-rate|\/api\/v2\/symbols)\/([A-Z0-9-]+)(?:\/current)?$/;

/** Refusals of too many requests. */
export function refuseKucoin(status: 429 | 418, seconds: number): SimulatedAnswer {
  return {
    status: status === 418 ? 403 : 429,
    body: status === 418 ? 'Forbidden' : '{"code":"429000","msg":"too many requests"}',
    weight: 1,
    headers: { 'retry-after': String(seconds) },
  };
}

const LISTS: Readonly<Partial<Record<Market, string>>> = {
  spot: '/api/v2/symbols',
  futures: '/api/v1/contracts/active',
};

/** Endpoint and token of a connection; this server is the endpoint. */
function bullet(host: string, now: Ms): unknown {
  const server = {
    endpoint: `ws://${host}/`,
    encrypt: false,
    protocol: 'websocket',
    pingInterval: PING_MS,
    pingTimeout: 10_000,
  };
  return { token: `simulated${now}`, instanceServers: [server] };
}

function spotBook(depth: number): Call {
  return {
    weight: depth === 20 ? 2 : 4,
    data({ market, symbol, now }) {
      const d = market.decimals(symbol);
      const book = market.book(symbol, now, depth);
      const side = (levels: readonly (readonly [number, number])[]): unknown =>
        levels.map(([p, q]) => [p.toFixed(d.price), q.toFixed(d.quantity)]);
      return { time: now, sequence: String(book.seq), bids: side(book.bids), asks: side(book.asks) };
    },
  };
}

const SPOT_CALLS: Readonly<Record<string, Call>> = {
  ...SPOT_ENDPOINTS,
  '/api/v2/symbols': { weight: 4, data: ({ instrument }) => pair(instrument) },
  '/api/v1/market/orderbook/level2_20': spotBook(20),
  '/api/v1/market/orderbook/level2_100': spotBook(100),
  '/api/v1/market/histories': {
    weight: 2,
    data: ({ market, symbol, now }) =>
      recent(market, symbol, now).map((t) => ({
        sequence: String(t.id),
        tradeId: String(t.id),
        price: t.price.toFixed(market.decimals(symbol).price),
        size: t.quantity.toFixed(market.decimals(symbol).quantity),
        side: t.side,
        time: `${t.at}000000`,
      })),
  },
  '/api/v1/market/stats': {
    weight: 15,
    data: ({ market, symbol, now }) => ({ time: now, ...spotDay(market, symbol, now) }),
  },
  '/api/v1/market/candles': {
    weight: 3,
    data(request) {
      const { market, symbol, query, now } = request;
      if ((query.get('type') ?? '1min') !== '1min') return spotBars(request);
      const d = market.decimals(symbol);
      const end = Math.min(now, (numberIn(query, 'endAt') ?? Infinity) * SECOND - 1);
      const start = (numberIn(query, 'startAt') ?? 0) * SECOND;
      const rows: unknown[] = [];
      for (let at = Math.floor(end / MINUTE) * MINUTE; at >= start && rows.length < 1500; at -= MINUTE) {
        const c = market.candle(symbol, at, now);
        if (c === undefined) break;
        const prices = [c.open, c.close, c.high, c.low].map((value) => value.toFixed(d.price));
        rows.push([String(at / SECOND), ...prices, c.volume.toFixed(d.quantity), plain(c.quoteVolume)]);
        if (start === 0 && rows.length >= 100) break;
      }
      return rows;
    },
  },
};

/** The snapshot that the stream's changes continue; the parts of 20 and 100 levels are as deep here. */
const futuresBook: Call = {
  weight: 3,
  data({ market, symbol, instrument, now }) {
    const book = levelSnapshot(market, symbol, now);
    const side = (levels: readonly (readonly [number, number])[]): unknown =>
      levels.map(([p, q]) => [p, Number(contractsText(instrument, q))]);
    const { seq, at } = book;
    return { symbol: instrument.venue_symbol, sequence: seq, bids: side(book.bids), asks: side(book.asks), ts: at };
  },
};

const FUTURES_CALLS: Readonly<Record<string, Call>> = {
  ...FUTURES_ENDPOINTS,
  '/api/v1/contracts': { weight: 3, data: ({ market, instrument, now }) => contract(market, instrument, now, true) },
  '/api/v1/level2/snapshot': futuresBook,
  '/api/v1/level2/depth20': futuresBook,
  '/api/v1/level2/depth100': futuresBook,
  '/api/v1/trade/history': {
    weight: 5,
    data: ({ market, symbol, instrument, now }) =>
      recent(market, symbol, now).map((t) => ({
        sequence: t.id,
        tradeId: String(t.id),
        takerOrderId: `t${t.id}`,
        makerOrderId: `m${t.id}`,
        price: t.price.toFixed(market.decimals(symbol).price),
        size: Number(contractsText(instrument, t.quantity)),
        side: t.side,
        ts: t.at * 1_000_000,
      })),
  },
  '/api/v1/kline/query': {
    weight: 3,
    data(request) {
      const { market, symbol, instrument, query, now } = request;
      if ((query.get('granularity') ?? '1') !== '1') return futuresBars(request);
      const to = Math.min(now, numberIn(query, 'to') ?? now);
      const from = numberIn(query, 'from') ?? to - 500 * MINUTE;
      const rows: unknown[] = [];
      for (let at = Math.ceil(from / MINUTE) * MINUTE; at <= to && rows.length < 500; at += MINUTE) {
        const c = market.candle(symbol, at, now);
        if (c === undefined) continue;
        rows.push([at, c.open, c.high, c.low, c.close, Number(contractsText(instrument, c.volume))]);
      }
      return rows;
    },
  },
  '/api/v1/contract/funding-rates': {
    weight: 5,
    data({ market, symbol, instrument, query, now }) {
      const hours = instrument.funding_interval_hours ?? 8;
      const to = Math.min(now, (numberIn(query, 'to') ?? now) + 1);
      const from = Math.max(numberIn(query, 'from') ?? 0, to - 100 * hours * HOUR);
      const settled = market.funding(symbol, from, to).slice(-100);
      return settled
        .map(({ at, rate }) => ({ symbol: instrument.venue_symbol, fundingRate: rate, timepoint: at }))
        .reverse();
    },
  },
};

const CALLS: Readonly<Partial<Record<Market, Readonly<Record<string, Call>>>>> = {
  spot: SPOT_CALLS,
  futures: FUTURES_CALLS,
};

/** The newest 100 trades, newest first. */
function recent(market: SimulatedMarket, symbol: string, now: Ms) {
  const next = market.tradeIdAt(symbol, now);
  return market.tradesFrom(symbol, next - TRADES, TRADES, now).toReversed();
}

function pair(i: Instrument): unknown {
  return {
    symbol: i.venue_symbol,
    name: i.venue_symbol,
    baseCurrency: i.base,
    quoteCurrency: i.quote,
    feeCurrency: i.quote,
    market: 'USDS',
    baseMinSize: plain(i.lot_size ?? 0),
    baseIncrement: plain(i.lot_size ?? 0),
    quoteIncrement: '0.000001',
    priceIncrement: plain(i.tick_size ?? 0),
    isMarginEnabled: true,
    enableTrading: true,
  };
}

/** `day`: with the statistics of 24 h; the list of all leaves them out, since every start of a desk waits for it. */
function contract(market: SimulatedMarket, i: Instrument, now: Ms, day: boolean): unknown {
  const second = Math.floor(now / SECOND) * SECOND;
  const m = market.mark(i.symbol, second);
  return {
    symbol: i.venue_symbol,
    rootSymbol: i.quote,
    type: 'FFWCSX',
    firstOpenDate: 1_585_555_200_000,
    expireDate: null,
    baseCurrency: i.base === 'BTC' ? 'XBT' : i.base,
    quoteCurrency: i.quote,
    settleCurrency: i.quote,
    maxOrderQty: 1_000_000,
    lotSize: 1,
    tickSize: i.tick_size,
    multiplier: i.contract_size,
    initialMargin: 0.008,
    maintainMargin: 0.004,
    maxRiskLimit: 100_000,
    minRiskLimit: 100_000,
    riskStep: 50_000,
    isInverse: false,
    status: 'Open',
    maxLeverage: 125,
    fundingRateGranularity: (i.funding_interval_hours ?? 8) * HOUR,
    fundingFeeRate: m.fundingRate,
    nextFundingRateTime: m.nextFundingTime - now,
    openInterest: contractsText(i, market.openInterest(i.symbol, now)),
    markPrice: m.mark,
    indexPrice: m.index,
    ...(day ? dayOf(market, i.symbol, second) : {}),
  };
}

function dayOf(market: SimulatedMarket, symbol: string, second: Ms): object {
  const t = market.ticker(symbol, second);
  return {
    turnoverOf24h: t.quoteVolume,
    volumeOf24h: t.volume,
    lastTradePrice: t.last,
    lowPrice: t.low,
    highPrice: t.high,
    priceChgPct: Number(((t.last - t.open) / t.open).toFixed(4)),
    priceChg: Number((t.last - t.open).toFixed(8)),
  };
}

function ok(data: unknown, weight: number): SimulatedAnswer {
  return { status: 200, body: JSON.stringify({ code: '200000', data }), weight };
}

function failure(status: number, code: string, msg: string): SimulatedAnswer {
  return { status, body: JSON.stringify({ code, msg }), weight: 1 };
}
