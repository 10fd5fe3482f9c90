import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/kit/clock.ts';
import { InvalidInput, RateLimited } from '../../src/kit/errors.ts';
import type { RateGate } from '../../src/kit/invoke.ts';
import { createRateGate } from '../../src/kit/rate-gate.ts';

function passes(gate: RateGate, key: string, limit: { perSecond: number; burst: number }): boolean {
  try {
    gate.take(key, limit);
    return true;
  } catch (error) {
    if (error instanceof RateLimited) return false;
    throw error;
  }
}

describe('the rate gate', () => {
  it('lets a burst through at once, then the rate', async () => {
    const clock = new ManualClock();
    const gate = createRateGate(clock);
    const limit = { perSecond: 0.5, burst: 3 };
    expect(Array.from({ length: 5 }, () => passes(gate, 'venue', limit))).toEqual([true, true, true, false, false]);
    await clock.advance(1999);
    expect(passes(gate, 'venue', limit)).toBe(false);
    await clock.advance(1);
    expect([passes(gate, 'venue', limit), passes(gate, 'venue', limit)]).toEqual([true, false]);
    await clock.advance(60_000);
    expect(Array.from({ length: 4 }, () => passes(gate, 'venue', limit))).toEqual([true, true, true, false]);
  });

  it('says after which time the call would pass', async () => {
    const clock = new ManualClock();
    const gate = createRateGate(clock);
    const limit = { perSecond: 0.33, burst: 1 };
    gate.take('bybit', limit);
    const error: unknown = (() => {
      try {
        gate.take('bybit', limit);
      } catch (e) {
        return e;
      }
      return undefined;
    })();
    expect(error).toMatchObject({ code: 'rate_limited', retryable: true, retryAfterMs: 3031 });
    await clock.advance(3031);
    expect(passes(gate, 'bybit', limit)).toBe(true);
  });

  it('keeps keys apart and holds the strictest limit that a key was given', () => {
    const gate = createRateGate(new ManualClock());
    const limit = { perSecond: 1, burst: 1 };
    expect([passes(gate, 'a', limit), passes(gate, 'b', limit), passes(gate, 'a', limit)]).toEqual([true, true, false]);
    const wide = { perSecond: 100, burst: 100 };
    expect(passes(gate, 'a', wide)).toBe(false);
    expect([passes(gate, 'c', wide), passes(gate, 'c', { perSecond: 1, burst: 1 })]).toEqual([true, false]);
  });

  it('refuses a limit that lets nothing through', () => {
    const gate = createRateGate(new ManualClock());
    expect(() => gate.take('a', { perSecond: 0, burst: 1 })).toThrow(InvalidInput);
    expect(() => gate.take('a', { perSecond: 1, burst: 0 })).toThrow(InvalidInput);
    expect(() => gate.take('a', { perSecond: Number.NaN, burst: 1 })).toThrow(InvalidInput);
  });

  it('does not mind the calendar being set back', () => {
    const clock = new ManualClock();
    const gate = createRateGate(clock);
    const limit = { perSecond: 1, burst: 1 };
    clock.jump(-3_600_000);
    expect(passes(gate, 'a', limit)).toBe(true);
    clock.jump(7_200_000);
    expect(passes(gate, 'a', limit)).toBe(false);
  });

  it('never passes more than burst + rate × time in any window, however many call', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          perSecond: fc.double({ min: 0.1, max: 50, noNaN: true }),
          burst: fc.integer({ min: 1, max: 10 }),
          steps: fc.array(
            fc.record({ wait: fc.integer({ min: 0, max: 3000 }), callers: fc.integer({ min: 1, max: 15 }) }),
            { maxLength: 30 },
          ),
        }),
        async ({ perSecond, burst, steps }) => {
          const clock = new ManualClock();
          const gate = createRateGate(clock);
          const passed: number[] = [];
          for (const { wait, callers } of steps) {
            await clock.advance(wait);
            for (let i = 0; i < callers; i++)
              if (passes(gate, 'k', { perSecond, burst })) passed.push(clock.monotonicMs());
          }
          for (const [i, from] of passed.entries()) {
            for (const [j, to] of passed.entries()) {
              if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(burst + ((to - from) / 1000) * perSecond + 1e-3);
            }
          }
          if (steps.length > 0) expect(passed.length).toBeGreaterThan(0);
        },
      ),
      { seed: 7, numRuns: 60 },
    );
  });
});
