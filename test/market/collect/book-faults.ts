import type { BookSource, Levels, Unit } from './book-wire.ts';
import { Desk, Wire, sameLevels, shapeOf, textOf } from './book-wire.ts';

export const FAULT_KINDS = ['delete', 'duplicate', 'reorder', 'truncate', 'flip'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultReport {
  readonly market: string;
  /** Every frame carried the venue's checksum. */
  proven: boolean;
  readonly faults: Record<FaultKind, number>;
  frames: number;
  /** Looks at a book that was valid, and so had to equal the truth. */
  reads: number;
  /** A valid book went stale. */
  stale: number;
  /** Flips that gave other changes, which a checksum or the sequence told. */
  altered: number;
  /** Flips that gave other changes that nothing on the wire tells from true ones. */
  undetectable: number;
  /** What must not be, in words. */
  readonly undetected: string[];
}

interface Sent {
  readonly unit: Unit;
  readonly bytes: Uint8Array;
  readonly fault: FaultKind | undefined;
}

const WIRE_FRAMES_MS = 40_000;
const ROUNDS_A_WIRE = 5;
const FAULT_RATE = 0.3;

/**
 * Disturbs one symbol's wire frames and snapshots of a market, at random but the same for the same seed, passes them
 * through the collector's pipeline and compares the book with the truth after each: a book that reads as valid must be
 * the true one at its sequence (where the venue numbers nothing, the one after the last frame taken), all levels of it;
 * where a checksum is all there is, the levels it covers.
 *
 * A flipped bit may give another well-formed frame with another price, size or number (of as many levels). Where the venue sends no
 * checksum nothing in the frame tells; such flips are counted apart, as `undetectable`, and the connection is begun
 * anew, for the book is wrong from there. Where it sends one, they must be found like all others.
 */
export function disturb(source: BookSource, wanted: number, seed: number): FaultReport {
  const none = { delete: 0, duplicate: 0, reorder: 0, truncate: 0, flip: 0 };
  const counts = { frames: 0, reads: 0, stale: 0, altered: 0, undetectable: 0 };
  const report: FaultReport = { market: source.key, proven: true, faults: none, ...counts, undetected: [] };
  const next = generator(seed);
  const origin = Date.UTC(2026, 4, 5, 11, 58);
  for (let turn = 0; total(report) < wanted; turn++) {
    const wire = new Wire(source, origin + turn * WIRE_FRAMES_MS, origin + (turn + 1) * WIRE_FRAMES_MS);
    for (let round = 0; round < ROUNDS_A_WIRE && total(report) < wanted; round++) {
      new Episode(source, wire, report, next).run();
    }
  }
  return report;
}

export function total({ faults }: FaultReport): number {
  return FAULT_KINDS.reduce((sum, kind) => sum + faults[kind], 0);
}

/** Seeded numbers in [0, 1): mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One stretch of wire on its way to one collector. */
class Episode {
  readonly #source: BookSource;
  readonly #wire: Wire;
  readonly #report: FaultReport;
  readonly #next: () => number;
  readonly #desk: Desk;
  /** What comes later than it was sent, with the frames to wait. */
  #late: { readonly sent: Sent; frames: number }[] = [];
  /** Frames until the snapshot asked for comes. */
  #snapshotIn: number | undefined = 0;
  #taken: Levels | undefined;

  constructor(source: BookSource, wire: Wire, report: FaultReport, next: () => number) {
    this.#source = source;
    this.#wire = wire;
    this.#report = report;
    this.#next = next;
    this.#desk = new Desk(source);
  }

  run(): void {
    for (const [index, unit] of this.#wire.units.entries()) {
      if (this.#snapshotIn !== undefined && this.#snapshotIn-- <= 0 && this.#wire.isBoundary(index)) {
        this.#snapshotIn = undefined;
        for (const snapshot of this.#wire.snapshot(this.#snapshotIndex(index))) this.#send(snapshot);
      }
      this.#send(unit);
      for (const late of this.#late.splice(0)) {
        if (late.frames-- > 0) this.#late.push(late);
        else this.#deliver(late.sent);
      }
    }
  }

  /** Answers of REST may be of a moment ago. */
  #snapshotIndex(index: number): number {
    let at = index;
    if (this.#source.venue.book.snapshot === 'rest') at = Math.max(0, index - Math.floor(this.#next() * 4));
    while (!this.#wire.isBoundary(at)) at -= 1;
    return at;
  }

  #send(unit: Unit): void {
    const whole: Sent = { unit, bytes: unit.bytes, fault: undefined };
    if (this.#next() >= FAULT_RATE) {
      this.#deliver(whole);
      return;
    }
    const fault = FAULT_KINDS[Math.floor(this.#next() * FAULT_KINDS.length)] ?? 'delete';
    this.#report.faults[fault] += 1;
    switch (fault) {
      case 'delete':
        return;
      case 'duplicate':
        this.#deliver(whole);
        this.#late.push({ sent: whole, frames: Math.floor(this.#next() * 4) });
        return;
      case 'reorder':
        this.#late.push({ sent: whole, frames: 1 + Math.floor(this.#next() * 4) });
        return;
      case 'truncate':
        this.#deliver({ unit, fault, bytes: unit.bytes.subarray(0, this.#below(unit.bytes.length)) });
        return;
      case 'flip': {
        const bytes = Uint8Array.from(unit.bytes);
        const at = this.#below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#below(8));
        this.#deliver({ unit, fault, bytes });
      }
    }
  }

  #below(bound: number): number {
    return Math.floor(this.#next() * bound);
  }

  #deliver({ unit, bytes, fault }: Sent): void {
    const desk = this.#desk;
    const report = this.#report;
    const before = desk.book?.state;
    desk.records = [];
    desk.problems = 0;
    desk.take(unit, bytes);
    report.frames += 1;
    report.proven &&= unit.proven;
    const altered = fault !== undefined && desk.records.length > 0 && textOf(desk.records) !== unit.records;
    const valid = desk.book?.state === 'valid';
    if (desk.records.length > 0 && valid) this.#taken = unit.truth;
    if (before === 'valid' && !valid) {
      report.stale += 1;
      if (desk.problems === 0) report.undetected.push(`${report.market}: stale and not told`);
    }
    const { checksum } = this.#source.venue.book;
    const proven = checksum !== undefined && unit.proven;
    const depth = proven && desk.book?.lastSeq === null ? checksum.depth : Number.POSITIVE_INFINITY;
    const excused = altered && !proven && fault === 'flip' && shapeOf(desk.records) === unit.shape;
    if (valid) this.#compare(bytes, excused, depth);
    else if (altered) report.altered += 1;
    // A book that took what is not true is wrong from there, and so are changes that wait for a snapshot.
    if (altered && !proven && (valid || this.#source.venue.book.snapshot === 'rest')) {
      desk.connect();
      this.#late = [];
    }
    if (desk.book?.state !== 'valid') this.#snapshotIn ??= this.#below(4);
  }

  #compare(bytes: Uint8Array, excused: boolean, depth: number): void {
    const { book } = this.#desk;
    const report = this.#report;
    if (book === undefined) return;
    report.reads += 1;
    const truth = book.lastSeq === null ? this.#taken : this.#wire.truthAt(book.lastSeq);
    const held = { bids: book.levels.bids(depth), asks: book.levels.asks(depth) };
    if (truth !== undefined && sameLevels(held, truth, depth)) return;
    if (excused) {
      report.undetectable += 1;
      return;
    }
    const text = Buffer.from(bytes).toString('utf8').slice(0, 300);
    report.undetected.push(`${report.market}: not the true book at ${String(book.lastSeq)} after ${text}`);
  }
}
