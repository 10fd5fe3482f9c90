import { feeTiers, type FeeSchedule } from '../fees.ts';

const BNB = 'without the discount for paying in BNB; contracts in USDC may cost less';

/** 30-day volumes are USD; VIP tiers want a BNB balance too. */
export const FUTURES_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['Regular', null, 0.02, 0.05],
    ['VIP 1', '15 million in 30 days', 0.016, 0.04],
    ['VIP 2', '50 million in 30 days', 0.014, 0.035],
    ['VIP 3', '100 million in 30 days', 0.012, 0.032],
    ['VIP 4', '600 million in 30 days', 0.01, 0.03],
    ['VIP 5', '1 billion in 30 days', 0.008, 0.027],
    ['VIP 6', '2.5 billion in 30 days', 0.006, 0.025],
    ['VIP 7', '5 billion in 30 days', 0.004, 0.022],
    ['VIP 8', '12.5 billion in 30 days', 0.002, 0.02],
    ['VIP 9', '25 billion in 30 days', 0, 0.017],
  ),
  source: 'https://www.binance.com/en/fee/futureFee',
  checked: null,
  note: BNB,
});

export const SPOT_FEES: FeeSchedule = Object.freeze({
  tiers: feeTiers(
    ['Regular', null, 0.1, 0.1],
    ['VIP 1', '1 million in 30 days', 0.09, 0.1],
    ['VIP 2', '5 million in 30 days', 0.08, 0.1],
    ['VIP 3', '20 million in 30 days', 0.04, 0.06],
    ['VIP 4', '100 million in 30 days', 0.04, 0.052],
    ['VIP 5', '150 million in 30 days', 0.025, 0.031],
    ['VIP 6', '400 million in 30 days', 0.02, 0.029],
    ['VIP 7', '800 million in 30 days', 0.019, 0.028],
    ['VIP 8', '2 billion in 30 days', 0.016, 0.025],
    ['VIP 9', '4 billion in 30 days', 0.011, 0.023],
  ),
  source: 'https://www.binance.com/en/fee/trading',
  checked: null,
  note: 'without the discount for paying in BNB; some stablecoin pairs are free',
});
