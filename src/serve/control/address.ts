import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Conflict, Unavailable } from '../../kit/errors.ts';

const addressSchema = z.object({
  pid: z.number().int(),
  url: z.url(),
  token: z.string().min(16),
  version: z.string(),
  started_at: z.string(),
});

/** Where a running controller listens; `data/controller.json`, readable by its owner only. */
export type ControlAddress = z.infer<typeof addressSchema>;

const FILE = 'controller.json';
const LOCK = 'controller.lock';

/** Folders that this very process holds: its own id in a lock file means a reused id unless the folder is in here. */
const held = new Set<string>();

/** Whether a process of this id lives. A process of another user counts as living. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The address of the controller that runs on this data folder, or undefined when none does. */
export function readAddress(dataDir: string): ControlAddress | undefined {
  const path = join(dataDir, FILE);
  if (!existsSync(path)) return undefined;
  const parsed = addressSchema.safeParse(parseJson(readFileSync(path, 'utf8')));
  return parsed.success && isAlive(parsed.data.pid) ? parsed.data : undefined;
}

/** Writes the address whole or not at all, mode 0600. */
export function writeAddress(dataDir: string, address: ControlAddress): void {
  const path = join(dataDir, FILE);
  const draft = `${path}.${address.pid}`;
  writeFileSync(draft, `${JSON.stringify(address, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

export function removeAddress(dataDir: string): void {
  rmSync(join(dataDir, FILE), { force: true });
}

/**
 * Takes the data folder for this process. Throws Conflict when a living process holds it, Unavailable when the folder
 * cannot be written. A lock left by a dead process is taken over. Gives the release.
 */
export function lockDataDir(dataDir: string, pid: number): () => void {
  const path = join(dataDir, LOCK);
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    throw new Unavailable(
      `data folder ${dataDir} cannot be made: ${(error as Error).message}; choose another with --data`,
      { cause: error },
    );
  }
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = openSync(path, 'wx', 0o600);
      writeSync(handle, String(pid));
      closeSync(handle);
      held.add(path);
      return () => {
        held.delete(path);
        rmSync(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new Unavailable(
          `data folder ${dataDir} cannot be written: ${(error as Error).message}; choose another with --data`,
          { cause: error },
        );
      }
      const holder = Number(readFileSync(path, 'utf8'));
      if (holder === pid ? held.has(path) : holder > 0 && isAlive(holder)) {
        throw new Conflict(
          `data folder ${dataDir} is in use by process ${holder}; stop it, use its address, or choose another folder with --data`,
        );
      }
      rmSync(path, { force: true });
    }
  }
  throw new Conflict(`data folder ${dataDir} is being taken by another process`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
