/** Serving over MCP: a desk's tools, or any surface of your own. */
export { createMcpServer } from './adapter.ts';
export { createDeskSurface, type DeskSurfaceOptions } from './desk-surface.ts';
export { type McpHttpOptions, type McpHttpServer, serveMcpHttp } from './http.ts';
export { serveMcpStdio } from './stdio.ts';
export type {
  McpCallContext,
  McpContent,
  McpPrompt,
  McpResource,
  McpResourceContent,
  McpResourceTemplate,
  McpSurface,
  McpTool,
  McpToolResult,
} from './surface.ts';
