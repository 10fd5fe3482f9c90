import { z } from 'zod';
import type { Ms, Us } from '../../kit/clock.ts';

export const samplerStateSchema = z.record(z.string(), z.number());

/** A bucket this far behind the newest is not a late message but a venue clock that was wrong: sampling goes on there. */
const LATE_BUCKETS = 10;

/**
 * Picks at most one book per series and interval, by event time alone, so that a replay picks the same ones. The first
 * change in a new interval is taken, whichever connection brings it.
 */
export class BookSampler {
  readonly #intervalUs: Us;
  #last = new Map<string, number>();

  /** An interval of 0 takes every change. */
  constructor(intervalMs: Ms) {
    this.#intervalUs = intervalMs * 1000;
  }

  takes(series: string, eventTime: Us): boolean {
    if (this.#intervalUs === 0) return true;
    const bucket = Math.floor(eventTime / this.#intervalUs);
    const last = this.#last.get(series);
    if (last !== undefined && bucket <= last && bucket > last - LATE_BUCKETS) return false;
    this.#last.set(series, bucket);
    return true;
  }

  state(): z.output<typeof samplerStateSchema> {
    return Object.fromEntries(this.#last);
  }

  restore(state: z.output<typeof samplerStateSchema>): void {
    this.#last = new Map(Object.entries(state));
  }
}
