import {
  inputRequired,
  inputResponse,
  type InputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  ResourceNotFoundError,
  Server,
  type ServerContext,
  type CallToolResult,
} from '@modelcontextprotocol/server';
import { errorMessage, NotFound } from '../../kit/errors.ts';
import { createStateSeal, type KeptState } from './state-seal.ts';
import type {
  McpAnswer,
  McpCallContext,
  McpChange,
  McpInputNeeded,
  McpQuestion,
  McpSurface,
  McpTool,
} from './surface.ts';

/** The first protocol without sessions. */
const STATELESS = '2026-07-28';

export interface McpServerOptions {
  /** Uris that this connection wants to hear about; the server adds and deletes. */
  readonly subscriptions?: Set<string>;
  /** Seals what handlers keep between rounds: one for all servers that may see the next round. */
  readonly seal?: RequestStateCodec<KeptState>;
}

/** One MCP server instance of a surface: for one connection, or for one request of the stateless protocol. */
export function createMcpServer(surface: McpSurface, options: McpServerOptions = {}): Server {
  const { subscriptions = new Set<string>(), seal = createStateSeal() } = options;
  const changing = surface.changes !== undefined;
  const server = new Server(
    { name: surface.name, version: surface.version },
    {
      capabilities: {
        tools: { listChanged: changing },
        resources: { subscribe: changing, listChanged: changing },
        prompts: { listChanged: changing },
        completions: {},
        logging: {},
      },
      requestState: { verify: (state, context) => seal.verify(state, context) },
      ...(surface.instructions === undefined ? {} : { instructions: surface.instructions }),
    },
  );
  serveTools(server, surface, seal);
  serveResources(server, surface);
  if (changing) serveSubscriptions(server, subscriptions);
  servePrompts(server, surface, seal);
  return server;
}

/**
 * Tells the client of a connection what changed; before they agreed on a protocol nothing. Of a resource it hears when it subscribed: the older protocol keeps
 * that in `subscriptions`, with the newer one the SDK filters.
 */
export async function tellChange(server: Server, subscriptions: ReadonlySet<string>, change: McpChange): Promise<void> {
  const version = server.getNegotiatedProtocolVersion();
  if (version === undefined) return;
  switch (change.kind) {
    case 'tools':
      return server.sendToolListChanged();
    case 'prompts':
      return server.sendPromptListChanged();
    case 'resources':
      return server.sendResourceListChanged();
    case 'resource':
      if (version >= STATELESS || subscriptions.has(change.uri)) await server.sendResourceUpdated({ uri: change.uri });
  }
}

function serveTools(server: Server, surface: McpSurface, seal: RequestStateCodec<KeptState>): void {
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
    const kept = keptFor(`tool ${tool.name}`, context);
    return callTool(tool, params.arguments ?? {}, callContext(server, context, kept), (needed) =>
      asInputRequired(needed, `tool ${tool.name}`, seal, context),
    );
  });
}

async function callTool(
  tool: McpTool,
  args: Readonly<Record<string, unknown>>,
  context: McpCallContext,
  ask: (needed: McpInputNeeded) => Promise<InputRequiredResult>,
): Promise<CallToolResult | InputRequiredResult> {
  try {
    const result = await tool.call(args, context);
    if ('ask' in result) return await ask(result);
    return {
      content: result.content.map((c) => ({ ...c })),
      ...(result.structuredContent === undefined ? {} : { structuredContent: { ...result.structuredContent } }),
      ...(result.isError === undefined ? {} : { isError: result.isError }),
    };
  } catch (error) {
    if (error instanceof ProtocolError || context.signal.aborted) throw error;
    return { content: [{ type: 'text', text: errorMessage(error) }], isError: true };
  }
}

/** What the handler kept in the round before. Throws when the client sends what another handler kept. */
function keptFor(handler: string, context: ServerContext): unknown {
  const kept = context.mcpReq.requestState<KeptState>();
  if (kept !== undefined && kept.handler !== handler)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `the requestState is not of ${handler}`);
  return kept?.state;
}

async function asInputRequired(
  needed: McpInputNeeded,
  handler: string,
  seal: RequestStateCodec<KeptState>,
  context: ServerContext,
): Promise<InputRequiredResult> {
  const inputRequests = Object.fromEntries(
    Object.entries(needed.ask).map(([key, question]) => [key, asInputRequest(question)]),
  );
  return inputRequired({
    inputRequests,
    ...(needed.state === undefined ? {} : { requestState: await seal.mint({ handler, state: needed.state }, context) }),
  });
}

function asInputRequest(question: McpQuestion): ReturnType<typeof inputRequired.elicit> {
  switch (question.kind) {
    case 'form':
      // The SDK holds the schema against what forms may have, and throws else.
      return inputRequired.elicit({ message: question.message, requestedSchema: question.schema as never });
    case 'model':
      return inputRequired.createMessage({
        messages: [{ role: 'user', content: { type: 'text', text: question.prompt } }],
        maxTokens: question.maxTokens,
      });
    case 'roots':
      return inputRequired.listRoots();
  }
}

function answersOf(responses: Record<string, unknown> | undefined): Readonly<Record<string, McpAnswer>> {
  const answers: Record<string, McpAnswer> = {};
  for (const key of Object.keys(responses ?? {})) {
    const view = inputResponse(responses, key);
    if (view.kind === 'elicit') answers[key] = { kind: 'form', action: view.action, content: view.content };
    else if (view.kind === 'roots') answers[key] = { kind: 'roots', uris: view.roots.map((root) => root.uri) };
    else if (view.kind === 'sampling') {
      const { content } = view.result;
      const first = Array.isArray(content) ? content[0] : content;
      answers[key] = { kind: 'model', text: first?.type === 'text' ? first.text : '' };
    }
  }
  return answers;
}

function callContext(server: Server, context: ServerContext, state: unknown): McpCallContext {
  const { mcpReq } = context;
  const token = mcpReq._meta?.progressToken;
  const can = server.getClientCapabilities();
  return {
    signal: mcpReq.signal,
    answers: answersOf(mcpReq.inputResponses),
    state,
    client: {
      form: can?.elicitation !== undefined,
      model: can?.sampling !== undefined,
      roots: can?.roots !== undefined,
    },
    async progress(progress, total = 1, message) {
      if (token === undefined || mcpReq.signal.aborted) return;
      const params = { progressToken: token, progress, total, ...(message === undefined ? {} : { message }) };
      // Best effort: when the client is gone, the end of the call says so.
      await mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
    },
    log: (level, message) => mcpReq.log(level, message),
    closeStream: () => context.http?.closeSSE?.(),
  };
}

function serveResources(server: Server, surface: McpSurface): void {
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
}

function serveSubscriptions(server: Server, subscriptions: Set<string>): void {
  server.setRequestHandler('resources/subscribe', ({ params }) => {
    subscriptions.add(params.uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    subscriptions.delete(params.uri);
    return {};
  });
}

function servePrompts(server: Server, surface: McpSurface, seal: RequestStateCodec<KeptState>): void {
  server.setRequestHandler('prompts/list', async () => ({
    prompts: (await surface.prompts()).map(({ name, title, description, arguments: args }) =>
      defined({ name, title, description, arguments: args?.map((a) => ({ ...a })) }),
    ),
  }));
  server.setRequestHandler('prompts/get', async ({ params }, context) => {
    const prompt = (await surface.prompts()).find((p) => p.name === params.name);
    if (prompt === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `there is no prompt '${params.name}'`);
    const handler = `prompt ${prompt.name}`;
    const given = await prompt.get(params.arguments ?? {}, callContext(server, context, keptFor(handler, context)));
    if ('ask' in given) return asInputRequired(given, handler, seal, context);
    return {
      ...(prompt.description === undefined ? {} : { description: prompt.description }),
      messages: given.map((m) => ({ role: m.role, content: { ...m.content } })) as never,
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
