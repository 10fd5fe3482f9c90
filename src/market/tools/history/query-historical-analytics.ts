import { z } from 'zod';
import { bursts, priceBins, valueArea } from '../../jobs/history/price-levels.ts';
import { volatility } from '../../jobs/history/returns.ts';
import { numberOf, textOf } from '../../jobs/row.ts';
import type { MarketServices } from '../../services.ts';
import type { Stream } from '../../domain/records.ts';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { exchange, marketOr } from '../shared/fields.ts';
import { paymentsOf } from '../shared/funding-history.ts';
import { figures, pastOf, pastProvenance, pastShape, showPast, type Past, type Stretch } from '../shared/history.ts';
import { hoursBack, symbolDefault } from '../shared/past-fields.ts';
import { isoOfUs } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const number = z.number().nullable();
const SECONDS = { '5m': 300, '15m': 900, '1h': 3600, '4h': 14_400, '1d': 86_400 } as const;
type Aggregation = keyof typeof SECONDS;

const QUERIES = {
  price_ohlc: 'prices',
  volume_profile: 'trades',
  volatility: 'prices',
  funding_cumulative: 'funding_rates',
  liquidation_cascade: 'liquidations',
} as const satisfies Record<string, Stream>;
type Query = keyof typeof QUERIES;

/** Price bins of a volume profile. */
const BINS = 40;
const MOST_BARS = 500;
const CASCADE_US = 300_000_000;
const CASCADE_EVENTS = 3;

const pointShape = z.object({
  time: z.string().nullable(),
  open: measure.price.nullable(),
  high: measure.price.nullable(),
  low: measure.price.nullable(),
  close: measure.price.nullable(),
  rate: measure.fundingRate.nullable(),
  cumulative: z.number().describe('Sum of the payments so far, fraction').nullable(),
  events: measure.count.nullable(),
  long_value: measure.value.nullable(),
  short_value: measure.value.nullable(),
  samples: measure.count.nullable(),
});
const empty = { open: null, high: null, low: null, close: null, rate: null, cumulative: null };
const none = { events: null, long_value: null, short_value: null, samples: null };

export default marketTool({
  name: 'query_historical_analytics',
  title: 'Bars, volume profile and volatility of stored history',
  toolset: 'history',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Computes one thing of a stored series: price_ohlc (open, high, low, close of the middle by bucket; empty buckets are absent), volume_profile (volume bought and sold in 40 price bins, point of control, value area of 70 %), volatility (deviation of log returns by bucket and a year of 365 days), funding_cumulative (payments and their running sum), liquidation_cascade (5-minute stretches of 3 events or more, joined). With coverage.',
  input: z.strictObject({
    symbol: symbolDefault,
    query_type: z
      .enum(['price_ohlc', 'volume_profile', 'volatility', 'funding_cumulative', 'liquidation_cascade'])
      .default('price_ohlc')
      .describe('What is computed (default price_ohlc)'),
    exchange: exchange.default('binance').describe('Venue (default binance)'),
    market_type: marketOr('futures'),
    hours: hoursBack(24),
    aggregation: z
      .enum(['5m', '15m', '1h', '4h', '1d'])
      .default('1h')
      .describe('Bucket of price_ohlc and volatility, in UTC (default 1h)'),
    min_coverage: minCoverage,
  }),
  output: z.object({
    query_type: z.string(),
    series: z.object(pastShape).nullable(),
    points: z.array(pointShape),
    bins: z.array(z.object({ low: measure.price, high: measure.price, bought: measure.size, sold: measure.size })),
    point_of_control: number.describe('Middle of the price bin of most volume, quote currency'),
    value_area_low: measure.price.nullable(),
    value_area_high: measure.price.nullable(),
    volatility_per_bucket: z.number().describe('Deviation of logarithmic returns of one bucket, fraction').nullable(),
    volatility_annualised: z.number().describe('Deviation of logarithmic returns, fraction a year').nullable(),
    returns: number.describe('How many returns the volatility is of'),
  }),
  examples: [
    { title: 'Bars of an hour', input: {} },
    { title: 'Volume by price', input: { query_type: 'volume_profile', hours: 1 } },
    { title: 'Volatility of 5-minute bars', input: { query_type: 'volatility', aggregation: '5m', hours: 1 } },
    { title: 'Funding paid', input: { query_type: 'funding_cumulative' } },
  ],
  summary: (output) =>
    `${output.query_type}: ${output.points.length} point(s), ${output.bins.length} bin(s)${output.volatility_annualised === null ? '' : `, volatility ${output.volatility_annualised.toFixed(4)} a year`}.`,
  run: async (input, { services }) => {
    const stream = QUERIES[input.query_type];
    const { range, series } = await pastOf(services, {
      ...input,
      market: input.market_type,
      stream,
      minutes: input.hours * 60,
    });
    const [past] = series;
    const blank = {
      query_type: input.query_type,
      series: past === undefined ? null : showPast(past),
      points: [],
      bins: [],
      point_of_control: null,
      value_area_low: null,
      value_area_high: null,
      volatility_per_bucket: null,
      volatility_annualised: null,
      returns: null,
    };
    if (past === undefined) return { data: blank, provenance: pastProvenance(services, series, null) };
    const found = await COMPUTE[input.query_type](services, past, range, input.aggregation);
    const [newest = {}] = await figures(services, past.key, range, {
      select: 'epoch_us(max(event_time))::DOUBLE AS at',
    });
    return {
      data: { ...blank, ...found },
      provenance: pastProvenance(services, series, numberOf(newest, 'at')),
    };
  },
});

type Compute = (
  services: Pick<MarketServices, 'store' | 'clock'>,
  past: Past,
  range: Stretch,
  aggregation: Aggregation,
) => Promise<object>;

const COMPUTE: Readonly<Record<Query, Compute>> = {
  price_ohlc: async (services, past, range, aggregation) => ({
    points: (await barsOf(services, past, range, aggregation)).map((bar) => ({ ...empty, ...none, ...bar })),
  }),
  volatility: async (services, past, range, aggregation) => {
    const seconds = SECONDS[aggregation];
    const bars = await barsOf(services, past, range, aggregation);
    // Over a missing bucket no return is formed.
    const closes = bars.flatMap((bar, i) => {
      const before = bars[i - 1];
      const gap = before !== undefined && bar.at - before.at > seconds * 1e6;
      return gap ? [NaN, bar.close ?? NaN] : [bar.close ?? NaN];
    });
    const found = volatility(closes, seconds);
    return {
      volatility_per_bucket: found?.per_bar ?? null,
      volatility_annualised: found?.annualised ?? null,
      returns: found?.returns ?? 0,
    };
  },
  volume_profile: async (services, past, range) => {
    const rows = await figures(services, past.key, range, {
      select: 'price, sum(quantity) AS amount, side',
      tail: 'GROUP BY price, side',
    });
    const amounts = rows.flatMap((row) => {
      const [price, amount] = [numberOf(row, 'price'), numberOf(row, 'amount')];
      return price === null || amount === null ? [] : [{ price, amount, first: textOf(row, 'side') === 'buy' }];
    });
    const bins = priceBins(amounts, BINS);
    const area = valueArea(bins);
    return {
      bins: bins.map((b) => ({ low: b.low, high: b.high, bought: b.first, sold: b.second })),
      point_of_control: area === null ? null : (area.poc.low + area.poc.high) / 2,
      value_area_low: area?.low ?? null,
      value_area_high: area?.high ?? null,
    };
  },
  funding_cumulative: async (services, past, range) => {
    let sum = 0;
    const payments = await paymentsOf(services, past, range);
    return {
      points: payments.map((p) => ({
        ...empty,
        ...none,
        time: isoOfUs(p.at),
        rate: p.rate,
        cumulative: (sum += p.rate),
      })),
    };
  },
  liquidation_cascade: async (services, past, range) => {
    const rows = await figures(services, past.key, range, {
      select: 'epoch_us(event_time)::DOUBLE AS at, side, price * quantity AS value',
      tail: 'ORDER BY event_time',
    });
    const events = rows.flatMap((row) => {
      const [time, amount] = [numberOf(row, 'at'), numberOf(row, 'value')];
      return time === null || amount === null ? [] : [{ time, amount, first: textOf(row, 'side') === 'long' }];
    });
    return {
      points: bursts(events, CASCADE_US, CASCADE_EVENTS).map((b) => ({
        ...empty,
        ...none,
        time: isoOfUs(b.from),
        events: b.events,
        long_value: b.long,
        short_value: b.short,
      })),
    };
  },
};

async function barsOf(services: Pick<MarketServices, 'store'>, past: Past, range: Stretch, aggregation: Aggregation) {
  const rows = await figures(services, past.key, range, {
    select: `((epoch_us(event_time) // ?::BIGINT) * ?::BIGINT)::DOUBLE AS at, arg_min(mid_price, event_time) AS open,
      max(mid_price) AS high, min(mid_price) AS low, arg_max(mid_price, event_time) AS close, count(*)::DOUBLE AS samples`,
    tail: `GROUP BY 1 ORDER BY 1 DESC LIMIT ${MOST_BARS}`,
    leading: [SECONDS[aggregation] * 1e6, SECONDS[aggregation] * 1e6],
  });
  return [...rows].reverse().map((row) => ({
    at: numberOf(row, 'at') ?? 0,
    time: isoOfUs(numberOf(row, 'at')),
    open: numberOf(row, 'open'),
    high: numberOf(row, 'high'),
    low: numberOf(row, 'low'),
    close: numberOf(row, 'close'),
    samples: numberOf(row, 'samples'),
  }));
}
