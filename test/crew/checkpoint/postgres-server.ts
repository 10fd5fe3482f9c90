import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The programs of a PostgreSQL server on this machine; undefined: there is none. */
export function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  return folders.find((folder) => ['initdb', 'postgres'].every((program) => existsSync(join(folder, program))));
}

export const POSTGRES_PASSWORD = 'canary-of-the-database';

/** A PostgreSQL server on a free port, with its files in a temporary folder. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #dir: string;
  readonly #child: ChildProcess;

  private constructor(port: number, dir: string, child: ChildProcess) {
    this.port = port;
    this.#dir = dir;
    this.#child = child;
  }

  get url(): string {
    return `postgresql://crew:${POSTGRES_PASSWORD}@127.0.0.1:${this.port}/postgres`;
  }

  static async start(bin: string): Promise<PostgresServer> {
    const dir = mkdtempSync(join(tmpdir(), 'crew-postgres-'));
    const data = join(dir, 'data');
    const secret = join(dir, 'secret');
    writeFileSync(secret, POSTGRES_PASSWORD);
    const user = unprivileged();
    if (user !== undefined) for (const path of [dir, secret]) chownSync(path, user.uid, user.gid);
    const options = { ...user, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] as const };
    const args = [
      '-D',
      data,
      '-U',
      'crew',
      '-A',
      'scram-sha-256',
      '--pwfile',
      secret,
      '-E',
      'UTF8',
      '--locale=C',
      '-N',
    ];
    execFileSync(join(bin, 'initdb'), args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    const port = await freePort();
    const child = spawn(
      join(bin, 'postgres'),
      ['-D', data, '-p', String(port), '-k', dir, '-c', 'listen_addresses=127.0.0.1', '-c', 'shared_buffers=16MB'],
      { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await ready(child);
    return new PostgresServer(port, dir, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    // SIGINT is its fast shutdown.
    if (this.#child.kill('SIGINT')) await ended;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (option: string): number => Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('ready to accept connections')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`postgres ended with ${String(code)}: ${said}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
