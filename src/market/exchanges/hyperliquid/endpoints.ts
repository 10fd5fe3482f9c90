import { z } from 'zod';
import type { EndpointTable, EndpointTool } from '../endpoint.ts';
import { choice, count, depth, instrument } from '../shared/endpoint-fields.ts';
import { sum } from '../shared/kinds/statistics.ts';
import { showTicker, type ShownTicker, type Ticker } from '../shared/kinds/ticker.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import { all, questions } from './endpoint-questions.ts';
import { mids, spotContexts, spotMeta } from './endpoint-spot.ts';
import { measure } from '../../domain/measure.ts';

const INTERVALS = ['1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '8h', '12h', '1d', '3d', '1w'] as const;

const coin = instrument('BTC');
const byCoin = { symbol: 'coin', example: { coin: 'BTC' } } as const;
const about = 'Hyperliquid perpetuals, quoted in USDC.';
const CONTEXTS = `${about} The venue tells mark and oracle price, no last price and no sides; the change is the mark’s.`;

const extreme = z.object({
  symbol: z.string(),
  funding_rate: measure.fundingRate,
  funding_annualised_pct: measure.percentYear,
});
const statsShape = z.object({
  perpetuals: measure.count,
  open_interest_usdc: z.number().describe('USDC').nullable(),
  volume_24h_usdc: z.number().describe('USDC').nullable(),
  rising: measure.count,
  falling: measure.count,
  funding_positive: measure.count,
  funding_negative: measure.count,
  funding_zero: measure.count,
  highest_funding: z.array(extreme),
  lowest_funding: z.array(extreme),
  largest: z.array(
    z.object({ symbol: z.string(), open_interest_usdc: z.number().describe('USDC'), share_pct: measure.percent }),
  ),
});
const EXTREMES = 5;

const stats = {
  kind: {
    name: 'exchange_stats',
    about: `All perpetuals together: open interest (at mark) and volume of 24 h in USDC, how many rise and fall over a day, how many pay positive, negative and no funding (fraction an hour), and the ${EXTREMES} highest and lowest fundings, a year in percent, and largest open interests with their share in percent.`,
    output: statsShape,
    derive: (list: readonly Ticker[]) => statsOf(list.map(showTicker)),
    summary: (data: z.infer<typeof statsShape>) =>
      `${data.perpetuals} perpetuals, open interest ${String(data.open_interest_usdc)} USDC.`,
  },
  endpoint: all,
};

function statsOf(shown: readonly ShownTicker[]): z.infer<typeof statsShape> {
  const fundings = shown
    .flatMap((t) =>
      t.funding_rate === null || t.funding_annualised_pct === null
        ? []
        : [{ symbol: t.symbol, funding_rate: t.funding_rate, funding_annualised_pct: t.funding_annualised_pct }],
    )
    .sort((a, b) => b.funding_rate - a.funding_rate);
  const interest = sum(shown.map((t) => t.open_interest_quote));
  const largest = shown
    .flatMap((t) => (t.open_interest_quote === null ? [] : [{ symbol: t.symbol, value: t.open_interest_quote }]))
    .sort((a, b) => b.value - a.value)
    .slice(0, EXTREMES);
  return {
    perpetuals: shown.length,
    open_interest_usdc: interest,
    volume_24h_usdc: sum(shown.map((t) => t.quote_volume_24h)),
    rising: shown.filter((t) => (t.change_24h_pct ?? 0) > 0).length,
    falling: shown.filter((t) => (t.change_24h_pct ?? 0) < 0).length,
    funding_positive: fundings.filter((f) => f.funding_rate > 0).length,
    funding_negative: fundings.filter((f) => f.funding_rate < 0).length,
    funding_zero: fundings.filter((f) => f.funding_rate === 0).length,
    highest_funding: fundings.slice(0, EXTREMES),
    lowest_funding: fundings.slice(-EXTREMES).reverse(),
    largest: largest.map(({ symbol, value }) => ({
      symbol,
      open_interest_usdc: value,
      share_pct: interest === null || interest === 0 ? 0 : (value / interest) * 100,
    })),
  };
}

type OfCoin = { readonly coin: string };
const nothing = (): object => ({});
const ofCoin = (input: OfCoin): string => input.coin;

const snapshotPieces = {
  ticker: piece(questions.ticker, nothing, ofCoin),
  order_book: piece(questions.book, () => ({ depth: 20 }), ofCoin),
};

const tools: readonly EndpointTool[] = [
  row({
    name: 'hyperliquid_meta',
    title: 'Hyperliquid perpetuals listed',
    about: `${about} Delisted ones are of status settled.`,
    ...questions.meta,
    fields: {},
    example: {},
  }),
  row({
    name: 'hyperliquid_all_mids',
    title: 'Hyperliquid mids',
    about: 'Hyperliquid.',
    ...mids,
    fields: {},
    example: {},
  }),
  row({
    name: 'hyperliquid_ticker',
    title: 'Hyperliquid 24 h ticker',
    about: CONTEXTS,
    ...questions.ticker,
    fields: { coin },
    ...byCoin,
  }),
  row({
    name: 'hyperliquid_all_tickers',
    title: 'Hyperliquid tickers of all',
    about: CONTEXTS,
    ...questions.tickers,
    fields: {},
    example: {},
  }),
  row({
    name: 'hyperliquid_orderbook',
    title: 'Hyperliquid order book',
    about,
    ...questions.book,
    fields: { coin, depth: depth(20, 20) },
    ...byCoin,
  }),
  row({
    name: 'hyperliquid_klines',
    title: 'Hyperliquid candles',
    about: `${about} Of the newest 5,000 candles of a length.`,
    ...questions.candles,
    fields: { coin, interval: choice(INTERVALS, '1h', 'Length of a candle'), limit: count(100, 500, 'Candles') },
    ...byCoin,
  }),
  row({
    name: 'hyperliquid_funding_rate',
    title: 'Hyperliquid funding',
    about: `${about} Paid every hour.`,
    ...questions.fundingPaid,
    fields: { coin, limit: count(100, 500, 'Payments, one an hour') },
    ...byCoin,
  }),
  row({
    name: 'hyperliquid_all_funding_rates',
    title: 'Hyperliquid funding of all',
    about,
    ...questions.funding,
    fields: {},
    example: {},
  }),
  row({
    name: 'hyperliquid_open_interest',
    title: 'Hyperliquid open interest',
    about: `${about} Values are at the mark price.`,
    ...questions.interest,
    fields: {},
    example: {},
  }),
  row({
    name: 'hyperliquid_top_movers',
    title: 'Hyperliquid top movers',
    about: CONTEXTS,
    ...questions.movers,
    fields: { limit: count(10, 50, 'Entries a list') },
    example: { limit: 5 },
  }),
  row({
    name: 'hyperliquid_exchange_stats',
    title: 'Hyperliquid as a whole',
    about,
    ...stats,
    fields: {},
    example: {},
  }),
  row({
    name: 'hyperliquid_spot_meta',
    title: 'Hyperliquid spot listed',
    about: 'Hyperliquid.',
    ...spotMeta,
    fields: {},
    example: {},
  }),
  row({
    name: 'hyperliquid_spot_meta_and_ctxs',
    title: 'Hyperliquid spot prices',
    about: 'Hyperliquid.',
    ...spotContexts,
    fields: {},
    example: {},
  }),
  composite({
    name: 'hyperliquid_market_snapshot',
    title: 'Hyperliquid snapshot of a coin',
    description:
      'One perpetual on Hyperliquid at a glance: its context and its order book (20 levels), and what follows from them. A part that cannot be had is null and named in missing.',
    fields: { coin },
    pieces: snapshotPieces,
    conclusion: conclusionFields,
    conclude: (p, args) => conclude(args.coin, { ticker: p.ticker, book: p.order_book }),
    summary: conclusionSummary,
    example: { coin: 'BTC' },
  }),
  composite({
    name: 'hyperliquid_full_analysis',
    title: 'Hyperliquid full analysis of a coin',
    description:
      'What Hyperliquid tells of one perpetual: the snapshot, last trades, candles of 1 h and paid funding, with signals (direction, value, rule), risks (level, value, rule) and a score from −1 to 1 that counts signals and is no probability. A part that cannot be had is null and named in missing.',
    fields: { coin },
    pieces: {
      ...snapshotPieces,
      trades: piece(questions.trades, () => ({ limit: 10 }), ofCoin),
      candles: piece(questions.candles, () => ({ interval: '1h', limit: 50 }), ofCoin),
      funding_history: piece(questions.fundingPaid, () => ({ limit: 48 }), ofCoin),
    },
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.coin, {
        ticker: p.ticker,
        book: p.order_book,
        trades: p.trades,
        candles: p.candles,
        funding: p.funding_history,
      }),
    summary: conclusionSummary,
    example: { coin: 'BTC' },
  }),
  row({
    name: 'hyperliquid_perpetuals',
    title: 'Hyperliquid perpetuals that trade',
    about,
    ...questions.trading,
    fields: {},
    example: {},
  }),
  row({
    name: 'hyperliquid_recent_trades',
    title: 'Hyperliquid trades',
    about: `${about} Over REST the venue serves its very last trades alone; more come from the collector when it runs.`,
    ...questions.trades,
    fields: { coin, limit: count(10, 500, 'Trades') },
    ...byCoin,
  }),
];

/** What of Hyperliquid's information endpoint is served as tools. */
const table: EndpointTable = Object.freeze({ exchange: 'hyperliquid', tools });

export default table;
