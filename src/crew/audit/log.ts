import { z } from 'zod';
import { TOOL_CATEGORIES } from '../../kit/access.ts';
import type { Clock, Ms, Timer } from '../../kit/clock.ts';
import type { AuditLog, AuditRow } from '../../kit/invoke.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import { jsonText, jsonValue, microseconds, msOf, whereClause } from '../ops-values.ts';

export interface AuditQuery {
  readonly agent?: string | undefined;
  readonly caller?: string | undefined;
  readonly tool?: string | undefined;
  readonly decision?: 'allowed' | 'denied' | undefined;
  readonly outcome?: AuditRow['outcome'] | undefined;
  readonly runId?: string | undefined;
  /** UTC ms. */
  readonly since?: Ms | undefined;
  readonly limit?: number | undefined;
}

/** The audit on disk: every decision and outcome of a tool call, in `tool_audit`. */
export interface StoredAudit extends AuditLog, AsyncDisposable {
  /** Newest first; what waits is written first. */
  list(query?: AuditQuery): Promise<readonly AuditRow[]>;
  /** Writes what waits. Idempotent; rows recorded later are refused with a line in the log. */
  close(): Promise<void>;
}

const COLUMNS = [
  ['call_id', 'VARCHAR NOT NULL'],
  ['time', 'TIMESTAMP NOT NULL'],
  ['caller', 'VARCHAR NOT NULL'],
  ['agent_id', 'VARCHAR'],
  ['role', 'VARCHAR NOT NULL'],
  ['tool', 'VARCHAR NOT NULL'],
  ['category', 'VARCHAR'],
  ['args', 'VARCHAR'],
  ['decision', 'VARCHAR NOT NULL'],
  ['rule', 'VARCHAR NOT NULL'],
  ['outcome', 'VARCHAR NOT NULL'],
  ['error_code', 'VARCHAR'],
  ['error_message', 'VARCHAR'],
  ['duration_ms', 'DOUBLE NOT NULL'],
  ['run_id', 'VARCHAR'],
  ['task_id', 'VARCHAR'],
  ['reason', 'VARCHAR'],
] as const satisfies readonly (readonly [keyof AuditRow, string])[];

const TABLE = `CREATE TABLE IF NOT EXISTS tool_audit (${COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')})`;

/** Rows are written together: after this long, or this many. */
const FLUSH_AFTER_MS = 200;
const BATCH_ROWS = 500;
/** When the disk takes nothing for so long that this many wait, the oldest are given up, and the log says how many. */
const MOST_WAITING = 50_000;

/** Creates the table when missing. Rows are batched; `flush` resolves when they are on disk. */
export async function openAudit(options: {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<StoredAudit> {
  const { db, clock, log } = options;
  await db.run(TABLE);
  let waiting: AuditRow[] = [];
  let timer: Timer | undefined;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;

  const write = async (): Promise<void> => {
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    try {
      await db.append({
        table: 'tool_audit',
        rows: batch.length,
        columns: COLUMNS.map(([name]) => batch.map((row) => stored(row, name))),
      });
    } catch (error) {
      waiting = [...batch, ...waiting];
      throw error;
    }
  };
  const flush = (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    const next = writing.then(write, write);
    writing = next.catch(() => undefined);
    return next;
  };
  const flushLater = (): void => {
    flush().catch((error: unknown) => {
      log.error('audit.write_failed', { rows: waiting.length, error });
      if (!closed) timer ??= clock.schedule(FLUSH_AFTER_MS * 10, flushLater);
    });
  };
  const close = async (): Promise<void> => {
    closed = true;
    await flush();
  };
  return {
    record(row) {
      if (closed) {
        log.error('audit.row_after_close', { call_id: row.call_id, tool: row.tool, caller: row.caller });
        return;
      }
      waiting.push(row);
      if (waiting.length > MOST_WAITING) {
        const lost = waiting.splice(0, waiting.length - MOST_WAITING / 2).length;
        log.error('audit.rows_lost', { rows: lost });
      }
      if (waiting.length >= BATCH_ROWS && waiting.length % BATCH_ROWS === 0) flushLater();
      else timer ??= clock.schedule(FLUSH_AFTER_MS, flushLater);
    },
    flush,
    async list(query = {}) {
      await flush();
      return select(db, query);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function stored(row: AuditRow, name: (typeof COLUMNS)[number][0]): unknown {
  if (name === 'time') return row.time * 1000;
  if (name === 'args') return jsonText(redact(row.args));
  return row[name];
}

const SECRET = /(api_?key|token|secret|password|authorization)/i;

/** Arguments without the values of fields that look like secrets. */
function redact(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(redact);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) => [
      key,
      SECRET.test(key) && typeof inner === 'string' ? '[redacted]' : redact(inner),
    ]),
  );
}

const text = z.string();
const rowSchema = z.object({
  call_id: text,
  time: msOf,
  caller: text,
  agent_id: text.nullable(),
  role: text,
  tool: text,
  category: z.enum(TOOL_CATEGORIES).nullable(),
  args: jsonValue,
  decision: z.enum(['allowed', 'denied']),
  rule: text,
  outcome: z.enum(['success', 'failure', 'proposed', 'refused', 'replayed']),
  error_code: text.nullable(),
  error_message: text.nullable(),
  duration_ms: z.number(),
  run_id: text.nullable(),
  task_id: text.nullable(),
  reason: text.nullable(),
});

async function select(db: Database, query: AuditQuery): Promise<readonly AuditRow[]> {
  const { sql, params } = whereClause([
    ['agent_id = ?', query.agent],
    ['caller = ?', query.caller],
    ['tool = ?', query.tool],
    ['decision = ?', query.decision],
    ['outcome = ?', query.outcome],
    ['run_id = ?', query.runId],
    ['time >= make_timestamp(?::BIGINT)', microseconds(query.since)],
  ]);
  const rows = await db.all(`SELECT * FROM tool_audit ${sql} ORDER BY time DESC, call_id DESC LIMIT ?`, [
    ...params,
    query.limit ?? 100,
  ]);
  return rows.map((row) => rowSchema.parse(row));
}
