import { constants } from 'node:fs';
import { copyFile, link, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StoreSnapshot } from './contract.ts';
import { WORK_FOLDER } from './core.ts';
import type { Queue, StoreCore } from './core.ts';
import { DATABASE_FILE } from './names.ts';

/**
 * Freezes the database and its finished days: writes wait while the database file is copied; the days are held by
 * links, so that they can be read after a later compaction has replaced them.
 */
export async function snapshot(core: StoreCore, writes: Queue, id: string): Promise<StoreSnapshot> {
  const folder = join(core.dataDir, WORK_FOLDER, `snapshot-${id}`);
  const files = new Map<string, string>();
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  await remove();
  await mkdir(folder, { recursive: true });
  try {
    await writes.run(async () => {
      await core.db.run('CHECKPOINT');
      const copy = join(folder, DATABASE_FILE);
      await copyFile(core.db.path, copy, constants.COPYFILE_FICLONE);
      files.set(DATABASE_FILE, copy);
      for (const name of core.days.names()) {
        for (const file of core.days.of(name)) {
          const held = join(folder, file.file);
          await mkdir(dirname(held), { recursive: true });
          await link(core.days.path(file), held);
          files.set(file.file, held);
        }
      }
    });
  } catch (error) {
    await remove();
    throw error;
  }
  return { files, [Symbol.asyncDispose]: remove };
}
