import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/infra/clock.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { Pipeline } from '../src/market/collect/pipeline.ts';
import { rebuild } from '../src/market/collect/replay.ts';
import { readTapeBatches } from '../src/market/collect/tape/reader.ts';
import { TapeWriter } from '../src/market/collect/tape/writer.ts';
import { marketConfigSchema } from '../src/market/config.ts';
import { DEFAULT_SYMBOLS } from '../src/market/domain/instrument.ts';
import { venues } from '../src/market/exchanges/catalogue.generated.ts';
import type { StoredRecord } from '../src/market/domain/records.ts';
import type { VenueMarket } from '../src/market/exchanges/contract.ts';
import { Staging, type SeriesRef } from '../src/market/store/batch.ts';
import { ColumnMemory } from '../src/market/store/column-memory.ts';
import { seriesSeeds } from '../src/market/store/identity.ts';
import { openMarketStore } from '../src/market/store/open.ts';
import { tables } from '../src/market/store/tables/catalogue.generated.ts';
import type { TableDefinition } from '../src/market/store/tables/contract.ts';
import { nowhere } from './nowhere.ts';

/** So many that what a run costs once, such as compiling, is a small part of it. */
const FRAMES = 3_000_000;
const ROUNDS = 3;
const START = Date.UTC(2026, 0, 2, 8);
const KINDS = ['trades', 'prices', 'both'] as const;
type Kind = (typeof KINDS)[number];
/** Rows that are staged together, about as many as a replay commits at once. */
const STAGED_ROWS = 70_000;

/**
 * Tapes of Binance spot frames of nine symbols (aggregate trades, best prices, both in turn) read, read and decoded,
 * these and staged, and all of it with the rows stored in a new database: what each step adds in processor time of all
 * threads, and rows a second.
 */
export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'crew-bench-'));
  const market = venues.flatMap((venue) => venue.markets).find((m) => m.exchange === 'binance' && m.market === 'spot');
  if (market === undefined) throw new Error('no Binance spot');
  try {
    for (const kind of KINDS) await record(join(folder, kind), market, kind);
    for (let round = 1; round <= ROUNDS; round++) {
      for (const kind of KINDS) await measureKind(`${round} ${kind}`, join(folder, kind), market);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureKind(name: string, tapeDir: string, market: VenueMarket): Promise<void> {
  const options = { markets: [market], bookIntervalMs: 100 };
  const read = await measure(() => readAll(tapeDir, () => undefined));
  const decoded = await measure(async () => {
    let rows = 0;
    const pipeline = new Pipeline({ ...options, sink: () => rows++ });
    await readAll(tapeDir, (item) => pipeline.process(item));
    return rows;
  });
  const staged = await measure(async () => {
    const stages = new Stages();
    const pipeline = new Pipeline({ ...options, sink: (row) => stages.take(row) });
    await readAll(tapeDir, (item) => pipeline.process(item));
    return stages.rows;
  });
  const dataDir = `${tapeDir} database`;
  const all = await measure(async () => {
    const common = { clock: systemClock, log: silentLogger, events: nowhere };
    const { store } = await openMarketStore({ dataDir, config: marketConfigSchema.parse({}).storage, ...common });
    const { stored } = await rebuild({ ...options, tapeDir, store });
    await store.close();
    if (stored !== FRAMES) throw new Error(`${stored} rows of ${FRAMES} stored`);
    return stored;
  });
  await rm(dataDir, { recursive: true, force: true });
  const us = (of: Measured, before?: Measured): string => (of.cpuUs - (before?.cpuUs ?? 0)).toFixed(2);
  const rates = `${each(1e6 / all.cpuUs)} rows a second of processor time, ${each(1e6 / all.wallUs)} by the clock`;
  process.stdout.write(
    `${name.padEnd(9)} µs a row: unpacked ${us(read)}, decoded ${us(decoded, read)}, staged ${us(staged, decoded)}, ` +
      `stored ${us(all, staged)}, together ${us(all)}; ${rates}\n`,
  );
}

interface Stage {
  staging: Staging;
  readonly series: Map<string, SeriesRef>;
}

/** Rows staged as a replay does, and let go. */
class Stages {
  rows = 0;
  readonly #stages = new Map<string, Stage>();
  readonly #memory = new ColumnMemory();

  take(row: StoredRecord): void {
    let stage = this.#stages.get(row.stream);
    if (stage === undefined) {
      stage = { staging: this.#staging(row.stream), series: new Map<string, SeriesRef>() };
      this.#stages.set(row.stream, stage);
    }
    let series = stage.series.get(row.symbol);
    if (series === undefined) {
      series = { id: stage.series.size, seeds: seriesSeeds(row) };
      stage.series.set(row.symbol, series);
    }
    stage.staging.take(row, series);
    this.rows += 1;
    if (stage.staging.rows < STAGED_ROWS) return;
    const memory = new Set(stage.staging.finish().offer.columns.map(({ values }) => memoryOf(values)));
    for (const one of memory) if (one !== null) this.#memory.give(one);
    stage.staging = this.#staging(row.stream);
  }

  #staging(stream: string): Staging {
    return new Staging(tableOf(stream), STAGED_ROWS, this.#memory);
  }
}

function memoryOf(values: object): ArrayBuffer | null {
  return values instanceof Float64Array && values.buffer instanceof ArrayBuffer ? values.buffer : null;
}

function tableOf(stream: string): TableDefinition {
  const table = tables.find((one) => one.stream === stream);
  if (table === undefined) throw new Error(`no table of ${stream}`);
  return table;
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

async function record(folder: string, { exchange, market }: VenueMarket, kind: Kind): Promise<void> {
  const day = 86_400_000;
  const limits = { segmentBytes: 256 * 1024 * 1024, segmentMs: day, flushMs: 200 };
  await using tape = await TapeWriter.open({ folder, clock: systemClock, log: silentLogger, ...limits });
  const base = { exchange, market, connection: `${exchange}_${market}#1` };
  tape.append({ ...base, kind: 'connected', recv_time: START * 1000, url: 'ws://127.0.0.1' });
  for (let n = 0; n < FRAMES; n++) {
    tape.append({ ...base, kind: 'frame', recv_time: START * 1000 + n * 20, bytes: Buffer.from(frame(n, kind)) });
    if (n % 20_000 === 0) await tape.flush();
  }
}

function frame(n: number, kind: Kind): string {
  const turn = kind === 'both' ? Math.floor(n / 2) : n;
  const isTrade = kind === 'both' ? n % 2 === 0 : kind === 'trades';
  const symbol = DEFAULT_SYMBOLS[turn % DEFAULT_SYMBOLS.length] ?? 'BTCUSDT';
  const stream = symbol.toLowerCase();
  const at = START + Math.floor(n / 50);
  const price = (60_000 + (n % 1000) / 10).toFixed(2);
  const id = 4_000_000_000 + Math.floor(turn / DEFAULT_SYMBOLS.length);
  return isTrade
    ? `{"stream":"${stream}@aggTrade","data":{"e":"aggTrade","E":${at},"s":"${symbol}","a":${id},"p":"${price}","q":"0.01200000","f":${n},"l":${n},"T":${at},"m":true,"M":true}}`
    : `{"stream":"${stream}@bookTicker","data":{"u":${100_000 + n},"s":"${symbol}","b":"${price}","B":"1.25000000","a":"${price}","A":"0.75000000"}}`;
}

interface Measured {
  readonly cpuUs: number;
  readonly wallUs: number;
}

/** Processor time of all threads and time by the clock, µs a row. */
async function measure(work: () => Promise<number>): Promise<Measured> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  const rows = await work();
  const wallUs = ((performance.now() - started) * 1000) / rows;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuUs: (user + system) / rows, wallUs };
}

function each(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}
