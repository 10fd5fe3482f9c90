import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../src/kit/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { Pipeline } from '../../../src/market/collect/pipeline.ts';
import { rebuild, recover } from '../../../src/market/collect/replay.ts';
import { pruneTape } from '../../../src/market/collect/tape-retention.ts';
import { listTape } from '../../../src/market/collect/tape/inspect.ts';
import { readTape } from '../../../src/market/collect/tape/reader.ts';
import { TapeWriter } from '../../../src/market/collect/tape/writer.ts';
import type { StoredRecord } from '../../../src/market/domain/records.ts';
import { textOfBytes, type TapeItem } from '../../../src/market/domain/tape.ts';
import binance from '../../../src/market/exchanges/binance/index.ts';
import { MemoryStore, collect, temporaryFolder } from './support.ts';

const folder = fileURLToPath(new URL('../../../../shared/data/ws_hftbacktest', import.meta.url));

/** Known for these files: data/README.md, "Replay invariants". */
const RECORDINGS = [
  {
    file: 'usdm_btcusdt_20240808.gz',
    market: 'futures' as const,
    applied: 6547,
    skipped: 4,
    bestBid: 61659.7,
    bestAsk: 61659.8,
    bids: 5018,
    asks: 4578,
  },
  {
    file: 'spot_btcusdt_20240808.gz',
    market: 'spot' as const,
    applied: 3449,
    skipped: 2,
    bestBid: 61685.99,
    bestAsk: 61686,
    bids: 1209,
    asks: 2196,
  },
];

/** Rows as text: comparing objects one by one takes longer than making them. */
function text(rows: readonly StoredRecord[]): string {
  return rows.map((row) => JSON.stringify(row)).join('\n');
}

/** The recording as tape items; the REST snapshot in line becomes the answer it was. */
function itemsOf(recording: (typeof RECORDINGS)[number]): TapeItem[] {
  const base = {
    connection: `binance_${recording.market}#1.1`,
    exchange: 'binance',
    market: recording.market,
  };
  const lines = gunzipSync(readFileSync(join(folder, recording.file)))
    .toString('utf8')
    .split('\n');
  const items: TapeItem[] = [{ kind: 'connected', recv_time: 0, ...base, url: 'wss://recorded' }];
  for (const line of lines) {
    if (line === '') continue;
    const space = line.indexOf(' ');
    const recv_time = Math.floor(Number(line.slice(0, space)) / 1000);
    const text = line.slice(space + 1);
    if (text.startsWith('{"lastUpdateId"')) {
      items.push({ kind: 'rest', recv_time, ...base, call: 'book_snapshot', args: { symbol: 'BTCUSDT' }, body: text });
    } else items.push({ kind: 'frame', recv_time, ...base, bytes: Buffer.from(text) });
  }
  return items;
}

interface Ticker {
  readonly u: number;
  readonly b: number;
  readonly a: number;
}

/** Best prices by update id, the last first: some arrive after the change that has their id. */
function tickersOf(items: readonly TapeItem[]): Ticker[] {
  return items
    .filter((item) => item.kind === 'frame' && textOfBytes(item.bytes).includes('@bookTicker'))
    .map((item) => {
      const { data } = JSON.parse(item.kind === 'frame' ? textOfBytes(item.bytes) : '') as {
        data: { u: number; b: string; a: string };
      };
      return { u: data.u, b: Number(data.b), a: Number(data.a) };
    })
    .sort((x, y) => y.u - x.u);
}

describe.runIf(existsSync(folder))('a recorded Binance book', () => {
  test.each(RECORDINGS)('$market: the best prices equal bookTicker after every change', (recording) => {
    let judged = 0;
    let equalSeq = 0;
    let problems = 0;
    const items = itemsOf(recording);
    const pending = tickersOf(items);
    let ticker: Ticker | undefined;
    let deltas = 0;
    const pipeline = new Pipeline({
      markets: binance.markets,
      bookIntervalMs: 1000,
      sink: () => undefined,
      onBookProblem: () => (problems += 1),
      onRecord: (_item, record) => {
        if (record.stream === 'book' && record.kind === 'delta') deltas += 1;
      },
      onVerdict: (item, verdict) => {
        throw new Error(`${JSON.stringify(verdict)} of ${item.kind}`);
      },
    });
    let applied = 0;
    let lastSeq: number | null = null;
    for (const item of items) {
      pipeline.process(item);
      const book = pipeline.bookOf('binance', recording.market, item.connection, 'BTCUSDT');
      if (item.kind !== 'frame' || !textOfBytes(item.bytes).includes('depthUpdate') || book?.state !== 'valid')
        continue;
      if (book.lastSeq === lastSeq) continue;
      lastSeq = book.lastSeq;
      applied += 1;
      for (let next = pending.at(-1); next !== undefined && next.u <= lastSeq; next = pending.at(-1)) {
        ticker = pending.pop();
      }
      if (ticker === undefined) continue;
      judged += 1;
      if (ticker.u === lastSeq) equalSeq += 1;
      if (book.levels.bestBid !== ticker.b || book.levels.bestAsk !== ticker.a) {
        throw new Error(
          `at ${lastSeq}: ${book.levels.bestBid} / ${book.levels.bestAsk}, bookTicker says ${ticker.b} / ${ticker.a}`,
        );
      }
    }
    const book = pipeline.bookOf('binance', recording.market, `binance_${recording.market}#1.1`, 'BTCUSDT');
    // Changes that came before the snapshot are judged when it bridges them, not one by one.
    expect(applied).toBeGreaterThanOrEqual(recording.applied - 5);
    expect(judged).toBe(applied);
    expect(equalSeq).toBeGreaterThan(0);
    expect(deltas).toBe(recording.applied + recording.skipped);
    expect(problems).toBe(0);
    expect([book?.levels.bestBid, book?.levels.bestAsk]).toEqual([recording.bestBid, recording.bestAsk]);
    expect([book?.levels.bidLevels, book?.levels.askLevels]).toEqual([recording.bids, recording.asks]);
  });

  test('losing any one change is noticed at once', () => {
    const [recording] = RECORDINGS;
    if (recording === undefined) throw new Error('no recording');
    const all = itemsOf(recording).slice(0, 12_000);
    const changes = all.flatMap((item, i) =>
      item.kind === 'frame' && textOfBytes(item.bytes).includes('depthUpdate') ? [i] : [],
    );
    for (const lost of [changes[20], changes[100], changes[600]]) {
      const gaps: (number | null)[] = [];
      const pipeline = new Pipeline({
        markets: binance.markets,
        bookIntervalMs: 1000,
        sink: () => undefined,
        onBookProblem: (_item, problem) => gaps.push(problem.nextSeq),
      });
      for (const [index, item] of all.entries()) if (index !== lost) pipeline.process(item);
      expect(gaps).toHaveLength(1);
      expect(pipeline.bookOf('binance', 'futures', 'binance_futures#1.1', 'BTCUSDT')?.state).toBe('gap');
    }
  });

  test('recovery from every segment, and a rebuild, give the rows that live gave', async () => {
    await using temporary = await temporaryFolder();
    const live: StoredRecord[] = [];
    const markets = binance.markets;
    const options = { markets, bookIntervalMs: 1000 };
    const pipeline = new Pipeline({ ...options, sink: (record) => live.push(record) });
    const merged = RECORDINGS.flatMap((recording) => itemsOf(recording).slice(0, 12_000)).sort(
      (a, b) => a.recv_time - b.recv_time,
    );
    const positions: { rows: number; segment: number; item: number }[] = [];
    {
      await using writer = await TapeWriter.open({
        folder: temporary.path,
        clock: new ManualClock(),
        log: silentLogger,
        segmentBytes: 1_500_000,
        segmentMs: 900_000,
        flushMs: 50,
        segmentStart: (recv_time) => pipeline.state().map((note) => ({ kind: 'note', recv_time, ...note })),
      });
      for (const item of merged) {
        positions.push({ ...writer.append(item), rows: live.length });
        pipeline.process(item);
      }
    }
    const segments = await listTape(temporary.path);
    expect(segments.length).toBeGreaterThan(3);
    const store = new MemoryStore();
    await rebuild({ ...options, tapeDir: temporary.path, store: store.asStore() });
    expect(text(store.rows)).toBe(text(live));
    expect(live.filter(({ stream }) => stream === 'orderbooks').length).toBeGreaterThan(50);

    for (const part of [0.13, 0.5, 0.72, 0.98]) {
      const at = positions[Math.floor(positions.length * part)];
      if (at === undefined) throw new Error('no position');
      const partial = new MemoryStore();
      // Rows of the item at the position itself are stored: what follows begins after it.
      const next = positions[Math.floor(positions.length * part) + 1];
      partial.reached = { segment: at.segment, item: at.item };
      const report = await recover({
        ...options,
        tapeDir: temporary.path,
        store: partial.asStore(),
        makePipeline: (sink) => new Pipeline({ ...options, sink }),
      });
      expect(text(partial.rows)).toBe(text(live.slice(next?.rows)));
      expect(JSON.stringify(report.pipeline.state())).toBe(JSON.stringify(pipeline.state()));
    }

    const pruned = await pruneTape({
      folder: temporary.path,
      store: new MemoryStore(),
      policy: { maxBytes: 600_000 },
      keepFrom: 99,
    });
    expect(pruned.segments).toBeGreaterThan(0);
    const rest = new MemoryStore();
    await rebuild({ ...options, tapeDir: temporary.path, store: rest.asStore() });
    expect(rest.rows.length).toBeGreaterThan(0);
    expect(text(rest.rows)).toBe(text(live.slice(-rest.rows.length)));
    const [first] = await collect(readTape(temporary.path));
    expect(first?.item.kind).toBe('note');
  });
});
