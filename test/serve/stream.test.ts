import { request as httpRequest, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { EventStream } from '../../src/events/index.ts';
import type { StreamItem } from '../../src/kit/stream-item.ts';
import { systemClock } from '../../src/infra/clock.ts';
import { Database } from '../../src/infra/duckdb/database.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { serveControl } from '../../src/serve/control/server.ts';
import type { Desk } from '../../src/serve/desk.ts';
import { makeBus, openJournal, seeded } from '../events/support.ts';

const TOKEN = 'a-token-of-some-length';

async function serve() {
  const journal = await openJournal(await Database.open({ path: ':memory:' }));
  const bus = makeBus({ journal, clock: systemClock });
  const stream = new EventStream(bus, journal, systemClock);
  const desk = { kind: 'local' } as unknown as Desk;
  const server = await serveControl(desk, { token: TOKEN, host: '127.0.0.1', port: 0, log: silentLogger, stream });
  let emitted = 0;
  const emit = (n: number): void => {
    for (let i = 0; i < n; i++) bus.emit('custom', { kind: 'count', details: { n: ++emitted } });
  };
  return {
    url: server.url,
    bus,
    stream,
    emit,
    emitted: () => emitted,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bus.close();
    },
  };
}

type Reader = (after: number, most: number) => Promise<readonly number[]>;

function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } }, resolve);
    asked.on('error', reject);
    asked.end();
  });
}

/** Reads server-sent events until it has `most` of them, then cuts the connection without a word. */
const overEvents =
  (url: string): Reader =>
  async (after, most) => {
    const response = await get(`${url}/stream?after=0`, { 'last-event-id': String(after) });
    const seen: number[] = [];
    let text = '';
    try {
      for await (const chunk of response) {
        text += String(chunk);
        const frames = text.split('\n\n');
        text = frames.pop() ?? '';
        for (const frame of frames) {
          const id = /^id: (\d+)$/m.exec(frame)?.[1];
          if (id !== undefined && seen.length < most) seen.push(Number(id));
        }
        if (seen.length >= most) break;
      }
    } finally {
      response.destroy();
    }
    return seen;
  };

const overSocket =
  (url: string): Reader =>
  (after, most) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/stream?after=${after}`, {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      const seen: number[] = [];
      socket.on('message', (data: Buffer) => {
        if (seen.length >= most) return;
        seen.push((JSON.parse(data.toString('utf8')) as StreamItem).seq);
        if (seen.length === most) {
          socket.terminate();
          resolve(seen);
        }
      });
      socket.on('error', reject);
    });

describe('the stream over the control address', { timeout: 120_000 }, () => {
  it.each([
    ['server-sent events', overEvents],
    ['WebSocket', overSocket],
  ])('misses nothing and repeats nothing over 1,000 cuts of %s', async (_, over) => {
    await using served = await serve();
    const read = over(served.url);
    const random = seeded(11);
    const seen: number[] = [];
    for (let cut = 0; cut < 1000; cut++) {
      served.emit(Math.floor(random() * 12));
      if (served.emitted() === seen.length) served.emit(1);
      const left = served.emitted() - seen.length;
      // Some readers come before what they wait for has happened.
      const ahead = random() < 0.3 ? 2 : 0;
      const reading = read(seen.at(-1) ?? 0, ahead > 0 ? left + ahead : 1 + Math.floor(random() * Math.min(left, 20)));
      served.emit(ahead);
      seen.push(...(await reading));
    }
    const left = served.emitted() - seen.length;
    if (left > 0) seen.push(...(await read(seen.at(-1) ?? 0, left)));
    expect(seen).toEqual(Array.from({ length: served.emitted() }, (_, i) => i + 1));
    await expect.poll(() => served.stream.readers).toBe(0);
  });

  it('asks for the token, and says what is wrong before it streams', async () => {
    await using served = await serve();
    served.emit(3);
    expect((await get(`${served.url}/stream`, { authorization: 'Bearer wrong' })).statusCode).toBe(401);
    expect((await get(`${served.url}/stream?after=x`)).statusCode).toBe(400);
    expect((await get(`${served.url}/stream?channels=nothing`)).statusCode).toBe(400);
    expect((await get(`${served.url}/stream?after=99`)).statusCode).toBe(400);
    expect((await get(`${served.url}/other`)).statusCode).toBe(404);
    const refused = (path: string, token: string) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${served.url.replace('http', 'ws')}${path}`, {
          headers: { authorization: `Bearer ${token}` },
        });
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
        socket.on('close', (code) => resolve(code));
        socket.on('error', () => undefined);
      });
    expect(await refused('/stream', 'wrong')).toBe(401);
    expect(await refused('/other', TOKEN)).toBe(404);
    expect(await refused('/stream?after=99', TOKEN)).toBe(1011);
  });

  it('holds nothing in memory for a reader that does not take it', async () => {
    await using served = await serve();
    const response = await get(`${served.url}/stream?after=0`);
    response.pause();
    const large = 'x'.repeat(10_000);
    for (let n = 0; n < 5000; n++) served.bus.emit('custom', { kind: large });
    await served.bus.flush();
    await new Promise((resolve) => setTimeout(resolve, 200));
    // 50 MB wait in the journal: what the socket took is a small part of it.
    expect(response.socket.bytesRead).toBeLessThan(10_000_000);
    expect(served.stream.readers).toBe(1);
    response.destroy();
    await expect.poll(() => served.stream.readers).toBe(0);
  });
});
