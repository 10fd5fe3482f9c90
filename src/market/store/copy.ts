import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError, Unavailable } from '../../kit/errors.ts';
import type { StoreSnapshot } from './contract.ts';
import { WORK_FOLDER } from './core.ts';
import type { Queue, StoreCore } from './core.ts';
import { DATABASE_FILE } from './names.ts';
import { sizeOf } from './reports.ts';

/** DuckDB's three headers, of which each fold writes one anew. All else that a fold left is not written to until the next. */
const HEADER_BYTES = 3 * 4096;
/** A log of more takes too long to read after a kill. */
const MOST_LOG_BYTES = 256 * 1024 * 1024;
/** The log is not folded in while somebody reads in a way that forbids it: tried so often, so long apart, ms. */
const FOLD_TRIES = 100;
const FOLD_WAIT_MS = 100;

/**
 * One moment of the database and its finished days. The log is folded into the file and not again until the file is
 * copied, so that its bytes stay those of that moment while writes go on, into the log. The days are held by links, so
 * that they can be read after a later compaction has replaced them. Compactions wait until `release` is called.
 */
export async function snapshot(
  core: StoreCore,
  writes: Queue,
  taken: { readonly id: string; readonly signal: AbortSignal; readonly release: () => void },
): Promise<StoreSnapshot> {
  const { signal } = taken;
  const folder = join(core.dataDir, WORK_FOLDER, `snapshot-${taken.id}`);
  const { path } = core.db;
  let held = true;
  const letGo = async (): Promise<void> => {
    if (!held) return;
    held = false;
    try {
      // A database that is being closed folds in its log whatever it was told.
      if (!signal.aborted) await writes.run(() => core.db.keepLog(false));
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      taken.release();
    }
  };
  const dispose = async (): Promise<void> => {
    await letGo();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { files, header } = await holdMoment(core, writes, folder, signal);
    const check = async (): Promise<void> => {
      signal.throwIfAborted();
      if (!held) throw new Unavailable(`the moment of ${path} was let go: its file was copied already`);
      if (!header.equals(await headerOf(path)))
        throw new Unavailable(`${path} was written anew while it was copied: make the backup again`);
      const log = await sizeOf(`${path}.wal`);
      if (log > MOST_LOG_BYTES)
        throw new Unavailable(
          `copying ${path} takes so long that the log beside it has ${log} bytes: set backup.dir to a faster disk`,
        );
    };
    return {
      database: { name: DATABASE_FILE, path },
      files,
      async copyDatabase(copy) {
        try {
          await check();
          const copied = await copy(path, check);
          await check();
          return copied;
        } finally {
          await letGo();
        }
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Moment {
  /** Name in the data folder → link to the day's file. */
  readonly files: ReadonlyMap<string, string>;
  readonly header: Buffer;
}

async function holdMoment(core: StoreCore, writes: Queue, folder: string, signal: AbortSignal): Promise<Moment> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (let tries = 1; ; tries++) {
    try {
      return await writes.run(async () => {
        await core.db.run('CHECKPOINT');
        await core.db.keepLog(true);
        return { files: await linkDays(core, folder), header: await headerOf(core.db.path) };
      });
    } catch (error) {
      const mayRepeat = error instanceof AppError && error.message.includes('Cannot CHECKPOINT');
      if (!mayRepeat || tries === FOLD_TRIES) throw error;
    }
    await wait(FOLD_WAIT_MS, undefined, { signal });
  }
}

async function linkDays(core: StoreCore, folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of core.days.names()) {
    for (const file of core.days.of(name)) {
      const held = join(folder, file.file);
      await mkdir(dirname(held), { recursive: true });
      await link(core.days.path(file), held);
      files.set(file.file, held);
    }
  }
  return files;
}

async function headerOf(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
