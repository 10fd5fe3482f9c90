import { mkdir, readdir, rename } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { stamp } from '../../events/index.ts';
import { diskSpace } from '../../infra/files.ts';
import type { Ms } from '../../kit/clock.ts';
import { Conflict, Corrupt, Unavailable } from '../../kit/errors.ts';
import { lockDataDir } from '../control/address.ts';
import { verifyBackup } from './check.ts';
import { copyHashed, readManifest } from './manifest.ts';

export interface RestoreReport {
  readonly id: string;
  readonly data_dir: string;
  readonly files: number;
  readonly bytes: number;
  /** Where what was there before lies now; null when the folder was empty. */
  readonly moved_to: string | null;
}

export interface RestoreOptions {
  /** Folder of the backup itself. */
  readonly backup: string;
  readonly dataDir: string;
  /** Folder that backups lie in: stays where it is. */
  readonly backupsDir: string;
  /** Move aside what is there; without it only an empty folder is restored into. */
  readonly force: boolean;
  readonly now: Ms;
}

/** What is not the desk's data: it stays when the rest is moved aside. */
const STAYS = /^(?:backups|archive|controller\.(?:lock|json)|before-restore-.*)$/;

/**
 * Puts a backup into a data folder. The backup is verified first and each copied file again. Throws Corrupt for a damaged
 * backup, Unsupported for one of another version, Conflict when a controller has the folder or it is not empty (without `force`), Unavailable for lack of room.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const dataDir = resolve(options.dataDir);
  const manifest = await readManifest(options.backup);
  const verified = await verifyBackup(options.backup);
  if (!verified.ok)
    throw new Corrupt(`${options.backup} is damaged and was not restored: ${verified.problems.join('; ')}`);
  const release = lockDataDir(dataDir, process.pid);
  try {
    const old = (await readdir(dataDir)).filter((name) => !STAYS.test(name) && !holds(dataDir, name, options));
    if (old.length > 0 && !options.force)
      throw new Conflict(
        `${dataDir} is not empty (${old.slice(0, 5).join(', ')}): choose another with --data, or move it aside with --force`,
      );
    const { freeBytes } = await diskSpace(dataDir);
    if (freeBytes < verified.bytes)
      throw new Unavailable(`the backup needs ${verified.bytes} bytes in ${dataDir}, ${freeBytes} are free`);
    const aside = `before-restore-${stamp(options.now)}`;
    if (old.length > 0) await mkdir(join(dataDir, aside));
    for (const name of old) await rename(join(dataDir, name), join(dataDir, aside, name));
    for (const { path, sha256 } of manifest.files) {
      const copied = await copyHashed(join(options.backup, path), join(dataDir, path));
      if (copied.sha256 !== sha256) throw new Corrupt(`${path} changed while it was copied: restore again`);
    }
    return {
      id: manifest.id,
      data_dir: dataDir,
      files: manifest.files.length,
      bytes: verified.bytes,
      moved_to: old.length === 0 ? null : join(dataDir, aside),
    };
  } finally {
    release();
  }
}

/** Whether an entry of the data folder is, or holds, the folder of the backups. */
function holds(dataDir: string, name: string, { backupsDir }: RestoreOptions): boolean {
  const path = relative(join(dataDir, name), resolve(dataDir, backupsDir));
  return path === '' || !path.startsWith('..');
}
