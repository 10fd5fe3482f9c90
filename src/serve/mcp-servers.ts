import { z } from 'zod';
import { type McpServerConfig, type McpServerInput, mcpServersSchema } from '../crew/config/mcp-schema.ts';
import type { ForeignAnswers } from '../crew/mcp/contract.ts';
import type { McpServers, McpServersOptions } from '../crew/mcp/hub.ts';
import type { McpAuth } from '../crew/mcp/transport.ts';
import { InvalidInput, NotFound } from '../kit/errors.ts';

/** What a program brings to MCP servers of others. */
export interface McpClientOptions {
  /** Servers beside those of system.yaml, in the same terms; one of the same name takes its place. */
  readonly servers?: Readonly<Record<string, McpServerInput>> | undefined;
  /** Who answers what servers ask: people's forms, models' texts. */
  readonly answers?: ForeignAnswers | undefined;
  /** OAuth of servers that need it, by server. */
  readonly auth?: Readonly<Record<string, McpAuth>> | undefined;
}

/** The servers that a program declares, with their defaults. Throws InvalidInput. */
export function declaredServers(options: McpClientOptions | undefined): Readonly<Record<string, McpServerConfig>> {
  const parsed = mcpServersSchema.safeParse(options?.servers ?? {});
  if (parsed.success) return parsed.data;
  throw new InvalidInput(`mcp.servers: ${z.prettifyError(parsed.error)}`);
}

/** The servers, or the lack of them: then the protocol's client is not even loaded. */
export async function openServers(options: McpServersOptions): Promise<McpServers> {
  if (Object.keys(options.servers).length > 0) return (await import('../crew/mcp/hub.ts')).openMcpServers(options);
  const none = (server: string): Promise<never> =>
    Promise.reject(new NotFound(`there is no MCP server '${server}': system.yaml has no mcp_servers`));
  return {
    tools: () => NO_TOOLS,
    list: () => [],
    inspect: (server) => (server === undefined ? Promise.resolve([]) : none(server)),
    accept: none,
    forget: none,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const NO_TOOLS = [] as const;
