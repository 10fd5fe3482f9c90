import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ManualClock } from '../../../src/kit/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { backOffMs } from '../../../src/market/collect/back-off.ts';
import { CandleEnds } from '../../../src/market/collect/candles.ts';
import { Intake } from '../../../src/market/collect/intake.ts';
import { Latency } from '../../../src/market/collect/latency.ts';
import { Pollers } from '../../../src/market/collect/polling.ts';
import { Pipeline } from '../../../src/market/collect/pipeline.ts';
import { BookSampler } from '../../../src/market/collect/sampler.ts';
import { SeriesTracker } from '../../../src/market/collect/series.ts';
import { verifyTape } from '../../../src/market/collect/tape/inspect.ts';
import { readTape } from '../../../src/market/collect/tape/reader.ts';
import { TapeWriter } from '../../../src/market/collect/tape/writer.ts';
import { numberOfId, TradeIds } from '../../../src/market/collect/trade-ids.ts';
import type { CandleRecord, SeriesKey, TradeRecord } from '../../../src/market/domain/records.ts';
import { MemoryStore, RecordingSink, collect, frame, temporaryFolder } from './support.ts';
import type { CollectEnvironment } from '../../../src/market/collect/environment.ts';
import type { RestClient } from '../../../src/market/collect/rest-client.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import type { VenueMarket } from '../../../src/market/exchanges/contract.ts';
import { toyVenue } from './toy-venue.ts';

const base = { exchange: 'toy', market: 'spot', symbol: 'AB', recv_time: 0, seq: null, origin: 'live' } as const;

function trade(id: number | string): TradeRecord {
  const event_time = Number(id) * 1000;
  return { ...base, stream: 'trades', event_time, trade_id: String(id), price: 1, quantity: 1, side: 'buy' };
}

function candle(minute: number, closed: boolean): CandleRecord {
  const open_time = minute * 60_000_000;
  const prices = { open: 1, high: 1, low: 1, close: 1, volume: 1 };
  const nulls = { quote_volume: null, trade_count: null, taker_buy_volume: null, taker_buy_quote: null };
  const close_time = open_time + 60_000_000;
  return {
    ...base,
    ...prices,
    ...nulls,
    stream: 'candles',
    event_time: open_time,
    interval: '1m',
    open_time,
    close_time,
    closed,
  };
}

test('back-off doubles its bound up to the largest and jitters over all of it', () => {
  const half = (): number => 0.5;
  expect([0, 1, 2, 3, 7, 8, 50].map((n) => backOffMs(n, 250, 30_000, half))).toEqual([
    125, 250, 500, 1000, 15_000, 15_000, 15_000,
  ]);
  expect(backOffMs(5, 250, 30_000, () => 0)).toBe(0);
  expect(backOffMs(5, 250, 30_000, () => 0.999_999)).toBe(7999);
});

test('trade ids: holes are found on one connection, across connections, and not while two overlap', () => {
  const ids = new TradeIds();
  const next = (connection: string, of: TradeRecord): unknown => ids.next(connection, of, numberOfId(of.trade_id));
  expect(next('a', trade(5))).toBeUndefined();
  expect(next('a', trade(6))).toBeUndefined();
  expect(next('a', trade(9))).toMatchObject({ fromId: 7, toId: 8, after: 6000, before: 9000 });
  expect(next('a', trade(8))).toBeUndefined();
  expect(next('b', trade(15))).toBeUndefined();
  expect(next('a', trade(10))).toBeUndefined();
  expect(next('b', trade(16))).toBeUndefined();
  ids.close('a');
  ids.close('b');
  expect(next('c', trade(20))).toMatchObject({ fromId: 17, toId: 19 });
  expect(next('c', trade('not-a-number'))).toBeUndefined();
  const copy = new TradeIds();
  copy.restore(ids.state());
  expect(copy.next('d', trade(23), 23)).toMatchObject({ fromId: 21, toId: 22 });
});

test('an id is the safe integer that its text is as a number, or none', () => {
  const ids = [
    '0',
    '7',
    '007',
    '4000000000',
    '999999999999999',
    '1000000000000000',
    '9007199254740991',
    '',
    '-5',
    '1e3',
  ];
  for (const id of ids) expect(numberOfId(id)).toBe(Number(id));
  for (const id of ['9007199254740992', '1.5', 'a1', '1a', '１', '0x']) expect(numberOfId(id)).toBeNaN();
});

test('candles: the end that was missed, and whole candles, are holes', () => {
  const ends = new CandleEnds();
  expect(ends.next(candle(1, false))).toBeUndefined();
  expect(ends.next(candle(1, true))).toBeUndefined();
  expect(ends.next(candle(2, false))).toBeUndefined();
  expect(ends.next(candle(3, false))).toMatchObject({ from: 120_000_000, to: 180_000_000 });
  expect(ends.next(candle(3, true))).toBeUndefined();
  expect(ends.next(candle(6, false))).toMatchObject({ from: 240_000_000, to: 360_000_000 });
  expect(ends.next(candle(5, true))).toBeUndefined();
});

test('books are sampled once an interval of event time, and again after a clock that was far ahead', () => {
  const sampler = new BookSampler(1000);
  const at = (ms: number): boolean => sampler.takes('AB', ms * 1000);
  expect([0, 400, 999, 1000, 1500, 900, 2100].map(at)).toEqual([true, false, false, true, false, false, true]);
  expect(at(9_000_000)).toBe(true);
  expect(at(3000)).toBe(true);
  expect(new BookSampler(0).takes('AB', 1)).toBe(true);
});

test('latency is the median of the last records', () => {
  const latency = new Latency();
  expect(latency.medianMs()).toBeNull();
  for (let i = 0; i < 2000; i++) latency.note(0, i < 1000 ? 900_000 : 5_000);
  expect(latency.medianMs()).toBe(5);
});

test('receive time never goes back, however the clock jumps, and a commit flushes the tape first', async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const store = new MemoryStore();
  const events = new RecordingSink(clock);
  const log = silentLogger;
  const rests: boolean[] = [];
  const sink = { take: (): void => undefined } as { take: (record: never) => void };
  const pipeline = new Pipeline({ markets: toyVenue().markets, bookIntervalMs: 0, sink: (r) => sink.take(r as never) });
  const tapeDir = join(folder.path, 'tape');
  const writer = await TapeWriter.open({
    folder: tapeDir,
    clock,
    log,
    segmentBytes: 1e9,
    segmentMs: 9e8,
    flushMs: 1e9,
  });
  const intake = new Intake({
    tape: writer,
    pipeline,
    store: store.asStore(),
    events,
    clock,
    log,
    commitMs: () => 1000,
    lastRecvTime: (clock.now() + 60_000) * 1000,
    onPressure: () => undefined,
    onRest: (resting) => rests.push(resting),
    onTapeError: () => undefined,
  });
  sink.take = intake.take;
  const push = (id: number): number => {
    const recv = intake.recvTime();
    const text = JSON.stringify({ type: 'trade', symbol: 'AB', id, price: 1, at: id });
    expect(intake.push(frame(text, recv))).toBe(true);
    return recv;
  };
  const first = push(1);
  expect(first).toBe((clock.now() + 60_000) * 1000);
  clock.jump(3_600_000);
  const second = push(2);
  expect(second).toBe(clock.now() * 1000);
  clock.jump(-7_200_000);
  expect(push(3)).toBe(second);
  expect(store.rows).toEqual([]);
  expect(writer.unwrittenItems).toBe(3);
  await intake.flush();
  expect(writer.unwrittenItems).toBe(0);
  expect(store.rows).toHaveLength(3);
  expect(store.reached).toEqual({ segment: 1, item: 2 });
  // A turn that receives for longer than 20 ms has its sources rest until it is over.
  for (let id = 4; id < 200; id++) push(id);
  expect(rests).toEqual([]);
  const later = clock.advance(21);
  for (let id = 200; id < 400; id++) push(id);
  expect(rests).toEqual([true]);
  await later;
  await new Promise((resolve) => void setImmediate(resolve));
  expect(rests).toEqual([true, false]);
  intake.stop();
  await writer.close();
  expect((await verifyTape(tapeDir)).intact).toBe(true);
  expect(await collect(readTape(tapeDir))).toHaveLength(399);
});

test('commits asked for while one is under way are one, also while more comes than a commit takes', async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const log = silentLogger;
  const events = new RecordingSink(clock);
  const sink = { take: (): void => undefined } as { take: (record: never) => void };
  const pipeline = new Pipeline({ markets: toyVenue().markets, bookIntervalMs: 0, sink: (r) => sink.take(r as never) });
  const opening = { segmentBytes: 1e9, segmentMs: 9e8, flushMs: 1e9 };
  await using writer = await TapeWriter.open({ folder: join(folder.path, 'tape'), clock, log, ...opening });
  const commits: { readonly rows: number; readonly end: (error?: Error) => void }[] = [];
  const store: Pick<MarketStore, 'ingest'> = {
    ingest: (records) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => (error === undefined ? resolve({ tables: [] }) : reject(error));
        commits.push({ rows: records.length, end });
      }),
  };
  const intake = new Intake({
    tape: writer,
    pipeline,
    store: store as MarketStore,
    events,
    clock,
    log,
    commitMs: () => 1000,
    lastRecvTime: 0,
    onPressure: () => undefined,
    onRest: () => undefined,
    onTapeError: () => undefined,
  });
  sink.take = intake.take;
  let id = 0;
  /** More than brings a commit forward. */
  const push = async (): Promise<void> => {
    for (let n = 0; n < 45_000; n++) {
      const text = JSON.stringify({ type: 'trade', symbol: 'AB', id: ++id, price: 1, at: id });
      intake.push(frame(text, intake.recvTime()));
    }
    await clock.advance(0);
  };
  const reached = (n: number): Promise<void> => expect.poll(() => commits.length).toBe(n);
  await push();
  await reached(1);
  // The first commit lasts; what comes meanwhile asks for others.
  for (let n = 0; n < 3; n++) await push();
  const flushes = [intake.flush(), intake.flush()];
  await push();
  expect(commits.map(({ rows }) => rows)).toEqual([45_000]);
  commits[0]?.end();
  await reached(2);
  expect(commits[1]?.rows).toBe(180_000);
  // Both share a failure, and what failed is committed with the next, in its time.
  const failed = Promise.allSettled(flushes);
  commits[1]?.end(new Error('disk full'));
  expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await push();
  expect(commits).toHaveLength(2);
  await clock.advance(1000);
  await reached(3);
  expect(commits[2]?.rows).toBe(225_000);
  commits[2]?.end();
  await expect.poll(() => intake.stored + intake.lagMs).toBe(0);
  intake.stop();
});

test('a host that refused us lately is polled half as often', async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const asked: number[] = [];
  let halved = false;
  const rest = { ask: async () => asked.push(clock.monotonicMs()), isHalved: () => halved };
  const market = { streams: { trades: { pollMs: 1000 } }, rest: { trades: {} } };
  const environment = { clock, signal: stop.signal };
  const pollers = new Pollers(
    environment as unknown as CollectEnvironment,
    market as unknown as VenueMarket,
    rest as unknown as RestClient,
  );
  await pollers.set([{ symbol: 'AB', stream: 'trades' }]);
  for (let i = 0; i < 4; i++) await clock.advance(1000);
  const usual = asked.length;
  halved = true;
  for (let i = 0; i < 8; i++) await clock.advance(1000);
  const gaps = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
  expect(gaps.slice(0, usual - 1).every((gap) => gap === 1000)).toBe(true);
  expect(gaps.slice(usual).every((gap) => gap === 2000)).toBe(true);
  expect(gaps.slice(usual).length).toBeGreaterThan(1);
  stop.abort();
});

test('series are counted by state, and told with the name of their view', () => {
  const series = new SeriesTracker();
  const key = (symbol: string): SeriesKey => ({ exchange: 'toy', market: 'spot', symbol, stream: 'trades' });
  for (const symbol of ['AB', 'CD']) series.add(key(symbol), 1000, 0);
  expect([series.count('waiting'), series.count('live')]).toEqual([2, 0]);
  series.touch(trade(1), 2500);
  expect([series.count('waiting'), series.count('live')]).toEqual([1, 1]);
  const fresh = { listed_as: null, stale_after_ms: 1000, gaps: 0 };
  expect(series.status()).toEqual([
    {
      ...key('AB'),
      ...fresh,
      table: 'ab_toy_spot_trades',
      state: 'live',
      rows: 1,
      last_event_time: 1000,
      last_received_at: 2,
    },
    {
      ...key('CD'),
      ...fresh,
      table: 'cd_toy_spot_trades',
      state: 'waiting',
      rows: 0,
      last_event_time: null,
      last_received_at: null,
    },
  ]);
});
