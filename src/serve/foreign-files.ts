import { systemClock } from '../infra/clock.ts';
import { Database } from '../infra/duckdb/database.ts';
import type { McpServers } from '../crew/mcp/hub.ts';
import { silentLogger } from '../kit/logger.ts';
import type { DeskConfig } from './config.ts';
import { declaredServers, openServers } from './mcp-servers.ts';
import type { ControllerOptions } from './options.ts';
import { VERSION } from './version.ts';

/** The table of accepted tools. */
export const PINS_TABLE = 'mcp_tool_pins';

/**
 * The configured MCP servers of others when no controller runs, for `work` that accepts and forgets nothing. `db`: where
 * accepted tools are read from; null when none were ever accepted.
 */
export async function withForeignServers<T>(
  config: DeskConfig,
  options: Pick<ControllerOptions, 'mcp' | 'env'>,
  db: Database | null,
  work: (servers: McpServers) => T | Promise<T>,
): Promise<T> {
  const none = db === null ? await Database.open({ path: ':memory:', memoryMb: 64, readers: 1 }) : null;
  try {
    const { mcp } = options;
    await using servers = await openServers({
      servers: { ...config.system.mcp_servers, ...declaredServers(mcp) },
      db: db ?? (none as Database),
      env: options.env ?? process.env,
      clock: systemClock,
      log: silentLogger,
      version: VERSION,
      answers: mcp?.answers,
      auth: mcp?.auth,
    });
    return await work(servers);
  } finally {
    await none?.close();
  }
}
