import { feeTiers, type FeeSchedule } from '../fees.ts';

const SOURCE = 'https://www.kucoin.com/support/48142946141635';
const CHECKED = '2026-11-29';

export const SPOT_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['VIP 0', null, 0.1, 0.1],
    ['VIP 1', null, 0.095, 0.1],
    ['VIP 2', null, 0.09, 0.1],
    ['VIP 3', null, 0.075, 0.09],
    ['VIP 4', null, 0.055, 0.075],
    ['VIP 5', null, 0.035, 0.055],
    ['VIP 6', null, 0.025, 0.045],
    ['VIP 7', null, 0.015, 0.042],
    ['VIP 8', null, 0.01, 0.04],
    ['VIP 9', null, 0, 0.04],
    ['VIP 10', null, 0, 0.03],
    ['VIP 11', null, -0.003, 0.025],
    ['VIP 12', null, -0.005, 0.025],
  ),
  source: SOURCE,
  checked: CHECKED,
  note: 'coins of class A; those of class B pay twice, of class C three times as much. Without the discount for paying in KCS',
});

export const FUTURES_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['VIP 0', null, 0.02, 0.06],
    ['VIP 1', null, 0.018, 0.06],
    ['VIP 2', null, 0.015, 0.06],
    ['VIP 3', null, 0.01, 0.06],
    ['VIP 4', null, 0.008, 0.053],
    ['VIP 5', null, 0.006, 0.048],
    ['VIP 6', null, 0.004, 0.043],
    ['VIP 7', null, 0.002, 0.039],
    ['VIP 8', null, 0, 0.036],
    ['VIP 9', null, -0.002, 0.033],
    ['VIP 10', null, -0.004, 0.03],
    ['VIP 11', null, -0.006, 0.028],
    ['VIP 12', null, -0.008, 0.025],
  ),
  source: SOURCE,
  checked: CHECKED,
});
