import { z } from 'zod';
import { sleep } from '../../../kit/clock.ts';
import type { Provenance, ToolContext } from '../../../kit/tool.ts';
import type { SqlRow } from '../../../infra/duckdb/database.ts';
import { viewName, type SeriesKey, type Stream } from '../../domain/records.ts';
import { requireCovered } from '../../exchanges/shared/coverage.ts';
import { changePct, imbalancePct } from '../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../jobs/row.ts';
import type { MarketServices } from '../../services.ts';
import { usedCoverage } from './coverage.ts';
import { figures, latest, pastProvenance, pastShape, showPast, type Past, type Stretch } from './history.ts';
import { isoOfUs } from './provenance.ts';
import { matchSeries } from './series.ts';
import { path } from '../../jobs/history/returns.ts';
import { measure } from '../../domain/measure.ts';

/** Watching a symbol for a while: what the collectors stored of it between the call and its end. */

export const FOCUS = ['all', 'price', 'flow', 'regime'] as const;
export type Focus = (typeof FOCUS)[number];

const number = z.number().nullable();

const priceShape = z.object({
  rows: measure.count,
  first: measure.price.nullable(),
  last: measure.price.nullable(),
  high: measure.price.nullable(),
  low: measure.price.nullable(),
  change_percent: measure.percent.nullable(),
  mean_spread_bps: measure.basisPoints.nullable(),
});
const flowShape = z.object({
  trades: measure.count,
  bought: z.number().describe('Base units'),
  sold: measure.size,
  imbalance_pct: measure.percent.nullable(),
  vwap: measure.price.nullable(),
  largest_value: measure.value.nullable(),
});
const regimeShape = z.object({
  one_second_deviation: number.describe('Deviation of logarithmic returns between seconds that have a price, fraction'),
  returns: measure.count,
  efficiency_ratio: number.describe(
    '|last − first| ÷ sum of moves between seconds: 1 straight, 0 to and fro (Kaufman)',
  ),
  funding_rate: measure.fundingRate.nullable(),
  open_interest_change_pct: measure.percent.nullable(),
  liquidations: number.describe('Count; null where they are not collected'),
});

export const observedShape = z.object({
  symbol: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  seconds: measure.seconds,
  markets: z.array(
    z.object({
      exchange: z.string(),
      market: z.string(),
      price: priceShape.nullable(),
      flow: flowShape.nullable(),
      regime: regimeShape.nullable(),
    }),
  ),
  series: z.array(z.object(pastShape)).describe('What was read, with its coverage of these seconds'),
});
export type Observed = z.infer<typeof observedShape>;

const SECOND_US = 1_000_000;
/** How often progress is told, ms. */
const STEP_MS = 1000;

/**
 * Waits `seconds` and tells what was stored meanwhile of the symbol on each collected market. Throws NotFound when the
 * symbol is not collected. A stream that stored nothing gives zero rows and nulls.
 * Throws Unavailable when a series is covered less than `min_coverage` of it.
 */
export async function observe(
  context: ToolContext<MarketServices>,
  asked: {
    readonly symbol: string;
    readonly seconds: number;
    readonly focus: Focus;
    readonly min_coverage?: number | undefined;
  },
): Promise<{ readonly data: Observed; readonly provenance: Provenance }> {
  const { services, clock, signal } = context;
  const keys = await matchSeries(services, { symbol: asked.symbol });
  const from = clock.now() * 1000;
  for (let waited = 0; waited < asked.seconds * 1000; waited += STEP_MS) {
    await sleep(clock, Math.min(STEP_MS, asked.seconds * 1000 - waited), signal);
    context.progress(Math.min(1, (waited + STEP_MS) / (asked.seconds * 1000)), `watching ${asked.symbol}`);
  }
  const range = { from, to: clock.now() * 1000 };
  const stored = new Set((await services.store.series()).map(viewName));
  const own = keys.filter((key) => stored.has(viewName(key)));
  const ids = new Map(own.map((key) => [`${key.exchange}_${key.market}`, key]));
  const markets = [];
  const used: Past[] = [];
  let newest: number | null = null;
  for (const { exchange, market, symbol } of ids.values()) {
    const reading = await marketOf(services, own, { exchange, market, symbol }, range, asked.focus);
    newest = latest([newest, reading.newest]);
    used.push(...reading.used);
    markets.push({ exchange, market, ...reading.shown });
  }
  for (const { coverage } of used) requireCovered(coverage, asked.min_coverage);
  return {
    data: {
      symbol: asked.symbol.toUpperCase(),
      from: isoOfUs(range.from),
      to: isoOfUs(range.to),
      seconds: (range.to - range.from) / SECOND_US,
      markets,
      series: used.map(showPast),
    },
    provenance: pastProvenance(services, used, newest, [
      'rows of the last second may still be on their way to the store',
    ]),
  };
}

async function marketOf(
  services: MarketServices,
  own: readonly SeriesKey[],
  market: Pick<SeriesKey, 'exchange' | 'market' | 'symbol'>,
  range: Stretch,
  focus: Focus,
) {
  const used = new Map<string, Past>();
  const rows = async (stream: Stream, select: string, tail = ''): Promise<readonly SqlRow[] | null> => {
    const key = own.find((k) => k.exchange === market.exchange && k.market === market.market && k.stream === stream);
    if (key === undefined) return null;
    used.set(viewName(key), { key, coverage: await usedCoverage(services, key, range, undefined) });
    return figures(services, key, range, { select, tail });
  };
  const wants = (what: Focus): boolean => focus === 'all' || focus === what;
  const [price] = (wants('price') ? await rows('prices', PRICES) : null) ?? [];
  const [flow] = (wants('flow') ? await rows('trades', TRADES) : null) ?? [];
  const seconds = wants('regime') ? await rows('prices', SECONDS, 'GROUP BY second ORDER BY second') : null;
  const regime = seconds === null ? null : await regimeOf(seconds, rows);
  return {
    used: [...used.values()],
    newest: latest([price, flow].map((r) => (r === undefined ? null : numberOf(r, 'last_time')))),
    shown: {
      price: price === undefined ? null : priceOfRow(price),
      flow: flow === undefined ? null : flowOfRow(flow),
      regime,
    },
  };
}

const PRICES = `count(*)::DOUBLE AS n, arg_min(mid_price, event_time) AS first, arg_max(mid_price, event_time) AS last,
  max(mid_price) AS high, min(mid_price) AS low, avg(spread_bps) AS spread, epoch_us(max(event_time))::DOUBLE AS last_time`;
const TRADES = `count(*)::DOUBLE AS n, coalesce(sum(quantity) FILTER (side = 'buy'), 0) AS bought,
  coalesce(sum(quantity) FILTER (side = 'sell'), 0) AS sold, sum(quote_value) AS value, max(quote_value) AS largest,
  epoch_us(max(event_time))::DOUBLE AS last_time`;
const SECONDS = 'epoch_us(event_time) // 1000000 AS second, arg_max(mid_price, event_time) AS close';

function priceOfRow(row: SqlRow): z.infer<typeof priceShape> {
  const [first, last] = [numberOf(row, 'first'), numberOf(row, 'last')];
  return {
    rows: numberOf(row, 'n') ?? 0,
    first,
    last,
    high: numberOf(row, 'high'),
    low: numberOf(row, 'low'),
    change_percent: changePct(first, last),
    mean_spread_bps: numberOf(row, 'spread'),
  };
}

function flowOfRow(row: SqlRow): z.infer<typeof flowShape> {
  const [bought, sold] = [numberOf(row, 'bought') ?? 0, numberOf(row, 'sold') ?? 0];
  const value = numberOf(row, 'value');
  return {
    trades: numberOf(row, 'n') ?? 0,
    bought,
    sold,
    imbalance_pct: imbalancePct(bought, sold),
    vwap: value === null || bought + sold === 0 ? null : value / (bought + sold),
    largest_value: numberOf(row, 'largest'),
  };
}

async function regimeOf(
  seconds: readonly SqlRow[],
  rows: (stream: Stream, select: string) => Promise<readonly SqlRow[] | null>,
): Promise<z.infer<typeof regimeShape>> {
  const closes = seconds.flatMap((row) => numberOf(row, 'close') ?? []);
  const found = path(closes);
  const [interest] =
    (await rows(
      'open_interest',
      'arg_min(open_interest, event_time) AS first, arg_max(open_interest, event_time) AS last',
    )) ?? [];
  const [funding] = (await rows('funding_rates', 'arg_max(funding_rate, event_time) AS rate')) ?? [];
  const [forced] = (await rows('liquidations', 'count(*)::DOUBLE AS n')) ?? [];
  return {
    one_second_deviation: found?.deviation ?? null,
    returns: Math.max(0, closes.length - 1),
    efficiency_ratio: found?.efficiency ?? null,
    funding_rate: numberOf(funding ?? {}, 'rate'),
    open_interest_change_pct: changePct(numberOf(interest ?? {}, 'first'), numberOf(interest ?? {}, 'last')),
    liquidations: numberOf(forced ?? {}, 'n'),
  };
}

export function observedSummary(o: Observed): string {
  const parts = o.markets.map(
    (m) =>
      `${m.exchange} ${m.market} ${m.price === null ? '' : `${m.price.change_percent?.toFixed(4) ?? '?'} %`} ${m.flow === null ? '' : `${m.flow.trades} trades`}`,
  );
  return `${o.symbol} over ${o.seconds} s: ${parts.join('; ')}.`;
}
