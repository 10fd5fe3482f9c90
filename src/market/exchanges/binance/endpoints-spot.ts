import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { EndpointTool } from '../endpoint.ts';
import { choice, count, depth, instrument, optionalInstrument } from '../shared/endpoint-fields.ts';
import { instruments, type InstrumentFacts } from '../shared/kinds/instruments.ts';
import { ownKind } from '../shared/kinds/series.ts';
import { iso } from '../shared/kinds/statistics.ts';
import { ticker } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveTicker } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { moversOf, nameOf, newest, symbolOf, tradesOf } from '../shared/readings.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { decimal, decimalOrNull } from '../shared/shapes.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import { tickerOf, tickerWire, tradeWire } from './endpoint-shapes.ts';
import { CANDLE_INTERVALS } from '../../domain/records.ts';
import { parseBinanceInstruments } from './instruments.ts';
import { marketQuestions } from './market-questions.ts';
import { measure } from '../../domain/measure.ts';

const DOCS = 'https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints';
const WINDOWS = ['1m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '12h', '1d', '2d', '3d', '7d'] as const;

const oneTicker = (path: string, weight: number) =>
  endpoint({
    market: 'spot',
    docs: DOCS,
    request: (args: Readonly<Record<string, unknown>>, i) => ({
      path,
      query: { symbol: nameOf(i), windowSize: typeof args['window'] === 'string' ? args['window'] : undefined },
      weight,
    }),
    shape: tickerWire,
    read: (w, facts) => ({ value: tickerOf(w, facts), time: w.closeTime }),
  });

const day = { kind: ticker, live: liveTicker, endpoint: oneTicker('/api/v3/ticker/24hr', 2) };

const all = moversOf({
  endpoint: endpoint({
    market: 'spot',
    docs: DOCS,
    needsInstruments: true,
    request: (_args: unknown) => ({ path: '/api/v3/ticker/24hr', weight: 80 }),
    shape: z.array(tickerWire),
    read: (rows, facts) => ({
      value: rows.map((w) => tickerOf(w, facts)),
      time: newest(rows.map((w) => w.closeTime)),
    }),
  }),
});

const { book, aggregate, bars, lastPrices, best } = marketQuestions({
  market: 'spot',
  base: '/api/v3',
  docs: { depth: DOCS, aggTrades: DOCS, klines: DOCS, price: DOCS, bookTicker: DOCS },
  weightOf: {
    depth: (limit) => (limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250),
    aggTrades: 4,
    klines: () => 2,
    price: [2, 4],
    bookTicker: [2, 4],
  },
});

const recent = {
  kind: trades,
  endpoint: endpoint({
    market: 'spot',
    docs: DOCS,
    request: (args: { readonly limit: number }, i) => ({
      path: '/api/v3/trades',
      query: { symbol: nameOf(i), limit: args.limit },
      weight: 25,
    }),
    shape: tradeWire,
    read: (rows, facts) =>
      tradesOf(
        facts,
        rows.map((r) => ({
          id: String(r.id),
          time: r.time,
          price: r.price,
          size: r.qty,
          side: r.isBuyerMaker ? ('sell' as const) : ('buy' as const),
        })),
      ),
  }),
};

const averageShape = z.object({
  symbol: z.string(),
  minutes: measure.minutes,
  price: measure.price,
  last_trade_time: z.string().nullable(),
});
const average = {
  kind: ownKind<z.infer<typeof averageShape>>({
    name: 'average_price',
    about: 'Mean trade price of the last minutes, weighted by size, in the quote currency, and over how many minutes.',
    output: averageShape,
    summary: (d) => `${d.symbol} ${d.price} over ${d.minutes} min.`,
  }),
  endpoint: endpoint({
    market: 'spot',
    docs: DOCS,
    request: (_args: unknown, i) => ({ path: '/api/v3/avgPrice', query: { symbol: nameOf(i) }, weight: 2 }),
    shape: z.looseObject({ mins: z.number(), price: decimal, closeTime: decimalOrNull }),
    read: (w, { instrument: i }) => ({
      value: { symbol: symbolOf(i), minutes: w.mins, price: w.price, last_trade_time: iso(w.closeTime) },
      time: w.closeTime,
    }),
  }),
};

const listWire = z.looseObject({
  serverTime: decimalOrNull,
  symbols: z.array(z.looseObject({ symbol: z.string(), filters: z.array(z.looseObject({ filterType: z.string() })) })),
});
const listing = {
  kind: instruments,
  endpoint: endpoint({
    market: 'spot',
    docs: DOCS,
    request: (_args: unknown, i) => ({
      path: '/api/v3/exchangeInfo',
      query: { symbol: nameOf(i), showPermissionSets: 'false' },
      weight: 20,
    }),
    shape: listWire,
    read: (w) => {
      const rules = new Map(w.symbols.map((s) => [s.symbol, s.filters]));
      const listed = parseBinanceInstruments('spot', JSON.stringify(w));
      return { value: listed.map((i) => withLimits(i, rules.get(i.venue_symbol) ?? [])), time: w.serverTime };
    },
  }),
};

function withLimits(i: Instrument, filters: readonly Readonly<Record<string, unknown>>[]): InstrumentFacts {
  const value = (type: string, field: string): number | null => {
    const number = Number(filters.find((f) => f['filterType'] === type)?.[field]);
    return Number.isFinite(number) && number > 0 ? number : null;
  };
  return {
    ...i,
    min_size: value('LOT_SIZE', 'minQty'),
    max_size: value('LOT_SIZE', 'maxQty'),
    min_value: value('NOTIONAL', 'minNotional') ?? value('MIN_NOTIONAL', 'minNotional'),
  };
}

const symbol = instrument('BTCUSDT');
const ofSymbol = { symbol: 'symbol', example: { symbol: 'BTCUSDT' } } as const;
const anySymbol = optionalInstrument('all pairs');
const of = (input: { readonly symbol: string }): string => input.symbol;
const nothing = (): Record<string, never> => ({});
const about = 'Binance spot.';

/** The 13 tools of Binance spot. */
export const spotTools: readonly EndpointTool[] = [
  row({
    name: 'binance_spot_ticker_tool',
    title: 'Binance spot 24 h ticker',
    about,
    ...day,
    fields: { symbol },
    ...ofSymbol,
  }),
  row({
    name: 'binance_spot_price_tool',
    title: 'Binance spot last price',
    about,
    ...lastPrices,
    fields: { symbol: anySymbol },
    ...ofSymbol,
  }),
  row({
    name: 'binance_spot_orderbook_tool',
    title: 'Binance spot order book',
    about,
    ...book,
    fields: { symbol, depth: depth(100, 5000) },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', depth: 20 },
  }),
  row({
    name: 'binance_spot_trades_tool',
    title: 'Binance spot trades',
    about: `${about} Single trades; aggregates are in binance_spot_agg_trades_tool.`,
    ...recent,
    fields: { symbol, limit: count(500, 1000, 'Trades') },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', limit: 100 },
  }),
  row({
    name: 'binance_spot_klines_tool',
    title: 'Binance spot candles',
    about,
    ...bars,
    fields: {
      symbol,
      interval: choice(CANDLE_INTERVALS, '1h', 'Length of a candle'),
      limit: count(100, 1000, 'Candles'),
    },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', interval: '5m', limit: 60 },
  }),
  row({
    name: 'binance_spot_avg_price_tool',
    title: 'Binance spot average price',
    about,
    ...average,
    fields: { symbol },
    ...ofSymbol,
  }),
  row({
    name: 'binance_spot_book_ticker_tool',
    title: 'Binance spot best bid and ask',
    about,
    ...best,
    fields: { symbol: anySymbol },
    ...ofSymbol,
  }),
  row({
    name: 'binance_spot_agg_trades_tool',
    title: 'Binance spot aggregate trades',
    about: `${about} Trades of one taker order at one price are one.`,
    ...aggregate,
    fields: { symbol, limit: count(500, 1000, 'Aggregate trades') },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', limit: 100 },
  }),
  row({
    name: 'binance_spot_exchange_info_tool',
    title: 'Binance spot trading rules',
    about,
    ...listing,
    fields: { symbol: anySymbol },
    ...ofSymbol,
  }),
  row({
    name: 'binance_spot_rolling_ticker_tool',
    title: 'Binance spot statistics of a window',
    about: `${about} The fields named 24h are of the window asked for.`,
    kind: ticker,
    endpoint: oneTicker('/api/v3/ticker', 4),
    fields: { symbol, window: choice(WINDOWS, '1d', 'Length of the window') },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', window: '1h' },
  }),
  row({
    name: 'binance_spot_all_tickers_tool',
    title: 'Binance spot movers',
    about,
    ...all,
    fields: {
      quote: z
        .string()
        .regex(/^[A-Za-z0-9]{1,12}$/)
        .transform((text) => text.toUpperCase())
        .default('USDT')
        .describe('Quote currency of the pairs compared (default USDT)'),
      limit: count(10, 50, 'Entries a list'),
    },
    example: { limit: 5 },
  }),
  composite({
    name: 'binance_spot_snapshot_tool',
    title: 'Binance spot snapshot',
    description:
      'One Binance spot pair at a glance: 24 h ticker, last price, best bid and ask, order book of 20 levels and average price, with signals (direction, value, rule). A part that cannot be had is null and named in missing.',
    fields: { symbol },
    pieces: {
      ticker: piece(day, nothing, of),
      last_price: piece(lastPrices, nothing, of),
      quote: piece(best, nothing, of),
      order_book: piece(book, () => ({ depth: 20 }), of),
      average_price: piece(average, nothing, of),
    },
    conclusion: conclusionFields,
    conclude: (p, args) => conclude(args.symbol, { ticker: p.ticker, book: p.order_book }),
    summary: conclusionSummary,
    example: { symbol: 'BTCUSDT' },
  }),
  composite({
    name: 'binance_spot_full_analysis_tool',
    title: 'Binance spot full analysis',
    description:
      'Everything that Binance tells of one spot pair: 24 h ticker, order book, trade flow, candles and average price, with signals (direction, value, rule) and a score from −1 to 1 that counts signals and is no probability. A part that cannot be had is null and named in missing.',
    fields: { symbol },
    pieces: {
      ticker: piece(day, nothing, of),
      order_book: piece(book, () => ({ depth: 100 }), of),
      trades: piece(aggregate, () => ({ limit: 500 }), of),
      candles: piece(bars, () => ({ interval: '1m', limit: 60 }), of),
      average_price: piece(average, nothing, of),
    },
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, { ticker: p.ticker, book: p.order_book, trades: p.trades, candles: p.candles }),
    summary: conclusionSummary,
    example: { symbol: 'BTCUSDT' },
  }),
];
