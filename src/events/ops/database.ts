import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Database } from '../../infra/duckdb/database.ts';
import type { Clock, Ms } from '../../kit/clock.ts';
import { Conflict, Corrupt, errorMessage, Unavailable } from '../../kit/errors.ts';
import type { EventPayload } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import { readMark } from '../mark.ts';
import { listCopies, readAll, readThrough, stamp } from './backup.ts';
import { createSchema } from './schema.ts';

export const OPS_FILE = 'crewai_data_ops.duckdb';

/** For what does not fit in the usual memory, MB. */
const MOST_MEMORY_MB = 512;

export interface OpenOpsOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** What DuckDB may keep in memory. Default 48. */
  readonly memoryMb?: number | undefined;
}

export interface OpsDatabase {
  readonly db: Database;
  /** Where verified copies are kept. */
  readonly copies: string;
  /** What was lost and restored while opening, to be emitted as `system.recovered`; null when all was well. */
  readonly recovered: EventPayload<'system.recovered'> | null;
}

/**
 * Opens `<dataDir>/crewai_data_ops.duckdb`, creates or migrates its tables, and reads it through. A damaged file is set
 * aside under `<dataDir>/damaged/`, and the newest good state takes its place: the file as of its last checkpoint when
 * only its log is damaged, else the newest verified copy, else an empty database; `recovered` says what was lost, also
 * when DuckDB itself noticed nothing. Throws Conflict when another process has the file, Unavailable when the folder
 * cannot be used or memory or disk space is short, Corrupt when a newer program wrote the file.
 */
export async function openOpsDatabase(options: OpenOpsOptions): Promise<OpsDatabase> {
  const path = join(options.dataDir, OPS_FILE);
  const copies = join(options.dataDir, 'backups');
  const expected = await prepare(path, copies);
  let restored: EventPayload<'system.recovered'> | null = null;
  let opened: Opened;
  try {
    opened = await openWhole(path, copies, options);
  } catch (error) {
    if (!(error instanceof Corrupt) || isNewer(error)) throw error;
    options.log.error('ops.damaged', { path, error: error.message });
    restored = await restore(path, copies, options, error);
    opened = await openWhole(path, copies, options);
  }
  return { db: opened.db, copies, recovered: withMissing(restored, opened.lastSeq, expected) };
}

/** Makes the folders, ends what was begun, and gives the number of the newest event that was durable. */
async function prepare(path: string, copies: string): Promise<number> {
  try {
    await mkdir(copies, { recursive: true });
    await endRestoring(path);
    return readMark(path);
  } catch (error) {
    const folder = dirname(path);
    throw new Unavailable(`the data folder ${folder} cannot be used: ${errorMessage(error)}`, { cause: error });
  }
}

/** Adds the events that were durable once and are not there, as the mark beside the file tells. */
function withMissing(
  restored: EventPayload<'system.recovered'> | null,
  lastSeq: number,
  expected: number,
): EventPayload<'system.recovered'> | null {
  if (expected <= lastSeq) return restored;
  const missing = `events ${lastSeq + 1} to ${expected}`;
  const counted = { events_lost: expected - lastSeq, last_seq_kept: lastSeq };
  if (restored === null) return { what: OPS_FILE, action: 'continued', lost: missing, details: counted };
  return { ...restored, lost: `${restored.lost ?? ''} (${missing})`, details: { ...restored.details, ...counted } };
}

interface Opened {
  readonly db: Database;
  readonly lastSeq: number;
}

async function openWhole(path: string, copies: string, options: OpenOpsOptions): Promise<Opened> {
  const db = await Database.open({
    path,
    memoryMb: options.memoryMb ?? 48,
    mostMemoryMb: MOST_MEMORY_MB,
    // Rows change often here, and what they were stays in memory until the log is folded in.
    checkpointMb: 1,
    threads: 1,
    readers: 2,
    folders: [copies],
    onCheckpointFailed: (reason) => options.log.error('ops.checkpoint_failed', { database: path, reason }),
  });
  try {
    const { lastSeq } = await readAll(db);
    await createSchema(db);
    return { db, lastSeq };
  } catch (error) {
    await db
      .close()
      .catch((closing: unknown) => options.log.warn('ops.close_failed', { error: errorMessage(closing) }));
    throw error;
  }
}

/** A file of a newer program is whole: it must not be replaced. */
function isNewer(error: Corrupt): boolean {
  return error.message.includes('has format');
}

interface State {
  readonly path: string;
  readonly lastSeq: number;
  /** UTC ms of the state; null for the damaged file itself as of its last checkpoint. */
  readonly time: Ms | null;
}

/** In this order, so that a kill at any moment leaves either the damaged file or the good one to be opened. */
async function restore(
  path: string,
  copies: string,
  options: OpenOpsOptions,
  cause: Corrupt,
): Promise<EventPayload<'system.recovered'>> {
  const now = options.clock.now();
  const damagedAt = (await modified(path)) ?? now;
  const folder = join(options.dataDir, 'damaged');
  await mkdir(folder, { recursive: true });
  const aside = join(folder, `ops-${stamp(now)}.duckdb`);
  const probe = `${path}.probe`;
  const best = await bestState(path, copies, probe, options);
  if (best !== null) await copyFile(best.path, `${path}.restored`);
  await rm(probe, { force: true });
  await move(`${path}.wal`, `${aside}.wal`);
  await move(path, aside);
  await move(`${path}.restored`, path);
  return {
    what: OPS_FILE,
    action: actionOf(best),
    lost: best === null ? 'everything' : lossSince(best, damagedAt),
    details: {
      reason: cause.message,
      set_aside: aside,
      last_seq_kept: best?.lastSeq ?? 0,
      lost_from: best?.time ?? null,
      lost_until: damagedAt,
    },
  };
}

/** A restoring that was killed between its last two steps is ended; one killed before is begun again. */
async function endRestoring(path: string): Promise<void> {
  if ((await modified(path)) === null) await move(`${path}.restored`, path);
  await rm(`${path}.restored`, { force: true });
  await rm(`${path}.probe`, { force: true });
}

function actionOf(best: State | null): string {
  if (best === null) return 'started empty';
  return best.time === null ? 'reopened without its log' : `restored ${basename(best.path)}`;
}

function lossSince(state: State, until: Ms): string {
  const from = state.time === null ? 'the last checkpoint of the file' : new Date(state.time).toISOString();
  return `what was written between ${from} and ${new Date(until).toISOString()}: events after number ${state.lastSeq}`;
}

/** The state with the newest event among those that read through from first to last byte; null when there is none. */
async function bestState(path: string, copies: string, probe: string, options: OpenOpsOptions): Promise<State | null> {
  let best: State | null = null;
  for (const copy of await listCopies(copies)) {
    const lastSeq = await tryRead(copy.path, options);
    if (lastSeq === null) continue;
    best = { path: copy.path, lastSeq, time: copy.time };
    break;
  }
  if ((await modified(`${path}.wal`)) === null) return best;
  await copyFile(path, probe);
  const lastSeq = await tryRead(probe, options);
  if (lastSeq === null || lastSeq < (best?.lastSeq ?? 1)) return best;
  return { path: probe, lastSeq, time: null };
}

async function tryRead(path: string, options: OpenOpsOptions): Promise<number | null> {
  try {
    return (await readThrough(path)).lastSeq;
  } catch (error) {
    if (error instanceof Conflict) throw error;
    options.log.warn('ops.copy_unreadable', { path, error: errorMessage(error) });
    return null;
  }
}

async function modified(path: string): Promise<Ms | null> {
  try {
    return Math.round((await stat(path)).mtimeMs);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function move(from: string, to: string): Promise<void> {
  if ((await modified(from)) !== null) await rename(from, to);
}
