import type { DocumentExtras, RunRow } from '../crew/index.ts';
import type { Ms, Us } from '../kit/clock.ts';
import type { SeriesStatus } from '../market/collect/contract.ts';
import { deskMetrics } from '../market/jobs/metrics.ts';
import type { SignalState } from '../market/jobs/desk-settings.ts';
import type { MarketServices } from '../market/services.ts';
import type { DeskStatus, StreamRow } from './desk.ts';

const ISSUES_SHOWN = 500;
const DAY_MS = 86_400_000;

/** What the desk adds to a run's document: source, streams, the quality issues of its time, the health score. */
export async function documentExtras(services: MarketServices, source: string, run: RunRow): Promise<DocumentExtras> {
  return {
    source,
    streams: streamRows(services.collector.status().series),
    quality_issues: (
      await services.ops.select('quality_issues', { since: run.started_at, limit: ISSUES_SHOWN, order: 'asc' })
    ).map(readable),
    health_score: await currentHealth(services),
  };
}

/** The health score over the last day. */
export async function currentHealth(services: MarketServices): Promise<number> {
  const since: Ms = services.clock.now() - DAY_MS;
  return (await deskMetrics(services, since)).performance.health.score;
}

/** Whether trading signals are paused, for people. */
export function signalRow(signals: SignalState): NonNullable<DeskStatus['trading_signals']> {
  const { state, since, reason, changed_by } = signals;
  return { state, since: since === null ? null : new Date(since).toISOString(), reason, changed_by };
}

/** Series of the collector as rows for people: rows, newest event, state. */
export function streamRows(series: readonly SeriesStatus[]): readonly StreamRow[] {
  return series.map(({ table, listed_as, rows, last_event_time, state }) => ({
    table,
    ...(listed_as === null ? {} : { listed_as }),
    rows,
    last_event_time: isoOfUs(last_event_time),
    state,
  }));
}

export function isoOfUs(time: Us | null): string | null {
  return time === null ? null : new Date(time / 1000).toISOString();
}

/** A row of the operations database with its times as ISO text. */
export function readable(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === 'number' &&
      (key.endsWith('_at') || key === 'timestamp' || key.endsWith('_start') || key.endsWith('_end'))
        ? new Date(value).toISOString()
        : value,
    ]),
  );
}
