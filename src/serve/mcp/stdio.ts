import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Logger } from '../../kit/logger.ts';
import { createMcpServer, tellChange } from './adapter.ts';
import { createStateSeal } from './state-seal.ts';
import type { McpSurface } from './surface.ts';

/** Serves a surface over this process's stdin and stdout. Resolves when the client closes its end or the signal aborts. */
export async function serveMcpStdio(surface: McpSurface, signal: AbortSignal, log: Logger): Promise<void> {
  const seal = createStateSeal();
  const subscriptions = new Set<string>();
  // The last one made serves the connection; one before it only answered the client's first question.
  let server: ReturnType<typeof createMcpServer> | undefined;
  const handle = serveStdio(
    () => {
      server = createMcpServer(surface, { subscriptions, seal });
      return server;
    },
    { onerror: (error) => log.warn('mcp.stdio_error', { error }) },
  );
  const closing = new AbortController();
  const telling = surface
    .changes?.(
      (change) => {
        if (server === undefined) return;
        tellChange(server, subscriptions, change).catch((error: unknown) => log.warn('mcp.change_not_told', { error }));
      },
      { signal: closing.signal, watched: () => undefined },
    )
    .catch((error: unknown) => {
      if (!closing.signal.aborted) log.error('mcp.changes_ended', { error });
    });
  await new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  closing.abort();
  await telling;
  await handle.close();
}
