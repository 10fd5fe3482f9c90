import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAddress } from '../src/serve/control/address.ts';
import { connectDesk } from '../src/serve/control/client.ts';

/** The build as it ships: `npm run build` makes it. */
const CLI = join(import.meta.dirname, '../../dist/src/serve/cli/main.js');
/** The options that `npm start` and the installed command give to Node. */
const NODE_OPTIONS = nodeOptions(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
const STARTS = 10;
const FIRST_ROWS = 5;
const RESIDENT_AT_S = [60, 120, 240];

/** Cold start of the command and of the desk, and what the desk holds in memory. */
export async function run(): Promise<void> {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing: npm run build`);
  const node = median(times(STARTS, () => timeOf(['-e', '0'])));
  const help = median(times(STARTS, () => timeOf([CLI, '--help'])));
  print('node -e 0 (baseline), median of 10', node, 'ms');
  print('crew --help, median of 10 (goal: 150)', help, 'ms');

  const small: number[] = [];
  for (let i = 0; i < FIRST_ROWS; i++)
    small.push(await firstRow(['--exchanges', 'binance_futures', '--symbols', 'BTCUSDT']));
  print('crew start to the first row, 1 market, 1 symbol', median(small), 'ms');
  const shipped: number[] = [];
  for (let i = 0; i < FIRST_ROWS; i++) shipped.push(await firstRow([]));
  print('crew start to the first row, as shipped (goal: 3000)', median(shipped), 'ms');

  await resident('as shipped with its simulator (goal: 300)', []);
  await resident('--exchanges all (no goal)', ['--exchanges', 'all']);
}

/** What a desk holds in memory after one, two and four minutes, and what of it is what. */
async function resident(name: string, args: readonly string[]): Promise<void> {
  await withDesk(args, async (child, dataDir) => {
    const desk = connectDesk(await addressOf(child, dataDir));
    const began = performance.now();
    for (const at of RESIDENT_AT_S) {
      await new Promise((resolve) => setTimeout(resolve, at * 1000 - (performance.now() - began)));
      print(`resident after ${at} s, ${name}`, memoryOf(child, 'VmRSS'), 'MB');
      print('  code of Node and DuckDB, mapped from their files', memoryOf(child, 'RssFile'), 'MB');
      const { metrics } = await desk.status();
      print("  the main thread's JavaScript heap", (metrics['memory_heap_bytes'] ?? Number.NaN) / MB, 'MB');
      print('  its buffers', (metrics['memory_buffers_bytes'] ?? Number.NaN) / MB, 'MB');
      for (const database of ['market', 'ops'] as const) {
        const { rows } = await desk.query({ sql: DUCKDB_BYTES, database, maxRows: 1, timeoutMs: 10_000 });
        print(`  DuckDB by its own account, ${database} database`, Number(rows[0]?.['bytes']) / MB, 'MB');
      }
    }
    print('  highest so far', memoryOf(child, 'VmHWM'), 'MB');
  });
}

const MB = 1024 * 1024;
const DUCKDB_BYTES = 'SELECT sum(memory_usage_bytes)::BIGINT AS bytes FROM duckdb_memory()';

/** Milliseconds of one Node process from spawn to exit. */
function timeOf(args: readonly string[]): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - began;
}

function times(count: number, measure: () => number): number[] {
  measure();
  return Array.from({ length: count }, measure);
}

/** Milliseconds from spawn until a query sees a stored row: polling adds up to 5 ms and a query. */
function firstRow(args: readonly string[]): Promise<number> {
  const began = performance.now();
  return withDesk(args, async (child, dataDir) => {
    const desk = connectDesk(await addressOf(child, dataDir));
    for (;;) {
      const { streams } = await desk.status();
      if (streams.some((stream) => stream.rows > 0)) return performance.now() - began;
      await pause();
    }
  });
}

async function addressOf(child: ChildProcess, dataDir: string): Promise<NonNullable<ReturnType<typeof readAddress>>> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the controller ended with ${child.exitCode}`);
    const address = readAddress(dataDir);
    if (address !== undefined) return address;
    await pause();
  }
}

async function withDesk<T>(
  args: readonly string[],
  work: (child: ChildProcess, dataDir: string) => Promise<T>,
): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'crew-startup-'));
  const child = spawn(process.execPath, [...NODE_OPTIONS, CLI, 'start', ...args, '--data', dataDir], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    return await work(child, dataDir);
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null) {
      child.kill('SIGINT');
      await ended;
    }
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** A line of the kernel's status of the process, MB. */
function memoryOf(child: ChildProcess, field: 'VmRSS' | 'RssFile' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
  const line = status.split('\n').find((text) => text.startsWith(`${field}:`));
  return Number(/(\d+) kB$/.exec(line ?? '')?.[1]) / 1024;
}

function nodeOptions(packageJson: string): readonly string[] {
  const { scripts } = JSON.parse(packageJson) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

function print(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(62)} ${value.toFixed(0).padStart(6)} ${unit}\n`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
