import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/infra/clock.ts';
import type { EventSink } from '../src/kit/event.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { Pipeline } from '../src/market/collect/pipeline.ts';
import { rebuild } from '../src/market/collect/replay.ts';
import { readTapeBatches } from '../src/market/collect/tape/reader.ts';
import { TapeWriter } from '../src/market/collect/tape/writer.ts';
import { marketConfigSchema } from '../src/market/config.ts';
import { DEFAULT_SYMBOLS } from '../src/market/domain/instrument.ts';
import { venues } from '../src/market/exchanges/catalogue.generated.ts';
import type { VenueMarket } from '../src/market/exchanges/contract.ts';
import { openMarketStore } from '../src/market/store/open.ts';

const FRAMES = 1_000_000;
const ROUNDS = 3;
const START = Date.UTC(2026, 0, 2, 8);
const noEvents: EventSink = {
  emit: (type, data) => ({ id: '', seq: 0, type, time: 0, source: '', priority: 5, correlation_id: null, data }),
};

/**
 * A tape of Binance spot frames (aggregate trades and best prices in turn, nine symbols) read, read and decoded, and
 * read, decoded and stored into a new database: rows a second by the clock and of processor time, of all threads.
 */
export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'crew-bench-'));
  const market = venues.flatMap((venue) => venue.markets).find((m) => m.exchange === 'binance' && m.market === 'spot');
  if (market === undefined) throw new Error('no Binance spot');
  try {
    const tapeDir = join(folder, 'tape');
    await record(tapeDir, market);
    for (let round = 1; round <= ROUNDS; round++) {
      await measure(`${round}: read alone`, () => readAll(tapeDir, () => undefined));
      await measure(`${round}: read and decoded`, async () => {
        let rows = 0;
        const pipeline = new Pipeline({ markets: [market], bookIntervalMs: 100, sink: () => rows++ });
        await readAll(tapeDir, (item) => pipeline.process(item));
        return rows;
      });
      await measure(`${round}: read, decoded and stored`, async () => {
        const { store } = await openMarketStore({
          dataDir: join(folder, `data${round}`),
          config: marketConfigSchema.parse({}).storage,
          clock: systemClock,
          log: silentLogger,
          events: noEvents,
        });
        const { stored } = await rebuild({ tapeDir, markets: [market], bookIntervalMs: 100, store });
        await store.close();
        if (stored !== FRAMES) throw new Error(`${stored} rows of ${FRAMES} stored`);
        return stored;
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Item = Parameters<Pipeline['process']>[0];

async function readAll(tapeDir: string, use: (item: Item) => void): Promise<number> {
  let items = 0;
  for await (const batch of readTapeBatches(tapeDir)) {
    for (const item of batch.items) use(item);
    items += batch.items.length;
  }
  return items;
}

async function record(folder: string, { exchange, market }: VenueMarket): Promise<void> {
  const day = 86_400_000;
  const limits = { segmentBytes: 256 * 1024 * 1024, segmentMs: day, flushMs: 200 };
  await using tape = await TapeWriter.open({ folder, clock: systemClock, log: silentLogger, ...limits });
  const base = { exchange, market, connection: `${exchange}_${market}#1` };
  tape.append({ ...base, kind: 'connected', recv_time: START * 1000, url: 'ws://127.0.0.1' });
  for (let n = 0; n < FRAMES; n++) {
    tape.append({ ...base, kind: 'frame', recv_time: START * 1000 + n * 20, bytes: Buffer.from(frame(n)) });
    if (n % 20_000 === 0) await tape.flush();
  }
}

function frame(n: number): string {
  const turn = Math.floor(n / 2);
  const symbol = DEFAULT_SYMBOLS[turn % DEFAULT_SYMBOLS.length] ?? 'BTCUSDT';
  const stream = symbol.toLowerCase();
  const at = START + Math.floor(n / 50);
  const price = (60_000 + (n % 1000) / 10).toFixed(2);
  const id = 4_000_000_000 + Math.floor(turn / DEFAULT_SYMBOLS.length);
  return n % 2 === 0
    ? `{"stream":"${stream}@aggTrade","data":{"e":"aggTrade","E":${at},"s":"${symbol}","a":${id},"p":"${price}","q":"0.01200000","f":${n},"l":${n},"T":${at},"m":true,"M":true}}`
    : `{"stream":"${stream}@bookTicker","data":{"u":${100_000 + n},"s":"${symbol}","b":"${price}","B":"1.25000000","a":"${price}","A":"0.75000000"}}`;
}

async function measure(name: string, work: () => Promise<number>): Promise<void> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const rows = await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const each = (perSecond: number): string => Math.round(perSecond).toLocaleString('en');
  process.stdout.write(
    `${name.padEnd(28)} ${each(rows / seconds)} a second by the clock, ${each(rows / ((user + system) / 1e6))} a second of processor time\n`,
  );
}
