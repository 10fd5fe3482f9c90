import { z } from 'zod';
import type { EndpointTable, EndpointTool } from '../endpoint.ts';
import { choice, coin, count, depth, requiredInstrument } from '../shared/endpoint-fields.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import { optionTool } from './endpoint-option.ts';
import { optionsChain, optionsSummary, topOptions } from './endpoint-options.ts';
import {
  dvol,
  funding,
  fundingPaid,
  futureTickers,
  interest,
  marketQuestions,
  perpetualTickers,
  RESOLUTIONS,
  volatility,
} from './endpoint-questions.ts';
import { bookSummary, coinTrades, currencies, index, indexNames, listed, settlements } from './endpoint-venue.ts';
import { measure } from '../../domain/measure.ts';

const futures = marketQuestions('futures');
const options = marketQuestions('options');
type Questions = typeof futures;

const currency = coin('BTC');
const hours = count(24, 720, 'Hours back');
const kind = choice(['future', 'option'], 'option', 'Which instruments');
const instrument_name = requiredInstrument('BTC-PERPETUAL or BTC-26JUN26-100000-C');
const byName = { symbol: 'instrument_name', example: { instrument_name: 'BTC-PERPETUAL' } } as const;
const byCoin = { symbol: 'currency', example: { currency: 'BTC' } } as const;
const ofCoin = { fields: { currency }, example: { currency: 'BTC' } } as const;
const about = 'Deribit, futures and options by their names.';
const COIN = 'Deribit.';
const PERPETUAL = 'Deribit perpetuals, of BTC and ETH inverse, of other coins in USDC.';

const OPTION = /[-_][CP]$/i;

/** The same tool for futures and for options, which are told by their names. */
function either(make: (of: Questions) => EndpointTool): EndpointTool {
  const [ofFutures, ofOptions] = [make(futures), make(options)];
  return Object.freeze({
    ...ofFutures,
    run: (given: Readonly<Record<string, unknown>>, desk: Parameters<EndpointTool['run']>[1]) => {
      const name = given['instrument_name'];
      return (typeof name === 'string' && OPTION.test(name) ? ofOptions : ofFutures).run(given, desk);
    },
  });
}

/** The same tool for futures and for options, as `kind` says. */
function eitherKind(make: (kind: 'future' | 'option') => EndpointTool): EndpointTool {
  const [ofFutures, ofOptions] = [make('future'), make('option')];
  return Object.freeze({
    ...ofOptions,
    run: (given: Readonly<Record<string, unknown>>, desk: Parameters<EndpointTool['run']>[1]) =>
      (given['kind'] === 'future' ? ofFutures : ofOptions).run(given, desk),
  });
}

type OfCoin = { readonly currency: string };
const nothing = (): object => ({});
const coinOf = (input: OfCoin): OfCoin => ({ currency: input.currency });
const symbolOf = (input: OfCoin): string => input.currency;
const nobody = (): undefined => undefined;

const fundingPieces = {
  funding: piece(funding, nothing, symbolOf),
  funding_history: piece(fundingPaid, () => ({ hours: 24 }), symbolOf),
};
const snapshotPieces = {
  perpetual: piece(futures.ticker, nothing, symbolOf),
  open_interest: piece(interest, coinOf, nobody),
  historical_volatility: piece(volatility, coinOf, nobody),
  dvol: piece(dvol, (input: OfCoin) => ({ ...coinOf(input), hours: 24 }), nobody),
  index: piece(index, coinOf, nobody),
};

const volatilityFields = {
  dvol_level: z.enum(['high', 'low', 'usual', 'unknown']),
  options_leaning: z.enum(['hedging', 'bullish', 'neutral', 'unknown']),
};
/** DVOL, percent a year, beyond which volatility is high or low: the venue tools' customary bounds. */
const HIGH = 80;
const LOW = 40;

function dvolLevel(value: number | null | undefined): z.infer<(typeof volatilityFields)['dvol_level']> {
  if (value === null || value === undefined) return 'unknown';
  return value > HIGH ? 'high' : value < LOW ? 'low' : 'usual';
}

const tools: readonly EndpointTool[] = [
  eitherKind((of) =>
    row({
      name: 'deribit_instruments',
      title: 'Deribit instruments',
      about: COIN,
      ...listed(of),
      fields: { currency, kind },
      example: { currency: 'BTC', kind: 'option' },
    }),
  ),
  row({
    name: 'deribit_currencies',
    title: 'Deribit currencies',
    about: 'Deribit, what contracts are margined and settled in.',
    ...currencies,
    fields: {},
    example: {},
  }),
  either((of) =>
    row({
      name: 'deribit_ticker',
      title: 'Deribit ticker',
      about,
      ...of.ticker,
      fields: { instrument_name },
      ...byName,
    }),
  ),
  row({
    name: 'deribit_perpetual_ticker',
    title: 'Deribit ticker of a perpetual',
    about: PERPETUAL,
    ...futures.ticker,
    fields: { currency },
    ...byCoin,
  }),
  row({
    name: 'deribit_all_perpetual_tickers',
    title: 'Deribit tickers of the perpetuals',
    about: PERPETUAL,
    ...perpetualTickers,
    fields: {},
    example: {},
  }),
  row({
    name: 'deribit_futures_tickers',
    title: 'Deribit futures of a coin',
    about: 'Deribit, the perpetual and the dated futures.',
    ...futureTickers,
    ...ofCoin,
  }),
  either((of) =>
    row({
      name: 'deribit_orderbook',
      title: 'Deribit order book',
      about,
      ...of.book,
      fields: { instrument_name, depth: depth(20, 100) },
      ...byName,
    }),
  ),
  either((of) =>
    row({
      name: 'deribit_trades',
      title: 'Deribit trades',
      about,
      ...of.trades,
      fields: { instrument_name, limit: count(100, 1000, 'Trades') },
      ...byName,
    }),
  ),
  eitherKind((of) =>
    row({
      name: 'deribit_trades_by_currency',
      title: 'Deribit trades of a coin',
      about: COIN,
      ...coinTrades(of),
      fields: { currency, kind, count: count(100, 1000, 'Trades') },
      example: { currency: 'BTC', kind: 'option', count: 50 },
    }),
  ),
  row({ name: 'deribit_index_price', title: 'Deribit index price', about: COIN, ...index, ...ofCoin }),
  row({
    name: 'deribit_index_names',
    title: 'Deribit indices',
    about: 'Deribit, what contracts are marked and settled at.',
    ...indexNames,
    fields: {},
    example: {},
  }),
  row({
    name: 'deribit_funding_rate',
    title: 'Deribit funding',
    about: PERPETUAL,
    ...funding,
    fields: { currency },
    ...byCoin,
  }),
  row({
    name: 'deribit_funding_history',
    title: 'Deribit funding history',
    about: `${PERPETUAL} What each hour cost.`,
    ...fundingPaid,
    fields: { currency, hours },
    ...byCoin,
  }),
  composite({
    name: 'deribit_funding_analysis',
    title: 'Deribit funding now and over a day',
    description: `${PERPETUAL} The funding of the moment beside what the last 24 hours cost: both a year in percent, and their difference. A part that cannot be had is null and named in missing.`,
    fields: { currency },
    pieces: fundingPieces,
    conclusion: {
      now_annualised_pct: measure.percentYear.nullable(),
      day_annualised_pct: measure.percentYear.nullable(),
      above_day_pct: measure.percent.nullable(),
    },
    conclude: (p) => {
      const now = p.funding?.marks[0]?.funding_annualised_pct ?? null;
      const day = p.funding_history?.mean_annualised_pct ?? null;
      return {
        now_annualised_pct: now,
        day_annualised_pct: day,
        above_day_pct: now === null || day === null ? null : now - day,
      };
    },
    summary: (c) =>
      `Funding now ${String(c.now_annualised_pct)} % a year, over the day ${String(c.day_annualised_pct)} %.`,
    example: { currency: 'BTC' },
  }),
  row({
    name: 'deribit_historical_volatility',
    title: 'Deribit historical volatility',
    about: COIN,
    ...volatility,
    ...ofCoin,
  }),
  row({
    name: 'deribit_dvol',
    title: 'Deribit volatility index',
    about: COIN,
    ...dvol,
    fields: { currency, hours },
    example: { currency: 'BTC' },
  }),
  either((of) =>
    row({
      name: 'deribit_klines',
      title: 'Deribit candles',
      about,
      ...of.candles,
      fields: {
        instrument_name,
        resolution: choice(RESOLUTIONS, '60', 'Length of a candle, minutes or 1D'),
        hours,
      },
      ...byName,
    }),
  ),
  row({
    name: 'deribit_open_interest',
    title: 'Deribit open interest of a coin',
    about: 'Deribit, futures and options, values in dollars at mark or underlying.',
    ...interest,
    ...ofCoin,
  }),
  row({ name: 'deribit_options_summary', title: 'Deribit calls and puts', about: COIN, ...optionsSummary, ...ofCoin }),
  row({
    name: 'deribit_options_chain',
    title: 'Deribit option chain',
    about: COIN,
    ...optionsChain,
    fields: {
      currency,
      expiration: z
        .string()
        .regex(/^20\d\d-[01]\d-[0-3]\d$/, 'must be a day such as 2026-06-26')
        .optional()
        .describe('Day of the expiry, UTC, as in 2026-06-26; all when left out'),
    },
    example: { currency: 'BTC' },
  }),
  optionTool,
  row({
    name: 'deribit_top_options',
    title: 'Deribit options with most open interest',
    about: COIN,
    ...topOptions,
    fields: { currency, limit: count(20, 100, 'Entries a list') },
    example: { currency: 'BTC', limit: 5 },
  }),
  composite({
    name: 'deribit_market_snapshot',
    title: 'Deribit snapshot of a coin',
    description:
      'One coin on Deribit at a glance: the ticker of its perpetual, open interest of futures and options, historical volatility, DVOL of a day, the index, and what follows from them. A part that cannot be had is null and named in missing.',
    fields: { currency },
    pieces: snapshotPieces,
    conclusion: { ...conclusionFields, dvol_level: volatilityFields.dvol_level },
    conclude: (p, args) => ({
      ...conclude(args.currency, { ticker: p.perpetual }),
      dvol_level: dvolLevel(p.dvol?.latest),
    }),
    summary: conclusionSummary,
    example: { currency: 'BTC' },
  }),
  composite({
    name: 'deribit_full_analysis',
    title: 'Deribit full analysis of a coin',
    description:
      'What Deribit tells of one coin: the snapshot, funding now and over a day, and calls against puts, with signals (direction, value, rule), risks (level, value, rule), a score from −1 to 1 that counts signals and is no probability, whether DVOL is high (above 80 %) or low (below 40 %), and which side of the options prevails. A part that cannot be had is null and named in missing.',
    fields: { currency },
    pieces: { ...snapshotPieces, ...fundingPieces, options: piece(optionsSummary, coinOf, nobody) },
    conclusion: { ...conclusionFields, ...volatilityFields },
    conclude: (p, args) => ({
      ...conclude(args.currency, {
        ticker: p.perpetual,
        mark: p.funding?.marks[0],
        funding: p.funding_history,
      }),
      dvol_level: dvolLevel(p.dvol?.latest),
      options_leaning: p.options?.leaning ?? 'unknown',
    }),
    summary: conclusionSummary,
    example: { currency: 'BTC' },
  }),
  composite({
    name: 'deribit_exchange_stats',
    title: 'Deribit open interest as a whole',
    description:
      'Open interest of the futures and options of BTC and of ETH, in dollars, and their sum. A part that cannot be had is null and named in missing.',
    fields: {},
    pieces: {
      BTC: piece(interest, () => ({ currency: 'BTC' }), nobody),
      ETH: piece(interest, () => ({ currency: 'ETH' }), nobody),
    },
    conclusion: { open_interest_usd: measure.usd.nullable() },
    conclude: (p) => {
      const totals = [p.BTC, p.ETH].flatMap((part) => part?.totals ?? []).map((t) => t.open_interest_quote);
      const known = totals.filter((t) => t !== null);
      return { open_interest_usd: known.length === 0 ? null : known.reduce((a, b) => a + b, 0) };
    },
    summary: (c) => `Open interest ${String(c.open_interest_usd)} USD.`,
    example: {},
  }),
  eitherKind((of) =>
    row({
      name: 'deribit_book_summary',
      title: 'Deribit instruments of a coin at a glance',
      about: COIN,
      ...bookSummary(of),
      fields: { currency, kind },
      example: { currency: 'BTC', kind: 'future' },
    }),
  ),
  row({
    name: 'deribit_settlements',
    title: 'Deribit settlements',
    about: COIN,
    ...settlements,
    fields: { currency, count: count(20, 1000, 'Settlements') },
    example: { currency: 'BTC', count: 10 },
  }),
];

/** What of Deribit's public methods is served as tools. */
const table: EndpointTable = Object.freeze({ exchange: 'deribit', tools });

export default table;
