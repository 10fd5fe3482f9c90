import type { Us } from '../../kit/clock.ts';
import type { CarriedSeries } from '../domain/coverage.ts';
import { marketKey, viewName } from '../domain/records.ts';
import type { TapeItem } from '../domain/tape.ts';
import type { MarketStore } from '../store/contract.ts';
import { MARKET_STATE, STATE_NOTES, marketStateSchema } from './keyframe.ts';
import { COVERAGE_CARRIED } from './ledger/notes.ts';
import type { SeriesState } from './ledger/state.ts';
import { inspectSegment, segmentSizes, type SegmentInfo } from './tape/inspect.ts';
import { readTape } from './tape/reader.ts';
import { finishReplacing, replaceSegments } from './tape/replace.ts';

/** What may go: the oldest segments beyond `maxBytes`, and those that ended before `before`. Times are UTC µs. */
export interface TapePolicy {
  readonly maxBytes?: number | undefined;
  readonly before?: Us | undefined;
}

/** What was deleted, or, with `dry_run`, would be. Receive times, UTC µs; null when nothing goes. */
export interface TapePruneReport {
  readonly dry_run: boolean;
  readonly segments: number;
  readonly bytes: number;
  readonly items: number;
  readonly from: Us | null;
  readonly to: Us | null;
  readonly remaining_segments: number;
  readonly remaining_bytes: number;
  /** Series and intervals of the ledger that are carried over, so that a rebuild still tells what was collected. */
  readonly series: number;
  readonly intervals: number;
  /** Days of the stretch with rows that are in no day file yet: the database alone has them then. */
  readonly days_only_in_database: readonly string[];
}

interface Clipped extends CarriedSeries {
  readonly rowsTo: Us;
}

const NOTHING: Omit<TapePruneReport, 'dry_run' | 'remaining_segments' | 'remaining_bytes'> = {
  segments: 0,
  bytes: 0,
  items: 0,
  from: null,
  to: null,
  series: 0,
  intervals: 0,
  days_only_in_database: [],
};

/**
 * Deletes whole segments, oldest first, as the policy says; what the store has not committed (`keepFrom` on) stays. What
 * they told of completeness is put on the tape in their place first.
 */
export async function pruneTape(options: {
  readonly folder: string;
  readonly store: Pick<MarketStore, 'carried'>;
  readonly policy: TapePolicy;
  readonly keepFrom: number;
  readonly dryRun?: boolean | undefined;
}): Promise<TapePruneReport> {
  const { folder, policy, keepFrom } = options;
  const dryRun = options.dryRun === true;
  if (!dryRun) await finishReplacing(folder);
  const sizes = await segmentSizes(folder);
  const going = await dueSegments(folder, sizes, policy, keepFrom);
  const left = sizes.slice(going.length);
  const remaining = { remaining_segments: left.length, remaining_bytes: sum(left, ({ bytes }) => bytes) };
  const last = going.at(-1);
  if (last === undefined) return { ...NOTHING, ...remaining, dry_run: dryRun };
  const next = left[0] === undefined ? undefined : await inspectSegment(folder, left[0].segment);
  const at = next?.first_recv_time ?? last.last_recv_time ?? 0;
  const carried = await options.store.carried();
  const known = next === undefined ? new Map<string, Us>() : await knownAt(folder, next.segment);
  const summary = clipped(carried, known, at);
  const notes = summary.map((series) => noteOf(series, at));
  if (!dryRun) await replaceSegments(folder, last.segment, notes, at);
  const from = going.find((segment) => segment.first_recv_time !== null)?.first_recv_time ?? null;
  return {
    dry_run: dryRun,
    segments: going.length,
    bytes: sum(going, ({ bytes }) => bytes),
    items: sum(going, ({ items }) => items),
    from,
    to: last.last_recv_time,
    ...remaining,
    series: summary.length,
    intervals: sum(summary, ({ intervals }) => intervals.length),
    days_only_in_database: openDaysIn(carried, from, last.last_recv_time),
  };
}

async function dueSegments(
  folder: string,
  sizes: Awaited<ReturnType<typeof segmentSizes>>,
  { maxBytes, before }: TapePolicy,
  keepFrom: number,
): Promise<readonly SegmentInfo[]> {
  let remaining = sum(sizes, ({ bytes }) => bytes);
  const due: SegmentInfo[] = [];
  for (const { segment, bytes } of sizes) {
    const over = maxBytes !== undefined && remaining > maxBytes;
    if (segment >= keepFrom || (!over && before === undefined)) break;
    const info = await inspectSegment(folder, segment);
    const old = before !== undefined && info.last_recv_time !== null && info.last_recv_time < before;
    if (!over && !old) break;
    remaining -= bytes;
    due.push(info);
  }
  // What an earlier pruning left in the place of others is not worth replacing by itself.
  const [only] = due;
  return due.length === 1 && only !== undefined && (await isSummary(folder, only)) ? [] : due;
}

async function isSummary(folder: string, { segment, items }: SegmentInfo): Promise<boolean> {
  if (items === 0) return true;
  for await (const { item, position } of readTape(folder, { from: { segment, item: 0 } })) {
    return position.segment === segment && item.kind === 'note' && item.note === COVERAGE_CARRIED;
  }
  return false;
}

/** Where the rows of each series end that were received before a segment began; it and later ones bring the others. */
async function knownAt(folder: string, segment: number): Promise<ReadonlyMap<string, Us>> {
  const known = new Map<string, Us>();
  for await (const { item } of readTape(folder, { from: { segment, item: 0 } })) {
    if (item.kind !== 'note' || !STATE_NOTES.includes(item.note)) break;
    if (item.note !== MARKET_STATE) continue;
    const { exchange, market } = item;
    for (const series of marketStateSchema.parse(item.data).coverage?.series ?? []) {
      const end = rowsEnd(series);
      if (end !== null) known.set(viewName({ exchange, market, ...series }), end);
    }
  }
  return known;
}

/** After the newest row; of candles, after the newest that was closed. */
function rowsEnd({ stream, knownTo, newest, sessions }: SeriesState): Us | null {
  if (knownTo === null || stream === 'candles') return knownTo;
  return Math.max(knownTo, newest?.time ?? 0, ...sessions.map(({ last }) => last)) + 1;
}

function clipped(carried: readonly CarriedSeries[], known: ReadonlyMap<string, Us>, at: Us): readonly Clipped[] {
  return carried.flatMap((series) => {
    const rowsTo = known.get(viewName(series)) ?? at;
    const intervals = series.intervals
      .filter(({ from }) => from < rowsTo)
      .map((held) => ({ ...held, to: Math.min(held.to, rowsTo) }));
    if (intervals.length === 0) return [];
    const { head } = series;
    return [
      {
        ...series,
        intervals,
        rowsTo,
        head: head === null ? null : { ...head, knownTo: Math.min(head.knownTo, rowsTo) },
      },
    ];
  });
}

function noteOf({ exchange, market, ...data }: Clipped, at: Us): TapeItem {
  const connection = `${marketKey(exchange, market)}#state`;
  return { kind: 'note', recv_time: at, connection, exchange, market, note: COVERAGE_CARRIED, data };
}

function openDaysIn(carried: readonly CarriedSeries[], from: Us | null, to: Us | null): readonly string[] {
  if (from === null || to === null) return [];
  const dayOf = (time: Us): string => new Date(time / 1000).toISOString().slice(0, 10);
  const days = new Set(carried.flatMap(({ openDays }) => openDays.map(({ day }) => day)));
  return [...days].filter((day) => day >= dayOf(from) && day <= dayOf(to)).sort();
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}
