import type { Command } from 'commander';
import { list } from '../parse.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { McpSurface } from '../../mcp/surface.ts';
import { VERSION } from '../../version.ts';

// Loaders stand outside functions that use `await using`: inside, TypeScript leaves the path of an import() unwritten.
const loadMcp = () => import('../../mcp/index.ts');
const loadConfig = () => import('../../config.ts');
const loadLogger = () => import('../../../infra/logger.ts');

/** `crew mcp` */
export async function mcp(command: Command): Promise<void> {
  const options = command.opts<{ http?: number; host: string; tokenEnv: string; toolsets?: string }>();
  const { [options.tokenEnv]: token, ...env } = process.env;
  const context = contextOf(command, { env });
  const { createDeskSurface, serveMcpHttp, serveMcpStdio } = await loadMcp();
  await using desk = await context.desk('run');
  const listed = {
    version: VERSION,
    toolsets: options.toolsets === undefined ? undefined : list(options.toolsets),
  };
  const surface = await createDeskSurface(desk, listed);
  const { loadDeskConfig } = await loadConfig();
  const { oauth } = (await loadDeskConfig(context.options)).system.mcp;
  const { stderrLogger } = await loadLogger();
  const log = stderrLogger(context.options.logLevel ?? 'warn', false);
  if (options.http === undefined) {
    await serveMcpStdio(surface, context.signal, log);
    return;
  }
  const forRole = (role: string): Promise<McpSurface> => createDeskSurface(desk, { ...listed, role });
  await using server = await serveMcpHttp(oauth === null ? surface : forRole, {
    port: options.http,
    host: options.host,
    token,
    oauth: oauth ?? undefined,
    log,
  });
  context.output.write(`${server.url}\n`);
  await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
  process.exitCode = EXIT.interrupted;
}
