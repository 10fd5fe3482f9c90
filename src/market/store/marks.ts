import type { Database, Statement } from '../../infra/duckdb/database.ts';
import { without, type CoverageChange, type CoverageMark, type Stretch } from '../domain/coverage.ts';
import type { Marks, StoreCore } from './core.ts';
import { dayOf, dayText } from './days.ts';
import { literal, sqlTime } from './names.ts';
import type { Series } from './schema.ts';

const DAY_US = 86_400_000_000;

/** Table of the marks beside the ledger; for databases of any age. */
export const MARKS_STATEMENT = `CREATE TABLE IF NOT EXISTS _coverage_marks (series_id INTEGER NOT NULL,
  from_time TIMESTAMP NOT NULL, to_time TIMESTAMP NOT NULL, state VARCHAR NOT NULL, reason VARCHAR NOT NULL)`;

/** The ledger as the marks leave it: what `_coverage` says, cut where a mark begins or ends. */
export const MARKED_COVERAGE = `WITH touched AS (
    SELECT c.*, m.from_time AS m_from, m.to_time AS m_to, m.state AS m_state, m.reason AS m_reason
    FROM _coverage c JOIN _coverage_marks m
      ON c.series_id = m.series_id AND m.from_time < c.to_time AND m.to_time > c.from_time
      AND CASE m.state WHEN 'interpolated' THEN c.state = 'missing' ELSE c.state IN ('sampled', 'backfilled', 'live') END),
  cuts AS (SELECT DISTINCT series_id, from_time, to_time, state, reason,
      unnest([from_time, greatest(from_time, m_from), least(to_time, m_to)]) AS cut FROM touched),
  pieces AS (SELECT *, lead(cut, 1, to_time) OVER (PARTITION BY series_id, from_time ORDER BY cut) AS until FROM cuts),
  hidden AS (SELECT p.series_id, p.cut, min(t.m_state) AS state, min(t.m_reason) AS reason
    FROM pieces p JOIN touched t ON p.series_id = t.series_id AND p.from_time = t.from_time
      AND t.m_from <= p.cut AND t.m_to >= p.until AND p.cut < p.until
    GROUP BY p.series_id, p.cut)
  SELECT series_id, from_time, to_time, state, reason FROM _coverage c
  WHERE NOT EXISTS (SELECT 1 FROM touched t WHERE t.series_id = c.series_id AND t.from_time = c.from_time)
  UNION ALL
  SELECT p.series_id, p.cut, p.until, coalesce(h.state, p.state), CASE WHEN h.state IS NULL THEN p.reason ELSE h.reason END
  FROM pieces p LEFT JOIN hidden h ON p.series_id = h.series_id AND p.cut = h.cut WHERE p.cut < p.until`;

/** What the database says; none where it has no such table. */
export async function readMarks(db: Database): Promise<Marks> {
  const found = await db.all(
    "SELECT 1 FROM duckdb_tables() WHERE table_name = '_coverage_marks' AND schema_name = 'main'",
  );
  if (found.length === 0) return new Map();
  const marks: Marks = new Map();
  const rows = await db.all(
    'SELECT series_id, from_time, to_time, state, reason FROM _coverage_marks ORDER BY series_id, from_time',
  );
  for (const row of rows) {
    const id = Number(row['series_id']);
    const mark: CoverageMark = {
      from: Number(row['from_time']),
      to: Number(row['to_time']),
      state: row['state'] === 'interpolated' ? 'interpolated' : 'pruned',
      reason: String(row['reason']),
    };
    marks.set(id, [...(marks.get(id) ?? []), mark]);
  }
  return marks;
}

/** Changes of the marks, gathered for one transaction. `done` after it has gone through. */
export class MarksPlan {
  readonly #core: StoreCore;
  readonly #changed: Marks = new Map();

  constructor(core: StoreCore) {
    this.#core = core;
  }

  of(id: number): readonly CoverageMark[] {
    return this.#changed.get(id) ?? this.#core.marks.get(id) ?? [];
  }

  /** Neighbours that say the same become one. */
  add(id: number, mark: CoverageMark): void {
    if (!(mark.from < mark.to)) return;
    let { from, to } = mark;
    const apart = this.of(id).filter((held) => {
      const same = held.state === mark.state && held.reason === mark.reason && held.from <= to && held.to >= from;
      if (!same) return true;
      from = Math.min(from, held.from);
      to = Math.max(to, held.to);
      return false;
    });
    this.#changed.set(id, [...apart, { ...mark, from, to }]);
  }

  /** The stretch is no longer marked so. */
  cut(id: number, state: CoverageMark['state'], stretch: Stretch): void {
    const held = this.of(id);
    if (!held.some((mark) => mark.state === state && mark.from < stretch.to && mark.to > stretch.from)) return;
    const left = held.flatMap((mark) =>
      mark.state === state ? without(mark, [stretch]).map((part) => ({ ...mark, ...part })) : [mark],
    );
    this.#changed.set(id, left);
  }

  statements(): Statement[] {
    if (this.#changed.size === 0) return [];
    const rows = [...this.#changed].flatMap(([id, marks]) =>
      marks.map(
        ({ from, to, state, reason }) =>
          `(${id}, ${sqlTime(from)}, ${sqlTime(to)}, ${literal(state)}, ${literal(reason)})`,
      ),
    );
    const gone = { sql: `DELETE FROM _coverage_marks WHERE series_id IN (${[...this.#changed.keys()].join(', ')})` };
    return rows.length === 0 ? [gone] : [gone, { sql: `INSERT INTO _coverage_marks VALUES ${rows.join(', ')}` }];
  }

  done(): void {
    for (const [id, marks] of this.#changed) {
      if (marks.length === 0) this.#core.marks.delete(id);
      else this.#core.marks.set(id, marks);
    }
  }
}

/** A whole UTC day, `2026-01-31`. */
export function dayStretch(day: string): Stretch {
  const from = dayOf(day) * DAY_US;
  return { from, to: from + DAY_US };
}

/**
 * What backfilled steps do to the marks, and the steps that say what is held now: rows that were fetched again are no
 * longer pruned, and what they bring is backfilled, whatever it was before.
 */
export function refetched(plan: MarksPlan, id: number, change: CoverageChange): CoverageChange[] {
  if (change.mode !== 'raise' || change.state !== 'backfilled') return [];
  // The edges of a hole in trade ids are trades that were held before; a candle is its minute.
  if (change.fetched !== true && change.stream !== 'candles') return [];
  const back = plan.of(id).filter((m) => m.state === 'pruned' && m.from < change.to && m.to > change.from);
  if (back.length === 0) return [];
  plan.cut(id, 'pruned', change);
  return back.map((mark) => ({
    ...change,
    from: Math.max(change.from, mark.from),
    to: Math.min(change.to, mark.to),
    mode: 'set',
  }));
}

const TAPE_GONE = 'the tape that held it was pruned before this database was made from it';

/** Marks what was on a tape that is gone, except the days that lie whole in their files. */
export function markGone(core: StoreCore, plan: MarksPlan, series: Series, change: CoverageChange): void {
  const open = new Map((change.openDays ?? []).map(({ day, file }) => [day, file]));
  const first = Math.floor(change.from / DAY_US);
  for (let day = first; day * DAY_US < change.to; day++) {
    const text = dayText(day);
    const file = core.days.get(series.name, text);
    // A file that is newer than when the tape was pruned has taken in what was still outside of it.
    if (file !== undefined && (!open.has(text) || open.get(text) !== file.file)) continue;
    plan.add(series.id, {
      from: Math.max(change.from, day * DAY_US),
      to: Math.min(change.to, (day + 1) * DAY_US),
      state: 'pruned',
      reason: TAPE_GONE,
    });
  }
}
