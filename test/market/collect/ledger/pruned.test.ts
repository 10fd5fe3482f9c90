import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../../../src/kit/clock.ts';
import { silentLogger } from '../../../../src/kit/logger.ts';
import { BACKFILLED } from '../../../../src/market/collect/ledger/notes.ts';
import { Pipeline } from '../../../../src/market/collect/pipeline.ts';
import { rebuild } from '../../../../src/market/collect/replay.ts';
import { pruneTape } from '../../../../src/market/collect/tape-retention.ts';
import { TapeWriter } from '../../../../src/market/collect/tape/writer.ts';
import {
  paint,
  type Coverage,
  type CoverageChange,
  type CoverageInterval,
} from '../../../../src/market/domain/coverage.ts';
import type { StoredRecord } from '../../../../src/market/domain/records.ts';
import type { TapeItem } from '../../../../src/market/domain/tape.ts';
import type { MarketStore } from '../../../../src/market/store/contract.ts';
import { open, temporaryFolder } from '../../store/fixtures.ts';
import { toyVenue } from '../toy-venue.ts';

/**
 * The ledger over the life of a desk: what is received over days, compacted, pruned from the tape, deleted by age, and
 * then a database that is lost and made anew from what is left of tape and day files.
 */

const KEY = { exchange: 'toy', market: 'spot', symbol: 'AAUSDT', stream: 'trades' } as const;
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 2);
const END_MS = START_MS + 5 * 24 * HOUR_MS;
const SETTINGS = { markets: toyVenue().markets, bookIntervalMs: 0 };
const PAD = 'x'.repeat(200);

type Step =
  | { readonly do: 'trades'; readonly count: number; readonly lose: boolean }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'cut' | 'open' | 'compact' | 'commit' }
  | { readonly do: 'backfill'; readonly hours: number }
  | { readonly do: 'prune'; readonly keepBytes: number }
  | { readonly do: 'retain'; readonly days: number };

const named = (...names: readonly ('cut' | 'open' | 'compact' | 'commit')[]): fc.Arbitrary<Step> =>
  fc.constantFrom(...names).map((name) => ({ do: name }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('trades' as const),
      count: fc.integer({ min: 1, max: 12 }),
      lose: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: named('cut', 'open', 'compact', 'commit') },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('backfill' as const), hours: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('prune' as const), keepBytes: fc.nat(6000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retain' as const), days: fc.integer({ min: 1, max: 3 }) }) },
);

/** A desk with a toy venue, a tape with small segments and a store. */
class ToyDesk {
  now = START_MS;
  readonly folder = temporaryFolder();
  readonly tapeDir = join(this.folder, 'tape');
  readonly #trades: { readonly id: number; readonly at: number }[] = [];
  #connection: string | null = null;
  #opened = 0;
  #rows: StoredRecord[] = [];
  #changes: CoverageChange[] = [];
  #position: ReturnType<TapeWriter['append']> | null = null;

  static async open(): Promise<ToyDesk> {
    const desk = new ToyDesk();
    const { store } = await open(desk.folder);
    const pipeline = new Pipeline({
      ...SETTINGS,
      sink: (record) => desk.#rows.push(record),
      onCoverage: (change) => desk.#changes.push(change),
    });
    const tape = await TapeWriter.open({
      folder: desk.tapeDir,
      clock: new ManualClock(START_MS),
      log: silentLogger,
      segmentBytes: 6_000,
      segmentMs: 1_000 * HOUR_MS,
      flushMs: 50,
      segmentStart: (recvTime) => pipeline.state().map((note) => ({ kind: 'note', recv_time: recvTime, ...note })),
    });
    return Object.assign(desk, { store, pipeline, tape });
  }
  declare readonly store: MarketStore;
  declare readonly pipeline: Pipeline;
  declare readonly tape: TapeWriter;

  async run(s: Step): Promise<void> {
    switch (s.do) {
      case 'wait':
        this.now += s.hours * HOUR_MS;
        return;
      case 'open':
      case 'cut':
        return this.#link(s.do === 'open');
      case 'trades':
        for (let i = 0; i < s.count; i++) this.#trade(s.lose && i === 0);
        return;
      case 'backfill':
        return this.#backfill(this.now - s.hours * HOUR_MS);
      case 'commit':
        return this.commit();
      case 'compact':
        await this.commit();
        await this.store.compact({ now: this.now * 1000, minimumGain: 1 });
        return;
      case 'prune': {
        await this.commit();
        const { folder, store, tape } = { folder: this.tapeDir, store: this.store, tape: this.tape };
        await pruneTape({ folder, store, policy: { maxBytes: s.keepBytes }, keepFrom: tape.segment });
        return;
      }
      case 'retain':
        await this.commit();
        await this.store.retain({ now: this.now * 1000, days: s.days });
        return;
    }
  }

  async commit(): Promise<void> {
    await this.tape.flush();
    const coverage = { changes: this.#changes, heads: this.pipeline.takeHeads() };
    await this.store.ingest(this.#rows, this.#position, coverage);
    this.#rows = [];
    this.#changes = [];
  }

  #push(item: TapeItem): void {
    this.#position = this.tape.append(item);
    this.pipeline.process(item);
  }

  #base(connection: string) {
    return { recv_time: this.now * 1000, connection, exchange: 'toy', market: 'spot' as const };
  }

  #link(open: boolean): void {
    if (open === (this.#connection !== null)) return;
    if (!open) {
      this.#push({ kind: 'disconnected', ...this.#base(this.#connection ?? ''), reason: 'cut' });
      this.#connection = null;
      return;
    }
    this.#connection = `toy_spot#1.${++this.#opened}`;
    const series = [{ symbol: KEY.symbol, stream: KEY.stream }];
    this.#push({ kind: 'connected', ...this.#base(this.#connection), url: 'ws://toy', series, acknowledgements: 0 });
  }

  #trade(lost: boolean): void {
    this.now += 20 * 60_000;
    const trade = { id: this.#trades.length + 1, at: this.now };
    this.#trades.push(trade);
    if (lost || this.#connection === null) return;
    this.#push({ kind: 'frame', ...this.#base(this.#connection), bytes: Buffer.from(textOf(trade)) });
  }

  #backfill(from: number): void {
    const found = this.#trades.filter(({ at }) => at >= from && at < this.now);
    const base = this.#base('toy_spot#backfill');
    const args = { symbol: KEY.symbol, from, to: this.now };
    const body = `[${found.map(textOf).join(',')}]`;
    this.#push({ kind: 'rest', ...base, call: 'trades', args, body, origin: 'backfill' });
    const data = { symbol: KEY.symbol, stream: KEY.stream, from, to: this.now, asked: this.now * 1000, missing: [] };
    this.#push({ kind: 'note', ...base, note: BACKFILLED, data });
  }
}

function textOf({ id, at }: { readonly id: number; readonly at: number }): string {
  return JSON.stringify({ type: 'trade', symbol: KEY.symbol, id, price: 1, at, pad: PAD });
}

async function coverageOf(store: MarketStore): Promise<Coverage | null> {
  if ((await store.series()).length === 0) return null;
  return store.coverage({ ...KEY, from: START_MS * 1000, to: END_MS * 1000 });
}

/** Times of the rows that a store shows. */
async function rowTimes(store: MarketStore): Promise<readonly number[]> {
  if ((await store.series()).length === 0) return [];
  const rows = await store.seriesRows({ ...KEY, from: 0, to: END_MS * 10_000, limit: 100_000, order: 'asc' });
  return rows.map((row) => Number(row['event_time']));
}

/** Whole, sampled or missing: what was live may have been fetched again since. */
function classesOf(intervals: readonly CoverageInterval[]): readonly CoverageInterval[] {
  let classes: CoverageInterval[] = [];
  for (const held of intervals) {
    const state = held.state === 'backfilled' ? 'live' : held.state;
    classes = paint(classes, { ...held, state, reason: null, mode: 'set' });
  }
  return classes;
}

const isHeld = (state: string): boolean => state === 'live' || state === 'backfilled' || state === 'sampled';

test('a ledger made anew from a pruned tape tells of every moment what it was, and claims no row that is gone', async () => {
  let pruned = 0;
  let held = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 45 }), async (steps) => {
      const desk = await ToyDesk.open();
      await desk.run({ do: 'open' });
      for (const s of steps) if (desk.now < END_MS - 24 * HOUR_MS) await desk.run(s);
      await desk.commit();
      await desk.tape.close();
      const before = await coverageOf(desk.store);
      const times = await rowTimes(desk.store);
      const collected = await desk.store.carried();
      await desk.store.close();

      const again = temporaryFolder();
      if (existsSync(join(desk.folder, 'parquet')))
        cpSync(join(desk.folder, 'parquet'), join(again, 'parquet'), { recursive: true });
      const { store } = await open(again);
      await rebuild({ ...SETTINGS, tapeDir: desk.tapeDir, store });
      const after = await coverageOf(store);
      const rows = await rowTimes(store);
      // What was collected, whatever became of it, is known as before.
      const told = (list: typeof collected) => list.map(({ intervals }) => classesOf(intervals));
      expect(told(await store.carried())).toEqual(told(collected));
      if (before === null || after === null) {
        expect(after).toBe(before);
        return store.close();
      }
      const inside =
        ({ from, to }: { from: number; to: number }) =>
        (time: number) =>
          time >= from && time < to;
      for (const part of after.intervals) {
        if (part.state === 'pruned') pruned += 1;
        if (!isHeld(part.state)) continue;
        held += 1;
        // Where the ledger says that rows are held, none is fewer than there was.
        const was = times.filter(inside(part));
        expect(rows.filter(inside(part))).toEqual(expect.arrayContaining(was));
        const gone = before.intervals.filter((o) => o.state === 'pruned' && o.from < part.to && o.to > part.from);
        // A tape that reaches further back than the retention brings deleted rows back.
        if (gone.length === 0) expect(rows.filter(inside(part))).toEqual(was);
      }
      await store.close();
    }),
    { seed: 20_260_202, numRuns: 4, endOnFailure: true },
  );
  // Both happen often enough for the above to mean something.
  expect(pruned).toBeGreaterThan(0);
  expect(held).toBeGreaterThan(0);
}, 120_000);
