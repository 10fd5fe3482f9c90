import { describe, expect, it } from 'vitest';
import { COLUMNS, annualPercent, columnsOf, rowOf } from '../../../src/market/domain/columns.ts';
import type { PriceLevel, StoredRecord } from '../../../src/market/domain/records.ts';
import { STREAMS } from '../../../src/market/domain/records.ts';

const base = {
  exchange: 'binance',
  market: 'futures',
  symbol: 'BTCUSDT',
  event_time: 1_000_000_000,
  recv_time: 1_000_000_001,
  seq: null,
  origin: 'live',
} as const;

const levels = (from: number, step: number, count: number): PriceLevel[] =>
  Array.from({ length: count }, (_, i) => [from + i * step, i + 1] as const);

const samples: Record<string, StoredRecord> = {
  prices: { ...base, stream: 'prices', bid_price: 99, ask_price: 101, bid_qty: 2, ask_qty: 3, last_price: null },
  orderbooks: {
    ...base,
    stream: 'orderbooks',
    bids: levels(99, -1, 10),
    asks: levels(101, 1, 2),
    total_bid_depth: 60,
    total_ask_depth: 30,
  },
  trades: { ...base, stream: 'trades', trade_id: '7', price: 100, quantity: 0.5, side: 'sell' },
  mark_prices: {
    ...base,
    stream: 'mark_prices',
    mark_price: 101,
    index_price: 100,
    funding_rate: 0.0001,
    funding_interval_hours: 4,
  },
  funding_rates: {
    ...base,
    stream: 'funding_rates',
    funding_rate: 0.0001,
    funding_interval_hours: 8,
    next_funding_time: 1_000_000_000 + 90_500_000,
  },
  open_interest: { ...base, stream: 'open_interest', open_interest: 10, open_interest_usd: null },
  ticker_24h: {
    ...base,
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
  candles: {
    ...base,
    stream: 'candles',
    interval: '1m',
    open_time: 0,
    close_time: 60_000_000,
    open: 1,
    high: 2,
    low: 0.5,
    close: 1.5,
    volume: 8,
    quote_volume: 12,
    trade_count: 4,
    taker_buy_volume: 2,
    taker_buy_quote: 3,
    closed: true,
  },
  liquidations: { ...base, stream: 'liquidations', side: 'long', price: 50_000, quantity: 2.5 },
  option_summaries: {
    ...base,
    stream: 'option_summaries',
    option_type: 'put',
    strike_price: 60_000,
    expiry_time: 1_800_000_000_000_000,
    underlying_price: 59_000.5,
    underlying: 'BTC-15JAN27',
    mark_price: 0.05,
    mark_iv: 61.2,
    bid_price: 0.049,
    bid_qty: 3,
    bid_iv: 60.1,
    ask_price: null,
    ask_qty: null,
    ask_iv: null,
    last_price: 0.051,
    open_interest: 120.5,
    delta: -0.52,
    gamma: 0.00002,
    vega: 88.1,
    theta: -40.2,
    rho: -12.5,
  },
};

const sample = (stream: string): StoredRecord => {
  const record = samples[stream];
  if (record === undefined) throw new Error(`no sample of ${stream}`);
  return record;
};

describe('columns of the streams', () => {
  it.each(STREAMS)('%s gives a value for every column, of its type', (stream) => {
    const record = sample(stream);
    const row = rowOf(record);
    const specs = COLUMNS[stream];
    expect(row).toHaveLength(specs.length);
    specs.forEach((spec, i) => {
      const value = row[i];
      if (value === null) {
        expect(spec.nullable, spec.name).toBe(true);
        return;
      }
      const type = spec.type === 'varchar' ? 'string' : spec.type === 'boolean' ? 'boolean' : 'number';
      expect(typeof value, spec.name).toBe(type);
    });
    expect(new Set(specs.map((spec) => spec.name)).size).toBe(specs.length);
  });

  it('derives prices, basis, rates and values', () => {
    expect(columnsOf(sample('prices'))).toMatchObject({ mid_price: 100, spread: 2, spread_bps: 200 });
    expect(columnsOf(sample('trades'))).toMatchObject({ quote_value: 50, is_buyer_maker: true });
    expect(columnsOf(sample('mark_prices'))).toMatchObject({ basis: 1, basis_pct: 1 });
    expect(columnsOf(sample('mark_prices'))['annualized_rate']).toBeCloseTo(21.9, 10);
    expect(columnsOf(sample('funding_rates'))).toMatchObject({ funding_pct: 0.01, countdown_secs: 90 });
    expect(columnsOf(sample('funding_rates'))['annualized_pct']).toBeCloseTo(10.95, 10);
    expect(columnsOf(sample('candles'))).toMatchObject({ taker_buy_pct: 25, interval: '1m' });
    expect(columnsOf(sample('liquidations'))).toMatchObject({ value_usd: 125_000, is_large: true });
  });

  it('lays the book out by level and leaves what is not there null', () => {
    const row = columnsOf(sample('orderbooks'));
    expect(row).toMatchObject({ bid_1_price: 99, bid_10_price: 90, ask_2_price: 102, ask_2_qty: 2, ask_3_price: null });
    expect(row).toMatchObject({ bid_ask_ratio: 2, spread: 2, spread_pct: 2, mid_price: 100 });
    expect(Object.keys(row)).toHaveLength(46);
  });

  it('keeps the one price of an oracle and its confidence, and no sides', () => {
    const said = { bid_price: null, ask_price: null, bid_qty: null, ask_qty: null, mid_price: 100.5, confidence: 0.2 };
    const row = columnsOf({ ...base, market: 'oracle', stream: 'prices', last_price: null, ...said });
    expect(row).toMatchObject({ mid_price: 100.5, confidence: 0.2, bid_price: null, spread: null, spread_bps: null });
  });

  it('gives null, not a guess, when an input is missing', () => {
    const oneSided = columnsOf({ ...sample('prices'), ask_price: null } as StoredRecord);
    expect(oneSided).toMatchObject({ mid_price: null, spread: null, spread_bps: null, bid_price: 99 });
    expect(annualPercent(0.0001, null)).toBeNull();
    expect(annualPercent(null, 8)).toBeNull();
    const empty = columnsOf({ ...sample('candles'), volume: 0, taker_buy_volume: 0 } as StoredRecord);
    expect(empty['taker_buy_pct']).toBeNull();
  });
});
