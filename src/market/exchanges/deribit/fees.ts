import { feeTiers, type FeeSchedule } from '../fees.ts';

export const FUTURES_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(['Standard', null, 0, 0.05]),
  source: 'https://support.deribit.com/hc/en-us/articles/25944746248989-Fees',
  checked: '2026-11-29',
  note: 'perpetuals and dated futures; weekly futures pay makers 0.01 %',
});
