import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../src/infra/clock.ts';
import { sleep } from '../src/kit/clock.ts';
import type { EventSink } from '../src/kit/event.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { createCollector } from '../src/market/collect/collector.ts';
import type { Collector } from '../src/market/collect/contract.ts';
import { rebuild } from '../src/market/collect/replay.ts';
import { readTapeBatches } from '../src/market/collect/tape/reader.ts';
import { marketConfigSchema } from '../src/market/config.ts';
import type { StoredRecord } from '../src/market/domain/records.ts';
import { venues } from '../src/market/exchanges/catalogue.generated.ts';
import { simulatedCredentials } from '../src/market/exchanges/credential.ts';
import type { MarketStore } from '../src/market/store/contract.ts';
import { openMarketStore } from '../src/market/store/open.ts';
import { keepHeapSmall } from '../src/serve/cli/small-heap.ts';
import { BlockTimes, MEMORY_PARTS, memoryText, Waits } from './load-measure.ts';
import { nowhere } from './nowhere.ts';

/** What the process of the venues is told. */
export type Order =
  | { readonly kind: 'prepare' }
  | { readonly kind: 'send'; readonly rate: number; readonly frames: number }
  | { readonly kind: 'count' }
  /** As `count`, and nothing more is sent. */
  | { readonly kind: 'end' };

/** What it tells. */
export type Told =
  | { readonly kind: 'listening'; readonly key: string; readonly addresses: Readonly<Record<string, string>> }
  | { readonly kind: 'up' }
  | {
      readonly kind: 'prepared';
      /** Of a round of the stretch that repeats. */
      readonly frames: number;
      /** Channels whose frames are made as they go. */
      readonly odd: number;
      readonly ms: number;
      readonly subscriptions: number;
    }
  | { readonly kind: 'sent'; readonly frames: number; readonly ms: number }
  | { readonly kind: 'count'; readonly sent: number; readonly cpuMs: number; readonly rss: number };

const BOOK_INTERVAL_MS = 1000;
const ROUND_SECONDS = 3;
const HOLD_SECONDS = 20;
const MOST_HOLD_SECONDS = 600;
/** The search begins here and ends when it is known to a tenth. */
const FIRST_RATE = 20_000;
const MOST_RATE = 200_000;
const EXACTNESS = 1.1;
/** Memory is looked at so often in a run, but not more than once a second, and each half minute of a long one. */
const MEMORY_LOOKS = 12;
const SELDOMEST_LOOK_MS = 30_000;
/** The rate at which the tape's durability is asked for. */
const DURABLE_RATE = 50_000;
/** A round is held when the last frame is on the tape so soon after it was due. */
const MOST_LATE_MS = 500;

/**
 * All venues and streams of the simulator at once over loopback sockets: the highest rate at which every frame is taken
 * in time, and at that rate, for `--seconds`, whether any frame is lost, how long a frame waits for the tape and a row
 * for its commit, and what the process holds. The venues run in a process of their own and repeat a stretch of market.
 */
export async function run(): Promise<void> {
  if (!process.execArgv.some((word) => word.startsWith('--max-semi-space-size'))) {
    await runAsCommand();
    return;
  }
  const seconds = Math.min(MOST_HOLD_SECONDS, Math.max(1, optionOf('seconds') ?? HOLD_SECONDS));
  const folder = await mkdtemp(join(tmpdir(), 'load-bench-'));
  // As the desk does.
  using _heap = keepHeapSmall();
  try {
    await using desk = await Desk.start(folder);
    const rate = optionOf('rate') ?? (await highestRate(desk));
    await hold(desk, rate, seconds, 'highest rate held');
    if (rate > DURABLE_RATE) await hold(desk, DURABLE_RATE, seconds, 'the rate of the goal');
    await desk.verify();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs this in a process of its own that is started as the `crew` command starts itself. */
async function runAsCommand(): Promise<void> {
  const command = await readFile(new URL('../src/serve/cli/main.js', import.meta.url), 'utf8');
  const words = command.slice(0, command.indexOf('\n')).split(' ').slice(2);
  const settings = words.flatMap((word) => (/^[A-Z_]+=/.test(word) ? [word.split('=')] : []));
  const script = `import(${JSON.stringify(import.meta.url)}).then(({ run }) => run())`;
  const options = [...words.filter((word) => word.startsWith('--')), '-e', script];
  const child = spawn(process.execPath, [...options, '--', ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, ...Object.fromEntries(settings) },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) process.exitCode = 1;
}

/** `--name=12` of the command line. */
function optionOf(name: string): number | undefined {
  const text = textOf(name);
  const value = Number(text);
  return text === undefined || !Number.isFinite(value) ? undefined : value;
}

function textOf(name: string): string | undefined {
  return process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
}

async function highestRate(desk: Desk): Promise<number> {
  let held = 0;
  let failed = MOST_RATE * EXACTNESS;
  for (let rate = FIRST_RATE; failed / Math.max(1, held) > EXACTNESS; ) {
    await desk.prepare();
    const round = await desk.send(rate, rate * ROUND_SECONDS);
    const ok = round.lateMs <= MOST_LATE_MS && round.missing === 0;
    print(`  ${each(rate)} frames/s for ${ROUND_SECONDS} s: ${ok ? 'held' : 'not held'}, ${told(round)}`);
    if (ok) held = rate;
    else failed = rate;
    rate = failed > MOST_RATE ? Math.min(rate * 2, MOST_RATE) : Math.round(Math.sqrt(Math.max(held, 1_000) * failed));
    if (held >= MOST_RATE || failed < 2_000) break;
  }
  return held;
}

async function hold(desk: Desk, rate: number, seconds: number, what: string): Promise<void> {
  await desk.prepare();
  desk.forgetTimes();
  const bare = desk.watchDisk();
  const round = await desk.send(rate, rate * seconds);
  const { late, write, sync } = await bare();
  const after = await desk.rest(Math.min(MOST_HOLD_SECONDS, optionOf('rest') ?? 0));
  print(`${what}: ${each(rate)} frames/s for ${seconds} s, ${told(round)}`);
  print(`  receive to written on the tape: ${(await desk.tapeWaits()).text}`);
  const both = (times: Float64Array): string => `p50 ${ms(times, 0.5, 1)}, p99 ${ms(times, 0.99, 1)} ms`;
  print(`    a bare thread beside: woken late ${both(late)}; 16 KB written ${both(write)}, fdatasync ${both(sync)}`);
  print(`  receive to row queryable: ${desk.rowWaits().text}`);
  print(`  memory, MB: ${MEMORY_PARTS}`);
  for (const { at, text } of round.memory) print(`    after ${at.toFixed(0).padStart(3)} s: ${text}`);
  for (const { at, text } of after) print(`    ${at.toFixed(0).padStart(3)} s after the load: ${text}`);
  for (const [reason, times] of desk.takeLosses()) print(`  connection lost ${times} times: ${reason}`);
}

interface Round {
  /** From when the last frame was due to when it was taken. */
  readonly lateMs: number;
  readonly missing: number;
  readonly ownCpu: number;
  /** Processor time over all threads, µs for each frame taken. */
  readonly costUs: number;
  readonly sendersCpu: number;
  readonly memory: readonly Look[];
}

/** The memory at so many s. */
interface Look {
  readonly at: number;
  readonly text: string;
}

function told({ lateMs, missing, ownCpu, costUs, sendersCpu }: Round): string {
  const shares = `${ownCpu.toFixed(2)} processors, ${costUs.toFixed(1)} µs a frame, the senders ${sendersCpu.toFixed(2)}`;
  return `the last frame ${Math.round(lateMs)} ms late, ${missing} missing; ${shares}`;
}

/** The collector under load, its store, and the process of the venues. */
class Desk implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: ReturnType<typeof fork>;
  readonly #store: MarketStore;
  readonly #collector: Collector;
  readonly #written: BlockTimes;
  readonly #rowWaits: Waits;
  readonly #losses: Map<string, number>;
  #since = 0;
  #prepared = false;

  private constructor(made: {
    readonly folder: string;
    readonly child: ReturnType<typeof fork>;
    readonly store: MarketStore;
    readonly collector: Collector;
    readonly written: BlockTimes;
    readonly rowWaits: Waits;
    readonly losses: Map<string, number>;
  }) {
    this.#folder = made.folder;
    this.#child = made.child;
    this.#store = made.store;
    this.#collector = made.collector;
    this.#written = made.written;
    this.#rowWaits = made.rowWaits;
    this.#losses = made.losses;
  }

  static async start(folder: string): Promise<Desk> {
    const child = fork(fileURLToPath(new URL('./load-venues.js', import.meta.url)), [], { execArgv: [] });
    const addresses: Record<string, Readonly<Record<string, string>>> = {};
    child.on('message', (word: Told) => {
      if (word.kind === 'listening') addresses[word.key] = word.addresses;
    });
    await answer(child, 'up');
    const [streams, flushMs, memoryMb] = [textOf('streams'), optionOf('tape-flush-ms'), optionOf('memory-mb')];
    const config = marketConfigSchema.parse({
      source: 'live',
      storage: memoryMb === undefined ? {} : { memory_mb: memoryMb },
      collect: {
        exchanges: ['all'],
        auto_backfill: false,
        book_interval_ms: BOOK_INTERVAL_MS,
        ...(streams === undefined ? {} : { streams: streams.split(',') }),
        ...(flushMs === undefined ? {} : { tape_flush_ms: flushMs }),
      },
    });
    const losses = new Map<string, number>();
    const common = { clock: systemClock, log: silentLogger, events: countingLosses(losses) };
    const { store } = await openMarketStore({ dataDir: folder, config: config.storage, ...common });
    const written = new BlockTimes();
    const rowWaits = new Waits();
    const collector = createCollector({
      ...common,
      config,
      venues,
      addresses,
      credentials: simulatedCredentials,
      store: timed(store, rowWaits),
      tapeDir: join(folder, 'tape'),
      random: () => 0.5,
      onTapeWritten: written.add,
    });
    await collector.start();
    const desk = new Desk({ folder, child, store, collector, written, rowWaits, losses });
    // Subscriptions come one after another; the market is quiet when no series is waited for any more, or for long.
    for (let n = 0; n < 40; n++) {
      await sleep(systemClock, 500);
      if (n > 8 && collector.status().series.every(({ state }) => state !== 'waiting')) break;
    }
    return desk;
  }

  async prepare(): Promise<void> {
    this.#child.send({ kind: 'prepare' } satisfies Order);
    const { ms: took, subscriptions, frames, odd } = await answer(this.#child, 'prepared');
    if (this.#prepared) return;
    this.#prepared = true;
    const made = `${each(frames)} frames of ${subscriptions} connections are ready after ${(took / 1000).toFixed(1)} s`;
    print(`  (${made} and repeat, renumbered; those of ${odd} channels are made as they go)`);
  }

  async send(rate: number, frames: number): Promise<Round> {
    const [before, cpu] = [await this.#count(), process.cpuUsage()];
    const takenBefore = this.#collector.status().frames_total;
    const began = performance.now();
    const memory = [{ at: 0, text: await this.#memory() }];
    const look = setInterval(
      () => void this.#memory().then((text) => memory.push({ at: (performance.now() - began) / 1000, text })),
      Math.min(SELDOMEST_LOOK_MS, Math.max(1, frames / rate / MEMORY_LOOKS) * 1000),
    );
    const due = (frames / rate) * 1000;
    this.#child.send({ kind: 'send', rate, frames } satisfies Order);
    await answer(this.#child, 'sent');
    const after = await this.#count();
    const missingNow = (): number => after.sent - before.sent - (this.#collector.status().frames_total - takenBefore);
    for (let waited = 0; missingNow() > 0 && waited < 400; waited++) await sleep(systemClock, 5);
    const took = performance.now() - began;
    clearInterval(look);
    const { user, system } = process.cpuUsage(cpu);
    return {
      lateMs: took - due,
      missing: Math.max(0, missingNow()),
      ownCpu: (user + system) / 1000 / took,
      costUs: (user + system) / Math.max(1, this.#collector.status().frames_total - takenBefore),
      sendersCpu: (after.cpuMs - before.cpuMs) / took,
      memory,
    };
  }

  /** The memory while the market goes at its own pace again. */
  async rest(seconds: number): Promise<Look[]> {
    const looks: Look[] = [];
    const began = performance.now();
    for (const until = began + seconds * 1000; performance.now() < until; ) {
      await sleep(systemClock, Math.min(SELDOMEST_LOOK_MS, until - performance.now()));
      looks.push({ at: (performance.now() - began) / 1000, text: await this.#memory() });
    }
    return looks;
  }

  /** Begins to look at what disk and scheduler do; the call that it gives ends it. Sorted, ms. */
  watchDisk(): () => Promise<Record<'late' | 'write' | 'sync', Float64Array>> {
    const thread = new Worker(new URL('./bare-disk.mjs', import.meta.url));
    thread.postMessage(join(this.#folder, 'bare'));
    return async () => {
      const told = once(thread, 'message') as Promise<[Record<'late' | 'write' | 'sync', number[]>]>;
      thread.postMessage('end');
      const [{ late, write, sync }] = await told;
      await thread.terminate();
      const sorted = (times: readonly number[]): Float64Array => Float64Array.from(times).sort();
      return { late: sorted(late), write: sorted(write), sync: sorted(sync) };
    };
  }

  async #memory(): Promise<string> {
    const [row] = await this.#store.read('SELECT sum(memory_usage_bytes)::DOUBLE AS bytes FROM duckdb_memory()');
    return memoryText(Number(row?.['bytes']));
  }

  /** Why connections were lost since the last call, and how often. */
  takeLosses(): ReadonlyMap<string, number> {
    const losses = new Map(this.#losses);
    this.#losses.clear();
    return losses;
  }

  forgetTimes(): void {
    this.#rowWaits.clear();
    this.#since = Date.now();
  }

  /** Of each frame since: from its receiving to the end of the write that held it. */
  async tapeWaits(): Promise<Waits> {
    await this.#collector.flush();
    const waits = new Waits();
    const written = this.#written.lookUp();
    for await (const { segment, firstItem, items } of readTapeBatches(join(this.#folder, 'tape'))) {
      const at = written({ segment, firstItem });
      if (at === undefined || at < this.#since) continue;
      for (const item of items) if (item.kind === 'frame') waits.add(at - item.recv_time / 1000);
    }
    return waits;
  }

  /** Of each row since: from the receiving of its frame to the end of its commit. */
  rowWaits(): Waits {
    return this.#rowWaits;
  }

  /** Frames sent, taken and on the tape; rows stored, and what the tape gives in a new database. */
  async verify(): Promise<void> {
    await this.#count('end');
    await sleep(systemClock, 1_000);
    const { sent, rss } = await this.#count();
    for (let n = 0; n < 200 && this.#collector.status().frames_total < sent; n++) await sleep(systemClock, 20);
    await this.#collector.stop();
    const { frames_total: taken, tape, connections } = this.#collector.status();
    const reopened = connections.reduce((sum, { reconnects }) => sum + reconnects, 0);
    const tapeDir = join(this.#folder, 'tape');
    let onTape = 0;
    for await (const { items } of readTapeBatches(tapeDir))
      for (const item of items) if (item.kind === 'frame') onTape += 1;
    const common = { clock: systemClock, log: silentLogger, events: nowhere };
    const dataDir = join(this.#folder, 'again');
    const { store } = await openMarketStore({ dataDir, config: marketConfigSchema.parse({}).storage, ...common });
    const markets = venues.flatMap((venue) => venue.markets);
    await rebuild({ tapeDir, markets, bookIntervalMs: BOOK_INTERVAL_MS, store });
    const [held, again] = await Promise.all([rowsOf(this.#store), rowsOf(store)]);
    await store.close();
    print(
      `frames: sent ${each(sent)}, taken ${each(taken)}, on the tape ${each(onTape)}, refused by it ${tape.lost}; ` +
        `rows: stored ${each(held)}, from the tape into a new database ${each(again)}; the senders hold ${Math.round(rss / 1e6)} MB`,
    );
    for (const line of await this.#gaps()) print(`  ${line}`);
    // What was on its way over a connection that was given up is a hole in the ledger, not a loss.
    if (reopened > 0) print(`connections opened anew: ${reopened}`);
    if ((sent !== taken && reopened === 0) || taken !== onTape || held !== again) throw new Error('something was lost');
  }

  /** What the ledger says is missing or was fetched afterwards, by venue. */
  async #gaps(): Promise<string[]> {
    const rows = await this.#store.read(
      `SELECT exchange || ' ' || market AS venue, state, count(*) AS stretches,
         count(DISTINCT symbol || ' ' || stream) AS series, sum(epoch(to_time - from_time)) AS seconds,
         any_value(reason) AS reason
       FROM coverage WHERE state IN ('missing', 'backfilled') GROUP BY 1, 2 ORDER BY 1, 2`,
    );
    if (rows.length === 0) return ['gaps: none in any series of the ledger'];
    return rows.map((row) => {
      const [stretches, series, seconds] = [row['stretches'], row['series'], row['seconds']].map(Number);
      const why = typeof row['reason'] === 'string' ? `, for instance ${row['reason']}` : '';
      return `gaps, ${String(row['venue'])}: ${stretches} ${String(row['state'])} in ${series} series, ${(seconds ?? 0).toFixed(1)} s of the market's time${why}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#collector.stop();
    await this.#store.close();
    await new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.kill();
    });
  }

  #count(kind: 'count' | 'end' = 'count'): Promise<Extract<Told, { kind: 'count' }>> {
    this.#child.send({ kind } satisfies Order);
    return answer(this.#child, 'count');
  }
}

async function rowsOf(store: MarketStore): Promise<number> {
  return (await store.stats()).reduce((sum, { rows }) => sum + rows, 0);
}

function answer<K extends Told['kind']>(child: ReturnType<typeof fork>, kind: K): Promise<Extract<Told, { kind: K }>> {
  return new Promise((resolve) => {
    const listen = (word: Told): void => {
      if (word.kind !== kind) return;
      child.off('message', listen);
      resolve(word as Extract<Told, { kind: K }>);
    };
    child.on('message', listen);
  });
}

/** Takes events and keeps why connections were lost. */
function countingLosses(losses: Map<string, number>): EventSink {
  return {
    emit: (type, data) => {
      if ((type === 'streaming.stopped' || type === 'streaming.error') && 'reason' in data && 'exchange' in data) {
        const reason = `${type} ${data.exchange}: ${data.reason}`;
        losses.set(reason, (losses.get(reason) ?? 0) + 1);
      }
      return nowhere.emit(type, data);
    },
  };
}

/** The store, with the time from receiving to commit of each row that it takes. */
function timed(store: MarketStore, waits: Waits): MarketStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'ingest')
        return async (...given: Parameters<MarketStore['ingest']>) => {
          const result = await target.ingest(...given);
          const at = Date.now();
          for (const { recv_time } of given[0] satisfies readonly StoredRecord[]) waits.add(at - recv_time / 1000);
          return result;
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The value below which this share of the sorted values lies. */
function ms(sorted: Float64Array, share: number, digits = 0): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(digits);
}

function each(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
