import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PriceLevel } from '../../../../src/market/domain/records.ts';
import { takeBase, takeNotional } from '../../../../src/market/jobs/arbitrage/book-walk.ts';
import { conversionBy } from '../../../../src/market/jobs/arbitrage/currency.ts';
import { fundingCarry, rateOver } from '../../../../src/market/jobs/arbitrage/funding-carry.ts';
import {
  bestSize,
  breakEvenBps,
  netSpread,
  type CrossMarket,
} from '../../../../src/market/jobs/arbitrage/net-spread.ts';

const RUNS = { seed: 20261129, numRuns: 300 };

const side = (rising: boolean) =>
  fc
    .array(fc.tuple(fc.double({ min: 0.01, max: 5, noNaN: true }), fc.double({ min: 0.001, max: 50, noNaN: true })), {
      minLength: 1,
      maxLength: 25,
    })
    .map((steps) => {
      let price = 1000;
      return steps.map(([step, size]): PriceLevel => [(price += rising ? step : -step), size]);
    });

const PLAIN = { buyFeePercent: 0.1, sellFeePercent: 0.1, rate: 1, conversionFeePercent: 0, lot: null };

describe('walking a book', () => {
  const asks: readonly PriceLevel[] = [
    [100, 1],
    [101, 2],
  ];

  test('the worked examples', () => {
    expect(takeNotional(asks, 201)).toEqual({
      base: 2,
      quote: 201,
      average_price: 100.5,
      worst_price: 101,
      levels: 2,
      filled: true,
    });
    const bids: readonly PriceLevel[] = [
      [100, 1],
      [99, 2],
    ];
    expect(takeBase(bids, 2)).toMatchObject({ base: 2, quote: 199, average_price: 99.5, filled: true });
  });

  test('a book that is too thin gives what it has and says so; an empty one gives nothing', () => {
    expect(takeNotional(asks, 1000)).toMatchObject({ base: 3, quote: 302, filled: false });
    expect(takeBase(asks, 4)).toMatchObject({ base: 3, filled: false });
    expect(takeNotional([], 10)).toMatchObject({ base: 0, average_price: null, worst_price: null, filled: false });
  });

  test('never more than asked or held; the average lies between best and worst; more costs more a unit', () => {
    fc.assert(
      fc.property(side(true), fc.double({ min: 1, max: 1e6, noNaN: true }), (levels, notional) => {
        const walk = takeNotional(levels, notional);
        const held = levels.reduce((sum, [price, size]) => sum + price * size, 0);
        expect(walk.quote).toBeLessThanOrEqual(Math.min(notional, held) * (1 + 1e-9));
        if (Math.abs(held / notional - 1) > 1e-9) expect(walk.filled).toBe(held > notional);
        expect(walk.average_price).toBeGreaterThanOrEqual((levels[0]?.[0] ?? 0) * (1 - 1e-12));
        expect(walk.average_price).toBeLessThanOrEqual((walk.worst_price ?? 0) * (1 + 1e-12));
        const more = takeNotional(levels, notional * 2);
        expect(more.average_price).toBeGreaterThanOrEqual((walk.average_price ?? 0) * (1 - 1e-9));
        expect(takeBase(levels, walk.base).quote).toBeCloseTo(walk.quote, 4);
      }),
      RUNS,
    );
  });
});

describe('the net spread', () => {
  const market: CrossMarket = {
    ...PLAIN,
    asks: [
      [100, 1],
      [101, 1],
    ],
    bids: [
      [103, 1],
      [102, 1],
    ],
  };

  test('the worked example', () => {
    const net = netSpread(market, 201);
    expect(net).toMatchObject({ base: 2, paid: 201, received: 205, gross_profit: 4, filled: true });
    expect(net.fees).toBeCloseTo(0.406, 10);
    expect(net.net_profit).toBeCloseTo(3.594, 10);
    expect(net.net_bps).toBeCloseTo(178.8, 1);
  });

  test('fees turn a spread on top of the book into a loss', () => {
    const thin = { ...market, asks: [[100, 1]] as const, bids: [[100.1, 1]] as const };
    expect(netSpread(thin, 50).gross_bps).toBeCloseTo(10, 6);
    expect(netSpread(thin, 50).net_profit).toBeLessThan(0);
    expect(bestSize(thin).base).toBe(0);
  });

  test('size at depth: what the best level promises is not what ten times its size brings', () => {
    const deep = {
      ...market,
      asks: [
        [100, 1],
        [110, 100],
      ] as const,
      bids: [
        [103, 1],
        [90, 100],
      ] as const,
    };
    expect(netSpread(deep, 100).net_profit).toBeGreaterThan(0);
    expect(netSpread(deep, 1000).net_profit).toBeLessThan(0);
    expect(bestSize(deep).base).toBe(1);
  });

  test('whole lots of the coarser step; less than one lot is nothing', () => {
    expect(netSpread({ ...market, lot: 0.1 }, 35).base).toBeCloseTo(0.3, 12);
    expect(netSpread({ ...market, lot: 5 }, 201)).toMatchObject({ base: 0, net_bps: null, filled: false });
  });

  test('other currencies are converted at a rate and its fee', () => {
    const usd = { ...market, rate: 0.99, conversionFeePercent: 0.1 };
    const net = netSpread(usd, 201);
    expect(net.received).toBeCloseTo(205 * 0.99, 10);
    expect(net.net_profit).toBeCloseTo(205 * 0.99 * 0.999 * 0.999 - 201 * 1.001, 10);
  });

  test('the break-even is where nothing is won or lost', () => {
    expect(breakEvenBps({ buyFeePercent: 0.05, sellFeePercent: 0.055, conversionFeePercent: 0 })).toBeCloseTo(10.5, 1);
    const fee = fc.double({ min: -0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(fee, fee, fee, (buyFeePercent, sellFeePercent, conversionFeePercent) => {
        const fees = { buyFeePercent, sellFeePercent, conversionFeePercent };
        const bid = 100 * (1 + breakEvenBps(fees) / 10_000);
        const net = netSpread({ ...PLAIN, ...fees, asks: [[100, 1]], bids: [[bid, 1]] }, 100);
        expect(Math.abs(net.net_profit)).toBeLessThan(1e-9);
      }),
      RUNS,
    );
  });

  test('no size earns more than the best one', () => {
    fc.assert(
      fc.property(
        side(true),
        side(false),
        fc.double({ min: 0.95, max: 1.1, noNaN: true }),
        fc.double({ min: 1, max: 2e5, noNaN: true }),
        (asks, bids, rate, notional) => {
          const cross = { ...PLAIN, asks, bids, rate };
          expect(netSpread(cross, notional).net_profit).toBeLessThanOrEqual(bestSize(cross).net_profit + 1e-6);
        },
      ),
      RUNS,
    );
  });

  test('higher fees never earn more', () => {
    fc.assert(
      fc.property(side(true), side(false), fc.double({ min: 0, max: 1, noNaN: true }), (asks, bids, fee) => {
        const cross = { ...PLAIN, asks, bids, rate: 1.05 };
        const dearer = { ...cross, buyFeePercent: PLAIN.buyFeePercent + fee };
        expect(netSpread(dearer, 500).net_profit).toBeLessThanOrEqual(netSpread(cross, 500).net_profit + 1e-9);
      }),
      RUNS,
    );
  });
});

describe('currencies', () => {
  test('a pair converts either way, at the worse side', () => {
    const pair = { base: 'USDT', quote: 'USD', bid: 0.999, ask: 0.9992 };
    expect(conversionBy(pair, 'USDT', 'USD')).toMatchObject({ sell: 0.999, buy: 0.9992 });
    expect(conversionBy(pair, 'USD', 'USDT')?.sell).toBeCloseTo(1 / 0.9992, 12);
    expect(conversionBy(pair, 'USDC', 'USD')).toBeUndefined();
    expect(conversionBy({ ...pair, ask: 0.5 }, 'USDT', 'USD')).toBeUndefined();
  });

  test('going round never gains', () => {
    const price = fc.double({ min: 0.5, max: 2, noNaN: true });
    fc.assert(
      fc.property(price, fc.double({ min: 0, max: 0.1, noNaN: true }), (bid, spread) => {
        const pair = { base: 'A', quote: 'B', bid, ask: bid + spread };
        const [there, back] = [conversionBy(pair, 'A', 'B'), conversionBy(pair, 'B', 'A')];
        expect((there?.sell ?? 0) * (back?.sell ?? 0)).toBeLessThanOrEqual(1 + 1e-12);
        expect(there?.sell).toBeLessThanOrEqual((there?.buy ?? 0) + 1e-12);
      }),
      RUNS,
    );
  });
});

describe('funding carry', () => {
  const leg = (id: string, rate: number, intervalHours: number) => ({ id, rate, intervalHours, takerPercent: 0.05 });

  test('each contract on its own interval: the worked example', () => {
    const carry = fundingCarry([leg('a', 0.0001, 8), leg('b', 0.0001, 1)]);
    expect(carry).toMatchObject({ long: { id: 'a' }, short: { id: 'b' }, fees_percent: 0.2 });
    expect(carry?.spread_8h).toBeCloseTo(0.0007, 12);
    expect(carry?.annualised_percent).toBeCloseTo(76.65, 6);
    expect(carry?.break_even_hours).toBeCloseTo(22.857, 3);
    expect(rateOver(leg('a', 0.0001, 1), 8)).toBeCloseTo(0.0008, 12);
  });

  test('equal rates a year have no spread, whatever their intervals; one leg is no carry', () => {
    const carry = fundingCarry([leg('a', 0.0008, 8), leg('b', 0.0001, 1)]);
    expect(carry?.spread_8h).toBeCloseTo(0, 15);
    expect(fundingCarry([leg('a', 0.0001, 8), leg('b', 0.0001, 0)])).toBeUndefined();
  });

  test('the spread is never negative, and does not depend on the order', () => {
    const legs = fc.array(
      fc.record({
        id: fc.string(),
        rate: fc.double({ min: -0.01, max: 0.01, noNaN: true }),
        intervalHours: fc.constantFrom(1, 2, 4, 8),
        takerPercent: fc.double({ min: 0, max: 0.1, noNaN: true }),
      }),
      { minLength: 2, maxLength: 10 },
    );
    fc.assert(
      fc.property(legs, (all) => {
        const carry = fundingCarry(all);
        expect(carry?.spread_8h).toBeGreaterThanOrEqual(0);
        expect(fundingCarry([...all].reverse())?.annualised_percent).toBeCloseTo(carry?.annualised_percent ?? -1, 8);
      }),
      RUNS,
    );
  });
});
