import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Library } from './libraries.ts';

/** Time of one call of what is measured, ms by the clock and of processor time, all threads together. */
export interface Timing {
  readonly ms: number;
  readonly cpuMs: number;
}

/** What keeps libraries from sending reports of their use: the bench measures work, not a network that may not be there. */
const ENVIRONMENT = { ...process.env, KAIBAN_TELEMETRY_OPT_OUT: '1', MASTRA_TELEMETRY_DISABLED: '1' };

/** A library in a process of its own, which measures when it is asked. */
export class LibraryProcess {
  readonly stores: readonly string[];
  readonly extras: readonly string[];
  readonly #child: ChildProcess;
  #asked = 0;
  #said = '';

  private constructor(child: ChildProcess, stores: readonly string[], extras: readonly string[]) {
    child.stderr?.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-2000)));
    this.#child = child;
    this.stores = stores;
    this.extras = extras;
  }

  /** Throws when the library cannot be loaded or its parts cannot be made. */
  static async start(library: Library, folder: string, options: object): Promise<LibraryProcess> {
    const child = fork(join(folder, 'worker.mjs'), [`./${library.adapter}.mjs`, JSON.stringify(options)], {
      cwd: folder,
      env: ENVIRONMENT,
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
    const { stores, extras } = await new Promise<{ stores: string[]; extras: string[] }>((resolve, reject) => {
      child.once('message', (message) => resolve(message as { stores: string[]; extras: string[] }));
      child.once('exit', (code) => reject(new Error(`ended with ${String(code)}: ${said.trim()}`)));
    });
    return new LibraryProcess(child, stores, extras);
  }

  /** Throws what the library threw, and when it takes longer than `timeoutMs`; then its process is gone. */
  ask<T = Timing>(what: string, args: readonly unknown[] = [], timeoutMs = 120_000): Promise<T> {
    const id = this.#asked++;
    const child = this.#child;
    if (!child.connected) return Promise.reject(new Error(this.#ended()));
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        child.off('message', heard);
        child.off('exit', gone);
        settle();
      };
      const heard = (given: unknown): void => {
        const message = given as { id: number; result?: T; error?: string };
        if (message.id !== id) return;
        const { result, error } = message;
        end(() => (result === undefined ? reject(new Error(error ?? 'no result')) : resolve(result)));
      };
      const gone = (): void => end(() => reject(new Error(this.#ended())));
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        end(() => reject(new Error(`no end within ${timeoutMs / 1000} s`)));
      }, timeoutMs);
      child.on('message', heard);
      child.once('exit', gone);
      child.send({ id, what, args });
    });
  }

  #ended(): string {
    const { exitCode, signalCode } = this.#child;
    return `its process ended with ${String(exitCode ?? signalCode)}: ${this.#said.trim()}`;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }
}

/** Milliseconds of a fresh Node process that imports `entry` from `folder`, or that does nothing. */
export function coldStart(folder: string, entry: string | null): number {
  // Some libraries keep a timer or a connection open once they are loaded.
  const code = entry === null ? '0' : `await import('${entry}'); process.exit(0);`;
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: folder,
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - began;
}
