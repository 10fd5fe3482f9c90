import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { errorMessage } from '../../../kit/errors.ts';
import { holderOf, readAddress } from '../../control/address.ts';
import { VERSION } from '../../version.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { paint, printJson } from '../print.ts';

// Loaders stand outside functions that use `await using`: inside, TypeScript leaves the path of an import() unwritten.
const loadDatabase = () => import('../../../infra/duckdb/database.ts');
const loadStore = () => import('../../../market/store/open.ts');

interface Check {
  readonly id: string;
  readonly ok: boolean;
  readonly message: string;
}

const MINIMUM_FREE_GB = 1;

/** `crew doctor` */
export async function doctor(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output, options } = context;
  const dataDir = resolve(options.dataDir ?? 'data');
  const checks: Check[] = [nodeCheck(), folderCheck(dataDir), spaceCheck(dataDir), controllerCheck(dataDir)];
  checks.push(
    await attempt('configuration', async () => {
      const { loadDeskConfig } = await import('../../config.ts');
      const config = await loadDeskConfig(options);
      return `${config.crews.length} crews, ${config.agents.length} agents, ${config.tasks.length} tasks in ${config.dir}`;
    }),
  );
  checks.push(
    await attempt('duckdb', async () => {
      const { Database } = await loadDatabase();
      await using database = await Database.open({ path: ':memory:' });
      const [row] = await database.all<{ version: string }>('SELECT version() AS version');
      return `DuckDB ${row?.version ?? 'unknown'}`;
    }),
  );
  checks.push(
    await attempt('databases', async () => {
      await using desk = await context.desk('inspect');
      const { DATABASE_FILE } = await loadStore();
      if (desk.kind === 'files' && !existsSync(join(dataDir, DATABASE_FILE))) return 'none yet (crew start makes them)';
      const tables = await desk.query({
        sql: 'SELECT count(*) AS n FROM information_schema.tables',
        maxRows: 1,
        timeoutMs: 10_000,
      });
      return `market database opens (${JSON.stringify(tables.rows[0]?.['n'] ?? 0)} tables and views), via ${desk.kind}`;
    }),
  );
  checks.push(
    await attempt('tape', async () => {
      const { listTape } = await import('../../../market/collect/tape/inspect.ts');
      const segments = await listTape(join(dataDir, 'tape'));
      return segments.length === 0 ? 'no tape yet' : `${segments.length} segments`;
    }),
  );
  checks.push(
    await attempt('venue keys', async () => {
      const { loadDeskConfig, marketConfig } = await import('../../config.ts');
      const { missingKeys } = await import('../../../market/collect/keys.ts');
      return missingKeys(marketConfig(await loadDeskConfig(options), options), process.env);
    }),
  );
  if (output.json) printJson(output, { version: VERSION, checks });
  else
    for (const check of checks)
      output.write(
        `${check.ok ? paint(output, 'green', 'ok  ') : paint(output, 'red', 'FAIL')} ${check.id.padEnd(14)} ${check.message}\n`,
      );
  if (checks.some((check) => !check.ok)) process.exitCode = EXIT.failed;
}

async function attempt(id: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { id, ok: true, message: await work() };
  } catch (error) {
    return { id, ok: false, message: errorMessage(error) };
  }
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return {
    id: 'node',
    ok,
    message: ok
      ? `Node ${process.versions.node}`
      : `Node ${process.versions.node} is too old: 20.19 or newer is needed`,
  };
}

function existingParent(path: string): string {
  return existsSync(path) ? path : existingParent(dirname(path));
}

function folderCheck(dataDir: string): Check {
  try {
    accessSync(existingParent(dataDir), constants.W_OK);
    return { id: 'data folder', ok: true, message: `${dataDir}${existsSync(dataDir) ? '' : ' (will be made)'}` };
  } catch (error) {
    return {
      id: 'data folder',
      ok: false,
      message: `${dataDir} cannot be written: ${errorMessage(error)}; choose another with --data`,
    };
  }
}

function spaceCheck(dataDir: string): Check {
  const { bavail, bsize } = statfsSync(existingParent(dataDir));
  const free = (bavail * bsize) / 1e9;
  return {
    id: 'disk',
    ok: free >= MINIMUM_FREE_GB,
    message: `${free.toFixed(1)} GB free${free >= MINIMUM_FREE_GB ? '' : `; at least ${MINIMUM_FREE_GB} GB is needed`}`,
  };
}

function controllerCheck(dataDir: string): Check {
  const address = readAddress(dataDir);
  const holder = holderOf(dataDir);
  return {
    id: 'controller',
    ok: true,
    message:
      address === undefined
        ? holder === undefined
          ? 'none runs on this data folder'
          : `process ${holder} is opening or closing this data folder`
        : `process ${address.pid} at ${address.url} since ${address.started_at}`,
  };
}
