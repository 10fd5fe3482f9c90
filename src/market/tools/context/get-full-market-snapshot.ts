import { z } from 'zod';
import { AppError, Unavailable } from '../../../kit/errors.ts';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { numberOf } from '../../jobs/row.ts';
import type { MarketServices } from '../../services.ts';
import { figures, pastOf, pastShape, showPast } from '../shared/history.ts';
import { minutesBack } from '../shared/past-fields.ts';
import { signalTool } from '../shared/tool.ts';
import { chosenMarkets, provenanceOf, symbolOr } from '../shared/venues/across.ts';
import { oneVenue } from '../shared/venues/each.ts';
import { liquidationsOf, liquidationTotalsShape, totalsOf } from '../shared/venues/liquidations.ts';
import { overviewOf, overviewShape } from '../shared/venues/overview.ts';
import { compareSides, pairShape, readSides } from '../shared/venues/sides.ts';
import { measure } from '../../domain/measure.ts';

const number = z.number().nullable();
/** Value bought over value sold beyond which the flow has a side; the original's rule. */
const FLOW_RATIO = 1.5;
const NOTIONAL = 10_000;
const BOOK_AGE_MS = 5000;

const flowShape = z.object({
  ...pastShape,
  trades: measure.count,
  bought_value: measure.value,
  sold_value: measure.value,
  ratio: number.describe('Value bought ÷ value sold'),
  flow: z.enum(['buying', 'selling', 'balanced', 'unknown']),
});

export default signalTool({
  name: 'get_full_market_snapshot',
  title: 'Full market snapshot of a symbol',
  toolset: 'context',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Everything of a symbol at once: the live overview of each market, the best pair of markets after costs for 10,000 of its quote, and of the last minutes the taker flow of each collected market (bought over sold value beyond 1.5 to 1) and the liquidations by side. A part that cannot be had is null and named; sides of liquidations are those of the closed positions.',
  input: z.strictObject({
    symbol: symbolOr('BTCUSDT'),
    exchange: oneVenue,
    include_historical: z.boolean().default(true).describe('Look back on stored trades and liquidations too'),
    historical_minutes: minutesBack(60),
    min_coverage: minCoverage,
  }),
  output: z.object({
    ...overviewShape.shape,
    best_pair: pairShape.nullable(),
    flow: z.array(flowShape).nullable(),
    liquidations: liquidationTotalsShape.nullable(),
    liquidation_series: z.array(z.object(pastShape)).nullable(),
    unknown: z.array(z.string()),
  }),
  examples: [
    { title: 'Bitcoin on Binance and its last half hour', input: { exchange: 'binance', historical_minutes: 30 } },
  ],
  summary: (o) =>
    `${o.symbol} on ${o.markets.length} market(s)${o.best_pair === null ? '' : `, best pair ${o.best_pair.net_bps?.toFixed(1) ?? '?'} bps net`}${o.flow === null ? '' : `, flow ${o.flow.map((f) => `${f.exchange} ${f.flow}`).join(', ')}`}.`,
  run: async (input, context) => {
    const { services } = context;
    const unknown: string[] = [];
    const part = async <T>(name: string, read: () => Promise<T>): Promise<T | null> => {
      try {
        return await read();
      } catch (error) {
        // Asked to refuse what is not whole enough, it does; a part is not left out instead.
        const refused = error instanceof Unavailable && input.min_coverage !== undefined;
        if (!(error instanceof AppError) || refused) throw error;
        unknown.push(`${name}: ${error.message}`);
        return null;
      }
    };
    const { shown, provenance } = await overviewOf(context, input.symbol, input.exchange);
    const names = input.exchange === undefined ? undefined : [input.exchange];
    const markets = chosenMarkets(services, names, ['futures', 'spot'], 'orderbooks');
    const pairs = await part('best_pair', async () =>
      compareSides(await readSides(context, markets, input.symbol, BOOK_AGE_MS), NOTIONAL),
    );
    const asked = {
      symbol: input.symbol,
      minutes: input.historical_minutes,
      min_coverage: input.min_coverage,
    };
    const past = input.include_historical;
    const flow = past ? await part('flow', () => flowOf(services, asked)) : null;
    const forced = past ? await part('liquidations', async () => liquidationsOf(context, asked)) : null;
    const forcedSeries = forced?.series.map(showPast) ?? null;
    const whole = [...(flow ?? []), ...(forcedSeries ?? [])].every((s) => s.coverage.complete);
    return {
      data: {
        ...shown,
        best_pair: pairs?.pairs[0] ?? null,
        flow,
        liquidations: forced === null ? null : totalsOf(forced.events),
        liquidation_series: forcedSeries,
        unknown,
      },
      provenance: provenanceOf(provenance.sources ?? [], {
        complete: provenance.complete && unknown.length === 0 && whole,
        notes: [
          ...(provenance.notes ?? []),
          ...unknown,
          ...(whole ? [] : ['the stored trades or liquidations are not whole: see coverage']),
        ],
      }),
    };
  },
});

async function flowOf(
  services: MarketServices,
  asked: { readonly symbol: string; readonly minutes: number; readonly min_coverage?: number | undefined },
): Promise<z.infer<typeof flowShape>[]> {
  const { range, series } = await pastOf(services, { ...asked, market: undefined, stream: 'trades' });
  return Promise.all(
    series.map(async (past) => {
      const [row = {}] = await figures(services, past.key, range, {
        select: `count(*)::DOUBLE AS n, coalesce(sum(quote_value) FILTER (side = 'buy'), 0) AS bought,
          coalesce(sum(quote_value) FILTER (side = 'sell'), 0) AS sold`,
      });
      const [bought, sold] = [numberOf(row, 'bought') ?? 0, numberOf(row, 'sold') ?? 0];
      return {
        ...showPast(past),
        trades: numberOf(row, 'n') ?? 0,
        bought_value: bought,
        sold_value: sold,
        ratio: sold === 0 ? null : bought / sold,
        flow:
          bought + sold === 0
            ? 'unknown'
            : bought > sold * FLOW_RATIO
              ? 'buying'
              : sold > bought * FLOW_RATIO
                ? 'selling'
                : 'balanced',
      };
    }),
  );
}
