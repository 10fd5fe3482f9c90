import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Unavailable, errorMessage } from '../kit/errors.ts';

/** Makes the folder and proves that a file can be written in it. Throws Unavailable naming the folder and the reason. */
export async function ensureWritableFolder(folder: string): Promise<void> {
  const probe = join(folder, `.probe-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(folder, { recursive: true });
    const handle = await open(probe, 'wx');
    await handle.close();
    await rm(probe);
  } catch (error) {
    throw new Unavailable(`folder ${folder} cannot be written: ${errorMessage(error)}`, { cause: error });
  }
}

/** Replaces a file in one step: readers see the old content or the new, never half of it, also after a crash. */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new Unavailable(`${path} cannot be written: ${errorMessage(error)}`, { cause: error });
  }
}

/** Bytes free to us and bytes in all on the disk that holds `path`. */
export async function diskSpace(path: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number }> {
  const stats = await statfs(path);
  return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize };
}
