import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type NodeIncomingMessageLike,
  NodeStreamableHTTPServerTransport,
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
} from '@modelcontextprotocol/server';
import type { Logger } from '../../kit/logger.ts';
import { createMcpServer, tellChange } from './adapter.ts';
import { createStateSeal } from './state-seal.ts';
import type { McpChange, McpSurface } from './surface.ts';

/** A surface at an address, after whoever asks was let in. */
export interface McpEndpoint extends AsyncDisposable {
  /**
   * Answers a request; `body` is its JSON, undefined for one without. A session belongs to the `subject` that opened it:
   * to others it is not there.
   */
  handle(request: IncomingMessage, response: ServerResponse, body: unknown, subject: string | null): Promise<void>;
}

interface Session {
  readonly transport: NodeStreamableHTTPServerTransport;
  readonly server: ReturnType<typeof createMcpServer>;
  readonly subscriptions: Set<string>;
  readonly subject: string | null;
}

/** The SDK's own type of a Node request leaves no room for undefined fields. */
type NodeRequest = IncomingMessage & NodeIncomingMessageLike;

const MAX_SESSIONS = 256;
/** Characters of a request that are read. */
export const MAX_BODY = 4 * 1024 * 1024;
const MAX_EVENTS = 1000;

/** Opens a surface: sessions with resumable streams for clients of 2025, single requests for those of 2026-07-28. */
export function openEndpoint(surface: McpSurface, log: Logger): McpEndpoint {
  const sessions = new Map<string, Session>();
  const seal = createStateSeal();
  const bus = new InMemoryServerEventBus((error) => log.error('mcp.subscription_failed', { error }));
  const modern = createMcpHandler(() => createMcpServer(surface, { seal }), {
    legacy: 'reject',
    maxRequestBodySize: MAX_BODY,
    bus,
  });
  const handleModern = toNodeHandler(modern, { maxRequestBodySize: MAX_BODY });

  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    subject: string | null,
  ): Promise<void> {
    const session = sessions.get(String(request.headers['mcp-session-id'] ?? ''));
    if (session?.subject === subject) return session.transport.handleRequest(request, response, body);
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
    await (await openSession(subject)).transport.handleRequest(request, response, body);
  }

  async function openSession(subject: string | null): Promise<Session> {
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
    const session: Session = { transport, server: mcp, subscriptions, subject };
    transport.onclose = () => {
      if (transport.sessionId !== undefined) sessions.delete(transport.sessionId);
    };
    await mcp.connect(transport);
    return session;
  }

  const closing = new AbortController();
  const telling = tellChanges(surface, { sessions, bus, modern, log, signal: closing.signal });
  return {
    handle,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await telling;
      await modern.close();
      await Promise.all([...sessions.values()].map((s) => s.transport.close()));
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

/** An answer that is no message of the protocol. */
export function plain(response: ServerResponse, status: number, message: string): void {
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
