import { z } from 'zod';
import { coverageShape, minCoverage, showCoverage } from '../../exchanges/shared/coverage.ts';
import { fundingCarry } from '../../jobs/arbitrage/funding-carry.ts';
import { fundingSides, paidPerHour } from '../shared/funding-legs.ts';
import { signalTool } from '../shared/tool.ts';
import { maxAgeMs, missingShape, provenanceOf, symbolOr, venueNames } from '../shared/venues/across.ts';
import { measure } from '../../domain/measure.ts';

const number = z.number().nullable();
const legShape = z.object({
  market: z.string(),
  rate: measure.fundingRate,
  interval_hours: measure.hours,
  rate_8h: measure.fundingRate8h,
});
const PER_YEAR = 24 * 365 * 100;

/** Percent a year of a rate an hour. */
function aYear(perHour: number | null | undefined): number | null {
  return perHour === null || perHour === undefined ? null : perHour * PER_YEAR;
}

export default signalTool({
  name: 'analyze_funding_arbitrage',
  title: 'Funding arbitrage of a symbol',
  toolset: 'context',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Long where funding is lowest and short where it is highest: every venue’s running rate on the contract’s own interval (compared per 8 h and a year, never rate against rate), the spread, what opening and closing both legs costs in taker fees, how many hours the rates must last to pay that, and the spread that was really paid over the last hours where it is collected. Not counted: price moves between the legs, margin.',
  input: z.strictObject({
    symbol: symbolOr('BTCUSDT'),
    historical_hours: z
      .number()
      .min(1)
      .max(720)
      .default(24)
      .describe('Hours of payments to look back on, 1 to 720 (default 24)'),
    exchanges: venueNames,
    max_age_ms: maxAgeMs(300_000),
    min_coverage: minCoverage,
  }),
  output: z.object({
    symbol: z.string(),
    rates: z.array(
      z.object({
        market: z.string(),
        quote: z.string(),
        funding_rate: measure.fundingRate.nullable(),
        interval_hours: measure.hours.nullable(),
        rate_8h: measure.fundingRate8h.nullable(),
        annualised_pct: measure.percentYear.nullable(),
        settled: z.boolean(),
        taker_fee_percent: measure.percent.nullable(),
        paid_annualised_pct: number.describe('Mean of what was paid over the hours looked back on, percent a year'),
        paid_payments: measure.count,
        coverage: coverageShape.nullable().describe('Of the hours looked back on; null where it is not collected'),
        via: z.string(),
        age_ms: measure.milliseconds,
      }),
    ),
    long: legShape.nullable(),
    short: legShape.nullable(),
    spread_8h: measure.fundingRate8h.nullable(),
    spread_annualised_pct: measure.percentYear.nullable(),
    fees_percent: number.describe('Opening and closing both legs as taker, percent of the notional of one'),
    break_even_hours: measure.hours.nullable(),
    paid_spread_annualised_pct: number.describe('The same two legs, as they were paid, percent a year'),
    missing: z.array(missingShape),
  }),
  examples: [{ title: 'Bitcoin over four venues', input: { exchanges: ['binance', 'bybit', 'okx', 'hyperliquid'] } }],
  summary: (o) =>
    o.long === null || o.short === null
      ? `Fewer than two markets can be compared for ${o.symbol}.`
      : `${o.symbol}: long ${o.long.market}, short ${o.short.market}, ${o.spread_annualised_pct?.toFixed(2) ?? '?'} % a year; fees ${o.fees_percent?.toFixed(3) ?? '?'} % are paid after ${o.break_even_hours?.toFixed(0) ?? 'never'} h.`,
  run: async (input, context) => {
    const { sides, missing, notes } = await fundingSides(context, input.symbol, input.exchanges, input.max_age_ms);
    const paid = await paidPerHour(
      context.services,
      input.symbol.toUpperCase(),
      input.historical_hours,
      input.min_coverage,
    );
    const carry = fundingCarry(sides.flatMap((s) => s.leg ?? []));
    const leg = (l: { id: string; rate: number; intervalHours: number } | undefined) =>
      l === undefined
        ? null
        : { market: l.id, rate: l.rate, interval_hours: l.intervalHours, rate_8h: (l.rate * 8) / l.intervalHours };
    const paidBy = (id: string | undefined): number | null =>
      id === undefined ? null : (paid.get(id)?.perHour ?? null);
    const [long, short] = [paidBy(carry?.long.id), paidBy(carry?.short.id)];
    const unpaid = [...paid].filter(([, p]) => !p.coverage.complete).map(([id]) => id);
    const uncounted = sides.filter((s) => s.leg === null).map((s) => s.id);
    return {
      data: {
        symbol: input.symbol.toUpperCase(),
        rates: sides
          .map((s) => {
            const past = paid.get(s.id);
            return {
              market: s.id,
              quote: s.quote,
              funding_rate: s.funding.funding_rate,
              interval_hours: s.funding.interval_hours,
              rate_8h: s.funding.rate_8h,
              annualised_pct: s.funding.annualised_pct,
              settled: s.funding.settled,
              taker_fee_percent: s.leg?.takerPercent ?? null,
              paid_annualised_pct: aYear(past?.perHour),
              paid_payments: past?.payments ?? 0,
              coverage: past === undefined ? null : showCoverage(past.coverage),
              via: s.source.via,
              age_ms: s.source.stale_ms,
            };
          })
          .sort((a, b) => (b.annualised_pct ?? -Infinity) - (a.annualised_pct ?? -Infinity)),
        long: leg(carry?.long),
        short: leg(carry?.short),
        spread_8h: carry?.spread_8h ?? null,
        spread_annualised_pct: carry?.annualised_percent ?? null,
        fees_percent: carry?.fees_percent ?? null,
        break_even_hours: carry?.break_even_hours ?? null,
        paid_spread_annualised_pct: long === null || short === null ? null : aYear(short - long),
        missing: [...missing],
      },
      provenance: provenanceOf(
        sides.map((s) => s.source),
        {
          complete: missing.length === 0 && uncounted.length === 0 && unpaid.length === 0,
          notes: [
            ...notes,
            ...(unpaid.length === 0 ? [] : [`what was paid is not wholly stored: ${unpaid.join(', ')}`]),
            ...(uncounted.length === 0 ? [] : [`not compared, rate, interval or fee unknown: ${uncounted.join(', ')}`]),
          ],
        },
      ),
    };
  },
});
