import { z } from 'zod';
import { marketKey } from '../../domain/records.ts';
import { marketFees } from '../../jobs/fees.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { chosenMarkets, venueNames } from '../shared/venues/across.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_trading_fees',
  title: 'Trading fees of venues',
  toolset: 'arbitrage',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Maker and taker fees of each venue market, percent of the value traded: those that this desk counts with (your own tier or rates of market.fees in system.yaml, else the first tier) and the whole tier table, with the page they come from and the day they were compared with it. Null: from memory, not verified.',
  input: z.strictObject({ exchanges: venueNames }),
  output: z.object({
    markets: z.array(
      z.object({
        id: z.string(),
        applied: z
          .object({
            tier: z.string(),
            maker_percent: measure.percent,
            taker_percent: measure.percent,
            origin: z.enum(['configured', 'schedule']),
          })
          .nullable(),
        tiers: z.array(
          z.object({
            name: z.string(),
            requires: z.string().nullable(),
            maker_percent: measure.percent,
            taker_percent: measure.percent,
          }),
        ),
        source: z.string().nullable(),
        checked: z.string().nullable(),
        note: z.string().nullable(),
      }),
    ),
  }),
  examples: [
    { title: 'Collected venues', input: {} },
    { title: 'Kraken', input: { exchanges: ['kraken'] } },
  ],
  summary: (output) =>
    output.markets
      .map(
        (m) =>
          `${m.id} ${m.applied === null ? 'not known' : `${m.applied.maker_percent} / ${m.applied.taker_percent} %`}`,
      )
      .join(', ') || 'No market.',
  run: async (input, { services, clock }) => {
    const markets = chosenMarkets(services, input.exchanges, ['futures', 'spot']).map((market) => {
      const applied = marketFees(services.config, market);
      const { fees } = market;
      return {
        id: marketKey(market.exchange, market.market),
        applied:
          applied === undefined
            ? null
            : {
                tier: applied.tier,
                maker_percent: applied.maker_percent,
                taker_percent: applied.taker_percent,
                origin: applied.origin,
              },
        tiers: (fees?.tiers ?? []).map((tier) => ({ ...tier })),
        source: fees?.source ?? null,
        checked: fees?.checked ?? null,
        note: fees?.note ?? null,
      };
    });
    return { data: { markets }, provenance: measuredNow(clock, 'fee schedules of the venues and system.yaml') };
  },
});
