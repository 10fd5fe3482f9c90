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
/** `slow` holds frames for longer than the 2 s that the rule `delivery_delay_ms` allows: at its bound the rule may not fire. */
const FAULTS =
  'disconnect@4s,gap@8s/2s,duplicate@11s,reorder@13s,spike@15s,crossed@17s,stale@19s,malformed@22s,slow@24s/4s,http429@28s/2s';
/** The last fault ends at 49 s (a silence of 30 s); from 30 s on nothing else is wrong. */
const LAST_FAULT_MS = 30_000;
const TAIL_MS = 28_000;

/** What must be told of each fault: a type of quality issue (any of), and events of one name whose data fit. */
const TOLD: Readonly<
  Record<string, { readonly issues: readonly string[]; readonly event: (event: AnyEvent) => boolean }>
> = {
  disconnect: { issues: ['disconnect', 'disconnected'], event: ({ type }) => type === 'streaming.stopped' },
  gap: { issues: ['trade_ids', 'book_sequence', 'silent_trade_loss'], event: gapOf('trade_ids', 'book_sequence') },
  duplicate: { issues: ['duplicate_records', 'duplicate_trade'], event: repeats },
  reorder: { issues: ['trade_out_of_order', 'trade_ids', 'book_sequence'], event: gapOf('trade_ids', 'book_sequence') },
  spike: { issues: ['price_deviation'], event: anomalyOf('price_deviation') },
  crossed: { issues: ['crossed_book', 'crossed_quote'], event: alertOf('crossed_book', 'crossed_quote') },
  stale: { issues: ['stale'], event: alertOf('stale') },
  malformed: { issues: ['malformed'], event: alertOf('malformed') },
  slow: { issues: ['delayed_delivery', 'late_trade'], event: alertOf('delayed_delivery', 'late_trade') },
  http429: { issues: ['rate_limited'], event: alertOf('rate_limited') },
};

function alertOf(...types: readonly string[]): (event: AnyEvent) => boolean {
  return (event) => event.type === 'data.quality_alert' && types.includes(event.data.alert_type);
}

function anomalyOf(type: string): (event: AnyEvent) => boolean {
  return (event) => event.type === 'analysis.anomaly_detected' && event.data.alert_type === type;
}

function gapOf(...kinds: readonly string[]): (event: AnyEvent) => boolean {
  return (event) => event.type === 'data.gap_detected' && kinds.includes(event.data.kind);
}

function repeats(event: AnyEvent): boolean {
  return event.type === 'data.received' && event.data.stream === 'trades' && event.data.duplicates > 0;
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
    await controller.start();
    await new Promise((resolve) => setTimeout(resolve, LAST_FAULT_MS));
    await controller.kickoff('data-ops');
    await new Promise((resolve) => setTimeout(resolve, TAIL_MS));
    expect((await controller.kickoff('data-ops')).status).toBe('completed');

    const rows = async <T>(sql: string, schema: z.ZodType<T>, database: 'market' | 'ops' = 'market') =>
      z
        .array(schema)
        .parse((await controller.desk.query({ sql, maxRows: 1_000_000, timeoutMs: 30_000, database })).rows);
    const issues = await rows(
      'SELECT DISTINCT issue_type FROM quality_issues',
      z.object({ issue_type: z.string() }),
      'ops',
    );
    const types = new Set(issues.map((issue) => issue.issue_type));
    const untold = Object.entries(TOLD).flatMap(([fault, { issues: wanted, event }]) => [
      ...(wanted.some((type) => types.has(type)) ? [] : [`${fault}: no issue (${[...types].join(', ')})`]),
      ...(events.some(event) ? [] : [`${fault}: no event`]),
    ]);

    const all = MARKETS.flatMap((market) => SYMBOLS.map((symbol) => ({ market, symbol })));
    // Trades and candles as stored when the controller has stopped: the last moment counts too.
    await controller.stop();
    await controller.initialize();
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
    const wrong = stored.flatMap((s) => compare(dir, s, last));
    expect({ untold, wrong }).toEqual({ untold: [], wrong: [] });
  });
});

interface Stored {
  readonly market: string;
  readonly symbol: string;
  readonly trades: readonly z.infer<typeof tradeSchema>[];
  readonly candles: readonly z.infer<typeof candleSchema>[];
}

/** What differs between the stored rows of a series and the truth, from its first trade to its last. */
function compare(dir: string, { market, symbol, trades, candles }: Stored, end: number): readonly string[] {
  const name = `${market} ${symbol}`;
  const first = trades[0];
  const last = trades.at(-1);
  if (first === undefined || last === undefined || trades.length < 50) return [`${name}: ${trades.length} trades`];
  const wrong: string[] = [];
  const truth = truthOf(join(dir, `${market}_trades.jsonl`), tradeSchema).filter(
    (t) => t.symbol === symbol && t.event_time >= first.event_time && t.event_time <= last.event_time,
  );
  const wanted = new Map(truth.map((trade) => [trade.trade_id, trade]));
  const seen = new Set<string>();
  for (const trade of trades) {
    const want = wanted.get(trade.trade_id);
    if (seen.has(trade.trade_id)) wrong.push(`${name}: trade ${trade.trade_id} twice`);
    seen.add(trade.trade_id);
    if (want === undefined) wrong.push(`${name}: trade ${trade.trade_id} is not true`);
    else if (want.price !== trade.price || want.quantity !== trade.quantity || want.side !== trade.side)
      wrong.push(`${name}: trade ${trade.trade_id} differs`);
  }
  const missing = truth.filter(({ trade_id: id }) => !seen.has(id)).map((t) => (t.event_time - first.event_time) / 1e6);
  if (missing.length > 0) wrong.push(`${name}: ${missing.length} missing, s after the first: ${missing.join(' ')}`);
  if (end - last.event_time > 5e6) wrong.push(`${name}: the last trade is ${(end - last.event_time) / 1e6} s before`);

  const minutes = truthOf(join(dir, `${market}_candles.jsonl`), candleSchema).filter(
    (c) => c.symbol === symbol && c.closed && c.open_time >= first.event_time && c.open_time + 60e6 <= last.event_time,
  );
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
