import type { SqlRow } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import type { ValidationRules } from '../config.ts';
import { viewName, type SeriesKey, type Stream } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { checkBooks } from './checks/books.ts';
import { checkPrices, checkQuotes } from './checks/prices.ts';
import { rulesFor } from './checks/rules-for.ts';
import { checkCandles, checkFunding, checkLiquidations, checkOpenInterest, checkTrades } from './checks/streams.ts';
import { isDoubted, screenOf } from './checks/screen.ts';
import type { Finding } from './finding.ts';
import { mapParallel } from './parallel.ts';
import { numberOf } from './row.ts';
import { silentLoss } from './silent-loss.ts';

/** Most rows of one series that a check reads. */
export const MAX_ROWS = 20_000;

export interface SeriesValidation {
  readonly series: SeriesKey;
  readonly rows: number;
  readonly truncated: boolean;
  /** Rows with at least one finding that condemns them. */
  readonly failed_rows: number;
  readonly last_event_time: Us | null;
  readonly findings: readonly Finding[];
}

type ReadServices = Pick<MarketServices, 'store' | 'config'>;

/** Stops the work, and is told how far it is (0 to 1). */
export interface Watch {
  readonly signal: AbortSignal;
  readonly progress: (share: number) => void;
}

/**
 * All rules over the rows of many series in [from, to), UTC µs; results in the order of `keys`. Reads only. Whether rows
 * can break a rule at all is asked of the database first, a stream at a time: only rows of series that this does not
 * clear are read and judged one by one, so that an ordinary check of everything moves no row.
 */
export async function validateAll(
  services: ReadServices,
  keys: readonly SeriesKey[],
  from: Us,
  to: Us,
  watch?: Watch,
): Promise<readonly SeriesValidation[]> {
  const measured = await measure(services, keys, from, to, watch);
  const lost = await silentLoss(
    services,
    keys.filter((key) => key.stream === 'candles'),
    from,
    to,
  );
  return mapParallel(keys, 4, async (key, i) => {
    watch?.signal.throwIfAborted();
    watch?.progress(i / keys.length);
    const values = measured.get(viewName(key));
    const doubted = values !== undefined && isDoubted(key, values, services.config.validation);
    const judged = doubted ? await judgeRows(services, key, from, to) : cleared(key, values);
    const trades = lost.get(viewName({ ...key, stream: 'trades' })) ?? [];
    return key.stream === 'candles' && judged.rows > 0
      ? { ...judged, findings: [...judged.findings, ...trades] }
      : judged;
  });
}

/** The same for one series. */
export async function validateSeries(
  services: ReadServices,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<SeriesValidation> {
  const [result] = await validateAll(services, [key], from, to);
  if (result === undefined) throw new Error('no result for the series asked for');
  return result;
}

/** What the screens measure, by table; series without rows are not in it. */
async function measure(
  services: ReadServices,
  keys: readonly SeriesKey[],
  from: Us,
  to: Us,
  watch: Watch | undefined,
): Promise<ReadonlyMap<string, SqlRow>> {
  const measured = new Map<string, SqlRow>();
  for (const stream of new Set(keys.map((key) => key.stream))) {
    watch?.signal.throwIfAborted();
    const series = keys.filter((key) => key.stream === stream);
    const { each, select } = screenOf(stream);
    const common = { rows: 'count(*)', newest: 'max(event_time)' };
    const found = await services.store.aggregates({ series, from, to, each, select: { ...common, ...select } });
    for (const { series: key, values } of found) measured.set(viewName(key), values);
  }
  return measured;
}

function cleared(series: SeriesKey, measured: SqlRow | undefined): SeriesValidation {
  const rows = measured === undefined ? 0 : (numberOf(measured, 'rows') ?? 0);
  const last = measured === undefined ? null : numberOf(measured, 'newest');
  return { series, rows, truncated: false, failed_rows: 0, last_event_time: last, findings: [] };
}

/** All rules of a stream over its newest rows in [from, to), read one by one, whatever the screen says. */
export async function judgeRows(services: ReadServices, key: SeriesKey, from: Us, to: Us): Promise<SeriesValidation> {
  const rows = await recentRows(services, key, from, to);
  const findings = checksOf(key, rows, services);
  const failed = new Set(
    findings.filter((f) => f.action === 'quarantine' || f.action === 'reject').flatMap((f) => f.keys),
  );
  const times = rows.map((row) => numberOf(row, 'event_time')).filter((time): time is number => time !== null);
  return {
    series: key,
    rows: rows.length,
    truncated: rows.length >= MAX_ROWS,
    failed_rows: failed.size,
    last_event_time: times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b)),
    findings,
  };
}

/** The newest rows of a series in [from, to), oldest first. */
export async function recentRows(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<readonly SqlRow[]> {
  const rows = await services.store.seriesRows({ ...key, from, to, limit: MAX_ROWS, order: 'desc' });
  return [...rows].reverse();
}

/** Rows that the cleaner moves to quarantine, with the reason: what the rules condemn. Reads rows only where they can. */
export async function condemnedRows(
  services: ReadServices,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<readonly Finding[]> {
  const values = (await measure(services, [key], from, to, undefined)).get(viewName(key));
  if (values === undefined || !isDoubted(key, values, services.config.validation)) return [];
  const rows = await recentRows(services, key, from, to);
  return checksOf(key, rows, services).filter((f) => f.action === 'quarantine' || f.action === 'reject');
}

const PRICED: readonly Stream[] = ['prices', 'trades', 'mark_prices', 'candles', 'ticker_24h', 'orderbooks'];

function checksOf(key: SeriesKey, rows: readonly SqlRow[], services: ReadServices): readonly Finding[] {
  const rules = rulesFor(key.market, services.config.validation);
  const findings: Finding[] = [];
  if (PRICED.includes(key.stream)) findings.push(...checkPrices(key, rows, rules));
  switch (key.stream) {
    case 'prices':
      findings.push(...checkQuotes(key, rows));
      break;
    case 'orderbooks':
      findings.push(...checkBooks(key, rows, rules));
      break;
    case 'trades':
      findings.push(...checkTrades(key, rows, rules));
      break;
    case 'funding_rates':
      findings.push(...checkFunding(key, rows, rules));
      break;
    case 'open_interest':
      findings.push(...checkOpenInterest(key, rows, rules));
      break;
    case 'liquidations':
      findings.push(...checkLiquidations(key, rows));
      break;
    case 'candles':
      findings.push(...checkCandles(key, rows));
      break;
    case 'mark_prices':
    case 'ticker_24h':
    case 'option_summaries':
      break;
  }
  return findings.map((finding) => underPolicy(finding, rules));
}

/** The finding with the action that the quarantine policy names for its rule, where it names one. */
function underPolicy(finding: Finding, rules: ValidationRules): Finding {
  const action = Object.entries(rules.row_actions).find(([rule]) => rule === finding.rule)?.[1];
  return action === undefined ? finding : { ...finding, action };
}
