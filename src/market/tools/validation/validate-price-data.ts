import { z } from 'zod';
import { median } from '../../jobs/checks/statistics.ts';
import { latestPrices } from '../../jobs/cross-exchange.ts';
import { exchange, quantity, symbol } from '../shared/fields.ts';
import { provenance } from '../shared/provenance.ts';
import { collectedVenue, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'validate_price_data',
  title: 'Validate one price',
  toolset: 'validation',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Judges one price: positive, and no further from the median of reference prices than the alert of the rules allows. References are those given, or the newest prices of all venues. Without any reference the price is undecided, never valid by default.',
  input: z.strictObject({
    exchange,
    symbol,
    price: quantity.describe('Price to judge, quote units'),
    reference_prices: z
      .array(quantity.positive())
      .max(100)
      .optional()
      .describe('Prices to compare with, quote units; the newest of all other venues when left out'),
  }),
  output: z.object({
    valid: z.boolean().nullable(),
    issues: z.array(z.object({ type: z.string(), message: z.string() })),
    reference: measure.price.nullable(),
    references: measure.count,
    deviation_percent: measure.percent.nullable(),
    limit_percent: measure.percent,
  }),
  examples: [
    {
      title: 'Against given references',
      input: { exchange: 'binance', symbol: 'BTCUSDT', price: 50_000, reference_prices: [50_010, 49_990, 50_005] },
    },
  ],
  summary: (output) =>
    output.valid === null
      ? 'Undecided: no reference.'
      : output.valid
        ? 'The price is valid.'
        : 'The price is not valid.',
  run: async (input, { services, clock }) => {
    collectedVenue(services, input.exchange);
    await matchSeries(services, { symbol: input.symbol });
    const latest = (await latestPrices(services, input.symbol.toUpperCase())).get(input.symbol.toUpperCase()) ?? [];
    const others = latest.filter((v) => v.exchange !== input.exchange);
    const references = input.reference_prices ?? others.map((v) => v.value);
    const reference = median(references);
    const limit = services.config.validation.cross_exchange_alert_percent;
    const deviation = reference === null ? null : (Math.abs(input.price - reference) / reference) * 100;
    const issues: { type: string; message: string }[] = [];
    if (input.price <= 0) issues.push({ type: 'invalid_price', message: `${input.price} is not positive` });
    else if (deviation !== null && deviation > limit) {
      const message = `${input.price} is ${deviation.toFixed(2)} % from the median ${String(reference)} (limit ${limit} %)`;
      issues.push({ type: 'price_deviation', message });
    }
    const undecided = issues.length === 0 && reference === null;
    const newest = others.length === 0 ? null : Math.max(...others.map((v) => v.time));
    return {
      data: {
        valid: undecided ? null : issues.length === 0,
        issues,
        reference,
        references: references.length,
        deviation_percent: deviation,
        limit_percent: limit,
      },
      provenance:
        input.reference_prices === undefined
          ? provenance(clock, newest, 'store')
          : provenance(clock, null, 'references given', { complete: true }),
    };
  },
});
