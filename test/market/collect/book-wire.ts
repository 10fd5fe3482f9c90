import type { BookRecord, PriceLevel } from '../../../src/market/domain/records.ts';
import { marketKey, msToUs } from '../../../src/market/domain/records.ts';
import type { Instrument } from '../../../src/market/domain/instrument.ts';
import type { TapeItem } from '../../../src/market/domain/tape.ts';
import type { VenueMarket } from '../../../src/market/exchanges/contract.ts';
import type { SimulatedMarket, VenueSimulator } from '../../../src/market/exchanges/simulator-contract.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { plainBook } from '../../../src/market/exchanges/shared/fast/records.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { createSimulatedMarkets } from '../../../src/market/simulator/model/market.ts';
import { INSTRUMENTS_IN_FORCE } from '../../../src/market/collect/keyframe.ts';
import { Pipeline } from '../../../src/market/collect/pipeline.ts';

/** Both sides of a book, best first. */
export interface Levels {
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
}

/** What a venue sends at once, with what it means. */
export interface Unit {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** True for the answer of REST call `book_snapshot`. */
  readonly rest: boolean;
  /** Its book changes, as text to compare. */
  readonly records: string;
  /** Their kinds and numbers of levels. */
  readonly shape: string;
  /** Each of them has the venue's checksum. */
  readonly proven: boolean;
  /** The book after it. */
  readonly truth: Levels;
}

/** A market with its simulator half and the one symbol whose book is looked at. */
export interface BookSource {
  readonly key: string;
  readonly venue: VenueMarket;
  readonly simulator: VenueSimulator;
  readonly market: SimulatedMarket;
  readonly instrument: Instrument;
  readonly path: string;
  readonly channels: ReadonlySet<string>;
}

/** Every market of the catalogue that has books and a simulator half. */
export function bookSources(seed: number): BookSource[] {
  const markets = createSimulatedMarkets({ seed, symbols: ['BTCUSDT'], at: Date.UTC(2026, 4, 5) });
  return venues.flatMap(({ markets: own }) =>
    own.flatMap((venue) => {
      const key = marketKey(venue.exchange, venue.market);
      const simulator = simulators.flat().find((s) => marketKey(s.exchange, s.market) === key);
      const market = markets.get(key);
      const instrument = market?.instruments[0];
      if (simulator === undefined || market === undefined || instrument === undefined) return [];
      const [plan] = venue.plan([instrument], ['orderbooks']);
      if (plan === undefined || venue.streams.orderbooks?.via !== 'websocket') return [];
      const { pathname } = new URL(venue.addresses[plan.address] ?? 'ws://127.0.0.1');
      const path = `${pathname.replace(/\/$/, '')}${plan.path}`;
      const asked = plan.subscribe.flatMap((text) => simulator.onFrame(market, text, new Set()).subscribe);
      const channels = new Set([...simulator.channelsOfPath(path), ...asked]);
      return [{ key, venue, simulator, market, instrument, path, channels }];
    }),
  );
}

/** A pipeline of one market, as the collector has it, with one connection after another and its changes told. */
export class Desk {
  readonly pipeline: Pipeline;
  /** Changes of the book since they were last taken away. */
  records: BookRecord[] = [];
  problems = 0;
  readonly #source: BookSource;
  readonly #base: { readonly exchange: string; readonly market: VenueMarket['market'] };
  #connection = 0;
  #now = 0;

  constructor(source: BookSource) {
    this.#source = source;
    const { exchange, market } = source.venue;
    this.#base = { exchange, market };
    this.pipeline = new Pipeline({
      markets: [source.venue],
      bookIntervalMs: 100,
      sink: () => undefined,
      onRecord: (_, record) => {
        if (record.stream === 'book' && record.symbol === source.instrument.symbol) this.records.push(record);
      },
      onBookProblem: () => {
        this.problems += 1;
      },
    });
    this.#process({ kind: 'note', note: INSTRUMENTS_IN_FORCE, data: source.market.instruments });
    this.connect();
  }

  get book(): ReturnType<Pipeline['bookOf']> {
    const { exchange, market } = this.#base;
    return this.pipeline.bookOf(exchange, market, this.#id, this.#source.instrument.symbol);
  }

  /** Ends the connection and opens another. */
  connect(): void {
    if (this.#connection > 0) this.#process({ kind: 'disconnected', reason: 'fault' });
    this.#connection += 1;
    this.#process({ kind: 'connected', url: 'ws://127.0.0.1' });
  }

  take(unit: Pick<Unit, 'at' | 'rest'>, bytes: Uint8Array): void {
    this.#now = Math.max(this.#now, msToUs(unit.at));
    if (!unit.rest) {
      this.#process({ kind: 'frame', bytes });
      return;
    }
    const body = Buffer.from(bytes).toString('utf8');
    this.#process({ kind: 'rest', call: 'book_snapshot', args: snapshotArgs(this.#source), body });
  }

  get #id(): string {
    return `${this.#source.key}#${this.#connection}`;
  }

  #process(item: DistributiveOmit<TapeItem, 'recv_time' | 'connection' | 'exchange' | 'market'>): void {
    this.pipeline.process({ ...this.#base, recv_time: this.#now, connection: this.#id, ...item });
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/**
 * A stretch of a market's wire with the true book after each frame: that of an undisturbed collector, itself checked
 * against the simulator's model. Throws where those differ.
 */
export class Wire {
  readonly units: readonly Unit[];
  readonly #source: BookSource;
  readonly #bySeq = new Map<number, Levels>();
  readonly #snapshots = new Map<number, readonly Unit[]>();

  constructor(source: BookSource, from: number, to: number) {
    this.#source = source;
    const { simulator, market, channels, path } = source;
    const frames = simulator.frames(market, channels, from, to);
    const desk = new Desk(source);
    for (const raw of this.#rawSnapshots(from)) this.#read(desk, raw);
    this.units = frames.flatMap((frame, index) => {
      const text = simulator.envelope(path, frame);
      const unit = this.#read(desk, { at: frame.at, bytes: Buffer.from(text), rest: false });
      if (unit !== undefined && frames[index + 1]?.at !== frame.at) this.#check(unit);
      return unit ?? [];
    });
  }

  /** True where nothing before the frame has its time, so that a snapshot can tell of all before it. */
  isBoundary(index: number): boolean {
    return this.units[index - 1]?.at !== this.units[index]?.at;
  }

  /** What the venue answers when it is asked for the book before the frame, which is at a boundary. */
  snapshot(index: number): readonly Unit[] {
    const at = this.units[index]?.at ?? 0;
    const made = this.#snapshots.get(index) ?? this.#readSnapshot(at);
    this.#snapshots.set(index, made);
    return made;
  }

  truthAt(seq: number): Levels | undefined {
    return this.#bySeq.get(seq);
  }

  #readSnapshot(at: number): readonly Unit[] {
    const desk = new Desk(this.#source);
    return this.#rawSnapshots(at).flatMap((raw) => this.#read(desk, raw) ?? []);
  }

  #rawSnapshots(at: number): readonly Pick<Unit, 'at' | 'bytes' | 'rest'>[] {
    const { venue, simulator, market, instrument, channels, path } = this.#source;
    if (venue.book.snapshot === 'stream') {
      const frames = simulator.onSubscribe(market, [...channels], at);
      return frames.map((frame) => ({ at, rest: false, bytes: Buffer.from(simulator.envelope(path, frame)) }));
    }
    const request = venue.rest.book_snapshot?.request(snapshotArgs(this.#source), instrument);
    if (request === undefined) throw new Error(`${this.#source.key} has no snapshot`);
    const url = new URL(request.path, 'http://127.0.0.1');
    const asked = { path: url.pathname, query: url.searchParams, body: request.body, host: url.host };
    const answer = simulator.rest(market, asked, at);
    if (answer === undefined) throw new Error(`${request.path} is not served`);
    return [{ at, rest: true, bytes: Buffer.from(answer.body) }];
  }

  /** Undefined for what tells nothing of the book, as a greeting. */
  #read(desk: Desk, raw: Pick<Unit, 'at' | 'bytes' | 'rest'>): Unit | undefined {
    desk.records = [];
    desk.take(raw, raw.bytes);
    if (desk.records.length === 0) return undefined;
    const { book } = desk;
    const { key } = this.#source;
    if (book?.state !== 'valid' || desk.problems > 0) {
      throw new Error(`${key}: the undisturbed book is ${String(book?.state)} at ${raw.at}`);
    }
    const truth = { bids: book.levels.bids(), asks: book.levels.asks() };
    if (book.lastSeq !== null) {
      const known = this.#bySeq.get(book.lastSeq);
      if (known !== undefined && !sameLevels(known, truth)) throw new Error(`${key}: two books at ${book.lastSeq}`);
      this.#bySeq.set(book.lastSeq, truth);
    }
    const proven = desk.records.every(({ proof }) => typeof proof?.checksum === 'number');
    return { ...raw, records: textOf(desk.records), shape: shapeOf(desk.records), proven, truth };
  }

  /** Sizes that the wire counts in contracts of money are rounded there: of inverse contracts prices alone are compared. */
  #check({ at, truth }: Unit): void {
    const { market, instrument, key } = this.#source;
    const near = (a: number, b: number): boolean => instrument.inverse || Math.abs(a - b) <= 1e-9 * b;
    const model = market.book(instrument.symbol, at + 1, Math.max(truth.bids.length, truth.asks.length));
    for (const side of ['bids', 'asks'] as const) {
      truth[side].forEach(([price, quantity], i) => {
        const [truePrice, trueQuantity] = model[side][i] ?? [NaN, NaN];
        if (price === truePrice && near(quantity, trueQuantity)) return;
        throw new Error(`${key} ${side} ${i} at ${at}: ${price} ${quantity}, model ${truePrice} ${trueQuantity}`);
      });
    }
  }
}

/** Whether the best levels are the same, all or the first `depth`. */
export function sameLevels(a: Levels, b: Levels, depth = Number.POSITIVE_INFINITY): boolean {
  return sameSide(a.bids, b.bids, depth) && sameSide(a.asks, b.asks, depth);
}

function sameSide(a: readonly PriceLevel[], b: readonly PriceLevel[], depth: number): boolean {
  const length = Math.min(depth, a.length);
  if (length !== Math.min(depth, b.length)) return false;
  for (let i = 0; i < length; i++) {
    if (a[i]?.[0] !== b[i]?.[0] || a[i]?.[1] !== b[i]?.[1]) return false;
  }
  return true;
}

/** Book changes as text, but for when they were received. */
export function textOf(records: readonly BookRecord[]): string {
  return JSON.stringify(records.map((record) => ({ ...plainBook(record), proof: record.proof, recv_time: 0 })));
}

/** How many levels of which kind of change. */
export function shapeOf(records: readonly BookRecord[]): string {
  return records.map(({ kind, bids, asks }) => (kind === 'delta' ? `${bids.length}/${asks.length}` : kind)).join(' ');
}

function snapshotArgs({ instrument, venue }: BookSource): { readonly symbol: string; readonly limit: number } {
  return { symbol: instrument.symbol, limit: venue.book.depth };
}
