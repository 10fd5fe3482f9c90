import { feeTiers, type FeeSchedule } from '../fees.ts';

/** By 14-day volume, where spot counts twice. */
export const FUTURES_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['0', null, 0.015, 0.045],
    ['1', '5 million in 14 days', 0.012, 0.04],
    ['2', '25 million in 14 days', 0.008, 0.035],
    ['3', '100 million in 14 days', 0.004, 0.03],
    ['4', '500 million in 14 days', 0, 0.028],
    ['5', '2 billion in 14 days', 0, 0.026],
    ['6', '7 billion in 14 days', 0, 0.024],
  ),
  source: 'https://hyperliquid.gitbook.io/hyperliquid-docs/trading/fees',
  checked: null,
  note: 'before discounts for staking and referrals; rates agree with what other projects quote of that page',
});
