import type { Us } from '../../kit/clock.ts';
import type { CandleRecord } from '../domain/records.ts';

const MINUTE_US = 60_000_000;

interface Last {
  openTime: Us;
  closed: boolean;
}

/** Candles that were never told as closed, or not at all. */
export interface CandleHole {
  readonly symbol: string;
  /** Open times, half-open. */
  readonly from: Us;
  readonly to: Us;
}

/** Follows the live 1-minute candles of each symbol and finds those whose end was missed. */
export class CandleEnds {
  readonly #last = new Map<string, Last>();

  /** The hole before this candle, if there is one. */
  next(candle: CandleRecord): CandleHole | undefined {
    const key = `${candle.exchange} ${candle.market} ${candle.symbol}`;
    const last = this.#last.get(key);
    if (last === undefined) {
      this.#last.set(key, { openTime: candle.open_time, closed: candle.closed });
      return undefined;
    }
    if (candle.open_time < last.openTime) return undefined;
    if (candle.open_time === last.openTime) {
      last.closed ||= candle.closed;
      return undefined;
    }
    const from = last.closed ? last.openTime + MINUTE_US : last.openTime;
    last.openTime = candle.open_time;
    last.closed = candle.closed;
    return from < candle.open_time ? { symbol: candle.symbol, from, to: candle.open_time } : undefined;
  }
}
