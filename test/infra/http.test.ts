import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/infra/clock.ts';
import { HttpClient, explainStatus, retryAfterMs, safeUrl } from '../../src/infra/http.ts';
import { proxyFor } from '../../src/infra/proxy.ts';
import { DeadlineExceeded, Unavailable } from '../../src/kit/errors.ts';
import type { Logger } from '../../src/kit/logger.ts';
import { silentLogger } from '../../src/kit/logger.ts';

const state: { server?: Server; base: string } = { base: '' };

beforeAll(async () => {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    if (path === '/silent') return;
    if (path === '/large') response.end('x'.repeat(5000));
    else if (path === '/limited') response.writeHead(429, { 'retry-after': '1' }).end('slow down');
    else if (path === '/half') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => request.socket.destroy());
    } else if (path === '/echo') request.pipe(response.writeHead(200, { 'x-sent': request.headers['content-type'] }));
    else response.writeHead(path === '/451' ? 451 : 200).end(`{"path":"${path}"}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.server = server;
  state.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  state.server?.closeAllConnections();
  state.server?.close();
});

function client(log: Logger = silentLogger): HttpClient {
  return new HttpClient({ clock: systemClock, log });
}

test('a POST carries its JSON', async () => {
  await using http = client();
  const answer = await http.post(`${state.base}/echo`, '{"type":"meta"}', { timeoutMs: 1000 });
  expect(answer).toMatchObject({ status: 200, body: '{"type":"meta"}', headers: { 'x-sent': 'application/json' } });
});

test('an answer is given with its status, whatever it is', async () => {
  await using http = client();
  expect(await http.get(`${state.base}/a?b=1`, { timeoutMs: 1000 })).toMatchObject({
    status: 200,
    body: '{"path":"/a"}',
    retryAfterMs: null,
  });
  expect((await http.get(`${state.base}/451`, { timeoutMs: 1000 })).status).toBe(451);
});

test('time, size and the network are bounds with an error each, and none tells the query', async () => {
  await using http = client();
  const silent = http.get(`${state.base}/silent?key=hidden`, { timeoutMs: 50 });
  await expect(silent).rejects.toThrow(DeadlineExceeded);
  await expect(silent).rejects.toThrow(/silent did not answer within 50 ms/);
  await expect(http.get(`${state.base}/large?key=hidden`, { timeoutMs: 1000, maxBytes: 1000 })).rejects.toThrow(
    /larger than 1000 bytes/,
  );
  const half = http.get(`${state.base}/half?key=hidden`, { timeoutMs: 1000 });
  await expect(half).rejects.toThrow(Unavailable);
  const nowhere = http.get('http://127.0.0.1:1/x?key=hidden', { timeoutMs: 1000 });
  await expect(nowhere).rejects.toThrow(/127.0.0.1:1\/x: .*ECONNREFUSED/);
  for (const failed of [silent, half, nowhere]) {
    await failed.catch((error: unknown) => expect(String(error)).not.toContain('hidden'));
  }
});

test('an abort passes on untouched', async () => {
  await using http = client();
  const abort = new AbortController();
  const asked = http.get(`${state.base}/silent`, { timeoutMs: 5000, signal: abort.signal });
  setTimeout(() => abort.abort(), 20);
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
});

test('a 429 blocks its host for all, and the log has no query', async () => {
  const lines: string[] = [];
  await using http = client({ ...silentLogger, warn: (event, fields) => lines.push(JSON.stringify([event, fields])) });
  const answer = await http.get(`${state.base}/limited?key=hidden`, { timeoutMs: 1000 });
  expect(answer).toMatchObject({ status: 429, retryAfterMs: 1000 });
  const started = performance.now();
  await http.get(`${state.base}/a`, { timeoutMs: 1000 });
  expect(performance.now() - started).toBeGreaterThan(900);
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('hidden');
});

test('Retry-After is read as seconds or as a date', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(retryAfterMs('3', now)).toBe(3000);
  expect(retryAfterMs('0.5', now)).toBe(500);
  expect(retryAfterMs(['7'], now)).toBe(7000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:00:10 GMT', now)).toBe(10_000);
  expect(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
  expect(retryAfterMs('soon', now)).toBeNull();
  expect(retryAfterMs(undefined, now)).toBeNull();
});

test('refusals by region and firewall come with their remedy', () => {
  expect(explainStatus(451)).toMatch(/region.*HTTPS_PROXY/);
  expect(explainStatus(403)).toMatch(/forbidden.*HTTPS_PROXY/);
  expect(explainStatus(418)).toMatch(/banned/);
  expect(explainStatus(500)).toBe('HTTP 500');
  expect(safeUrl('https://me:pass@host.example:8443/path?key=1#x')).toBe('https://host.example:8443/path');
});

test('the proxy follows the usual variables', () => {
  const of = (url: string, environment: Record<string, string>): string | undefined =>
    proxyFor(new URL(url), environment);
  const both = { HTTPS_PROXY: 'http://secure:1', http_proxy: 'http://plain:1', NO_PROXY: 'localhost, .inside.example' };
  expect(of('wss://venue.example/ws', both)).toBe('http://secure:1');
  expect(of('ws://venue.example/ws', both)).toBe('http://plain:1');
  expect(of('wss://a.inside.example/ws', both)).toBeUndefined();
  expect(of('https://notinside.example', both)).toBe('http://secure:1');
  expect(of('https://localhost:8443', both)).toBeUndefined();
  expect(of('https://venue.example', { HTTPS_PROXY: 'x', NO_PROXY: '*' })).toBeUndefined();
  expect(of('https://venue.example', {})).toBeUndefined();
});

test('a proxy that refuses is named, without its password', async () => {
  const proxy = createServer();
  proxy.on('connect', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  vi.stubEnv('https_proxy', `http://me:hush@${host}`);
  try {
    await using http = client();
    const error = await http.get('https://venue.invalid/time', { timeoutMs: 10_000 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Unavailable);
    expect(String(error)).toContain(`https://venue.invalid/time through the proxy ${host}: `);
    expect(String(error)).not.toContain('hush');
  } finally {
    vi.unstubAllEnvs();
    proxy.closeAllConnections();
    proxy.close();
  }
});
