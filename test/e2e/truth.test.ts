import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyEvent } from '../../src/kit/event.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { exportTruth } from '../../src/market/simulator/truth.ts';
import { CrewController } from '../../src/serve/controller.ts';
import { temporaryFolder } from './crew.ts';

const SEED = 7;
const SYMBOLS = ['BTCUSDT', 'ETHUSDT'];
const MARKETS = ['binance_futures', 'binance_spot', 'bybit_futures', 'bybit_spot'];
/**
 * `slow` holds frames for longer than the 2 s that the rule `delivery_delay_ms` allows: at its bound the rule may not
 * fire. `reorder` lasts for some twenty frames of a book, each overtaken or not by the toss of a coin. A book that broke
 * six times by it waits up to 16 s for its next snapshot, so `crossed`, which needs a valid book, comes long before.
 */
const FAULTS =
  'disconnect@3s,crossed@8s,gap@12s/2s,duplicate@15s,reorder@18s/2s,spike@21s,stale@25s,malformed@27s,slow@29s/4s,http429@33s/2s';
/** The last fault ends at 55 s (a silence of 30 s); from 35 s on nothing else is wrong. */
const LAST_FAULT_MS = 35_000;
const TAIL_MS = 28_000;
/** Trades are compared from so long after the last market connected, to so long before the stop. */
const FROM_MS = 2_000;
const TO_MS = 3_000;

/** One fault in one market. */
interface Told {
  /** The type of quality issue that tells of this fault and of no other. */
  readonly issue: string;
  /** The event that tells of it. `connectedAt`: when the market had connected, UTC ms. */
  readonly event: (event: AnyEvent, connectedAt: number) => boolean;
}

/** What must be told of each fault in each market. A rate limit and a spike are told where they were met. */
const TOLD: Readonly<Record<string, Told>> = {
  disconnect: { issue: 'disconnect', event: ({ type }) => type === 'streaming.stopped' },
  gap: { issue: 'book_sequence', event: isLostStretch },
  duplicate: { issue: 'duplicate_records', event: alertOf('duplicate_records') },
  reorder: { issue: 'book_out_of_order', event: alertOf('book_out_of_order') },
  spike: { issue: 'price_deviation', event: anomalyOf('price_deviation') },
  crossed: { issue: 'crossed_book', event: alertOf('crossed_book') },
  stale: { issue: 'stale', event: alertOf('stale') },
  malformed: { issue: 'malformed', event: alertOf('malformed') },
  slow: { issue: 'delayed_delivery', event: alertOf('delayed_delivery') },
  http429: { issue: 'rate_limited', event: alertOf('rate_limited') },
};

function alertOf(type: string): Told['event'] {
  return (event) => event.type === 'data.quality_alert' && event.data.alert_type === type;
}

function anomalyOf(type: string): Told['event'] {
  return (event) => event.type === 'analysis.anomaly_detected' && event.data.alert_type === type;
}

/** A book lacks the two seconds of `gap`, by the venue's time; the silence that may break one as well is later. */
function isLostStretch(event: AnyEvent, connectedAt: number): boolean {
  if (event.type !== 'data.gap_detected' || event.data.kind !== 'book_sequence') return false;
  const { gap_start: start, duration_seconds: seconds } = event.data;
  return (seconds ?? 0) > 1.5 && (start ?? Infinity) < connectedAt + 20_000;
}

const issueSchema = z.object({
  exchange: z.string(),
  market: z.string().nullable(),
  symbol: z.string(),
  issue_type: z.string(),
  occurrences: z.number(),
  from_us: z.number().nullable(),
  to_us: z.number().nullable(),
});
type Issue = z.infer<typeof issueSchema>;

/** What was not told in a market, and book breaks that its issues do not count or cover. */
function untoldIn(
  market: string,
  connectedAt: number,
  events: readonly AnyEvent[],
  issues: readonly Issue[],
): string[] {
  const own = events.filter(
    ({ data }) => 'exchange' in data && 'market' in data && `${data.exchange}_${data.market}` === market,
  );
  const ownIssues = issues.filter((issue) => `${issue.exchange}_${issue.market ?? ''}` === market);
  const types = new Set(ownIssues.map((issue) => issue.issue_type));
  const untold = Object.entries(TOLD).flatMap(([fault, { issue, event }]) => [
    ...(types.has(issue) ? [] : [`${market} ${fault}: no issue ${issue} (${[...types].join(', ')})`]),
    ...(own.some((e) => event(e, connectedAt)) ? [] : [`${market} ${fault}: no event`]),
  ]);
  const breaks = own.flatMap((e) =>
    e.type === 'data.gap_detected' && e.data.kind === 'book_sequence' ? [e.data] : [],
  );
  for (const symbol of SYMBOLS) {
    const told = breaks.filter((gap) => gap.symbol === symbol);
    const books = ownIssues.filter((issue) => issue.symbol === symbol && issue.issue_type === 'book_sequence');
    const counted = books.reduce((sum, { occurrences }) => sum + occurrences, 0);
    if (counted !== told.length) untold.push(`${market} ${symbol}: ${told.length} book breaks, ${counted} in issues`);
    for (const { gap_start: from, gap_end: to } of told) {
      const covers = (issue: Issue): boolean =>
        (issue.from_us ?? Infinity) <= (from ?? 0) * 1000 && (issue.to_us ?? 0) >= (to ?? 0) * 1000;
      if (!books.some(covers)) untold.push(`${market} ${symbol}: no issue covers the break at ${String(from)}`);
    }
  }
  return untold;
}

const tradeSchema = z.object({
  trade_id: z.union([z.string(), z.number()]).transform(String),
  symbol: z.string(),
  price: z.number(),
  quantity: z.number(),
  side: z.string(),
  event_time: z.number(),
});
const candleSchema = z.object({
  symbol: z.string(),
  open_time: z.number(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  closed: z.boolean(),
});

function truthOf<T>(file: string, schema: z.ZodType<T>): readonly T[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => schema.parse(JSON.parse(line)));
}

describe('what is stored under every fault', { timeout: 300_000 }, () => {
  it('is the truth, and every fault was told', async () => {
    const dataDir = temporaryFolder();
    const events: AnyEvent[] = [];
    const controller = new CrewController({
      config: '.',
      dataDir,
      source: 'sim',
      symbols: SYMBOLS,
      simulator: { seed: SEED, faults: FAULTS },
      log: silentLogger,
      env: {},
    });
    controller.on('*', (event) => events.push(event));
    await controller.start({ shadow: false });
    await new Promise((resolve) => setTimeout(resolve, LAST_FAULT_MS));
    await controller.kickoff('data-ops');
    await new Promise((resolve) => setTimeout(resolve, TAIL_MS));
    expect(await controller.kickoff('data-ops')).toMatchObject({ status: 'completed', mode: 'active' });

    const rows = async <T>(sql: string, schema: z.ZodType<T>, database: 'market' | 'ops' = 'market') =>
      z
        .array(schema)
        .parse((await controller.desk.query({ sql, maxRows: 1_000_000, timeoutMs: 30_000, database })).rows);

    const all = MARKETS.flatMap((market) => SYMBOLS.map((symbol) => ({ market, symbol })));
    // As stored when the controller has stopped: the last moment counts too.
    const stoppedAt = Date.now();
    await controller.stop();
    await controller.initialize();
    const issues = await rows(
      `SELECT exchange, market, symbol, issue_type, occurrences, (context->>'from_us')::BIGINT AS from_us,
         (context->>'to_us')::BIGINT AS to_us FROM quality_issues`,
      issueSchema,
      'ops',
    );
    const connected = MARKETS.map((market) => ({ market, at: connectedAt(market, events) }));
    const untold = connected.flatMap(({ market, at }) => untoldIn(market, at, events, issues));
    const stored = await Promise.all(
      all.map(async ({ market, symbol }) => {
        const name = `${symbol.toLowerCase()}_${market}`;
        const trades = `SELECT trade_id, '${symbol}' AS symbol, price, quantity, side, epoch_us(timestamp) AS event_time FROM ${name}_trades ORDER BY timestamp`;
        const candles = `SELECT '${symbol}' AS symbol, epoch_us(open_time) AS open_time, open, high, low, close, volume, closed FROM ${name}_candles WHERE closed`;
        return { market, symbol, trades: await rows(trades, tradeSchema), candles: await rows(candles, candleSchema) };
      }),
    );
    await controller.stop();

    const first = Math.min(...stored.map((s) => s.trades[0]?.event_time ?? Number.POSITIVE_INFINITY));
    const last = Math.max(...stored.map((s) => s.trades.at(-1)?.event_time ?? 0));
    const from = Math.floor(first / 60e6) * 60_000;
    const dir = join(dataDir, 'truth');
    const durationMs = Math.ceil(last / 1000) + 1000 - from;
    await exportTruth({ seed: SEED, from, durationMs, dir, symbols: SYMBOLS, markets: MARKETS });
    const window = { from: Math.max(...connected.map(({ at }) => at)) + FROM_MS, to: stoppedAt - TO_MS };
    const wrong = stored.flatMap((s) => compare(dir, s, window));
    expect({ untold, wrong }).toEqual({ untold: [], wrong: [] });
  });
});

interface Stored {
  readonly market: string;
  readonly symbol: string;
  readonly trades: readonly z.infer<typeof tradeSchema>[];
  readonly candles: readonly z.infer<typeof candleSchema>[];
}

/** When all connections of a market had come up for the first time: no later than its first second. */
function connectedAt(market: string, events: readonly AnyEvent[]): number {
  const times = events
    .filter((e) => e.type === 'streaming.started' && `${e.data.exchange}_${e.data.market}` === market)
    .map(({ time }) => time);
  const first = Math.min(...times);
  return Math.max(...times.filter((time) => time < first + 1000));
}

/**
 * What differs between the stored rows of a series and the truth: every trade stored must be true and there once, every
 * true one of the window [from, to), ms, must be stored.
 */
function compare(
  dir: string,
  { market, symbol, trades, candles }: Stored,
  window: { readonly from: number; readonly to: number },
): readonly string[] {
  const name = `${market} ${symbol}`;
  const [from, to] = [window.from * 1000, window.to * 1000];
  const wrong: string[] = [];
  const truth = truthOf(join(dir, `${market}_trades.jsonl`), tradeSchema).filter((t) => t.symbol === symbol);
  const wanted = new Map(truth.map((trade) => [trade.trade_id, trade]));
  const seen = new Set<string>();
  for (const trade of trades) {
    const want = wanted.get(trade.trade_id);
    if (seen.has(trade.trade_id)) wrong.push(`${name}: trade ${trade.trade_id} twice`);
    seen.add(trade.trade_id);
    if (want === undefined) wrong.push(`${name}: trade ${trade.trade_id} is not true`);
    else if (
      want.price !== trade.price ||
      want.quantity !== trade.quantity ||
      want.side !== trade.side ||
      want.event_time !== trade.event_time
    )
      wrong.push(`${name}: trade ${trade.trade_id} differs`);
  }
  const due = truth.filter(({ event_time: at }) => at >= from && at < to);
  if (due.length < 50) wrong.push(`${name}: only ${due.length} trades to compare`);
  const missing = due.filter(({ trade_id: id }) => !seen.has(id)).map((t) => (t.event_time - from) / 1e6);
  if (missing.length > 0) wrong.push(`${name}: ${missing.length} missing, s into the window: ${missing.join(' ')}`);

  const minutes = truthOf(join(dir, `${market}_candles.jsonl`), candleSchema).filter(
    (c) => c.symbol === symbol && c.closed && c.open_time + 60e6 >= from && c.open_time + 60e6 <= to,
  );
  if (minutes.length === 0) wrong.push(`${name}: no minute ended in the window`);
  for (const minute of minutes) {
    const found = candles.filter((candle) => candle.open_time === minute.open_time);
    if (found.length !== 1) wrong.push(`${name}: minute ${minute.open_time} is there ${found.length} times`);
    for (const candle of found) {
      for (const key of ['open', 'high', 'low', 'close', 'volume'] as const) {
        if (Math.abs(candle[key] - minute[key]) > 1e-9 * minute[key])
          wrong.push(`${name}: minute ${minute.open_time} ${key} is ${candle[key]}, not ${minute[key]}`);
      }
    }
  }
  return wrong;
}
