import { describe, expect, test, vi } from 'vitest';
import type { SeriesKey, StoredRecord, Stream } from '../../../src/market/domain/records.ts';
import { judgeRows, validateAll } from '../../../src/market/jobs/validate.ts';
import { fillBench, FROM, keyOf, openBench, START } from './bench.ts';

const SECOND = 1_000_000;
const NOW = START * 1000 + 1;
const signal = new AbortController().signal;

/** Numbers in [0, 1) that repeat with the seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const STREAMS = [
  'prices',
  'orderbooks',
  'trades',
  'mark_prices',
  'ticker_24h',
  'candles',
  'funding_rates',
  'open_interest',
  'liquidations',
] as const;

/** Rows of one series: in order, or with one of the faults that the rules know. */
function rowsOf(key: SeriesKey, next: () => number): StoredRecord[] {
  const faulty = next() < 0.6;
  const count = 3 + Math.floor(next() * 20);
  const struck = Math.floor(next() * count);
  const kind = Math.floor(next() * 6);
  return Array.from({ length: count }, (_, i) => {
    const fault = faulty && i === struck ? kind : -1;
    const at = FROM + i * 20 * SECOND;
    const price = 100 * (1 + 0.2 * next()) * (fault === 0 ? 3 : fault === 1 ? -1 : 1);
    const base = { ...key, event_time: at, recv_time: at + 20_000, seq: null, origin: 'live' as const };
    return recordOf(base, price, fault, i);
  });
}

type Base = SeriesKey & { event_time: number; recv_time: number; seq: null; origin: 'live' };

function recordOf(base: Base, price: number, fault: number, i: number): StoredRecord {
  switch (base.stream) {
    case 'prices': {
      const bid = fault === 2 ? price + 1 : price - 1;
      const sides = fault === 3 ? [null, null] : [bid, price];
      return {
        ...base,
        stream: 'prices',
        bid_price: sides[0]!,
        ask_price: sides[1]!,
        bid_qty: 1,
        ask_qty: 1,
        last_price: fault === 3 ? 900 : null,
      };
    }
    case 'orderbooks': {
      const side = (way: number): [number, number][] =>
        Array.from({ length: fault === 2 ? 2 : 4 }, (_, level) => [
          price + way * (level + 1) * (fault === 3 ? 10 : 0.01),
          1,
        ]);
      const bids = side(-1);
      const asks = side(1);
      if (fault === 4) asks.reverse();
      if (fault === 5) bids[0] = [price + 5, 1];
      return { ...base, stream: 'orderbooks', bids, asks, total_bid_depth: 4, total_ask_depth: 4 };
    }
    case 'trades': {
      const late = fault === 2 ? 3 * SECOND : fault === 3 ? 70 * SECOND : 20_000;
      const event_time = fault === 4 ? base.event_time - 45 * SECOND : base.event_time;
      const recv_time = fault === 4 ? base.recv_time : event_time + late;
      return {
        ...base,
        event_time,
        recv_time,
        stream: 'trades',
        trade_id: String(i),
        price,
        quantity: fault === 5 ? 0 : 1,
        side: 'buy',
      };
    }
    case 'mark_prices':
      return {
        ...base,
        stream: 'mark_prices',
        mark_price: price,
        index_price: price,
        funding_rate: 0.0001,
        funding_interval_hours: 8,
      };
    case 'ticker_24h':
      return {
        ...base,
        stream: 'ticker_24h',
        volume_24h: 1,
        quote_volume_24h: 1,
        trade_count_24h: 1,
        high_24h: 1,
        low_24h: 1,
        open_24h: 1,
        last_price: fault === 2 ? null : price,
        price_change: 0,
        price_change_pct: 0,
        vwap_24h: 1,
      };
    case 'candles': {
      const open_time = FROM + i * 60 * SECOND - (FROM % (60 * SECOND));
      const high = fault === 2 ? price - 1 : price + 1;
      return {
        ...base,
        event_time: open_time + 60 * SECOND,
        stream: 'candles',
        interval: '1m',
        open_time,
        close_time: open_time + 60 * SECOND,
        open: price,
        high,
        low: price - 1,
        close: price,
        volume: fault === 3 ? -1 : 5,
        quote_volume: 1,
        trade_count: 1,
        taker_buy_volume: 1,
        taker_buy_quote: 1,
        closed: true,
      };
    }
    case 'funding_rates':
      return {
        ...base,
        stream: 'funding_rates',
        funding_rate: fault >= 0 && fault < 3 ? 0.02 * (fault - 1) : 0.0001,
        funding_interval_hours: 8,
        next_funding_time: null,
      };
    case 'open_interest':
      return {
        ...base,
        stream: 'open_interest',
        open_interest: fault === 0 ? 5000 : fault === 1 ? -1 : 1000 + i,
        open_interest_usd: null,
      };
    default:
      return {
        ...base,
        stream: 'liquidations',
        side: 'long',
        price,
        quantity: fault === 2 ? 0 : 1,
      };
  }
}

describe('screens', () => {
  test.each(STREAMS)(
    'of %s clear nothing that a rule condemns, and what they doubt is judged alike',
    async (stream: Stream) => {
      await using bench = await openBench();
      const { store } = bench.services;
      const next = random(STREAMS.indexOf(stream as (typeof STREAMS)[number]) + 1);
      const keys = Array.from({ length: 60 }, (_, i) => keyOf(stream, i % 2 === 0 ? 'binance' : 'bybit', `C${i}USDT`));
      await store.ensureSeries(keys);
      await store.ingest(
        keys.flatMap((key) => rowsOf(key, next)),
        null,
      );
      const read = vi.spyOn(store, 'seriesRows');
      const screened = await validateAll(bench.services, keys, FROM - 60 * SECOND, NOW + 900 * SECOND);
      const doubted = read.mock.calls.length;
      read.mockRestore();
      const judged = [];
      for (const key of keys) judged.push(await judgeRows(bench.services, key, FROM - 60 * SECOND, NOW + 900 * SECOND));
      expect(screened).toEqual(judged);
      const bad = judged.filter((result) => result.findings.length > 0).length;
      expect(bad).toBeGreaterThan(5);
      expect(bad).toBeLessThan(55);
      expect([doubted >= bad, doubted < keys.length]).toEqual([true, true]);
    },
  );
  test('an ordinary market is validated without reading a row', async () => {
    await using ordinary = await openBench();
    await fillBench(ordinary);
    const read = vi.spyOn(ordinary.services.store, 'seriesRows');
    const keys = await ordinary.services.store.series();
    const shares: number[] = [];
    const watch = { signal, progress: (share: number) => void shares.push(share) };
    const results = await validateAll(ordinary.services, keys, FROM, NOW, watch);
    expect(results.map((r) => [r.findings, r.failed_rows, r.rows > 0])).toEqual(keys.map(() => [[], 0, true]));
    expect(read).not.toHaveBeenCalled();
    expect(shares).toHaveLength(keys.length);
    const stopped = { ...watch, signal: AbortSignal.abort(new Error('stopped')) };
    await expect(validateAll(ordinary.services, keys, FROM, NOW, stopped)).rejects.toThrow('stopped');
  });
});
