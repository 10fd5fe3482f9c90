import type { Ms } from '../../../kit/clock.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedMarket } from '../simulator-contract.ts';

const SECOND = 1000;
const HOUR = 3_600_000;

/**
 * All fields of a ticker as they stand at `at`. Best bid and ask follow the book; the rest is renewed every second.
 * The same for the stream and for REST (`/v5/market/tickers`).
 */
export function tickerFields(
  market: SimulatedMarket,
  kind: Market,
  symbol: string,
  at: Ms,
): Readonly<Record<string, string>> {
  const d = market.decimals(symbol);
  const second = Math.floor(at / SECOND) * SECOND;
  const t = market.ticker(symbol, second);
  const price = (value: number): string => value.toFixed(d.price);
  const amount = (value: number): string => value.toFixed(d.quantity);
  const day = {
    lastPrice: price(t.last),
    highPrice24h: price(t.high),
    lowPrice24h: price(t.low),
    prevPrice24h: price(t.open),
    volume24h: amount(t.volume),
    turnover24h: t.quoteVolume.toFixed(8),
    price24hPcnt: ((t.last - t.open) / t.open).toFixed(6),
  };
  if (kind === 'spot') return { symbol, ...day, usdIndexPrice: market.mark(symbol, second).index.toFixed(8) };
  const book = market.book(symbol, at + 1, 1);
  const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
  const m = market.mark(symbol, second);
  const interest = market.openInterest(symbol, second);
  const hourAgo = market.candle(symbol, Math.floor((second - HOUR) / 60_000) * 60_000, second)?.open ?? t.open;
  return {
    symbol,
    tickDirection: t.last >= t.open ? 'PlusTick' : 'MinusTick',
    ...day,
    prevPrice1h: price(hourAgo),
    markPrice: m.mark.toFixed(d.mark),
    indexPrice: m.index.toFixed(d.mark),
    openInterest: amount(interest),
    openInterestValue: (interest * m.mark).toFixed(4),
    nextFundingTime: String(m.nextFundingTime),
    fundingRate: String(Number(m.fundingRate.toFixed(8))).includes('e')
      ? m.fundingRate.toFixed(8)
      : String(Number(m.fundingRate.toFixed(8))),
    bid1Price: price(bid[0]),
    bid1Size: amount(bid[1]),
    ask1Price: price(ask[0]),
    ask1Size: amount(ask[1]),
    fundingIntervalHour: String(market.instruments.find((i) => i.symbol === symbol)?.funding_interval_hours ?? 8),
    fundingCap: '0.003',
  };
}

/** Symbol and the fields whose text differs. */
export function changedFields(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => name === 'symbol' || before[name] !== value));
}
