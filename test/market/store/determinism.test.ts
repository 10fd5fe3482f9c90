import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredRecord } from '../../../src/market/domain/records.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { DAY, MINUTE, T0, candle, open, price, temporaryFolder, trade } from './fixtures.ts';

const symbols = ['BTCUSDT', 'ETHUSDT'];

/** Records with doubles, rivals, candle updates out of order, over the border of a day. */
const record: fc.Arbitrary<StoredRecord> = fc
  .record({
    kind: fc.constantFrom('trade', 'price', 'candle'),
    symbol: fc.constantFrom(...symbols),
    minute: fc.integer({ min: -3, max: 3 }),
    id: fc.integer({ min: 0, max: 5 }),
    value: fc.integer({ min: 1, max: 3 }),
    closed: fc.boolean(),
    event: fc.integer({ min: 0, max: 4 }),
    recv: fc.integer({ min: 0, max: 1000 }),
  })
  .map(({ kind, symbol, minute, id, value, closed, event, recv }) => {
    const time = T0 + DAY + minute * MINUTE;
    const own = { symbol, recv_time: time + recv };
    if (kind === 'trade') return trade(`${minute}.${id}`, time, { ...own, price: value });
    if (kind === 'price') return price(time + event, { ...own, bid_price: value });
    return candle(time, { ...own, closed, close: value, event_time: time + event });
  });

interface Step {
  readonly size: number;
  /** Compacts afterwards, so that later batches meet finished days. */
  readonly compact: boolean;
}
const steps = fc.array(fc.record({ size: fc.integer({ min: 1, max: 15 }), compact: fc.boolean() }), {
  minLength: 1,
  maxLength: 4,
});

async function rows(store: MarketStore): Promise<unknown> {
  const found: unknown[] = [];
  for (const stream of ['trades', 'prices', 'candles'] as const) {
    for (const symbol of symbols) {
      const key = { exchange: 'binance', market: 'futures', symbol, stream } as const;
      await store.ensureSeries([key]);
      found.push(await store.seriesRows({ ...key, from: 0, to: T0 * 2, limit: 10_000 }));
    }
  }
  for (const table of ['rival.trades', 'rival.candles']) {
    found.push(await store.read(`SELECT * EXCLUDE (n, series_id) FROM ${table} ORDER BY id, n`));
  }
  return found;
}

async function stored(records: readonly StoredRecord[], how: readonly Step[]): Promise<unknown> {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  let at = 0;
  for (let i = 0; at < records.length; i++) {
    const step = how[i % how.length] ?? { size: 1, compact: false };
    await store.ingest(records.slice(at, at + step.size), { segment: 1, item: at });
    at += step.size;
    if (step.compact) await store.compact({ now: T0 + DAY, minimumGain: 1 });
  }
  return await rows(store);
}

/** The same in bulk, each commit under way while the next records are taken. */
async function storedInBulk(records: readonly StoredRecord[], how: readonly Step[]): Promise<unknown> {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  await store.bulk(async (bulk) => {
    let storing: Promise<unknown> = Promise.resolve();
    let at = 0;
    for (let i = 0; at < records.length; i++) {
      const { size } = how[i % how.length] ?? { size: 1 };
      for (const record of records.slice(at, at + size)) bulk.take(record);
      await storing;
      storing = bulk.commit({ segment: 1, item: at }, { changes: [], heads: [] });
      at += size;
    }
    await storing;
  });
  return await rows(store);
}

/** What a list of records comes to, by the plain reading of the rules. */
function expected(records: readonly StoredRecord[]): Map<string, StoredRecord> {
  const held = new Map<string, StoredRecord>();
  for (const next of records) {
    if (next.stream === 'trades') {
      const key = `t|${next.symbol}|${next.trade_id}`;
      if (!held.has(key)) held.set(key, next);
    } else if (next.stream === 'candles') {
      const key = `c|${next.symbol}|${next.open_time}`;
      const holder = held.get(key);
      const better =
        holder?.stream !== 'candles' ||
        (next.closed && !holder.closed) ||
        (next.closed === holder.closed && next.event_time > holder.event_time);
      if (better) held.set(key, next);
    } else if (next.stream === 'prices') {
      const key = `p|${next.symbol}|${next.event_time}|${next.bid_price}`;
      if (!held.has(key)) held.set(key, next);
    }
  }
  return held;
}

describe('what is stored', () => {
  it('is the same whatever the batches, and as the rules say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 40 }), steps, async (records, how) => {
        const whole = await stored(records, [{ size: records.length, compact: false }]);
        expect(await stored(records, how)).toEqual(whole);
        expect(await storedInBulk(records, how)).toEqual(whole);
        const flat = (whole as Record<string, unknown>[][]).slice(0, 6).flat();
        const wanted = [...expected(records).values()];
        expect(flat.map((row) => row['recv_time']).sort()).toEqual(wanted.map((r) => r.recv_time).sort());
      }),
      { numRuns: 4, seed: 20260102 },
    );
  }, 60_000);
});
