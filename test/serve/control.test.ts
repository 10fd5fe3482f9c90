import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/kit/clock.ts';
import { Conflict, Unavailable } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import {
  awaitAddress,
  holderOf,
  lockDataDir,
  readAddress,
  removeAddress,
  writeAddress,
} from '../../src/serve/control/address.ts';
import { connectDesk } from '../../src/serve/control/client.ts';
import { serveControl } from '../../src/serve/control/server.ts';
import type { Desk } from '../../src/serve/desk.ts';
import { openDesk } from '../../src/serve/open.ts';

const TOKEN = 'a-token-of-some-length';
const folder = (): string => mkdtempSync(join(tmpdir(), 'crew-control-'));

/** A desk with three methods, enough to carry values, errors, progress and a stream. */
function toyDesk(): Desk {
  return {
    kind: 'local',
    crews: async () => [{ id: 'one' }],
    run: async (id: string) => {
      throw new Conflict(`run ${id} is busy`, { details: { id } });
    },
    callTool: async (
      request: unknown,
      options: { onProgress?: (f: number, m?: string) => void; signal?: AbortSignal },
    ) => {
      options.onProgress?.(0.5, 'half');
      return { ok: true, request };
    },
    async *follow(_query: unknown, signal: AbortSignal) {
      for (let seq = 1; !signal.aborted && seq <= 3; seq++) yield { seq };
    },
  } as unknown as Desk;
}

describe('control address', () => {
  it('is written for its owner alone and read back while the process lives', () => {
    const dir = folder();
    const address = {
      pid: process.pid,
      url: 'http://127.0.0.1:1',
      token: TOKEN,
      version: '0.1.0',
      started_at: '2026-01-01T00:00:00.000Z',
    };
    writeAddress(dir, address);
    expect(readAddress(dir)).toEqual(address);
    expect(statSync(join(dir, 'controller.json')).mode & 0o777).toBe(0o600);
    writeAddress(dir, { ...address, pid: 2 ** 22 - 3 });
    expect(readAddress(dir)).toBeUndefined();
    removeAddress(dir);
    expect(readAddress(dir)).toBeUndefined();
  });

  it('lets one process hold a folder, and takes over from a dead one', () => {
    const dir = folder();
    const release = lockDataDir(dir, process.pid);
    expect(() => lockDataDir(dir, process.pid)).toThrow(Conflict);
    release();
    writeFileSync(join(dir, 'controller.lock'), String(2 ** 22 - 3));
    const again = lockDataDir(dir, process.pid);
    expect(readFileSync(join(dir, 'controller.lock'), 'utf8')).toBe(String(process.pid));
    again();
    writeFileSync(join(dir, 'controller.lock'), String(process.pid));
    lockDataDir(dir, process.pid)();
  });

  it('says when the folder cannot be made', () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), '');
    expect(() => lockDataDir(join(dir, 'file', 'data'), process.pid)).toThrow(Unavailable);
  });
});

describe('a controller that is opening', () => {
  // The process that runs the tests' process lives, and is not this one.
  const other = process.ppid;
  const address = {
    pid: other,
    url: 'http://127.0.0.1:1',
    token: TOKEN,
    version: '0.1.0',
    started_at: '2026-01-01T00:00:00.000Z',
  };
  const heldByOther = (): string => {
    const dir = folder();
    writeFileSync(join(dir, 'controller.lock'), String(other));
    return dir;
  };
  /** Lets the promises of the waiting run between two moments of its clock. */
  const pass = async (clock: ManualClock, ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 50) {
      await clock.advance(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it('is told by the folder it holds', () => {
    const dir = folder();
    expect(holderOf(dir)).toBeUndefined();
    expect(holderOf(heldByOther())).toBe(other);
    const release = lockDataDir(dir, process.pid);
    expect(holderOf(dir)).toBeUndefined();
    release();
    writeFileSync(join(dir, 'controller.lock'), String(2 ** 22 - 3));
    expect(holderOf(dir)).toBeUndefined();
    expect(() => lockDataDir(heldByOther(), process.pid)).toThrow(
      new RegExp(`in use by process ${other}; if it is starting or stopping, try again`),
    );
  });

  it('is waited for until it has an address', async () => {
    const dir = heldByOther();
    const clock = new ManualClock();
    const told: number[] = [];
    const found = awaitAddress(dir, { clock, atMostMs: 10_000, onWait: (pid) => told.push(pid) });
    await pass(clock, 1000);
    writeAddress(dir, address);
    await pass(clock, 50);
    expect(await found).toEqual(address);
    expect(told).toEqual([other]);
  });

  it('is not waited for once it has let go of the folder, nor for ever', async () => {
    const clock = new ManualClock();
    expect(await awaitAddress(folder(), { clock, atMostMs: 10_000 })).toBeUndefined();
    const dir = heldByOther();
    const gone = awaitAddress(dir, { clock, atMostMs: 10_000 });
    await pass(clock, 200);
    rmSync(join(dir, 'controller.lock'));
    await pass(clock, 50);
    expect(await gone).toBeUndefined();
    const never = awaitAddress(heldByOther(), { clock, atMostMs: 300 });
    await pass(clock, 300);
    expect(await never).toBeUndefined();
  });

  it.each(['operate', 'run'] as const)(
    'is used by who meant to %s and found the folder taken since it looked',
    { timeout: 60_000 },
    async (mode) => {
      const dataDir = folder();
      const told: number[] = [];
      const opening = openDesk({ config: '.', dataDir, env: {}, log: silentLogger }, mode, undefined, (pid) => {
        told.push(pid);
        writeAddress(dataDir, address);
      });
      // It has looked, and found nobody.
      writeFileSync(join(dataDir, 'controller.lock'), String(other));
      expect((await opening).kind).toBe('remote');
      expect(told).toEqual([other]);
    },
  );

  it('is not waited for when the caller gives up', async () => {
    const abort = new AbortController();
    const waiting = awaitAddress(heldByOther(), { clock: new ManualClock(), atMostMs: 1000, signal: abort.signal });
    abort.abort(new DOMException('interrupted', 'AbortError'));
    await expect(waiting).rejects.toThrow('interrupted');
  });
});

describe('control server', () => {
  it('carries values, typed errors, progress and events', async () => {
    await using server = await serveControl(toyDesk(), { token: TOKEN, host: '127.0.0.1', port: 0, log: silentLogger });
    const desk = connectDesk({ pid: process.pid, url: server.url, token: TOKEN, version: '0', started_at: '' });
    expect(await desk.crews()).toEqual([{ id: 'one' }]);
    await expect(desk.run('r1')).rejects.toMatchObject({
      name: 'Conflict',
      message: 'run r1 is busy',
      details: { id: 'r1' },
    });
    const progress: unknown[] = [];
    const outcome = await desk.callTool(
      { name: 't', args: { a: 1 } },
      { onProgress: (...args) => progress.push(args) },
    );
    expect(outcome).toEqual({ ok: true, request: { name: 't', args: { a: 1 } } });
    expect(progress).toEqual([[0.5, 'half']]);
    const seen: number[] = [];
    for await (const event of desk.follow({}, new AbortController().signal)) seen.push(event.seq);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('refuses a wrong token, an unknown method and a taken port', async () => {
    await using server = await serveControl(toyDesk(), { token: TOKEN, host: '127.0.0.1', port: 0, log: silentLogger });
    const wrong = await fetch(`${server.url}/api/crews`, { method: 'POST', headers: { authorization: 'Bearer nope' } });
    expect(wrong.status).toBe(401);
    const unknown = await fetch(`${server.url}/api/constructor`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(await unknown.json()).toMatchObject({ error: { code: 'invalid_input' } });
    const port = Number(new URL(server.url).port);
    await expect(serveControl(toyDesk(), { token: TOKEN, host: '127.0.0.1', port, log: silentLogger })).rejects.toThrow(
      /taken/,
    );
  });

  it('says that the controller is gone', async () => {
    const server = await serveControl(toyDesk(), { token: TOKEN, host: '127.0.0.1', port: 0, log: silentLogger });
    const desk = connectDesk({ pid: process.pid, url: server.url, token: TOKEN, version: '0', started_at: '' });
    await server[Symbol.asyncDispose]();
    await expect(desk.crews()).rejects.toBeInstanceOf(Unavailable);
  });
});
