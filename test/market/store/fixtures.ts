import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '../../../src/kit/clock.ts';
import type { EventEnvelope, EventName, EventSink } from '../../../src/kit/event.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import type {
  CandleRecord,
  OpenInterestRecord,
  OrderBookRecord,
  PriceRecord,
  StoredRecord,
  TradeRecord,
} from '../../../src/market/domain/records.ts';
import { openMarketStore } from '../../../src/market/store/open.ts';
import type { OpenedStore, OpenStoreOptions } from '../../../src/market/store/open.ts';

/** 2026-01-02 00:00 UTC, µs. */
export const T0 = Date.UTC(2026, 0, 2) * 1000;
export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Keeps what is emitted. */
export class RecordedEvents implements EventSink {
  readonly list: { readonly type: EventName; readonly data: Record<string, unknown> }[] = [];

  emit<N extends EventName>(type: N, data: EventEnvelope<N>['data']): EventEnvelope<N> {
    this.list.push({ type, data });
    return { id: 'e', seq: this.list.length, type, time: 0, source: 'test', priority: 5, correlation_id: null, data };
  }

  of(type: EventName): Record<string, unknown>[] {
    return this.list.filter((event) => event.type === type).map((event) => event.data);
  }
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'crew-store-'));
}

export const clock = (): ManualClock => new ManualClock(Date.UTC(2026, 0, 5));

/** Opens a store in `dataDir` with defaults. */
export function open(dataDir: string, changes: Partial<OpenStoreOptions> = {}): Promise<OpenedStore> {
  return openMarketStore({
    dataDir,
    config: marketConfigSchema.parse({}).storage,
    clock: clock(),
    log: silentLogger,
    events: new RecordedEvents(),
    ...changes,
  });
}

const base = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', seq: null, origin: 'live' } as const;

export function trade(id: number | string, time: number, changes: Partial<TradeRecord> = {}): TradeRecord {
  return {
    ...base,
    stream: 'trades',
    event_time: time,
    recv_time: time + 5000,
    trade_id: String(id),
    price: 60_000,
    quantity: 0.5,
    side: 'buy',
    ...changes,
  };
}

export function price(time: number, changes: Partial<PriceRecord> = {}): PriceRecord {
  return {
    ...base,
    stream: 'prices',
    event_time: time,
    recv_time: time + 5000,
    bid_price: 59_999,
    ask_price: 60_001,
    bid_qty: 1,
    ask_qty: 2,
    last_price: null,
    ...changes,
  };
}

export function candle(openTime: number, changes: Partial<CandleRecord> = {}): CandleRecord {
  return {
    ...base,
    stream: 'candles',
    event_time: openTime + MINUTE,
    recv_time: openTime + MINUTE + 5000,
    interval: '1m',
    open_time: openTime,
    close_time: openTime + MINUTE,
    open: 100,
    high: 110,
    low: 90,
    close: 105,
    volume: 10,
    quote_volume: 1000,
    trade_count: 7,
    taker_buy_volume: 4,
    taker_buy_quote: 400,
    closed: true,
    ...changes,
  };
}

export function openInterest(time: number, value: number): OpenInterestRecord {
  return {
    ...base,
    stream: 'open_interest',
    event_time: time,
    recv_time: time,
    open_interest: value,
    open_interest_usd: null,
  };
}

export function book(time: number, changes: Partial<OrderBookRecord> = {}): OrderBookRecord {
  const side = (from: number, step: number): [number, number][] =>
    Array.from({ length: 10 }, (_, i) => [from + i * step, i + 1]);
  return {
    ...base,
    stream: 'orderbooks',
    event_time: time,
    recv_time: time,
    bids: side(59_999, -1),
    asks: side(60_001, 1),
    total_bid_depth: 55,
    total_ask_depth: 55,
    ...changes,
  };
}

/** One record of every stream at `time`. */
export function everyStream(time: number, changes: Partial<TradeRecord> = {}): StoredRecord[] {
  const own = {
    ...base,
    event_time: time,
    recv_time: time + 1000,
    ...(changes.symbol === undefined ? {} : { symbol: changes.symbol }),
    ...(changes.exchange === undefined ? {} : { exchange: changes.exchange }),
  };
  return [
    price(time, own),
    trade(time, time, own),
    book(time, own),
    { ...candle(time), ...own, event_time: time },
    { ...openInterest(time, 1000), ...own },
    {
      ...own,
      stream: 'mark_prices',
      mark_price: 60_010,
      index_price: 60_000,
      funding_rate: 0.0001,
      funding_interval_hours: 8,
    },
    {
      ...own,
      stream: 'funding_rates',
      funding_rate: 0.0001,
      funding_interval_hours: 4,
      next_funding_time: time + HOUR,
    },
    {
      ...own,
      stream: 'ticker_24h',
      volume_24h: 1,
      quote_volume_24h: 2,
      trade_count_24h: 3,
      high_24h: 4,
      low_24h: 5,
      open_24h: 6,
      last_price: 7,
      price_change: 8,
      price_change_pct: 9,
      vwap_24h: 10,
    },
    { ...own, stream: 'liquidations', side: 'long', price: 60_000, quantity: 2 },
    {
      ...own,
      stream: 'option_summaries',
      option_type: 'call',
      strike_price: 60_000,
      expiry_time: time + DAY,
      underlying_price: 60_005,
      underlying: 'BTC-3JAN26',
      mark_price: 0.01,
      mark_iv: 55.5,
      bid_price: 0.009,
      bid_qty: 10,
      bid_iv: 54,
      ask_price: 0.011,
      ask_qty: 12,
      ask_iv: 57,
      last_price: null,
      open_interest: 300,
      delta: 0.5,
      gamma: 0.0001,
      vega: 12,
      theta: -80,
      rho: 1.5,
    },
  ];
}
