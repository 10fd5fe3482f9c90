import { z } from 'zod';
import { marketTool } from '../shared/tool.ts';
import { maxAgeMs } from '../shared/venues/across.ts';
import { eachInput, eachShape, overSymbols, symbolShape } from '../shared/venues/each.ts';
import { requireFresh } from '../shared/venues/reader.ts';
import { fundingOf } from '../shared/venues/rows.ts';
import { measure } from '../../domain/measure.ts';

const number = z.number().nullable();

/** A payment that was made is not stale before the next two are due. */
const INTERVALS = 2;
const HOUR_MS = 3_600_000;

export default marketTool({
  name: 'get_funding_rate_data',
  title: 'Funding rates over venues',
  toolset: 'live',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The running funding rate of a symbol on each venue, highest a year first: a fraction per the contract’s own interval (1, 4, 8 h …), the same per 8 h and a year in percent, next payment, and who pays (longs or shorts, by its sign). settled: the venue tells only the last payment. Use analyze_funding_arbitrage to trade the difference.',
  input: z.strictObject({ ...eachInput, max_age_ms: maxAgeMs(300_000) }),
  output: z.object({
    symbols: z.array(
      symbolShape(
        eachShape({
          funding_rate: number.describe('Fraction per interval_hours; positive: longs pay'),
          interval_hours: measure.hours.nullable(),
          rate_8h: measure.fundingRate8h.nullable(),
          annualised_pct: measure.percentYear.nullable(),
          next_funding_time: z.string().nullable(),
          settled: z.boolean(),
          payers: z.string(),
        }),
        { highest_pct: measure.percentYear.nullable(), lowest_pct: measure.percentYear.nullable() },
      ),
    ),
  }),
  examples: [{ title: 'Bitcoin', input: { symbol: 'BTCUSDT' } }],
  summary: ({ symbols }) =>
    symbols
      .slice(0, 4)
      .map(
        ({ symbol, markets }) =>
          `${symbol}: ${markets.map((m) => `${m.exchange} ${m.annualised_pct?.toFixed(2) ?? '?'} % a year`).join(', ')}`,
      )
      .join('; '),
  run: async (input, context) => {
    const { symbols, provenance } = await overSymbols(
      context,
      { ...input, stream: 'funding_rates', kinds: ['futures'] },
      async (target, reader) => {
        const { value: row, source } = await reader.newest(target, 'funding_rates', input.max_age_ms);
        const funding = fundingOf(row, target.instrument.funding_interval_hours);
        const bound = funding.settled ? (funding.interval_hours ?? 8) * INTERVALS * HOUR_MS : input.max_age_ms;
        requireFresh(`the funding rate of ${target.id}`, source, bound);
        return { value: funding, source };
      },
    );
    return {
      data: {
        symbols: symbols.map(({ symbol, markets, missing }) => {
          const yearly = markets.flatMap((m) => m.annualised_pct ?? []);
          return {
            symbol,
            markets: [...markets].sort((a, b) => (b.annualised_pct ?? -Infinity) - (a.annualised_pct ?? -Infinity)),
            highest_pct: yearly.length === 0 ? null : Math.max(...yearly),
            lowest_pct: yearly.length === 0 ? null : Math.min(...yearly),
            missing: [...missing],
          };
        }),
      },
      provenance,
    };
  },
});
