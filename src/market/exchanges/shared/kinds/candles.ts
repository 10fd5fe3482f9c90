import { z } from 'zod';
import type { Ms } from '../../../../kit/clock.ts';
import type { Kind } from '../../endpoint.ts';
import { changePct, iso, mean } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

export interface Candle {
  /** Start of the half-open interval. */
  readonly open_time: Ms;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** Base units; null where the venue does not say (mark and index candles). */
  readonly volume: number | null;
  readonly quote_volume?: number | null | undefined;
  readonly trades?: number | null | undefined;
  readonly taker_buy_volume?: number | null | undefined;
  /** False for the candle that is still running. */
  readonly closed: boolean;
}

export interface CandlesReading {
  readonly symbol: string;
  readonly interval: string;
  readonly candles: readonly Candle[];
}

const candleShape = z.object({
  open_time: z.string().nullable(),
  open: measure.price,
  high: measure.price,
  low: measure.price,
  close: measure.price,
  volume: measure.size.nullable(),
  quote_volume: measure.value.nullable(),
  trades: measure.count.nullable(),
  taker_buy_volume: measure.size.nullable(),
  closed: z.boolean(),
});

export const candlesShape = z.object({
  symbol: z.string(),
  interval: z.string(),
  count: measure.count,
  from: z.string().nullable(),
  to: z.string().nullable(),
  last_close: measure.price.nullable(),
  change_pct: measure.percent.nullable(),
  high: measure.price.nullable(),
  low: measure.price.nullable(),
  range_position_pct: measure.percent.nullable(),
  sma_20: measure.price.nullable(),
  sma_50: measure.price.nullable(),
  trend: z.enum(['up', 'down', 'mixed', 'unknown']),
  volume: measure.size.nullable(),
  volume_ratio: measure.ratio.nullable(),
  candles: z.array(candleShape),
});

const SHOWN = 200;
const RECENT = 5;

export const candles: Kind<CandlesReading, z.infer<typeof candlesShape>> = {
  name: 'candles',
  about:
    'Candles of one instrument: open, high, low, close in the quote currency, volume in base units, whether closed; change over the stretch in percent, place of the last close in its range (0 to 100 %), simple means of the last 20 and 50 closes, trend (up: close above the 20 mean above the 50 mean; down: the reverse), and mean volume of the last five closed candles over the mean of all. The newest 200 are listed, newest first.',
  output: candlesShape,
  derive: ({ symbol, interval, candles: given }) => {
    const all = [...given].sort((a, b) => a.open_time - b.open_time);
    const closes = all.map((c) => c.close);
    const last = closes.at(-1) ?? null;
    const high = all.length === 0 ? null : Math.max(...all.map((c) => c.high));
    const low = all.length === 0 ? null : Math.min(...all.map((c) => c.low));
    const [short, long] = [trailing(closes, 20), trailing(closes, 50)];
    const volumes = all.filter((c) => c.closed).flatMap((c) => c.volume ?? []);
    const [recent, usual] = [mean(volumes.slice(-RECENT)), mean(volumes)];
    return {
      symbol,
      interval,
      count: all.length,
      from: iso(all[0]?.open_time),
      to: iso(all.at(-1)?.open_time),
      last_close: last,
      change_pct: changePct(all[0]?.open, last),
      high,
      low,
      range_position_pct:
        last === null || high === null || low === null || high === low ? null : ((last - low) / (high - low)) * 100,
      sma_20: short,
      sma_50: long,
      trend: trendOf(last, short, long),
      volume: volumes.length === 0 ? null : volumes.reduce((total, v) => total + v, 0),
      volume_ratio: recent === null || usual === null || usual === 0 ? null : recent / usual,
      candles: all.slice(-SHOWN).reverse().map(show),
    };
  },
  summary: (data) =>
    `${data.count} candles of ${data.symbol} at ${data.interval}, last ${String(data.last_close)}${data.change_pct === null ? '' : `, ${data.change_pct.toFixed(2)} %`}, trend ${data.trend}.`,
};

function show(c: Candle): z.infer<typeof candleShape> {
  return {
    open_time: iso(c.open_time),
    open: c.open,
    high: c.high,
    low: c.low,
    close: c.close,
    volume: c.volume,
    quote_volume: c.quote_volume ?? null,
    trades: c.trades ?? null,
    taker_buy_volume: c.taker_buy_volume ?? null,
    closed: c.closed,
  };
}

function trailing(closes: readonly number[], length: number): number | null {
  return closes.length < length ? null : mean(closes.slice(-length));
}

function trendOf(last: number | null, short: number | null, long: number | null): 'up' | 'down' | 'mixed' | 'unknown' {
  if (last === null || short === null || long === null) return 'unknown';
  if (last > short && short > long) return 'up';
  return last < short && short < long ? 'down' : 'mixed';
}
