import type { Ms } from '../../../kit/clock.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedAnswer, SimulatedMarket, SimulatedRequest } from '../contract.ts';
import { levelSnapshot } from '../shared/simulated-levels.ts';
import { byVenueSymbol, contractsText, MINUTE, numberIn, plain, SECOND } from '../shared/simulated.ts';
import type { Instrument } from '../../domain/instrument.ts';

/* REST of simulated KuCoin: https://www.kucoin.com/docs-new/rest/spot-trading/market-data/get-klines and beside it. */

const TRADES = 100;
const HOUR = 3_600_000;
const PING_MS = 18_000;

interface Request {
  readonly market: SimulatedMarket;
  readonly instrument: Instrument;
  readonly symbol: string;
  readonly query: URLSearchParams;
  readonly now: Ms;
}

interface Call {
  readonly weight: number;
  readonly data: (request: Request) => unknown;
}

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
  const named = /^\/api\/v1\/contracts\/([A-Z0-9]+)$/.exec(path)?.[1];
  const call = named === undefined ? CALLS[kind]?.[path] : CONTRACT;
  if (call === undefined || (named !== undefined && kind !== 'futures')) return undefined;
  const instrument = byVenueSymbol(market, named ?? query.get('symbol'));
  if (instrument === undefined) return failure(200, '900001', 'symbol not exists');
  return ok(call.data({ market, instrument, symbol: instrument.symbol, query, now }), call.weight);
}

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

const CONTRACT: Call = { weight: 3, data: ({ market, instrument, now }) => contract(market, instrument, now, true) };

const SPOT_CALLS: Readonly<Record<string, Call>> = {
  '/api/v1/market/orderbook/level2_100': {
    weight: 4,
    data({ market, symbol, now }) {
      const d = market.decimals(symbol);
      const book = market.book(symbol, now, 100);
      const side = (levels: readonly (readonly [number, number])[]): unknown =>
        levels.map(([p, q]) => [p.toFixed(d.price), q.toFixed(d.quantity)]);
      return { time: now, sequence: String(book.seq), bids: side(book.bids), asks: side(book.asks) };
    },
  },
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
    data({ market, symbol, instrument, now }) {
      const d = market.decimals(symbol);
      const t = market.ticker(symbol, Math.floor(now / SECOND) * SECOND);
      const book = market.book(symbol, now, 1);
      return {
        time: now,
        symbol: instrument.venue_symbol,
        buy: (book.bids[0]?.[0] ?? 0).toFixed(d.price),
        sell: (book.asks[0]?.[0] ?? 0).toFixed(d.price),
        changeRate: ((t.last - t.open) / t.open).toFixed(4),
        changePrice: (t.last - t.open).toFixed(d.price),
        high: t.high.toFixed(d.price),
        low: t.low.toFixed(d.price),
        vol: t.volume.toFixed(d.quantity),
        volValue: plain(t.quoteVolume),
        last: t.last.toFixed(d.price),
        averagePrice: (t.quoteVolume / t.volume).toFixed(d.price),
      };
    },
  },
  '/api/v1/market/candles': {
    weight: 3,
    data({ market, symbol, query, now }) {
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

const FUTURES_CALLS: Readonly<Record<string, Call>> = {
  '/api/v1/level2/snapshot': {
    weight: 3,
    data({ market, symbol, instrument, now }) {
      const book = levelSnapshot(market, symbol, now);
      const side = (levels: readonly (readonly [number, number])[]): unknown =>
        levels.map(([p, q]) => [p, Number(contractsText(instrument, q))]);
      const { seq, at } = book;
      // ns are written by hand: they are beyond exact numbers.
      return { symbol: instrument.venue_symbol, sequence: seq, bids: side(book.bids), asks: side(book.asks), ts: at };
    },
  },
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
    data({ market, symbol, instrument, query, now }) {
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

/** `moving`: with the numbers that change, which need the day's window. */
function contract(market: SimulatedMarket, i: Instrument, now: Ms, moving: boolean): unknown {
  const second = Math.floor(now / SECOND) * SECOND;
  const still = {
    symbol: i.venue_symbol,
    rootSymbol: i.quote,
    type: 'FFWCSX',
    firstOpenDate: 1_585_555_200_000,
    expireDate: null,
    baseCurrency: i.base === 'BTC' ? 'XBT' : i.base,
    quoteCurrency: i.quote,
    settleCurrency: i.quote,
    lotSize: 1,
    tickSize: i.tick_size,
    multiplier: i.contract_size,
    isInverse: false,
    status: 'Open',
    fundingRateGranularity: (i.funding_interval_hours ?? 8) * HOUR,
  };
  if (!moving) return still;
  const t = market.ticker(i.symbol, second);
  const m = market.mark(i.symbol, second);
  return {
    ...still,
    fundingFeeRate: m.fundingRate,
    nextFundingRateTime: m.nextFundingTime - now,
    openInterest: contractsText(i, market.openInterest(i.symbol, now)),
    turnoverOf24h: t.quoteVolume,
    volumeOf24h: t.volume,
    markPrice: m.mark,
    indexPrice: m.index,
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
