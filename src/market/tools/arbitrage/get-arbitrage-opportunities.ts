import { z } from 'zod';
import type { ProvenanceSource } from '../../../kit/tool.ts';
import { limit } from '../shared/fields.ts';
import { signalTool } from '../shared/tool.ts';
import { chosenMarkets, maxAgeMs, provenanceOf, venueNames } from '../shared/venues/across.ts';
import { compareSides, notional, pairShape, readSides } from '../shared/venues/sides.ts';
import { optionalSymbol, symbolsAsked } from '../shared/venues/symbols.ts';
import { measure } from '../../domain/measure.ts';

export default signalTool({
  name: 'get_arbitrage_opportunities',
  title: 'Arbitrage opportunities',
  toolset: 'arbitrage',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Pairs of markets on which buying and selling a symbol at once earns more than asked, now: net of both taker fees and any currency conversion, at the size asked for, from the order books. With net profit, the size that earns most, and what is left out and why. Spot against a contract is marked basis: their prices need not meet. Not counted: funding, borrowing, transfers, latency.',
  input: z.strictObject({
    symbol: optionalSymbol,
    min_profit: z
      .number()
      .min(-100)
      .max(100)
      .default(0)
      .describe('Least net profit, percent of what is paid, -100 to 100 (default 0)'),
    notional,
    exchanges: venueNames,
    max_age_ms: maxAgeMs(5_000),
    limit: limit(20, 100),
  }),
  output: z.object({
    symbols_checked: measure.count,
    pairs_checked: measure.count,
    opportunities: z.array(z.object({ symbol: z.string(), currency: z.string(), ...pairShape.shape })),
    best_rejected: z
      .object({ symbol: z.string(), buy: z.string(), sell: z.string(), net_bps: measure.basisPoints.nullable() })
      .nullable()
      .describe('The best pair that earns less than asked'),
  }),
  examples: [
    { title: 'Bitcoin, anything that earns', input: { symbol: 'BTCUSDT' } },
    { title: 'How far the nearest is from earning', input: { symbol: 'BTCUSDT', min_profit: -1, limit: 5 } },
  ],
  summary: (output) => {
    const [best] = output.opportunities;
    if (best === undefined) return `None of ${output.pairs_checked} pairs earns as much.`;
    return `${output.opportunities.length} of ${output.pairs_checked} pairs: ${best.symbol} bought on ${best.buy}, sold on ${best.sell}, ${best.net_bps?.toFixed(2) ?? '?'} bps net.`;
  },
  run: async (input, context) => {
    const { symbols, notes: leftOut } = symbolsAsked(context.services, input.symbol, 'orderbooks');
    const markets = chosenMarkets(context.services, input.exchanges, ['futures', 'spot'], 'orderbooks');
    const sources: ProvenanceSource[] = [];
    const notes = new Set(leftOut);
    const pairs = [];
    let complete = leftOut.length === 0;
    for (const symbol of symbols) {
      const sides = await readSides(context, markets, symbol, input.max_age_ms);
      const compared = compareSides(sides, input.notional);
      pairs.push(...compared.pairs.map((pair) => ({ symbol, currency: sides.currency, ...pair })));
      sources.push(...sides.sources);
      for (const note of sides.notes) notes.add(symbols.length === 1 ? note : `${symbol}: ${note}`);
      complete &&= sides.missing.length === 0 && compared.excluded.length === 0;
    }
    pairs.sort((a, b) => (b.net_bps ?? -Infinity) - (a.net_bps ?? -Infinity));
    const earns = (pair: { readonly net_bps: number | null }): boolean =>
      pair.net_bps !== null && pair.net_bps / 100 >= input.min_profit;
    const opportunities = pairs.filter(earns);
    const rejected = pairs.find((pair) => !earns(pair));
    return {
      data: {
        symbols_checked: symbols.length,
        pairs_checked: pairs.length,
        opportunities: opportunities.slice(0, input.limit),
        best_rejected: rejected === undefined ? null : pick(rejected),
      },
      provenance: provenanceOf(sources, { complete, notes: [...notes] }),
    };
  },
});

function pick({
  symbol,
  buy,
  sell,
  net_bps,
}: {
  readonly symbol: string;
  readonly buy: string;
  readonly sell: string;
  readonly net_bps: number | null;
}) {
  return { symbol, buy, sell, net_bps };
}
