import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket as TcpSocket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { systemClock } from '../../src/infra/clock.ts';
import { openSocket, type SocketClosed, type SocketOptions } from '../../src/infra/socket.ts';
import { DeadlineExceeded, RateLimited, Unavailable } from '../../src/kit/errors.ts';

const open: (() => void)[] = [];

afterEach(() => {
  for (const close of open.splice(0)) close();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function echo(onOpen: (client: WebSocket) => void): Promise<string> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', onOpen);
  open.push(() => sockets.clients.forEach((client) => client.terminate()));
  return `ws://127.0.0.1:${await listen(server)}/path?token=hidden`;
}

function options(url: string, more: Partial<SocketOptions> = {}): SocketOptions {
  return {
    url,
    clock: systemClock,
    onFrame: () => undefined,
    onClose: () => undefined,
    connectTimeoutMs: 1000,
    ...more,
  };
}

test('text goes both ways in order, binary is told by its size, and both ends can close', async () => {
  const url = await echo((client) => {
    client.on('message', (data: Buffer) => {
      client.send(`re ${data.toString()}`);
      client.send(Buffer.alloc(7));
    });
  });
  const heard: string[] = [];
  const closed: SocketClosed[] = [];
  const socket = await openSocket(
    options(url, {
      onFrame: (bytes) => heard.push(Buffer.from(bytes).toString()),
      onBinary: (bytes) => heard.push(`${bytes} bytes`),
      onClose: (info) => closed.push(info),
    }),
  );
  socket.send('one');
  socket.send('two');
  while (heard.length < 4) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(heard).toEqual(['re one', '7 bytes', 're two', '7 bytes']);
  expect(socket.open).toBe(true);
  await socket.close('done');
  await socket.close('done');
  expect(closed).toHaveLength(1);
  expect(socket.open).toBe(false);
  socket.send('ignored');
});

test('a refusal says why, and a 429 when to come back', async () => {
  for (const [status, kind, text] of [
    [429, RateLimited, /HTTP 429/],
    [451, Unavailable, /HTTP 451.*region/],
    [503, Unavailable, /HTTP 503/],
  ] as const) {
    const server = createServer();
    server.on('upgrade', (_request, socket) =>
      socket.end(`HTTP/1.1 ${status} No\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n`),
    );
    const attempt = openSocket(options(`ws://127.0.0.1:${await listen(server)}/x?token=hidden`));
    await expect(attempt).rejects.toThrow(kind);
    await expect(attempt).rejects.toThrow(text);
    await attempt.catch((error: unknown) => {
      expect(String(error)).not.toContain('hidden');
      if (error instanceof RateLimited) expect(error.retryAfterMs).toBe(5000);
    });
  }
});

test('a server that does not answer, is not there, or is given up on', async () => {
  const server = createServer();
  server.on('upgrade', () => undefined);
  const url = `ws://127.0.0.1:${await listen(server)}`;
  await expect(openSocket(options(url, { connectTimeoutMs: 50 }))).rejects.toThrow(DeadlineExceeded);
  await expect(openSocket(options('ws://127.0.0.1:1'))).rejects.toThrow(/ECONNREFUSED/);
  const abort = new AbortController();
  const attempt = openSocket(options(url, { signal: abort.signal }));
  abort.abort();
  await expect(attempt).rejects.toMatchObject({ name: 'AbortError' });
  await expect(openSocket(options(url, { signal: abort.signal }))).rejects.toMatchObject({ name: 'AbortError' });
});

test('an abort cuts an open socket', async () => {
  const url = await echo(() => undefined);
  const abort = new AbortController();
  const closed = new Promise<SocketClosed>((resolve) => {
    void openSocket(options(url, { signal: abort.signal, onClose: resolve })).then(() => abort.abort());
  });
  expect((await closed).code).toBe(1006);
});

test('frames beyond the bound end the connection', async () => {
  const url = await echo((client) => client.send('x'.repeat(2000)));
  const closed = await new Promise<SocketClosed>((resolve, reject) => {
    openSocket(options(url, { maxPayloadBytes: 1000, onClose: resolve })).catch(reject);
  });
  expect(closed.reason).toMatch(/max payload/i);
});

test('a peer that falls silent is cut after two pings without an answer', async () => {
  const url = await echo((client) => client.pause());
  const closed = await new Promise<SocketClosed>((resolve, reject) => {
    openSocket(options(url, { pingMs: 40, onClose: resolve })).catch(reject);
  });
  expect(closed.reason).toContain('no pong');
});

test('a proxy is asked to connect', async () => {
  const asked: string[] = [];
  const venue = new URL(await echo((client) => client.send('through')));
  const proxy = createServer();
  proxy.on('connect', (request, client: TcpSocket) => {
    asked.push(request.url ?? '');
    const upstream = connect(Number(venue.port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client);
      client.pipe(upstream);
    });
    open.push(() => upstream.destroy());
  });
  const port = await listen(proxy);
  const heard: string[] = [];
  const socket = await openSocket(
    options(venue.href, {
      onFrame: (bytes) => heard.push(Buffer.from(bytes).toString()),
      environment: { HTTP_PROXY: `http://127.0.0.1:${port}` },
    }),
  );
  while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(heard).toEqual(['through']);
  expect(asked).toEqual([venue.host]);
  await socket.close();
});
