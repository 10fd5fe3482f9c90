import type { Database, Statement } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import {
  COVERAGE_STATES,
  paint,
  summarise,
  thinned,
  type Coverage,
  type CoverageBatch,
  type CoverageChange,
  type CoverageHead,
  type CoverageInterval,
} from '../domain/coverage.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { StoreCore } from './core.ts';
import { withDeletedStretches } from './deletion.ts';
import { MARKED_COVERAGE, MARKS_STATEMENT, MarksPlan, markGone, refetched } from './marks.ts';
import { literal, sqlTime } from './names.ts';
import type { Series } from './schema.ts';

const DAY_US = 86_400_000_000;
/** Intervals of one series that one day may have; beyond, the shortest covered ones between holes are given up. */
export const MAX_INTERVALS_A_DAY = 2_000;

/** Tables and views of the ledger; for databases of any age. */
export const COVERAGE_STATEMENTS: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS _coverage (series_id INTEGER NOT NULL, from_time TIMESTAMP NOT NULL,
     to_time TIMESTAMP NOT NULL, state VARCHAR NOT NULL, reason VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS _coverage_heads (series_id INTEGER NOT NULL, known_to TIMESTAMP NOT NULL,
     pending_until TIMESTAMP NOT NULL, reason VARCHAR)`,
  MARKS_STATEMENT,
  `CREATE OR REPLACE VIEW coverage AS
     SELECT exchange, market_type AS market, symbol, stream_type AS stream, table_name, from_time, to_time, state, reason
     FROM (${MARKED_COVERAGE}) JOIN _table_registry USING (series_id)`,
  `CREATE OR REPLACE VIEW coverage_status AS
     SELECT exchange, market_type AS market, symbol, stream_type AS stream, table_name, known_to, pending_until, reason
     FROM _table_registry LEFT JOIN _coverage_heads USING (series_id)`,
];

/** The ledger's share of a transaction, and what to do once it has gone through. */
export interface CoveragePlan {
  readonly statements: readonly Statement[];
  readonly done: () => void;
}

interface Window {
  readonly from: Us;
  readonly to: Us;
  intervals: CoverageInterval[];
  readonly before: readonly CoverageInterval[];
}

/** Newest interval of each series that was written last: most steps only lengthen it. */
export type CoverageTails = Map<number, CoverageInterval>;

/** The newest interval of each series; none where the database has no ledger. */
export async function readTails(db: Database): Promise<CoverageTails> {
  if (!(await hasLedger(db))) return new Map();
  const rows = await db.all(
    `SELECT series_id, from_time, to_time, state, reason FROM _coverage
     QUALIFY row_number() OVER (PARTITION BY series_id ORDER BY from_time DESC) = 1`,
  );
  return new Map(rows.map((row) => [Number(row['series_id']), intervalOf(row)]));
}

async function hasLedger(db: Database): Promise<boolean> {
  const found = await db.all("SELECT 1 FROM duckdb_tables() WHERE table_name = '_coverage' AND schema_name = 'main'");
  return found.length > 0;
}

/** Plans the steps of a batch, in order. The series must be registered. */
export async function planCoverage(core: StoreCore, batch: CoverageBatch): Promise<CoveragePlan> {
  const tails: CoverageTails = new Map();
  const grown = new Map<number, CoverageInterval>();
  const others: { readonly id: number; readonly change: CoverageChange }[] = [];
  const slow = new Set<number>();
  const marks = new MarksPlan(core);
  for (const change of [...batch.changes, ...batch.heads.flatMap(runOf)]) {
    const series = core.registry.get(change);
    const { id } = series;
    if (change.mode === 'gone') {
      markGone(core, marks, series, change);
      continue;
    }
    const tail = grown.get(id) ?? core.coverageTails.get(id);
    if (!slow.has(id) && tail !== undefined && lengthens(tail, change)) grown.set(id, { ...tail, to: change.to });
    else {
      slow.add(id);
      others.push({ id, change });
    }
    for (const back of refetched(marks, id, change)) {
      slow.add(id);
      others.push({ id, change: back });
    }
  }
  // What was lengthened before another step of the same series goes first, in order.
  const statements: Statement[] = [...grownStatements(grown)];
  for (const [id, tail] of grown) tails.set(id, tail);
  statements.push(...(await repaint(core, others, { grown, tails })));
  statements.push(...headStatements(core, batch.heads), ...marks.statements());
  return {
    statements,
    done: () => {
      marks.done();
      for (const [id, tail] of tails) core.coverageTails.set(id, tail);
    },
  };
}

/** Two batches as one that says the same: what the first one's series grew to comes before the steps of the second. */
export function inOrder(first: CoverageBatch, second: CoverageBatch): CoverageBatch {
  return {
    changes: [...first.changes, ...first.heads.flatMap(runOf), ...second.changes],
    heads: [...first.heads.map((head) => ({ ...head, run: null })), ...second.heads],
  };
}

function runOf(head: CoverageHead): CoverageChange[] {
  const { run, exchange, market, symbol, stream } = head;
  if (run === null) return [];
  return [{ exchange, market, symbol, stream, ...run, mode: 'raise', reason: run.reason }];
}

function lengthens(tail: CoverageInterval, change: CoverageChange): boolean {
  if (change.mode !== 'raise' || change.state !== tail.state || change.reason !== tail.reason) return false;
  return change.from >= tail.from && change.from <= tail.to && change.to >= tail.to;
}

async function repaint(
  core: StoreCore,
  steps: readonly { readonly id: number; readonly change: CoverageChange }[],
  memory: { readonly grown: ReadonlyMap<number, CoverageInterval>; readonly tails: CoverageTails },
): Promise<Statement[]> {
  if (steps.length === 0) return [];
  const windows = await readWindows(core, steps, memory.grown);
  for (const { id, change } of steps) {
    const window = windows.get(id);
    if (window !== undefined) window.intervals = bounded(paint(window.intervals, change), change);
  }
  const gone: string[] = [];
  const fresh: string[] = [];
  for (const [id, { intervals, before }] of windows) {
    const kept = new Set(before.map(textOf));
    const now = new Set(intervals.map(textOf));
    for (const held of before) if (!now.has(textOf(held))) gone.push(`(${id}, ${sqlTime(held.from)})`);
    for (const held of intervals) if (!kept.has(textOf(held))) fresh.push(rowText(id, held));
    const tail = intervals.at(-1);
    const known = core.coverageTails.get(id);
    if (tail !== undefined && (known === undefined || tail.to >= known.from)) memory.tails.set(id, tail);
  }
  const statements: Statement[] = [];
  if (gone.length > 0) {
    statements.push({
      sql: `DELETE FROM _coverage USING (VALUES ${gone.join(', ')}) gone(series_id, from_time)
        WHERE _coverage.series_id = gone.series_id AND _coverage.from_time = gone.from_time`,
    });
  }
  if (fresh.length > 0) statements.push({ sql: `INSERT INTO _coverage VALUES ${fresh.join(', ')}` });
  return statements;
}

/** What is held around the steps of each series: whole days, and whatever reaches into them. */
async function readWindows(
  core: StoreCore,
  steps: readonly { readonly id: number; readonly change: CoverageChange }[],
  grown: ReadonlyMap<number, CoverageInterval>,
): Promise<Map<number, Window>> {
  const bounds = new Map<number, { from: Us; to: Us }>();
  for (const { id, change } of steps) {
    const own = daysOf(change);
    const held = bounds.get(id);
    if (held === undefined) bounds.set(id, own);
    else bounds.set(id, { from: Math.min(held.from, own.from), to: Math.max(held.to, own.to) });
  }
  const values = [...bounds].map(([id, { from, to }]) => `(${id}, ${sqlTime(from)}, ${sqlTime(to)})`);
  const rows = await core.db.all(
    `SELECT c.series_id, c.from_time, c.to_time, c.state, c.reason FROM _coverage c
     JOIN (VALUES ${values.join(', ')}) w(series_id, a, b) ON c.series_id = w.series_id AND c.to_time >= w.a AND c.from_time <= w.b
     ORDER BY c.series_id, c.from_time`,
  );
  const windows = new Map<number, Window>();
  for (const [id, own] of bounds) windows.set(id, { ...own, intervals: [], before: [] });
  for (const row of rows) {
    const id = Number(row['series_id']);
    const read = intervalOf(row);
    const tail = grown.get(id);
    // The UPDATE before these statements will have lengthened it.
    const held = tail?.from === read.from ? { ...read, to: tail.to } : read;
    windows.get(id)?.intervals.push(held);
  }
  for (const [id, window] of windows) windows.set(id, { ...window, before: [...window.intervals] });
  return windows;
}

function daysOf({ from, to }: { readonly from: Us; readonly to: Us }): { readonly from: Us; readonly to: Us } {
  return { from: Math.floor(from / DAY_US) * DAY_US, to: Math.ceil(to / DAY_US) * DAY_US };
}

/** Keeps the days of a step within bounds. A function of the steps alone, however they are batched. */
function bounded(intervals: CoverageInterval[], change: CoverageChange): CoverageInterval[] {
  if (intervals.length <= MAX_INTERVALS_A_DAY) return intervals;
  const { from, to } = daysOf(change);
  const most = MAX_INTERVALS_A_DAY * Math.max(1, Math.round((to - from) / DAY_US));
  const inside = intervals.filter((held) => held.to > from && held.from < to);
  if (inside.length <= most) return intervals;
  const start = intervals.findIndex((held) => held.to > from);
  const end = start + inside.length;
  return [...intervals.slice(0, start), ...thinned(inside, most / 2), ...intervals.slice(end)];
}

// Both are told of every series every few seconds: rows that are offered cost a tenth of what DuckDB takes to read the
// same as text, and the commit that brings them is not longer than others.

function grownStatements(grown: ReadonlyMap<number, CoverageInterval>): Statement[] {
  if (grown.size === 0) return [];
  const tails = [...grown.values()];
  return [
    {
      offer: {
        name: 'coverage_grown',
        rows: grown.size,
        columns: [
          { name: 'series_id', type: 'integer', values: Float64Array.from(grown.keys()) },
          { name: 'from_time', type: 'timestamp', values: Float64Array.from(tails, ({ from }) => from) },
          { name: 'to_time', type: 'timestamp', values: Float64Array.from(tails, ({ to }) => to) },
        ],
      },
    },
    {
      sql: `UPDATE _coverage SET to_time = grown.to_time FROM offered('coverage_grown') grown
        WHERE _coverage.series_id = grown.series_id AND _coverage.from_time = grown.from_time`,
    },
  ];
}

function headStatements(core: StoreCore, heads: readonly CoverageHead[]): Statement[] {
  const newest = new Map(heads.map((head) => [core.registry.get(head).id, head]));
  if (newest.size === 0) return [];
  const told = [...newest.values()];
  return [
    {
      offer: {
        name: 'coverage_heads',
        rows: told.length,
        columns: [
          { name: 'series_id', type: 'integer', values: Float64Array.from(newest.keys()) },
          { name: 'known_to', type: 'timestamp', values: Float64Array.from(told, ({ knownTo }) => knownTo) },
          { name: 'pending_until', type: 'timestamp', values: Float64Array.from(told, (head) => head.pendingUntil) },
          { name: 'reason', type: 'varchar', values: told.map(({ reason }) => reason) },
        ],
      },
    },
    {
      sql: `DELETE FROM _coverage_heads USING offered('coverage_heads') told
        WHERE _coverage_heads.series_id = told.series_id`,
    },
    {
      sql: `INSERT INTO _coverage_heads SELECT series_id, known_to, pending_until, reason
        FROM offered('coverage_heads')`,
    },
  ];
}

/** What is known of a series in [from, to). Throws NotFound for a series that the store does not know. */
export async function coverageOf(
  core: StoreCore,
  query: SeriesKey & { readonly from: Us; readonly to: Us },
): Promise<Coverage> {
  const series = core.registry.get(query);
  const { from, to } = query;
  const [rows, heads, quarantinedRows] = await Promise.all([
    core.db.all(
      `SELECT from_time, to_time, state, reason FROM _coverage
       WHERE series_id = ? AND to_time > ${sqlTime(from)} AND from_time < ${sqlTime(to)} ORDER BY from_time`,
      [series.id],
    ),
    core.db.all('SELECT known_to, pending_until, reason FROM _coverage_heads WHERE series_id = ?', [series.id]),
    quarantinedIn(core, series, from, to),
  ]);
  const [row] = heads;
  const head =
    row === undefined
      ? null
      : {
          knownTo: Number(row['known_to']),
          pendingUntil: Number(row['pending_until']),
          reason: textOrNull(row['reason']),
        };
  const now = core.clock.now() * 1000;
  return summarise(series.key, {
    from,
    to,
    now,
    intervals: withDeletedStretches(core, series, rows.map(intervalOf)),
    head,
    marks: core.marks.get(series.id),
    quarantinedRows,
  });
}

async function quarantinedIn(core: StoreCore, series: Series, from: Us, to: Us): Promise<number> {
  if ((core.quarantined.get(series.key.stream) ?? 0) === 0) return 0;
  const [row] = await core.db.all(
    `SELECT count(*) AS n FROM quarantined.${series.table.stream} WHERE series_id = ?
     AND ${series.table.time} >= ${sqlTime(from)} AND ${series.table.time} < ${sqlTime(to)}`,
    [series.id],
  );
  return Number(row?.['n'] ?? 0);
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function intervalOf(row: Readonly<Record<string, unknown>>): CoverageInterval {
  const state = COVERAGE_STATES.find((known) => known === row['state']) ?? 'missing';
  const reason = textOrNull(row['reason']);
  return { from: Number(row['from_time']), to: Number(row['to_time']), state, reason };
}

function rowText(id: number, held: CoverageInterval): string {
  const reason = held.reason === null ? 'NULL' : literal(held.reason);
  return `(${id}, ${sqlTime(held.from)}, ${sqlTime(held.to)}, ${literal(held.state)}, ${reason})`;
}

function textOf({ from, to, state, reason }: CoverageInterval): string {
  return `${from} ${to} ${state} ${reason ?? ''}`;
}
