import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type ServerSocket, SocketServer, type SocketServerOptions } from '../../src/infra/socket-server.ts';
import { Unavailable } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';

const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

async function listen(options: Partial<SocketServerOptions> = {}): Promise<SocketServer> {
  const server = await SocketServer.listen({
    log: silentLogger,
    port: 0,
    onRequest: ({ path, body, host }) => ({
      status: 200,
      body: JSON.stringify({ path, body, host }),
      headers: { 'x-told': 'yes' },
    }),
    onUpgrade: ({ path }) =>
      path === '/refused' ? { status: 503, body: 'busy', headers: { 'retry-after': '3' } } : null,
    onConnection: (socket) => ({ onText: (text) => socket.send(`echo ${text}`), onClose: () => undefined }),
    ...options,
  });
  opened.push(server);
  return server;
}

/** Resolves with the event's arguments. */
function next(socket: WebSocket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => socket.once(event, (...args: unknown[]) => resolve(args)));
}

describe('the loopback server', () => {
  it('answers GET and POST, and nothing else', async () => {
    const { port } = await listen();
    const host = `127.0.0.1:${port}`;
    const answer = await fetch(`http://127.0.0.1:${port}/a/b?c=d`);
    expect([answer.status, answer.headers.get('x-told'), await answer.json()]).toEqual([
      200,
      'yes',
      { path: '/a/b?c=d', host },
    ]);
    const post = (body: string) => fetch(`http://127.0.0.1:${port}/info?a`, { method: 'POST', body });
    expect(await (await post('{"type":"π"}')).json()).toEqual({ path: '/info?a', body: '{"type":"π"}', host });
    expect(await (await post('')).json()).toEqual({ path: '/info?a', body: '', host });
    expect((await post('x'.repeat(1_100_000))).status).toBe(413);
    expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'PUT', body: 'x' })).status).toBe(405);
  });

  it('answers 500 when the handler fails, and goes on', async () => {
    let calls = 0;
    const onRequest = (): { status: number; body: string } => {
      calls += 1;
      if (calls === 1) throw new Error('broken');
      return { status: 200, body: 'fine' };
    };
    const { port } = await listen({ onRequest });
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(500);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });

  it('exchanges text frames and tells when a connection is over', async () => {
    const paths: string[] = [];
    let over: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => (over = resolve));
    const { port } = await listen({
      onConnection: (socket: ServerSocket) => {
        paths.push(socket.path);
        return { onText: (text) => socket.send(`echo ${text}`), onClose: () => over?.() };
      },
    });
    const client = new WebSocket(`ws://127.0.0.1:${port}/stream?streams=a`);
    await next(client, 'open');
    client.send('hello');
    expect(String((await next(client, 'message'))[0])).toBe('echo hello');
    client.close();
    await closed;
    expect(paths).toEqual(['/stream?streams=a']);
  });

  it('refuses an upgrade with the answer given', async () => {
    const { port } = await listen();
    const client = new WebSocket(`ws://127.0.0.1:${port}/refused`);
    client.on('error', () => undefined);
    const [, response] = (await next(client, 'unexpected-response')) as [
      unknown,
      { statusCode: number; headers: Record<string, string> },
    ];
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '3']);
    client.terminate();
  });

  it('can say goodbye or cut', async () => {
    const { port } = await listen({
      onConnection: (socket) => ({
        onText: (text) => (text === 'bye' ? socket.close(1001, 'done') : socket.terminate()),
        onClose: () => undefined,
      }),
    });
    const codes: unknown[] = [];
    for (const text of ['bye', 'cut']) {
      const client = new WebSocket(`ws://127.0.0.1:${port}/`);
      client.on('error', () => undefined);
      await next(client, 'open');
      client.send(text);
      codes.push((await next(client, 'close'))[0]);
    }
    expect(codes).toEqual([1001, 1006]);
  });

  it('tells of a port that is taken, and frees it when closed', async () => {
    const first = await listen();
    const { port } = first;
    await expect(listen({ port })).rejects.toThrow(Unavailable);
    const client = new WebSocket(`ws://127.0.0.1:${port}/`);
    client.on('error', () => undefined);
    await next(client, 'open');
    const closed = next(client, 'close');
    await first.close();
    await first.close();
    await closed;
    expect((await listen({ port })).port).toBe(port);
  });
});
