import { z } from 'zod';
import { changePct } from '../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../jobs/row.ts';
import type { MarketServices } from '../../services.ts';
import { limit } from '../shared/fields.ts';
import { eachPast, figures, pastShape, showPast, type Past, type Stretch } from '../shared/history.ts';
import { minutesBack, pastInput } from '../shared/past-fields.ts';
import { isoOfUs } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_historical_price_data',
  title: 'Stored prices',
  toolset: 'history',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Stored best prices of a symbol over the last minutes, of one or all venues: open, close, high, low, mean of the middle and change in percent over all rows, and the newest rows (time, middle, bid, ask, spread in basis points). Each series carries its coverage; min_coverage refuses what is not whole enough.',
  input: z.strictObject({ ...pastInput, minutes: minutesBack(60), limit: limit(1000, 1000) }),
  output: z.object({
    series: z.array(
      z.object({
        ...pastShape,
        rows: z.number().describe('Rows in the stretch; the figures are of all'),
        open: measure.price.nullable(),
        close: measure.price.nullable(),
        high: measure.price.nullable(),
        low: measure.price.nullable(),
        mean: measure.price.nullable(),
        change_percent: measure.percent.nullable(),
        newest: z.array(
          z.object({
            time: z.string().nullable(),
            mid: measure.price.nullable(),
            bid: measure.price.nullable(),
            ask: measure.price.nullable(),
            spread_bps: measure.basisPoints.nullable(),
          }),
        ),
      }),
    ),
  }),
  examples: [{ title: 'The last hour on Binance', input: { symbol: 'BTCUSDT', exchange: 'binance', limit: 50 } }],
  summary: ({ series }) =>
    series.map((s) => `${s.table}: ${String(s.open)} to ${String(s.close)}, ${s.rows} rows`).join('; ') || 'No series.',
  run: (input, { services }) =>
    eachPast(
      services,
      { ...input, market: input.market_type, stream: 'prices' },
      (past, range) => pricesOf(services, past, range, input.limit),
      (shown) =>
        shown.some((s) => s.rows > s.newest.length)
          ? ['newest rows are capped; open, close, high, low and mean are of all']
          : [],
    ),
});

async function pricesOf(services: Pick<MarketServices, 'store'>, past: Past, range: Stretch, most: number) {
  const [[sums = {}], newest] = await Promise.all([
    figures(services, past.key, range, {
      select: `count(*)::DOUBLE AS n, arg_min(mid_price, event_time) AS open, arg_max(mid_price, event_time) AS close,
        max(mid_price) AS high, min(mid_price) AS low, avg(mid_price) AS mean, epoch_us(max(event_time))::DOUBLE AS last`,
    }),
    figures(services, past.key, range, {
      select: 'epoch_us(event_time)::DOUBLE AS at, mid_price, bid_price, ask_price, spread_bps',
      tail: 'ORDER BY event_time DESC LIMIT ?',
      params: [most],
    }),
  ]);
  const [open, close] = [numberOf(sums, 'open'), numberOf(sums, 'close')];
  return {
    last: numberOf(sums, 'last'),
    shown: {
      ...showPast(past),
      rows: numberOf(sums, 'n') ?? 0,
      open,
      close,
      high: numberOf(sums, 'high'),
      low: numberOf(sums, 'low'),
      mean: numberOf(sums, 'mean'),
      change_percent: changePct(open, close),
      newest: newest.map((row) => ({
        time: isoOfUs(numberOf(row, 'at')),
        mid: numberOf(row, 'mid_price'),
        bid: numberOf(row, 'bid_price'),
        ask: numberOf(row, 'ask_price'),
        spread_bps: numberOf(row, 'spread_bps'),
      })),
    },
  };
}
