import { z } from 'zod';
import { InvalidInput } from '../../../kit/errors.ts';
import { marketsOf } from '../../collect/markets.ts';
import type { VenueMarket } from '../../exchanges/contract.ts';
import type { MarketServices } from '../../services.ts';
import { signalTool } from '../shared/tool.ts';
import { maxAgeMs, provenanceOf, symbolOr } from '../shared/venues/across.ts';
import { rateShape } from '../shared/venues/conversions.ts';
import {
  commonMid,
  compareSides,
  notional,
  pairShape,
  readSides,
  showSide,
  sideShape,
} from '../shared/venues/sides.ts';
import { measure } from '../../domain/measure.ts';

/** Difference of middles below which nothing is worth doing, percent; the original's rule. */
const NEGLIGIBLE_PERCENT = 0.02;

const venueOr = (fallback: string) =>
  z
    .string()
    .min(1)
    .max(40)
    .default(fallback)
    .describe(
      `Venue market, as in kraken_futures; a venue alone means its futures, else its spot (default ${fallback})`,
    );

export default signalTool({
  name: 'compare_exchange_prices',
  title: 'Compare two markets',
  toolset: 'arbitrage',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Two markets of one symbol side by side: quotes, fees, age and source of each, absolute and percent difference of their middles in one currency, and both ways of buying on one and selling on the other at a size, net of fees and conversion. worth_it says whether either way earns anything.',
  input: z.strictObject({
    symbol: symbolOr('BTCUSDT'),
    exchange1: venueOr('binance_futures'),
    exchange2: venueOr('bybit_futures'),
    notional,
    max_age_ms: maxAgeMs(5_000),
  }),
  output: z.object({
    symbol: z.string(),
    currency: z.string(),
    markets: z.array(sideShape),
    difference: z.number().nullable().describe('Second minus first middle, quote currency of the symbol'),
    difference_percent: measure.percent.nullable(),
    negligible: z.boolean().nullable().describe(`Whether it is below ${NEGLIGIBLE_PERCENT} %, before costs`),
    both_ways: z.array(pairShape),
    worth_it: z.boolean(),
    rates: z.array(rateShape),
  }),
  examples: [
    { title: 'Bitcoin on Binance and Bybit futures', input: {} },
    {
      title: 'A contract in USD against one in USDT',
      input: { exchange1: 'kraken_futures', exchange2: 'okx_futures' },
    },
  ],
  summary: (output) =>
    `${output.markets.map((m) => `${m.id} ${String(m.mid)} ${m.quote}`).join(', ')}: ${output.difference_percent === null ? 'not comparable without a rate' : `${output.difference_percent.toFixed(4)} % apart`}, ${output.worth_it ? 'one way earns' : 'neither way earns'} after costs.`,
  run: async (input, context) => {
    const markets = [input.exchange1, input.exchange2].map((name) => oneMarket(context.services, name));
    if (markets[0] === markets[1])
      throw new InvalidInput(`'${input.exchange1}' and '${input.exchange2}' are one market`);
    const sides = await readSides(context, markets, input.symbol, input.max_age_ms);
    const { pairs, excluded } = compareSides(sides, input.notional);
    const mids = markets.map((m) => {
      const side = sides.found.find((s) => s.target.market === m);
      return side === undefined ? null : commonMid(sides, side);
    });
    const [first, second] = [mids[0] ?? null, mids[1] ?? null];
    const difference = first === null || second === null ? null : second - first;
    const percent = difference === null || first === null ? null : (difference / first) * 100;
    return {
      data: {
        symbol: input.symbol.toUpperCase(),
        currency: sides.currency,
        markets: sides.found.map((side) => showSide(sides, side)),
        difference,
        difference_percent: percent,
        negligible: percent === null ? null : Math.abs(percent) < NEGLIGIBLE_PERCENT,
        both_ways: [...pairs],
        worth_it: pairs.some((pair) => pair.net_profit > 0),
        rates: [...sides.conversions.rates],
      },
      provenance: provenanceOf(sides.sources, {
        complete: sides.found.length === 2 && excluded.length === 0,
        notes: sides.notes,
      }),
    };
  },
});

function oneMarket({ venues }: Pick<MarketServices, 'venues'>, name: string): VenueMarket {
  const found = marketsOf(venues, [name]).filter((m) => m.market === 'futures' || m.market === 'spot');
  const market = found.find((m) => m.market === 'futures') ?? found[0];
  if (market === undefined || name === 'all') throw new InvalidInput(`'${name}' is not one market that can be traded`);
  return market;
}
