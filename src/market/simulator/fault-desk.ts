import type { Ms } from '../../kit/clock.ts';
import type { SimulatedFrame, VenueSimulator } from '../exchanges/simulator-contract.ts';
import type { FaultName, FaultSpec } from './faults.ts';
import { hash, keyOf } from './model/random.ts';

/** A fault that happened. `at` is simulated UTC ms. */
export interface AppliedFault {
  readonly name: FaultName;
  readonly at: Ms;
  readonly market: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What a connection keeps for the faults that run over it. */
export interface FaultState {
  /** Frames held back by `slow`. */
  held: string[];
  /** Frames that `reorder` lets the next of their channel overtake. */
  readonly overtaken: Map<string, SimulatedFrame>;
  /** One-shot faults already done here, by occurrence. */
  readonly done: Set<string>;
}

interface Occurrence {
  readonly id: string;
  readonly spec: FaultSpec;
  readonly from: Ms;
  /** Exclusive; equal to `from` for one-shot faults. */
  readonly to: Ms;
}

/** A one-shot fault waits this long for a frame that it can spoil; a REST fault for a request. */
const PATIENCE_MS = 10_000;
const REST_PATIENCE_MS = 60_000;

/**
 * The faults of one market. Whether and how a frame is hit follows from the seed, the schedule and the frame alone.
 * Everything that was done is told to `report`, once an occurrence.
 */
export class FaultDesk {
  readonly #specs: FaultSpec[];
  readonly #market: string;
  readonly #key: number;
  readonly #report: (fault: AppliedFault) => void;
  readonly #reported = new Set<string>();
  readonly #counts = new Map<string, { frames: number }>();
  /** The channel that a `stale` silences, chosen among those of the first connection that it meets. */
  readonly #silenced = new Map<string, string>();
  /** When REST faults began. */
  readonly #begun = new Map<string, Ms>();
  #startedAt: Ms | undefined;

  constructor(seed: number, market: string, specs: readonly FaultSpec[], report: (fault: AppliedFault) => void) {
    this.#market = market;
    this.#key = keyOf(seed, 'faults', market);
    this.#specs = specs.filter((spec) => spec.targets.includes(market));
    this.#report = report;
  }

  /** Offsets count from here. */
  start(at: Ms): void {
    this.#startedAt ??= at;
  }

  /** Adds a fault whose offset counts from `at`. */
  inject(spec: FaultSpec, at: Ms): void {
    if (!spec.targets.includes(this.#market)) return;
    this.start(at);
    this.#specs.push({ ...spec, offsetMs: at - (this.#startedAt ?? at) + spec.offsetMs });
  }

  /** The occurrence of a disconnect that begins in [from, to), and whether connections are refused at `to`. */
  disconnect(from: Ms, to: Ms): boolean {
    let begins = false;
    for (const o of this.#occurrences('disconnect', from, to)) {
      if (o.from >= from && o.from < to) {
        begins = true;
        this.#tell(o, { refused_ms: o.spec.durationMs });
      }
    }
    return begins;
  }

  /** Whether new connections are refused now. */
  refuses(at: Ms): boolean {
    return this.#occurrences('disconnect', at, at + 1).some((o) => at >= o.from && at < o.to);
  }

  /**
   * The REST answer that a fault dictates now. The fault lasts from the first request after it is due: a client that
   * asks once in 10 s meets it too.
   */
  rest(at: Ms): { readonly status: 429 | 418; readonly retryAfterSeconds: number } | undefined {
    for (const [name, status] of [
      ['http418', 418],
      ['http429', 429],
    ] as const) {
      for (const o of this.#occurrences(name, at - REST_PATIENCE_MS, at + 1)) {
        const begin = this.#begun.get(o.id) ?? (at >= o.from && at < o.from + REST_PATIENCE_MS ? at : undefined);
        if (begin === undefined || at >= begin + o.spec.durationMs) continue;
        this.#begun.set(o.id, begin);
        const retryAfterSeconds = Math.max(1, Math.ceil((begin + o.spec.durationMs - at) / 1000));
        this.#tell({ ...o, from: begin }, { status, retry_after_seconds: retryAfterSeconds });
        return { status, retryAfterSeconds };
      }
    }
    return undefined;
  }

  /** What a connection is sent instead of these frames of [from, to), in order. */
  deliver(
    frames: readonly SimulatedFrame[],
    state: FaultState,
    venue: VenueSimulator,
    options: {
      readonly path: string;
      readonly to: Ms;
      readonly channels: ReadonlySet<string>;
      /** The state of a channel, sent after a spike so that it does not stay with clients that merge changes. */
      readonly restate: (channel: string, at: Ms) => readonly SimulatedFrame[];
    },
  ): readonly string[] {
    if (this.#startedAt === undefined || this.#specs.length === 0) {
      return frames.map((frame) => venue.envelope(options.path, frame));
    }
    const wrap = (frame: SimulatedFrame): string => venue.envelope(options.path, frame);
    let kept = this.#reordered(frames, state, options.to).filter(
      (frame) => !this.#lost(frame, options.channels, venue),
    );
    kept = kept.flatMap((frame) => this.#spoiled(frame, state, venue, options.restate));
    const texts = kept.flatMap((frame) => this.#copies(frame, wrap(frame), state));
    return this.#slowed(texts, state, options.to);
  }

  #lost(frame: SimulatedFrame, channels: ReadonlySet<string>, venue: VenueSimulator): boolean {
    const gap = this.#running('gap', frame.at);
    if (gap !== undefined) {
      this.#count(gap, 'frames_lost', { until: gap.to });
      return true;
    }
    const stale = this.#running('stale', frame.at);
    if (stale === undefined) return false;
    let silenced = this.#silenced.get(stale.id);
    if (silenced === undefined) {
      const steady = [...channels].filter((channel) => venue.steady(channel)).sort();
      silenced = steady[hash(this.#key, stale.from, 1) % Math.max(1, steady.length)];
      if (silenced === undefined) return false;
      this.#silenced.set(stale.id, silenced);
    }
    if (silenced !== frame.channel) return false;
    this.#count(stale, 'frames_lost', { channel: silenced, until: stale.to });
    return true;
  }

  #spoiled(
    frame: SimulatedFrame,
    state: FaultState,
    venue: VenueSimulator,
    restate: (channel: string, at: Ms) => readonly SimulatedFrame[],
  ): readonly SimulatedFrame[] {
    for (const name of ['spike', 'crossed'] as const) {
      const o = this.#once(name, frame.at, state);
      if (o === undefined) continue;
      const bad = venue.spoil(frame, name);
      if (bad === undefined) continue;
      if (o.to === o.from) state.done.add(o.id);
      this.#tell(o, { channel: frame.channel, text: bad.text.slice(0, 300) });
      return name === 'crossed' ? [bad] : [bad, ...restate(frame.channel, frame.at), frame];
    }
    return [frame];
  }

  #copies(frame: SimulatedFrame, text: string, state: FaultState): readonly string[] {
    const cut = this.#once('malformed', frame.at, state);
    if (cut !== undefined) {
      if (cut.to === cut.from) state.done.add(cut.id);
      this.#count(cut, 'frames_lost', { channel: frame.channel });
      return [text.slice(0, Math.max(1, Math.floor(text.length * 0.6)))];
    }
    const twice = this.#running('duplicate', frame.at);
    if (twice === undefined) return [text];
    this.#count(twice, 'frames_repeated', { until: twice.to });
    return [text, text];
  }

  /** Lets frames be overtaken by the next of their channel: clients must notice that. Other channels have no order. */
  #reordered(frames: readonly SimulatedFrame[], state: FaultState, to: Ms): readonly SimulatedFrame[] {
    const result: SimulatedFrame[] = [];
    for (const frame of frames) {
      const held = state.overtaken.get(frame.channel);
      if (held !== undefined) {
        state.overtaken.delete(frame.channel);
        result.push(frame, held);
        continue;
      }
      const o = this.#running('reorder', frame.at);
      if (o === undefined || hash(this.#key, frame.at, 2) % 2 === 0) {
        result.push(frame);
        continue;
      }
      state.overtaken.set(frame.channel, frame);
      this.#count(o, 'frames_overtaken', { until: o.to });
    }
    if (state.overtaken.size > 0 && this.#running('reorder', to) === undefined) {
      result.push(...state.overtaken.values());
      state.overtaken.clear();
    }
    return result;
  }

  #slowed(texts: readonly string[], state: FaultState, at: Ms): readonly string[] {
    const slow = this.#running('slow', at);
    if (slow !== undefined) {
      state.held.push(...texts);
      for (let i = 0; i < texts.length; i++) this.#count(slow, 'frames_delayed', { until: slow.to });
      return [];
    }
    if (state.held.length === 0) return texts;
    const all = [...state.held, ...texts];
    state.held = [];
    return all;
  }

  /** The occurrence that lasts at `at`. */
  #running(name: FaultName, at: Ms): Occurrence | undefined {
    return this.#occurrences(name, at, at + 1).find((o) => at >= o.from && at < o.to);
  }

  /** An occurrence that spoils all frames while it lasts, or, without a duration, the first that it can. */
  #once(name: FaultName, at: Ms, state: FaultState): Occurrence | undefined {
    return this.#occurrences(name, at - PATIENCE_MS, at + 1).find(
      (o) => at >= o.from && at < (o.to > o.from ? o.to : o.from + PATIENCE_MS) && !state.done.has(o.id),
    );
  }

  #occurrences(name: FaultName, from: Ms, to: Ms): Occurrence[] {
    const found: Occurrence[] = [];
    const start = this.#startedAt;
    if (start === undefined) return found;
    for (const [index, spec] of this.#specs.entries()) {
      if (spec.name !== name) continue;
      const first = start + spec.offsetMs;
      const last = spec.everyMs === null ? 0 : Math.max(0, Math.floor((to - first) / spec.everyMs));
      for (const n of spec.everyMs === null ? [0] : [last - 1, last].filter((k) => k >= 0)) {
        const begin = first + n * (spec.everyMs ?? 0);
        if (begin < to && begin + spec.durationMs >= from) {
          found.push({ id: `${index}:${n}`, spec, from: begin, to: begin + spec.durationMs });
        }
      }
    }
    return found;
  }

  #tell(o: Occurrence, details: Readonly<Record<string, unknown>>): void {
    if (this.#reported.has(o.id)) return;
    this.#reported.add(o.id);
    this.#report({ name: o.spec.name, at: o.from, market: this.#market, details });
  }

  /** Tells of the occurrence once, with a count that goes on rising in the report already given. */
  #count(o: Occurrence, what: string, details: Readonly<Record<string, unknown>>): void {
    let counter = this.#counts.get(o.id);
    if (counter === undefined) {
      const made = { frames: 0 };
      this.#counts.set(o.id, (counter = made));
      this.#tell(o, {
        ...details,
        get [what]() {
          return made.frames;
        },
      });
    }
    counter.frames += 1;
  }
}
