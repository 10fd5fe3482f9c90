import type { Ms, Us } from '../../kit/clock.ts';
import type { CoverageChange } from '../domain/coverage.ts';
import type { StoredRecord } from '../domain/records.ts';
import type { TapePosition } from '../domain/tape.ts';
import type { VenueMarket } from '../exchanges/contract.ts';
import type { BulkIngest, MarketStore } from '../store/contract.ts';
import { Pipeline } from './pipeline.ts';
import { isAfter, readTapeBatches } from './tape/reader.ts';
import { segmentsOf, type TapeDamage } from './tape/segments.ts';

export interface ReplayOptions {
  readonly tapeDir: string;
  readonly markets: readonly VenueMarket[];
  readonly bookIntervalMs: Ms;
  readonly store: MarketStore;
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayReport {
  readonly items: number;
  /** Records given to the store (it drops those that it holds). */
  readonly records: number;
  readonly stored: number;
  readonly damage: readonly TapeDamage[];
  /** Position of the last item read; null when the tape is empty. */
  readonly last: TapePosition | null;
  readonly lastRecvTime: Us;
  /** Connections that the tape leaves open: the process ended before they did. */
  readonly open: ReturnType<Pipeline['openConnections']>;
}

type MakePipeline = (sink: (record: StoredRecord) => void, onCoverage: (change: CoverageChange) => void) => Pipeline;

/**
 * Brings the store to the end of the tape: reads from the start of the segment that holds `store.position()`, stores
 * what lies after that position. `pipeline` is left as it was at the end of the tape. Throws Corrupt for a foreign tape.
 */
export async function recover(
  options: ReplayOptions & { readonly makePipeline: MakePipeline },
): Promise<ReplayReport & { readonly pipeline: Pipeline }> {
  return replay(options, await options.store.position(), options.makePipeline);
}

/** Stores everything that a tape holds, whatever the store says that it has. For a database made anew from the tape. */
export async function rebuild(options: ReplayOptions): Promise<ReplayReport> {
  const { markets, bookIntervalMs } = options;
  return replay(options, null, (sink, onCoverage) => new Pipeline({ markets, bookIntervalMs, sink, onCoverage }));
}

async function replay(
  options: ReplayOptions,
  position: TapePosition | null,
  makePipeline: MakePipeline,
): Promise<ReplayReport & { readonly pipeline: Pipeline }> {
  return options.store.bulk((bulk) => replayInto(bulk, options, position, makePipeline));
}

async function replayInto(
  bulk: BulkIngest,
  options: ReplayOptions,
  position: TapePosition | null,
  makePipeline: MakePipeline,
): Promise<ReplayReport & { readonly pipeline: Pipeline }> {
  const { tapeDir, signal } = options;
  let changes: CoverageChange[] = [];
  let storing = true;
  let records = 0;
  const pipeline = makePipeline(
    (record) => {
      if (!storing) return;
      records += 1;
      bulk.take(record);
    },
    (change) => {
      if (storing) changes.push(change);
    },
  );
  const damage: TapeDamage[] = [];
  const first = await startOf(tapeDir, position);
  let last: TapePosition | null = null;
  let lastRecvTime: Us = 0;
  let items = 0;
  let stored = 0;
  let storingNow: Promise<void> = Promise.resolve();
  /** One commit at a time, while the rows of the next are read and decoded. */
  const commit = async (): Promise<void> => {
    if (last === null || !isAfter(last, position)) return;
    await storingNow;
    const [steps, heads] = [changes, pipeline.takeHeads()];
    changes = [];
    storingNow = bulk.commit(last, { changes: steps, heads }).then(({ tables }) => {
      stored += tables.reduce((sum, table) => sum + table.rows, 0);
    });
    // Its failure is thrown where it is waited for: by the next commit, or at the end.
    storingNow.catch(() => undefined);
  };
  let damagedBlocks = 0;
  try {
    const reading = { from: first, signal, onDamage: (d: TapeDamage) => damage.push(d), passing: true };
    for await (const batch of readTapeBatches(tapeDir, reading)) {
      const start = { segment: batch.segment, item: batch.firstItem };
      if (damage.length > damagedBlocks && isAfter(start, position)) {
        storing = true;
        pipeline.damaged(lastRecvTime, batch.items[0]?.recv_time ?? lastRecvTime);
      }
      damagedBlocks = damage.length;
      const after = isAfter(start, position);
      for (const [index, item] of batch.items.entries()) {
        // Judged one by one only where the position lies in the batch or after it: an object for each item is dear.
        storing = after || isAfter({ segment: batch.segment, item: batch.firstItem + index }, position);
        pipeline.process(item);
      }
      last = { segment: batch.segment, item: batch.firstItem + batch.items.length - 1 };
      lastRecvTime = batch.items.at(-1)?.recv_time ?? lastRecvTime;
      items += batch.items.length;
      if (bulk.full) await commit();
    }
    await commit();
  } finally {
    await storingNow.catch(() => undefined);
  }
  await storingNow;
  return { items, records, stored, damage, last, lastRecvTime, open: pipeline.openConnections(), pipeline };
}

/** Start of the segment that holds the position, or of the newest one before it: state is complete only at a start. */
async function startOf(folder: string, position: TapePosition | null): Promise<TapePosition> {
  const segments = await segmentsOf(folder);
  const before = segments.filter((segment) => segment <= (position?.segment ?? 0));
  return { segment: before.at(-1) ?? segments[0] ?? 0, item: 0 };
}
