import { z } from 'zod';
import type { Clock, Ms, Timer } from '../../kit/clock.ts';
import type { AuditLog, AuditRow } from '../../kit/invoke.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import { jsonValue, microseconds, msOf, whereClause } from '../ops-values.ts';
import { type ChainHead, GENESIS, HeadMark, readHeadMark } from './chain.ts';
import { AUDIT_KINDS, type AuditEntry, type AuditKind, chained, HASHED_COLUMNS, noteEntry } from './rows.ts';
import { type AuditReport, verifyAudit } from './verify.ts';

export interface AuditQuery {
  readonly agent?: string | undefined;
  readonly caller?: string | undefined;
  readonly tool?: string | undefined;
  readonly decision?: 'allowed' | 'denied' | undefined;
  readonly outcome?: AuditRow['outcome'] | undefined;
  readonly runId?: string | undefined;
  /** Default `call`. */
  readonly kind?: AuditKind | 'all' | undefined;
  /** UTC ms. */
  readonly since?: Ms | undefined;
  readonly limit?: number | undefined;
}

/** A row with its place in the chain. */
export interface ChainedRow extends AuditRow {
  readonly seq: number;
  readonly kind: AuditKind;
  readonly hash: string;
}

/**
 * The audit on disk, in `tool_audit`: every decision and outcome of a tool call, every approval, effect and override,
 * each row chained by hash to the one before it.
 */
export interface StoredAudit extends AuditLog, AsyncDisposable {
  /** Records something other than a call; see `noteEntry`. */
  note(entry: Omit<Parameters<typeof noteEntry>[0], 'time'>): void;
  /** Calls alone unless `kind` says otherwise, newest first; what waits is written first. */
  list(query?: AuditQuery): Promise<readonly ChainedRow[]>;
  /** Writes what waits, then walks the chain; see `verifyAudit`. */
  verify(kept?: ChainHead): Promise<AuditReport>;
  /** Deletes the oldest rows, up to the first that is not older than `before` (UTC ms), and records that; gives how many. */
  prune(before: Ms): Promise<number>;
  /** Writes what waits. Idempotent; rows recorded later are refused with a line in the log. */
  close(): Promise<void>;
}

const COLUMNS = [...HASHED_COLUMNS, ['hash', 'VARCHAR NOT NULL']] as const;
const TABLE = `CREATE TABLE IF NOT EXISTS tool_audit (${COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')})`;
/** Where rows of a time before the chain are kept, until they are too old. */
const UNCHAINED = 'tool_audit_unchained';

/** Rows are written together: after this long, or this many. */
const FLUSH_AFTER_MS = 200;
const BATCH_ROWS = 500;
/** When the disk takes nothing for so long that this many wait, the oldest are given up, and log and chain say how many. */
const MOST_WAITING = 50_000;

/**
 * Creates the table when missing. Rows are batched; `flush` resolves when they are on disk. Where the file beside the
 * database knows of rows that are not there, the first row says so, and verification finds it.
 */
export async function openAudit(options: {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<StoredAudit> {
  const { db, clock, log } = options;
  await setUnchainedAside(db);
  await db.run(TABLE);
  let head = await storedHead(db);
  let waiting: AuditEntry[] = [];
  let timer: Timer | undefined;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;
  const inMemory = db.path === ':memory:';
  const known = inMemory ? null : readHeadMark(db.path);
  const mark = inMemory ? null : new HeadMark(db.path);
  if (known !== null && known.seq > head.seq) {
    log.error('audit.rows_missing', { from: head.seq + 1, to: known.seq });
    const details = { after: head.seq, through: known.seq, hash: known.hash };
    const what = `rows ${head.seq + 1} to ${known.seq} were missing when the file was opened`;
    waiting.push(noteEntry({ kind: 'break', id: 'audit', time: clock.now(), by: 'audit', what, details }));
    head = { seq: known.seq, hash: head.hash };
  }

  const write = async (): Promise<void> => {
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    const next = chained(head, batch);
    try {
      await db.append({
        table: 'tool_audit',
        rows: batch.length,
        columns: COLUMNS.map((_, i) => next.rows.map((row) => row[i])),
      });
    } catch (error) {
      waiting = [...batch, ...waiting];
      throw error;
    }
    ({ head } = next);
    mark?.write(head);
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
  const add = (entry: AuditEntry): void => {
    if (closed) {
      log.error('audit.row_after_close', { call_id: entry.call_id, tool: entry.tool, caller: entry.caller });
      return;
    }
    waiting.push(entry);
    if (waiting.length > MOST_WAITING) {
      const rows = waiting.splice(0, waiting.length - MOST_WAITING / 2).length;
      log.error('audit.rows_lost', { rows });
      const what = `${rows} rows were given up because the disk took none`;
      waiting.unshift(
        noteEntry({ kind: 'lost', id: 'audit', time: clock.now(), by: 'audit', what, details: { rows } }),
      );
    }
    if (waiting.length >= BATCH_ROWS && waiting.length % BATCH_ROWS === 0) flushLater();
    else timer ??= clock.schedule(FLUSH_AFTER_MS, flushLater);
  };
  const note: StoredAudit['note'] = (entry) => add(noteEntry({ ...entry, time: clock.now() }));
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    try {
      await flush();
    } finally {
      mark?.close();
    }
  };
  return {
    record: (row) => add({ kind: 'call', ...row }),
    note,
    flush,
    async list(query = {}) {
      await flush();
      return selectAudit(db, query);
    },
    async verify(kept) {
      await flush();
      return verifyAudit(db, { mark: inMemory ? null : readHeadMark(db.path), kept });
    },
    async prune(before) {
      await flush();
      const last = await lastBefore(db, before);
      if (last !== null) {
        note({
          kind: 'pruned',
          id: 'audit',
          by: 'audit',
          what: `rows up to ${last.seq} were pruned`,
          details: { through: last.seq, hash: last.hash },
        });
        await flush();
      }
      const { changed } = await db.run('DELETE FROM tool_audit WHERE seq <= ?', [last?.seq ?? 0]);
      return changed + (await pruneUnchained(db, before));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The newest row; what the chain goes on from. */
async function storedHead(db: Database): Promise<ChainHead> {
  const [row] = await db.all('SELECT seq, hash FROM tool_audit ORDER BY seq DESC LIMIT 1');
  return row === undefined ? GENESIS : headSchema.parse(row);
}

/** The newest row of those at the beginning that are all older; null when there is none. */
async function lastBefore(db: Database, before: Ms): Promise<ChainHead | null> {
  const [row] = await db.all(
    `SELECT seq, hash FROM tool_audit WHERE seq < coalesce(
       (SELECT min(seq) FROM tool_audit WHERE time >= make_timestamp(?::BIGINT)), 9007199254740991)
     ORDER BY seq DESC LIMIT 1`,
    [microseconds(before)],
  );
  return row === undefined ? null : headSchema.parse(row);
}

/** An older file's rows have no hashes: they go to a table of their own, so that every row here is chained. */
async function setUnchainedAside(db: Database): Promise<void> {
  const columns = await db.all<{ name: string }>(
    "SELECT column_name AS name FROM duckdb_columns() WHERE table_name = 'tool_audit' AND database_name = current_database()",
  );
  if (columns.length > 0 && !columns.some(({ name }) => name === 'hash'))
    await db.run(`ALTER TABLE tool_audit RENAME TO ${UNCHAINED}`);
}

async function pruneUnchained(db: Database, before: Ms): Promise<number> {
  const [found] = await db.all('SELECT 1 AS one FROM duckdb_tables() WHERE table_name = ?', [UNCHAINED]);
  if (found === undefined) return 0;
  const { changed } = await db.run(`DELETE FROM ${UNCHAINED} WHERE time < make_timestamp(?::BIGINT)`, [
    microseconds(before),
  ]);
  return changed;
}

const text = z.string();
const headSchema = z.object({ seq: z.number().int(), hash: text });
const rowSchema = z.object({
  call_id: text,
  time: msOf,
  caller: text,
  agent_id: text.nullable(),
  role: text,
  tool: text,
  category: text.nullable(),
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
  seq: z.number().int(),
  kind: z.enum(AUDIT_KINDS),
  hash: text,
});

/** Rows by query, newest first; at most 100 unless `limit` says otherwise. */
export async function selectAudit(db: Database, query: AuditQuery): Promise<readonly ChainedRow[]> {
  const { kind = 'call' } = query;
  const { sql, params } = whereClause([
    ['kind = ?', kind === 'all' ? undefined : kind],
    ['agent_id = ?', query.agent],
    ['caller = ?', query.caller],
    ['tool = ?', query.tool],
    ['decision = ?', query.decision],
    ['outcome = ?', query.outcome],
    ['run_id = ?', query.runId],
    ['time >= make_timestamp(?::BIGINT)', microseconds(query.since)],
  ]);
  const rows = await db.all(`SELECT * FROM tool_audit ${sql} ORDER BY seq DESC LIMIT ?`, [
    ...params,
    query.limit ?? 100,
  ]);
  return rows.map((row) => rowSchema.parse(row));
}
