import { randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  hostHeaderValidation,
  type NodeIncomingMessageLike,
  NodeStreamableHTTPServerTransport,
  originValidation,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  type EventStore,
  isInitializeRequest,
  InMemoryServerEventBus,
  isLegacyRequest,
  type JSONRPCMessage,
  type McpHttpHandler,
  type Server,
} from '@modelcontextprotocol/server';
import { InvalidInput, errorMessage } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { listen } from '../control/server.ts';
import { createMcpServer, tellChange } from './adapter.ts';
import { createStateSeal } from './state-seal.ts';
import type { McpChange, McpSurface } from './surface.ts';

export interface McpHttpOptions {
  readonly port: number;
  readonly host: string;
  /** Bearer token; may be left out (or empty) only on loopback. */
  readonly token: string | undefined;
  readonly log: Logger;
  /** Host names that `Host` and `Origin` may carry besides loopback's. */
  readonly hostnames?: readonly string[] | undefined;
}

export interface McpHttpServer extends AsyncDisposable {
  readonly url: string;
}

interface Session {
  readonly transport: NodeStreamableHTTPServerTransport;
  readonly server: Server;
  readonly subscriptions: Set<string>;
}

/** The SDK's own type of a Node request leaves no room for undefined fields. */
type NodeRequest = IncomingMessage & NodeIncomingMessageLike;

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const MAX_SESSIONS = 256;
const MAX_BODY = 4 * 1024 * 1024;
const MAX_EVENTS = 1000;
/** A busy desk may be longer silent than Node keeps an idle connection (5 s); closing under a request loses it. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Serves a surface over Streamable HTTP at `/mcp`: sessions with resumable streams for clients of 2025, single requests
 * for those of 2026-07-28. Throws InvalidInput when the address is not loopback and no token is set.
 */
export async function serveMcpHttp(surface: McpSurface, options: McpHttpOptions): Promise<McpHttpServer> {
  const token = options.token === '' ? undefined : options.token;
  if (token === undefined && !isLoopback(options.host)) {
    throw new InvalidInput(
      `serving on ${options.host} needs a token: set the variable named by --token-env, or listen on 127.0.0.1`,
    );
  }
  const sessions = new Map<string, Session>();
  const seal = createStateSeal();
  const bus = new InMemoryServerEventBus((error) => options.log.error('mcp.subscription_failed', { error }));
  const modern = createMcpHandler(() => createMcpServer(surface, { seal }), {
    legacy: 'reject',
    maxRequestBodySize: MAX_BODY,
    bus,
  });
  const handleModern = toNodeHandler(modern, { maxRequestBodySize: MAX_BODY });
  const names = [...LOOPBACK, options.host, ...(options.hostnames ?? [])];
  const hostAllowed = hostHeaderValidation(names);
  const originAllowed = originValidation(names);

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      options.log.error('mcp.request_failed', { error });
      if (!response.headersSent) plain(response, 500, 'internal error');
      else response.destroy();
    });
  });

  server.keepAliveTimeout = KEEP_ALIVE_MS;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!hostAllowed(request, response) || !originAllowed(request, response)) return;
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/mcp')
      return plain(response, 404, 'the endpoint is /mcp');
    if (token !== undefined && !hasToken(request, token)) {
      response.setHeader('www-authenticate', 'Bearer');
      return plain(response, 401, 'missing or wrong token');
    }
    const body = request.method === 'POST' ? await readJson(request) : undefined;
    if (body instanceof BodyError) return plain(response, body.status, body.message);
    const session = sessions.get(String(request.headers['mcp-session-id'] ?? ''));
    if (session !== undefined) return session.transport.handleRequest(request, response, body);
    if (request.headers['mcp-session-id'] !== undefined) return plain(response, 404, 'there is no such session');
    if (body !== undefined && !(await isLegacyRequest(await toWebRequest(request as NodeRequest, body), body)))
      return handleModern(request as NodeRequest, response, body);
    if (body !== undefined && !isInitializeRequest(body))
      return plain(response, 400, 'a session begins with initialize');
    if (body === undefined)
      return plain(
        response,
        request.method === 'GET' || request.method === 'DELETE' ? 400 : 405,
        'a session id is needed',
      );
    await (await openSession()).transport.handleRequest(request, response, body);
  }

  async function openSession(): Promise<Session> {
    const oldest = sessions.size >= MAX_SESSIONS ? sessions.keys().next().value : undefined;
    if (oldest !== undefined) await sessions.get(oldest)?.transport.close();
    const subscriptions = new Set<string>();
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: createEventStore(),
      retryInterval: 500,
      maxRequestBodySize: MAX_BODY,
      onsessioninitialized: (id) => void sessions.set(id, session),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const mcp = createMcpServer(surface, { subscriptions, seal });
    const session: Session = { transport, server: mcp, subscriptions };
    transport.onclose = () => {
      if (transport.sessionId !== undefined) sessions.delete(transport.sessionId);
    };
    await mcp.connect(transport);
    return session;
  }

  const closing = new AbortController();
  // Only once it listens: what is begun before would go on after the address proved to be taken.
  const port = await listen(server, options.port, options.host);
  const telling = tellChanges(surface, { sessions, bus, modern, log: options.log, signal: closing.signal });
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await telling;
      await modern.close();
      await Promise.all([...sessions.values()].map((s) => s.transport.close()));
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** Passes the surface's changes on: to sessions that subscribed, and to the streams that listen. */
async function tellChanges(
  surface: McpSurface,
  to: {
    readonly sessions: ReadonlyMap<string, Session>;
    readonly bus: InMemoryServerEventBus;
    readonly modern: McpHttpHandler;
    readonly log: Logger;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const tell = (change: McpChange): void => {
    const { notify } = to.modern;
    if (change.kind === 'resource') notify.resourceUpdated(change.uri);
    else if (change.kind === 'tools') notify.toolsChanged();
    else if (change.kind === 'prompts') notify.promptsChanged();
    else notify.resourcesChanged();
    for (const { server, subscriptions } of to.sessions.values())
      tellChange(server, subscriptions, change).catch((error: unknown) =>
        to.log.warn('mcp.change_not_told', { error }),
      );
  };
  const watched = (): ReadonlySet<string> | undefined =>
    to.bus.listenerCount > 0 ? undefined : new Set([...to.sessions.values()].flatMap((s) => [...s.subscriptions]));
  await surface.changes?.(tell, { signal: to.signal, watched }).catch((error: unknown) => {
    if (!to.signal.aborted) to.log.error('mcp.changes_ended', { error });
  });
}

/** Whether an address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function hasToken(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization?.replace(/^Bearer /i, '') ?? '');
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

class BodyError {
  readonly status: number;
  readonly message: string;
  constructor(status: number, message: string) {
    this.status = status;
    this.message = message;
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) return new BodyError(413, `the request is larger than ${MAX_BODY} bytes`);
    chunks.push(chunk as Buffer);
  }
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    return new BodyError(415, 'the content type must be application/json');
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    return new BodyError(400, `the request is not JSON: ${errorMessage(error)}`);
  }
}

function plain(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ jsonrpc: '2.0', error: { code: status === 401 ? -32001 : -32000, message }, id: null }),
  );
}

/** Keeps the last messages of a session, so that a client whose stream broke can ask for what it missed. */
function createEventStore(): EventStore {
  const events: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  let counter = 0;
  return {
    storeEvent(stream, message) {
      const id = `${stream}_${++counter}`;
      events.push({ id, stream, message });
      if (events.length > MAX_EVENTS) events.shift();
      return Promise.resolve(id);
    },
    getStreamIdForEventId: (id) => Promise.resolve(id.slice(0, id.lastIndexOf('_'))),
    async replayEventsAfter(lastId, { send }) {
      const stream = lastId.slice(0, lastId.lastIndexOf('_'));
      const at = events.findIndex((e) => e.id === lastId);
      for (const event of events.slice(at + 1)) if (event.stream === stream) await send(event.id, event.message);
      return stream;
    },
  };
}
