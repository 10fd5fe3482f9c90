import { feeTiers, type FeeSchedule } from '../fees.ts';

/** The schedule for the European Economic Area; elsewhere the volumes of the tiers differ, the first rates do not. */
export const FUTURES_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['0+', null, 0.02, 0.05],
    ['2.5M+', '2.5 million USD in 30 days', 0.015, 0.045],
    ['5M+', '5 million USD in 30 days', 0.0125, 0.04],
    ['10M+', '10 million USD in 30 days', 0.01, 0.035],
    ['20M+', '20 million USD in 30 days', 0.0075, 0.03],
    ['30M+', '30 million USD in 30 days', 0.005, 0.025],
    ['50M+', '50 million USD in 30 days', 0.003, 0.02],
    ['75M+', '75 million USD in 30 days', 0.0015, 0.015],
    ['100M+', '100 million USD in 30 days', 0, 0.0125],
    ['250M+', '250 million USD in 30 days', -0.0015, 0.01],
    ['500M+', '500 million USD in 30 days', -0.003, 0.01],
    ['1B+', '1 billion USD in 30 days', -0.005, 0.01],
  ),
  source: 'https://support.kraken.com/articles/fees-for-derivatives-trading-eea',
  checked: '2026-11-29',
  note: 'for clients in the European Economic Area',
});

export const SPOT_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['0+', null, 0.25, 0.4],
    ['10K+', '10 thousand USD in 30 days', 0.2, 0.35],
    ['50K+', '50 thousand USD in 30 days', 0.14, 0.24],
    ['100K+', '100 thousand USD in 30 days', 0.12, 0.22],
    ['250K+', '250 thousand USD in 30 days', 0.1, 0.2],
    ['500K+', '500 thousand USD in 30 days', 0.08, 0.18],
    ['1M+', '1 million USD in 30 days', 0.06, 0.16],
    ['2.5M+', '2.5 million USD in 30 days', 0.04, 0.14],
    ['5M+', '5 million USD in 30 days', 0.02, 0.12],
    ['10M+', '10 million USD in 30 days', 0, 0.1],
  ),
  source: 'https://www.kraken.com/features/fee-schedule',
  checked: null,
  note: 'pairs whose base is a stablecoin or fiat money cost less',
});
