import type { Us } from '../../kit/clock.ts';
import type { SeriesKey } from './records.ts';

/**
 * What is known of a stretch of a series, least first. `missing`: not everything that the venue said is held.
 * `pruned`: it was collected, and its rows are no longer kept here. `interpolated`: missing, and filled by rule in the
 * cleaned copy. `sampled`: what is held is a sample, because the venue (or its history, or polling in place of a
 * stream) tells less than every event. `backfilled`: whole, fetched afterwards. `live`: whole, as it happened.
 */
export const COVERAGE_STATES = ['missing', 'pruned', 'interpolated', 'sampled', 'backfilled', 'live'] as const;
export type CoverageState = (typeof COVERAGE_STATES)[number];

/** States in which rows of the venue are held. */
const HELD: readonly CoverageState[] = ['sampled', 'backfilled', 'live'];

/** Half-open [from, to), UTC µs. `reason` says why it is not whole; null for what is. */
export interface CoverageInterval {
  readonly from: Us;
  readonly to: Us;
  readonly state: CoverageState;
  readonly reason: string | null;
}

/**
 * A step of the ledger. `raise` takes effect where less was known, `set` everywhere (what was held to be whole is not),
 * `explain` only replaces the reason of what is missing. `gone` changes nothing of what was collected: its rows were on
 * a tape that was deleted, and a store that does not hold them otherwise marks the stretch as pruned.
 */
export interface CoverageChange extends SeriesKey, CoverageInterval {
  readonly mode: 'raise' | 'set' | 'explain' | 'gone';
  /** Every row of the stretch was fetched again with this step. */
  readonly fetched?: boolean | undefined;
  /** Of `gone`: days that were not wholly in a day's file. */
  readonly openDays?: CarriedSeries['openDays'] | undefined;
}

/** Half-open, UTC µs. */
export interface Stretch {
  readonly from: Us;
  readonly to: Us;
}

/**
 * What became of the rows of a stretch, beside the ledger of what was collected: it can be taken back. `pruned` hides
 * what is not missing, `interpolated` what is.
 */
export interface CoverageMark extends Stretch {
  readonly state: 'pruned' | 'interpolated';
  readonly reason: string;
}

/** What is known of a series, to be carried over the deletion of the tape that told it. */
export interface CarriedSeries extends SeriesKey {
  readonly intervals: readonly CoverageInterval[];
  /** How far it is known, and why nothing more came; null for a series of which nothing was told. */
  readonly head: { readonly knownTo: Us; readonly reason: string | null } | null;
  /** Days (`2026-01-31`) with rows that are in no day's file, and the file that the day has beside; null: none. */
  readonly openDays: readonly { readonly day: string; readonly file: string | null }[];
}

/** Where a series stands: how far the ledger knows it, and until when it is normal not to know more. UTC µs. */
export interface CoverageHead extends SeriesKey {
  /** The stretch that grows; null when nothing was covered yet. */
  readonly run: CoverageInterval | null;
  readonly knownTo: Us;
  readonly pendingUntil: Us;
  /** Why nothing more comes; null while it does. */
  readonly reason: string | null;
}

/** The ledger's share of one commit, in order. */
export interface CoverageBatch {
  readonly changes: readonly CoverageChange[];
  readonly heads: readonly CoverageHead[];
}

/** What is known of a series in [from, to). The intervals follow each other without holes from `from` to `to`. */
export interface Coverage {
  readonly series: SeriesKey;
  readonly from: Us;
  readonly to: Us;
  /** Every event of the stretch is held: all of what is judged is live or backfilled, and no row is quarantined. */
  readonly complete: boolean;
  /** Part of the judged time that is live, backfilled or sampled, 0–1; null when nothing is to be judged yet. */
  readonly share: number | null;
  /** End of what is judged: what lies between it and `to` is too young to be known. At most `to`. */
  readonly knownTo: Us;
  readonly intervals: readonly CoverageInterval[];
  /** Time in each state, µs. Their sum is `knownTo` − `from`. */
  readonly times: Readonly<Record<CoverageState, Us>>;
  /** Rows of the stretch that are held apart in quarantine. */
  readonly quarantinedRows: number;
}

/** Intervals of one series after a change. Takes and gives sorted, disjoint intervals; equal neighbours are merged. */
export function paint(
  intervals: readonly CoverageInterval[],
  change: Pick<CoverageChange, 'from' | 'to' | 'state' | 'reason' | 'mode'>,
): CoverageInterval[] {
  const { from, to, state, reason } = change;
  if (!(from < to) || change.mode === 'gone') return [...intervals];
  const painted: CoverageInterval[] = [];
  const add = (piece: CoverageInterval): void => {
    const last = painted.at(-1);
    if (piece.from >= piece.to) return;
    if (last?.to === piece.from && last.state === piece.state && last.reason === piece.reason) {
      painted[painted.length - 1] = { ...last, to: piece.to };
    } else painted.push(piece);
  };
  let cursor = from;
  const fill = (end: Us): void => {
    if (change.mode !== 'explain') add({ from: cursor, to: Math.min(end, to), state, reason });
    cursor = Math.max(cursor, end);
  };
  for (const held of intervals) {
    if (held.to <= from) {
      add(held);
      continue;
    }
    if (cursor < to) fill(Math.min(held.from, to));
    if (held.from >= to) {
      add(held);
      continue;
    }
    const start = Math.max(held.from, from);
    const end = Math.min(held.to, to);
    add({ ...held, to: start });
    add(wins(change, held) ? { from: start, to: end, state, reason } : { ...held, from: start, to: end });
    add({ ...held, from: end });
    cursor = Math.max(cursor, end);
  }
  if (cursor < to) fill(to);
  return painted;
}

function wins(change: Pick<CoverageChange, 'mode' | 'state'>, held: CoverageInterval): boolean {
  if (change.mode === 'set') return true;
  if (change.mode === 'explain') return held.state === 'missing';
  return COVERAGE_STATES.indexOf(change.state) > COVERAGE_STATES.indexOf(held.state);
}

/** Sorted, disjoint intervals as the marks leave them. Marks may overlap. */
export function marked(intervals: readonly CoverageInterval[], marks: readonly CoverageMark[]): CoverageInterval[] {
  let shown = [...intervals];
  for (const mark of marks) {
    const fits = ({ state }: CoverageInterval): boolean =>
      mark.state === 'interpolated' ? state === 'missing' : HELD.includes(state);
    for (const held of shown.filter((one) => one.from < mark.to && one.to > mark.from && fits(one))) {
      const from = Math.max(held.from, mark.from);
      const to = Math.min(held.to, mark.to);
      shown = paint(shown, { from, to, state: mark.state, reason: mark.reason, mode: 'set' });
    }
  }
  return shown;
}

/** What is left of a stretch without these parts, in order. */
export function without({ from, to }: Stretch, parts: readonly Stretch[]): Stretch[] {
  const left: Stretch[] = [];
  let cursor = from;
  for (const part of [...parts].sort((a, b) => a.from - b.from)) {
    if (part.to <= cursor || part.from >= to) continue;
    if (part.from > cursor) left.push({ from: cursor, to: part.from });
    cursor = Math.max(cursor, part.to);
  }
  if (cursor < to) left.push({ from: cursor, to });
  return left;
}

/** Why a stretch that was thinned is missing. */
export const MANY_HOLES = 'many holes close to each other';

/**
 * Fewer intervals for a series that breaks all the time: the shortest covered stretches between two missing ones are
 * given up until at most `most` intervals are left. Never calls missing what is not next to a hole.
 */
export function thinned(intervals: readonly CoverageInterval[], most: number): CoverageInterval[] {
  if (intervals.length <= most) return [...intervals];
  const between = intervals.flatMap((held, i) => {
    const before = intervals[i - 1];
    const after = intervals[i + 1];
    const slight = held.state !== 'missing' && before?.state === 'missing' && after?.state === 'missing';
    return slight && before.to === held.from && held.to === after.from ? [held] : [];
  });
  const shortest = between.sort((a, b) => a.to - a.from - (b.to - b.from) || a.from - b.from);
  // Each that goes takes two intervals with it: itself, and the border between its neighbours.
  const going = new Set(shortest.slice(0, Math.ceil((intervals.length - most) / 2)));
  const left: CoverageInterval[] = [];
  let joins = false;
  for (const held of intervals) {
    const last = left.at(-1);
    if (last !== undefined && (going.has(held) || joins)) {
      left[left.length - 1] = { from: last.from, to: held.to, state: 'missing', reason: MANY_HOLES };
    } else left.push(held);
    joins = going.has(held);
  }
  return left;
}

export interface SummaryOptions {
  readonly from: Us;
  readonly to: Us;
  readonly now: Us;
  /** Everything held that meets [from, to). */
  readonly intervals: readonly CoverageInterval[];
  readonly head: Pick<CoverageHead, 'knownTo' | 'pendingUntil' | 'reason'> | null;
  readonly marks?: readonly CoverageMark[] | undefined;
  readonly quarantinedRows: number;
}

/** Why a stretch that no interval tells of is missing. */
export const NOT_COLLECTED = 'not collected';
/** Why the time after the last that came is missing when nothing says that collecting ended. */
export const NOTHING_CAME = 'nothing came';

const ENDED = 'the contract ended at ';

/** Why nothing comes of a contract that ran out: what lies after is not missing. `at` is UTC µs. */
export function endedReason(at: Us): string {
  return `${ENDED}${new Date(at / 1000).toISOString()}`;
}

/** Answers for [from, to): what no interval tells of is missing, unless it is too young to be known. */
export function summarise(series: SeriesKey, options: SummaryOptions): Coverage {
  const { from, to, head, quarantinedRows } = options;
  const end = Math.max(from, Math.min(to, options.now));
  // What is too young, or of a contract that is over, is not judged.
  const open = head !== null && (end <= head.pendingUntil || head.reason?.startsWith(ENDED) === true);
  const knownTo = open ? Math.max(from, Math.min(end, head.knownTo)) : end;
  const clipped = options.intervals
    .map((held) => ({ ...held, from: Math.max(held.from, from), to: Math.min(held.to, knownTo) }))
    .filter((held) => held.from < held.to);
  const base = { from, to: knownTo, state: 'missing', mode: 'raise' } as const;
  const after = head === null ? NOT_COLLECTED : (head.reason ?? NOTHING_CAME);
  const edge = Math.max(from, Math.min(knownTo, head?.knownTo ?? from));
  const early = paint(clipped, { ...base, to: edge, reason: NOT_COLLECTED });
  const intervals = marked(paint(early, { ...base, from: edge, reason: after }), options.marks ?? []);
  const times: Record<CoverageState, Us> = {
    missing: 0,
    pruned: 0,
    interpolated: 0,
    sampled: 0,
    backfilled: 0,
    live: 0,
  };
  for (const held of intervals) times[held.state] += held.to - held.from;
  const judged = knownTo - from;
  const whole = times.live + times.backfilled;
  return {
    series,
    from,
    to,
    complete: judged > 0 && whole === judged && quarantinedRows === 0,
    share: judged === 0 ? null : (whole + times.sampled) / judged,
    knownTo,
    intervals,
    times,
    quarantinedRows,
  };
}
