import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, type Ms, sleep } from '../../kit/clock.ts';
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

/**
 * The address of the controller that runs on this data folder, or undefined when none does. Throws Unavailable when
 * another user's controller made the file.
 */
export function readAddress(dataDir: string): ControlAddress | undefined {
  const text = textOf(join(dataDir, FILE));
  if (text === undefined) return undefined;
  const parsed = addressSchema.safeParse(parseJson(text));
  return parsed.success && isAlive(parsed.data.pid) ? parsed.data : undefined;
}

/** Id of the living process that holds the data folder; undefined when none does, or this very process. */
export function holderOf(dataDir: string): number | undefined {
  const path = join(dataDir, LOCK);
  if (held.has(path)) return undefined;
  const holder = lockedBy(path);
  return holder !== undefined && holder > 0 && holder !== process.pid && isAlive(holder) ? holder : undefined;
}

const LOOK_MS = 50;

/**
 * `readAddress`, but a process that holds the data folder and has no address yet (it is opening, or closing) is waited
 * for, `atMostMs` at most: until it has one, or holds the folder no more. `onWait` is called once, before the first
 * wait. Undefined when there is no address in the end. Rejects with the signal's reason when aborted.
 */
export async function awaitAddress(
  dataDir: string,
  options: {
    readonly clock: Clock;
    readonly atMostMs: Ms;
    readonly signal?: AbortSignal | undefined;
    readonly onWait?: ((pid: number) => void) | undefined;
  },
): Promise<ControlAddress | undefined> {
  const { clock, atMostMs, signal, onWait } = options;
  const since = clock.monotonicMs();
  for (let looks = 0; ; looks++) {
    const holder = holderOf(dataDir);
    // In this order: whoever has let go of the folder between the two has taken its address away before.
    const address = readAddress(dataDir);
    if (address !== undefined || holder === undefined || clock.monotonicMs() - since >= atMostMs) return address;
    if (looks === 0) onWait?.(holder);
    await sleep(clock, LOOK_MS, signal);
  }
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
      const holder = lockedBy(path);
      if (holder !== undefined && (holder === pid ? held.has(path) : holder > 0 && isAlive(holder))) {
        throw new Conflict(
          `data folder ${dataDir} is in use by process ${holder}; if it is starting or stopping, try again in a moment, else stop it, use its address, or choose another folder with --data`,
        );
      }
      rmSync(path, { force: true });
    }
  }
  throw new Conflict(`data folder ${dataDir} is being taken by another process`);
}

/** The process id in a lock file; undefined when the file is gone. */
function lockedBy(path: string): number | undefined {
  const text = textOf(path);
  return text === undefined ? undefined : Number(text);
}

/** What a file says; undefined when it is gone. Only its owner may read what a controller leaves in its folder. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new Unavailable(
      `${path} may not be read by this user (${code}): a controller of another user made it; run as that user, or choose another folder with --data`,
      { cause: error },
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
