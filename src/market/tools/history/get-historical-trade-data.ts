import { z } from 'zod';
import { numberOf, textOf } from '../../jobs/row.ts';
import type { MarketServices } from '../../services.ts';
import { limit } from '../shared/fields.ts';
import { eachPast, figures, pastShape, showPast, type Past, type Stretch } from '../shared/history.ts';
import { minutesBack, pastInput } from '../shared/past-fields.ts';
import { isoOfUs } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const tradeShape = z.object({
  time: z.string().nullable(),
  id: z.string(),
  price: measure.price,
  quantity: measure.size,
  side: z.string(),
});

export default marketTool({
  name: 'get_historical_trade_data',
  title: 'Stored trades',
  toolset: 'history',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Stored trades of a symbol over the last minutes, of one or all venues, side as the taker’s: counts, base units and value bought and sold, VWAP and the largest over all of them, and the newest rows. Each series carries its coverage; min_coverage refuses what is not whole enough.',
  input: z.strictObject({
    ...pastInput,
    minutes: minutesBack(60),
    side: z.enum(['buy', 'sell']).optional().describe('Only trades whose taker bought, or sold; both when left out'),
    limit: limit(500, 1000),
  }),
  output: z.object({
    series: z.array(
      z.object({
        ...pastShape,
        trades: measure.count,
        buys: measure.count,
        sells: measure.count,
        buy_quantity: measure.size,
        sell_quantity: measure.size,
        value: measure.value,
        vwap: measure.price.nullable(),
        largest: tradeShape.nullable(),
        newest: z.array(tradeShape),
      }),
    ),
  }),
  examples: [
    {
      title: 'The last ten minutes on Binance',
      input: { symbol: 'BTCUSDT', exchange: 'binance', minutes: 10, limit: 20 },
    },
  ],
  summary: ({ series }) =>
    series.map((s) => `${s.table}: ${s.trades} trades, VWAP ${String(s.vwap)}`).join('; ') || 'No series.',
  run: (input, { services }) =>
    eachPast(
      services,
      { ...input, market: input.market_type, stream: 'trades' },
      (past, range) => tradesOf(services, past, range, input),
      (shown) =>
        shown.some((s) => s.trades > s.newest.length) ? ['newest trades are capped; the sums are of all'] : [],
    ),
});

const COLUMNS = 'epoch_us(event_time)::DOUBLE AS at, trade_id, price, quantity, side';

async function tradesOf(
  services: Pick<MarketServices, 'store'>,
  past: Past,
  range: Stretch,
  asked: { readonly side?: 'buy' | 'sell' | undefined; readonly limit: number },
) {
  const of = asked.side === undefined ? {} : { where: 'side = ?' };
  const params = asked.side === undefined ? [] : [asked.side];
  const [[sums = {}], [largest], newest] = await Promise.all([
    figures(services, past.key, range, {
      ...of,
      params,
      select: `count(*)::DOUBLE AS n, count(*) FILTER (side = 'buy')::DOUBLE AS buys,
        coalesce(sum(quantity) FILTER (side = 'buy'), 0) AS bought, coalesce(sum(quantity) FILTER (side = 'sell'), 0) AS sold,
        coalesce(sum(quote_value), 0) AS value, epoch_us(max(event_time))::DOUBLE AS last`,
    }),
    figures(services, past.key, range, { ...of, params, select: COLUMNS, tail: 'ORDER BY quote_value DESC LIMIT 1' }),
    figures(services, past.key, range, {
      ...of,
      select: COLUMNS,
      tail: 'ORDER BY event_time DESC LIMIT ?',
      params: [...params, asked.limit],
    }),
  ]);
  const count = (name: string): number => numberOf(sums, name) ?? 0;
  const quantity = count('bought') + count('sold');
  return {
    last: numberOf(sums, 'last'),
    shown: {
      ...showPast(past),
      trades: count('n'),
      buys: count('buys'),
      sells: count('n') - count('buys'),
      buy_quantity: count('bought'),
      sell_quantity: count('sold'),
      value: count('value'),
      vwap: quantity === 0 ? null : count('value') / quantity,
      largest: largest === undefined ? null : tradeRow(largest),
      newest: newest.map(tradeRow),
    },
  };
}

function tradeRow(row: Readonly<Record<string, unknown>>): z.infer<typeof tradeShape> {
  return {
    time: isoOfUs(numberOf(row, 'at')),
    id: textOf(row, 'trade_id') ?? '',
    price: numberOf(row, 'price') ?? NaN,
    quantity: numberOf(row, 'quantity') ?? NaN,
    side: textOf(row, 'side') ?? '',
  };
}
