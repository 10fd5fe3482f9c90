import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { systemClock } from '../../infra/clock.ts';
import { AppError, Corrupt, errorMessage, Unsupported } from '../../kit/errors.ts';
import { silentLogger } from '../../kit/logger.ts';
import { readThrough, OPS_FILE } from '../../events/index.ts';
import { verifyTape } from '../../market/collect/tape/inspect.ts';
import { marketConfigSchema } from '../../market/config.ts';
import type { MarketStore } from '../../market/store/contract.ts';
import { openMarketStore } from '../../market/store/open.ts';
import { MANIFEST, readManifest, sha256Of, type BackupManifest } from './manifest.ts';

export interface BackupVerification {
  readonly id: string;
  readonly folder: string;
  readonly ok: boolean;
  readonly created_at: string | null;
  readonly files: number;
  readonly bytes: number;
  /** What is wrong, a sentence each; empty when all is well. */
  readonly problems: readonly string[];
  /** Files in its folder that the manifest does not name. They are not restored, but were not there when it was made. */
  readonly foreign: readonly string[];
}

/**
 * Reads every file of a backup and compares its hash, then opens the copies of both databases, reads them through and
 * compares their rows with the manifest. Never throws for damage: it is told in `problems`.
 */
export async function verifyBackup(backup: string): Promise<BackupVerification> {
  const id = backup.split(/[/\\]/).at(-1) ?? backup;
  let manifest: BackupManifest;
  try {
    manifest = await readManifest(backup);
  } catch (error) {
    if (!(error instanceof Corrupt) && !(error instanceof Unsupported)) throw error;
    return {
      id,
      folder: backup,
      ok: false,
      created_at: null,
      files: 0,
      bytes: 0,
      problems: [error.message],
      foreign: [],
    };
  }
  const problems: string[] = [];
  for (const { path, bytes, sha256 } of manifest.files) {
    const file = join(backup, path);
    if (!existsSync(file)) problems.push(`${path} is missing`);
    else if ((await stat(file)).size !== bytes) problems.push(`${path} does not have its ${bytes} bytes`);
    else if ((await sha256Of(file)) !== sha256) problems.push(`${path} does not match its SHA-256`);
  }
  if (problems.length === 0) problems.push(...(await openCopies(backup, manifest)));
  return {
    id,
    folder: backup,
    ok: problems.length === 0,
    created_at: manifest.created_at,
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
    problems,
    foreign: await foreignFiles(backup, manifest),
  };
}

async function foreignFiles(backup: string, manifest: BackupManifest): Promise<readonly string[]> {
  const known = new Set([MANIFEST, ...manifest.files.map(({ path }) => path)]);
  const found = await readdir(backup, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(backup, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !known.has(path))
    .sort();
}

async function openCopies(backup: string, manifest: BackupManifest): Promise<readonly string[]> {
  const problems: string[] = [];
  const expect = async (what: string, wanted: number, read: () => Promise<number>): Promise<void> => {
    try {
      const found = await read();
      if (found !== wanted) problems.push(`the ${what} has ${found} rows, the manifest says ${wanted}`);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problems.push(`the ${what} cannot be read: ${errorMessage(error)}`);
    }
  };
  await expect('market database', manifest.market_rows, () => marketRows(backup));
  await expect('operations database', manifest.ops_rows, async () => {
    const { counts } = await readThrough(join(backup, OPS_FILE));
    return [...counts.values()].reduce((sum, n) => sum + n, 0);
  });
  if (manifest.tape) {
    const { damage } = await verifyTape(join(backup, 'tape'));
    // The segment that was being written ends where the copy ended.
    for (const { path, reason } of damage.filter(({ tail }) => !tail)) problems.push(`${path}: ${reason}`);
  }
  return problems;
}

/** Rows of the market database in a folder, all of them read. */
export async function marketRows(folder: string): Promise<number> {
  const events = { emit: (): never => undefined as never };
  const { store } = await openMarketStore({
    dataDir: folder,
    config: marketConfigSchema.parse({}).storage,
    clock: systemClock,
    log: silentLogger,
    events,
    readOnly: true,
  });
  await using _ = store;
  return await readThroughStreams(store);
}

/** A stream at a time, not a series: the rows of all series of a stream lie together, and would be read once for each. */
export async function readThroughStreams(store: Pick<MarketStore, 'series' | 'read'>): Promise<number> {
  let rows = 0;
  for (const stream of new Set((await store.series()).map((series) => series.stream))) {
    const [counted] = await store.read(`SELECT count(*) AS n, bit_xor(hash(t)) AS h FROM "${stream}" t`);
    rows += Number(counted?.['n'] ?? 0);
  }
  return rows;
}
