import { z } from 'zod';
import { standardisedMove } from '../../jobs/history/returns.ts';
import { numberOf } from '../../jobs/row.ts';
import { coverageShape } from '../../exchanges/shared/coverage.ts';
import { figures } from '../shared/history.ts';
import { isoOfUs } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { nowShape, priceAndPast, priceAndPastInput } from '../shared/venues/one-market.ts';
import { measure } from '../../domain/measure.ts';

const WINDOWS = { '5m': 5, '15m': 15, '1h': 60, '4h': 240, '24h': 1440 } as const;
const DAY_MINUTES = 1440;
/** Size of the move, in deviations expected over the window, beyond which it is elevated, or an anomaly. */
const ELEVATED = 2;
const ANOMALY = 3;
const number = z.number().nullable();

export default marketTool({
  name: 'detect_price_anomalies',
  title: 'Is the price unusual',
  toolset: 'context',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Whether the price of a symbol on one market now has moved unusually against 5 m, 15 m, 1 h, 4 h and 24 h ago: the logarithmic move divided by what one-minute returns of the stored last day make expect over such a time (deviation × √minutes). Beyond 2 elevated, beyond 3 an anomaly. A window without stored history, or fewer than 30 returns, is null with a reason.',
  input: z.strictObject(priceAndPastInput),
  output: z.object({
    now: nowShape,
    one_minute_deviation: number.describe('Deviation of logarithmic returns of one minute, fraction'),
    returns: measure.count,
    windows: z.array(
      z.object({
        window: z.string(),
        then: number.describe('Price at its beginning, quote currency'),
        then_time: z.string().nullable(),
        change_percent: measure.percent.nullable(),
        move: number.describe('Standard deviations expected over the window'),
        verdict: z.enum(['normal', 'elevated', 'anomaly', 'unknown']),
        reason: z.string().nullable(),
      }),
    ),
    anomalies: measure.count,
    coverage: coverageShape.nullable(),
  }),
  examples: [{ title: 'Bitcoin on Binance futures', input: {} }],
  summary: (o) =>
    `${o.now.price} ${o.now.quote}: ${o.anomalies} anomaly(ies); ${o.windows.map((w) => `${w.window} ${w.move?.toFixed(1) ?? '?'}`).join(', ')}.`,
  run: async (input, context) => {
    const { services } = context;
    const { price, past, range, shown, provenance } = await priceAndPast(context, input, DAY_MINUTES);
    const bars =
      past === null
        ? []
        : await figures(services, past.key, range, {
            select: `epoch_us(event_time) // 60000000 AS minute, epoch_us(max(event_time))::DOUBLE AS at,
              arg_max(mid_price, event_time) AS close`,
            tail: 'GROUP BY minute ORDER BY minute',
          });
    const closes = bars.flatMap((bar) => {
      const [minute, at, close] = [numberOf(bar, 'minute'), numberOf(bar, 'at'), numberOf(bar, 'close')];
      return minute === null || at === null || close === null ? [] : [{ minute, at, close }];
    });
    const nowMinute = Math.floor(context.clock.now() / 60_000);
    const windows = Object.entries(WINDOWS).map(([name, minutes]) => {
      const found = standardisedMove(closes, { price, minute: nowMinute, minutes });
      const size = found.move === null ? null : Math.abs(found.move);
      return {
        window: name,
        then: found.then?.close ?? null,
        then_time: isoOfUs(found.then?.at ?? null),
        change_percent: found.then === null ? null : (price / found.then.close - 1) * 100,
        move: found.move,
        verdict:
          size === null
            ? ('unknown' as const)
            : size > ANOMALY
              ? ('anomaly' as const)
              : size > ELEVATED
                ? ('elevated' as const)
                : ('normal' as const),
        reason: found.reason,
      };
    });
    const any = standardisedMove(closes, { price, minute: nowMinute, minutes: 5 });
    return {
      data: {
        ...shown,
        one_minute_deviation: any.deviation,
        returns: any.returns,
        windows,
        anomalies: windows.filter((w) => w.verdict === 'anomaly').length,
      },
      provenance,
    };
  },
});
