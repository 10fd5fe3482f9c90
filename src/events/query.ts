import { z } from 'zod';
import type { Database, SqlRow, SqlValue } from '../infra/duckdb/database.ts';
import type { Ms } from '../kit/clock.ts';
import type { EventEnvelope, EventName } from '../kit/event.ts';
import { type EventFilter, namesOf } from './filter.ts';

export interface EventQuery extends EventFilter {
  /** UTC ms, inclusive. */
  readonly since?: Ms | undefined;
  /** UTC ms, exclusive. */
  readonly until?: Ms | undefined;
  readonly afterSeq?: number | undefined;
  /** Default 1000, at most 100,000. */
  readonly limit?: number | undefined;
  /** By number; default `asc`. With `desc` the newest come first. */
  readonly order?: 'asc' | 'desc' | undefined;
}

const row = z.object({
  id: z.string(),
  seq: z.number(),
  type: z.string(),
  time: z.number(),
  source: z.string(),
  priority: z.number(),
  correlation_id: z.string().nullable(),
  data: z.string(),
});

/** Journaled events that fit. Throws InvalidInput for an unknown event name. */
export async function queryEvents(db: Database, query: EventQuery = {}): Promise<readonly EventEnvelope[]> {
  const { where, params } = conditions(query);
  const limit = Math.max(0, Math.min(query.limit ?? 1000, 100_000));
  const rows = await db.all(
    `SELECT id, seq, type, time, source, priority, correlation_id, data FROM events${where}
     ORDER BY seq ${query.order === 'desc' ? 'DESC' : 'ASC'} LIMIT ${Math.floor(limit)}`,
    params,
  );
  return rows.map(toEnvelope);
}

/** How many journaled events of each type fit. */
export async function countEvents(db: Database, query: EventQuery = {}): Promise<Readonly<Record<string, number>>> {
  const { where, params } = conditions(query);
  const rows = await db.all<{ type: string; n: number }>(
    `SELECT type, count(*) AS n FROM events${where} GROUP BY type ORDER BY type`,
    params,
  );
  return Object.fromEntries(rows.map((r) => [r.type, r.n]));
}

function conditions(query: EventQuery): { readonly where: string; readonly params: SqlValue[] } {
  const parts: string[] = [];
  const params: SqlValue[] = [];
  const add = (sql: string, ...values: SqlValue[]): void => {
    parts.push(sql);
    params.push(...values);
  };
  if (query.types !== undefined) {
    const names = [...namesOf(query.types)];
    add(names.length === 0 ? 'false' : `type IN (${names.map(() => '?').join(', ')})`, ...names);
  }
  if (query.afterSeq !== undefined) add('seq > CAST(? AS BIGINT)', query.afterSeq);
  if (query.since !== undefined) add('time >= make_timestamp(CAST(? AS BIGINT))', query.since * 1000);
  if (query.until !== undefined) add('time < make_timestamp(CAST(? AS BIGINT))', query.until * 1000);
  if (query.correlationId !== undefined) add('correlation_id = ?', query.correlationId);
  if (query.run !== undefined)
    add('(correlation_id = ? OR starts_with(correlation_id, ?))', query.run, `${query.run}/`);
  if (query.minPriority !== undefined) add('priority >= CAST(? AS INTEGER)', query.minPriority);
  if (query.source?.endsWith('*') === true) add('starts_with(source, ?)', query.source.slice(0, -1));
  else if (query.source !== undefined) add('source = ?', query.source);
  return { where: parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`, params };
}

/** Name and payload were checked when the event was emitted (maybe by an older version), so here they are only read. */
function toEnvelope(raw: SqlRow): EventEnvelope {
  const { data, time, type, ...rest } = row.parse(raw);
  return { ...rest, type: type as EventName, time: time / 1000, data: JSON.parse(data) as EventEnvelope['data'] };
}
