import type { Ms, Us } from '../../kit/clock.ts';
import { viewName, type MarketRecord, type OrderBookRecord, type SeriesKey, type Stream } from '../domain/records.ts';
import type { SeriesState, SeriesStatus } from './contract.ts';

/** What is known of one series while it is collected. */
export interface TrackedSeries {
  readonly key: SeriesKey;
  /** Name of its view. */
  readonly table: string;
  state: SeriesState;
  rows: number;
  lastEventTime: Us | null;
  lastReceivedAt: Us | null;
  readonly staleAfterMs: Ms | null;
  /** The venue's own name where it is not the symbol. */
  listedAs: string | null;
  gaps: number;
  /** When the series was begun or its connection opened: silence counts from here before the first record. */
  since: Us;
  /** Live records so far, changes of books included. */
  heard: number;
}

/** The series being collected. Touched for every record, so looking up must be cheap. */
export class SeriesTracker {
  readonly #byMarket = new Map<string, Map<string, Map<string, Partial<Record<Stream, TrackedSeries>>>>>();
  readonly #all = new Map<string, TrackedSeries>();

  add(key: SeriesKey, staleAfterMs: Ms | null, since: Us): TrackedSeries {
    const name = viewName(key);
    const held = this.#all.get(name);
    if (held !== undefined) {
      if (held.state === 'stopped') held.state = 'waiting';
      held.since = since;
      return held;
    }
    const series: TrackedSeries = {
      key,
      table: name,
      state: 'waiting',
      rows: 0,
      lastEventTime: null,
      lastReceivedAt: null,
      staleAfterMs,
      listedAs: null,
      gaps: 0,
      since,
      heard: 0,
    };
    this.#all.set(name, series);
    const markets = getOrAdd(
      this.#byMarket,
      key.exchange,
      () => new Map<string, Map<string, Partial<Record<Stream, TrackedSeries>>>>(),
    );
    const symbols = getOrAdd(markets, key.market, () => new Map<string, Partial<Record<Stream, TrackedSeries>>>());
    getOrAdd(symbols, key.symbol, (): Partial<Record<Stream, TrackedSeries>> => ({}))[key.stream] = series;
    return series;
  }

  get(key: SeriesKey): TrackedSeries | undefined {
    return this.#byMarket.get(key.exchange)?.get(key.market)?.get(key.symbol)?.[key.stream];
  }

  all(): IterableIterator<TrackedSeries> {
    return this.#all.values();
  }

  /** Notes a record. Book changes count for `orderbooks` as life, not as rows: those are counted when sampled. */
  touch(record: MarketRecord, recvTime: Us): void {
    const stream = record.stream === 'book' ? 'orderbooks' : record.stream;
    const series = this.#byMarket.get(record.exchange)?.get(record.market)?.get(record.symbol)?.[stream];
    if (series === undefined) return;
    if (record.origin === 'live') {
      series.lastReceivedAt = recvTime;
      series.heard += 1;
      if (series.state !== 'live' && series.state !== 'stopped') series.state = 'live';
    }
    if (series.lastEventTime === null || record.event_time > series.lastEventTime) {
      series.lastEventTime = record.event_time;
    }
    if (record.stream !== 'book') series.rows += 1;
  }

  /** Counts a book that was stored. */
  sampled(record: OrderBookRecord): void {
    const series = this.get(record);
    if (series !== undefined) series.rows += 1;
  }

  /** How many series are in the state, of those that count. */
  count(state: SeriesState, counts: (key: SeriesKey) => boolean = () => true): number {
    let count = 0;
    for (const series of this.#all.values()) if (series.state === state && counts(series.key)) count += 1;
    return count;
  }

  /** Asked for several times a second over hundreds of series: the fields are named, as spreading costs three times the memory. */
  status(): SeriesStatus[] {
    return Array.from(this.#all.values(), (series) => ({
      exchange: series.key.exchange,
      market: series.key.market,
      symbol: series.key.symbol,
      stream: series.key.stream,
      table: series.table,
      listed_as: series.listedAs,
      state: series.state,
      rows: series.rows,
      last_event_time: series.lastEventTime,
      last_received_at: series.lastReceivedAt === null ? null : Math.floor(series.lastReceivedAt / 1000),
      stale_after_ms: series.staleAfterMs,
      gaps: series.gaps,
    }));
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
