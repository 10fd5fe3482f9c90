import type { Ms, Us } from '../../kit/clock.ts';
import { MARKETS, STREAMS, viewName, type SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { median } from './checks/statistics.ts';
import { sameSeries, scanSeries } from './gap-scan.ts';
import { numberOf, priceOf, textOf } from './row.ts';

/** A proposal of shadow mode, as far as scoring needs it. `time` is when it was made, UTC ms. */
export interface ScoredProposal {
  readonly tool: string;
  readonly time: Ms;
  readonly args: unknown;
  readonly would_change: unknown;
}

export interface ProposalVerdict {
  readonly verdict: 'right' | 'wrong' | 'undecided';
  /** What came after, in a sentence. */
  readonly because: string;
  readonly figures: Readonly<Record<string, unknown>>;
}

type ScoreServices = Pick<MarketServices, 'collector' | 'store' | 'ops' | 'config' | 'clock'>;
type Judge = (services: ScoreServices, proposal: ScoredProposal) => Promise<ProposalVerdict>;

/** A proposal is judged at the earliest this long after it was made: before, nothing can have come of it. */
export const JUDGE_AFTER_MS = 30_000;

/**
 * Compares a proposal with what came after it. Too early, or nothing to compare with: undecided, which is asked again
 * later. The rules by tool:
 * fills and backfills: right when the stretch is still open or a backfill reached it, wrong when it filled by live data;
 * quarantines: right when prices went back to where they were, wrong when they stayed at the doubted value;
 * reconnects and fallbacks: right when the venue is still down, wrong when it came back by itself;
 * starting a stream: right when it is still stopped; bars and copies: right when there were candles or rows to make them
 * from; optimising: right when the file still holds that much free space.
 */
export async function scoreProposal(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  const judge = JUDGES[proposal.tool];
  if (judge === undefined) return undecided(`nothing that came after can judge ${proposal.tool}`);
  const age = services.clock.now() - proposal.time;
  if (age < JUDGE_AFTER_MS)
    return undecided(`made ${Math.round(age / 1000)} s ago; judged after ${JUDGE_AFTER_MS / 1000} s`);
  return judge(services, proposal);
}

/** In the form that the proposal log takes: null while undecided, else 1 for right and 0 for wrong. */
export function createProposalScorer(
  services: ScoreServices,
): (
  proposal: ScoredProposal,
) => Promise<{ readonly score: number; readonly outcome: Readonly<Record<string, unknown>> } | null> {
  return async (proposal) => {
    const { verdict, because, figures } = await scoreProposal(services, proposal);
    return verdict === 'undecided'
      ? null
      : { score: verdict === 'right' ? 1 : 0, outcome: { verdict, because, ...figures } };
  };
}

/** Right ÷ (right + wrong); null when nothing is decided. */
export function accuracy(verdicts: readonly ProposalVerdict['verdict'][]): number | null {
  const right = verdicts.filter((v) => v === 'right').length;
  const wrong = verdicts.filter((v) => v === 'wrong').length;
  return right + wrong === 0 ? null : right / (right + wrong);
}

const JUDGES: Readonly<Record<string, Judge>> = {
  request_backfill: judgeStretch,
  interpolate_missing_data: judgeStretch,
  fill_data_gaps: judgeFill,
  quarantine_data: judgeQuarantine,
  clean_data_anomalies: judgeCleaning,
  trigger_reconnect: judgeConnection,
  switch_websocket_to_rest: judgeConnection,
  start_stream: judgeStart,
  aggregate_to_timeframe: judgeBars,
  aggregate_to_timeframes: judgeBars,
  normalize_data: judgeCopies,
  optimize_schema: judgeOptimisation,
  vacuum_tables: judgeOptimisation,
};

async function judgeStretch(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  const args = record(proposal.args);
  const key = seriesOf(args);
  const from = timeOf(args['start_time'] ?? args['gap_start']);
  const to = timeOf(args['end_time'] ?? args['gap_end']);
  if (key === null || from === null || to === null) return undecided('the proposal names no stretch');
  return stretchVerdict(services, key, from, to, proposal.time);
}

async function judgeFill(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  const gaps = list(record(proposal.would_change)['gaps']);
  if (gaps.length === 0) return verdict('wrong', 'there was no gap to fill', {});
  const verdicts: ProposalVerdict['verdict'][] = [];
  for (const gap of gaps.slice(0, 50)) {
    const key = (await services.store.series()).find((k) => viewName(k) === gap['table']);
    const from = timeOf(gap['from']);
    const to = timeOf(gap['to']);
    if (key === undefined || from === null || to === null) continue;
    verdicts.push((await stretchVerdict(services, key, from, to, proposal.time)).verdict);
  }
  const share = accuracy(verdicts);
  if (share === null) return undecided('no gap of it can be judged yet');
  const right = verdicts.filter((v) => v === 'right').length;
  return verdict(share >= 0.5 ? 'right' : 'wrong', `${right} of ${verdicts.length} gap(s) needed filling`, {
    gaps: verdicts.length,
  });
}

async function stretchVerdict(
  services: ScoreServices,
  key: SeriesKey,
  from: Us,
  to: Us,
  since: Ms,
): Promise<ProposalVerdict> {
  const reached = services.collector
    .backfills()
    .some((b) => sameSeries(b.series, key) && b.from * 1000 <= from + 1000 && b.to * 1000 >= to - 1000 && b.stored > 0);
  if (reached) return verdict('right', 'the stretch was then fetched from history', {});
  const rows = await services.store.seriesRows({ ...key, from, to, limit: 1000 });
  const late = rows.filter(
    (row) => textOf(row, 'origin') === 'live' && (numberOf(row, 'recv_time') ?? 0) > since * 1000,
  );
  if (late.length > 0) return verdict('wrong', 'the rows arrived late by themselves', { rows: late.length });
  const scan = await scanSeries(services, key, from - 120_000_000, to + 120_000_000);
  const open = scan.gaps.some((gap) => gap.from < to && gap.to > from);
  if (open) return verdict('right', 'the stretch is still open', { gaps: scan.gaps.length });
  return rows.length > 0
    ? verdict('wrong', 'the stretch holds its rows', { rows: rows.length })
    : undecided('nothing tells whether rows are missing there');
}

async function judgeQuarantine(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  const args = record(proposal.args);
  const key = seriesOf(args);
  const from = timeOf(args['start_time']);
  const to = timeOf(args['end_time']);
  if (key === null || from === null || to === null) return undecided('the proposal names no stretch');
  const keys = Array.isArray(args['record_ids']) ? args['record_ids'].map(String) : null;
  return quarantineVerdict(services, key, from, to, keys);
}

async function judgeCleaning(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  const planned = list(record(proposal.would_change)['quarantine']);
  if (planned.length === 0) return verdict('wrong', 'there was nothing to clean', {});
  const verdicts: ProposalVerdict['verdict'][] = [];
  for (const plan of planned.slice(0, 20)) {
    const key = (await services.store.series()).find((k) => viewName(k) === plan['table']);
    if (key === undefined) continue;
    const keys = Array.isArray(plan['row_keys']) ? plan['row_keys'].map(String) : null;
    const from = (proposal.time - 3_600_000) * 1000;
    verdicts.push((await quarantineVerdict(services, key, from, proposal.time * 1000, keys)).verdict);
  }
  const share = accuracy(verdicts);
  if (share === null) return undecided('no row of it can be judged yet');
  return verdict(share >= 0.5 ? 'right' : 'wrong', 'most of its rows stand alone', { judged: verdicts.length });
}

/** Doubted values against the median of what followed: within 5 % the market confirmed them. */
async function quarantineVerdict(
  services: ScoreServices,
  key: SeriesKey,
  from: Us,
  to: Us,
  keys: readonly string[] | null,
): Promise<ProposalVerdict> {
  const rows = await services.store.seriesRows({ ...key, from, to, limit: 5000 });
  const doubted = rows.filter((row) => keys === null || keys.includes(textOf(row, 'row_key') ?? ''));
  const value = median(doubted.map((row) => priceOf(row, key.stream)).filter((p): p is number => p !== null));
  const last = doubted.reduce((latest, row) => Math.max(latest, numberOf(row, 'event_time') ?? 0), 0);
  const after = await services.store.seriesRows({
    ...key,
    from: Math.max(last + 1, from),
    to: last + 600_000_000,
    limit: 500,
  });
  const others = after.filter((row) => !doubted.includes(row) && !(keys ?? []).includes(textOf(row, 'row_key') ?? ''));
  const settled = median(others.map((row) => priceOf(row, key.stream)).filter((p): p is number => p !== null));
  if (value === null || settled === null || settled === 0) return undecided('no price came after it yet');
  const distance = (Math.abs(value - settled) / Math.abs(settled)) * 100;
  return distance <= 5
    ? verdict('wrong', 'later prices confirm the value', { distance_percent: distance })
    : verdict('right', 'prices went back to where they were', { distance_percent: distance });
}

async function judgeConnection(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  const args = record(proposal.args);
  const { connections, series } = services.collector.status();
  const own = <T extends { readonly exchange: string; readonly market: string }>(item: T): boolean =>
    item.exchange === args['exchange'] && (args['market'] === undefined || item.market === args['market']);
  const mine = connections.filter(own);
  if (mine.length === 0) return undecided('the venue is no longer collected');
  const down = mine.filter((c) => c.state !== 'connected').length;
  const stale = series.filter((s) => own(s) && s.state === 'stale').length;
  return down + stale === 0
    ? verdict('wrong', 'the venue came back by itself', { connections: mine.length })
    : verdict('right', 'the venue is still not right', { connections_down: down, streams_stale: stale });
}

async function judgeStart(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  const key = seriesOf(record(proposal.args));
  const state = key === null ? undefined : services.collector.status().series.find((s) => sameSeries(s, key))?.state;
  if (state === undefined) return undecided('the series is no longer collected');
  return state === 'stopped'
    ? verdict('right', 'the stream is still stopped', {})
    : verdict('wrong', 'the stream runs', { state });
}

async function judgeBars(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  return judgeRows(services, proposal, 'candles', 'candles were there to make bars from');
}

async function judgeCopies(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  return judgeRows(services, proposal, undefined, 'rows were there to copy');
}

async function judgeRows(
  services: ScoreServices,
  proposal: ScoredProposal,
  stream: SeriesKey['stream'] | undefined,
  because: string,
): Promise<ProposalVerdict> {
  const args = record(proposal.args);
  const wanted = (await services.store.stats()).filter(
    ({ series }) =>
      series !== null &&
      (stream === undefined || series.stream === stream) &&
      (['exchange', 'market', 'symbol'] as const).every((f) => args[f] === undefined || args[f] === series[f]),
  );
  const rows = wanted.reduce((sum, s) => sum + s.rows, 0);
  return rows > 0
    ? verdict('right', because, { rows })
    : verdict('wrong', 'there was nothing to make it from', { rows });
}

async function judgeOptimisation(services: ScoreServices, proposal: ScoredProposal): Promise<ProposalVerdict> {
  const { fragmentation_percent: now } = await services.store.storage();
  const limit = services.config.operations.tables.fragmentation_warning_percent;
  const then = record(proposal.would_change)['fragmentation_percent'];
  const figures = { fragmentation_then: then ?? null, fragmentation_now: now };
  return now > limit
    ? verdict('right', 'the file still holds that much free space', figures)
    : verdict('wrong', 'the free space was used by itself', figures);
}

function verdict(
  what: 'right' | 'wrong',
  because: string,
  figures: Readonly<Record<string, unknown>>,
): ProposalVerdict {
  return { verdict: what, because, figures };
}

function undecided(because: string): ProposalVerdict {
  return { verdict: 'undecided', because, figures: {} };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value)) : {};
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function timeOf(value: unknown): Us | null {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time * 1000;
}

function seriesOf(args: Readonly<Record<string, unknown>>): SeriesKey | null {
  const market = MARKETS.find((m) => m === args['market']);
  const stream = STREAMS.find((s) => s === args['stream']);
  const { exchange, symbol } = args;
  if (market === undefined || stream === undefined || typeof exchange !== 'string' || typeof symbol !== 'string')
    return null;
  return { exchange, market, symbol: symbol.toUpperCase(), stream };
}
