import type { SqlRow } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import type { ValidationRules } from '../config.ts';
import type { SeriesKey, Stream } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { checkBooks } from './checks/books.ts';
import { checkPrices, checkQuotes } from './checks/prices.ts';
import { rulesFor } from './checks/rules-for.ts';
import { checkCandles, checkFunding, checkLiquidations, checkOpenInterest, checkTrades } from './checks/streams.ts';
import { silentLossFindings, volumeDifferences } from './checks/silent-loss.ts';
import { withoutDeletedGaps } from './deletion.ts';
import type { Finding } from './finding.ts';
import { numberOf } from './row.ts';

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

/** All rules of a stream over the rows of a series in [from, to), UTC µs. Reads only. */
export async function validateSeries(
  services: ReadServices,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<SeriesValidation> {
  const rows = await recentRows(services, key, from, to);
  const rules = services.config.validation;
  const findings = [...checksOf(key, rows, services)];
  if (key.stream === 'candles' && rows.length > 0) {
    const trades = await recentRows(services, { ...key, stream: 'trades' }, from, to);
    const covered = coverage(trades, from, to);
    if (covered !== null) {
      const differences = volumeDifferences(rows, trades, covered.from, covered.to, rules);
      const ofTrades: SeriesKey = { ...key, stream: 'trades' };
      findings.push(...(await withoutDeletedGaps(services, ofTrades, silentLossFindings(ofTrades, differences))));
    }
  }
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

/** Rows that the cleaner moves to quarantine, with the reason: what the rules condemn. */
export async function condemnedRows(
  services: ReadServices,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<readonly Finding[]> {
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

/** The stretch in which trades are held without the edges of collecting; null without trades. */
function coverage(trades: readonly SqlRow[], from: Us, to: Us): { readonly from: Us; readonly to: Us } | null {
  const first = numberOf(trades[0] ?? {}, 'event_time');
  const last = numberOf(trades.at(-1) ?? {}, 'event_time');
  return first === null || last === null ? null : { from: Math.max(from, first), to: Math.min(to, last) };
}
