import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createMcpServer } from './adapter.ts';
import type { McpSurface } from './surface.ts';

/** Serves a surface over this process's stdin and stdout. Resolves when the client closes its end or the signal aborts. */
export async function serveMcpStdio(surface: McpSurface, signal: AbortSignal): Promise<void> {
  const handle = serveStdio(() => createMcpServer(surface));
  await new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await handle.close();
}
