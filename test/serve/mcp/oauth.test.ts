import { createServer, request as httpRequest, type Server } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oauthSchema, type OAuthSettings } from '../../../src/crew/config/oauth-schema.ts';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { type McpHttpServer, serveMcpHttp } from '../../../src/serve/mcp/http.ts';
import type { McpSurface } from '../../../src/serve/mcp/surface.ts';
import { issuesOf } from '../../crew/config/folder.ts';
import { createConformanceSurface } from './conformance-surface.ts';
import { claims, FOREIGN, hostileAttempts, ISSUER, jwk, KEYS, NOW, RESOURCE, tokenOf } from './tokens.ts';

/** The issuer's key set on loopback; counts how often it is asked. */
let jwks: Server;
let asked = 0;
let jwksUrl = '';
beforeAll(async () => {
  jwks = createServer((_, response) => {
    asked++;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: KEYS.map(jwk) }));
  });
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  const address = jwks.address();
  jwksUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/jwks`;
});
afterAll(() => new Promise<void>((resolve) => jwks.close(() => resolve())));

const calls: string[] = [];

/** A surface whose one tool says as which role it was called. */
const surfaceOf = (role: string): McpSurface => ({
  ...createConformanceSurface(),
  tools: () =>
    Promise.resolve([
      {
        name: 'touch',
        description: 'Touches.',
        inputSchema: { type: 'object', properties: {} },
        call: () => {
          calls.push(role);
          return Promise.resolve({ content: [{ type: 'text', text: role }] });
        },
      },
    ]),
});

const settings = (changes: Partial<OAuthSettings> = {}): OAuthSettings => ({
  ...oauthSchema.parse({
    resource: RESOURCE,
    issuer: ISSUER,
    jwks_url: jwksUrl,
    scopes: { 'desk:operate': 'operator', 'desk:read': 'reader' },
  }),
  ...changes,
});

const serve = (clock = new ManualClock(NOW * 1000), changes: Partial<OAuthSettings> = {}): Promise<McpHttpServer> =>
  serveMcpHttp(surfaceOf, {
    port: 0,
    host: '127.0.0.1',
    token: undefined,
    oauth: settings(changes),
    clock,
    log: silentLogger,
  });

interface Answer {
  readonly status: number;
  readonly challenge: string;
  readonly body: string;
}

/** A request with headers as they are, doubled ones included. */
function send(server: McpHttpServer, headers: readonly string[], query = ''): Promise<Answer> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'touch', arguments: {} },
  });
  const { host } = new URL(server.url);
  const all = [
    'host',
    host,
    'content-type',
    'application/json',
    'accept',
    'application/json, text/event-stream',
    'content-length',
    String(body.length),
  ];
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${server.url}${query}`,
      { method: 'POST', headers: [...all, ...headers] },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            challenge: response.headers['www-authenticate'] ?? '',
            body: text,
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function connect(
  server: McpHttpServer,
  token: string,
  mode: 'legacy' | 'auto',
): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url), { requestInit }));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

describe('a hostile token', () => {
  const attempts = hostileAttempts();

  it(`is refused in each of ${attempts.length} forms, and no tool runs`, { timeout: 60_000 }, async () => {
    expect(attempts.length).toBeGreaterThan(300);
    expect(new Set(attempts.map((attempt) => attempt.name)).size).toBe(attempts.length);
    await using server = await serve();
    calls.length = 0;
    asked = 0;
    const passed: unknown[] = [];
    for (const { name, query, headers } of attempts) {
      const { status, challenge, body } = await send(server, headers, query);
      const token = headers.find((value) => value.startsWith('Bearer '))?.slice(7) ?? '';
      const told = token.length > 40 && (body.includes(token) || challenge.includes(token));
      const isChallenge = /^Bearer .*resource_metadata="https:\/\/desk\.example\/\.well-known\//.test(challenge);
      if (status !== 401 || !isChallenge || told) passed.push({ name, status, challenge, body });
    }
    expect(passed).toEqual([]);
    expect(calls).toEqual([]);
    // Unknown keys do not make us ask the issuer again and again.
    expect(asked).toBeLessThanOrEqual(2);
  });

  it('costs a server nothing that it is not: the same request with a good one runs', async () => {
    await using server = await serve();
    for (const signer of KEYS)
      expect((await send(server, ['authorization', `Bearer ${tokenOf(signer)}`])).status).not.toBe(401);
    const [signer, ...rest] = FOREIGN;
    expect(rest).toHaveLength(2);
    expect(signer === undefined ? 0 : (await send(server, ['authorization', `Bearer ${tokenOf(signer)}`])).status).toBe(
      401,
    );
  });
});

describe('a good token', () => {
  const [signer] = KEYS;
  if (signer === undefined) throw new Error('a key is missing');
  const token = (changes: Parameters<typeof claims>[0] = {}): string => tokenOf(signer, { payload: claims(changes) });

  it.each(['legacy', 'auto'] as const)('gives the role of its scope, over %s', async (mode) => {
    await using server = await serve();
    const roleOf = async (changes: Parameters<typeof claims>[0]): Promise<unknown> => {
      await using client = await connect(server, token(changes), mode);
      return (await client.callTool({ name: 'touch', arguments: {} })).content;
    };
    const said = (text: string): unknown => [expect.objectContaining({ text })];
    expect(await roleOf({})).toEqual(said('reader'));
    expect(await roleOf({ scope: 'openid desk:operate' })).toEqual(said('operator'));
    // Of several the first that the settings name, whatever the order of the token.
    expect(await roleOf({ scope: 'desk:read desk:operate' })).toEqual(said('operator'));
    expect(await roleOf({ scope: undefined, scp: ['desk:read'] })).toEqual(said('reader'));
    expect(await roleOf({ aud: ['https://other.example', RESOURCE], nbf: NOW, exp: NOW - 20, iat: NOW - 600 })).toEqual(
      said('reader'),
    );
  });

  it('without a scope that is known is told which there are', async () => {
    await using server = await serve();
    const { status, challenge } = await send(server, ['authorization', `Bearer ${token({ scope: 'desk:reader' })}`]);
    expect(status).toBe(403);
    expect(challenge).toContain('error="insufficient_scope"');
    expect(challenge).toContain('scope="desk:operate desk:read"');
  });

  it('reaches only the sessions of its own subject', async () => {
    await using server = await serve();
    await using client = await connect(server, token(), 'legacy');
    const session = (client.transport as StreamableHTTPClientTransport).sessionId ?? '';
    expect(session).not.toBe('');
    const answer = (sub: string): Promise<Answer> =>
      send(server, [
        'authorization',
        `Bearer ${token({ sub })}`,
        'mcp-session-id',
        session,
        'mcp-protocol-version',
        '2025-11-25',
      ]);
    expect(await answer('eve')).toMatchObject({ status: 404, body: expect.stringContaining('no such session') });
    expect((await answer('ann')).status).toBe(200);
  });

  it('keeps no stream open after its end', async () => {
    const clock = new ManualClock(NOW * 1000);
    await using server = await serve(clock);
    const authorization = `Bearer ${token()}`;
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    const opened = await fetch(server.url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    });
    await opened.text();
    const session = opened.headers.get('mcp-session-id') ?? '';
    const stream = await fetch(server.url, {
      headers: { authorization, accept: 'text/event-stream', 'mcp-session-id': session },
    });
    expect(stream.status).toBe(200);
    let over = false;
    const ended = stream.text().finally(() => (over = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(over).toBe(false);
    await clock.advance(600_000);
    await ended;
    expect(over).toBe(true);
  });
});

describe('the metadata of a protected resource', () => {
  it('tells whom to ask for a token', async () => {
    await using server = await serve();
    for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
      const response = await fetch(new URL(path, server.url));
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        resource: RESOURCE,
        authorization_servers: [ISSUER],
        scopes_supported: ['desk:operate', 'desk:read'],
        bearer_methods_supported: ['header'],
      });
      expect((await fetch(new URL(path, server.url), { method: 'POST' })).status).toBe(405);
    }
    const open = { port: 0, host: '127.0.0.1', token: undefined, log: silentLogger };
    await using without = await serveMcpHttp(surfaceOf('reader'), open);
    expect((await fetch(new URL('/.well-known/oauth-protected-resource', without.url))).status).toBe(404);
  });
});

describe('settings of OAuth', () => {
  it('that contradict each other are refused', async () => {
    const common = { port: 0, host: '127.0.0.1', log: silentLogger };
    await expect(serveMcpHttp(surfaceOf, { ...common, token: 'one', oauth: settings() })).rejects.toThrow(InvalidInput);
    await expect(serveMcpHttp(surfaceOf, { ...common, token: undefined })).rejects.toThrow('needs oauth');
  });

  it('are told with file and line when they are unsafe, or name a role that is not there', () => {
    const yaml = (changes: string): readonly string[] =>
      issuesOf({
        'system.yaml': `mcp:\n  oauth:\n    resource: https://desk.example/mcp\n    issuer: https://issuer.example/\n${changes}`,
      });
    const jwksLine = '    jwks_url: https://issuer.example/jwks\n';
    expect(yaml(`${jwksLine}    scopes: { 'desk:read': raeder }\n`)).toEqual([
      expect.stringMatching(
        /^system\.yaml:\d+:\d+: mcp\.oauth\.scopes: 'raeder' is not a role \(did you mean reader\?\)/,
      ),
    ]);
    for (const [wrong, said] of [
      [`${jwksLine}    scopes: {}\n`, /must name a scope/],
      [`    jwks_url: http://issuer.example/jwks\n    scopes: { a: reader }\n`, /must be https/],
      [`${jwksLine}    scopes: { a: reader }\n    algorithms: [HS256]\n`, /algorithms/],
      [`${jwksLine}    scopes: { a: reader }\n    algorithms: [none]\n`, /algorithms/],
      [`${jwksLine}    scopes: { a: reader }\n    secret: x\n`, /secret/],
    ] as const) {
      expect(yaml(wrong).join('\n')).toMatch(said);
    }
  });

  it('with keys that cannot be had let nobody in, and say that it is not the token', async () => {
    await using server = await serve(undefined, { jwks_url: 'http://127.0.0.1:1/jwks' });
    const [signer] = KEYS;
    if (signer === undefined) throw new Error('a key is missing');
    const { status, body } = await send(server, ['authorization', `Bearer ${tokenOf(signer)}`]);
    expect(status).toBe(503);
    expect(body).toContain('cannot be fetched');
  });
});
