import { existsSync } from 'node:fs';
import { link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { backupOps, OPS_FILE, stamp } from '../../events/index.ts';
import { diskSpace, writeFileAtomic } from '../../infra/files.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import type { Clock } from '../../kit/clock.ts';
import { Corrupt, Unavailable, Unsupported } from '../../kit/errors.ts';
import { listTape } from '../../market/collect/tape/inspect.ts';
import type { MarketStore } from '../../market/store/contract.ts';
import { VERSION } from '../version.ts';
import { BACKUP_FORMAT, MANIFEST, copyHashed, listBackupIds, readManifest, sha256Of } from './manifest.ts';
import type { BackupFile, BackupManifest } from './manifest.ts';

export interface BackupReport {
  readonly id: string;
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** Bytes that an earlier backup had already and that are shared with it. */
  readonly shared_bytes: number;
  readonly market_rows: number;
  readonly ops_rows: number;
  /** Ids of older backups that were deleted, beyond `keep`. */
  readonly deleted: readonly string[];
  /** What is off with an earlier backup, so that nothing was shared with it. */
  readonly notes: readonly string[];
}

export interface CreateBackupOptions {
  readonly dataDir: string;
  /** Where backups lie: absolute, or relative to the data folder. */
  readonly folder: string;
  readonly ops: Database;
  readonly store: MarketStore;
  readonly clock: Clock;
  readonly tape: boolean;
  /** Newest backups to keep, this one included. */
  readonly keep: number;
}

/** Space that is left free beside the copies. */
const SPARE_BYTES = 64 * 1024 * 1024;

/**
 * Both databases, the finished days and, when asked for, the tape, into `<folder>/backup-<UTC time>`; collecting goes on
 * meanwhile. Days that the newest backup has already are linked, not copied. The manifest is written last, and the folder
 * gets its name then. A newest backup that cannot be read shares nothing, and the report says so. Throws Unavailable when
 * there is too little room (nothing is left behind).
 */
export async function createBackup(options: CreateBackupOptions): Promise<BackupReport> {
  const { dataDir, ops, store, clock } = options;
  const folder = resolve(dataDir, options.folder);
  const id = `backup-${stamp(clock.now())}`;
  const partial = join(folder, `${id}.partial`);
  await mkdir(folder, { recursive: true });
  await removePartial(folder);
  try {
    const before = await newestManifest(folder);
    await using market = await store.snapshot(id);
    const copy = await backupOps(ops, join(dataDir, 'backups'), { clock });
    const sources = new Map([...market.files, [OPS_FILE, copy.path], ...(await tapeFiles(options))]);
    const { name, path: live } = market.database;
    await checkRoom(folder, [live, ...sources.values()]);
    const database = await market.copyDatabase((source, check) => copyHashed(source, join(partial, name), check));
    const files: BackupFile[] = [{ path: name, ...database }];
    let shared = 0;
    for (const [path, source] of sources) {
      const target = join(partial, path);
      const same = await shareWithEarlier(before, path, source, target);
      if (same !== null) shared += same.bytes;
      files.push({ path, ...(same ?? (await copyHashed(source, target))) });
    }
    const marketRows = (await rowsOfCopy(partial)) ?? 0;
    const manifest: BackupManifest = {
      format: BACKUP_FORMAT,
      id,
      created_at: new Date(clock.now()).toISOString(),
      program: VERSION,
      tape: options.tape,
      market_rows: marketRows,
      ops_rows: copy.rows,
      files,
    };
    await writeFileAtomic(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(partial, join(folder, id));
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const counts = { files: files.length, bytes, shared_bytes: shared, market_rows: marketRows, ops_rows: copy.rows };
    const notes = before?.note == null ? [] : [before.note];
    return { id, folder: join(folder, id), ...counts, deleted: await deleteOld(folder, options.keep), notes };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function rowsOfCopy(partial: string): Promise<number | null> {
  const { marketRows } = await import('./check.ts');
  return marketRows(partial);
}

async function tapeFiles({ dataDir, tape }: CreateBackupOptions): Promise<readonly (readonly [string, string])[]> {
  if (!tape) return [];
  const segments = await listTape(join(dataDir, 'tape'));
  return segments.map(({ path }) => [`tape/${path.split(/[/\\]/).at(-1) ?? ''}`, path] as const);
}

interface Earlier {
  readonly folder: string;
  readonly files: ReadonlyMap<string, BackupFile>;
  /** Why there is nothing to share, when it cannot be read. */
  readonly note: string | null;
}

async function newestManifest(folder: string): Promise<Earlier | null> {
  const [newest] = await listBackupIds(folder);
  if (newest === undefined) return null;
  try {
    const { files } = await readManifest(join(folder, newest));
    return { folder: join(folder, newest), files: new Map(files.map((file) => [file.path, file])), note: null };
  } catch (error) {
    if (!(error instanceof Corrupt) && !(error instanceof Unsupported)) throw error;
    const note = `nothing is shared with ${newest}: ${error.message}`;
    return { folder: join(folder, newest), files: new Map(), note };
  }
}

/** Links a finished day of the backup before when it is the same, byte for byte; null when it is to be copied. */
async function shareWithEarlier(
  before: Earlier | null,
  path: string,
  source: string,
  target: string,
): Promise<Pick<BackupFile, 'bytes' | 'sha256'> | null> {
  const held = before?.files.get(path);
  if (before === null || held === undefined || !path.endsWith('.parquet')) return null;
  const earlier = join(before.folder, path);
  if (!existsSync(earlier) || (await stat(source)).size !== held.bytes) return null;
  if ((await sha256Of(source)) !== held.sha256 || (await sha256Of(earlier)) !== held.sha256) return null;
  await mkdir(dirname(target), { recursive: true });
  await link(earlier, target);
  return { bytes: held.bytes, sha256: held.sha256 };
}

async function checkRoom(folder: string, sources: Iterable<string>): Promise<void> {
  let needed = SPARE_BYTES;
  for (const source of sources) needed += (await stat(source)).size;
  const { freeBytes } = await diskSpace(folder);
  if (freeBytes < needed)
    throw new Unavailable(
      `a backup needs ${needed} bytes in ${folder}, ${freeBytes} are free: free some, lower backup.keep, or set backup.dir to another disk`,
    );
}

async function removePartial(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^backup-.*\.partial$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function deleteOld(folder: string, keep: number): Promise<readonly string[]> {
  const old = (await listBackupIds(folder)).slice(Math.max(1, keep));
  for (const id of old) await rm(join(folder, id), { recursive: true, force: true });
  return old;
}
