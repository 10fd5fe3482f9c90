import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type ServerContext,
  type CallToolResult,
} from '@modelcontextprotocol/server';
import { errorMessage, NotFound } from '../../kit/errors.ts';
import type { McpCallContext, McpSurface, McpTool } from './surface.ts';

/** One MCP server instance of a surface: for one connection, or for one request of the stateless protocol. */
export function createMcpServer(surface: McpSurface, subscriptions: ReadonlySetLike = new Set<string>()): Server {
  const server = new Server(
    { name: surface.name, version: surface.version },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        completions: {},
        logging: {},
      },
      ...(surface.instructions === undefined ? {} : { instructions: surface.instructions }),
    },
  );
  serveTools(server, surface);
  serveResources(server, surface, subscriptions);
  servePrompts(server, surface);
  return server;
}

/** Uris that this connection wants to hear about. */
export interface ReadonlySetLike {
  add(uri: string): unknown;
  delete(uri: string): unknown;
}

function serveTools(server: Server, surface: McpSurface): void {
  server.setRequestHandler('tools/list', async () => ({
    tools: (await surface.tools()).map((tool) => ({
      name: tool.name,
      ...(tool.title === undefined ? {} : { title: tool.title }),
      description: tool.description,
      inputSchema: { ...tool.inputSchema, type: 'object' as const },
      ...(tool.outputSchema === undefined ? {} : { outputSchema: { ...tool.outputSchema, type: 'object' as const } }),
      ...(tool.annotations === undefined ? {} : { annotations: tool.annotations }),
    })),
  }));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const tool = (await surface.tools()).find((t) => t.name === params.name);
    if (tool === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `there is no tool '${params.name}'`);
    return callTool(tool, params.arguments ?? {}, context);
  });
}

async function callTool(
  tool: McpTool,
  args: Readonly<Record<string, unknown>>,
  context: ServerContext,
): Promise<CallToolResult> {
  try {
    const result = await tool.call(args, callContext(context));
    return {
      content: result.content.map((c) => ({ ...c })),
      ...(result.structuredContent === undefined ? {} : { structuredContent: { ...result.structuredContent } }),
      ...(result.isError === undefined ? {} : { isError: result.isError }),
    };
  } catch (error) {
    if (error instanceof ProtocolError || context.mcpReq.signal.aborted) throw error;
    return { content: [{ type: 'text', text: errorMessage(error) }], isError: true };
  }
}

function callContext(context: ServerContext): McpCallContext {
  const token = context.mcpReq._meta?.progressToken;
  // On the call's own stream: the client may not have opened the general one yet, and then would never be asked.
  const related = { relatedRequestId: context.mcpReq.id, signal: context.mcpReq.signal };
  return {
    signal: context.mcpReq.signal,
    async progress(progress, total = 1, message) {
      if (token === undefined || context.mcpReq.signal.aborted) return;
      const params = { progressToken: token, progress, total, ...(message === undefined ? {} : { message }) };
      // Best effort: when the client is gone, the end of the call says so.
      await context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
    },
    log: (level, message) => context.mcpReq.log(level, message),
    async sample({ prompt, maxTokens }) {
      const reply = await context.mcpReq.requestSampling(
        { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens },
        related,
      );
      const first = Array.isArray(reply.content) ? reply.content[0] : reply.content;
      return first?.type === 'text' ? first.text : '';
    },
    async elicit({ message, schema }) {
      const reply = await context.mcpReq.elicitInput(
        { mode: 'form', message, requestedSchema: schema as never },
        related,
      );
      return { action: reply.action, content: reply.content };
    },
    closeStream: () => context.http?.closeSSE?.(),
  };
}

function serveResources(server: Server, surface: McpSurface, subscriptions: ReadonlySetLike): void {
  server.setRequestHandler('resources/list', async () => ({ resources: (await surface.resources()).map(defined) }));
  server.setRequestHandler('resources/templates/list', async () => ({
    resourceTemplates: (await surface.resourceTemplates()).map(defined),
  }));
  server.setRequestHandler('resources/read', async ({ params }) => {
    const contents = await surface.read(params.uri).catch((error: unknown) => {
      if (error instanceof NotFound) return undefined;
      throw error;
    });
    if (contents === undefined) throw new ResourceNotFoundError(params.uri);
    return { contents: contents.map((c) => ({ ...c })) };
  });
  server.setRequestHandler('resources/subscribe', ({ params }) => {
    subscriptions.add(params.uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    subscriptions.delete(params.uri);
    return {};
  });
}

function servePrompts(server: Server, surface: McpSurface): void {
  server.setRequestHandler('prompts/list', async () => ({
    prompts: (await surface.prompts()).map(({ name, title, description, arguments: args }) =>
      defined({ name, title, description, arguments: args?.map((a) => ({ ...a })) }),
    ),
  }));
  server.setRequestHandler('prompts/get', async ({ params }) => {
    const prompt = (await surface.prompts()).find((p) => p.name === params.name);
    if (prompt === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `there is no prompt '${params.name}'`);
    const messages = await prompt.get(params.arguments ?? {});
    return {
      ...(prompt.description === undefined ? {} : { description: prompt.description }),
      messages: messages.map((m) => ({ role: m.role, content: { ...m.content } })) as never,
    };
  });
  server.setRequestHandler('completion/complete', async ({ params }) => {
    const { ref, argument } = params;
    const request =
      ref.type === 'ref/prompt'
        ? { kind: 'prompt' as const, name: ref.name }
        : { kind: 'resource' as const, name: ref.uri };
    const values = await surface.complete({ ...request, argument: argument.name, value: argument.value });
    return { completion: { values: values.slice(0, 100), total: values.length, hasMore: values.length > 100 } };
  });
}

/** The object without its undefined fields, which the wire does not know. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
