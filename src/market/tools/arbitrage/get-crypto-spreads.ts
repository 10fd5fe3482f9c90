import { z } from 'zod';
import { signalTool } from '../shared/tool.ts';
import { chosenMarkets, maxAgeMs, missingShape, provenanceOf, symbolOr, venueNames } from '../shared/venues/across.ts';
import { rateShape } from '../shared/venues/conversions.ts';
import { compareSides, notional, pairShape, readSides, showSide, sideShape } from '../shared/venues/sides.ts';
import { measure } from '../../domain/measure.ts';

/** Pairs listed; the matrix has all. */
const SHOWN = 40;

export default signalTool({
  name: 'get_crypto_spreads',
  title: 'Spreads between venues',
  toolset: 'arbitrage',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'What buying a symbol on one market and selling it on another leaves, for every pair of markets: net of both taker fees, at the size asked for (both order books are walked), and of the conversion where quote currencies differ. A matrix in basis points (row bought on, column sold on) and the best pairs with prices, break-even and the size that earns most. Books that are too old, and pairs without a rate, are left out and named.',
  input: z.strictObject({
    symbol: symbolOr('BTCUSDT'),
    notional,
    exchanges: venueNames,
    max_age_ms: maxAgeMs(5_000),
  }),
  output: z.object({
    symbol: z.string(),
    currency: z.string(),
    notional: measure.value,
    markets: z.array(sideShape),
    net_bps: z.record(z.string(), z.record(z.string(), measure.basisPoints.nullable())),
    pairs: z.array(pairShape),
    pairs_left_out: measure.count,
    rates: z.array(rateShape),
    missing: z.array(missingShape),
    excluded_pairs: z.array(z.object({ buy: z.string(), sell: z.string(), reason: z.string() })),
  }),
  examples: [{ title: 'Bitcoin, 10,000 USDT', input: { symbol: 'BTCUSDT' } }],
  summary: ({ pairs: [best], currency, markets }) =>
    best === undefined
      ? `Nothing can be compared on ${markets.length} market(s).`
      : `Best of ${markets.length} markets: buy ${best.buy}, sell ${best.sell}, ${best.net_bps?.toFixed(2) ?? '?'} bps net (${best.net_profit.toFixed(2)} ${currency}).`,
  run: async (input, context) => {
    const markets = chosenMarkets(context.services, input.exchanges, ['futures', 'spot'], 'orderbooks');
    const sides = await readSides(context, markets, input.symbol, input.max_age_ms);
    const { pairs, excluded } = compareSides(sides, input.notional);
    const matrix: Record<string, Record<string, number | null>> = {};
    for (const pair of pairs) (matrix[pair.buy] ??= {})[pair.sell] = pair.net_bps;
    return {
      data: {
        symbol: input.symbol.toUpperCase(),
        currency: sides.currency,
        notional: input.notional,
        markets: sides.found.map((side) => showSide(sides, side)),
        net_bps: matrix,
        pairs: pairs.slice(0, SHOWN),
        pairs_left_out: Math.max(0, pairs.length - SHOWN),
        rates: [...sides.conversions.rates],
        missing: [...sides.missing],
        excluded_pairs: [...excluded],
      },
      provenance: provenanceOf(sides.sources, {
        complete: sides.missing.length === 0 && excluded.length === 0,
        notes: sides.notes,
      }),
    };
  },
});
