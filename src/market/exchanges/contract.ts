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
  /** Where the venue counts over seconds, so that a minute's weight at once is refused. */
  readonly restBurst?: { readonly weight: number; readonly perMs: Ms } | undefined;
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

export type { MarketRecord };
