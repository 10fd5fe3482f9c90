import { feeTiers, type FeeSchedule } from '../fees.ts';

/** Taker rates of USDT contracts as announced for 2026-04-09; maker rates are from memory. */
export const FUTURES_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['VIP 0', null, 0.02, 0.05],
    ['VIP 1', '60 thousand in 30 days', 0.02, 0.05],
    ['VIP 2', '120 thousand in 30 days', 0.02, 0.05],
    ['VIP 3', '240 thousand in 30 days', 0.02, 0.048],
  ),
  source: 'https://www.gate.com/announcements/article/50390',
  checked: null,
  note: 'taker rates compared on 2026-11-29, maker rates from memory; tiers from VIP 4 on are not listed: give your own rates',
});

export const SPOT_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['VIP 0', null, 0.1, 0.1],
    ['VIP 1', '60 thousand in 30 days', 0.099, 0.099],
    ['VIP 2', '120 thousand in 30 days', 0.098, 0.098],
    ['VIP 3', '240 thousand in 30 days', 0.097, 0.097],
    ['VIP 4', '500 thousand in 30 days', 0.095, 0.096],
    ['VIP 5', '1 million in 30 days', 0.09, 0.095],
    ['VIP 6', '3 million in 30 days', 0.085, 0.09],
    ['VIP 7', '8 million in 30 days', 0.08, 0.085],
    ['VIP 8', '20 million in 30 days', 0.075, 0.08],
  ),
  source: 'https://www.gate.com/fee',
  checked: '2026-11-29',
  note: 'without the discount for paying in GT; tiers from VIP 9 on are not listed: give your own rates',
});
