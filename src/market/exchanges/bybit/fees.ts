import { feeTiers, type FeeSchedule } from '../fees.ts';

const SOURCE = 'https://www.bybit.com/en/help-center/article/Trading-Fee-Structure';
const CHECKED = '2026-11-29';
const NOTE = 'rates differ by region; pairs with fiat money cost more';

export const FUTURES_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['VIP 0', null, 0.02, 0.055],
    ['VIP 1', null, 0.018, 0.04],
    ['VIP 2', null, 0.016, 0.0375],
    ['VIP 3', null, 0.014, 0.035],
    ['VIP 4', null, 0.012, 0.032],
    ['VIP 5', null, 0.01, 0.032],
    ['Supreme VIP', null, 0, 0.03],
  ),
  source: SOURCE,
  checked: CHECKED,
  note: NOTE,
});

export const SPOT_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['VIP 0', null, 0.1, 0.1],
    ['VIP 1', null, 0.0675, 0.08],
    ['VIP 2', null, 0.065, 0.0775],
    ['VIP 3', null, 0.0625, 0.075],
    ['VIP 4', null, 0.05, 0.06],
    ['VIP 5', null, 0.04, 0.05],
    ['Supreme VIP', null, 0.03, 0.045],
  ),
  source: SOURCE,
  checked: CHECKED,
  note: NOTE,
});
