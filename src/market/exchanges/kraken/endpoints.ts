import { z } from 'zod';
import type { EndpointTable, EndpointTool } from '../endpoint.ts';
import { choice, coin, count, depth, instrument, optionalInstrument } from '../shared/endpoint-fields.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import {
  all,
  allFunding,
  bars as futuresBars,
  book as futuresBook,
  flow as futuresFlow,
  fundingPaid,
  FUTURES_BARS,
  interest,
  listing,
  one,
  topMovers,
} from './endpoint-futures.ts';
import { canonicalPair } from './endpoint-shapes.ts';
import { assetList, bars, book, day, flow, pairs, several, spread, SPOT_BARS, status } from './endpoint-spot.ts';
import { oldCoin } from './wire.ts';
import { measure } from '../../domain/measure.ts';

const SPOT = 'Kraken spot.';
const FUTURES = 'Kraken futures (PF_ contracts are linear, PI_ inverse).';

/** Pairs in any of the venue's spellings: XBTUSD, XXBTZUSD, BTC/USD. */
const PAIR = /^[A-Za-z0-9]{2,12}(?:[/-]?[A-Za-z0-9]{2,12})?$/;
const pair = z
  .string()
  .regex(PAIR, 'must be a pair such as XBTUSD or BTC/USD')
  .default('XBTUSD')
  .transform(canonicalPair)
  .describe('Pair, as in XBTUSD, BTC/USD or BTCUSD (default XBTUSD)');
const anyPair = z
  .string()
  .regex(PAIR, 'must be a pair such as XBTUSD or BTC/USD')
  .transform(canonicalPair)
  .optional()
  .describe('Pair, as in XBTUSD, BTC/USD or BTCUSD; all when left out');
const somePairs = z
  .string()
  .max(300)
  .regex(
    /^[A-Za-z0-9/]{5,20}(?:,[A-Za-z0-9/]{5,20}){0,19}$/,
    'must be 1 to 20 pairs with commas between, such as XBTUSD,ETHUSD',
  )
  .default('XBTUSD,ETHUSD,SOLUSD')
  .describe('1 to 20 pairs with commas between (default XBTUSD,ETHUSD,SOLUSD)');
const symbol = instrument('PF_XBTUSD');
const entries = count(10, 50, 'Entries a list');
const ofPair = { symbol: 'pair', example: { pair: 'XBTUSD' } } as const;
const ofSymbol = { symbol: 'symbol', example: { symbol: 'PF_XBTUSD' } } as const;

type OfCoin = { readonly symbol: string };
const pairOf = ({ symbol: base }: OfCoin): string => `${base}USD`;
const perpetualOf = ({ symbol: base }: OfCoin): string => `PF_${oldCoin(base)}USD`;
const nothing = (): object => ({});

const snapshot = {
  spot: piece(day, nothing, pairOf),
  perpetual: piece(one, nothing, perpetualOf),
};
const basisFields = { ...conclusionFields, basis_bps: measure.basisPoints.nullable() };

/** Last price of the perpetual against that of spot, basis points. */
function basisOf(spot: number | null | undefined, future: number | null | undefined): number | null {
  return spot === null || spot === undefined || future === null || future === undefined
    ? null
    : (future / spot - 1) * 10_000;
}

const spotTools: readonly EndpointTool[] = [
  row({
    name: 'kraken_spot_ticker_tool',
    title: 'Kraken spot ticker',
    about: SPOT,
    ...day,
    fields: { pair },
    ...ofPair,
  }),
  row({
    name: 'kraken_all_spot_tickers_tool',
    title: 'Kraken spot tickers of several pairs',
    about: SPOT,
    ...several,
    fields: { pairs: somePairs },
    example: { pairs: 'XBTUSD,ETHUSD' },
  }),
  row({
    name: 'kraken_spot_orderbook_tool',
    title: 'Kraken spot order book',
    about: SPOT,
    ...book,
    fields: { pair, depth: depth(100, 500) },
    ...ofPair,
  }),
  row({
    name: 'kraken_spot_trades_tool',
    title: 'Kraken spot trades',
    about: SPOT,
    ...flow,
    fields: { pair, limit: count(100, 1000, 'Trades') },
    ...ofPair,
  }),
  row({
    name: 'kraken_spot_klines_tool',
    title: 'Kraken spot candles',
    about: `${SPOT} The venue gives its newest 720.`,
    ...bars,
    fields: { pair, interval: choice(SPOT_BARS, '1H', 'Length of a candle') },
    ...ofPair,
    example: { pair: 'XBTUSD', interval: '5m' },
  }),
  row({ name: 'kraken_spread_tool', title: 'Kraken spot spread', about: SPOT, ...spread, fields: { pair }, ...ofPair }),
  row({ name: 'kraken_assets_tool', title: 'Kraken assets', about: 'Kraken.', ...assetList, fields: {}, example: {} }),
  row({
    name: 'kraken_spot_pairs_tool',
    title: 'Kraken spot pairs',
    about: SPOT,
    ...pairs,
    fields: {
      info: choice(['info', 'leverage', 'fees', 'margin'], 'info', 'Which part of the facts; info has all'),
      pair: anyPair,
    },
    symbol: 'pair',
    example: { info: 'info', pair: 'XBTUSD' },
  }),
];

const futuresTools: readonly EndpointTool[] = [
  row({
    name: 'kraken_futures_ticker_tool',
    title: 'Kraken futures ticker',
    about: FUTURES,
    ...one,
    fields: { symbol },
    ...ofSymbol,
  }),
  row({
    name: 'kraken_all_futures_tickers_tool',
    title: 'Kraken tickers of all perpetuals',
    about: FUTURES,
    ...all,
    fields: {},
    example: {},
  }),
  row({
    name: 'kraken_futures_orderbook_tool',
    title: 'Kraken futures order book',
    about: FUTURES,
    ...futuresBook,
    fields: { symbol, depth: depth(100, 500) },
    ...ofSymbol,
  }),
  row({
    name: 'kraken_futures_trades_tool',
    title: 'Kraken futures trades',
    about: `${FUTURES} Liquidations are among them.`,
    ...futuresFlow,
    fields: { symbol, limit: count(100, 100, 'Trades') },
    ...ofSymbol,
  }),
  row({
    name: 'kraken_futures_klines_tool',
    title: 'Kraken futures candles',
    about: FUTURES,
    ...futuresBars,
    fields: { symbol, interval: choice(FUTURES_BARS, '1h', 'Length of a candle'), limit: count(100, 2000, 'Candles') },
    ...ofSymbol,
    example: { symbol: 'PF_XBTUSD', interval: '5m', limit: 60 },
  }),
  row({
    name: 'kraken_futures_instruments_tool',
    title: 'Kraken futures contracts',
    about: FUTURES,
    ...listing,
    fields: { symbol: optionalInstrument('all contracts') },
    ...ofSymbol,
  }),
  row({
    name: 'kraken_funding_rates_tool',
    title: 'Kraken funding of all perpetuals',
    about: FUTURES,
    ...allFunding,
    fields: {},
    example: {},
  }),
  row({
    name: 'kraken_open_interest_tool',
    title: 'Kraken open interest of all contracts',
    about: FUTURES,
    ...interest,
    fields: {},
    example: {},
  }),
];

const wholeTools: readonly EndpointTool[] = [
  row({
    name: 'kraken_system_status_tool',
    title: 'Kraken status',
    about: 'Kraken.',
    ...status,
    fields: {},
    example: {},
  }),
  row({
    name: 'kraken_top_movers_tool',
    title: 'Kraken top movers',
    about: 'Kraken perpetuals.',
    ...topMovers,
    fields: { limit: entries },
    example: { limit: 5 },
  }),
  composite({
    name: 'kraken_market_snapshot_tool',
    title: 'Kraken snapshot of a coin',
    description:
      'One coin on Kraken at a glance: the ticker of its USD pair and of its linear USD perpetual with funding, the basis between their last prices in basis points, and what follows from them. A part that cannot be had is null and named in missing.',
    fields: { symbol: coin('BTC') },
    pieces: snapshot,
    conclusion: basisFields,
    conclude: (p, args) => ({
      ...conclude(args.symbol, { ticker: p.perpetual ?? p.spot }),
      basis_bps: basisOf(p.spot?.last, p.perpetual?.last),
    }),
    summary: conclusionSummary,
    example: { symbol: 'BTC' },
  }),
  composite({
    name: 'kraken_full_analysis_tool',
    title: 'Kraken full analysis of a coin',
    description:
      'Everything that Kraken tells of one coin: the snapshot with its basis, the order book, trades, candles of 1 h and paid funding of the perpetual, and the spread of the pair, with signals (direction, value, rule), risks (level, value, rule) and a score from −1 to 1 that counts signals and is no probability. A part that cannot be had is null and named in missing.',
    fields: { symbol: coin('BTC') },
    pieces: {
      ...snapshot,
      order_book: piece(futuresBook, () => ({ depth: 50 }), perpetualOf),
      trades: piece(futuresFlow, () => ({ limit: 100 }), perpetualOf),
      candles: piece(futuresBars, () => ({ interval: '1h', limit: 60 }), perpetualOf),
      funding_history: piece(fundingPaid, () => ({ limit: 48 }), perpetualOf),
      spot_spread: piece(spread, nothing, pairOf),
    },
    conclusion: basisFields,
    conclude: (p, args) => ({
      ...conclude(args.symbol, {
        ticker: p.perpetual ?? p.spot,
        book: p.order_book,
        trades: p.trades,
        candles: p.candles,
        funding: p.funding_history,
      }),
      basis_bps: basisOf(p.spot?.last, p.perpetual?.last),
    }),
    summary: conclusionSummary,
    example: { symbol: 'BTC' },
  }),
];

/** What of Kraken's REST interfaces is served as tools. */
const table: EndpointTable = Object.freeze({
  exchange: 'kraken',
  tools: [...spotTools, ...futuresTools, ...wholeTools],
});

export default table;
