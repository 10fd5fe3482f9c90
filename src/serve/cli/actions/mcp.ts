import type { Command } from 'commander';
import { list } from '../parse.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { VERSION } from '../../version.ts';

// Loaders stand outside functions that use `await using`: inside, TypeScript leaves the path of an import() unwritten.
const loadMcp = () => import('../../mcp/index.ts');
const loadLogger = () => import('../../../infra/logger.ts');

/** `crew mcp` */
export async function mcp(command: Command): Promise<void> {
  const options = command.opts<{ http?: number; host: string; tokenEnv: string; toolsets?: string }>();
  const { [options.tokenEnv]: token, ...env } = process.env;
  const context = contextOf(command, { env });
  const { createDeskSurface, serveMcpHttp, serveMcpStdio } = await loadMcp();
  await using desk = await context.desk('run');
  const surface = await createDeskSurface(desk, {
    version: VERSION,
    toolsets: options.toolsets === undefined ? undefined : list(options.toolsets),
  });
  const { stderrLogger } = await loadLogger();
  const log = stderrLogger(context.options.logLevel ?? 'warn', false);
  if (options.http === undefined) {
    await serveMcpStdio(surface, context.signal, log);
    return;
  }
  await using server = await serveMcpHttp(surface, {
    port: options.http,
    host: options.host,
    token,
    log,
  });
  context.output.write(`${server.url}\n`);
  await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
  process.exitCode = EXIT.interrupted;
}
