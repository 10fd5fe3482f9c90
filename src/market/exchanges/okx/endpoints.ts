import { z } from 'zod';
import type { EndpointTable, EndpointTool } from '../endpoint.ts';
import { choice, coin, count, depth, instrument, optionalInstrument } from '../shared/endpoint-fields.ts';
import { instruments } from '../shared/kinds/instruments.ts';
import { ownKind, series } from '../shared/kinds/series.ts';
import { endpoint } from '../shared/question.ts';
import { nameOf, newest } from '../shared/readings.ts';
import { composite, piece, row } from '../shared/rows.ts';
import { decimal, decimalOrNull, msTime, positiveOrNull } from '../shared/shapes.ts';
import { conclude, conclusionFields, conclusionSummary } from '../shared/signals.ts';
import { decimalProduct } from '../shared/values.ts';
import {
  funding,
  fundingPaid,
  interest,
  interestVolume,
  marketQuestions,
  markNow,
  ratio,
  taker,
} from './endpoint-questions.ts';
import { dataOf } from './endpoint-shapes.ts';
import { parseOkxInstruments } from './instruments.ts';
import { kindOf } from './wire.ts';
import { measure } from '../../domain/measure.ts';

const DOCS = 'https://www.okx.com/docs-v5/en';
const BARS = ['1m', '3m', '5m', '15m', '30m', '1H', '2H', '4H', '6H', '12H', '1D', '1W'] as const;
const PERIODS = ['5m', '1H', '1D'] as const;
const KINDS = ['SWAP', 'FUTURES', 'SPOT'] as const;

const swap = marketQuestions('futures');
const spot = marketQuestions('spot');

const inst_id = instrument('BTC-USDT-SWAP', 'BTC-USDT-SWAP, or BTC-USDT for spot');
const inst_type = choice(KINDS, 'SWAP', 'Which instruments: swaps, dated futures or spot');
const statistics = { ccy: coin('BTC'), period: choice(PERIODS, '1H', 'Length of a period') };
const byInstrument = { symbol: 'inst_id', example: { inst_id: 'BTC-USDT-SWAP' } } as const;

const PAIR = /^[^-]+-[^-]+$/;

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The same tool for derivatives and for spot: BTC-USDT names a pair, all else a swap or a dated future. */
function either(ofSwap: EndpointTool, ofSpot: EndpointTool): EndpointTool {
  const isSpot = (given: Readonly<Record<string, unknown>>): boolean =>
    given['inst_type'] === 'SPOT' || PAIR.test(textOf(given['inst_id']));
  return Object.freeze({
    ...ofSwap,
    run: (given: Readonly<Record<string, unknown>>, desk: Parameters<EndpointTool['run']>[1]) =>
      (isSpot(given) ? ofSpot : ofSwap).run(given, desk),
  });
}

const about = 'OKX, swaps (BTC-USDT-SWAP), dated futures (BTC-USDT-260327) and spot (BTC-USDT).';

const tickerTool = (of: typeof swap): EndpointTool =>
  row({ name: 'okx_ticker_tool', title: 'OKX 24 h ticker', about, ...of.ticker, fields: { inst_id }, ...byInstrument });

const allTickersTool = (of: typeof swap): EndpointTool =>
  row({
    name: 'okx_all_tickers_tool',
    title: 'OKX tickers of all',
    about,
    ...of.tickers,
    fields: { inst_type },
    example: { inst_type: 'SWAP' },
  });

const moversTool = (of: typeof swap): EndpointTool =>
  row({
    name: 'okx_top_movers_tool',
    title: 'OKX top movers',
    about: `${about} Changes are over 24 h, from open24h.`,
    ...of.movers,
    fields: { inst_type, limit: count(10, 50, 'Entries a list') },
    example: { inst_type: 'SWAP', limit: 5 },
  });

const bookTool = (of: typeof swap): EndpointTool =>
  row({
    name: 'okx_orderbook_tool',
    title: 'OKX order book',
    about,
    ...of.book,
    fields: { inst_id, depth: depth(100, 400) },
    ...byInstrument,
  });

const tradesTool = (of: typeof swap): EndpointTool =>
  row({
    name: 'okx_trades_tool',
    title: 'OKX trades',
    about,
    ...of.trades,
    fields: { inst_id, limit: count(100, 500, 'Trades') },
    ...byInstrument,
  });

const candlesTool = (of: typeof swap): EndpointTool =>
  row({
    name: 'okx_klines_tool',
    title: 'OKX candles',
    about,
    ...of.candles,
    fields: { inst_id, interval: choice(BARS, '1H', 'Length of a candle'), limit: count(100, 300, 'Candles') },
    ...byInstrument,
  });

const indexTool = row({
  name: 'okx_index_ticker_tool',
  title: 'OKX index price',
  about: 'OKX.',
  kind: ownKind({
    name: 'index',
    about: 'An index price, its high, low and opening price of 24 h and the change in percent.',
    output: z.object({
      symbol: z.string(),
      index: measure.price,
      open_24h: measure.price.nullable(),
      high_24h: measure.price.nullable(),
      low_24h: measure.price.nullable(),
      change_24h_pct: measure.percent.nullable(),
    }),
    summary: (data) => `${data.symbol} index ${data.index}.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#public-data-rest-api-get-index-tickers`,
    request: ({ inst_id: index }: { readonly inst_id: string }) => ({
      path: '/api/v5/market/index-tickers',
      query: { instId: index.toUpperCase() },
      weight: 2,
    }),
    shape: dataOf(
      z.looseObject({
        instId: z.string(),
        idxPx: decimal,
        open24h: positiveOrNull,
        high24h: positiveOrNull,
        low24h: positiveOrNull,
        ts: msTime,
      }),
    ).refine(({ data }) => data.length > 0, 'no index'),
    read: ({ data }) => ({
      value: indexOf(data[0]),
      time: newest(data.map((w) => w.ts)),
    }),
  }),
  fields: {
    inst_id: z
      .string()
      .regex(/^[A-Za-z0-9]{1,15}-[A-Za-z]{3,6}$/, 'must be an index such as BTC-USDT')
      .default('BTC-USDT')
      .describe('Index, as in BTC-USDT or BTC-USD (default BTC-USDT)'),
  },
  example: { inst_id: 'BTC-USDT' },
});

interface IndexWire {
  readonly instId: string;
  readonly idxPx: number;
  readonly open24h: number | null;
  readonly high24h: number | null;
  readonly low24h: number | null;
}

function indexOf(w: IndexWire | undefined) {
  const open = w?.open24h ?? null;
  return {
    symbol: w?.instId.replace('-', '') ?? '',
    index: w?.idxPx ?? NaN,
    open_24h: open,
    high_24h: w?.high24h ?? null,
    low_24h: w?.low24h ?? null,
    change_24h_pct: open === null || w === undefined ? null : (w.idxPx / open - 1) * 100,
  };
}

function typeOf(market: 'futures' | 'spot', instId: string): string {
  return market === 'spot' ? 'SPOT' : kindOf(instId);
}

const listOf = (market: 'futures' | 'spot'): EndpointTool =>
  row({
    name: 'okx_instruments_tool',
    title: 'OKX instruments',
    about,
    kind: instruments,
    endpoint: endpoint({
      market,
      docs: `${DOCS}/#public-data-rest-api-get-instruments`,
      request: ({ inst_type: kind }: { readonly inst_type: string }, i) => ({
        path: '/api/v5/public/instruments',
        query: { instType: i === undefined ? kind : typeOf(market, i.venue_symbol), instId: nameOf(i) },
        weight: 2,
      }),
      shape: dataOf(z.looseObject({ instId: z.string(), lever: decimalOrNull, minSz: decimalOrNull })),
      read: ({ data }) => {
        const limits = new Map(data.map((w) => [w.instId, w]));
        const list = parseOkxInstruments(market, JSON.stringify({ code: '0', data }));
        return {
          value: list.map((i) => {
            const w = limits.get(i.venue_symbol);
            const least = w?.minSz ?? null;
            return {
              ...i,
              min_size:
                least === null || i.contract_size === null || i.inverse ? null : decimalProduct(least, i.contract_size),
              max_leverage: w?.lever ?? null,
            };
          }),
          time: null,
          notes: market === 'spot' ? [] : ['funding intervals are told by okx_funding_rate_tool'],
        };
      },
    }),
    fields: { inst_type, inst_id: optionalInstrument('all') },
    symbol: 'inst_id',
    example: { inst_type: 'SWAP', inst_id: 'BTC-USDT-SWAP' },
  });

const fundTool = row({
  name: 'okx_insurance_fund_tool',
  title: 'OKX security fund',
  about: 'OKX, of the family of one swap (the venue serves it a family, not as a whole).',
  kind: series('Balance of the security (insurance) fund in its own currency.'),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#public-data-rest-api-get-security-fund`,
    request: (_args: unknown, i) => ({
      path: '/api/v5/public/insurance-fund',
      query: { instType: 'SWAP', instFamily: i?.venue_symbol.replace(/-SWAP$/, '') },
      weight: 4,
    }),
    shape: dataOf(
      z.looseObject({
        details: z.array(z.looseObject({ balance: decimalOrNull, ccy: z.string(), ts: msTime })),
      }),
    ),
    read: ({ data }) => {
      const details = data.flatMap((d) => d.details);
      const rows = details.flatMap((d) => (d.balance === null ? [] : [{ time: d.ts, value: d.balance }]));
      return {
        value: { name: 'security fund', unit: details[0]?.ccy ?? '', rows },
        time: newest(rows.map((r) => r.time)),
      };
    },
  }),
  fields: { inst_id },
  ...byInstrument,
});

const platformTool = row({
  name: 'okx_platform_volume_tool',
  title: 'OKX platform volume',
  about: 'OKX.',
  kind: ownKind({
    name: 'platform_volume',
    about: 'Turnover of the whole platform over 24 h, in USD and CNY.',
    output: z.object({ volume_24h_usd: measure.usd, volume_24h_cny: z.number().describe('CNY') }),
    summary: (data) => `${data.volume_24h_usd} USD in 24 h.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#order-book-trading-market-data-get-24h-total-volume`,
    request: () => ({ path: '/api/v5/market/platform-24-volume', weight: 20 }),
    shape: dataOf(z.looseObject({ volUsd: decimal, volCny: decimal, ts: msTime })).refine(
      ({ data }) => data.length > 0,
      'no volume',
    ),
    read: ({ data }) => ({
      value: { volume_24h_usd: data[0]?.volUsd ?? NaN, volume_24h_cny: data[0]?.volCny ?? NaN },
      time: data[0]?.ts ?? null,
    }),
  }),
  fields: {},
  example: {},
});

const optionRow = z.looseObject({ instId: z.string(), oiCcy: decimalOrNull, volCcy24h: decimalOrNull, ts: msTime });
type OptionRows = readonly z.output<typeof optionRow>[];

const optionsOf = (path: string) =>
  endpoint({
    market: 'futures',
    docs: `${DOCS}/#public-data-rest-api-get-open-interest`,
    request: ({ uly }: { readonly uly: string }) => ({
      path: `/api/v5/${path}`,
      query: { instType: 'OPTION', instFamily: uly.toUpperCase() },
      weight: 2,
    }),
    shape: dataOf(optionRow),
    read: ({ data }) => ({ value: data, time: newest(data.map((w) => w.ts)) }),
  });

const optionsShape = z.object({
  options: measure.count,
  call_open_interest: measure.size,
  put_open_interest: measure.size,
  put_call_open_interest: measure.ratio.nullable(),
  call_volume_24h: measure.size,
  put_volume_24h: measure.size,
  put_call_volume_24h: measure.ratio.nullable(),
});

const optionsTool = row({
  name: 'okx_options_summary_tool',
  title: 'OKX options by calls and puts',
  about:
    'OKX. The greeks that opt-summary serves are no open interest: this adds up the open interest and the tickers.',
  kind: {
    name: 'put_call',
    about:
      'Open interest and volume of 24 h of the options of a family, calls and puts, in base units, and put ÷ call.',
    output: optionsShape,
    derive: (rows: OptionRows) => putCall(rows),
    summary: (data: z.infer<typeof optionsShape>) =>
      `${data.options} options, put/call open interest ${data.put_call_open_interest?.toFixed(2) ?? 'unknown'}.`,
  },
  endpoint: [optionsOf('public/open-interest'), optionsOf('market/tickers')],
  merge: mergeOptions,
  fields: {
    uly: z
      .string()
      .regex(/^[A-Za-z]{2,10}-USD$/i, 'must be a family such as BTC-USD')
      .default('BTC-USD')
      .describe('Family of the options, as in BTC-USD (default BTC-USD)'),
  },
  example: { uly: 'BTC-USD' },
});

/** Open interest of the first answer, volumes of the second. */
function mergeOptions([interests = [], days = []]: readonly OptionRows[]): OptionRows {
  const volumes = new Map(days.map((w) => [w.instId, w.volCcy24h]));
  return interests.map((w) => ({ ...w, volCcy24h: volumes.get(w.instId) ?? null }));
}

function putCall(rows: OptionRows): z.infer<typeof optionsShape> {
  const total = (side: string, of: (w: OptionRows[number]) => number | null): number =>
    rows.filter((w) => w.instId.endsWith(side)).reduce((sum, w) => sum + (of(w) ?? 0), 0);
  const [calls, puts] = [total('-C', (w) => w.oiCcy), total('-P', (w) => w.oiCcy)];
  const [callVolume, putVolume] = [total('-C', (w) => w.volCcy24h), total('-P', (w) => w.volCcy24h)];
  return {
    options: rows.length,
    call_open_interest: calls,
    put_open_interest: puts,
    put_call_open_interest: calls === 0 ? null : puts / calls,
    call_volume_24h: callVolume,
    put_volume_24h: putVolume,
    put_call_volume_24h: callVolume === 0 ? null : putVolume / callVolume,
  };
}

type OfCoin = { readonly symbol: string };
const swapOf = ({ symbol }: OfCoin): string => `${symbol}-USDT-SWAP`;
const pairOf = ({ symbol }: OfCoin): string => `${symbol}-USDT`;
const nobody = (): undefined => undefined;
const nothing = (): object => ({});

const snapshotPieces = {
  swap: piece(swap.ticker, nothing, swapOf),
  spot: piece(spot.ticker, nothing, pairOf),
  order_book: piece(swap.book, () => ({ depth: 50 }), swapOf),
  funding: piece(funding, nothing, swapOf),
  open_interest: piece(interest, nothing, swapOf),
};

const tools: readonly EndpointTool[] = [
  either(tickerTool(swap), tickerTool(spot)),
  either(allTickersTool(swap), allTickersTool(spot)),
  indexTool,
  either(bookTool(swap), bookTool(spot)),
  either(tradesTool(swap), tradesTool(spot)),
  either(candlesTool(swap), candlesTool(spot)),
  row({
    name: 'okx_funding_rate_tool',
    title: 'OKX funding rate',
    about: 'OKX swaps.',
    ...funding,
    fields: { inst_id },
    ...byInstrument,
  }),
  row({
    name: 'okx_funding_rate_history_tool',
    title: 'OKX funding history',
    about: 'OKX swaps, the last three months.',
    ...fundingPaid,
    fields: { inst_id, limit: count(50, 400, 'Payments') },
    ...byInstrument,
  }),
  row({
    name: 'okx_open_interest_tool',
    title: 'OKX open interest',
    about: 'OKX swaps.',
    ...interest,
    fields: { inst_id: optionalInstrument('all swaps') },
    ...byInstrument,
  }),
  row({
    name: 'okx_oi_volume_tool',
    title: 'OKX open interest of a coin over time',
    about: 'OKX.',
    ...interestVolume,
    fields: statistics,
    example: { ccy: 'BTC', period: '1H' },
  }),
  row({
    name: 'okx_long_short_ratio_tool',
    title: 'OKX long/short ratio',
    about: 'OKX, accounts over all contracts of a coin.',
    ...ratio,
    fields: statistics,
    example: { ccy: 'BTC', period: '1H' },
  }),
  row({
    name: 'okx_taker_volume_tool',
    title: 'OKX taker volume',
    about: 'OKX, over all contracts of a coin, in base units.',
    ...taker,
    fields: statistics,
    example: { ccy: 'BTC', period: '1H' },
  }),
  either(listOf('futures'), listOf('spot')),
  row({
    name: 'okx_mark_price_tool',
    title: 'OKX mark prices',
    about: 'OKX swaps.',
    ...markNow,
    fields: { inst_id: optionalInstrument('all swaps') },
    ...byInstrument,
  }),
  fundTool,
  platformTool,
  optionsTool,
  composite({
    name: 'okx_market_snapshot_tool',
    title: 'OKX snapshot of a coin',
    description:
      'One coin on OKX at a glance: the tickers of its USDT swap and pair, the order book of the swap (50 levels), its funding rate and open interest, and what follows from them. A part that cannot be had is null and named in missing.',
    fields: { symbol: coin('BTC') },
    pieces: snapshotPieces,
    conclusion: conclusionFields,
    conclude: (p, args) => conclude(args.symbol, { ticker: p.swap, book: p.order_book, mark: p.funding?.marks[0] }),
    summary: conclusionSummary,
    example: { symbol: 'BTC' },
  }),
  composite({
    name: 'okx_full_analysis_tool',
    title: 'OKX full analysis of a coin',
    description:
      'Everything that OKX tells of one coin: the snapshot, trades, candles of 1 h, paid funding, long/short ratio and taker volume, with signals (direction, value, rule), risks (level, value, rule) and a score from −1 to 1 that counts signals and is no probability. A part that cannot be had is null and named in missing.',
    fields: { symbol: coin('BTC') },
    pieces: {
      ...snapshotPieces,
      trades: piece(swap.trades, () => ({ limit: 200 }), swapOf),
      candles: piece(swap.candles, () => ({ interval: '1H', limit: 50 }), swapOf),
      funding_history: piece(fundingPaid, () => ({ limit: 30 }), swapOf),
      long_short_ratio: piece(ratio, ({ symbol }: OfCoin) => ({ ccy: symbol, period: '1H' }), nobody),
      taker_volume: piece(taker, ({ symbol }: OfCoin) => ({ ccy: symbol, period: '1H' }), nobody),
    },
    conclusion: conclusionFields,
    conclude: (p, args) =>
      conclude(args.symbol, {
        ticker: p.swap,
        book: p.order_book,
        mark: p.funding?.marks[0],
        trades: p.trades,
        candles: p.candles,
        funding: p.funding_history,
        ratios: p.long_short_ratio,
        taker: p.taker_volume,
      }),
    summary: conclusionSummary,
    example: { symbol: 'BTC' },
  }),
  either(moversTool(swap), moversTool(spot)),
];

/** What of OKX's REST interface is served as tools. Pages not verified. */
const table: EndpointTable = Object.freeze({ exchange: 'okx', tools });

export default table;
