import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedMarket } from '../simulator-contract.ts';
import { HOUR, limitOf, numberIn, SECOND, ticks } from '../shared/simulated.ts';
import { optionIn, valuationOf } from '../shared/simulated-options.ts';
import { amountOf, tradeRow } from './simulate-frames.ts';

/* Answers that only the endpoint tools ask for: of a coin as a whole, and of the venue. */

const SETTLEMENT_MS = 8 * HOUR;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const MOST_HOURS = 1000;
/** Readings of historical volatility: hours of so many days. */
const VOLATILITY_DAYS = 15;

/** Currencies that are known whether or not anything is listed. */
const SETTLED_IN = ['BTC', 'ETH', 'USDC', 'USDT'];

export interface CoinRequest {
  readonly market: SimulatedMarket;
  readonly query: URLSearchParams;
  readonly now: Ms;
}

/** Those of a coin's instruments that are listed now; undefined when there is no such coin. */
function instrumentsOf({ market, query, now }: CoinRequest) {
  const currency = query.get('currency') ?? '';
  const own = market.instruments.filter((i) => i.base === currency || i.quote === currency);
  if (own.length === 0 && !SETTLED_IN.includes(currency)) return undefined;
  return own.filter((i) => (i.expiry_time ?? Infinity) > now * 1000);
}

export function summaries(request: CoinRequest): readonly unknown[] | undefined {
  const { market, now } = request;
  const second = Math.floor(now / SECOND) * SECOND;
  return instrumentsOf(request)?.map((i) => {
    const mark = market.mark(i.symbol, second);
    const book = market.book(i.symbol, now + 1, 1);
    const option = optionIn(i, mark.index, second);
    const day = option === undefined ? market.ticker(i.symbol, second) : undefined;
    return {
      instrument_name: i.venue_symbol,
      base_currency: i.base,
      quote_currency: i.quote,
      creation_timestamp: now,
      mark_price: mark.mark,
      bid_price: book.bids[0]?.[0] ?? null,
      ask_price: book.asks[0]?.[0] ?? null,
      last: day?.last ?? null,
      high: day?.high ?? null,
      low: day?.low ?? null,
      price_change: day === undefined ? null : Number(((day.last / day.open - 1) * 100).toFixed(4)),
      volume: day?.volume ?? null,
      volume_usd: day?.quoteVolume ?? null,
      open_interest: amountOf(i, market.openInterest(i.symbol, second), mark.mark),
      estimated_delivery_price: mark.index,
      ...(i.kind === 'perpetual' ? { current_funding: mark.fundingRate, funding_8h: mark.fundingRate } : {}),
      ...(option === undefined
        ? {}
        : { mark_iv: Number(option.volatility.toFixed(2)), underlying_price: Number(option.forward.toFixed(4)) }),
    };
  });
}

/** The newest trades of a coin's instruments, newest first. */
export function coinTrades(request: CoinRequest): unknown {
  const { market, query, now } = request;
  const own = instrumentsOf(request);
  const count = limitOf(query, 'count', 10, 1000);
  if (own === undefined || count === undefined) return undefined;
  const rows = own.flatMap((i) => {
    const next = market.tradeIdAt(i.symbol, now);
    return market
      .tradesFrom(i.symbol, next - count, count, now)
      .map((t) => ({ at: t.at, row: tradeRow(market, i, t) }));
  });
  rows.sort((a, b) => b.at - a.at);
  return { trades: rows.slice(0, count).map(({ row }) => row), has_more: rows.length > count };
}

/** Realised volatility of the index over the day before each hour, percent a year. */
export function historicalVolatility(request: CoinRequest): unknown {
  const { market, query, now } = request;
  const symbol = market.instruments.find((i) => i.base === query.get('currency'))?.symbol;
  if (symbol === undefined) return undefined;
  const last = Math.floor(now / HOUR) * HOUR;
  const prices = ticks(last - (VOLATILITY_DAYS + 1) * DAY, last + 1, HOUR).map((at) => market.mark(symbol, at).index);
  const moves = prices.slice(1).map((price, i) => Math.log(price / (prices[i] ?? price)));
  return moves.slice(24).map((_, i) => {
    const square = moves.slice(i, i + 24).reduce((sum, move) => sum + move * move, 0);
    return [last - (moves.length - 25 - i) * HOUR, Number((Math.sqrt(square / 24 / (HOUR / YEAR)) * 100).toFixed(4))];
  });
}

/** DVOL: here the volatility at the money for 30 days, as the simulated options have it. */
export function volatilityIndex(request: CoinRequest): unknown {
  const { market, query, now } = request;
  const base = query.get('currency') ?? '';
  const symbol = market.instruments.find((i) => i.base === base)?.symbol;
  const from = numberIn(query, 'start_timestamp');
  const step = (numberIn(query, 'resolution') ?? 3600) * SECOND;
  if (symbol === undefined || from === undefined) return undefined;
  const to = Math.min(now, numberIn(query, 'end_timestamp') ?? now);
  const at = (time: Ms): number => {
    const index = market.mark(symbol, Math.floor(time / SECOND) * SECOND).index;
    const option = { base, type: 'call' as const, strike: index, expiry: time + 30 * DAY };
    return Number(valuationOf(option, index, time).volatility.toFixed(2));
  };
  const data = ticks(Math.max(from, to - MOST_HOURS * HOUR), to, step).map((time) => {
    const [open, close] = [at(time), at(Math.min(to, time + step))];
    return [time, open, Math.max(open, close), Math.min(open, close), close];
  });
  return { data, continuation: null };
}

/** What was settled at each of the last days' ends, perpetuals at mark. */
export function settlements(request: CoinRequest): unknown {
  const { market, query, now } = request;
  const own = instrumentsOf(request);
  const count = limitOf(query, 'count', 20, 1000);
  if (own === undefined || count === undefined) return undefined;
  const last = Math.floor((now - SETTLEMENT_MS) / DAY) * DAY + SETTLEMENT_MS;
  const rows = Array.from({ length: Math.ceil(count / Math.max(1, own.length)) }, (_, day) =>
    own.map((i) => {
      const at = last - day * DAY;
      const { mark, index } = market.mark(i.symbol, at);
      return {
        type: 'settlement',
        timestamp: at,
        instrument_name: i.venue_symbol,
        index_price: index,
        mark_price: mark,
        position: amountOf(i, market.openInterest(i.symbol, at), mark),
      };
    }),
  );
  return { settlements: rows.flat().slice(0, count), continuation: 'none' };
}
