import { errorMessage } from '../../kit/errors.ts';
import type { Ms, Us } from '../../kit/clock.ts';
import type { Instrument } from '../domain/instrument.ts';
import {
  marketKey,
  type BookRecord,
  type Market,
  type MarketRecord,
  type Origin,
  type RecordSink,
  type StoredRecord,
} from '../domain/records.ts';
import type { FrameItem, NoteItem, RestItem, TapeItem } from '../domain/tape.ts';
import type { Decoder, FrameVerdict, VenueMarket } from '../exchanges/contract.ts';
import type { CoverageChange, CoverageHead } from '../domain/coverage.ts';
import { decodeBytes } from '../exchanges/shared/fast/reader.ts';
import { BookSet, type BookProblem, type TrackedBook } from './books.ts';
import { MarketLedger } from './ledger/market-ledger.ts';
import {
  BACKFILLED,
  COVERAGE_CARRIED,
  ITEMS_LOST,
  backfilledSchema,
  coverageCarriedSchema,
  itemsLostSchema,
} from './ledger/notes.ts';
import {
  CONNECTION_STATE,
  INSTRUMENTS_IN_FORCE,
  MARKET_STATE,
  SEGMENT_START,
  connectionStateSchema,
  instrumentsSchema,
  marketStateSchema,
  segmentStartSchema,
  type StateNote,
} from './keyframe.ts';
import { BookSampler } from './sampler.ts';
import { numberOfId, TradeIds, type TradeHole } from './trade-ids.ts';

/** What the pipeline tells besides records. None of it changes what it makes. */
export interface PipelineHooks {
  /** A frame or answer gave no data: rejected, or the venue said no. Control frames are not told. */
  readonly onVerdict?: ((item: TapeItem, verdict: FrameVerdict) => void) | undefined;
  /** The venue waits for this frame on the connection of the item; nobody answers in a replay. */
  readonly onReply?: ((item: TapeItem, text: string) => void) | undefined;
  /** A book went stale or crossed. Live asks for a resync; in a replay the answer is on the tape. */
  readonly onBookProblem?: ((item: TapeItem, problem: BookProblem) => void) | undefined;
  readonly onTradeHole?: ((item: TapeItem, hole: TradeHole) => void) | undefined;
  /** Every decoded record, book changes included, before anything is derived from it. */
  readonly onRecord?: ((item: TapeItem, record: MarketRecord) => void) | undefined;
}

export interface PipelineOptions extends PipelineHooks {
  readonly markets: readonly VenueMarket[];
  readonly bookIntervalMs: Ms;
  readonly sink: RecordSink<StoredRecord>;
  /** Where the steps of the completeness ledger go, in order; what only grows is in `takeHeads`. */
  readonly onCoverage?: ((change: CoverageChange) => void) | undefined;
}

interface ConnectionState {
  readonly id: string;
  readonly market: MarketState;
  decoder: Decoder;
  readonly books: BookSet;
  readonly sink: RecordSink;
  /** The connection's item being processed; records are told with it. */
  item: TapeItem | undefined;
}

interface MarketState {
  readonly key: string;
  readonly definition: VenueMarket;
  /** Whether trades without one between them have ids that follow each other. */
  readonly consecutiveIds: boolean;
  instruments: readonly Instrument[];
  /** Whether those are a whole list: pages of the next one are not in force before its last has come. */
  whole: boolean;
  /** The list under way, where it comes in pages. */
  pages: readonly Instrument[] | undefined;
  readonly connections: Map<string, ConnectionState>;
  readonly sampler: BookSampler;
  readonly tradeIds: TradeIds;
  readonly ledger: MarketLedger;
}

/** Levels a side of a stored book. */
const STORED_LEVELS = 10;

/**
 * Tape items in, records out; nothing else goes in, so live, another tape, recovery and rebuild give the same rows.
 * Synchronous. Never throws for what a venue sent.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #markets = new Map<string, MarketState>();
  #lastMarket: MarketState | undefined;
  /** The connection met last. */
  #lastConnection: ConnectionState | undefined;
  #unknownItems = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
    for (const definition of options.markets) {
      const key = marketKey(definition.exchange, definition.market);
      const ledger = new MarketLedger(
        definition,
        (change) => options.onCoverage?.(change),
        (symbol) => this.#endOf(key, symbol),
      );
      this.#markets.set(key, {
        key,
        definition,
        consecutiveIds: definition.streams.trades?.consecutiveIds === true,
        instruments: [],
        whole: false,
        pages: undefined,
        connections: new Map(),
        sampler: new BookSampler(options.bookIntervalMs),
        tradeIds: new TradeIds(),
        ledger,
      });
    }
  }

  get markets(): readonly { readonly exchange: string; readonly market: Market }[] {
    return this.#options.markets.map(({ exchange, market }) => ({ exchange, market }));
  }

  /** Items of markets that this pipeline was not given. */
  get unknownItems(): number {
    return this.#unknownItems;
  }

  process(item: TapeItem): void {
    const market = this.#marketOf(item);
    if (market === undefined) {
      this.#unknownItems += 1;
      return;
    }
    switch (item.kind) {
      case 'frame': {
        const connection = this.#connection(market, item.connection, false);
        connection.item = item;
        // Not by `#judge`: this is done for every frame, and a function made for each costs.
        let verdict: FrameVerdict;
        try {
          verdict = decodeBytes(connection.decoder, item.range ?? item.bytes, item.recv_time, connection.sink);
        } catch (error) {
          verdict = failed(error);
        }
        this.#told(market, item, verdict);
        return;
      }
      case 'rest':
        return this.#rest(market, item);
      case 'connected':
        this.#drop(market, item, 'the connection was opened anew');
        this.#connection(market, item.connection, false);
        market.ledger.connected(item);
        return;
      case 'disconnected':
        return this.#drop(market, item, item.reason);
      case 'note':
        return this.#note(market, item);
    }
  }

  instruments(exchange: string, market: Market): readonly Instrument[] {
    return this.#markets.get(marketKey(exchange, market))?.instruments ?? [];
  }

  /** The books of a symbol on all connections of its market, valid or not. */
  books(exchange: string, market: Market, symbol: string): readonly TrackedBook[] {
    const state = this.#markets.get(marketKey(exchange, market));
    return [...(state?.connections.values() ?? [])]
      .map((connection) => connection.books.get(symbol))
      .filter((book) => book !== undefined);
  }

  /** The book of a symbol on one connection. */
  bookOf(exchange: string, market: Market, connection: string, symbol: string): TrackedBook | undefined {
    return this.#markets.get(marketKey(exchange, market))?.connections.get(connection)?.books.get(symbol);
  }

  /** Connections that are open as far as the items tell. */
  openConnections(): readonly { readonly exchange: string; readonly market: Market; readonly connection: string }[] {
    return [...this.#markets.values()].flatMap(({ definition, connections }) =>
      [...connections.keys()].map((connection) => ({
        exchange: definition.exchange,
        market: definition.market,
        connection,
      })),
    );
  }

  /** Where the series stand in the completeness ledger, those that changed since the last call. */
  takeHeads(): CoverageHead[] {
    return [...this.#markets.values()].flatMap(({ ledger }) => ledger.takeHeads());
  }

  /** A stretch of the tape cannot be read: what was received from `from` to `to` is lost. UTC µs. */
  damaged(from: Us, to: Us): void {
    for (const { ledger } of this.#markets.values()) ledger.lost(from, to, 'the tape is damaged');
  }

  /** Everything remembered, as the notes that a segment begins with. Processing them restores it. */
  state(): StateNote[] {
    const notes: StateNote[] = [];
    for (const market of this.#markets.values()) {
      const { exchange, market: name } = market.definition;
      const base = { exchange, market: name, connection: `${market.key}#state` };
      const open = [...market.connections.keys()];
      if (open.length === 0 && market.instruments.length === 0 && market.ledger.isEmpty) continue;
      notes.push({ ...base, note: SEGMENT_START, data: { open } });
      notes.push({ ...base, note: INSTRUMENTS_IN_FORCE, data: market.instruments });
      notes.push({
        ...base,
        note: MARKET_STATE,
        data: {
          sampler: market.sampler.state(),
          tradeIds: market.tradeIds.state(),
          coverage: market.ledger.state(),
          list: { whole: market.whole, pages: market.pages ?? null },
        },
      });
      for (const connection of market.connections.values()) {
        notes.push({
          ...base,
          connection: connection.id,
          note: CONNECTION_STATE,
          data: {
            polled: connection.id.endsWith('#rest'),
            decoder: connection.decoder.state(),
            books: connection.books.state(),
          },
        });
      }
    }
    return notes;
  }

  /** Items come in runs of one market: its key is built for the first of them only. */
  #marketOf({ exchange, market }: TapeItem): MarketState | undefined {
    const last = this.#lastMarket;
    if (last?.definition.exchange === exchange && last.definition.market === market) return last;
    this.#lastMarket = this.#markets.get(marketKey(exchange, market));
    return this.#lastMarket;
  }

  #connection(market: MarketState, id: string, polled: boolean): ConnectionState {
    const last = this.#lastConnection;
    if (last?.id === id && last.market === market) return last;
    const held = market.connections.get(id);
    if (held !== undefined) return (this.#lastConnection = held);
    const connection: ConnectionState = {
      id,
      market,
      decoder: market.definition.createDecoder({ instruments: market.instruments }),
      books: new BookSet({
        rule: market.definition.book,
        polled,
        onProblem: (problem) => {
          if (connection.item === undefined) return;
          market.ledger.bookProblem(id, problem);
          this.#options.onBookProblem?.(connection.item, problem);
        },
      }),
      sink: (record) => this.#record(connection, record),
      item: undefined,
    };
    market.connections.set(id, connection);
    return connection;
  }

  #drop(market: MarketState, of: Pick<TapeItem, 'connection' | 'recv_time'>, reason: string): void {
    market.connections.delete(of.connection);
    this.#lastConnection = undefined;
    market.ledger.disconnected(of.connection, reason, of.recv_time);
    market.tradeIds.close(of.connection);
  }

  /** When the contract of a symbol runs out; null when it does not, or the market does not list it. */
  #endOf(key: string, symbol: string): Us | null {
    return this.#markets.get(key)?.instruments.find((i) => i.symbol === symbol)?.expiry_time ?? null;
  }

  #rest(market: MarketState, item: RestItem): void {
    if (item.call === 'instruments') {
      this.#judge(market, item, () => this.#list(market, item));
      return;
    }
    const polled = item.connection.endsWith('#rest');
    // A snapshot for a link that closed while it was asked for belongs to nothing any more.
    if (item.call === 'book_snapshot' && !polled && !market.connections.has(item.connection)) return;
    const connection = this.#connection(market, item.connection, polled);
    connection.item = item;
    this.#judge(market, item, () =>
      connection.decoder.rest(item.call, item.args, item.body, item.recv_time, connection.sink),
    );
  }

  /** A list may come in pages: the first begins it anew, those asked for with a cursor go on with it. */
  #list(market: MarketState, { args, body }: RestItem): FrameVerdict {
    const before = args.cursor === undefined ? [] : (market.pages ?? market.instruments);
    const instruments = market.definition.parseInstruments(body, before);
    const goesOn = market.definition.rest.instruments?.nextPage?.(args, body) !== undefined;
    market.pages = goesOn ? instruments : undefined;
    if (goesOn && (market.whole || instruments.length === 0)) {
      return { kind: 'control', what: 'pages of the instrument list' };
    }
    if (instruments.length === 0) return { kind: 'rejected', reason: 'the instrument list holds none' };
    // Of the first list each page serves at once: the venue may not give the others.
    market.whole = !goesOn;
    this.#setInstruments(market, instruments);
    return { kind: 'data', records: 0 };
  }

  #setInstruments(market: MarketState, instruments: readonly Instrument[]): void {
    market.instruments = instruments;
    for (const connection of market.connections.values()) {
      const state = connection.decoder.state();
      connection.decoder = market.definition.createDecoder({ instruments });
      connection.decoder.restore(state);
    }
  }

  #judge(market: MarketState, item: FrameItem | RestItem, decode: () => FrameVerdict): void {
    let verdict: FrameVerdict;
    try {
      verdict = decode();
    } catch (error) {
      verdict = failed(error);
    }
    this.#told(market, item, verdict);
  }

  #told(market: MarketState, item: FrameItem | RestItem, verdict: FrameVerdict): void {
    market.ledger.end(item, verdict);
    if (verdict.kind === 'rejected' || verdict.kind === 'error') this.#options.onVerdict?.(item, verdict);
    else if (verdict.kind === 'control' && verdict.reply !== undefined) this.#options.onReply?.(item, verdict.reply);
  }

  #record(connection: ConnectionState, decoded: MarketRecord): void {
    const { item, market } = connection;
    if (item === undefined) return;
    // A frame may tell of what was before it, as some venues do at once after a subscription.
    const origin: Origin = item.kind === 'rest' ? (item.origin ?? 'live') : decoded.origin;
    const record: MarketRecord = decoded.origin === origin ? decoded : { ...decoded, origin };
    // Read once for all who follow the ids: to make a number of a text is dear.
    const id = record.stream === 'trades' && market.consecutiveIds ? numberOfId(record.trade_id) : Number.NaN;
    if (item.kind === 'frame' || item.kind === 'rest') market.ledger.record(item, record, id);
    this.#options.onRecord?.(item, record);
    if (record.stream === 'book') {
      this.#book(connection, record);
      return;
    }
    if (record.stream === 'trades' && origin === 'live' && market.consecutiveIds) {
      const hole = market.tradeIds.next(connection.id, record, id);
      if (hole !== undefined) this.#options.onTradeHole?.(item, hole);
    }
    this.#options.sink(record);
  }

  #book(connection: ConnectionState, change: BookRecord): void {
    const book = connection.books.apply(change);
    if (book === undefined) return;
    connection.market.ledger.bookValid(connection.id, change.symbol, book.eventTime);
    if (!connection.market.sampler.takes(change.symbol, book.eventTime)) return;
    const totals = book.levels.totals();
    this.#options.sink({
      stream: 'orderbooks',
      exchange: change.exchange,
      market: change.market,
      symbol: change.symbol,
      event_time: book.eventTime,
      recv_time: change.recv_time,
      seq: book.lastSeq,
      origin: 'live',
      bids: book.levels.bids(STORED_LEVELS),
      asks: book.levels.asks(STORED_LEVELS),
      total_bid_depth: totals.bids,
      total_ask_depth: totals.asks,
    });
  }

  /** Notes are ours: one that does not parse is a defect of this program and surfaces. */
  #note(market: MarketState, { note, data, connection: id, recv_time }: NoteItem): void {
    switch (note) {
      case SEGMENT_START: {
        const open = new Set(segmentStartSchema.parse(data).open);
        const gone = [...market.connections.keys()].filter((held) => !open.has(held));
        for (const held of gone) this.#drop(market, { connection: held, recv_time }, 'the process ended');
        return;
      }
      case INSTRUMENTS_IN_FORCE:
        this.#setInstruments(market, instrumentsSchema.parse(data));
        market.whole = market.instruments.length > 0;
        market.pages = undefined;
        return;
      case MARKET_STATE: {
        const state = marketStateSchema.parse(data);
        market.sampler.restore(state.sampler);
        market.tradeIds.restore(state.tradeIds);
        if (state.coverage !== undefined) market.ledger.restore(state.coverage);
        if (state.list !== undefined) {
          market.whole = state.list.whole;
          market.pages = state.list.pages ?? undefined;
        }
        return;
      }
      case CONNECTION_STATE: {
        const state = connectionStateSchema.parse(data);
        market.connections.delete(id);
        this.#lastConnection = undefined;
        const connection = this.#connection(market, id, state.polled);
        connection.decoder.restore(state.decoder);
        connection.books.restore(state.books);
        return;
      }
      case BACKFILLED:
        return market.ledger.backfilled(backfilledSchema.parse(data), recv_time);
      case COVERAGE_CARRIED:
        return market.ledger.carried(coverageCarriedSchema.parse(data), recv_time);
      case ITEMS_LOST: {
        const { from, to } = itemsLostSchema.parse(data);
        return market.ledger.lost(from, to, 'the tape could not be written');
      }
      default:
        return;
    }
  }
}

/** One odd frame must not end the collecting of all others; it is counted and told like any unreadable one. */
function failed(error: unknown): FrameVerdict {
  return { kind: 'rejected', reason: `the decoder failed: ${errorMessage(error)}` };
}
