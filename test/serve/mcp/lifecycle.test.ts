import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kit/logger.ts';
import { type McpHttpServer, serveMcpHttp } from '../../../src/serve/mcp/http.ts';
import type { McpSurface, McpTool } from '../../../src/serve/mcp/surface.ts';
import { createConformanceSurface } from './conformance-surface.ts';

/** What happens while a call or a subscription lives, for clients of either protocol. */
const MODES = ['legacy', 'auto'] as const;

const serve = (surface: McpSurface): Promise<McpHttpServer> =>
  serveMcpHttp(surface, { port: 0, host: '127.0.0.1', token: undefined, log: silentLogger });

async function connect(server: McpHttpServer, mode: (typeof MODES)[number]): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url)));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}

/** A tool that works until it is told to stop, and says when it began and that it stopped. */
function endless(): { readonly tool: McpTool; readonly begun: Promise<void>; readonly stopped: Promise<string> } {
  const begun = deferred<void>();
  const stopped = deferred<string>();
  return {
    begun: begun.promise,
    stopped: stopped.promise,
    tool: {
      name: 'endless',
      description: 'Works until it is told to stop.',
      inputSchema: { type: 'object', properties: {} },
      call: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          begun.resolve();
          signal.addEventListener('abort', () => {
            stopped.resolve('aborted');
            reject(signal.reason as Error);
          });
        }),
    },
  };
}

describe.each(MODES)('a client that negotiates %s', (mode) => {
  it('stops a running tool by cancelling the call', async () => {
    const { tool, begun, stopped } = endless();
    await using server = await serve({ ...createConformanceSurface(), tools: () => Promise.resolve([tool]) });
    await using client = await connect(server, mode);
    const giveUp = new AbortController();
    const call = client.callTool({ name: 'endless', arguments: {} }, { signal: giveUp.signal });
    await begun;
    giveUp.abort(new Error('no longer needed'));
    await expect(call).rejects.toThrow('no longer needed');
    expect(await stopped).toBe('aborted');
    expect((await client.listTools()).tools.map((t) => t.name)).toEqual(['endless']);
  });

  it('stops a running tool by going away', async () => {
    const { tool, begun, stopped } = endless();
    const server = await serve({ ...createConformanceSurface(), tools: () => Promise.resolve([tool]) });
    const client = await connect(server, mode);
    const call = client.callTool({ name: 'endless', arguments: {} }).catch((error: unknown) => error);
    await begun;
    // The server closes: the client's calls end, and so does what worked for them.
    await server[Symbol.asyncDispose]();
    expect(await stopped).toBe('aborted');
    await client.close();
    expect(await call).toBeInstanceOf(Error);
  });

  it('hears how far a call is, in order', async () => {
    await using server = await serve(createConformanceSurface());
    await using client = await connect(server, mode);
    const steps: number[] = [];
    await client.callTool(
      { name: 'test_tool_with_progress', arguments: {} },
      { onprogress: ({ progress, total }) => steps.push(progress / (total ?? 1)) },
    );
    expect(steps).toEqual([0, 0.5, 1]);
  });

  it('hears of the resource that it subscribed to, reads it anew, and of no other', async () => {
    const surface = createConformanceSurface();
    let text = 'first';
    await using server = await serve({
      ...surface,
      read: (uri) => Promise.resolve([{ uri, mimeType: 'text/plain', text }]),
    });
    await using client = await connect(server, mode);
    const heard: string[] = [];
    const told = deferred<void>();
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      heard.push(params.uri);
      if (params.uri === 'test://watched-resource') told.resolve();
    });
    const uri = 'test://watched-resource';
    if (mode === 'legacy') await client.subscribeResource({ uri });
    else await client.listen({ resourceSubscriptions: [uri] });
    text = 'second';
    surface.change({ kind: 'resource', uri: 'test://static-text' });
    surface.change({ kind: 'resource', uri });
    await told.promise;
    expect(heard).toEqual([uri]);
    expect((await client.readResource({ uri })).contents).toMatchObject([{ text: 'second' }]);
  });

  it('hears that the list of tools changed', async () => {
    const surface = createConformanceSurface();
    await using server = await serve(surface);
    await using client = await connect(server, mode);
    const told = deferred<void>();
    client.setNotificationHandler('notifications/tools/list_changed', () => told.resolve());
    if (mode === 'auto') await client.listen({ toolsListChanged: true });
    await client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
    await told.promise;
  });
});

it('no longer tells a client that unsubscribed', async () => {
  const surface = createConformanceSurface();
  await using server = await serve(surface);
  await using client = await connect(server, 'legacy');
  const heard: string[] = [];
  const told = deferred<void>();
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    heard.push(params.uri);
    if (params.uri === 'test://static-text') told.resolve();
  });
  await client.subscribeResource({ uri: 'test://watched-resource' });
  await client.subscribeResource({ uri: 'test://static-text' });
  await client.unsubscribeResource({ uri: 'test://watched-resource' });
  surface.change({ kind: 'resource', uri: 'test://watched-resource' });
  surface.change({ kind: 'resource', uri: 'test://static-text' });
  await told.promise;
  expect(heard).toEqual(['test://static-text']);
});

it('refuses what a tool kept when another tool, or a changed text, comes back with it', async () => {
  await using server = await serve(createConformanceSurface());
  const call = async (name: string, more: object): Promise<any> => {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    };
    const response = await fetch(server.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: {}, _meta: meta, ...more },
      }),
    });
    return response.json();
  };
  const first = await call('test_input_required_result_request_state', {});
  const { requestState } = first.result;
  const inputResponses = { confirm: { action: 'accept', content: { ok: true } } };
  const accepted = await call('test_input_required_result_request_state', { inputResponses, requestState });
  expect(accepted.result.content).toEqual([{ type: 'text', text: 'state-ok' }]);
  const other = await call('test_input_required_result_tampered_state', { inputResponses, requestState });
  expect(other.error).toMatchObject({ code: -32602, message: expect.stringContaining('requestState') });
  const changed = await call('test_input_required_result_request_state', {
    inputResponses,
    requestState: requestState.replace(/.(?=\.[^.]*$)/, (c: string) => (c === 'x' ? 'y' : 'x')),
  });
  expect(changed.error).toMatchObject({ code: -32602 });
});

it('watches nothing when its address is taken', async () => {
  const surface = createConformanceSurface();
  await using first = await serve(surface);
  let watchers = 0;
  const second = serveMcpHttp(
    { ...surface, changes: () => Promise.resolve().then(() => void (watchers += 1)) },
    { port: Number(new URL(first.url).port), host: '127.0.0.1', token: undefined, log: silentLogger },
  );
  await expect(second).rejects.toThrow('is taken by another program; choose another port');
  expect(watchers).toBe(0);
});
