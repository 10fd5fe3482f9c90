import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { impliedVolatility, normalCdf, valueOption } from '../../../src/market/domain/option-pricing.ts';

/** What Deribit sent of BTC-5JUN20-9250-C on 2020-06-01 at 00:00:52.595 (tardis.dev, mapper test). */
const RECORDED = {
  option: {
    type: 'call' as const,
    strike: 9250,
    forward: 9440.73,
    years: (Date.UTC(2020, 5, 5, 8) - 1_590_969_652_595) / (365 * 86_400_000),
    volatility: 63.21,
  },
  mark: 0.03847784,
  greeks: { delta: 0.62959, gamma: 0.00058, vega: 3.88497, theta: -28.34113, rho: 0.66242 },
};

const OPTIONS = fc.record({
  type: fc.constantFrom('call' as const, 'put' as const),
  strike: fc.double({ min: 50, max: 200, noNaN: true }),
  forward: fc.double({ min: 50, max: 200, noNaN: true }),
  years: fc.double({ min: 0.001, max: 2, noNaN: true }),
  volatility: fc.double({ min: 5, max: 300, noNaN: true }),
});
const SEEDED = { seed: 76, numRuns: 500 };

describe('the value of an option', () => {
  it('is the one that the venue tells, greeks included', () => {
    const { value, ...greeks } = valueOption(RECORDED.option);
    expect(value / RECORDED.option.forward).toBeCloseTo(RECORDED.mark, 5);
    expect(greeks.delta).toBeCloseTo(RECORDED.greeks.delta, 3);
    expect(greeks.gamma).toBeCloseTo(RECORDED.greeks.gamma, 5);
    expect(greeks.vega).toBeCloseTo(RECORDED.greeks.vega, 2);
    expect(greeks.theta).toBeCloseTo(RECORDED.greeks.theta, 1);
    expect(greeks.rho).toBeCloseTo(RECORDED.greeks.rho, 3);
  });

  it('is what exercising gives once the time is over', () => {
    const over = { strike: 100, forward: 120, years: 0, volatility: 50 };
    expect(valueOption({ type: 'call', ...over })).toMatchObject({ value: 20, delta: 1, gamma: 0 });
    expect(valueOption({ type: 'put', ...over })).toMatchObject({ value: 0, delta: 0, theta: 0 });
  });

  it('keeps put-call parity, and greeks are its slopes', () => {
    fc.assert(
      fc.property(OPTIONS, (option) => {
        const call = valueOption({ ...option, type: 'call' });
        const put = valueOption({ ...option, type: 'put' });
        expect(call.value - put.value).toBeCloseTo(option.forward - option.strike, 8);
        expect(call.delta - put.delta).toBeCloseTo(1, 10);
        const step = option.forward * 1e-4;
        const above = valueOption({ ...option, forward: option.forward + step });
        const below = valueOption({ ...option, forward: option.forward - step });
        const { delta, vega } = valueOption(option);
        expect((above.value - below.value) / (2 * step)).toBeCloseTo(delta, 3);
        const more = valueOption({ ...option, volatility: option.volatility + 0.01 });
        const less = valueOption({ ...option, volatility: option.volatility - 0.01 });
        expect((more.value - less.value) / 0.02).toBeCloseTo(vega, 4);
      }),
      SEEDED,
    );
  });

  it('gives the volatility back where it depends on it', () => {
    fc.assert(
      fc.property(OPTIONS, (option) => {
        const { value, vega } = valueOption(option);
        fc.pre(vega > 0.01);
        expect(impliedVolatility(option, value)).toBeCloseTo(option.volatility, 3);
      }),
      SEEDED,
    );
    const option = { type: 'call' as const, strike: 100, forward: 120, years: 0.5 };
    expect(impliedVolatility(option, 19)).toBeNull();
    expect(impliedVolatility(option, 121)).toBeNull();
    expect(impliedVolatility({ ...option, years: 0 }, 25)).toBeNull();
  });
});

it('the normal distribution has the values of the tables', () => {
  expect(normalCdf(0)).toBeCloseTo(0.5, 14);
  expect(normalCdf(1)).toBeCloseTo(0.841344746068543, 14);
  expect(normalCdf(-3)).toBeCloseTo(0.00134989803163009, 15);
  expect(normalCdf(-8) / 6.22096057427178e-16).toBeCloseTo(1, 6);
  expect([normalCdf(40), normalCdf(-40)]).toEqual([1, 0]);
});
