import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/infra/clock.ts';
import { openSocket } from '../src/infra/socket.ts';
import { sleep } from '../src/kit/clock.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { createCollector } from '../src/market/collect/collector.ts';
import { marketConfigSchema } from '../src/market/config.ts';
import { DEFAULT_SYMBOLS } from '../src/market/domain/instrument.ts';
import { venues } from '../src/market/exchanges/catalogue.generated.ts';
import { openMarketStore } from '../src/market/store/open.ts';
import { nowhere } from './nowhere.ts';

interface Measured {
  readonly perSecond: number;
  /** Processor time of this process, all threads, µs a frame. */
  readonly cpuUs: number;
  readonly rows: number;
}

/**
 * Frames a second from a loopback WebSocket to committed rows (socket, tape, decoder, store), against receiving the
 * same frames with a bare socket in the same run. The venue is a process of its own that sends Binance spot frames
 * (aggregate trades and best prices of the default symbols, new ids each) as fast as they are taken.
 */
export async function run(): Promise<void> {
  for (let round = 1; round <= ROUNDS; round++) {
    print(`round ${round}: bare receive      ${line(await receiveBare())}`);
    print(`round ${round}: to tape and store ${line(await collectAll())}`);
  }
  print(`resident memory at the end ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
}

const ROUNDS = 3;
const FRAMES = 500_000;

function line({ perSecond, cpuUs, rows }: Measured): string {
  const perCore = Math.round(1_000_000 / cpuUs).toLocaleString('en');
  const wall = Math.round(perSecond).toLocaleString('en');
  return `${wall} frames/s by the clock, ${perCore} frames per second of processor time, ${rows.toLocaleString('en')} rows stored`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs `work` and relates its time to the number of frames. */
async function measure(work: () => Promise<number>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const rows = await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: FRAMES / seconds, cpuUs: (user + system) / FRAMES, rows };
}

async function receiveBare(): Promise<Measured> {
  await using venue = await startVenue();
  return await measure(async () => {
    let received = 0;
    const socket = await openSocket({
      url: `${venue.ws}/stream?streams=btcusdt@aggTrade`,
      clock: systemClock,
      connectTimeoutMs: 5_000,
      onFrame: () => {
        received += 1;
      },
      onClose: () => undefined,
    });
    while (received < FRAMES) await sleep(systemClock, 5);
    await socket.close();
    return 0;
  });
}

async function collectAll(): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'ingest-bench-'));
  const config = marketConfigSchema.parse({
    source: 'live',
    collect: { exchanges: ['binance_spot'], streams: ['trades', 'prices'], auto_backfill: false },
  });
  const common = { clock: systemClock, log: silentLogger, events: nowhere };
  const { store } = await openMarketStore({ dataDir: folder, config: config.storage, ...common });
  await using venue = await startVenue();
  const collector = createCollector({
    ...common,
    config,
    venues,
    addresses: { binance_spot: { stream: venue.ws, rest: venue.rest } },
    store,
    tapeDir: join(folder, 'tape'),
    random: () => 0.5,
  });
  try {
    return await measure(async () => {
      await collector.start();
      while (collector.status().frames_total < FRAMES) await sleep(systemClock, 5);
      await collector.flush();
      return collector.status().records_stored;
    });
  } finally {
    await collector.stop();
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

async function startVenue(): Promise<{ readonly ws: string; readonly rest: string } & AsyncDisposable> {
  const symbols = DEFAULT_SYMBOLS.join();
  const child = fork(fileURLToPath(new URL('./ingest-venue.mjs', import.meta.url)), [String(FRAMES), symbols], {
    execArgv: [],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(Number(message)));
    child.once('error', reject);
  });
  return {
    ws: `ws://127.0.0.1:${port}`,
    rest: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        child.kill();
      }),
  };
}
