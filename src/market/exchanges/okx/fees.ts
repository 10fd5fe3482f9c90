import { feeTiers, type FeeSchedule } from '../fees.ts';

const SOURCE = 'https://www.okx.com/fees';

/** Only the tiers of which the rates are remembered; give your own for a higher one. */
export const FUTURES_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(['Regular', null, 0.02, 0.05]),
  source: SOURCE,
  checked: null,
  note: 'VIP tiers are not listed: give your own rates',
});

export const SPOT_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(['Regular', null, 0.08, 0.1]),
  source: SOURCE,
  checked: null,
  note: 'VIP tiers are not listed: give your own rates; pairs in USDC and fiat money may cost something else',
});
