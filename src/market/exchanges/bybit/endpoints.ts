import { z } from 'zod';
import type { EndpointTable, EndpointTool } from '../endpoint.ts';
import { choice, coin, count, depth, instrument, optionalInstrument } from '../shared/endpoint-fields.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import { deliveries, optionChain } from './endpoint-options.ts';
import { funding, interestHistory, listing, marketQuestions, ratio } from './endpoint-questions.ts';
import { announcements, insurance, riskLimits, volatility } from './endpoint-special.ts';

const INTERVALS = ['1', '3', '5', '15', '30', '60', '120', '240', '360', '720', 'D', 'W', 'M'] as const;
const PERIODS = ['5min', '15min', '30min', '1h', '4h', '1d'] as const;
const VOLATILITY_DAYS = [7, 14, 21, 30, 60, 90, 180, 270] as const;

const spot = marketQuestions('spot');
const linear = marketQuestions('futures');
const symbol = instrument('BTCUSDT');
const of = (input: { readonly symbol: string }): string => input.symbol;
const nothing = (): Record<string, never> => ({});
const hourly = (limit: number) => () => ({ interval: '1h', period: '1h', limit });
const one = { symbol: 'BTCUSDT' };
const ofSymbol = { symbol: 'symbol', example: one } as const;
const days = z
  .number()
  .int()
  .min(Math.min(...VOLATILITY_DAYS))
  .max(Math.max(...VOLATILITY_DAYS))
  .refine((n) => VOLATILITY_DAYS.some((d) => d === n), `must be one of ${VOLATILITY_DAYS.join(', ')}`)
  .default(30)
  .describe(`Window, days: ${VOLATILITY_DAYS.join(', ')} (default 30)`);
const moverFields = {
  quote: coin('USDT').describe('Quote currency of the instruments compared (default USDT)'),
  limit: count(10, 50, 'Entries a list'),
};

const derivatives = {
  ticker: piece(linear.ticker, nothing, of),
  open_interest_history: piece(interestHistory, hourly(48), of),
  funding_history: piece(funding, () => ({ limit: 30 }), of),
  long_short_ratio: piece(ratio, hourly(24), of),
};

const tickerTool = (market: string, about: string, of: typeof spot): EndpointTool =>
  row({
    name: `bybit_${market}_ticker_tool`,
    title: `Bybit ${market} ticker`,
    about: `${about}.`,
    ...of.ticker,
    fields: { symbol },
    ...ofSymbol,
  });

const bookTool = (market: string, about: string, of: typeof spot, levels: ReturnType<typeof depth>): EndpointTool =>
  row({
    name: `bybit_${market}_orderbook_tool`,
    title: `Bybit ${market} order book`,
    about: `${about}.`,
    ...of.book,
    fields: { symbol, depth: levels },
    ...ofSymbol,
    example: { ...one, depth: 20 },
  });

const tools: readonly EndpointTool[] = [
  tickerTool('spot', 'Bybit spot', spot),
  bookTool('spot', 'Bybit spot', spot, depth(50, 200)),
  row({
    name: 'bybit_spot_trades_tool',
    title: 'Bybit spot trades',
    about: 'Bybit spot: the venue gives at most the last 60.',
    ...spot.trades,
    fields: { symbol, limit: count(60, 60, 'Trades') },
    ...ofSymbol,
    example: { ...one, limit: 50 },
  }),
  row({
    name: 'bybit_spot_klines_tool',
    title: 'Bybit spot candles',
    about: 'Bybit spot.',
    ...spot.candles,
    fields: {
      symbol,
      interval: choice(INTERVALS, '60', 'Length of a candle, minutes, or D, W, M'),
      limit: count(100, 1000, 'Candles'),
    },
    ...ofSymbol,
    example: { ...one, interval: '5', limit: 60 },
  }),
  row({
    name: 'bybit_all_spot_tickers_tool',
    title: 'Bybit spot movers',
    about: 'Bybit spot.',
    ...spot.movers,
    fields: moverFields,
    example: { limit: 5 },
  }),
  tickerTool('futures', 'Bybit linear futures', linear),
  bookTool('futures', 'Bybit linear futures', linear, depth(100, 500)),
  row({
    name: 'bybit_open_interest_tool',
    title: 'Bybit open interest history',
    about: 'Bybit linear futures; the last reading is the newest.',
    ...interestHistory,
    fields: {
      symbol,
      interval: choice(PERIODS, '1h', 'Distance of readings'),
      limit: count(48, 200, 'Readings'),
    },
    ...ofSymbol,
    example: { ...one, interval: '5min', limit: 24 },
  }),
  row({
    name: 'bybit_funding_rate_tool',
    title: 'Bybit funding history',
    about: 'Bybit linear futures.',
    ...funding,
    fields: { symbol, limit: count(50, 200, 'Payments') },
    ...ofSymbol,
    example: { ...one, limit: 20 },
  }),
  row({
    name: 'bybit_long_short_ratio_tool',
    title: 'Bybit long/short ratio',
    about: 'Bybit linear futures: share of accounts that hold longs and shorts.',
    ...ratio,
    fields: { symbol, period: choice(PERIODS, '1h', 'Length of a period'), limit: count(24, 500, 'Periods') },
    ...ofSymbol,
    example: { ...one, limit: 12 },
  }),
  row({
    name: 'bybit_historical_volatility_tool',
    title: 'Bybit historical volatility',
    ...volatility,
    fields: { base_coin: coin('BTC'), period: days },
    example: { base_coin: 'BTC' },
  }),
  row({
    name: 'bybit_insurance_fund_tool',
    title: 'Bybit insurance fund',
    about: 'Bybit.',
    ...insurance,
    fields: { coin: coin('USDT') },
    example: { coin: 'USDT' },
  }),
  row({
    name: 'bybit_all_perpetual_tickers_tool',
    title: 'Bybit futures movers',
    about: 'Bybit linear futures.',
    ...linear.movers,
    fields: moverFields,
    example: { limit: 5 },
  }),
  composite({
    name: 'bybit_derivatives_analysis_tool',
    title: 'Bybit derivatives analysis',
    description:
      'One Bybit linear contract: ticker with mark and funding, history of open interest and funding, account ratio, with signals (direction, value, rule) and risks (level, value, rule). A part that cannot be had is null and named in missing.',
    fields: { symbol },
    pieces: derivatives,
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, {
        ticker: p.ticker,
        interest: p.open_interest_history,
        funding: p.funding_history,
        ratios: p.long_short_ratio,
      }),
    summary: conclusionSummary,
    example: one,
  }),
  composite({
    name: 'bybit_market_snapshot_tool',
    title: 'Bybit futures snapshot',
    description:
      'One Bybit linear contract at a glance: ticker, order book of 50 levels, last 100 trades, open interest over a day and funding, with signals and risks. A part that cannot be had is null and named in missing.',
    fields: { symbol },
    pieces: {
      ticker: derivatives.ticker,
      order_book: piece(linear.book, () => ({ depth: 50 }), of),
      trades: piece(linear.trades, () => ({ limit: 100 }), of),
      open_interest_history: piece(interestHistory, hourly(24), of),
      funding_history: derivatives.funding_history,
    },
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, {
        ticker: p.ticker,
        book: p.order_book,
        trades: p.trades,
        interest: p.open_interest_history,
        funding: p.funding_history,
      }),
    summary: conclusionSummary,
    example: one,
  }),
  row({
    name: 'bybit_instruments_info_tool',
    title: 'Bybit instruments',
    about: 'Bybit linear futures or spot.',
    ...listing,
    fields: {
      category: choice(['linear', 'spot'], 'linear', 'Kind of instrument'),
      symbol: optionalInstrument('all'),
    },
    example: { category: 'linear', ...one },
  }),
  composite({
    name: 'bybit_options_overview_tool',
    title: 'Bybit options overview',
    description:
      'Options of a coin on Bybit: calls against puts by open interest and volume, the largest contracts with volatility and greeks, historical volatility, and past delivery prices. A part that cannot be had is null and named in missing.',
    fields: { base_coin: coin('BTC') },
    pieces: {
      chain: piece(
        optionChain,
        (input: { readonly base_coin: string }) => input,
        () => undefined,
      ),
      historical_volatility: piece(
        volatility,
        (input: { readonly base_coin: string }) => ({ ...input, period: 30 }),
        () => undefined,
      ),
      delivery_prices: piece(
        deliveries,
        (input: { readonly base_coin: string }) => input,
        () => undefined,
      ),
    },
    conclusion: { base: z.string() },
    conclude: (_pieces, args) => ({ base: args.base_coin }),
    summary: (c) => `Options of ${c.base}.`,
    example: { base_coin: 'BTC' },
  }),
  row({
    name: 'bybit_risk_limit_tool',
    title: 'Bybit risk limits',
    about: 'Bybit linear futures.',
    ...riskLimits,
    fields: {
      category: choice(['linear'], 'linear', 'Kind of contract'),
      symbol: optionalInstrument('the first contracts'),
    },
    ...ofSymbol,
  }),
  row({
    name: 'bybit_announcements_tool',
    title: 'Bybit announcements',
    ...announcements,
    fields: {
      locale: z
        .string()
        .regex(/^[a-z]{2}-[A-Za-z]{2,3}$/, 'must be a locale such as en-US')
        .default('en-US')
        .describe('Language, as in en-US (default en-US)'),
      limit: count(10, 50, 'Announcements'),
    },
    example: { limit: 5 },
  }),
  composite({
    name: 'bybit_full_market_analysis_tool',
    title: 'Bybit full analysis',
    description:
      'Everything that Bybit tells of one symbol in spot and linear futures: both tickers, books and candles, trades, open interest, funding and positions, with signals (direction, value, rule), risks and a score from −1 to 1 that counts signals and is no probability. A part that cannot be had is null and named in missing.',
    fields: { symbol },
    pieces: {
      ...derivatives,
      spot_ticker: piece(spot.ticker, nothing, of),
      spot_order_book: piece(spot.book, () => ({ depth: 50 }), of),
      order_book: piece(linear.book, () => ({ depth: 50 }), of),
      trades: piece(linear.trades, () => ({ limit: 500 }), of),
      candles: piece(linear.candles, () => ({ interval: '1', limit: 60 }), of),
    },
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, {
        ticker: p.ticker,
        book: p.order_book,
        trades: p.trades,
        candles: p.candles,
        interest: p.open_interest_history,
        funding: p.funding_history,
        ratios: p.long_short_ratio,
      }),
    summary: conclusionSummary,
    example: one,
  }),
];

/** What of Bybit's REST interface is served as tools. Read 2026-11-20. */
const table: EndpointTable = Object.freeze({ exchange: 'bybit', tools });

export default table;
