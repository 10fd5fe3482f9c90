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
import type { MarketStore } from '../src/market/store/contract.ts';
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
 * (aggregate trades and best prices of 130 symbols, new ids each) as fast as they are taken. Each of the 260 streams has
 * a view of its own: each must have more rows at the end, counted through its view, than were stored half-way, and no row
 * may be missing.
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
const SYMBOLS = [
  ...DEFAULT_SYMBOLS,
  ...Array.from({ length: 130 - DEFAULT_SYMBOLS.length }, (_, n) => `BENCH${n + 1}USDT`),
];
const STREAMS = ['trades', 'prices'] as const;
const ISOLATED = SYMBOLS.length * STREAMS.length;

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
  const names = SYMBOLS.flatMap((symbol) =>
    ['aggTrade', 'bookTicker'].map((name) => `${symbol.toLowerCase()}@${name}`),
  );
  return await measure(async () => {
    let received = 0;
    const socket = await openSocket({
      url: `${venue.ws}/stream?streams=${names.join('/')}`,
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
    collect: { exchanges: ['binance_spot'], symbols: SYMBOLS, streams: STREAMS, auto_backfill: false },
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
  let midway: Promise<Rows> | undefined;
  try {
    const measured = await measure(async () => {
      await collector.start();
      while (collector.status().frames_total < FRAMES) {
        if (midway === undefined && collector.status().frames_total > FRAMES / 2) midway = rowsByTable(store);
        await sleep(systemClock, 5);
      }
      await collector.flush();
      return collector.status().records_stored;
    });
    proveIsolated((await midway) ?? new Map(), await rowsByView(store), measured.rows);
    return measured;
  } finally {
    await collector.stop();
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

type Rows = ReadonlyMap<string, number>;

/** Rows of each stream by the name of its view, from the tables: little work, since the run goes on meanwhile. */
async function rowsByTable(store: MarketStore): Promise<Rows> {
  return new Map((await store.stats()).map(({ table, rows }) => [table, rows]));
}

/** The same, each counted through the view. */
async function rowsByView(store: MarketStore): Promise<Rows> {
  const rows = new Map<string, number>();
  for (const { table } of await store.stats()) {
    const [counted] = await store.read<{ rows: number }>(`SELECT count(*)::INTEGER AS rows FROM "${table}"`);
    rows.set(table, counted?.rows ?? 0);
  }
  return rows;
}

function proveIsolated(midway: Rows, end: Rows, stored: number): void {
  const grown = [...end].filter(([view, rows]) => rows > (midway.get(view) ?? Number.POSITIVE_INFINITY)).length;
  const counted = [...end.values()].reduce((sum, rows) => sum + rows, 0);
  if (stored !== FRAMES || counted !== stored || end.size !== ISOLATED || grown !== ISOLATED)
    throw new Error(
      `${stored} rows stored of ${FRAMES}, ${counted} in ${end.size} views; ${grown} of ${ISOLATED} grew in the second half`,
    );
  const least = (rows: Rows): string => Math.min(...rows.values()).toLocaleString('en');
  print(
    `         ${end.size} isolated streams, each of at least ${least(midway)} rows half-way and ${least(end)} at the end`,
  );
}

async function startVenue(): Promise<{ readonly ws: string; readonly rest: string } & AsyncDisposable> {
  const symbols = SYMBOLS.join();
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
