import { hash, keyOf, noise, gaussian, uniform } from './random.ts';
import { MINUTE_MS, type PricePaths } from './path.ts';
import type { SeriesSpecification } from './specification.ts';
import { STEP_MS, type Touch } from './touch.ts';

export interface Liquidation {
  readonly at: number;
  readonly side: 'long' | 'short';
  readonly ticks: number;
  readonly lots: number;
}

/** What a perpetual has beyond trades and book. Times in UTC ms. */
export interface Derivatives {
  /** Index and mark price, unrounded; the mark of a contract on the symbol is what it is worth at the index. */
  mark(at: number): { readonly mark: number; readonly index: number };
  /** Rate paid at `at`, which must be a funding time; 8 decimals. */
  settledRate(at: number): number;
  /** The rate that would be paid at the next funding time, as predicted at `at`; it ends at the settled one. */
  predictedRate(at: number): number;
  nextFundingTime(at: number): number;
  /** Base units. */
  openInterest(at: number): number;
  /** In [from, to), oldest first; at least one in every 4 s, more when the price runs (a cascade). */
  liquidations(from: number, to: number): readonly Liquidation[];
}

const SLOT_MS = 4000;
/** A cascade is judged by the move over this time, against its usual size. */
const RUN_MS = 20_000;
const MOST_A_SLOT = 12;

const SALT_RATE = 51;
const SALT_PREDICTION = 52;
const SALT_OPEN_INTEREST = 53;
const SALT_LIQUIDATION = 54;
const SALT_SIZE = 55;
const SALT_PREMIUM = 56;

export function createDerivatives(
  seed: number,
  series: SeriesSpecification,
  paths: PricePaths,
  touch: Touch,
): Derivatives {
  const key = keyOf(seed, 'derivatives', series.exchange, series.instrument.symbol);
  const intervalMs = series.fundingIntervalHours * 3_600_000;
  const lot = series.lotUnits / series.quantityScale;
  const usualRun = series.dailyVolatility * Math.sqrt(RUN_MS / 86_400_000);

  const settledRate = (at: number): number => {
    const n = Math.round(at / intervalMs);
    const rate = 0.0001 + 0.00012 * noise(key, n / 5, SALT_RATE) + 0.00003 * gaussian(key, n, SALT_RATE + 1);
    return roundTo(Math.max(-0.003, Math.min(0.003, (rate * series.fundingIntervalHours) / 8)), 8);
  };
  const nextFundingTime = (at: number): number => (Math.floor(at / intervalMs) + 1) * intervalMs;

  const slot = (index: number): Liquidation[] => {
    const end = index * SLOT_MS;
    const move = Math.log(paths.at(series.symbol, end) / paths.at(series.symbol, end - RUN_MS));
    const strength = Math.abs(move) / usualRun;
    const extra = strength > 1.8 ? Math.min(MOST_A_SLOT - 1, Math.floor((strength - 1.8) * 4)) : 0;
    const made: Liquidation[] = [];
    for (let i = 0; i <= extra; i++) {
      const h = hash(key, index * 16 + i, SALT_LIQUIDATION);
      const size = hash(key, index * 16 + i, SALT_SIZE);
      const at = index * SLOT_MS + (h % SLOT_MS);
      const against = ((h >>> 16) & 255) / 256 < (extra > 0 ? 0.95 : 0.65);
      const side = move < 0 === against ? 'long' : 'short';
      const u = ((size & 0xffff) + 0.5) / 0x10000;
      const value = series.medianTradeValue * 0.8 * (1 - u) ** (-1 / 1.3) * (1 + extra / 3);
      const step = Math.floor(at / STEP_MS);
      const slip = (size >>> 16) & 7;
      made.push({
        at,
        side,
        ticks: side === 'long' ? Math.max(1, touch.bid(step) - slip) : touch.ask(step) + slip,
        lots: Math.max(1, Math.round(Math.min(value, 5e6) / (series.price * lot))),
      });
    }
    return made.sort((a, b) => a.at - b.at);
  };

  return {
    settledRate,
    nextFundingTime,
    mark(at) {
      const index = paths.at(series.symbol, at);
      if (series.worth !== undefined) return { index, mark: series.worth(index, at).value };
      const premium = touch.basis(Math.floor(at / MINUTE_MS)) - 1;
      return { index, mark: index * (1 + 0.6 * premium + 0.2e-4 * noise(key, at / 15_000, SALT_PREMIUM)) };
    },
    predictedRate(at) {
      const next = nextFundingTime(at);
      const left = (next - at) / intervalMs;
      return roundTo(settledRate(next) + 0.00004 * left * noise(key, at / (5 * MINUTE_MS), SALT_PREDICTION), 8);
    },
    openInterest(at) {
      const swing =
        0.12 * noise(key, at / 43_200_000, SALT_OPEN_INTEREST) +
        0.015 * noise(key, at / 900_000, SALT_OPEN_INTEREST + 1) +
        0.0008 * (uniform(key, Math.floor(at / 3000), SALT_OPEN_INTEREST + 2) - 0.5);
      const lots = (series.openInterestValue * series.activity * Math.exp(swing)) / (series.price * lot);
      return (Math.round(lots) * series.lotUnits) / series.quantityScale;
    },
    liquidations(from, to) {
      const found: Liquidation[] = [];
      for (let index = Math.floor(from / SLOT_MS); index * SLOT_MS < to; index++) {
        for (const liquidation of slot(index))
          if (liquidation.at >= from && liquidation.at < to) found.push(liquidation);
      }
      return found;
    },
  };
}

function roundTo(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
