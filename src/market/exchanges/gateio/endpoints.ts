import { z } from 'zod';
import type { EndpointTable, EndpointTool } from '../endpoint.ts';
import { choice, coin, count, depth, optionalInstrument, requiredInstrument } from '../shared/endpoint-fields.ts';
import { instruments } from '../shared/kinds/instruments.ts';
import { endpoint } from '../shared/question.ts';
import { nameOf } from '../shared/readings.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { decimalOrNull } from '../shared/shapes.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import { datedTools } from './endpoint-options.ts';
import {
  all,
  allFunding,
  bars,
  book,
  DOCS,
  flow,
  forced,
  fundingPaid,
  FUTURES,
  one,
  topMovers,
} from './endpoint-questions.ts';
import { fund, interestHistory, ratios, stats, tiers } from './endpoint-statistics.ts';
import { parseGateInstruments } from './instruments.ts';

const INTERVALS = ['1m', '5m', '15m', '30m', '1h', '4h', '8h', '1d', '7d'] as const;
const PERIODS = ['5m', '1h', '1d'] as const;

const about = 'Gate.io, USDT-settled perpetual futures.';
/** Contracts settled in coins are another market. */
const settle = z.enum(['usdt']).default('usdt').describe('Settlement: usdt, the only one served (default usdt)');
const contract = requiredInstrument('BTC_USDT');
const ofContract = { symbol: 'contract', example: { contract: 'BTC_USDT' } } as const;
const settled = { fields: { settle }, example: {} };

const contractWire = z.looseObject({
  name: z.string(),
  leverage_max: decimalOrNull,
  order_size_max: decimalOrNull,
  order_size_min: decimalOrNull,
});

const listQuestion = (path: (name: string | undefined) => string) => ({
  kind: instruments,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#list-all-futures-contracts`,
    request: (_args: unknown, i) => ({ path: path(nameOf(i)), weight: 1 }),
    shape: z.union([z.array(contractWire), contractWire.transform((one) => [one])]),
    read: (rows) => {
      const list = parseGateInstruments('futures', JSON.stringify(rows));
      const limits = new Map(rows.map((w) => [w.name, w]));
      return {
        value: list.map((i) => {
          const w = limits.get(i.venue_symbol);
          const inBase = (size: number | null): number | null =>
            size === null || i.contract_size === null || i.inverse ? null : size * i.contract_size;
          return {
            ...i,
            min_size: inBase(w?.order_size_min ?? null),
            max_size: inBase(w?.order_size_max ?? null),
            max_leverage: w?.leverage_max ?? null,
          };
        }),
        time: null,
      };
    },
  }),
});

type OfCoin = { readonly symbol: string };
const contractOf = ({ symbol }: OfCoin): string => `${symbol}_USDT`;
const nothing = (): object => ({});
const lately = (): { interval: string; limit: number } => ({ interval: '1h', limit: 24 });

const snapshotPieces = {
  ticker: piece(one, nothing, contractOf),
  funding: piece(allFunding, nothing, contractOf),
  contract_stats: piece(stats, lately, contractOf),
  order_book: piece(book, () => ({ depth: 50 }), contractOf),
};

const futuresTools: readonly EndpointTool[] = [
  row({
    name: 'gateio_futures_contracts',
    title: 'Gate.io futures contracts',
    about,
    ...listQuestion(() => `${FUTURES}/contracts`),
    ...settled,
  }),
  row({
    name: 'gateio_futures_contract',
    title: 'Gate.io futures contract',
    about,
    ...listQuestion((name) => `${FUTURES}/contracts/${name ?? ''}`),
    fields: { contract, settle },
    ...ofContract,
  }),
  row({
    name: 'gateio_futures_ticker',
    title: 'Gate.io futures ticker',
    about,
    ...one,
    fields: { contract, settle },
    ...ofContract,
  }),
  row({ name: 'gateio_all_futures_tickers', title: 'Gate.io tickers of all futures', about, ...all, ...settled }),
  row({
    name: 'gateio_futures_orderbook',
    title: 'Gate.io futures order book',
    about,
    ...book,
    fields: { contract, settle, depth: depth(50, 100) },
    ...ofContract,
  }),
  row({
    name: 'gateio_futures_trades',
    title: 'Gate.io futures trades',
    about,
    ...flow,
    fields: { contract, settle, limit: count(100, 1000, 'Trades') },
    ...ofContract,
  }),
  row({
    name: 'gateio_futures_klines',
    title: 'Gate.io futures candles',
    about,
    ...bars,
    fields: {
      contract,
      settle,
      interval: choice(INTERVALS, '1h', 'Length of a candle'),
      limit: count(100, 1000, 'Candles'),
    },
    ...ofContract,
  }),
  row({
    name: 'gateio_funding_rate',
    title: 'Gate.io funding history',
    about,
    ...fundingPaid,
    fields: { contract, settle, limit: count(100, 1000, 'Payments') },
    ...ofContract,
  }),
  row({ name: 'gateio_all_funding_rates', title: 'Gate.io funding of all', about, ...allFunding, ...settled }),
  row({
    name: 'gateio_contract_stats',
    title: 'Gate.io contract statistics',
    about,
    ...stats,
    fields: {
      contract,
      settle,
      interval: choice(PERIODS, '1h', 'Length of a period'),
      limit: count(24, 100, 'Periods'),
    },
    ...ofContract,
  }),
  row({
    name: 'gateio_open_interest',
    title: 'Gate.io open interest of all',
    about: `${about} Open interest comes with the tickers: by_open_interest ranks it.`,
    ...topMovers,
    fields: { settle, limit: count(20, 50, 'Entries a list') },
    example: {},
  }),
  row({
    name: 'gateio_liquidations',
    title: 'Gate.io liquidations',
    about,
    ...forced,
    fields: { contract: optionalInstrument('all contracts'), settle, limit: count(100, 1000, 'Liquidations') },
    ...ofContract,
  }),
  row({
    name: 'gateio_insurance_fund',
    title: 'Gate.io insurance fund',
    about: 'Gate.io.',
    ...fund,
    fields: { settle, limit: count(30, 100, 'Days') },
    example: {},
  }),
  row({
    name: 'gateio_risk_limit_tiers',
    title: 'Gate.io risk tiers',
    about,
    ...tiers,
    fields: { contract, settle },
    ...ofContract,
  }),
  composite({
    name: 'gateio_market_snapshot',
    title: 'Gate.io snapshot of a coin',
    description:
      'One coin on Gate.io at a glance: the ticker of its USDT perpetual, its mark with index and funding, contract statistics of 24 h and the order book (50 levels), and what follows from them. A part that cannot be had is null and named in missing.',
    fields: { symbol: coin('BTC'), settle },
    pieces: snapshotPieces,
    conclusion: conclusionFields,
    conclude: (p, args) => conclude(args.symbol, { ticker: p.ticker, book: p.order_book, mark: p.funding?.marks[0] }),
    summary: conclusionSummary,
    example: { symbol: 'BTC' },
  }),
  row({
    name: 'gateio_top_movers',
    title: 'Gate.io top movers',
    about,
    ...topMovers,
    fields: { settle, limit: count(10, 50, 'Entries a list') },
    example: { limit: 5 },
  }),
  composite({
    name: 'gateio_full_analysis',
    title: 'Gate.io full analysis of a coin',
    description:
      'Everything that Gate.io tells of the USDT perpetual of a coin: the snapshot, trades, long/short ratios, open interest over time, paid funding and liquidations, with signals (direction, value, rule), risks (level, value, rule) and a score from −1 to 1 that counts signals and is no probability. A part that cannot be had is null and named in missing.',
    fields: { symbol: coin('BTC'), settle },
    pieces: {
      ...snapshotPieces,
      trades: piece(flow, () => ({ limit: 200 }), contractOf),
      long_short_ratio: piece(ratios, lately, contractOf),
      open_interest_history: piece(interestHistory, lately, contractOf),
      funding_history: piece(fundingPaid, () => ({ limit: 30 }), contractOf),
      liquidations: piece(forced, () => ({ limit: 100 }), contractOf),
    },
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, {
        ticker: p.ticker,
        book: p.order_book,
        mark: p.funding?.marks[0],
        trades: p.trades,
        ratios: p.long_short_ratio,
        interest: p.open_interest_history,
        funding: p.funding_history,
      }),
    summary: conclusionSummary,
    example: { symbol: 'BTC' },
  }),
  row({ name: 'gateio_perpetuals', title: 'Gate.io perpetuals', about, ...all, ...settled }),
];

/** What of Gate.io's REST interface is served as tools. Pages not verified. */
const table: EndpointTable = Object.freeze({ exchange: 'gateio', tools: [...futuresTools, ...datedTools] });

export default table;
