import type { Ms } from '../../kit/clock.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { Market } from '../domain/records.ts';

/** What a venue's folder tells the simulator, and what the simulated market tells it. */

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
