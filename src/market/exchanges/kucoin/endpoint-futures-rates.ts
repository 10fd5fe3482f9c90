import { z } from 'zod';
import { fundingHistory, marks, type Mark } from '../shared/kinds/derivatives.ts';
import { ownKind, series } from '../shared/kinds/series.ts';
import { liveMark } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { fundingOf, nameOf, newest, symbolOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, positiveOrNull } from '../shared/shapes.ts';
import { DOCS, HOUR_MS } from './endpoint-futures.ts';
import { dataOf, indexName, indexRows, venueTime } from './endpoint-shapes.ts';
import { measure } from '../../domain/measure.ts';

/** What KuCoin's futures REST interface tells of prices that are not traded: mark, funding, premium, index. */

const emptyMark = (symbol: string): Mark => ({
  symbol,
  mark: null,
  index: null,
  funding_rate: null,
  funding_interval_hours: null,
  next_funding_time: null,
  time: null,
});

const markCall = endpoint({
  market: 'futures',
  docs: `${DOCS}/market-data/get-mark-price`,
  request: (_args: unknown, i) => ({ path: `/api/v1/mark-price/${nameOf(i) ?? ''}/current`, weight: 3 }),
  shape: dataOf(z.looseObject({ timePoint: venueTime, value: positiveOrNull, indexPrice: positiveOrNull })),
  read: (w, { instrument: i }): { value: readonly Mark[]; time: number } => ({
    value: [{ ...emptyMark(symbolOf(i)), mark: w.value, index: w.indexPrice, time: w.timePoint }],
    time: w.timePoint,
  }),
});

export const markNow = { kind: marks, live: liveMark, endpoint: markCall };

/** The rate that is paid next, with mark and index. */
export const funding = {
  kind: marks,
  live: liveMark,
  endpoint: [
    markCall,
    endpoint({
      market: 'futures',
      docs: `${DOCS}/funding-fees/get-current-funding-rate`,
      request: (_args: unknown, i) => ({ path: `/api/v1/funding-rate/${nameOf(i) ?? ''}/current`, weight: 2 }),
      shape: dataOf(
        z.looseObject({
          granularity: positiveOrNull,
          timePoint: venueTime,
          value: decimal,
          fundingTime: positiveOrNull,
        }),
      ),
      // `timePoint` is when the period began.
      read: (w, { instrument: i, now }): { value: readonly Mark[]; time: number } => ({
        value: [
          {
            ...emptyMark(symbolOf(i)),
            funding_rate: w.value,
            funding_interval_hours: w.granularity === null ? null : w.granularity / HOUR_MS,
            next_funding_time: w.fundingTime,
          },
        ],
        time: Math.max(w.timePoint, now - (w.granularity ?? 0)),
      }),
    }),
  ],
  merge: (parts: readonly (readonly Mark[])[]): readonly Mark[] => [
    parts.flat().reduce((whole, part) => ({
      ...whole,
      ...Object.fromEntries(Object.entries(part).filter(([, value]) => value !== null)),
    })),
  ],
};

export const fundingPaid = {
  kind: fundingHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/funding-fees/get-public-funding-history`,
    request: ({ limit }: { readonly limit: number }, i, now) => ({
      path: '/api/v1/contract/funding-rates',
      query: {
        symbol: nameOf(i),
        from: Math.floor(now) - limit * (i?.funding_interval_hours ?? 8) * HOUR_MS,
        to: Math.floor(now),
      },
      weight: 5,
    }),
    shape: dataOf(z.array(z.looseObject({ fundingRate: decimal, timepoint: venueTime }))),
    read: (rows, facts) =>
      fundingOf(
        facts,
        rows.map((w) => ({ time: w.timepoint, rate: w.fundingRate })),
      ),
  }),
};

export const premium = {
  kind: series('Premium index of the contract against its index by the minute, in basis points.'),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/market-data/get-premium-index`,
    request: ({ limit }: { readonly limit: number }, i) => ({
      path: '/api/v1/premium/query',
      query: { symbol: `.${nameOf(i) ?? ''}PI`, maxCount: limit },
      weight: 3,
    }),
    shape: indexRows(z.looseObject({ timePoint: venueTime, value: decimal })),
    read: (rows, { instrument: i }) => ({
      value: {
        name: `premium of ${symbolOf(i)}`,
        unit: 'basis points',
        rows: rows.map((w) => ({ time: w.timePoint, value: w.value * 10_000 })),
      },
      time: newest(rows.map((w) => w.timePoint)),
    }),
  }),
};

const indexShape = z.object({
  symbol: z.string(),
  index_name: z.string(),
  index: measure.price.nullable(),
  components: z.array(
    z.object({ exchange: z.string(), price: measure.price.nullable(), weight: measure.fraction.nullable() }),
  ),
  time: z.string().nullable(),
});

export const index = {
  kind: ownKind<z.infer<typeof indexShape>>({
    name: 'index_price',
    about:
      'The spot index behind a linear contract: its value in the quote currency, and the venues that make it with their price and weight (0 to 1).',
    output: indexShape,
    summary: (data) => `${data.index_name} ${String(data.index)} of ${data.components.length} venues.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/market-data/get-spot-index-price`,
    request: (_args: unknown, i) => ({
      path: '/api/v1/index/query',
      query: { symbol: indexName(i), maxCount: 1 },
      weight: 2,
    }),
    shape: indexRows(
      z.looseObject({
        symbol: z.string(),
        timePoint: venueTime,
        value: positiveOrNull,
        decomposionList: z
          .array(z.looseObject({ exchange: z.string(), price: positiveOrNull, weight: decimalOrNull }))
          .nullish(),
      }),
    ).refine((rows) => rows.length > 0, 'no index'),
    read: (rows, { instrument: i }) => {
      const [w] = rows;
      const time = w?.timePoint ?? null;
      return {
        value: {
          symbol: symbolOf(i),
          index_name: w?.symbol ?? '',
          index: w?.value ?? null,
          components: (w?.decomposionList ?? []).map((c) => ({
            exchange: c.exchange,
            price: c.price,
            weight: c.weight,
          })),
          time: time === null ? null : new Date(time).toISOString(),
        },
        time,
      };
    },
  }),
};
