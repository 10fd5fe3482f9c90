import type { Us } from '../../kit/clock.ts';
import { AppError } from '../../kit/errors.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import type { Finding } from './finding.ts';
import { fingerprintOf } from './finding.ts';
import { recordFindings, settleIssue } from './issue-book.ts';
import { quarantineRows } from './quarantine.ts';
import { condemnedRows } from './validate.ts';

export interface CleanedSeries {
  readonly series: SeriesKey;
  readonly finding: Finding;
  readonly quarantine_id: string;
  readonly rows: number;
  /** New rows that fetching the stretch again gave; null when the venue's history could not serve it. */
  readonly refetched: number | null;
  readonly refetch_error: string | null;
}

/** What cleaning a series would quarantine: one entry a rule that condemns rows. Reads only. */
export async function planCleaning(
  services: Pick<MarketServices, 'store' | 'config'>,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<readonly Finding[]> {
  const findings = await condemnedRows(services, key, from, to);
  return findings.filter((f) => f.keys.length > 0);
}

/**
 * Quarantines the rows that the rules condemn, records and settles their issue, and fetches the stretch again where
 * the stream has history. `idPrefix` makes the quarantine ids, so that a repeated call does nothing twice.
 */
export async function cleanSeries(
  services: Pick<MarketServices, 'store' | 'ops' | 'config' | 'clock' | 'events' | 'collector'>,
  key: SeriesKey,
  range: { readonly from: Us; readonly to: Us },
  idPrefix: string,
  signal: AbortSignal,
): Promise<readonly CleanedSeries[]> {
  const cleaned: CleanedSeries[] = [];
  for (const finding of await planCleaning(services, key, range.from, range.to)) {
    const [issue] = await recordFindings(services, [finding], 'cleaner');
    const from = finding.from ?? range.from;
    const to = finding.to ?? range.to;
    const id = `${idPrefix}_${cleaned.length}_${fingerprintOf(finding).replaceAll(/[^A-Za-z0-9]+/g, '_')}`.slice(
      0,
      120,
    );
    const done = await quarantineRows(services, key, { id, keys: finding.keys, from, to, reason: finding.message });
    const again = await refetch(services, key, from, to, signal);
    if (issue !== undefined && done.rows > 0) {
      const notes = `${done.rows} row(s) in quarantine ${id}; ${again.error ?? `${again.stored ?? 0} row(s) fetched again`}`;
      await settleIssue(services, issue.id, 'resolved', notes);
    }
    cleaned.push({
      series: key,
      finding,
      quarantine_id: id,
      rows: done.rows,
      refetched: again.stored,
      refetch_error: again.error,
    });
  }
  return cleaned;
}

async function refetch(
  services: Pick<MarketServices, 'collector'>,
  key: SeriesKey,
  from: Us,
  to: Us,
  signal: AbortSignal,
): Promise<{ readonly stored: number | null; readonly error: string | null }> {
  try {
    const result = await services.collector.backfill(key, Math.floor(from / 1000), Math.ceil(to / 1000) + 1, signal);
    return { stored: result.stored, error: result.error };
  } catch (error) {
    if (error instanceof AppError) return { stored: null, error: error.message };
    throw error;
  }
}
