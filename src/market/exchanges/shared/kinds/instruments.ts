import { z } from 'zod';
import type { Instrument } from '../../../domain/instrument.ts';
import type { Kind } from '../../endpoint.ts';
import { measure } from '../../../domain/measure.ts';

/** An instrument, and what the venue says of it beyond what sizes and rates depend on. */
export interface InstrumentFacts extends Instrument {
  /** Base units. */
  readonly min_size?: number | null | undefined;
  readonly max_size?: number | null | undefined;
  /** Quote units. */
  readonly min_value?: number | null | undefined;
  readonly max_leverage?: number | null | undefined;
  /** UTC ms. */
  readonly expiry?: number | null | undefined;
}

const factsShape = z.object({
  symbol: z.string(),
  venue_symbol: z.string(),
  base: z.string(),
  quote: z.string(),
  kind: z.string(),
  status: z.string(),
  tick_size: z.number().describe('Smallest step of prices, quote currency').nullable(),
  lot_size: z.number().describe('Smallest step of sizes, base units').nullable(),
  contract_size: z.number().describe('Base units in one contract; quote units where inverse').nullable(),
  inverse: z.boolean(),
  funding_interval_hours: measure.hours.nullable(),
  min_size: measure.size.nullable(),
  max_size: measure.size.nullable(),
  min_value: measure.value.nullable(),
  max_leverage: measure.leverage.nullable(),
  expiry: z.string().nullable(),
});
export const instrumentsShape = z.object({
  count: measure.count,
  trading: measure.count,
  by_kind: z.record(z.string(), measure.count),
  by_quote: z.array(z.object({ quote: z.string(), count: measure.count })),
  instruments: z.array(factsShape),
});
const SHOWN = 100;

export const instruments: Kind<readonly InstrumentFacts[], z.infer<typeof instrumentsShape>> = {
  name: 'instruments',
  about:
    'What can be traded: canonical and venue symbol, base, quote, kind, status, price step (quote units), size step (base units), contract size, whether inverse, hours between funding payments, and size limits, leverage and expiry where given; of one instrument, or counts of all and the first 100 by symbol.',
  output: instrumentsShape,
  derive: (value) => {
    const counts = (of: (i: InstrumentFacts) => string): Map<string, number> => {
      const found = new Map<string, number>();
      for (const i of value) found.set(of(i), (found.get(of(i)) ?? 0) + 1);
      return found;
    };
    return {
      count: value.length,
      trading: value.filter((i) => i.status === 'trading').length,
      by_kind: Object.fromEntries(counts((i) => i.kind)),
      by_quote: [...counts((i) => i.quote)]
        .map(([quote, count]) => ({ quote, count }))
        .sort((a, b) => b.count - a.count)
        .slice(0, 20),
      instruments: [...value]
        .sort((a, b) => (a.symbol < b.symbol ? -1 : 1))
        .slice(0, SHOWN)
        .map((i) => ({
          symbol: i.symbol,
          venue_symbol: i.venue_symbol,
          base: i.base,
          quote: i.quote,
          kind: i.kind,
          status: i.status,
          tick_size: i.tick_size,
          lot_size: i.lot_size,
          contract_size: i.contract_size,
          inverse: i.inverse,
          funding_interval_hours: i.funding_interval_hours,
          min_size: i.min_size ?? null,
          max_size: i.max_size ?? null,
          min_value: i.min_value ?? null,
          max_leverage: i.max_leverage ?? null,
          expiry: i.expiry === null || i.expiry === undefined ? null : new Date(i.expiry).toISOString(),
        })),
    };
  },
  summary: (data) => `${data.count} instrument(s), ${data.trading} trading.`,
};
