import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import binance from '../src/market/exchanges/binance/index.ts';
import bybit from '../src/market/exchanges/bybit/index.ts';
import { BookSet } from '../src/market/collect/books.ts';
import type { MarketRecord } from '../src/market/domain/records.ts';
import type { ByteRange } from '../src/market/domain/tape.ts';
import type { VenueMarket } from '../src/market/exchanges/contract.ts';
import { decodeBytes } from '../src/market/exchanges/shared/fast/reader.ts';

/** Recorded frames lie beside the repository; `npm run bench` runs in its root. */
const DATA = resolve(process.cwd(), '../shared/data');
const RECEIVED = 1_790_000_000_000_000;
const ROUNDS = 7;
const FRAMES_A_READ = 64;
const GENERATED = 60_000;
const TARDIS = 'tardis-dev@13.35.3';

interface Feed {
  readonly name: string;
  readonly market: VenueMarket;
  readonly frames: readonly string[];
  /** The exchange's name at tardis. */
  readonly tardis: string;
}

/** What a mapper of tardis-dev is, as far as it is used here. */
interface Mapper {
  canHandle(message: unknown): boolean;
  map(message: unknown, localTimestamp: Date): Iterable<unknown> | undefined;
}
type MapperFactory = (exchange: string, localTimestamp: Date) => Mapper;

/**
 * Frames decoded per second of processor time, generated and recorded: from bytes (as ranges of memory, which the tape's
 * reader gives, and as the Buffers of a socket), with the books applied by their sequence rule, and from text; beside `JSON.parse` alone and, where its package can be installed into a temporary
 * folder, beside the mappers of tardis-dev doing the same work. Best of 7 rounds each, taken in turn.
 */
export async function run(): Promise<void> {
  const factories = await tardisMappers();
  for (const feed of feeds()) measure(feed, factories);
}

function measure(feed: Feed, factories: readonly MapperFactory[]): void {
  const { frames, market } = feed;
  let parsed = 0;
  let records = 0;
  let mapped = 0;
  const best = { parse: 0, text: 0, bytes: 0, views: 0, books: 0, tardis: 0 };
  const views = asRead(frames);
  const ranges = views.map(rangeOf);
  for (let round = 0; round < ROUNDS; round++) {
    best.parse = Math.max(
      best.parse,
      rate(frames, (frame) => {
        if (JSON.parse(frame) !== null) parsed++;
      }),
    );
    records = 0;
    const decoder = market.createDecoder({ instruments: [] });
    const sink = (): void => {
      records++;
    };
    best.bytes = Math.max(
      best.bytes,
      rate(ranges, (frame) => void decodeBytes(decoder, frame, RECEIVED, sink)),
    );
    best.views = Math.max(
      best.views,
      rate(views, (frame) => void decodeBytes(decoder, frame, RECEIVED, () => undefined)),
    );
    best.text = Math.max(
      best.text,
      rate(frames, (frame) => void decoder.frame(frame, RECEIVED, () => undefined)),
    );
    best.books = Math.max(best.books, applied(market, ranges));
    if (factories.length === 0) continue;
    mapped = 0;
    const now = new Date(RECEIVED / 1000);
    const mappers = factories.flatMap((make) => supported(make, feed.tardis, now));
    best.tardis = Math.max(
      best.tardis,
      rate(frames, (frame) => (mapped += mapAll(mappers, JSON.parse(frame), now))),
    );
  }
  if (parsed === 0) throw new Error('nothing was parsed');
  print(
    `${feed.name}: ${frames.length} frames, ${records} records; from bytes ${thousands(best.bytes)} frames/s ` +
      `(${thousands(best.views)} as Buffers), ` +
      `with books applied ${thousands(best.books)}, from text ${thousands(best.text)}, ` +
      `JSON.parse alone ${thousands(best.parse)}` +
      (factories.length === 0 ? '' : `, tardis-dev ${thousands(best.tardis)} (${mapped} records)`),
  );
}

/** Decodes, judges by the sequence rule and applies. Throws when a book does not end valid. */
function applied(market: VenueMarket, frames: readonly ByteRange[]): number {
  const decoder = market.createDecoder({ instruments: [] });
  const books = new BookSet({ rule: market.book, polled: false, onProblem: () => undefined });
  const sink = (record: MarketRecord): void => {
    if (record.stream === 'book') books.apply(record);
  };
  const speed = rate(frames, (frame) => void decodeBytes(decoder, frame, RECEIVED, sink));
  if (market.exchange === 'binance' && [...books.all()].some(({ state }) => state !== 'valid')) {
    throw new Error('a book is not valid at the end');
  }
  return speed;
}

/** Where a frame lies, as the tape's reader has it: the memory of a Buffer takes a call out of JavaScript to ask for. */
function rangeOf({ buffer, byteOffset, byteLength }: Uint8Array): ByteRange {
  return { buffer, byteOffset, byteLength };
}

/** The frames as a socket's reads bring them: many in one piece of memory. */
function asRead(frames: readonly string[]): Uint8Array[] {
  const given: Uint8Array[] = [];
  for (let from = 0; from < frames.length; from += FRAMES_A_READ) {
    const part = frames.slice(from, from + FRAMES_A_READ);
    const memory = Buffer.from(new TextEncoder().encode(part.join('')).buffer);
    let at = 0;
    for (const frame of part) {
      const end = at + Buffer.byteLength(frame);
      given.push(memory.subarray(at, end));
      at = end;
    }
  }
  return given;
}

/** A mapper; none where the exchange has nothing of its kind (spot has no funding). */
function supported(make: MapperFactory, exchange: string, now: Date): Mapper[] {
  try {
    return [make(exchange, now)];
  } catch (error) {
    if (error instanceof Error && error.message.includes('not supported')) return [];
    throw error;
  }
}

function mapAll(mappers: readonly Mapper[], message: unknown, now: Date): number {
  let given = 0;
  for (const mapper of mappers) {
    if (!mapper.canHandle(message)) continue;
    for (const record of mapper.map(message, now) ?? []) if (record !== undefined) given++;
  }
  return given;
}

/** Frames a second of processor time of the whole process, so that other work on the machine does not count. */
function rate<F>(frames: readonly F[], use: (frame: F) => void): number {
  const begun = process.cpuUsage();
  for (const frame of frames) use(frame);
  const { user, system } = process.cpuUsage(begun);
  return frames.length / ((user + system) / 1e6);
}

function feeds(): Feed[] {
  const market = (key: string): VenueMarket => {
    const found = [...binance.markets, ...bybit.markets].find((one) => `${one.exchange}_${one.market}` === key);
    if (found === undefined) throw new Error(`no market ${key}`);
    return found;
  };
  const generated: Feed[] = [
    {
      name: 'Binance USD-M depth, 10 levels a side, generated',
      market: market('binance_futures'),
      tardis: 'binance-futures',
      frames: [depthSnapshot(), ...Array.from({ length: GENERATED }, (_, n) => depthFrame(n, 10))],
    },
    {
      name: 'Binance USD-M depth, 20 levels a side, generated',
      market: market('binance_futures'),
      tardis: 'binance-futures',
      frames: [depthSnapshot(), ...Array.from({ length: GENERATED / 2 }, (_, n) => depthFrame(n, 20))],
    },
    {
      name: 'Binance USD-M aggTrade, generated',
      market: market('binance_futures'),
      tardis: 'binance-futures',
      frames: Array.from({ length: 2 * GENERATED }, (_, n) => tradeFrame(n)),
    },
  ];
  if (!existsSync(join(DATA, 'ws_hftbacktest'))) {
    print(`no recorded frames at ${DATA}: generated ones alone`);
    return generated;
  }
  return [
    ...generated,
    {
      name: 'Binance USD-M BTCUSDT, 5.75 min (hftbacktest)',
      market: market('binance_futures'),
      tardis: 'binance-futures',
      frames: recorded('usdm_btcusdt_20240808.gz'),
    },
    {
      name: 'Binance spot BTCUSDT, 5.75 min (hftbacktest)',
      market: market('binance_spot'),
      tardis: 'binance',
      frames: recorded('spot_btcusdt_20240808.gz'),
    },
    {
      name: 'Bybit v5, the recorded frames of the tardis tests 4,000 times over',
      market: market('bybit_futures'),
      tardis: 'bybit',
      frames: repeated(bybitFrames(), 4000),
    },
  ];
}

const FIRST_ID = 5_123_107_832_000;
const FIRST_MS = 1_780_000_000_000;

function depthSnapshot(): string {
  return `{"stream":"btcusdt@depthSnapshot","generated":true,"data":{"lastUpdateId":${FIRST_ID},"bids":[["60000.00","1"]],"asks":[["62000.00","1"]]}}`;
}

function depthFrame(n: number, levels: number): string {
  const side = (from: number, step: number): string =>
    Array.from({ length: levels }, (_, k) => {
      const price = from + step * (k + ((n * 7) % 13)) * 0.1;
      return `["${price.toFixed(2)}","${(((n * 31 + k * 17) % 9999) / 1000).toFixed(3)}"]`;
    }).join();
  const last = FIRST_ID + n * 10;
  const ids = `"U":${last + 1},"u":${last + 10},"pu":${last}`;
  return `{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":${FIRST_MS + n},"T":${FIRST_MS + n},"s":"BTCUSDT",${ids},"b":[${side(61_000, -1)}],"a":[${side(61_001, 1)}]}}`;
}

function tradeFrame(n: number): string {
  const value = `"p":"${(61_000 + (n % 100) / 10).toFixed(2)}","q":"0.${100 + (n % 899)}"`;
  return `{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":${FIRST_MS + n},"a":${2_345_678_901 + n},"s":"BTCUSDT",${value},"f":${5_266_583_935 + n},"l":${5_266_583_935 + n},"T":${FIRST_MS + n},"m":${n % 2 === 0}}}`;
}

/** Frames of a full feed; its REST snapshot is put where both decoders take it, into the stream. */
function recorded(file: string): string[] {
  const lines = gunzipSync(readFileSync(join(DATA, 'ws_hftbacktest', file)))
    .toString('utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const frame = line.slice(line.indexOf('{'));
    return frame.startsWith('{"lastUpdateId"')
      ? `{"stream":"btcusdt@depthSnapshot","generated":true,"data":${frame}}`
      : frame;
  });
}

function bybitFrames(): string[] {
  const file: unknown = JSON.parse(readFileSync(join(DATA, 'oracle_tardis_mappers', 'bybit.json'), 'utf8'));
  const { records } = file as { records: { message: { topic?: string } }[] };
  return records
    .filter(({ message }) => /^(publicTrade|orderbook|tickers|allLiquidation)\./.test(message.topic ?? ''))
    .map(({ message }) => JSON.stringify(message));
}

function repeated(frames: readonly string[], times: number): string[] {
  return Array.from({ length: times }, () => frames).flat();
}

/** The mappers of trades, books, best prices, tickers and liquidations; none where the package cannot be had. */
async function tardisMappers(): Promise<readonly MapperFactory[]> {
  const folder = mkdtempSync(join(tmpdir(), 'crew-bench-tardis-'));
  try {
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent', '--prefix', folder];
    execFileSync('npm', ['install', TARDIS, ...options], { timeout: 120_000, stdio: 'ignore' });
    const entry = pathToFileURL(join(folder, 'node_modules', 'tardis-dev', 'dist', 'index.js')).href;
    const loaded = (await import(entry)) as Record<string, MapperFactory | undefined>;
    const names = ['Trades', 'BookChanges', 'BookTickers', 'DerivativeTickers', 'Liquidations'];
    return names.flatMap((name) => loaded[`normalize${name}`] ?? []);
  } catch {
    print(`${TARDIS} could not be installed: measured without it`);
    return [];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
