import type { EndpointTool } from '../endpoint.ts';
import { choice, count, depth, instrument, optionalInstrument } from '../shared/endpoint-fields.ts';
import { collectedLiquidations } from '../shared/liquidation-row.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import {
  bars,
  basisHistory,
  best,
  book,
  flow,
  funding,
  interest,
  interestHistory,
  INTERVALS,
  lastPrices,
  PERIODS,
  premium,
  ratios,
  takers,
  ticker,
} from './futures-questions.ts';

const symbol = instrument('BTCUSDT');
const ofSymbol = { symbol: 'symbol', example: { symbol: 'BTCUSDT' } } as const;
const anySymbol = optionalInstrument('all contracts');
const periodic = (fallback: number) => ({
  symbol,
  period: choice(PERIODS, '5m', 'Length of a period'),
  limit: count(fallback, 500, 'Periods'),
});
const of = (input: { readonly symbol: string }): string => input.symbol;
const about = 'Binance USD-M futures.';
const [nothing, recent] = [() => ({}), () => ({ period: '5m', limit: 30 })];

const snapshotPieces = {
  ticker: piece(ticker, nothing, of),
  open_interest: piece(interest, nothing, of),
  mark: piece(premium, nothing, of),
  quote: piece(best, nothing, of),
};

/** The 14 tools of Binance USD-M futures, and last prices. */
export const futuresTools: readonly EndpointTool[] = [
  row({
    name: 'binance_ticker_tool',
    aliases: ['binance_get_ticker'],
    title: 'Binance futures 24 h ticker',
    about,
    ...ticker,
    fields: { symbol: anySymbol },
    ...ofSymbol,
  }),
  row({
    name: 'binance_orderbook_tool',
    aliases: ['binance_get_orderbook'],
    title: 'Binance futures order book',
    about,
    ...book,
    fields: { symbol, depth: depth(100, 1000) },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', depth: 20 },
  }),
  row({
    name: 'binance_trades_tool',
    aliases: ['binance_get_trades'],
    title: 'Binance futures trades',
    about: 'Binance USD-M futures, aggregate trades.',
    ...flow,
    fields: { symbol, limit: count(500, 1000, 'Trades') },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', limit: 100 },
  }),
  row({
    name: 'binance_klines_tool',
    aliases: ['binance_get_klines'],
    title: 'Binance futures candles',
    about,
    ...bars,
    fields: {
      symbol,
      interval: choice(INTERVALS, '1m', 'Length of a candle'),
      limit: count(200, 1500, 'Candles'),
    },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', interval: '5m', limit: 60 },
  }),
  row({
    name: 'binance_open_interest_tool',
    aliases: ['binance_get_open_interest'],
    title: 'Binance futures open interest',
    about: 'Binance USD-M futures; without a symbol those of BTC, ETH, SOL and XRP.',
    ...interest,
    merge: (values) => values.flat(),
    each: ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT'],
    fields: { symbol: optionalInstrument('BTC, ETH, SOL and XRP against USDT') },
    ...ofSymbol,
  }),
  row({
    name: 'binance_open_interest_history_tool',
    aliases: ['binance_get_open_interest_history'],
    title: 'Binance futures open interest history',
    about: 'Binance USD-M futures, the last 30 days.',
    ...interestHistory,
    fields: periodic(200),
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', period: '5m', limit: 50 },
  }),
  row({
    name: 'binance_funding_rate_tool',
    aliases: ['binance_get_funding_rate'],
    title: 'Binance futures funding history',
    about,
    ...funding,
    fields: { symbol, limit: count(100, 1000, 'Payments') },
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', limit: 30 },
  }),
  row({
    name: 'binance_premium_index_tool',
    aliases: ['binance_get_premium_index'],
    title: 'Binance futures mark, index and funding',
    about,
    ...premium,
    fields: { symbol: anySymbol },
    ...ofSymbol,
  }),
  row({
    name: 'binance_long_short_ratio_tool',
    aliases: ['binance_get_long_short_ratio'],
    title: 'Binance futures long/short ratios',
    about:
      'Binance USD-M futures: all accounts, the top fifth of accounts by margin, and their positions; taker volume is in binance_taker_volume_tool.',
    ...ratios,
    fields: periodic(100),
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', period: '5m', limit: 30 },
  }),
  row({
    name: 'binance_taker_volume_tool',
    aliases: ['binance_get_taker_volume'],
    title: 'Binance futures taker volume',
    about,
    ...takers,
    fields: periodic(100),
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', period: '5m', limit: 30 },
  }),
  row({
    name: 'binance_basis_tool',
    aliases: ['binance_get_basis'],
    title: 'Binance futures basis',
    about: 'Binance USD-M perpetual futures.',
    ...basisHistory,
    fields: periodic(200),
    ...ofSymbol,
    example: { symbol: 'BTCUSDT', period: '5m', limit: 30 },
  }),
  collectedLiquidations({
    name: 'binance_liquidations_tool',
    aliases: ['binance_get_liquidations'],
    title: 'Binance futures liquidations',
    market: 'futures',
    why: 'Binance serves liquidation orders over REST only of your own account, with a key; its public stream tells at most one a second and contract.',
  }),
  row({
    name: 'binance_get_prices',
    title: 'Binance futures last prices',
    about,
    ...lastPrices,
    fields: { symbol: anySymbol },
    ...ofSymbol,
  }),
  composite({
    name: 'binance_snapshot_tool',
    aliases: ['binance_get_snapshot', 'binance_snapshot'],
    title: 'Binance futures snapshot',
    description:
      'One Binance USD-M contract at a glance: 24 h ticker, open interest, mark with index and funding, best bid and ask, and what follows from them: signals with a direction and their rules, risks with a level. A part that cannot be had is null and named in missing.',
    fields: { symbol },
    pieces: snapshotPieces,
    conclusion: conclusionFields,
    conclude: (p, args) => conclude(args.symbol, { ticker: p.ticker?.tickers[0], mark: p.mark?.marks[0] }),
    summary: conclusionSummary,
    example: { symbol: 'BTCUSDT' },
  }),
  composite({
    name: 'binance_full_analysis_tool',
    aliases: ['binance_get_full_analysis', 'binance_full_analysis'],
    title: 'Binance futures full analysis',
    description:
      'Everything that Binance tells of one USD-M contract: the snapshot, order book, positioning, taker volume, and history of open interest, funding and basis, with signals (direction, value, rule), risks (level, value, rule) and a score from −1 to 1 that counts signals and is no probability. A part that cannot be had is null and named in missing.',
    fields: { symbol },
    pieces: {
      ...snapshotPieces,
      order_book: piece(book, () => ({ depth: 50 }), of),
      long_short_ratio: piece(ratios, recent, of),
      taker_volume: piece(takers, recent, of),
      open_interest_history: piece(interestHistory, recent, of),
      funding_history: piece(funding, () => ({ limit: 30 }), of),
      basis: piece(basisHistory, recent, of),
    },
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, {
        ticker: p.ticker?.tickers[0],
        mark: p.mark?.marks[0],
        book: p.order_book,
        ratios: p.long_short_ratio,
        taker: p.taker_volume,
        interest: p.open_interest_history,
        funding: p.funding_history,
      }),
    summary: conclusionSummary,
    example: { symbol: 'BTCUSDT' },
  }),
];
