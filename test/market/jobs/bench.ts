import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpsStore, openOpsDatabase } from '../../../src/events/index.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { NotFound, Stale, Unavailable } from '../../../src/kit/errors.ts';
import type { AnyEvent, EventSink } from '../../../src/kit/event.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import type {
  BackfillResult,
  Collector,
  CollectorStatus,
  ConnectionStatus,
  SeriesStatus,
} from '../../../src/market/collect/contract.ts';
import { createVenueRest } from '../../../src/market/collect/venue-rest.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { viewName, type SeriesKey, type StoredRecord, type Stream } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { DeskSettings } from '../../../src/market/jobs/desk-settings.ts';
import { StreamForecasts } from '../../../src/market/jobs/forecasts/stream-forecasts.ts';
import { simulatedAddresses, simulatedHttp } from './simulated-http.ts';
import type { MarketServices } from '../../../src/market/services.ts';
import { openMarketStore } from '../../../src/market/store/open.ts';

export const START = Date.UTC(2026, 0, 5, 12, 0, 0);
const SECOND = 1_000_000;
export const FROM = (START - 600_000) * 1000;

/** A collector whose state a test writes. */
export class ScriptedCollector implements Collector {
  series: SeriesStatus[] = [];
  connections: ConnectionStatus[] = [];
  rateLimits: CollectorStatus['rate_limits'] = [];
  calls: string[] = [];
  done: BackfillResult[] = [];
  missing: BackfillResult['missing'] = [];
  backfillError: Error | undefined;
  onBackfill: ((key: SeriesKey, from: number, to: number) => Promise<number>) | undefined;
  bookValid = true;
  disabled: string[] = [];

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async flush(): Promise<void> {
    this.calls.push('flush');
  }
  status(): CollectorStatus {
    return {
      source: 'sim',
      running: true,
      started_at: START - 600_000,
      first_connected_at: START - 600_000,
      connections: this.connections,
      series: this.series,
      disabled: this.disabled,
      not_trading: [],
      records_stored: 1000,
      records_per_minute: 9000,
      frames_total: 5000,
      frames_rejected: 1,
      tape: { bytes: 1000, segments: 1, unflushed: 0, error: null, lost: 0 },
      store_lag_ms: 10,
      store_error: null,
      rate_limits: this.rateLimits,
    };
  }
  instruments() {
    return [];
  }
  pruneTape(): Promise<never> {
    return Promise.reject(new Unavailable('this collector has no tape'));
  }
  async reconnect(exchange: string, market: string | undefined, reason: string) {
    this.calls.push(`reconnect ${exchange} ${String(market)} ${reason}`);
    return [`${exchange}#1`];
  }
  async startStream(key: SeriesKey) {
    this.calls.push(`start ${viewName(key)}`);
    this.#setState(key, 'live');
  }
  async stopStream(key: SeriesKey) {
    this.calls.push(`stop ${viewName(key)}`);
    this.#setState(key, 'stopped');
  }
  async setMode(exchange: string, market: string, mode: string) {
    this.calls.push(`mode ${exchange} ${market} ${mode}`);
  }
  async setEnabled(exchange: string, market: string, enabled: boolean) {
    this.calls.push(`${enabled ? 'enable' : 'disable'} ${exchange}_${market}`);
    this.disabled = this.disabled.filter((key) => key !== `${exchange}_${market}`);
    if (!enabled) this.disabled.push(`${exchange}_${market}`);
  }
  setPolling(exchange: string, market: string, stream: string, everyMs: number) {
    this.calls.push(`poll ${exchange} ${market} ${stream} ${everyMs}`);
  }
  async backfill(series: SeriesKey, from: number, to: number): Promise<BackfillResult> {
    this.calls.push(`backfill ${viewName(series)}`);
    if (this.backfillError !== undefined) throw this.backfillError;
    const stored = (await this.onBackfill?.(series, from, to)) ?? 0;
    const result: BackfillResult = {
      id: `b${this.done.length + 1}`,
      series,
      from,
      to,
      requests: 1,
      records: stored,
      stored,
      missing: this.missing,
      status: 'done',
      error: null,
    };
    this.done.push(result);
    return result;
  }
  backfills() {
    return this.done;
  }
  book(exchange: string, market: 'futures' | 'spot' | 'oracle', symbol: string) {
    if (symbol !== 'BTCUSDT') throw new NotFound(`no book of ${symbol}`);
    if (!this.bookValid) throw new Stale('the book is being rebuilt');
    const bids = [
      [99.5, 1],
      [99, 2],
      [98.5, 3],
    ] as const;
    const asks = [
      [100.5, 1],
      [101, 2],
      [101.5, 3],
    ] as const;
    return { exchange, market, symbol, event_time: START * 1000, seq: 7, bids, asks };
  }
  async [Symbol.asyncDispose]() {}

  #setState(key: SeriesKey, state: SeriesStatus['state']) {
    this.series = this.series.map((s) => (viewName(s) === viewName(key) ? { ...s, state } : s));
  }
}

export class RecordedEvents implements EventSink {
  readonly all: AnyEvent[] = [];
  readonly #handlers = new Set<(event: AnyEvent) => void>();
  emit(type: never, data: never, options?: { source?: string; priority?: number; correlationId?: string }): never {
    const event = {
      id: `e${this.all.length}`,
      seq: this.all.length + 1,
      type,
      time: START,
      source: options?.source ?? 'test',
      priority: options?.priority ?? 5,
      correlation_id: options?.correlationId ?? null,
      data,
    } as never as AnyEvent;
    this.all.push(event);
    for (const handler of this.#handlers) handler(event);
    return event as never;
  }
  on(_name: '*', handler: (event: AnyEvent) => void) {
    this.#handlers.add(handler);
  }
  off(_name: '*', handler: (event: AnyEvent) => void) {
    this.#handlers.delete(handler);
  }
  of(type: string): readonly AnyEvent[] {
    return this.all.filter((e) => e.type === type);
  }
}

export interface Bench extends AsyncDisposable {
  readonly services: MarketServices;
  readonly collector: ScriptedCollector;
  readonly events: RecordedEvents;
  readonly clock: ManualClock;
}

/** The real market store and operations database in a folder of their own, on a manual clock, with a scripted collector. */
export async function openBench(rules: Record<string, unknown> = {}): Promise<Bench> {
  const dataDir = await mkdtemp(join(tmpdir(), 'bench-'));
  const clock = new ManualClock(START);
  const events = new RecordedEvents();
  const configured = marketConfigSchema.parse(rules);
  const { store } = await openMarketStore({ dataDir, config: configured.storage, clock, log: silentLogger, events });
  const { db } = await openOpsDatabase({ dataDir, clock, log: silentLogger });
  const collector = new ScriptedCollector();
  const ops = createOpsStore(db, clock);
  const settings = await DeskSettings.open(ops, configured);
  const config = settings.inForce(configured);
  const http = simulatedHttp(clock);
  const rest = createVenueRest({ venues, config, addresses: simulatedAddresses(), http, events, clock });
  return {
    services: {
      collector,
      rest,
      store,
      ops,
      events,
      clock,
      log: silentLogger,
      venues,
      config,
      settings,
      forecasts: new StreamForecasts({ store, collector, events, log: silentLogger, config }, clock),
      channels: [],
    },
    collector,
    events,
    clock,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await db.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export function keyOf(stream: Stream, exchange = 'binance', symbol = 'BTCUSDT'): SeriesKey {
  return { exchange, market: 'futures', symbol, stream };
}

export function connection(exchange: string, change: Partial<ConnectionStatus> = {}): ConnectionStatus {
  return {
    id: `${exchange}_futures#1`,
    exchange,
    market: 'futures',
    url: `wss://${exchange}.example`,
    state: 'connected',
    connected_at: START - 600_000,
    last_frame_at: START - 500,
    frames: 100,
    rejected: 0,
    reconnects: 0,
    latency_ms: 20,
    last_error: null,
    next_attempt_at: null,
    mode: 'websocket',
    ...change,
  };
}

export function status(key: SeriesKey, change: Partial<SeriesStatus> = {}): SeriesStatus {
  return {
    ...key,
    listed_as: null,
    table: viewName(key),
    state: 'live',
    rows: 1,
    last_event_time: START * 1000,
    last_received_at: START,
    stale_after_ms: 5000,
    gaps: 0,
    ...change,
  };
}

const base = (stream: Stream, exchange: string, at: number) => ({
  exchange,
  market: 'futures' as const,
  symbol: 'BTCUSDT',
  stream,
  event_time: at,
  recv_time: at + 20_000,
  seq: null,
  origin: 'live' as const,
});

/** One trade a second at 100 and its candles, quotes, marks, funding, open interest and books, for ten minutes. */
export function ordinaryMarket(exchange: string, price = 100): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let i = 0; i < 600; i++) {
    const at = FROM + i * SECOND;
    const p = price * (1 + 0.001 * Math.sin(i / 20));
    records.push({
      ...base('trades', exchange, at),
      stream: 'trades',
      trade_id: String(i + 1),
      price: p,
      quantity: 2,
      side: 'buy',
    });
    records.push(quote(exchange, at, p));
    if (i % 3 === 0) records.push(mark(exchange, at, p));
    if (i % 10 === 0) {
      records.push({
        ...base('open_interest', exchange, at),
        stream: 'open_interest',
        open_interest: 1000 + (i % 7),
        open_interest_usd: null,
      });
    }
    if (i % 60 === 0) records.push(candle(exchange, at, p));
  }
  records.push({
    ...base('funding_rates', exchange, FROM),
    stream: 'funding_rates',
    funding_rate: 0.0001,
    funding_interval_hours: 8,
    next_funding_time: null,
  });
  return records;
}

export function quote(exchange: string, at: number, price: number): StoredRecord {
  return {
    ...base('prices', exchange, at),
    stream: 'prices',
    bid_price: price - 0.01,
    ask_price: price + 0.01,
    bid_qty: 1,
    ask_qty: 1,
    last_price: null,
  };
}

export function mark(exchange: string, at: number, price: number): StoredRecord {
  return {
    ...base('mark_prices', exchange, at),
    stream: 'mark_prices',
    mark_price: price,
    index_price: price,
    funding_rate: 0.0001,
    funding_interval_hours: 8,
  };
}

export function candle(exchange: string, openTime: number, price: number, volume = 120): StoredRecord {
  return {
    ...base('candles', exchange, openTime + 60 * SECOND),
    stream: 'candles',
    interval: '1m',
    open_time: openTime,
    close_time: openTime + 60 * SECOND,
    open: price,
    high: price * 1.01,
    low: price * 0.99,
    close: price,
    volume,
    quote_volume: volume * price,
    trade_count: 60,
    taker_buy_volume: volume,
    taker_buy_quote: volume * price,
    closed: true,
  };
}

/** Two venues with an ordinary market, all series known and live. */
export async function fillBench(bench: Bench): Promise<void> {
  const streams: readonly Stream[] = ['trades', 'prices', 'mark_prices', 'open_interest', 'candles', 'funding_rates'];
  for (const exchange of ['binance', 'bybit']) {
    await bench.services.store.ensureSeries(streams.map((s) => keyOf(s, exchange)));
    await bench.services.store.ingest(ordinaryMarket(exchange), null);
    bench.collector.connections.push(connection(exchange));
    bench.collector.series.push(
      ...streams.map((s) => status(keyOf(s, exchange), { stale_after_ms: s === 'funding_rates' ? null : 15_000 })),
    );
  }
}

/** Two liquidated longs and a short on Binance, collected live. */
export async function fillLiquidations(bench: Bench): Promise<void> {
  const key = keyOf('liquidations');
  const forced = (seconds: number, side: 'long' | 'short', price: number, quantity: number): StoredRecord => ({
    ...base('liquidations', 'binance', FROM + seconds * SECOND),
    stream: 'liquidations',
    side,
    price,
    quantity,
  });
  await bench.services.store.ensureSeries([key]);
  const events = [forced(10, 'long', 100, 300), forced(20, 'long', 99, 100), forced(30, 'short', 101, 5)];
  await bench.services.store.ingest(events, null);
  bench.collector.series.push(status(key, { stale_after_ms: null }));
}
