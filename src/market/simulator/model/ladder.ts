import { hash, keyOf } from './random.ts';
import type { SeriesSpecification } from './specification.ts';
import type { Touch } from './touch.ts';

/** One side of a book, best first, in whole ticks and lots. */
export interface LadderSide {
  readonly ticks: Int32Array;
  readonly lots: Int32Array;
}

export interface LadderState {
  readonly step: number;
  readonly bids: LadderSide;
  readonly asks: LadderSide;
}

/** A level that changed: lots 0 took it away. */
export type LevelChange = readonly [ticks: number, lots: number];

export interface Ladder {
  /** The full book (100 levels a side) from step to step + 1. */
  state(step: number): LadderState;
  /** What turned the best `depth` levels of state `from` into those of state `to`. */
  changes(from: number, to: number, depth: number): { readonly bids: LevelChange[]; readonly asks: LevelChange[] };
}

export const LADDER_LEVELS = 100;

const SALT_PLACE = 41;
const SALT_PERIOD = 42;
const SALT_LOTS = 43;
const SALT_TOUCH = 44;

/** Resting sizes relative to the typical one: mostly small, a few walls. */
const SIZES = Float64Array.from({ length: 256 }, (_, i) => 0.1 + 1.2 * (-Math.log(1 - (i + 0.5) / 256)) ** 1.4);

/**
 * A book that is a function of the step: prices are divided into cells, each with at most one resting level whose size
 * is redrawn at its own pace. Cells strictly beyond the touch are the book; so it never crosses and every state is
 * known without the ones before.
 */
export function createLadder(seed: number, series: SeriesSpecification, touch: Touch): Ladder {
  const key = keyOf(seed, 'book', series.exchange, series.market, series.instrument.symbol);
  const tick = series.tickUnits / series.priceScale;
  const cell = Math.max(1, Math.round((series.price * 0.4e-4) / tick));
  const lot = series.lotUnits / series.quantityScale;
  const typicalLots = Math.max(2, (series.medianTradeValue * 4) / (series.price * lot));
  const kept: LadderState[] = [];

  const lotsOf = (index: number, step: number): number => {
    const own = hash(key, index, SALT_PERIOD);
    const period = 6 + (own & 255);
    const epoch = Math.floor((step + ((own >>> 8) & 1023)) / period);
    const h = hash(key, index * 65_536 + (epoch & 65_535), SALT_LOTS);
    return Math.max(1, Math.round(typicalLots * (SIZES[h & 255] ?? 1)));
  };
  const side = (best: number, step: number, down: boolean): LadderSide => {
    const ticks = new Int32Array(LADDER_LEVELS);
    const lots = new Int32Array(LADDER_LEVELS);
    ticks[0] = best;
    lots[0] = Math.max(1, Math.round(typicalLots * (SIZES[hash(key, step, SALT_TOUCH + (down ? 0 : 1)) & 255] ?? 1)));
    let count = 1;
    for (let index = Math.floor(best / cell); count < LADDER_LEVELS; index += down ? -1 : 1) {
      const place = index * cell + (cell === 1 ? 0 : hash(key, index, SALT_PLACE) % cell);
      if (down ? place >= best : place <= best) continue;
      if (place < 1) break;
      ticks[count] = place;
      lots[count++] = lotsOf(index, step);
    }
    return count === LADDER_LEVELS ? { ticks, lots } : { ticks: ticks.slice(0, count), lots: lots.slice(0, count) };
  };
  const state = (step: number): LadderState => {
    const known = kept.find((s) => s.step === step);
    if (known !== undefined) return known;
    const bid = touch.bid(step);
    const made = { step, bids: side(bid, step, true), asks: side(touch.ask(step), step, false) };
    kept.push(made);
    if (kept.length > 3) kept.shift();
    return made;
  };
  return {
    state,
    changes(from, to, depth) {
      const before = state(from);
      const after = state(to);
      return {
        bids: differences(before.bids, after.bids, depth, -1),
        asks: differences(before.asks, after.asks, depth, 1),
      };
    },
  };
}

/** `order` 1: ticks rise; -1: they fall. */
function differences(before: LadderSide, after: LadderSide, depth: number, order: 1 | -1): LevelChange[] {
  const changes: LevelChange[] = [];
  const endBefore = Math.min(depth, before.ticks.length);
  const endAfter = Math.min(depth, after.ticks.length);
  let i = 0;
  let j = 0;
  while (i < endBefore || j < endAfter) {
    const old = i < endBefore ? (before.ticks[i] ?? 0) * order : Number.POSITIVE_INFINITY;
    const now = j < endAfter ? (after.ticks[j] ?? 0) * order : Number.POSITIVE_INFINITY;
    if (old < now) {
      changes.push([old * order, 0]);
      i++;
    } else if (now < old) {
      changes.push([now * order, after.lots[j] ?? 0]);
      j++;
    } else {
      if (before.lots[i] !== after.lots[j]) changes.push([now * order, after.lots[j] ?? 0]);
      i++;
      j++;
    }
  }
  return changes;
}
