import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAddress } from '../../src/serve/control/address.ts';
import { connectDesk } from '../../src/serve/control/client.ts';
import type { Desk } from '../../src/serve/desk.ts';

/** The built command: `npm test` builds first. */
export const CLI = join(import.meta.dirname, '../../dist/src/serve/cli/main.js');
export const built = existsSync(CLI);

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'crew-e2e-'));

/** Runs the command to its end. */
export function crew(
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly cwd?: string;
  } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [CLI, ...args],
      { maxBuffer: 256e6, env: { ...process.env, NO_COLOR: '1', ...options.env }, cwd: options.cwd },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr });
      },
    );
    child.stdin?.end(options.input ?? '');
  });
}

/** Starts the command and leaves it running. */
export function crewRunning(
  args: readonly string[],
  stdout: 'ignore' | 'pipe' = 'ignore',
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', stdout, 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
}

/** Waits until a controller serves the folder. Throws when the process ends first. */
export async function untilServed(dataDir: string, child: ChildProcess): Promise<Desk> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the controller ended with ${child.exitCode}: ${errors}`);
    const address = readAddress(dataDir);
    if (address !== undefined && address.pid === child.pid) return connectDesk(address);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends a signal and waits for the end. */
export function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve(child.exitCode);
    child.once('exit', (code) => resolve(code));
    child.kill(signal);
  });
}
