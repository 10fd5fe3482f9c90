import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../src/kit/clock.ts';
import {
  EVENTS,
  type AnyEvent,
  type EventEnvelope,
  type EventName,
  type EventPayload,
  type EventSink,
} from '../../../src/kit/event.ts';
import type { CarriedSeries } from '../../../src/market/domain/coverage.ts';
import type { SeriesKey, StoredRecord } from '../../../src/market/domain/records.ts';
import type { FrameItem, TapeItem, TapePosition } from '../../../src/market/domain/tape.ts';
import type { BulkIngest, IngestResult, MarketStore } from '../../../src/market/store/contract.ts';

/** Keeps every event and checks its payload. */
export class RecordingSink implements EventSink {
  readonly events: AnyEvent[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  emit<N extends EventName>(type: N, data: EventPayload<N>): EventEnvelope<N> {
    EVENTS[type].parse(data);
    const seq = this.events.length + 1;
    const envelope: EventEnvelope<N> = {
      id: `event_${seq}`,
      seq,
      type,
      time: this.#clock.now(),
      source: 'test',
      priority: 5,
      correlation_id: null,
      data,
    };
    this.events.push(envelope as unknown as AnyEvent);
    return envelope;
  }

  of<N extends EventName>(type: N): EventEnvelope<N>[] {
    return this.events.filter((event) => event.type === type) as unknown as EventEnvelope<N>[];
  }
}

/** A folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'collect-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A frame of a toy connection; `recv` in µs. */
export function frame(text: string, recv: number, connection = 'toy_spot#1.1'): FrameItem {
  return { kind: 'frame', recv_time: recv, connection, exchange: 'toy', market: 'spot', bytes: Buffer.from(text) };
}

/** All that an async iterable gives. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of source) all.push(value);
  return all;
}

/** Waits until `condition` holds, looking every few ms; fails after two seconds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 5000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Every kind of item. */
export function oneOfEach(recv: number): TapeItem[] {
  const base = { recv_time: recv, connection: 'toy_spot#1.1', exchange: 'toy', market: 'spot' as const };
  return [
    { kind: 'connected', ...base, url: 'ws://toy' },
    { kind: 'frame', ...base, bytes: Buffer.from('{"price":"1.5","note":"π 💹\n\\u0000"}') },
    { kind: 'rest', ...base, call: 'trades', args: { symbol: 'AB', from: 1, to: 2 }, body: '[]', origin: 'backfill' },
    { kind: 'rest', ...base, connection: 'toy_spot#rest', call: 'open_interest', args: {}, body: '' },
    { kind: 'note', ...base, note: 'anything', data: { nested: [1, null, 'x'] } },
    { kind: 'frame', ...base, bytes: Buffer.from('') },
    { kind: 'disconnected', ...base, reason: 'closed with code 1006' },
  ];
}

/** Keeps what is ingested, with its position; nothing else of a store works. */
export class MemoryStore {
  readonly rows: StoredRecord[] = [];
  readonly commits: { readonly rows: number; readonly position: TapePosition | null }[] = [];
  readonly ensured: SeriesKey[] = [];
  /** Set: ingesting fails with it. */
  failure: Error | undefined;
  reached: TapePosition | null = null;

  ingest(records: readonly StoredRecord[], position: TapePosition | null): Promise<IngestResult> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.rows.push(...records);
    this.commits.push({ rows: records.length, position });
    this.reached = position ?? this.reached;
    const streams = new Set(records.map(({ stream }) => stream));
    return Promise.resolve({
      tables: [...streams].map((stream): IngestResult['tables'][number] => ({
        stream,
        rows: records.filter((record) => record.stream === stream).length,
        duplicates: 0,
        repeats: [],
        rejected: 0,
        firstEventTime: null,
        lastEventTime: null,
      })),
    });
  }

  bulk<T>(work: (bulk: BulkIngest) => Promise<T>): Promise<T> {
    let taken: StoredRecord[] = [];
    return work({
      take: (record) => void taken.push(record),
      full: false,
      commit: (position) => {
        const records = taken;
        taken = [];
        return this.ingest(records, position);
      },
    });
  }

  position(): Promise<TapePosition | null> {
    return Promise.resolve(this.reached);
  }

  ensureSeries(keys: readonly SeriesKey[]): Promise<void> {
    this.ensured.push(...keys);
    return Promise.resolve();
  }

  carried(): Promise<readonly CarriedSeries[]> {
    return Promise.resolve([]);
  }

  lastEventTimes(): Promise<readonly { readonly series: SeriesKey; readonly last: number }[]> {
    return Promise.resolve([]);
  }

  read(): Promise<[]> {
    return Promise.resolve([]);
  }

  /** As the contract names it; what a test does not use is not there. */
  asStore(): MarketStore {
    return this as unknown as MarketStore;
  }
}
