import type { EndpointTable, EndpointTool } from '../endpoint.ts';
import { choice, coin, count, depth, instrument, optionalInstrument } from '../shared/endpoint-fields.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import * as futures from './endpoint-futures.ts';
import * as rates from './endpoint-futures-rates.ts';
import * as spot from './endpoint-spot.ts';
import { SPOT_BARS } from './wire.ts';

const SPOT = 'KuCoin spot.';
const FUTURES = 'KuCoin futures, sizes in base units (the venue counts contracts).';
const SPOT_NAMES = Object.keys(SPOT_BARS) as [keyof typeof SPOT_BARS, ...(keyof typeof SPOT_BARS)[]];

const pair = instrument('BTC-USDT');
const symbol = instrument('XBTUSDTM');
const ofPair = { symbol: 'symbol', example: { symbol: 'BTC-USDT' } } as const;
const ofSymbol = { symbol: 'symbol', example: { symbol: 'XBTUSDTM' } } as const;
const entries = count(10, 50, 'Entries a list');
const quote = coin('USDT').describe('Quote currency of the instruments compared (default USDT)');

type OfCoin = { readonly symbol: string };
const coinSymbol = ({ symbol: base }: OfCoin): string => `${base}USDT`;
const nothing = (): object => ({});

const snapshot = {
  spot: piece(spot.day, nothing, coinSymbol),
  perpetual: piece(futures.one, nothing, coinSymbol),
  order_book: piece(futures.book, () => ({ depth: 50 }), coinSymbol),
  funding: piece(rates.funding, nothing, coinSymbol),
};

const spotTools: readonly EndpointTool[] = [
  row({
    name: 'kucoin_spot_ticker_tool',
    title: 'KuCoin spot 24 h ticker',
    about: SPOT,
    ...spot.day,
    fields: { symbol: pair },
    ...ofPair,
  }),
  row({
    name: 'kucoin_all_spot_tickers_tool',
    title: 'KuCoin tickers of all pairs',
    about: SPOT,
    ...spot.all,
    fields: {},
    example: {},
  }),
  row({
    name: 'kucoin_spot_best_prices_tool',
    title: 'KuCoin spot best bid and ask',
    about: SPOT,
    ...spot.best,
    fields: { symbol: pair },
    ...ofPair,
  }),
  row({
    name: 'kucoin_spot_orderbook_tool',
    title: 'KuCoin spot order book',
    about: `${SPOT} The whole book needs a key: the public one has 100 levels a side.`,
    ...spot.book,
    fields: { symbol: pair, depth: depth(100, 100) },
    ...ofPair,
  }),
  row({
    name: 'kucoin_spot_trades_tool',
    title: 'KuCoin spot trades',
    about: `${SPOT} The venue gives the last 100.`,
    ...spot.flow,
    fields: { symbol: pair, limit: count(100, 100, 'Trades') },
    ...ofPair,
  }),
  row({
    name: 'kucoin_spot_klines_tool',
    title: 'KuCoin spot candles',
    about: SPOT,
    ...spot.bars,
    fields: {
      symbol: pair,
      interval: choice(SPOT_NAMES, '1hour', 'Length of a candle'),
      limit: count(100, 1500, 'Candles'),
    },
    ...ofPair,
    example: { symbol: 'BTC-USDT', interval: '5min', limit: 60 },
  }),
  row({
    name: 'kucoin_spot_symbols_tool',
    title: 'KuCoin spot pairs',
    about: SPOT,
    ...spot.listing,
    fields: { symbol: optionalInstrument('all pairs') },
    ...ofPair,
  }),
  row({
    name: 'kucoin_currencies_tool',
    title: 'KuCoin currencies',
    about: 'KuCoin.',
    ...spot.currencies,
    fields: {},
    example: {},
  }),
  row({
    name: 'kucoin_market_list_tool',
    title: 'KuCoin sections of the market',
    about: SPOT,
    ...spot.sections,
    fields: {},
    example: {},
  }),
  row({
    name: 'kucoin_spot_top_movers_tool',
    title: 'KuCoin spot top movers',
    about: SPOT,
    ...spot.topMovers,
    fields: { quote, limit: entries },
    example: { limit: 5 },
  }),
];

const futuresTools: readonly EndpointTool[] = [
  row({
    name: 'kucoin_futures_ticker_tool',
    title: 'KuCoin futures ticker',
    about: FUTURES,
    ...futures.one,
    fields: { symbol },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_all_futures_tickers_tool',
    title: 'KuCoin tickers of all contracts',
    about: FUTURES,
    ...futures.all,
    fields: {},
    example: {},
  }),
  row({
    name: 'kucoin_futures_orderbook_tool',
    title: 'KuCoin futures order book',
    about: FUTURES,
    ...futures.book,
    fields: { symbol, depth: depth(100, 500) },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_futures_trades_tool',
    title: 'KuCoin futures trades',
    about: `${FUTURES} The venue gives the last 100.`,
    ...futures.flow,
    fields: { symbol, limit: count(100, 100, 'Trades') },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_futures_klines_tool',
    title: 'KuCoin futures candles',
    about: FUTURES,
    ...futures.bars,
    fields: {
      symbol,
      interval: choice(futures.FUTURES_BARS, '60', 'Length of a candle, minutes'),
      limit: count(100, 500, 'Candles'),
    },
    ...ofSymbol,
    example: { symbol: 'XBTUSDTM', interval: '5', limit: 60 },
  }),
  row({
    name: 'kucoin_futures_contracts_tool',
    title: 'KuCoin futures contracts',
    about: FUTURES,
    ...futures.listing,
    fields: { symbol: optionalInstrument('all contracts') },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_funding_rate_tool',
    title: 'KuCoin funding rate',
    about: 'KuCoin futures: the rate that is paid next.',
    ...rates.funding,
    fields: { symbol },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_funding_rate_history_tool',
    title: 'KuCoin funding history',
    about: 'KuCoin futures.',
    ...rates.fundingPaid,
    fields: { symbol, limit: count(50, 100, 'Payments') },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_mark_price_tool',
    title: 'KuCoin mark and index price',
    about: 'KuCoin futures; over REST funding is in kucoin_funding_rate_tool.',
    ...rates.markNow,
    fields: { symbol },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_open_interest_tool',
    title: 'KuCoin open interest',
    about: 'KuCoin futures.',
    ...futures.interest,
    fields: { symbol: optionalInstrument('all contracts') },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_premium_index_tool',
    title: 'KuCoin premium index',
    about: 'KuCoin futures.',
    ...rates.premium,
    fields: { symbol, limit: count(60, 100, 'Minutes') },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_index_price_tool',
    title: 'KuCoin index price and its parts',
    about: 'KuCoin futures.',
    ...rates.index,
    fields: { symbol },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_risk_limits_tool',
    title: 'KuCoin risk limits',
    about: 'KuCoin futures.',
    ...futures.risk,
    fields: { symbol },
    ...ofSymbol,
  }),
  row({
    name: 'kucoin_top_movers_tool',
    title: 'KuCoin futures top movers',
    about: FUTURES,
    ...futures.topMovers,
    fields: { quote, limit: entries },
    example: { limit: 5 },
  }),
];

const wholeTools: readonly EndpointTool[] = [
  row({
    name: 'kucoin_system_status_tool',
    title: 'KuCoin status',
    about: 'KuCoin.',
    ...spot.status,
    fields: {},
    example: {},
  }),
  composite({
    name: 'kucoin_market_snapshot_tool',
    title: 'KuCoin snapshot of a coin',
    description:
      'One coin on KuCoin at a glance: the tickers of its USDT pair and perpetual, the order book of the perpetual (50 levels) and its funding with mark and index, and what follows from them. A part that cannot be had is null and named in missing.',
    fields: { symbol: coin('BTC') },
    pieces: snapshot,
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, { ticker: p.perpetual ?? p.spot, book: p.order_book, mark: p.funding?.marks[0] }),
    summary: conclusionSummary,
    example: { symbol: 'BTC' },
  }),
  composite({
    name: 'kucoin_full_analysis_tool',
    title: 'KuCoin full analysis of a coin',
    description:
      'Everything that KuCoin tells of one coin: the snapshot, and trades, candles of 1 h, paid funding and premium index of its USDT perpetual, with signals (direction, value, rule), risks (level, value, rule) and a score from −1 to 1 that counts signals and is no probability. A part that cannot be had is null and named in missing.',
    fields: { symbol: coin('BTC') },
    pieces: {
      ...snapshot,
      trades: piece(futures.flow, () => ({ limit: 100 }), coinSymbol),
      candles: piece(futures.bars, () => ({ interval: '60', limit: 60 }), coinSymbol),
      funding_history: piece(rates.fundingPaid, () => ({ limit: 30 }), coinSymbol),
      premium_index: piece(rates.premium, () => ({ limit: 60 }), coinSymbol),
    },
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, {
        ticker: p.perpetual ?? p.spot,
        book: p.order_book,
        mark: p.funding?.marks[0],
        trades: p.trades,
        candles: p.candles,
        funding: p.funding_history,
      }),
    summary: conclusionSummary,
    example: { symbol: 'BTC' },
  }),
];

/** What of KuCoin's REST interfaces is served as tools. */
const table: EndpointTable = Object.freeze({
  exchange: 'kucoin',
  tools: [...spotTools, ...futuresTools, ...wholeTools],
});

export default table;
