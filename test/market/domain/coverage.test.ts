import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  COVERAGE_STATES,
  MANY_HOLES,
  NOTHING_CAME,
  NOT_COLLECTED,
  paint,
  summarise,
  thinned,
  type CoverageInterval,
} from '../../../src/market/domain/coverage.ts';

const key = { exchange: 'toy', market: 'spot', symbol: 'AAUSDT', stream: 'trades' } as const;
const interval = (from: number, to: number, state: CoverageInterval['state'], reason: string | null = null) => ({
  from,
  to,
  state,
  reason,
});

test('painting equals painting single cells, whatever the order, and leaves sorted intervals without equal neighbours', () => {
  const change = fc.record({
    from: fc.nat(30),
    to: fc.nat(30),
    state: fc.constantFrom(...COVERAGE_STATES),
    reason: fc.constantFrom(null, 'a', 'b'),
    mode: fc.constantFrom('raise' as const, 'set' as const, 'explain' as const),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const cells = new Map<number, { state: CoverageInterval['state']; reason: string | null }>();
      let intervals: CoverageInterval[] = [];
      for (const c of changes) {
        intervals = paint(intervals, c);
        for (let at = c.from; at < c.to; at++) {
          const held = cells.get(at);
          const higher =
            COVERAGE_STATES.indexOf(c.state) > (held === undefined ? -1 : COVERAGE_STATES.indexOf(held.state));
          const wins = c.mode === 'set' || (c.mode === 'explain' ? held?.state === 'missing' : higher);
          if (wins) cells.set(at, { state: c.state, reason: c.reason });
        }
      }
      const painted = new Map(
        intervals.flatMap(({ from, to, state, reason }) =>
          Array.from({ length: to - from }, (_, i) => [from + i, { state, reason }] as const),
        ),
      );
      expect(new Map([...painted].sort(([a], [b]) => a - b))).toEqual(new Map([...cells].sort(([a], [b]) => a - b)));
      for (const [i, held] of intervals.entries()) {
        const next = intervals[i + 1];
        expect(held.from).toBeLessThan(held.to);
        if (next === undefined) continue;
        expect(held.to).toBeLessThanOrEqual(next.from);
        const same = held.state === next.state && held.reason === next.reason && held.to === next.from;
        expect(same).toBe(false);
      }
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('thinning gives up the shortest covered stretches between holes, and only those', () => {
  const parts = [
    interval(0, 10, 'live'),
    interval(10, 11, 'missing', 'x'),
    interval(11, 12, 'live'),
    interval(12, 13, 'missing', 'y'),
    interval(13, 60, 'backfilled'),
    interval(60, 61, 'missing', 'x'),
    interval(61, 90, 'live'),
  ];
  expect(thinned(parts, 7)).toEqual(parts);
  expect(thinned(parts, 5)).toEqual([parts[0], interval(10, 13, 'missing', MANY_HOLES), ...parts.slice(4)]);
  expect(thinned(parts, 2)).toEqual([parts[0], interval(10, 61, 'missing', MANY_HOLES), parts[6]]);
});

test('a summary fills the stretch without holes, and does not judge what is too young', () => {
  const head = { knownTo: 80, pendingUntil: 100, reason: null };
  const intervals = [interval(20, 50, 'live'), interval(50, 60, 'missing', 'cut'), interval(60, 80, 'sampled', 's')];
  const options = { from: 10, intervals, quarantinedRows: 0, head };
  const young = summarise(key, { ...options, to: 95, now: 95 });
  expect(young.knownTo).toBe(80);
  expect(young.intervals).toEqual([interval(10, 20, 'missing', NOT_COLLECTED), ...intervals]);
  expect(young.times).toEqual({ missing: 20, pruned: 0, interpolated: 0, sampled: 20, backfilled: 0, live: 30 });
  expect(young.share).toBeCloseTo(50 / 70, 12);
  expect(young.complete).toBe(false);
  expect(summarise(key, { ...options, to: 120, now: 200 }).intervals.at(-1)).toEqual(
    interval(80, 120, 'missing', NOTHING_CAME),
  );
  expect(summarise(key, { ...options, from: 20, to: 50, now: 200 }).complete).toBe(true);
  expect(summarise(key, { ...options, from: 20, to: 50, now: 200, quarantinedRows: 1 }).complete).toBe(false);
  const none = summarise(key, { ...options, from: 81, to: 90, now: 90 });
  expect([none.share, none.complete, none.intervals]).toEqual([null, false, []]);
  const never = summarise(key, { from: 0, to: 9, now: 50, intervals: [], head: null, quarantinedRows: 0 });
  expect([never.share, never.intervals]).toEqual([0, [interval(0, 9, 'missing', NOT_COLLECTED)]]);
});
