import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import type { EndpointDesk, EndpointTool } from '../endpoint.ts';
import { count } from '../shared/endpoint-fields.ts';
import { ownKind } from '../shared/kinds/series.ts';
import { iso } from '../shared/kinds/statistics.ts';
import { endpoint } from '../shared/question.ts';
import { row } from '../shared/rows.ts';
import { decimal, decimalOrNull, positiveOrNull } from '../shared/shapes.ts';
import { bookWire, DOCS, ms } from './endpoint-questions.ts';
import { greek, measure } from '../../domain/measure.ts';

/** Dated contracts and options, which the desk does not collect: sizes are the venue's contracts. */
const text = z.string().nullable();

const underlyingField = z
  .string()
  .regex(/^[A-Za-z0-9]{1,15}_[A-Za-z]{3,6}$/, 'must be an underlying such as BTC_USDT')
  .transform((name) => name.toUpperCase())
  .default('BTC_USDT')
  .describe('Underlying, as in BTC_USDT (default BTC_USDT)');

const deliveryContractShape = z.object({
  name: z.string(),
  underlying: z.string(),
  expiry: text,
  contract_size: z.number().describe('Base units in one contract; quote units where inverse').nullable(),
  mark: measure.price.nullable(),
  index: measure.price.nullable(),
  max_leverage: measure.leverage.nullable(),
});

const deliveryContracts = row({
  name: 'gateio_delivery_contracts',
  title: 'Gate.io dated contracts',
  about: 'Gate.io, settled in USDT.',
  kind: ownKind({
    name: 'delivery_contracts',
    about: 'Dated contracts: underlying, expiry, base units a contract, mark and index price, largest leverage.',
    output: z.object({ count: measure.count, contracts: z.array(deliveryContractShape) }),
    summary: (data) => `${data.count} dated contracts.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#list-all-futures-contracts-2`,
    request: () => ({ path: '/api/v4/delivery/usdt/contracts', weight: 1 }),
    shape: z.array(
      z.looseObject({
        name: z.string(),
        underlying: z.string(),
        expire_time: decimal,
        quanto_multiplier: decimalOrNull,
        mark_price: positiveOrNull,
        index_price: positiveOrNull,
        leverage_max: decimalOrNull,
      }),
    ),
    read: (rows) => ({
      value: {
        count: rows.length,
        contracts: rows.map((w) => ({
          name: w.name,
          underlying: w.underlying,
          expiry: iso(ms(w.expire_time)),
          contract_size: w.quanto_multiplier,
          mark: w.mark_price,
          index: w.index_price,
          max_leverage: w.leverage_max,
        })),
      },
      time: null,
    }),
  }),
  fields: {},
  example: {},
});

const deliveryTickerShape = z.object({
  contract: z.string(),
  last: measure.price.nullable(),
  mark: measure.price.nullable(),
  index: measure.price.nullable(),
  change_24h_pct: measure.percent.nullable(),
  quote_volume_24h: measure.value.nullable(),
  basis: measure.priceDifference.nullable(),
  basis_bps: measure.basisPoints.nullable(),
});

const deliveryTicker = row({
  name: 'gateio_delivery_ticker',
  title: 'Gate.io tickers of dated contracts',
  about: 'Gate.io, settled in USDT.',
  kind: ownKind({
    name: 'delivery_tickers',
    about:
      'Last, mark and index price of dated contracts, change of 24 h in percent, turnover in USDT, and the basis of mark over index in USDT and basis points.',
    output: z.object({ count: measure.count, tickers: z.array(deliveryTickerShape) }),
    summary: (data) => `${data.count} dated contracts.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#list-futures-tickers-2`,
    request: ({ contract }: { readonly contract?: string | undefined }) => ({
      path: '/api/v4/delivery/usdt/tickers',
      query: { contract },
      weight: 1,
    }),
    shape: z.array(
      z.looseObject({
        contract: z.string(),
        last: positiveOrNull,
        mark_price: positiveOrNull,
        index_price: positiveOrNull,
        change_percentage: decimalOrNull,
        volume_24h_quote: decimalOrNull,
      }),
    ),
    read: (rows) => ({
      value: {
        count: rows.length,
        tickers: rows.map((w) => {
          const known = w.mark_price !== null && w.index_price !== null;
          const [mark, index] = [w.mark_price ?? NaN, w.index_price ?? NaN];
          return {
            contract: w.contract,
            last: w.last,
            mark: w.mark_price,
            index: w.index_price,
            change_24h_pct: w.change_percentage,
            quote_volume_24h: w.volume_24h_quote,
            basis: known ? mark - index : null,
            basis_bps: known ? (mark / index - 1) * 10_000 : null,
          };
        }),
      },
      time: null,
    }),
  }),
  fields: {
    contract: z
      .string()
      .regex(/^[A-Za-z0-9_]{1,40}$/, 'must be a contract such as BTC_USDT_20260626')
      .transform((name) => name.toUpperCase())
      .optional()
      .describe('Dated contract, as in BTC_USDT_20260626; all when left out'),
  },
  example: {},
});

const underlyings = row({
  name: 'gateio_options_underlyings',
  title: 'Gate.io underlyings of options',
  about: 'Gate.io.',
  kind: ownKind({
    name: 'underlyings',
    about: 'What options are listed on, with the index price in USDT.',
    output: z.object({ underlyings: z.array(z.object({ name: z.string(), index: measure.price.nullable() })) }),
    summary: (data) => data.underlyings.map(({ name }) => name).join(', '),
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#list-all-underlyings`,
    request: () => ({ path: '/api/v4/options/underlyings', weight: 1 }),
    shape: z.array(z.looseObject({ name: z.string(), index_price: positiveOrNull })),
    read: (rows) => ({
      value: { underlyings: rows.map((w) => ({ name: w.name, index: w.index_price })) },
      time: null,
    }),
  }),
  fields: {},
  example: {},
});

const ofUnderlying = { fields: { underlying: underlyingField }, example: { underlying: 'BTC_USDT' } };

const expirations = row({
  name: 'gateio_options_expirations',
  title: 'Gate.io expirations of options',
  about: 'Gate.io.',
  kind: ownKind({
    name: 'expirations',
    about: 'When the options that are listed on an underlying expire, as UTC times, soonest first.',
    output: z.object({ underlying: z.string(), expirations: z.array(text) }),
    summary: (data) => `${data.underlying}: ${data.expirations.length} expirations.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#list-all-expiration-times`,
    request: ({ underlying }: { readonly underlying: string }) => ({
      path: '/api/v4/options/expirations',
      query: { underlying },
      weight: 1,
    }),
    shape: z.array(decimal),
    read: (times, _facts, { underlying }) => ({
      value: { underlying, expirations: times.toSorted((a, b) => a - b).map((time) => iso(ms(time))) },
      time: null,
    }),
  }),
  ...ofUnderlying,
});

const contractShape = z.object({
  name: z.string(),
  side: z.enum(['call', 'put']),
  strike: measure.underlying,
  expiry: text,
  contract_size: z.number().describe('Base units in one contract; quote units where inverse').nullable(),
});

const contracts = row({
  name: 'gateio_options_contracts',
  title: 'Gate.io options',
  about: 'Gate.io.',
  kind: ownKind({
    name: 'option_contracts',
    about: 'Options on an underlying: call or put, strike in USDT, expiry, base units a contract, and counts.',
    output: z.object({
      underlying: z.string(),
      calls: measure.count,
      puts: measure.count,
      contracts: z.array(contractShape),
    }),
    summary: (data) => `${data.underlying}: ${data.calls} calls and ${data.puts} puts.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#list-all-the-contracts-with-specified-underlying-and-expiration-time`,
    request: ({
      underlying,
      expiration,
    }: {
      readonly underlying: string;
      readonly expiration?: number | undefined;
    }) => ({
      path: '/api/v4/options/contracts',
      query: { underlying, expiration },
      weight: 1,
    }),
    shape: z.array(
      z.looseObject({
        name: z.string(),
        is_call: z.boolean(),
        strike_price: decimal,
        expiration_time: decimal,
        multiplier: decimalOrNull,
      }),
    ),
    read: (rows, _facts, { underlying }) => ({
      value: {
        underlying,
        calls: rows.filter((w) => w.is_call).length,
        puts: rows.filter((w) => !w.is_call).length,
        contracts: rows.slice(0, 200).map((w) => ({
          name: w.name,
          side: w.is_call ? ('call' as const) : ('put' as const),
          strike: w.strike_price,
          expiry: iso(ms(w.expiration_time)),
          contract_size: w.multiplier,
        })),
      },
      time: null,
      complete: rows.length <= 200,
      notes: rows.length > 200 ? [`the first 200 of ${rows.length} are listed: give an expiration`] : [],
    }),
  }),
  fields: {
    underlying: underlyingField,
    expiration: z
      .number()
      .int()
      .min(1_500_000_000)
      .max(7_000_000_000)
      .optional()
      .describe('Expiry, UTC seconds; all when left out'),
  },
  example: { underlying: 'BTC_USDT' },
});

const optionTickerShape = z.object({
  name: z.string(),
  last: measure.price.nullable(),
  mark: measure.price.nullable(),
  bid: measure.price.nullable(),
  ask: measure.price.nullable(),
  mark_iv_pct: measure.percentYear.nullable(),
  delta: greek.delta.nullable(),
  gamma: greek.gamma.nullable(),
  vega: greek.vega.nullable(),
  theta: greek.theta.nullable(),
  open_interest_contracts: measure.contracts.nullable(),
});

const optionTickersShape = z.object({
  underlying: z.string(),
  count: measure.count,
  tickers: z.array(optionTickerShape),
});

const optionTickers = row({
  name: 'gateio_options_tickers',
  title: 'Gate.io tickers of options',
  about: 'Gate.io.',
  kind: ownKind({
    name: 'option_tickers',
    about:
      'Options on an underlying: last, mark, bid and ask in USDT, implied volatility in percent a year, greeks and open interest in contracts; the 200 with the most open interest.',
    output: optionTickersShape,
    summary: (data) => `${data.underlying}: ${data.count} options.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#list-tickers-of-options-contracts`,
    request: ({ underlying }: { readonly underlying: string }) => ({
      path: '/api/v4/options/tickers',
      query: { underlying },
      weight: 1,
    }),
    shape: z.array(
      z.looseObject({
        name: z.string(),
        last_price: positiveOrNull,
        mark_price: decimalOrNull,
        bid1_price: positiveOrNull,
        ask1_price: positiveOrNull,
        mark_iv: decimalOrNull,
        delta: decimalOrNull,
        gamma: decimalOrNull,
        vega: decimalOrNull,
        theta: decimalOrNull,
        position_size: decimalOrNull,
      }),
    ),
    read: (rows, _facts, { underlying }) => ({
      value: {
        underlying,
        count: rows.length,
        tickers: rows
          .toSorted((a, b) => (b.position_size ?? -1) - (a.position_size ?? -1))
          .slice(0, 200)
          .map((w) => ({
            name: w.name,
            last: w.last_price,
            mark: w.mark_price,
            bid: w.bid1_price,
            ask: w.ask1_price,
            mark_iv_pct: w.mark_iv === null ? null : w.mark_iv * 100,
            delta: w.delta,
            gamma: w.gamma,
            vega: w.vega,
            theta: w.theta,
            open_interest_contracts: w.position_size,
          })),
      },
      time: null,
    }),
  }),
  ...ofUnderlying,
});

const underlyingTicker = row({
  name: 'gateio_options_underlying_ticker',
  title: 'Gate.io options of an underlying',
  about: 'Gate.io.',
  kind: ownKind({
    name: 'underlying_ticker',
    about: 'Index price of an underlying in USDT, and contracts traded in calls and puts over 24 h.',
    output: z.object({
      underlying: z.string(),
      index: measure.price.nullable(),
      calls_24h: measure.contracts.nullable(),
      puts_24h: measure.contracts.nullable(),
      put_call: measure.ratio.nullable(),
    }),
    summary: (data) => `${data.underlying} index ${data.index ?? 'unknown'}.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#get-underlying-ticker`,
    request: ({ underlying }: { readonly underlying: string }) => ({
      path: `/api/v4/options/underlying/tickers/${underlying}`,
      weight: 1,
    }),
    shape: z.looseObject({ index_price: positiveOrNull, trade_call: decimalOrNull, trade_put: decimalOrNull }),
    read: (w, _facts, { underlying }) => ({
      value: {
        underlying,
        index: w.index_price,
        calls_24h: w.trade_call,
        puts_24h: w.trade_put,
        put_call:
          w.trade_call === null || w.trade_put === null || w.trade_call === 0 ? null : w.trade_put / w.trade_call,
      },
      time: null,
    }),
  }),
  ...ofUnderlying,
});

interface BookArgs {
  readonly contract?: string | undefined;
  readonly limit: number;
}

const levelShape = z.tuple([measure.price, measure.contracts]);

const namedBook = row({
  name: 'gateio_options_orderbook',
  title: 'Gate.io order book of an option',
  about: 'Gate.io.',
  kind: ownKind({
    name: 'option_book',
    about: 'The order book of an option: levels as [price in USDT, contracts], best first.',
    output: z.object({
      contract: z.string(),
      best_bid: measure.price.nullable(),
      best_ask: measure.price.nullable(),
      bids: z.array(levelShape),
      asks: z.array(levelShape),
    }),
    summary: (data) => `${data.contract} ${data.best_bid ?? '–'} / ${data.best_ask ?? '–'}.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#options-order-book`,
    request: ({ contract, limit }: BookArgs) => ({
      path: '/api/v4/options/order_book',
      query: { contract, limit, with_id: 'true' },
      weight: 1,
    }),
    shape: bookWire,
    read: (w, _facts, { contract }) => {
      const side = (levels: typeof w.bids) => levels.map(({ p, s }): [number, number] => [p, s]);
      return {
        value: {
          contract: contract ?? '',
          best_bid: w.bids[0]?.p ?? null,
          best_ask: w.asks[0]?.p ?? null,
          bids: side(w.bids),
          asks: side(w.asks),
        },
        time: ms(w.current),
      };
    },
  }),
  fields: {
    contract: z
      .string()
      .regex(
        /^[A-Za-z0-9]{1,15}_[A-Za-z]{3,6}-\d{8}-[\d.]{1,12}-[CPcp]$/,
        'must be an option such as BTC_USDT-20260626-100000-C',
      )
      .transform((name) => name.toUpperCase())
      .optional()
      .describe(
        'Option, as in BTC_USDT-20260626-100000-C; the one on BTC_USDT with the most open interest when left out',
      ),
    limit: count(20, 50, 'Levels a side'),
  },
  example: { limit: 10 },
});

/** Expired options make bad defaults: what is held most is looked up. */
const optionBook: EndpointTool = Object.freeze({
  ...namedBook,
  async run(given: Readonly<Record<string, unknown>>, desk: EndpointDesk) {
    if (given['contract'] !== undefined) return namedBook.run(given, desk);
    const { data } = await optionTickers.run({ underlying: 'BTC_USDT' }, desk);
    const [most] = optionTickersShape.parse(data).tickers;
    if (most === undefined) throw new NotFound('Gate.io lists no option on BTC_USDT now');
    return namedBook.run({ ...given, contract: most.name }, desk);
  },
});

export const datedTools: readonly EndpointTool[] = [
  deliveryContracts,
  deliveryTicker,
  underlyings,
  expirations,
  contracts,
  optionTickers,
  underlyingTicker,
  optionBook,
];
