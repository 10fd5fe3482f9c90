import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PriceGuard } from '../../../src/market/collect/price-guard.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { priceDeviations } from '../../../src/market/jobs/checks/prices.ts';
import type { MarketRecord } from '../../../src/market/domain/records.ts';

const SECOND = 1_000_000;
const T0 = Date.UTC(2026, 0, 5) * 1000;
const key = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;

function trade(price: number, at: number, origin: 'live' | 'backfill' = 'live'): MarketRecord {
  const time = { event_time: T0 + at * SECOND, recv_time: T0 + at * SECOND, seq: null, origin };
  return { ...key, ...time, stream: 'trades', trade_id: String(at), price, quantity: 1, side: 'buy' };
}

const guard = (limit = 50) => new PriceGuard(() => limit);

test('a price beyond the limit is told with the average it is far from, and does not enter it', () => {
  const one = guard();
  for (let i = 0; i < 100; i++) expect(one.judge(trade(100, i))).toBeUndefined();
  const time = T0 + 100 * SECOND;
  expect(one.judge(trade(200, 100))).toEqual({ time, price: 200, average: 100, deviationPercent: 100 });
  // A series is told of once in ten seconds.
  expect(one.judge(trade(200, 105))).toBeUndefined();
  expect(one.judge(trade(49, 111))).toMatchObject({ price: 49, average: 100 });
  expect(one.judge(trade(51, 122))).toBeUndefined();
});

test('a wrong first price does not condemn those after it', () => {
  const one = guard();
  const told = [1000, 100, 100, 100, 100, 100, 100, 1000].map((price, i) => one.judge(trade(price, i * 20))?.price);
  expect(told.filter((price) => price === 100)).toEqual([]);
  expect(told.at(-1)).toBe(1000);
});

test('prices older than an hour are forgotten; history and streams without a price are not judged', () => {
  const one = guard();
  for (let i = 0; i < 10; i++) one.judge(trade(100, i));
  expect(one.judge(trade(300, 20, 'backfill'))).toBeUndefined();
  expect(one.judge(trade(300, 7200))).toBeUndefined();
  for (let i = 1; i < 10; i++) expect(one.judge(trade(300, 7200 + i))).toBeUndefined();
  expect(one.judge(trade(100, 7220))).toMatchObject({ average: 300 });
  const interest = { open_interest: 1, open_interest_usd: null, stream: 'open_interest' } as const;
  const { event_time, recv_time } = trade(1, 7230);
  expect(one.judge({ ...key, ...interest, event_time, recv_time, seq: null, origin: 'live' })).toBeUndefined();
});

test('the limit in force counts', () => {
  let limit = 50;
  const one = new PriceGuard(() => limit);
  for (let i = 0; i < 10; i++) one.judge(trade(100, i));
  expect(one.judge(trade(120, 20))).toBeUndefined();
  limit = 10;
  expect(one.judge(trade(120, 21))).toMatchObject({ price: 120 });
});

test('property: what the rule of the validator condemns after its first prices is suspected', () => {
  const rules = marketConfigSchema.parse({}).validation;
  const walk = fc.array(fc.double({ min: 0.97, max: 1.03, noNaN: true }), { minLength: 60, maxLength: 300 });
  const spike = fc.tuple(fc.integer({ min: 30, max: 59 }), fc.constantFrom(0.2, 0.4, 1.8, 3));
  fc.assert(
    fc.property(walk, spike, (steps, [at, factor]) => {
      let price = 100;
      const prices = steps.map((step, i) => {
        price = Math.min(110, Math.max(90, price * step));
        return i === at ? price * factor : price;
      });
      const one = guard();
      const suspected = prices.flatMap((p, i) => (one.judge(trade(p, i)) === undefined ? [] : [i]));
      const rows = prices.map((p, i) => ({ price: p, event_time: T0 + i * SECOND }));
      const condemned = priceDeviations({ ...key, stream: 'trades' }, rows, rules).map((d) =>
        rows.indexOf(d.row as never),
      );
      expect(condemned).toEqual([at]);
      expect(suspected).toEqual([at]);
    }),
    { seed: 11, numRuns: 200 },
  );
});
