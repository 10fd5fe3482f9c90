import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostHeaderValidation, originValidation } from '@modelcontextprotocol/node';
import { systemClock } from '../../infra/clock.ts';
import type { OAuthSettings } from '../../crew/config/oauth-schema.ts';
import type { Clock } from '../../kit/clock.ts';
import { InvalidInput, errorMessage } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { listen } from '../control/server.ts';
import { MAX_BODY, type McpEndpoint, openEndpoint, plain } from './endpoint.ts';
import { createResourceServer, type McpIdentity, type ResourceServer } from './oauth.ts';
import type { McpSurface } from './surface.ts';

/** A surface for all clients, or one for each role. */
export type McpSurfaces = McpSurface | ((role: string) => McpSurface | Promise<McpSurface>);

export interface McpHttpOptions {
  readonly port: number;
  readonly host: string;
  /** Bearer token; may be left out (or empty) only on loopback, and with `oauth`. */
  readonly token: string | undefined;
  /** Takes tokens of an authorisation server, each for a role (`mcp.oauth` in system.yaml), instead of one token. */
  readonly oauth?: OAuthSettings | undefined;
  readonly clock?: Clock | undefined;
  readonly log: Logger;
  /** Host names that `Host` and `Origin` may carry besides loopback's. */
  readonly hostnames?: readonly string[] | undefined;
}

export interface McpHttpServer extends AsyncDisposable {
  readonly url: string;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
/** A busy desk may be longer silent than Node keeps an idle connection (5 s); closing under a request loses it. */
const KEEP_ALIVE_MS = 75_000;
/** Node's longest timer. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Serves a surface over Streamable HTTP at `/mcp`. Throws InvalidInput when the address is not loopback and neither a
 * token nor `oauth` is set, when both are, and for a surface for each role without `oauth`.
 */
export async function serveMcpHttp(surfaces: McpSurfaces, options: McpHttpOptions): Promise<McpHttpServer> {
  const { oauth, log, clock = systemClock } = options;
  const token = options.token === '' ? undefined : options.token;
  if (token === undefined && oauth === undefined && !isLoopback(options.host)) {
    throw new InvalidInput(
      `serving on ${options.host} needs a token: set the variable named by --token-env, or listen on 127.0.0.1`,
    );
  }
  if (token !== undefined && oauth !== undefined)
    throw new InvalidInput('mcp.oauth and a token for all cannot both be set: unset the variable named by --token-env');
  if (typeof surfaces === 'function' && oauth === undefined)
    throw new InvalidInput('a surface for each role needs oauth: without it there is one role');
  const resources = oauth === undefined ? undefined : createResourceServer(oauth, clock);
  const endpoints = new Map<string, Promise<McpEndpoint>>();
  const endpointOf = (role: string): Promise<McpEndpoint> => {
    let endpoint = endpoints.get(role);
    if (endpoint === undefined) {
      endpoint = Promise.resolve(typeof surfaces === 'function' ? surfaces(role) : surfaces).then((surface) =>
        openEndpoint(surface, log),
      );
      endpoints.set(role, endpoint);
    }
    return endpoint;
  };
  const own = oauth === undefined ? [] : [new URL(oauth.resource).hostname];
  const names = [...LOOPBACK, options.host, ...own, ...(options.hostnames ?? [])];
  const hostAllowed = hostHeaderValidation(names);
  const originAllowed = originValidation(names);

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      log.error('mcp.request_failed', { error });
      if (!response.headersSent) plain(response, 500, 'internal error');
      else response.destroy();
    });
  });

  server.keepAliveTimeout = KEEP_ALIVE_MS;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!hostAllowed(request, response) || !originAllowed(request, response)) return;
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (resources?.metadata.paths.includes(pathname) === true) return describe(request, response, resources);
    if (pathname !== '/mcp') return plain(response, 404, 'the endpoint is /mcp');
    const identity = await letIn(request, response);
    if (identity === undefined) return;
    const body = request.method === 'POST' ? await readJson(request) : undefined;
    if (body instanceof BodyError) return plain(response, body.status, body.message);
    const endpoint = await endpointOf(identity?.role ?? '');
    await endpoint.handle(request, response, body, identity?.subject ?? null);
  }

  /** Whoever asks; null where nobody has a name; undefined when it was refused and told so. */
  async function letIn(request: IncomingMessage, response: ServerResponse): Promise<McpIdentity | null | undefined> {
    if (resources === undefined) {
      if (token === undefined || hasToken(request, token)) return null;
      response.setHeader('www-authenticate', 'Bearer');
      plain(response, 401, 'missing or wrong token');
      return undefined;
    }
    const checked = await resources.check(request);
    if ('status' in checked) {
      response.setHeader('www-authenticate', checked.challenge);
      plain(response, checked.status, checked.message);
      return undefined;
    }
    // An open stream outlives no token: its client comes back with a new one.
    const left = Math.min(LONGEST_MS, Math.max(0, checked.expiresAt - clock.now()));
    const timer = clock.schedule(left, () => void response.end());
    response.once('close', () => timer.cancel());
    return checked;
  }

  // Only once it listens: what is begun before would go on after the address proved to be taken.
  const port = await listen(server, options.port, options.host);
  // Where there is but one surface, its changes are heard of from the beginning.
  if (oauth === undefined) await endpointOf('');
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      for (const endpoint of endpoints.values()) await (await endpoint)[Symbol.asyncDispose]();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** Tells clients whom to ask for a token. Anybody may read it, from any page. */
function describe(request: IncomingMessage, response: ServerResponse, { metadata }: ResourceServer): void {
  if (request.method !== 'GET') return plain(response, 405, 'only GET');
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'max-age=3600',
    'access-control-allow-origin': '*',
  });
  response.end(JSON.stringify(metadata.body));
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
