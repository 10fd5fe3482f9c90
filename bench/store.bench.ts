import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/infra/clock.ts';
import { Database } from '../src/infra/duckdb/database.ts';
import type { EventSink } from '../src/kit/event.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { marketConfigSchema } from '../src/market/config.ts';
import { rowOf } from '../src/market/domain/columns.ts';
import type { OrderBookRecord, PriceRecord, StoredRecord, TradeRecord } from '../src/market/domain/records.ts';
import { openMarketStore } from '../src/market/store/open.ts';

const START = Date.UTC(2026, 0, 2) * 1000;
const SYMBOLS = 28;
const noEvents: EventSink = {
  emit: (type, data) => ({ id: '', seq: 0, type, time: 0, source: '', priority: 5, correlation_id: null, data }),
};

/**
 * Rows a second into the store: DuckDB's row appender called here, the same rows through the worker as arrays and as
 * moved memory, and the whole ingest (ids, doubles dropped against what is held, position, one transaction).
 */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'crew-bench-'));
  try {
    await ingests(folder);
    await appenders(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function appenders(folder: string): Promise<void> {
  const db = await Database.open({ path: join(folder, 'append.duckdb'), memoryMb: 128 });
  await db.run(`CREATE TABLE trades (event_time TIMESTAMP, recv_time TIMESTAMP, seq BIGINT, price DOUBLE,
    quantity DOUBLE, quote_value DOUBLE, trade_id VARCHAR)`);
  await db.run(`CREATE TABLE numbers (event_time DOUBLE, recv_time DOUBLE, seq DOUBLE, price DOUBLE,
    quantity DOUBLE, quote_value DOUBLE, trade_id VARCHAR)`);
  const rows = 100_000;
  const ids = Array.from({ length: rows }, (_, i) => String(4_000_000_000 + i));
  const column = (k: number): number[] =>
    Array.from({ length: rows }, (_, i) => (k < 2 ? START + i : 60_000 + ((i * k) % 977)));
  const lists = Array.from({ length: 6 }, (_, k) => column(k));
  await measure('append 7 columns as plain arrays', rows, () =>
    db.append({ table: 'trades', rows, columns: [...lists, ids] }),
  );
  const names = ['event_time', 'recv_time', 'seq', 'price', 'quantity', 'quote_value'];
  await measure('insert 7 columns offered as memory', rows, () =>
    db.transaction([
      {
        offer: {
          name: 'numbers',
          rows,
          columns: [
            ...names.map((name, i) => ({ name, type: 'double', values: Float64Array.from(lists[i] ?? []) }) as const),
            { name: 'trade_id', type: 'varchar', values: ids },
          ],
        },
      },
      { sql: "INSERT INTO numbers SELECT * FROM offered('numbers')" },
    ]),
  );
  await db.close();
}

async function ingests(folder: string): Promise<void> {
  const { store } = await openMarketStore({
    dataDir: join(folder, 'data'),
    config: marketConfigSchema.parse({}).storage,
    clock: systemClock,
    log: silentLogger,
    events: noEvents,
  });
  let next = 0;
  const batch = (make: (i: number) => StoredRecord, size: number): StoredRecord[] =>
    Array.from({ length: size }, () => make(next++));
  const mixed = (): StoredRecord[] => [...batch(trade, 2000), ...batch(price, 2000), ...batch(book, 300)];
  memory('store open');
  await measure('ingest a mixed flush of 4,300', 4300, async () => {
    await store.ingest(mixed(), { segment: 0, item: next });
  });
  memory('after the mixed flushes');
  const books = batch(book, 10_000);
  await measure('decide columns of trades alone', 100_000, async () => {
    batch(trade, 100_000).forEach(rowOf);
  });
  for (const [name, make, size] of [
    ['trades', trade, 100_000],
    ['trades', trade, 5000],
    ['prices', price, 100_000],
    ['order books (46 columns)', book, 10_000],
  ] as const) {
    await measure(`ingest ${name}, ${size} a flush`, size, async () => {
      await store.ingest(batch(make, size), null);
    });
  }
  await measure('ingest order books that are held already', books.length, async () => {
    await store.ingest(books, null);
  });
  await measure('newest trade of every series', 1, () => store.latest('trades'));
  await measure('statistics of every table', 1, () => store.stats());
  memory('at the end');
  await store.close();
}

function base(i: number) {
  return {
    exchange: 'binance',
    market: 'futures',
    symbol: `S${i % SYMBOLS}USDT`,
    seq: i,
    origin: 'live',
    event_time: START + i * 50,
    recv_time: START + i * 50 + 3000,
  } as const;
}

function trade(i: number): TradeRecord {
  return {
    ...base(i),
    stream: 'trades',
    trade_id: String(i),
    price: 60_000 + (i % 977),
    quantity: (i % 31) / 10,
    side: i % 2 ? 'buy' : 'sell',
  };
}

function price(i: number): PriceRecord {
  return {
    ...base(i),
    stream: 'prices',
    bid_price: 60_000 + (i % 977),
    ask_price: 60_001 + (i % 977),
    bid_qty: i % 7,
    ask_qty: i % 11,
    last_price: null,
  };
}

function book(i: number): OrderBookRecord {
  const levels = (from: number, step: number): [number, number][] =>
    Array.from({ length: 10 }, (_, k) => [from + (i % 977) + k * step, ((i + k) % 17) / 4]);
  return {
    ...base(i),
    stream: 'orderbooks',
    bids: levels(60_000, -1),
    asks: levels(60_001, 1),
    total_bid_depth: 20,
    total_ask_depth: 21,
  };
}

/** Medians of seven runs after one that warms up: by the clock, and processor time of all threads. */
async function measure(name: string, units: number, work: () => Promise<unknown>): Promise<void> {
  const walls: number[] = [];
  const costs: number[] = [];
  for (let i = 0; i < 8; i++) {
    const start = performance.now();
    const used = process.cpuUsage();
    await work();
    const cost = process.cpuUsage(used);
    if (i === 0) continue;
    walls.push(performance.now() - start);
    costs.push((cost.user + cost.system) / units);
  }
  const [wall, cost] = [median(walls), median(costs)];
  const rate = units > 1 ? `${Math.round((units / wall) * 1000).toLocaleString('en')} rows/s` : '';
  process.stdout.write(
    `${name.padEnd(44)} ${wall.toFixed(1).padStart(8)} ms ${cost.toFixed(2).padStart(10)} µs CPU each ${rate.padStart(16)}\n`,
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function memory(when: string): void {
  process.stdout.write(`${when.padEnd(44)} ${(process.memoryUsage().rss / 1e6).toFixed(0).padStart(8)} MB resident\n`);
}
