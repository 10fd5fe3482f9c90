import { expect, test } from 'vitest';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { feeTiers, type FeeSchedule } from '../../../src/market/exchanges/fees.ts';
import { checkOwnFees, marketFees } from '../../../src/market/jobs/fees.ts';

const fees: FeeSchedule = {
  tiers: feeTiers(['Regular', null, 0.02, 0.05], ['VIP 1', 'volume', 0.016, 0.04]),
  source: 'https://toy.test/fees',
  checked: '2026-01-02',
};
const toy = { exchange: 'toy', market: 'futures', fees } as const;
const config = (own: object) => marketConfigSchema.parse({ fees: { toy_futures: own } });

test('the first tier of the venue’s schedule, its page and the day it was compared', () => {
  expect(marketFees({ fees: {} }, toy)).toEqual({
    tier: 'Regular',
    maker_percent: 0.02,
    taker_percent: 0.05,
    origin: 'schedule',
    source: 'https://toy.test/fees',
    checked: '2026-01-02',
  });
});

test('a user’s own tier or rates come before it, and say so', () => {
  expect(marketFees(config({ tier: 'vip 1' }), toy)).toMatchObject({ tier: 'VIP 1', taker_percent: 0.04 });
  const own = marketFees(config({ taker_percent: 0.03 }), toy);
  expect(own).toMatchObject({ maker_percent: 0.02, taker_percent: 0.03, origin: 'configured', checked: null });
  const bare = { exchange: 'toy', market: 'futures' } as const;
  expect(marketFees({ fees: {} }, bare)).toBeUndefined();
  expect(marketFees(config({ taker_percent: 0.03 }), bare)).toBeUndefined();
  expect(marketFees(config({ maker_percent: 0, taker_percent: 0.03 }), bare)).toMatchObject({ tier: 'own' });
});

test('a tier or a market that is not there is refused by name, with the nearest', () => {
  expect(() => marketFees(config({ tier: 'VIP 11' }), toy)).toThrow(InvalidInput);
  expect(() => marketFees(config({ tier: 'VIP 11' }), toy)).toThrow(/did you mean VIP 1\?.*Regular, VIP 1/);
  expect(() => checkOwnFees(venues, { binance_future: {} })).toThrow(/did you mean binance_futures/);
  expect(() => checkOwnFees(venues, { kraken_spot: { tier: 'none such' } })).toThrow(/10K\+/);
  expect(() => checkOwnFees(venues, { kraken_spot: { tier: '100K+' } })).not.toThrow();
});
