import type { Ms, Us } from '../../kit/clock.ts';

/** The ten streams. Each is one hot table; readers see one view per venue, market, symbol and stream. */
export const STREAMS = [
  'prices',
  'orderbooks',
  'trades',
  'mark_prices',
  'funding_rates',
  'open_interest',
  'ticker_24h',
  'candles',
  'liquidations',
  'option_summaries',
] as const;
export type Stream = (typeof STREAMS)[number];

export const MARKETS = ['futures', 'spot', 'oracle', 'options'] as const;
export type Market = (typeof MARKETS)[number];

/** `live` came from the stream as it happened (or from polling); `backfill` was fetched afterwards. */
export type Origin = 'live' | 'backfill';

/**
 * What every record carries. `event_time` is the venue's clock, `recv_time` ours, both UTC µs.
 * `symbol` is canonical: upper case, no separators, as in BTCUSDT (a dated contract keeps its suffix: BTCUSDT_260327).
 * A value that the venue did not give is null, never a default.
 */
export interface RecordBase {
  readonly exchange: string;
  readonly market: Market;
  readonly symbol: string;
  readonly event_time: Us;
  readonly recv_time: Us;
  /** The venue's sequence number where the stream has one. */
  readonly seq: number | null;
  readonly origin: Origin;
}

/**
 * Best bid and ask. `last_price` where the same message has it. Sizes in base units. An oracle says one price, which is
 * the `mid_price` here, and how far the truth may lie from it on either side; bid and ask are null then.
 */
export interface PriceRecord extends RecordBase {
  readonly stream: 'prices';
  readonly bid_price: number | null;
  readonly ask_price: number | null;
  readonly bid_qty: number | null;
  readonly ask_qty: number | null;
  readonly last_price: number | null;
  /** Only where the source gives a middle and no sides: an oracle. */
  readonly mid_price?: number | undefined;
  /** Half-width of the confidence interval about `mid_price`, quote units. */
  readonly confidence?: number | undefined;
}

/** `side` is the taker's. `trade_id` is the venue's (Binance: the aggregate's). */
export interface TradeRecord extends RecordBase {
  readonly stream: 'trades';
  readonly trade_id: string;
  readonly price: number;
  readonly quantity: number;
  readonly side: 'buy' | 'sell';
}

export interface MarkPriceRecord extends RecordBase {
  readonly stream: 'mark_prices';
  readonly mark_price: number;
  readonly index_price: number | null;
  /** The current (predicted) funding rate as a fraction per interval, where the message has it. */
  readonly funding_rate: number | null;
  readonly funding_interval_hours: number | null;
}

/** `funding_rate` is a fraction per `funding_interval_hours`. Settled history has `next_funding_time` null. */
export interface FundingRecord extends RecordBase {
  readonly stream: 'funding_rates';
  readonly funding_rate: number;
  readonly funding_interval_hours: number | null;
  readonly next_funding_time: Us | null;
}

/** In base units; `open_interest_usd` only where the venue gives it or price is in the same message. */
export interface OpenInterestRecord extends RecordBase {
  readonly stream: 'open_interest';
  readonly open_interest: number;
  readonly open_interest_usd: number | null;
}

/** Rolling 24 h. `price_change_pct` in percent (1.5 is 1.5 %). */
export interface TickerRecord extends RecordBase {
  readonly stream: 'ticker_24h';
  readonly volume_24h: number | null;
  readonly quote_volume_24h: number | null;
  readonly trade_count_24h: number | null;
  readonly high_24h: number | null;
  readonly low_24h: number | null;
  readonly open_24h: number | null;
  readonly last_price: number | null;
  readonly price_change: number | null;
  readonly price_change_pct: number | null;
  readonly vwap_24h: number | null;
}

/** Candle lengths that venues send. The desk collects `1m`; decoding alone meets the others. */
export const CANDLE_INTERVALS = [
  '1s',
  '1m',
  '3m',
  '5m',
  '15m',
  '30m',
  '1h',
  '2h',
  '4h',
  '6h',
  '8h',
  '12h',
  '1d',
  '3d',
  '1w',
  '1M',
] as const;
export type CandleInterval = (typeof CANDLE_INTERVALS)[number];

/** Half-open [open_time, close_time). `event_time` is when the venue said so; `closed` when it will not change again. */
export interface CandleRecord extends RecordBase {
  readonly stream: 'candles';
  readonly interval: CandleInterval;
  readonly open_time: Us;
  readonly close_time: Us;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly quote_volume: number | null;
  readonly trade_count: number | null;
  readonly taker_buy_volume: number | null;
  readonly taker_buy_quote: number | null;
  readonly closed: boolean;
}

/** `side` is the position's that was closed: a forced sell order closes a long. */
export interface LiquidationRecord extends RecordBase {
  readonly stream: 'liquidations';
  readonly side: 'long' | 'short';
  readonly price: number;
  readonly quantity: number;
}

/** Price and quantity in base units; quantity 0 removes the level. */
export type PriceLevel = readonly [price: number, quantity: number];

/**
 * An option as its venue values it. Prices of the option are in the instrument's quote (BTC for Deribit's inverse
 * options), those of the underlying and the strike in its price currency (USD). Volatilities are percent a year;
 * greeks are the venue's own: delta and gamma per unit of underlying, vega per point of volatility, theta per day,
 * rho per point of interest. OKX's are those of the price in the coin: delta F × d(V/F)/dF, gamma F² × its second
 * derivative, vega and theta in the coin.
 */
export interface OptionSummaryRecord extends RecordBase {
  readonly stream: 'option_summaries';
  readonly option_type: 'call' | 'put';
  readonly strike_price: number;
  readonly expiry_time: Us;
  readonly underlying_price: number | null;
  /** What the underlying price is of, as the venue names it: an index or a dated future. */
  readonly underlying: string | null;
  readonly mark_price: number | null;
  readonly mark_iv: number | null;
  readonly bid_price: number | null;
  readonly bid_qty: number | null;
  readonly bid_iv: number | null;
  readonly ask_price: number | null;
  readonly ask_qty: number | null;
  readonly ask_iv: number | null;
  readonly last_price: number | null;
  readonly open_interest: number | null;
  readonly delta: number | null;
  readonly gamma: number | null;
  readonly vega: number | null;
  readonly theta: number | null;
  readonly rho: number | null;
}

/** Levels as numbers in a row (price, quantity, price, quantity …), of each side those from its start up to its end. */
export interface FlatLevels {
  readonly values: Float64Array;
  readonly bidsStart: number;
  readonly bidsEnd: number;
  readonly asksStart: number;
  readonly asksEnd: number;
}

/**
 * A change of a book as the venue sent it; the book builder turns it into `orderbooks` rows.
 * `first_seq` and `prev_seq` are what the venue's sequence rule needs (Binance U and pu), else null.
 */
export interface BookRecord extends RecordBase {
  readonly stream: 'book';
  readonly kind: 'snapshot' | 'delta';
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  readonly first_seq: number | null;
  readonly prev_seq: number | null;
  /** The same levels in a row, where the decoder has them so: quicker to make and to apply. */
  readonly flat?: FlatLevels | undefined;
  /** Only where the venue sends a checksum of its book with the change. */
  readonly proof?: BookProof | undefined;
}

/** What a book is checked against after a change. Texts keep the digits that a number loses (0.10000000). */
export interface BookProof {
  /** Of the venue's best levels after this change; null where this change has none. */
  readonly checksum: number | null;
  /** Each level of `bids` and `asks`, in their order, as the venue's checksum reads it. */
  readonly bids: readonly string[];
  readonly asks: readonly string[];
}

/** Ten best levels of a valid book (NaN where there are fewer), best first. Derived by us from BookRecords. */
export interface OrderBookRecord extends RecordBase {
  readonly stream: 'orderbooks';
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  /** Σ quantity of all levels held, base units. */
  readonly total_bid_depth: number;
  readonly total_ask_depth: number;
}

/** What a decoder gives. */
export type MarketRecord =
  | PriceRecord
  | TradeRecord
  | MarkPriceRecord
  | FundingRecord
  | OpenInterestRecord
  | TickerRecord
  | CandleRecord
  | LiquidationRecord
  | OptionSummaryRecord
  | BookRecord;

/** What the store takes: every decoded record but book changes, and the books built from those. */
export type StoredRecord = Exclude<MarketRecord, BookRecord> | OrderBookRecord;

/** Where decoders and stages send what they make. */
export type RecordSink<R = MarketRecord> = (record: R) => void;

/** One series: a venue's market, a symbol, a stream. */
export interface SeriesKey {
  readonly exchange: string;
  readonly market: Market;
  readonly symbol: string;
  readonly stream: Stream;
}

/** `btcusdt_binance_futures_trades`: the name of the isolated view. */
export function viewName(key: SeriesKey): string {
  return `${key.symbol}_${key.exchange}_${key.market}_${key.stream}`.toLowerCase();
}

/** `binance_futures`: names a venue's market in options, logs and the simulator. */
export function marketKey(exchange: string, market: Market): string {
  return `${exchange}_${market}`;
}

export function msToUs(ms: Ms): Us {
  return ms * 1000;
}
