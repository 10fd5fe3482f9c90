/**
 * Recorded frames that our decoders need not read, because the wire they were recorded on is no longer served, or is
 * another market's. Each names its evidence. Everything else in the recordings has to decode.
 */
export interface Exemption {
  readonly venue: string;
  readonly what: string;
  readonly evidence: string;
  /** True for a parsed frame that the exemption covers. */
  readonly covers: (frame: any) => boolean;
}

const topicOf = (frame: any): string => String(frame?.topic ?? '').split('.')[0] ?? '';

const V2_TOPICS = new Set(['orderBookL2_25', 'orderBook_200', 'instrument_info', 'candle', 'klineV2', 'realtimes']);
const SPOT_V1_TOPICS = new Set(['depth', 'bookTicker', 'diffDepth', 'mergedDepth']);

export const EXEMPTIONS: readonly Exemption[] = [
  {
    venue: 'bybit',
    what: 'WebSocket v2 (realtime_public): books, instrument info, candles',
    evidence: 'stream.bybit.com/realtime and /realtime_public were retired for v5; v5 has no such topics',
    covers: (frame) => V2_TOPICS.has(topicOf(frame)),
  },
  {
    venue: 'bybit',
    what: 'WebSocket v2 trades: topic trade.{symbol} with rows {symbol, side, size, price, trade_id}',
    evidence: 'v5 calls the topic publicTrade.{symbol} and its fields T, s, S, v, p, i',
    covers: (frame) => topicOf(frame) === 'trade' && frame.data?.[0]?.s === undefined,
  },
  {
    venue: 'bybit',
    what: 'spot WebSocket v1 and v2: messages with params and without ts',
    evidence: 'stream.bybit.com/spot/quote/ws was retired for v5/public/spot',
    covers: (frame) =>
      frame?.params !== undefined && (SPOT_V1_TOPICS.has(topicOf(frame)) || topicOf(frame) === 'trade'),
  },
  {
    venue: 'bybit',
    what: 'REST v2 and spot v1 answers (ret_code instead of retCode)',
    evidence: '/v2/public, /public/linear and /spot/quote/v1 were retired for /v5/market',
    covers: (frame) => frame?.ret_code !== undefined && frame?.retCode === undefined,
  },
  {
    venue: 'binance',
    what: 'coin-margined contracts: open interest (trades, books, marks and liquidations are converted)',
    evidence: 'contracts of 100 or 10 USD; the message tells no price by which they would be base units',
    covers: (frame) =>
      /usd_/i.test(String(frame?.stream ?? frame?.symbol)) &&
      (frame?.data?.openInterest !== undefined || frame?.openInterest !== undefined),
  },
  {
    venue: 'binance',
    what: 'event ticker_all of options',
    evidence:
      'tells of a coin (BTCUSDT, c and p), of no option: it is counted as control, as Binance has no such event now',
    covers: (frame) => frame?.data?.e === 'ticker_all',
  },
  {
    venue: 'okx',
    what: 'WebSocket v3 (real.okex.com): messages with table',
    evidence: 'v3 was retired for v5, whose messages have arg and data',
    covers: (frame) => frame?.table !== undefined,
  },
  {
    venue: 'okx',
    what: 'channel liquidations marked as generated',
    evidence: 'made by the recorder from REST answers; the venue has liquidation-orders',
    covers: (frame) => frame?.arg?.generated === true,
  },
  {
    venue: 'okx',
    what: 'messages of books without an action',
    evidence: 'shortened by hand; the channel always says snapshot or update (recorded frames of 2022, documentation)',
    covers: (frame) => frame?.arg?.channel === 'books' && frame.data !== undefined && frame.action === undefined,
  },
  {
    venue: 'gateio',
    what: 'WebSocket v3 (ws.gate.io/v3): messages with method',
    evidence: 'v3 was retired for v4, whose messages have channel, event and result',
    covers: (frame) => frame?.method !== undefined,
  },
  {
    venue: 'gateio',
    what: 'event snapshot of order_book_update',
    evidence: 'made by the recorder from REST answers (generated: true); the venue has no such event',
    covers: (frame) => frame?.generated === true,
  },
  {
    venue: 'gateio',
    what: 'spot.candlesticks without the base volume a',
    evidence: 'recorded in 2021, when the channel told the quote volume alone; since 2022 it tells both',
    covers: (frame) =>
      frame?.channel === 'spot.candlesticks' && frame.event === 'update' && frame.result?.a === undefined,
  },
  {
    venue: 'gateio',
    what: 'REST statistics of contracts and books without an id, of which the answer does not tell the contract',
    evidence: 'crypto-msg-parser asserts their symbol as NONE; open interest over REST is in contracts',
    covers: (frame) => Array.isArray(frame) && frame[0]?.lsr_account !== undefined,
  },
  {
    venue: 'kraken',
    what: 'futures tickers of contracts without a bid and an ask',
    evidence: 'the venue writes 0 for none (a market about to open); a price of 0 is not passed on, the reference does',
    covers: (frame) => frame?.feed === 'ticker' && frame.bid === 0 && frame.ask === 0,
  },
  {
    venue: 'kucoin',
    what: 'level 3 (single orders) and candles of futures over the socket',
    evidence: 'orders are none of our streams; candles tell turnover as volume, REST has them in contracts',
    covers: (frame) => /^\/(spotMarket\/level3|contractMarket\/(level3v2|candle|limitCandle)):/.test(frame?.topic),
  },
  {
    venue: 'kucoin',
    what: 'topics level2Snapshot and /contract/details',
    evidence: 'made by the recorder from REST answers (generated: true); the venue has no such topics',
    covers: (frame) => frame?.generated === true,
  },
];

export function exemptionOf(venue: string, frame: unknown): Exemption | undefined {
  return EXEMPTIONS.find((exemption) => exemption.venue === venue && exemption.covers(frame));
}

/** A literal of a reference that our records do not repeat, because it is wrong or says something else. */
export interface Deviation {
  readonly venue: string;
  readonly evidence: string;
  readonly covers: (literal: {
    readonly kind: string;
    readonly test: string;
    readonly expression: string;
    readonly frame: any;
  }) => boolean;
}

/** Of crypto-msg-parser. What is neither here nor exempt has to match. */
export const DEVIATIONS: readonly Deviation[] = [
  {
    venue: 'binance',
    evidence:
      'trade_all of options tells trades of the last quarter of an hour: each has its own time, not the message’s',
    covers: ({ expression, frame }) => frame.data?.e === 'trade_all' && expression === 'extract_timestamp',
  },
  {
    venue: 'deribit',
    evidence: 'best_bid_amount of inverse contracts is USD already (docs.deribit.com, quote); it is taken times 10',
    covers: ({ kind, expression, frame }) =>
      kind === 'bbo' && /quantity_(base|quote)/.test(expression) && /^BTC-/.test(frame.params.data.instrument_name),
  },
  {
    venue: 'deribit',
    evidence: 'tick begins the candle, as in get_tradingview_chart_data; it is taken for the end, and as the time',
    covers: ({ kind, expression }) => kind === 'candlestick' && /begin_time|timestamp/.test(expression),
  },
  {
    venue: 'gateio',
    evidence: 'a size of 0 does not say its side, so that the level goes from both; the reference puts it on one',
    covers: ({ kind, test, expression }) =>
      kind === 'l2_event' && test === 'linear_future_update' && /^orderbook\.(bids|asks)/.test(expression),
  },
  {
    venue: 'gateio',
    evidence: 'REST books tell when they last changed (update) and when they were asked (current): ours is the change',
    covers: ({ frame, expression }) => frame.current !== undefined && expression === 'extract_timestamp',
  },
  {
    venue: 'kraken',
    evidence: 'a snapshot of trades comes newest first; ours are oldest first, and the reference asserts its first',
    covers: ({ frame, expression }) => frame.feed === 'trade_snapshot' && expression.startsWith('trade.'),
  },
];

export function deviationOf(venue: string, literal: Parameters<Deviation['covers']>[0]): Deviation | undefined {
  return DEVIATIONS.find((deviation) => deviation.venue === venue && deviation.covers(literal));
}
