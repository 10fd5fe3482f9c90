import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Database, type SqlRow } from '../../infra/duckdb/database.ts';
import { saysDamaged } from '../../infra/duckdb/damage.ts';
import type { Clock, Ms, Timer } from '../../kit/clock.ts';
import { Corrupt, errorMessage } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';

/** A copy that was opened, read through and found to hold the same rows. */
export interface VerifiedCopy {
  readonly path: string;
  readonly bytes: number;
  /** Rows of all tables together. */
  readonly rows: number;
  readonly lastSeq: number;
}

const FIRST_COPY_MS: Ms = 60_000;
const COPY_NAME = /^ops-(\d{8}T\d{9}Z)\.duckdb$/;

/**
 * Copies the operations database to `dir/ops-<UTC time>.duckdb` as of one moment, opens the copy, compares the rows of
 * every table, and keeps the newest `keep` copies. The database must have been opened with `dir` among its folders.
 * Throws Corrupt when the copy differs (it is removed then); earlier copies stay untouched by a failure.
 */
export async function backupOps(
  db: Database,
  dir: string,
  options: { readonly clock: Clock; readonly keep?: number | undefined },
): Promise<VerifiedCopy> {
  await mkdir(dir, { recursive: true });
  await removeUnfinished(dir);
  const name = `ops-${stamp(options.clock.now())}`;
  const partial = join(dir, `${name}.partial`);
  await rm(partial, { force: true });
  try {
    const expected = await copyTo(db, partial);
    const found = await readThrough(partial);
    const difference = [...expected].find(([table, rows]) => found.counts.get(table) !== rows);
    if (difference !== undefined) {
      const [table, rows] = difference;
      throw new Corrupt(`the copy of ${db.path} has ${found.counts.get(table) ?? 'no'} rows in ${table}, not ${rows}`);
    }
    const path = join(dir, `${name}.duckdb`);
    await rename(partial, path);
    await removeOld(dir, options.keep ?? 5);
    const rows = [...expected.values()].reduce((sum, n) => sum + n, 0);
    return { path, bytes: (await stat(path)).size, rows, lastSeq: found.lastSeq };
  } finally {
    await rm(partial, { force: true });
    await rm(`${partial}.wal`, { force: true });
  }
}

/** Copies in `dir`, newest first; `time` is UTC ms. */
export async function listCopies(dir: string): Promise<readonly { readonly path: string; readonly time: Ms }[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const match = COPY_NAME.exec(name);
      return match?.[1] === undefined ? [] : [{ path: join(dir, name), time: fromStamp(match[1]) }];
    })
    .sort((a, b) => b.time - a.time);
}

/**
 * Opens a database file read-only and reads every value of every table, so that damage anywhere shows.
 * Throws Corrupt when it cannot be read.
 */
export async function readThrough(
  path: string,
): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly lastSeq: number }> {
  const db = await Database.open({ path, readOnly: true, memoryMb: 128, threads: 1, readers: 1 });
  try {
    return await readAll(db);
  } finally {
    await db.close();
  }
}

/** As `readThrough`, of a database that is open. */
export async function readAll(
  db: Database,
): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly lastSeq: number }> {
  const counts = new Map<string, number>();
  try {
    for (const table of await tableNames(db)) {
      const [row] = await db.all(`SELECT count(*) AS n, bit_xor(hash(t)) AS h FROM "${table}" AS t`);
      counts.set(table, Number(row?.['n']));
    }
    const [seq] = counts.has('events') ? await db.all('SELECT max(seq) AS seq FROM events') : [];
    return { counts, lastSeq: Number(seq?.['seq'] ?? 0) };
  } catch (error) {
    if (!saysDamaged(errorMessage(error), db.path)) throw error;
    throw new Corrupt(`${db.path} cannot be read through: ${errorMessage(error)}`, { cause: error });
  }
}

/**
 * Makes a verified copy after a minute and then every `everyMs` until closed; a failed one is logged and tried again at
 * the next turn.
 */
export function scheduleBackups(
  db: Database,
  dir: string,
  options: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly everyMs: Ms;
    readonly keep?: number | undefined;
    readonly onCopy?: ((copy: VerifiedCopy) => void) | undefined;
  },
): AsyncDisposable {
  const { clock, log, everyMs } = options;
  let timer: Timer | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;
  const turn = async (): Promise<void> => {
    try {
      const copy = await backupOps(db, dir, options);
      log.info('ops.copied', { path: copy.path, bytes: copy.bytes, rows: copy.rows });
      options.onCopy?.(copy);
    } catch (error) {
      log.error('ops.copy_failed', { error: errorMessage(error) });
    }
    plan(everyMs);
  };
  const plan = (delayMs: Ms): void => {
    if (!closed) timer = clock.schedule(delayMs, () => void (running = turn()));
  };
  plan(Math.min(everyMs, FIRST_COPY_MS));
  return {
    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.cancel();
      await running;
    },
  };
}

/** Rows of each table at the moment of the copy. */
async function copyTo(db: Database, path: string): Promise<ReadonlyMap<string, number>> {
  const tables = await tableNames(db);
  const [main] = await db.all<{ name: string }>('SELECT current_database() AS name');
  await db.run(`ATTACH '${path.replaceAll("'", "''")}' AS verified_copy`);
  try {
    const results = await db.transaction([
      { sql: `COPY FROM DATABASE "${main?.name ?? ''}" TO verified_copy` },
      ...tables.map((table) => ({ sql: `SELECT count(*) AS n FROM "${table}"` })),
    ]);
    return new Map(tables.map((table, i) => [table, count(results[i + 1]?.rows[0])]));
  } finally {
    await db.run('DETACH verified_copy');
  }
}

async function tableNames(db: Database): Promise<readonly string[]> {
  const rows = await db.all<{ table_name: string }>(
    'SELECT table_name FROM duckdb_tables() WHERE NOT internal AND database_name = current_database() ORDER BY table_name',
  );
  return rows.map((r) => r.table_name);
}

/** What a killed copying left behind. */
async function removeUnfinished(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (/^ops-.*\.partial(\.wal)?$/.test(name)) await rm(join(dir, name), { force: true });
  }
}

async function removeOld(dir: string, keep: number): Promise<void> {
  for (const { path } of (await listCopies(dir)).slice(Math.max(1, keep))) await rm(path, { force: true });
}

function count(row: SqlRow | undefined): number {
  return Number(row?.['n'] ?? 0);
}

/** `20260102T030405006Z`. */
export function stamp(time: Ms): string {
  return new Date(time).toISOString().replaceAll(/[-:.]/g, '');
}

/** UTC ms of `20260102T030405006Z`. */
export function fromStamp(text: string): Ms {
  const [, date = '', clock = '', ms = ''] = /^(\d{8})T(\d{6})(\d{3})Z$/.exec(text) ?? [];
  const iso = `${date.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')}T${clock.replace(/^(\d\d)(\d\d)(\d\d)$/, '$1:$2:$3')}.${ms}Z`;
  return Date.parse(iso);
}
