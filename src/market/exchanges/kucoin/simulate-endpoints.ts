import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedMarket } from '../simulator-contract.ts';
import { barsOf, byVenueSymbol, contractsText, HOUR, MINUTE, numberIn, plain, SECOND } from '../shared/simulated.ts';
import { SPOT_BARS } from './wire.ts';

/* What the endpoint tools ask and the collectors do not. */

export interface Request {
  readonly market: SimulatedMarket;
  readonly instrument: Instrument;
  readonly symbol: string;
  readonly query: URLSearchParams;
  readonly now: Ms;
}

export interface Call {
  readonly weight: number;
  /** Undefined refuses the values. */
  readonly data: (request: Request) => unknown;
}

const SPOT_LENGTHS: Readonly<Record<string, number>> = SPOT_BARS;
const FUTURES_LENGTHS = [1, 5, 15, 30, 60, 120, 240, 480, 720, 1440, 10_080];
const USUAL_BARS = 100;

/** Longer candles than a minute, newest first; undefined for lengths that the venue does not have. */
export function spotBars({ market, symbol, query, now }: Request): unknown {
  const minutes = SPOT_LENGTHS[query.get('type') ?? ''];
  if (minutes === undefined) return undefined;
  const d = market.decimals(symbol);
  return barsOf(market, symbol, now, minutes * MINUTE, USUAL_BARS)
    .map((bar) => {
      const prices = [bar.open, bar.close, bar.high, bar.low].map((value) => value.toFixed(d.price));
      return [String(bar.openTime / SECOND), ...prices, bar.volume.toFixed(d.quantity), plain(bar.quoteVolume)];
    })
    .reverse();
}

/** The same of futures, oldest first, from `from` on. */
export function futuresBars({ market, instrument, symbol, query, now }: Request): unknown {
  const minutes = numberIn(query, 'granularity') ?? 0;
  if (!FUTURES_LENGTHS.includes(minutes)) return undefined;
  const from = numberIn(query, 'from') ?? 0;
  return barsOf(market, symbol, now, minutes * MINUTE, USUAL_BARS)
    .filter((bar) => bar.openTime >= from)
    .map((bar) => [
      bar.openTime,
      bar.open,
      bar.high,
      bar.low,
      bar.close,
      Number(contractsText(instrument, bar.volume)),
    ]);
}

/** 24 h statistics of a pair, with its best prices. */
export function spotDay(market: SimulatedMarket, symbol: string, now: Ms) {
  const d = market.decimals(symbol);
  const t = market.ticker(symbol, Math.floor(now / SECOND) * SECOND);
  const book = market.book(symbol, now, 1);
  return {
    symbol: market.instruments.find((i) => i.symbol === symbol)?.venue_symbol ?? symbol,
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
}

function bestOf(market: SimulatedMarket, symbol: string, now: Ms) {
  const book = market.book(symbol, now, 1);
  return { bid: book.bids[0] ?? ([0, 0] as const), ask: book.asks[0] ?? ([0, 0] as const), seq: book.seq };
}

function lastTrade(market: SimulatedMarket, symbol: string, now: Ms) {
  const [trade] = market.tradesFrom(symbol, market.tradeIdAt(symbol, now) - 1, 1, now);
  return trade;
}

/** Calls about no symbol. */
export const SPOT_LISTS: Readonly<Record<string, (market: SimulatedMarket, now: Ms) => unknown>> = {
  '/api/v1/market/allTickers': (market, now) => ({
    time: now,
    ticker: market.instruments.map(({ symbol, venue_symbol }) => {
      const { bid, ask } = bestOf(market, symbol, now);
      const digits = market.decimals(symbol).quantity;
      const sizes = { bestBidSize: bid[1].toFixed(digits), bestAskSize: ask[1].toFixed(digits) };
      return { ...spotDay(market, symbol, now), symbolName: venue_symbol, ...sizes };
    }),
  }),
  '/api/v3/currencies': (market) =>
    [...new Set(market.instruments.flatMap((i) => [i.base, i.quote]))].map((currency) => ({
      currency,
      name: currency,
      fullName: currency,
      precision: 8,
      chains: [{ chainName: currency, isDepositEnabled: true, isWithdrawEnabled: true }],
    })),
  '/api/v1/markets': () => ['USDS', 'BTC', 'ALTS', 'DeFi'],
  '/api/v1/status': () => ({ status: 'open', msg: '' }),
};

export const SPOT_ENDPOINTS: Readonly<Record<string, Call>> = {
  '/api/v1/market/orderbook/level1': {
    weight: 2,
    data({ market, symbol, now }) {
      const d = market.decimals(symbol);
      const { bid, ask, seq } = bestOf(market, symbol, now);
      const trade = lastTrade(market, symbol, now);
      return {
        time: now,
        sequence: String(seq),
        price: (trade?.price ?? bid[0]).toFixed(d.price),
        size: (trade?.quantity ?? 0).toFixed(d.quantity),
        bestBid: bid[0].toFixed(d.price),
        bestBidSize: bid[1].toFixed(d.quantity),
        bestAsk: ask[0].toFixed(d.price),
        bestAskSize: ask[1].toFixed(d.quantity),
      };
    },
  },
};

/** Rows of an index by the minute, newest first. */
function minutes({ query, now }: Request, row: (at: Ms) => object): unknown {
  const count = Math.min(numberIn(query, 'maxCount') ?? 10, 100);
  const last = Math.floor(now / MINUTE) * MINUTE;
  const dataList = Array.from({ length: count }, (_, i) => row(last - i * MINUTE));
  return { dataList, hasMore: true };
}

export const FUTURES_ENDPOINTS: Readonly<Record<string, Call>> = {
  '/api/v1/ticker': {
    weight: 2,
    data({ market, symbol, instrument, now }) {
      const d = market.decimals(symbol);
      const { bid, ask, seq } = bestOf(market, symbol, now);
      const trade = lastTrade(market, symbol, now);
      return {
        sequence: seq,
        symbol: instrument.venue_symbol,
        side: trade?.side ?? 'buy',
        size: Number(contractsText(instrument, trade?.quantity ?? 0)),
        tradeId: String(trade?.id ?? 0),
        price: (trade?.price ?? bid[0]).toFixed(d.price),
        bestBidPrice: bid[0].toFixed(d.price),
        bestBidSize: Number(contractsText(instrument, bid[1])),
        bestAskPrice: ask[0].toFixed(d.price),
        bestAskSize: Number(contractsText(instrument, ask[1])),
        ts: now * 1_000_000,
      };
    },
  },
  '/api/v1/mark-price': {
    weight: 3,
    data({ market, symbol, instrument, now }) {
      const at = Math.floor(now / SECOND) * SECOND;
      const { mark, index } = market.mark(symbol, at);
      return { symbol: instrument.venue_symbol, granularity: SECOND, timePoint: at, value: mark, indexPrice: index };
    },
  },
  '/api/v1/funding-rate': {
    weight: 2,
    data({ market, symbol, instrument, now }) {
      const { fundingRate, nextFundingTime } = market.mark(symbol, Math.floor(now / SECOND) * SECOND);
      const granularity = (instrument.funding_interval_hours ?? 8) * HOUR;
      return {
        symbol: `.${instrument.venue_symbol}FPI${String(granularity / HOUR)}H`,
        granularity,
        timePoint: nextFundingTime - granularity,
        value: fundingRate,
        predictedValue: fundingRate,
        fundingTime: nextFundingTime,
      };
    },
  },
};

/** Indices are asked by names of their own, made of the contract's. */
export const FUTURES_INDICES: Readonly<
  Record<string, { readonly symbol: RegExp; readonly data: (request: Request) => unknown }>
> = {
  '/api/v1/premium/query': {
    symbol: /^\.(\w+)PI$/,
    data: (request) =>
      minutes(request, (at) => {
        const { mark, index } = request.market.mark(request.symbol, at);
        const value = Number((mark / index - 1).toFixed(8));
        return { symbol: `.${request.instrument.venue_symbol}PI`, granularity: MINUTE, timePoint: at, value };
      }),
  },
  '/api/v1/index/query': {
    symbol: /^\.K(\w+)$/,
    data: (request) =>
      minutes(request, (at) => {
        const { index } = request.market.mark(request.symbol, at);
        const decomposionList = ['kucoin', 'binance', 'okex'].map((exchange, i) => ({
          exchange,
          price: index,
          weight: [0.5, 0.3, 0.2][i],
        }));
        const symbol = `.K${request.instrument.venue_symbol.slice(0, -1)}`;
        return { symbol, granularity: SECOND, timePoint: at, value: index, decomposionList };
      }),
  },
};

/** The contract of an index name. */
export function contractOfIndex(market: SimulatedMarket, pattern: RegExp, name: string | null) {
  const asked = pattern.exec(name ?? '')?.[1] ?? '';
  return byVenueSymbol(market, asked) ?? byVenueSymbol(market, `${asked}M`);
}
