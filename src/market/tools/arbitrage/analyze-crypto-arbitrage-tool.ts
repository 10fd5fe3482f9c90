import { z } from 'zod';
import { efficiency } from '../../jobs/arbitrage/compare.ts';
import { signalTool } from '../shared/tool.ts';
import { chosenMarkets, maxAgeMs, missingShape, provenanceOf, symbolOr, venueNames } from '../shared/venues/across.ts';
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

const SHOWN = 20;

export default signalTool({
  name: 'analyze_crypto_arbitrage_tool',
  aliases: ['analyze_crypto_arbitrage'],
  title: 'Arbitrage analysis of a symbol',
  toolset: 'arbitrage',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'One symbol over all markets at once: quotes with fees, age and source, how far the prices are apart in one currency (HIGHLY_EFFICIENT below 0.01 %, EFFICIENT below 0.05 %, MODERATE_INEFFICIENCY below 0.15 %, of middles, before costs), the best pairs net of fees and conversion at a size, and those that earn more than the threshold. Old books, unknown fees and missing rates are named. Use get_crypto_spreads for the whole matrix.',
  input: z.strictObject({
    symbol: symbolOr('BTCUSDT'),
    min_profit_threshold: z
      .number()
      .min(-100)
      .max(100)
      .default(0.05)
      .describe('Least net profit of an opportunity, percent of what is paid (default 0.05)'),
    include_spreads: z.boolean().default(true).describe('Give the best pairs, whether they earn or not'),
    include_opportunities: z.boolean().default(true).describe('Give the pairs that earn more than the threshold'),
    notional,
    exchanges: venueNames,
    max_age_ms: maxAgeMs(5_000),
  }),
  output: z.object({
    symbol: z.string(),
    currency: z.string(),
    efficiency: z.string(),
    spread_percent: z.number().nullable().describe('Highest over lowest middle, in one currency, percent'),
    markets: z.array(sideShape),
    spreads: z.array(pairShape),
    opportunities: z.array(pairShape),
    best: pairShape.nullable(),
    rates: z.array(rateShape),
    missing: z.array(missingShape),
  }),
  examples: [
    { title: 'Bitcoin', input: { symbol: 'BTCUSDT' } },
    {
      title: 'A large size on two venues',
      input: { symbol: 'BTCUSDT', notional: 500_000, exchanges: ['okx', 'bybit'] },
    },
  ],
  summary: (output) => {
    const best = output.best;
    const line =
      best === null
        ? 'nothing can be compared'
        : `best is buying on ${best.buy} and selling on ${best.sell}, ${best.net_bps?.toFixed(2) ?? '?'} bps net (break-even ${best.break_even_bps.toFixed(1)} bps)`;
    return `${output.symbol} on ${output.markets.length} market(s), ${output.spread_percent?.toFixed(4) ?? '?'} % apart: ${line}; ${output.opportunities.length} opportunity(ies).`;
  },
  run: async (input, context) => {
    const markets = chosenMarkets(context.services, input.exchanges, ['futures', 'spot'], 'orderbooks');
    const sides = await readSides(context, markets, input.symbol, input.max_age_ms);
    const { pairs, excluded } = compareSides(sides, input.notional);
    const apart = efficiency(sides.found.flatMap((side) => commonMid(sides, side) ?? []));
    const earning = pairs.filter((p) => p.net_bps !== null && p.net_bps / 100 >= input.min_profit_threshold);
    return {
      data: {
        symbol: input.symbol.toUpperCase(),
        currency: sides.currency,
        efficiency: apart.verdict,
        spread_percent: apart.spread_percent,
        markets: sides.found
          .map((side) => showSide(sides, side))
          .sort((a, b) => (a.mid_common ?? Infinity) - (b.mid_common ?? Infinity)),
        spreads: input.include_spreads ? pairs.slice(0, SHOWN) : [],
        opportunities: input.include_opportunities ? earning.slice(0, SHOWN) : [],
        best: pairs[0] ?? null,
        rates: [...sides.conversions.rates],
        missing: [...sides.missing],
      },
      provenance: provenanceOf(sides.sources, {
        complete: sides.missing.length === 0 && excluded.length === 0,
        notes: [...sides.notes, ...new Set(excluded.map((e) => `${e.buy} and ${e.sell}: ${e.reason}`))].slice(0, 20),
      }),
    };
  },
});
