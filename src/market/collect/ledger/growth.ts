import type { Us } from '../../../kit/clock.ts';
import type { CoverageChange, CoverageInterval, CoverageState } from '../../domain/coverage.ts';
import type { SeriesKey } from '../../domain/records.ts';

interface Run {
  from: Us;
  to: Us;
  readonly state: CoverageState;
}

type Step = Pick<CoverageChange, 'from' | 'to' | 'state' | 'reason' | 'mode' | 'fetched'>;

/** The stretch of a series that grows at its end, and what is told when it breaks. */
export class Growth {
  readonly #key: SeriesKey;
  readonly #state: CoverageState;
  readonly #stateReason: string | null;
  readonly #emit: (change: CoverageChange) => void;
  #fill: { from: Us; to: Us; readonly state: CoverageState } | undefined;
  run: Run | null = null;
  /** End of what is known, covered or not; null before the first. */
  knownTo: Us | null = null;
  /** Why nothing more comes; null while it does. */
  reason: string | null = null;
  /** Whether anything changed since this was last set to false. */
  changed = false;

  constructor(
    key: SeriesKey,
    grows: { readonly state: CoverageState; readonly reason: string | null },
    emit: (change: CoverageChange) => void,
  ) {
    this.#key = key;
    this.#state = grows.state;
    this.#stateReason = grows.reason;
    this.#emit = emit;
  }

  /** [from, to) is whole. What lies between the end of the known and `from` is missing. */
  cover(from: Us, to: Us): void {
    if (from >= to) return;
    this.changed = true;
    const { run, knownTo } = this;
    this.knownTo = Math.max(knownTo ?? to, to);
    if (run !== null && from <= run.to) {
      this.extend(from, to);
      return;
    }
    this.close();
    if (knownTo !== null && knownTo < from) this.missing(knownTo, from, this.reason ?? 'not connected');
    this.reason = null;
    this.run = { from, to, state: this.#state };
  }

  /** [from, to) is whole; the run grows when it touches it. Only for stretches that do not begin after the run. */
  extend(from: Us, to: Us): void {
    const { run } = this;
    if (run === null) return;
    if (from < run.from) {
      this.step({ mode: 'raise', from, to: Math.min(to, run.from), state: run.state, reason: this.#stateReason });
      if (to >= run.from) run.from = from;
    }
    if (to <= run.to) return;
    run.to = to;
    this.knownTo = Math.max(this.knownTo ?? to, to);
    this.changed = true;
  }

  /** [from, to) is not whole, whatever was said before. */
  retract(from: Us, to: Us, reason: string): void {
    if (from >= to) return;
    this.flush();
    this.changed = true;
    const { run } = this;
    if (run !== null && run.to > from) {
      if (run.from < from) this.step({ ...run, mode: 'raise', to: from, reason: this.#stateReason });
      this.run = run.to > to ? { ...run, from: Math.max(run.from, to) } : null;
    }
    this.step({ mode: 'set', from, to, state: 'missing', reason });
    this.knownTo = Math.max(this.knownTo ?? to, to);
  }

  /** [from, to) is missing where nothing better is known. */
  missing(from: Us, to: Us, reason: string): void {
    this.step({ mode: 'raise', from, to, state: 'missing', reason });
    this.knownTo = Math.max(this.knownTo ?? to, to);
    this.changed = true;
  }

  /** [from, to) is whole after all. Pieces that follow each other are told as one, by `flush`. */
  filled(from: Us, to: Us, state: CoverageState): void {
    const held = this.#fill;
    if (held?.state === state && from <= held.to && to >= held.from) {
      held.from = Math.min(held.from, from);
      held.to = Math.max(held.to, to);
      return;
    }
    this.flush();
    if (from < to) this.#fill = { from, to, state };
  }

  flush(): void {
    const fill = this.#fill;
    if (fill === undefined) return;
    this.#fill = undefined;
    const own = fill.state === this.#state;
    this.step({ ...fill, mode: 'raise', reason: own ? this.#stateReason : null });
  }

  /** The run as it is now. */
  grown(): CoverageInterval | null {
    return this.run === null ? null : { ...this.run, reason: this.#stateReason };
  }

  /** The run grows no more; the next one begins anew. */
  close(): void {
    const { run } = this;
    this.run = null;
    if (run !== null) this.step({ ...run, mode: 'raise', reason: this.#stateReason });
  }

  step(step: Step): void {
    if (step.from < step.to) this.#emit({ ...this.#key, ...step });
  }
}
