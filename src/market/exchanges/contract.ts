import type { Ms, Us } from '../../kit/clock.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { BookRecord, Market, MarketRecord, RecordSink, Stream } from '../domain/records.ts';
import type { ByteRange, RestArgs, RestCallName } from '../domain/tape.ts';
import type { MarketCredential } from './credential.ts';
import type { FeeSchedule } from './fees.ts';

/**
 * A venue is one folder whose `index.ts` exports one frozen `Venue`. It translates and nothing more: no socket, no
 * timer, no state beyond a decoder's own. The collector, the replay, `crew decode` and the simulator all use it.
 */
export interface Venue {
  /** `binance`: the name in tables and options. */
  readonly name: string;
  readonly title: string;
  /** Other names that it goes by, which commands take too: `gate` for gateio. */
  readonly alsoCalled?: readonly string[] | undefined;
  readonly markets: readonly VenueMarket[];
}

/** One market of a venue: one protocol, one instrument list. */
export interface VenueMarket {
  readonly exchange: string;
  readonly market: Market;
  /** Markets without a definition of their own whose recorded frames this market's decoder reads, in records of theirs. */
  readonly alsoReads?: readonly Market[] | undefined;
  /** The venue's name alone does not mean this market: it is collected where it is named itself, or all are. */
  readonly namedOnly?: true | undefined;
  /** How each stream that this market offers is got; absent streams are not offered. */
  readonly streams: Readonly<Partial<Record<Stream, StreamSupport>>>;
  /** Default addresses; configuration may replace each by its name. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly limits: ConnectionLimits;
  /** A secret that requests and connections carry; absent where none is wanted. */
  readonly credential?: MarketCredential | undefined;
  /** How a connection learns where to go, when the venue tells that by REST; asked before each is opened. */
  readonly prepare?: ConnectionPreparation | undefined;
  /** The connections that a set of instruments and streams needs, within the limits. */
  readonly plan: (instruments: readonly Instrument[], streams: readonly Stream[]) => readonly ConnectionPlan[];
  /** Stateful: merges partial tickers, knows instruments. One per connection; made anew after a disconnect. */
  readonly createDecoder: (options: DecoderOptions) => Decoder;
  /** Sequence rule of this market's books. */
  readonly book: BookRule;
  readonly rest: Readonly<Partial<Record<RestCallName, RestCall>>>;
  /**
   * Reads one body of REST call `instruments`, which may be paged (`nextPage`): gives the list so far, `before`, with
   * this body's instruments or facts added. Unknown kinds are left out. Start with no list, pass each answer on.
   */
  readonly parseInstruments: (body: string, before?: readonly Instrument[]) => readonly Instrument[];
  /**
   * Which REST call a JSON value is the answer of, when its shape says so: for lines of recorded bodies that came
   * without their call. Undefined when it could be more than one.
   */
  readonly recognise?: (value: unknown) => { readonly call: RestCallName; readonly args: RestArgs } | undefined;
  /**
   * Which quote of its own stands for an asked one that it does not list: `{ USDT: 'USD' }`. The contract is then
   * collected under the asked name; an exact listing always wins.
   */
  readonly standsFor?: Readonly<Record<string, string>> | undefined;
  /** What a trade costs, by tier; absent where nothing can be traded (an oracle). */
  readonly fees?: FeeSchedule | undefined;
  /** Contracts that run out, of which an asked symbol brings the nearest (`collect/expiring.ts`). */
  readonly expiring?: ExpiringContracts | undefined;
  /** Text of the venue's error answer, for a REST body that is not data; undefined when the body is data. */
  readonly restError: (status: number, body: string) => RestErrorInfo | undefined;
}

/** Dated futures or options: too many to collect all, and others every day. */
export interface ExpiringContracts {
  /** All on the underlying that an asked symbol (BTCUSDT) names; none where the market has none. */
  readonly on: (symbol: string, listed: readonly Instrument[]) => readonly Instrument[];
  /** Asks the price of a contract's underlying, about which strikes are chosen; absent where there are no strikes. */
  readonly price?:
    | {
        readonly request: (contract: Instrument) => RestTarget;
        /** Undefined when the answer does not say. */
        readonly read: (body: string) => number | undefined;
      }
    | undefined;
}

export interface StreamSupport {
  readonly via: 'websocket' | 'rest';
  /** Longest silence in ms before the series counts as stale; null where silence is normal (liquidations). */
  readonly staleAfterMs: Ms | null;
  /** REST call that serves history for backfill, and how far back in ms (null: no stated limit). */
  readonly history?:
    | {
        readonly call: RestCallName;
        readonly reachMs: Ms | null;
        readonly paged: boolean;
        /** Distance of its records where that is coarser than the stream's: what it fills is a sample. Absent: as fine. */
        readonly everyMs?: Ms | undefined;
      }
    | undefined;
  /** Why the stream itself does not tell every event, where it does not ("at most one a second"). */
  readonly sampled?: string | undefined;
  /** For `via: rest`: how often to poll. */
  readonly pollMs?: Ms | undefined;
  /** Trades only: ids are whole numbers that rise by one per symbol, so that a missing id is a missing trade. */
  readonly consecutiveIds?: boolean | undefined;
}

export interface ConnectionLimits {
  readonly streamsPerConnection: number;
  readonly argsPerSubscribe: number;
  /** Subscribe frames per second. */
  readonly messagesPerSecond: number;
  /** Reconnect before the venue cuts the connection; null when it does not. */
  readonly rotateAfterMs: Ms | null;
  /** REST budget: weight units per minute, shared by all calls to the host. */
  readonly restWeightPerMinute: number;
}

/** A connection needs a token or an endpoint that REST gives; neither goes on the tape nor into a log. */
export interface ConnectionPreparation {
  readonly request: () => RestTarget;
  /** Where to connect, token included, and how often to ping; undefined when the answer does not say. */
  readonly read: (body: string) => { readonly url: string; readonly pingMs: Ms | null } | undefined;
}

/** One socket to open. */
export interface ConnectionPlan {
  /** Key of `addresses`; the collector resolves it. */
  readonly address: string;
  /** Appended to the address (Binance puts streams into the URL). */
  readonly path: string;
  /** Frames to send after opening, in order. */
  readonly subscribe: readonly string[];
  /** Puts the time of sending (UTC ms) into a frame, where the venue wants it there; applied to whatever is sent. */
  readonly stamp?: ((text: string, now: Ms) => string) | undefined;
  /** The venue speaks first: nothing is sent before its first frame. */
  readonly awaitGreeting?: boolean | undefined;
  /**
   * How many acknowledgements (`subscribed`) the venue sends for them. Absent where it sends none that can be counted:
   * a series then counts as subscribed from its first record. Without subscribe frames it is 0.
   */
  readonly acknowledgements?: number | undefined;
  /** The series that this connection carries. */
  readonly series: readonly { readonly symbol: string; readonly stream: Stream }[];
  /** Application-level ping; null when the protocol's own ping frames do. */
  readonly ping: { readonly everyMs: Ms; readonly text: string } | null;
  /** Frames that make this connection resend the snapshots of these symbols' books; null: reconnect or REST. */
  readonly resubscribeBook: ((symbol: string) => readonly string[]) | null;
}

export interface DecoderOptions {
  readonly instruments: readonly Instrument[];
  /** True: records of contracts whose size is not known are given with sizes of NaN; else their events are rejected. */
  readonly sizeless?: boolean | undefined;
}

export interface Decoder {
  /** Decodes one text frame. Unknown or damaged frames do not throw: they are told by the verdict. */
  frame(text: string, recvTime: Us, sink: RecordSink): FrameVerdict;
  /**
   * Decodes a frame's UTF-8 bytes without making text of them, where it has a shape known for that (`shared/fast`):
   * the same records as `frame`. Undefined when it has not: nothing was handed on, and `frame` is to read it.
   */
  readonly bytes?: ((frame: ByteRange, recvTime: Us, sink: RecordSink) => FrameVerdict | undefined) | undefined;
  /** Decodes one REST answer of this market. */
  rest(call: RestCallName, args: RestArgs, body: string, recvTime: Us, sink: RecordSink): FrameVerdict;
  /** Everything remembered (merged partial tickers …) as JSON, so that a tape can be read from a segment's start. */
  state(): unknown;
  restore(state: unknown): void;
}

export type FrameVerdict =
  /** Gave this many records. */
  | { readonly kind: 'data'; readonly records: number }
  /**
   * Acknowledgement, pong, heartbeat: nothing to store. `reply` is a frame that the venue waits for in return;
   * `subscribed`: it acknowledges a subscription.
   */
  | {
      readonly kind: 'control';
      readonly what: string;
      readonly reply?: string | undefined;
      readonly subscribed?: true | undefined;
    }
  /** The venue says no (bad subscription, too many requests). */
  | { readonly kind: 'error'; readonly message: string }
  /** Not readable: counted, reported, never fatal. */
  | { readonly kind: 'rejected'; readonly reason: string };

/** How a book is begun and continued. */
export interface BookRule {
  /** `rest`: deltas are buffered until a REST snapshot bridges them; `stream`: the venue sends snapshots itself. */
  readonly snapshot: 'rest' | 'stream';
  /**
   * Judges the next change against the last sequence applied (null: none since the snapshot/reset).
   * `apply`, `skip` (older than what is held), or `gap` (something is missing: the book is stale from here).
   */
  readonly next: (
    state: { readonly lastSeq: number | null; readonly fromSnapshot: boolean },
    change: BookRecord,
  ) => 'apply' | 'skip' | 'gap';
  /** Levels a side to ask for in a REST snapshot. */
  readonly depth: number;
  /** Levels a side of which the venue tells changes: what falls beyond is dropped after each. Absent: all. */
  readonly keep?: number | undefined;
  /** For books whose changes carry a `proof`: a book that does not give its checksum is stale from there. */
  readonly checksum?: BookChecksum | undefined;
}

export interface BookChecksum {
  /** Levels a side that it covers. */
  readonly depth: number;
  /** Of the levels' texts (`BookProof`), best first; fewer than `depth` where the book has fewer. */
  readonly of: (bids: readonly string[], asks: readonly string[]) => number;
}

export interface RestCall {
  readonly request: (args: RestArgs, instrument: Instrument | undefined) => RestTarget;
  readonly decode: (
    body: string,
    args: RestArgs,
    recvTime: Us,
    options: DecoderOptions,
    sink: RecordSink,
  ) => FrameVerdict;
  /** For paged history: arguments of the next page after this body, or undefined when done. */
  readonly nextPage?: ((args: RestArgs, body: string) => RestArgs | undefined) | undefined;
}

/** What to ask for, and what it costs. */
export interface RestTarget {
  /** Key of `addresses`. */
  readonly address: string;
  /** With query, relative to the address. */
  readonly path: string;
  /** JSON text, or none, to send by POST; a GET without. */
  readonly body?: string | undefined;
  readonly weight: number;
}

export interface RestErrorInfo {
  /** The venue's own code. */
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs: number | null;
  readonly kind:
    | 'rate_limited'
    | 'banned'
    | 'blocked_region'
    | 'forbidden'
    | 'unknown_symbol'
    | 'bad_request'
    | 'maintenance'
    | 'unavailable';
}

/** A contract as a simulated market lists it, over the price path of a symbol of the simulated universe (USDT pairs). */
export interface SimulatedListing {
  /** Smallest price step as the wire writes it: '0.10'. */
  readonly tick: string;
  /** Smallest quantity step in base units, whatever the wire counts in: '0.001'. */
  readonly lot: string;
  /** Where the instrument differs from a plain one: named as the symbol, quoted in USDT, sized in base units. */
  readonly instrument?: Partial<SimulatedInstrument> | undefined;
  /**
   * For a contract on the symbol: what it is worth in its own quote when the symbol's index price is `underlying` at
   * `at` (UTC ms), with first and second derivative by that price.
   */
  readonly worth?: ((underlying: number, at: Ms) => SimulatedWorth) | undefined;
  /** How it trades, in its own quote, where that is not as its symbol does. */
  readonly character?:
    | {
        /** About which it moves. */
        readonly price: number;
        readonly spreadBps: number;
        readonly tradesPerSecond: number;
        readonly medianTradeValue: number;
        readonly openInterestValue: number;
      }
    | undefined;
}

export interface SimulatedListingTime {
  readonly at: Ms;
  readonly spot: number;
}

export interface SimulatedWorth {
  readonly value: number;
  readonly delta: number;
  readonly gamma: number;
}

export type SimulatedInstrument = Pick<
  Instrument,
  | 'symbol'
  | 'venue_symbol'
  | 'base'
  | 'quote'
  | 'kind'
  | 'tick_size'
  | 'lot_size'
  | 'contract_size'
  | 'inverse'
  | 'funding_interval_hours'
  | 'expiry_time'
  | 'option_type'
  | 'strike_price'
  | 'settlement_currency'
>;

/** The simulator's half of a venue: the same wire, the other direction. */
export interface VenueSimulator {
  readonly exchange: string;
  readonly market: Market;
  /**
   * What this market lists of a symbol whose price is about `price`; none when it does not list it. Contracts that run
   * out are those that a venue would list at `at` (UTC ms), when the index price is `spot`.
   */
  readonly listings: (symbol: string, price: number, now: SimulatedListingTime) => readonly SimulatedListing[];
  /** This market's part of a symbol's trading; 1 on the most active. */
  readonly activity: number;
  /** How many numbers the sequence of a book takes in 100 ms: 1 where frames are numbered, more where changes are. */
  readonly sequenceStride: number;
  /** Decimals of mark and index prices on the wire; null: those of prices. */
  readonly markDecimals: number | null;
  /** Liquidations are trades of the tape (Kraken), and `SimulatedMarket.liquidations` gives those trades. */
  readonly forcedTrades?: true | undefined;
  /** Whether this market serves WebSocket on the path. */
  readonly acceptsPath: (path: string) => boolean;
  /** Answers a client's text frame: what to send back now and which channels are on from here. */
  readonly onFrame: (
    market: SimulatedMarket,
    text: string,
    channels: ReadonlySet<string>,
  ) => {
    readonly reply: readonly string[];
    readonly subscribe: readonly string[];
    readonly unsubscribe: readonly string[];
  };
  /** Channels that a connection's URL path asks for (Binance). */
  readonly channelsOfPath: (path: string) => readonly string[];
  /** What the venue sends at once for channels subscribed at `at` (Bybit's snapshots): the state of all before `at`. */
  readonly onSubscribe: (market: SimulatedMarket, channels: readonly string[], at: Ms) => readonly SimulatedFrame[];
  /** The symbol whose 24 h window must be at hand before the channel can begin; undefined when it needs none. */
  readonly windowOf: (channel: string) => string | undefined;
  /** Whether the channel sends at least every second, so that its silence means something. */
  readonly steady: (channel: string) => boolean;
  /** Frames for the channels subscribed that the market makes in [from, to), in time order. */
  readonly frames: (
    market: SimulatedMarket,
    channels: ReadonlySet<string>,
    from: Ms,
    to: Ms,
  ) => readonly SimulatedFrame[];
  /** The frame's text as a connection on this path gets it (Binance wraps it on combined streams). */
  readonly envelope: (path: string, frame: SimulatedFrame) => string;
  /** Answers a REST request; undefined when the path is not of this market. */
  readonly rest: (market: SimulatedMarket, request: SimulatedRequest, now: Ms) => SimulatedAnswer | undefined;
  /** The venue cuts a connection after so long; Infinity when it does not. */
  readonly connectionLifetimeMs: Ms;
  /** Request weight allowed in a window, and the answer beyond it. */
  readonly limit: {
    readonly weight: number;
    readonly windowMs: Ms;
    readonly headers: (used: number) => Readonly<Record<string, string>>;
    readonly refuse: (status: 429 | 418, retryAfterSeconds: number) => SimulatedAnswer;
  };
  /** A trade's id as the wire writes it. */
  readonly tradeId: (market: SimulatedMarket, symbol: string, id: number) => string;
  /** Liquidations where they are not the market's own but flagged trades. */
  readonly liquidations?: (
    market: SimulatedMarket,
    ...args: Parameters<SimulatedMarket['liquidations']>
  ) => ReturnType<SimulatedMarket['liquidations']>;
  /** Whether candles tell the number of trades and the taker's part; null in their records where not. */
  readonly candlesTellTakers: boolean;
  /** Whether candles tell the number of trades alone. */
  readonly candlesTellCounts?: boolean | undefined;
  /** False where candles do not tell the quote volume. */
  readonly candlesTellQuote?: false | undefined;
  /** The same frame with a value that no market made, for fault injection; undefined when the frame has none to spoil. */
  readonly spoil: (frame: SimulatedFrame, how: 'spike' | 'crossed') => SimulatedFrame | undefined;
}

export interface SimulatedFrame {
  /** When it is sent, UTC ms. */
  readonly at: Ms;
  readonly channel: string;
  readonly text: string;
}

export interface SimulatedRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  /** Body of a POST; absent for GET. */
  readonly body?: string | undefined;
  /** Host and port that the client asked, for answers that name an endpoint. */
  readonly host: string;
}

export interface SimulatedAnswer {
  readonly status: number;
  readonly body: string;
  readonly weight: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The market model as a venue's simulator sees it: a pure function of seed, symbol and UTC time, so that history and
 * the present agree whoever asks. Times are UTC ms; intervals half-open.
 */
export interface SimulatedMarket {
  readonly exchange: string;
  readonly market: Market;
  readonly instruments: readonly Instrument[];
  /** Decimals of prices, quantities and mark prices of a symbol. */
  decimals(symbol: string): { readonly price: number; readonly quantity: number; readonly mark: number };
  /** Trades in [from, to), oldest first; ids of a symbol have no holes. */
  trades(symbol: string, from: Ms, to: Ms): readonly SimulatedTrade[];
  /** Up to `limit` trades from id `id` on that happened before `to`. */
  tradesFrom(symbol: string, id: number, limit: number, to: Ms): readonly SimulatedTrade[];
  /** Id of the first trade at or after `at`. */
  tradeIdAt(symbol: string, at: Ms): number;
  /** The book after all changes before `at`: at most `depth` levels a side, best first; `seq` of its last change. */
  book(symbol: string, at: Ms, depth?: number): SimulatedBook;
  /**
   * Changes of the book in [from, to), in order, sequence without holes: one every `everyMs` (a multiple of 100, the
   * default), of the best `depth` levels.
   */
  bookChanges(
    symbol: string,
    from: Ms,
    to: Ms,
    options?: { readonly depth?: number; readonly everyMs?: Ms },
  ): readonly SimulatedBookChange[];
  mark(
    symbol: string,
    at: Ms,
  ): { readonly mark: number; readonly index: number; readonly fundingRate: number; readonly nextFundingTime: Ms };
  /** Settled funding in [from, to), oldest first. */
  funding(symbol: string, from: Ms, to: Ms): readonly { readonly at: Ms; readonly rate: number }[];
  /** Base units. */
  openInterest(symbol: string, at: Ms): number;
  liquidations(symbol: string, from: Ms, to: Ms): readonly SimulatedLiquidation[];
  /** The 1-minute candle that begins at `openTime`, of the trades before `at`; exactly what those trades give. */
  candle(symbol: string, openTime: Ms, at: Ms): SimulatedCandle | undefined;
  /** Of the trades in [openTime, at), where `openTime` is 24 h before the end of the running minute. */
  ticker(symbol: string, at: Ms): SimulatedTicker;
}

export interface SimulatedBook {
  readonly bids: readonly (readonly [number, number])[];
  readonly asks: readonly (readonly [number, number])[];
  readonly seq: number;
}

export interface SimulatedBookChange {
  readonly at: Ms;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly prevSeq: number;
  readonly bids: readonly (readonly [number, number])[];
  readonly asks: readonly (readonly [number, number])[];
}

export interface SimulatedTicker {
  readonly openTime: Ms;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly last: number;
  readonly lastQuantity: number;
  readonly volume: number;
  readonly quoteVolume: number;
  readonly count: number;
  readonly firstId: number;
}

export interface SimulatedTrade {
  readonly id: number;
  readonly at: Ms;
  readonly price: number;
  readonly quantity: number;
  readonly side: 'buy' | 'sell';
}

export interface SimulatedLiquidation {
  readonly at: Ms;
  readonly side: 'long' | 'short';
  readonly price: number;
  readonly quantity: number;
  /** The trade that it is, where the venue's liquidations are trades. */
  readonly tradeId?: number | undefined;
}

export interface SimulatedCandle {
  readonly openTime: Ms;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly quoteVolume: number;
  readonly count: number;
  readonly takerBuyVolume: number;
  readonly takerBuyQuote: number;
  /** Id of its first trade. */
  readonly firstId: number;
}

export type { MarketRecord };
