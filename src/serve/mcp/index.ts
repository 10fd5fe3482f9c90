/** Serving over MCP: a desk's tools, or any surface of your own. */
export { createMcpServer, type McpServerOptions, tellChange } from './adapter.ts';
export { createDeskSurface, type DeskSurfaceOptions } from './desk-surface.ts';
export { type McpHttpOptions, type McpHttpServer, serveMcpHttp } from './http.ts';
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
