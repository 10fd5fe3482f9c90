import { z } from 'zod';
import { annualisedPct } from '../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../jobs/row.ts';
import { paymentFigures, paymentsOf } from '../shared/funding-history.ts';
import { eachPast, figures, pastShape, showPast } from '../shared/history.ts';
import { pastHoursInput } from '../shared/past-fields.ts';
import { isoOfUs } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const number = z.number().nullable();
const SHOWN = 100;

export default marketTool({
  name: 'get_historical_funding_data',
  title: 'Stored funding',
  toolset: 'history',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Funding payments of a symbol over the last hours on one or all venues: mean, highest, lowest and sum of the rates, each a fraction per the contract’s own interval, the mean a year in percent by that interval, and the running rate. Rates told between payments are no payments and are not summed. With coverage.',
  input: z.strictObject(pastHoursInput),
  output: z.object({
    series: z.array(
      z.object({
        ...pastShape,
        running_rate: number.describe('Newest rate told, fraction per interval'),
        running_annualised_pct: measure.percentYear.nullable(),
        payments: measure.count,
        interval_hours: measure.hours.nullable(),
        mean_rate: measure.fundingRate.nullable(),
        mean_annualised_pct: measure.percentYear.nullable(),
        highest: measure.fundingRate.nullable(),
        lowest: measure.fundingRate.nullable(),
        cumulative_rate: z.number().describe('Sum of the payments, fraction').nullable(),
        history: z.array(z.object({ time: z.string().nullable(), rate: measure.fundingRate })),
      }),
    ),
  }),
  examples: [{ title: 'A day on Binance', input: { symbol: 'BTCUSDT', exchange: 'binance' } }],
  summary: ({ series }) =>
    series
      .map(
        (s) =>
          `${s.table}: running ${String(s.running_rate)}, ${s.payments} payment(s) sum ${String(s.cumulative_rate)}`,
      )
      .join('; ') || 'No series.',
  run: (input, { services }) =>
    eachPast(
      services,
      { ...input, market: 'futures', stream: 'funding_rates', minutes: input.hours * 60 },
      async (past, range) => {
        const payments = await paymentsOf(services, past, range);
        const [running = {}] = await figures(services, past.key, range, {
          select: 'epoch_us(event_time)::DOUBLE AS at, funding_rate, funding_interval_hours',
          tail: 'ORDER BY event_time DESC LIMIT 1',
        });
        const rate = numberOf(running, 'funding_rate');
        return {
          last: numberOf(running, 'at'),
          shown: {
            ...showPast(past),
            running_rate: rate,
            running_annualised_pct: annualisedPct(rate, numberOf(running, 'funding_interval_hours')),
            ...paymentFigures(payments),
            history: payments.slice(-SHOWN).map((p) => ({ time: isoOfUs(p.at), rate: p.rate })),
          },
        };
      },
    ),
});
