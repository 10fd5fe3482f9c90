import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type Clock, type Ms, sleep } from '../kit/clock.ts';
import { errorMessage, RateLimited, Unavailable } from '../kit/errors.ts';

/** What may be used in a minute; null: no limit. */
export interface WindowLimits {
  readonly requests: number | null;
  readonly tokens: number | null;
}

/** Tokens held for one request. */
export interface WindowEntry {
  /** Puts what was used in the place of what was expected. */
  settle(tokens: number): Promise<void>;
}

const MINUTE_MS = 60_000;
/** A process that holds a lock so long is taken for dead: what it does under it takes a millisecond. */
const LOCK_STALE_MS = 5000;
const LOCK_RETRY_MS = 3;

const stateSchema = z.object({
  blocked_until: z.number(),
  entries: z.array(z.tuple([z.number(), z.number(), z.string()])),
});
/** An entry is its time (UTC ms), its tokens and its id. */
type State = z.infer<typeof stateSchema>;
const UNCOUNTED: WindowEntry = { settle: () => Promise.resolve() };
const EMPTY: State = { blocked_until: 0, entries: [] };

/**
 * Requests and tokens over a sliding minute, by key. With a folder, all processes of the machine that name it share the
 * limits: one small file a key, changed under a lock. Without, the limits are this process's. Callers of one process go
 * first come, first served.
 */
export class SharedWindow {
  readonly #clock: Clock;
  readonly #folder: string | null;
  readonly #newId: () => string;
  readonly #memory = new Map<string, State>();
  readonly #turns = new Map<string, Promise<unknown>>();

  /** Throws Unavailable when the folder cannot be made. */
  constructor(options: { readonly clock: Clock; readonly folder: string | null; readonly newId: () => string }) {
    this.#clock = options.clock;
    this.#folder = options.folder;
    this.#newId = options.newId;
    if (this.#folder !== null) {
      try {
        mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      } catch (error) {
        throw new Unavailable(`folder ${this.#folder} of shared limits cannot be made: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    }
  }

  /**
   * Waits until one request with so many tokens fits. One that alone is above the limit waits until nothing else is in
   * the minute. Throws RateLimited when the key is blocked for longer than `longestMs`; an abort passes on untouched.
   */
  take(key: string, limits: WindowLimits, tokens: number, longestMs: Ms, signal: AbortSignal): Promise<WindowEntry> {
    if (this.#folder === null && limits.requests === null && limits.tokens === null) {
      return this.#unblocked(key, longestMs, signal);
    }
    const before = this.#turns.get(key) ?? Promise.resolve();
    const mine = before.then(() => this.#fit(key, limits, tokens, longestMs, signal));
    this.#turns.set(
      key,
      mine.catch(() => undefined),
    );
    return mine;
  }

  /** Lets nothing through for so long: the provider said so. Never shortens a block. */
  async block(key: string, ms: Ms): Promise<void> {
    const until = this.#clock.now() + ms;
    await this.#change(key, (state) => ({ ...state, blocked_until: Math.max(state.blocked_until, until) }));
  }

  /** What is used of the present minute; within one process, by callers that have a limit. */
  async used(key: string): Promise<{ readonly requests: number; readonly tokens: number }> {
    const { entries } = await this.#change(key, (state) => this.#present(state));
    return { requests: entries.length, tokens: sum(entries) };
  }

  /** Without a limit, and without other processes that may have one, there is nothing to count. */
  async #unblocked(key: string, longestMs: Ms, signal: AbortSignal): Promise<WindowEntry> {
    for (;;) {
      signal.throwIfAborted();
      const blocked = (this.#memory.get(key)?.blocked_until ?? 0) - this.#clock.now();
      if (blocked <= 0) return UNCOUNTED;
      if (blocked > longestMs) throw asksForQuiet(blocked);
      await sleep(this.#clock, blocked, signal);
    }
  }

  async #fit(
    key: string,
    limits: WindowLimits,
    tokens: number,
    longestMs: Ms,
    signal: AbortSignal,
  ): Promise<WindowEntry> {
    const id = this.#newId();
    for (;;) {
      signal.throwIfAborted();
      let wait = 0;
      await this.#change(key, (stored) => {
        const state = this.#present(stored);
        const now = this.#clock.now();
        const blocked = state.blocked_until - now;
        if (blocked > longestMs) throw asksForQuiet(blocked);
        wait = Math.max(blocked, delayOf(state, limits, tokens, now));
        return wait > 0 ? state : { ...state, entries: [...state.entries, [now, tokens, id]] };
      });
      if (wait <= 0) break;
      await sleep(this.#clock, wait, signal);
    }
    return {
      settle: async (used) => {
        await this.#change(key, (state) => ({
          ...state,
          entries: state.entries.map(([at, held, own]) => [at, own === id ? used : held, own]),
        }));
      },
    };
  }

  /** Without what is older than a minute; what lies in the future was written before the clock was set back. */
  #present(state: State): State {
    const now = this.#clock.now();
    return { ...state, entries: state.entries.filter(([at]) => at > now - MINUTE_MS && at <= now + MINUTE_MS) };
  }

  async #change(key: string, change: (state: State) => State): Promise<State> {
    if (this.#folder === null) {
      const next = change(this.#memory.get(key) ?? EMPTY);
      this.#memory.set(key, next);
      return next;
    }
    const path = join(this.#folder, `${key}.json`);
    const release = await lock(`${path}.lock`);
    try {
      const before = read(path);
      const next = change(before);
      if (next !== before) {
        const draft = `${path}.${process.pid}`;
        writeFileSync(draft, JSON.stringify(next), { mode: 0o600 });
        renameSync(draft, path);
      }
      return next;
    } finally {
      release();
    }
  }
}

function asksForQuiet(blockedMs: Ms): RateLimited {
  return new RateLimited(`the provider asked for ${Math.ceil(blockedMs / 1000)} s of quiet`, blockedMs);
}

function delayOf({ entries }: State, limits: WindowLimits, tokens: number, now: number): number {
  const oldest = entries[0];
  if (oldest === undefined) return 0;
  const freeAt = (index: number): number =>
    (entries[Math.min(index, entries.length - 1)]?.[0] ?? now) + MINUTE_MS - now;
  const requests = limits.requests === null ? 0 : entries.length + 1 - limits.requests;
  let wait = requests > 0 ? freeAt(requests - 1) : 0;
  if (limits.tokens !== null) {
    let excess = sum(entries) + tokens - limits.tokens;
    for (let i = 0; excess > 0 && i < entries.length; i++) {
      wait = Math.max(wait, freeAt(i));
      excess -= entries[i]?.[1] ?? 0;
    }
  }
  return wait;
}

function sum(entries: State['entries']): number {
  return entries.reduce((total, [, tokens]) => total + tokens, 0);
}

/** A file that cannot be read as a state counts as empty: it holds at most a minute. */
function read(path: string): State {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return EMPTY;
    throw new Unavailable(`shared limits ${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
  try {
    return stateSchema.safeParse(JSON.parse(text)).data ?? EMPTY;
  } catch {
    return EMPTY;
  }
}

async function lock(path: string): Promise<() => void> {
  for (;;) {
    try {
      const handle = openSync(path, 'wx', 0o600);
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!isCode(error, 'EEXIST'))
        throw new Unavailable(`lock ${path} cannot be taken: ${errorMessage(error)}`, { cause: error });
      if (isStale(path)) rmSync(path, { force: true });
      else await delay(LOCK_RETRY_MS);
    }
  }
}

function isStale(path: string): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs > LOCK_STALE_MS;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
