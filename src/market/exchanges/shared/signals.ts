import { z } from 'zod';
import type { bookShape } from './kinds/book.ts';
import type { candlesShape } from './kinds/candles.ts';
import type { fundingHistoryShape, interestHistoryShape, markShape } from './kinds/derivatives.ts';
import type { ratiosShape, takerShape } from './kinds/positioning.ts';
import type { ShownTicker } from './kinds/ticker.ts';
import type { tradesShape } from './kinds/trades.ts';
import { measure } from '../../domain/measure.ts';

/**
 * What several answers say together. Signals have a direction and are counted; risks (crowded funding, one-sided
 * positions, jumps of open interest) have a level and no direction, because none is proven. Thresholds are the venue
 * tools' customary ones and are named with each signal; the score is a count, not a probability.
 */
export interface Evidence {
  readonly ticker?: ShownTicker | null | undefined;
  readonly book?: z.infer<typeof bookShape> | null | undefined;
  readonly trades?: z.infer<typeof tradesShape> | null | undefined;
  readonly candles?: z.infer<typeof candlesShape> | null | undefined;
  readonly mark?: z.infer<typeof markShape> | null | undefined;
  readonly funding?: z.infer<typeof fundingHistoryShape> | null | undefined;
  readonly interest?: z.infer<typeof interestHistoryShape> | null | undefined;
  readonly ratios?: z.infer<typeof ratiosShape> | null | undefined;
  readonly taker?: z.infer<typeof takerShape> | null | undefined;
}

const signalShape = z.object({
  name: z.string(),
  direction: z.enum(['up', 'down', 'none']),
  value: measure.named,
  unit: z.string(),
  rule: z.string(),
});
const riskShape = z.object({
  name: z.string(),
  level: z.enum(['normal', 'elevated', 'extreme']),
  value: measure.named,
  unit: z.string(),
  rule: z.string(),
});

/** Fields of a conclusion. */
export const conclusionFields = {
  symbol: z.string(),
  price: measure.price.nullable(),
  leaning: z.enum(['up', 'down', 'mixed', 'unknown']),
  score: z.number().describe('Score: mean of the signals, −1 all down to 1 all up').nullable(),
  signals: z.array(signalShape),
  risks: z.array(riskShape),
};
type Conclusion = z.infer<z.ZodObject<typeof conclusionFields>>;
type Signal = z.infer<typeof signalShape>;
type Risk = z.infer<typeof riskShape>;

/** Mean direction beyond which the whole leans. */
const LEANING = 0.3;

export function conclude(symbol: string, evidence: Evidence): Conclusion {
  const signals = signalsOf(evidence);
  const score =
    signals.length === 0
      ? null
      : signals.reduce((total, s) => total + (s.direction === 'up' ? 1 : s.direction === 'down' ? -1 : 0), 0) /
        signals.length;
  return {
    symbol,
    price: evidence.ticker?.last ?? evidence.trades?.last_price ?? evidence.book?.mid ?? evidence.mark?.mark ?? null,
    leaning: score === null ? 'unknown' : score > LEANING ? 'up' : score < -LEANING ? 'down' : 'mixed',
    score,
    signals,
    risks: risksOf(evidence),
  };
}

export function conclusionSummary(c: Conclusion): string {
  const high = c.risks.filter((r) => r.level !== 'normal').map((r) => `${r.name} ${r.level}`);
  return `${c.symbol} ${String(c.price)}: ${c.signals.length} signals, leaning ${c.leaning}${high.length === 0 ? '' : `; ${high.join(', ')}`}.`;
}

/** A signal by a threshold on either side; nothing when the value is not known. */
function sided(
  name: string,
  value: number | null | undefined,
  rule: { readonly up: number; readonly down: number; readonly unit: string; readonly text: string },
): Signal[] {
  if (value === null || value === undefined) return [];
  const direction = value > rule.up ? 'up' : value < rule.down ? 'down' : 'none';
  return [{ name, direction, value, unit: rule.unit, rule: rule.text }];
}

function signalsOf(e: Evidence): Signal[] {
  const trend = e.candles?.trend;
  const band = e.book?.bands.find((b) => b.levels === 20) ?? e.book?.bands.at(-1);
  return [
    ...sided('day_change', e.ticker?.change_24h_pct, {
      up: 2,
      down: -2,
      unit: 'percent',
      text: '24 h change beyond ±2 %',
    }),
    ...(trend === undefined || trend === 'unknown' || e.candles?.change_pct === null || e.candles === null
      ? []
      : [
          {
            name: 'candle_trend',
            direction: trend === 'up' ? ('up' as const) : trend === 'down' ? ('down' as const) : ('none' as const),
            value: e.candles?.change_pct ?? 0,
            unit: 'percent over the stretch',
            rule: 'last close, mean of 20 and mean of 50 closes in order',
          },
        ]),
    ...sided('trade_flow', e.trades?.imbalance_pct, {
      up: 9,
      down: -9,
      unit: 'percent',
      text: 'size bought against size sold beyond 1.2 to 1 (±9 %)',
    }),
    ...sided('book_imbalance', band?.imbalance_pct, {
      up: 15,
      down: -15,
      unit: 'percent',
      text: 'bid against ask size of the first 20 levels beyond ±15 %',
    }),
    ...sided('taker_volume', e.taker?.latest_ratio, {
      up: 1.05,
      down: 0.95,
      unit: 'buy ÷ sell',
      text: 'taker buy ÷ sell above 1.05 or below 0.95',
    }),
  ];
}

function graded(
  name: string,
  value: number | null | undefined,
  rule: { readonly elevated: number; readonly extreme: number; readonly unit: string; readonly text: string },
): Risk[] {
  if (value === null || value === undefined) return [];
  const size = Math.abs(value);
  const level = size >= rule.extreme ? 'extreme' : size >= rule.elevated ? 'elevated' : 'normal';
  return [{ name, level, value, unit: rule.unit, rule: rule.text }];
}

function risksOf(e: Evidence): Risk[] {
  // The rate that runs; the one paid last only where no part tells it.
  const funding = e.mark?.funding_rate_8h ?? e.ticker?.funding_rate_8h ?? e.funding?.last_rate_8h;
  const premium = e.mark?.premium_bps ?? e.ticker?.premium_bps;
  const ratios = (e.ratios?.series ?? []).flatMap((s) => {
    const ratio = s.latest?.ratio;
    return ratio === null || ratio === undefined || ratio <= 0 ? [] : [{ group: s.group, log: Math.log(ratio) }];
  });
  return [
    ...graded('funding', funding, {
      elevated: 0.0003,
      extreme: 0.001,
      unit: 'fraction per 8 h; positive: longs pay',
      text: 'beyond ±0.0003 elevated, ±0.001 extreme',
    }),
    ...graded('premium', premium, {
      elevated: 10,
      extreme: 50,
      unit: 'basis points of the index',
      text: 'mark against index beyond ±10 elevated, ±50 extreme',
    }),
    ...graded('open_interest_change', e.interest?.change_pct, {
      elevated: 5,
      extreme: 15,
      unit: 'percent over the stretch',
      text: 'beyond ±5 % elevated, ±15 % extreme',
    }),
    ...ratios.flatMap(({ group, log }) =>
      graded(`positions_${group}`, log, {
        elevated: Math.log(1.5),
        extreme: Math.log(2),
        unit: 'ln(long ÷ short)',
        text: 'long ÷ short beyond 1.5 (or its inverse) elevated, 2 extreme',
      }),
    ),
  ];
}
