import { hash, keyOf, noise, uniform } from './random.ts';
import { interpolate, MINUTE_MS, type PricePaths } from './path.ts';
import type { SeriesSpecification } from './specification.ts';

/** The book changes every 100 ms: state k holds in [k × 100, k × 100 + 100) ms since the epoch. */
export const STEP_MS = 100;
const STEPS_PER_MINUTE = MINUTE_MS / STEP_MS;

/** Fewest ticks of a bid, so that its book has depth. An option may be worth next to nothing. */
const LEAST_TICKS = 20;

const SALT_BASIS = 21;
const SALT_SLOW_BASIS = 22;
const SALT_SPREAD = 23;
const SALT_JITTER = 24;

/** Best bid and ask of a series in whole ticks, at every step. */
export interface Touch {
  bid(step: number): number;
  /** Always at least one tick above the bid. */
  ask(step: number): number;
  /** Price of this market relative to the index at a minute's begin: 1 + basis, a few basis points. */
  basis(minute: number): number;
}

export function createTouch(seed: number, series: SeriesSpecification, paths: PricePaths): Touch {
  const key = keyOf(seed, 'touch', series.exchange, series.market, series.instrument.symbol);
  const tick = series.tickUnits / series.priceScale;
  const fixed = (uniform(key, 0, SALT_BASIS) - 0.5) * 1.5e-4 + (series.market === 'futures' ? 1.5e-4 : 0);
  const spreadTicks = Math.max(1, Math.round((series.price * series.spreadBps * 1e-4) / tick));

  const least = series.worth === undefined ? LEAST_TICKS : 1;

  let basisMinute = Number.NaN;
  let basisFrom = 1;
  let basisTo = 1;
  const basis = (minute: number): number =>
    1 + fixed + 1.2e-4 * noise(key, minute / 48, SALT_SLOW_BASIS) + 0.5e-4 * noise(key, minute / 3, SALT_BASIS);
  let spreadPlace = Number.NaN;
  let spreadKept = 0;
  const spread = (step: number): number => {
    const place = Math.floor(step / 7);
    if (place !== spreadPlace) {
      spreadPlace = place;
      spreadKept = spreadTicks + (uniform(key, place, SALT_SPREAD) < 0.12 ? 1 + (spreadTicks >> 2) : 0);
    }
    return spreadKept;
  };

  let bidStep = Number.NaN;
  let bidTicks = 0;
  const bid = (step: number): number => {
    if (step !== bidStep) {
      bidTicks = computed(step);
      bidStep = step;
    }
    return bidTicks;
  };
  const computed = (step: number): number => {
    const minute = Math.floor(step / STEPS_PER_MINUTE);
    if (minute !== basisMinute) {
      basisMinute = minute;
      basisFrom = basis(minute);
      basisTo = basis(minute + 1);
    }
    const share = step / STEPS_PER_MINUTE - minute;
    const price =
      interpolate(paths.minute(series.symbol, minute), share * 64) * (basisFrom + (basisTo - basisFrom) * share);
    const jitter = (hash(key, step, SALT_JITTER) / 4_294_967_296 - 0.5) * spreadTicks * 0.8;
    return Math.max(least, Math.floor(price / tick - spread(step) / 2 + jitter));
  };
  return { bid, ask: (step) => bid(step) + spread(step), basis };
}
