/** Serving over MCP: a desk's tools, or any surface of your own. And the use of other servers' tools. */
export { type McpServers, type McpServersOptions, openMcpServers } from '../../crew/mcp/hub.ts';
export type { ElicitAnswer, ElicitRequest, ForeignAnswers, SampleRequest } from '../../crew/mcp/contract.ts';
export { createMcpServer, type McpServerOptions, tellChange } from './adapter.ts';
export { createDeskSurface, type DeskSurfaceOptions } from './desk-surface.ts';
export { type McpHttpOptions, type McpHttpServer, type McpSurfaces, serveMcpHttp } from './http.ts';
export { serveMcpStdio } from './stdio.ts';
export type {
  McpAnswer,
  McpCallContext,
  McpChange,
  McpContent,
  McpInputNeeded,
  McpPrompt,
  McpPromptMessage,
  McpQuestion,
  McpResource,
  McpResourceContent,
  McpResourceTemplate,
  McpSurface,
  McpTool,
  McpToolResult,
} from './surface.ts';
