import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/infra/clock.ts';
import { openSocket, type Socket } from '../../../src/infra/socket.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { InvalidInput, Unavailable } from '../../../src/kit/errors.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { marketKey } from '../../../src/market/domain/records.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/market/simulator/server.ts';

const START = Date.UTC(2026, 1, 3, 4, 5, 6, 789);

interface Client {
  readonly socket: Socket;
  readonly texts: string[];
  /** Frames that are JSON, unwrapped. */
  frames(): Record<string, unknown>[];
  readonly closed: () => boolean;
}

const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function start(options: Partial<SimulatorOptions> = {}): Promise<{ simulator: Simulator; clock: ManualClock }> {
  const clock = new ManualClock(START);
  const simulator = await startSimulator({
    seed: 7,
    speed: 1,
    faults: [],
    clock,
    log: silentLogger,
    symbols: ['BTCUSDT', 'BRETTUSDT'],
    ...options,
  });
  opened.push(simulator);
  return { simulator, clock };
}

async function connect(url: string, subscribe: readonly string[] = []): Promise<Client> {
  const texts: string[] = [];
  let closed = false;
  const socket = await openSocket({
    url,
    clock: systemClock,
    connectTimeoutMs: 2000,
    onFrame: (bytes) => texts.push(Buffer.from(bytes).toString()),
    onClose: () => (closed = true),
  });
  opened.push({ [Symbol.asyncDispose]: () => socket.close() });
  for (const text of subscribe) socket.send(text);
  return {
    socket,
    texts,
    frames: () => texts.map((text) => JSON.parse(text) as Record<string, unknown>),
    closed: () => closed,
  };
}

/** Waits for the loopback to deliver. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never: ${what}`);
}

function address(simulator: Simulator, market: string, name: string): string {
  const found = simulator.addresses[market]?.[name];
  if (found === undefined) throw new Error(`no address ${market} ${name}`);
  return found;
}

describe('the simulated venues', () => {
  it('replaces the addresses of the venues, paths and all', async () => {
    const { simulator } = await start();
    const all = simulators.flat().map((venue) => marketKey(venue.exchange, venue.market));
    expect(Object.keys(simulator.addresses).sort()).toEqual(all.sort());
    expect(address(simulator, 'binance_futures', 'public')).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/public$/);
    expect(address(simulator, 'bybit_futures', 'stream')).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/v5\/public\/linear$/);
    expect(address(simulator, 'bybit_spot', 'rest')).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('streams on combined and raw paths of Binance what the model says, each frame once', async () => {
    const { simulator, clock } = await start();
    const market = simulator.markets.get('binance_futures');
    const combined = await connect(
      `${address(simulator, 'binance_futures', 'market')}/stream?streams=btcusdt@aggTrade`,
    );
    const raw = await connect(
      `${address(simulator, 'binance_futures', 'rest').replace('http', 'ws')}/ws/btcusdt@aggTrade`,
    );
    for (const step of [50, 333, 1, 2616, 7000]) await clock.advance(step);
    const trades = market?.trades('BTCUSDT', START, simulator.now()) ?? [];
    const due = trades.filter((t) => t.at < simulator.now() - 50);
    expect(due.length).toBeGreaterThan(10);
    await until(() => combined.texts.length >= due.length && raw.texts.length >= due.length, 'all trades');
    const wrapped = combined.frames() as { stream: string; data: { a: number } }[];
    expect(new Set(wrapped.map((f) => f.stream))).toEqual(new Set(['btcusdt@aggTrade']));
    expect(wrapped.map((f) => f.data.a)).toEqual(trades.slice(0, wrapped.length).map((t) => t.id));
    expect(raw.frames()).toEqual(wrapped.map((f) => f.data));
  });

  it('takes Binance subscriptions, lists and ends them, and answers nonsense as Binance does', async () => {
    const { simulator, clock } = await start();
    const client = await connect(`${address(simulator, 'binance_spot', 'stream')}/ws`);
    client.socket.send('{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":1}');
    client.socket.send('{"method":"LIST_SUBSCRIPTIONS","id":3}');
    client.socket.send('{"method":"NONSENSE","id":4}');
    client.socket.send('{nonsense');
    await until(() => client.texts.length === 4, 'four answers');
    expect(client.frames().slice(0, 2)).toEqual([
      { result: null, id: 1 },
      { result: ['btcusdt@bookTicker'], id: 3 },
    ]);
    expect(client.frames()[2]).toMatchObject({ error: { code: 2 }, id: 4 });
    expect(client.frames()[3]).toMatchObject({ error: { code: 3 } });
    await clock.advance(1000);
    await until(() => client.texts.length >= 13, 'book tickers');
    client.socket.send('{"method":"UNSUBSCRIBE","params":["btcusdt@bookTicker"],"id":312}');
    await until(() => client.texts.at(-1) === '{"result":null,"id":312}', 'the end');
    const count = client.texts.length;
    await clock.advance(1000);
    expect(client.texts.length).toBe(count);
  });

  it('acknowledges Bybit subscriptions, sends snapshots first and refuses unknown topics', async () => {
    const { simulator, clock } = await start();
    const client = await connect(address(simulator, 'bybit_futures', 'stream'));
    client.socket.send('{"op":"subscribe","req_id":"a","args":["orderbook.50.BTCUSDT","publicTrade.BTCUSDT"]}');
    await until(() => client.texts.length === 2, 'acknowledgement and snapshot');
    expect(client.frames()[0]).toMatchObject({ success: true, op: 'subscribe', req_id: 'a' });
    expect(client.frames()[1]).toMatchObject({ topic: 'orderbook.50.BTCUSDT', type: 'snapshot' });
    client.socket.send('{"op":"ping"}');
    client.socket.send('{"op":"subscribe","args":["publicTrade.NOPEUSDT"]}');
    await until(() => client.texts.length === 4, 'pong and refusal');
    expect(client.frames()[2]).toMatchObject({ success: true, ret_msg: 'pong', op: 'ping' });
    expect(client.frames()[3]).toMatchObject({
      success: false,
      ret_msg: expect.stringContaining('publicTrade.NOPEUSDT'),
    });
    await clock.advance(300);
    await until(() => client.texts.length >= 7, 'changes');
    const changes = client
      .frames()
      .slice(4)
      .filter((f) => f['topic'] === 'orderbook.50.BTCUSDT') as { type: string; data: { u: number } }[];
    const first = (client.frames()[1] as { data: { u: number } }).data.u;
    expect(changes.map((c) => [c.type, c.data.u])).toEqual(changes.map((_, i) => ['delta', first + 1 + i]));
    // As the collector does to get its book again.
    client.socket.send('{"op":"unsubscribe","args":["orderbook.50.BTCUSDT"]}');
    client.socket.send('{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}');
    await until(
      () =>
        client.frames().filter((f) => f['type'] === 'snapshot' && f['topic'] === 'orderbook.50.BTCUSDT').length === 2,
      'a second snapshot',
    );
  });

  it('limits a spot request of Bybit to ten topics', async () => {
    const { simulator } = await start();
    const args = Array.from({ length: 11 }, () => 'publicTrade.BTCUSDT');
    const client = await connect(address(simulator, 'bybit_spot', 'stream'), [
      JSON.stringify({ op: 'subscribe', args }),
    ]);
    await until(() => client.texts.length === 1, 'the refusal');
    expect(client.frames()[0]).toMatchObject({ success: false, ret_msg: 'args size >10' });
  });

  it('begins tickers when their 24 h window is ready, with the snapshot first', async () => {
    const { simulator, clock } = await start({ symbols: ['BRETTUSDT'] });
    const client = await connect(address(simulator, 'bybit_futures', 'stream'), [
      '{"op":"subscribe","args":["tickers.BRETTUSDT"]}',
    ]);
    await until(() => client.texts.length === 1, 'the acknowledgement');
    // A clock that stands still while windows are prepared lets a pump go on until all is ready.
    await clock.advance(100);
    await until(() => client.texts.length >= 2, 'the snapshot');
    expect(client.frames()[1]).toMatchObject({ topic: 'tickers.BRETTUSDT', type: 'snapshot' });
    const ticker = simulator.markets
      .get('bybit_futures')
      ?.ticker('BRETTUSDT', Math.floor(simulator.now() / 1000) * 1000);
    expect((client.frames()[1] as { data: { volume24h: string } }).data.volume24h).toBe(String(ticker?.volume));
    await clock.advance(1000);
    await until(() => client.texts.length >= 11, 'changes');
    expect(client.frames()[2]).toMatchObject({ type: 'delta' });
  });

  it('serves REST with weights, and refuses beyond the limit', async () => {
    const { simulator, clock } = await start();
    const rest = address(simulator, 'binance_futures', 'rest');
    const time = await fetch(`${rest}/fapi/v1/time`);
    expect(await time.json()).toEqual({ serverTime: START });
    expect(time.headers.get('x-mbx-used-weight-1m')).toBe('1');
    const wrong = await fetch(`${rest}/fapi/v1/depth?symbol=NOPEUSDT`);
    expect([wrong.status, await wrong.json()]).toEqual([400, { code: -1121, msg: 'Invalid symbol.' }]);
    expect((await fetch(`${rest}/fapi/v1/depth`)).status).toBe(400);
    expect((await fetch(`${rest}/nowhere`)).status).toBe(404);
    let last = 200;
    for (let i = 0; i < 130 && last === 200; i++)
      last = (await fetch(`${rest}/fapi/v1/aggTrades?symbol=BRETTUSDT&limit=1`)).status;
    expect(last).toBe(429);
    await clock.advance(60_000);
    expect((await fetch(`${rest}/fapi/v1/time`)).status).toBe(200);
  });

  it('keeps the limits of history', async () => {
    const { simulator } = await start();
    const hour = 3_600_000;
    const get = async (market: string, path: string): Promise<unknown> =>
      (await fetch(`${address(simulator, market, 'rest')}${path}`)).json();
    const trades = `/fapi/v1/aggTrades?symbol=BTCUSDT&limit=5000`;
    expect(await get('binance_futures', trades)).toHaveLength(1000);
    expect(
      await get('binance_futures', `${trades}&startTime=${START - 2 * hour}&endTime=${START - hour / 2}`),
    ).toMatchObject({ code: -1127 });
    const old = (await get('binance_futures', `${trades}&startTime=${START - 96 * hour}`)) as { T: number }[];
    expect(old[0]?.T).toBeGreaterThanOrEqual(START - 48 * hour);
    expect(await get('binance_spot', '/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=9999')).toHaveLength(1000);
    const recent = async (market: string, category: string): Promise<unknown[]> =>
      (
        (await get(market, `/v5/market/recent-trade?category=${category}&symbol=BTCUSDT&limit=1000`)) as {
          result: { list: unknown[] };
        }
      ).result.list;
    expect(await recent('bybit_futures', 'linear')).toHaveLength(1000);
    expect(await recent('bybit_spot', 'spot')).toHaveLength(60);
    expect(await get('bybit_spot', '/v5/market/kline?category=linear&symbol=BTCUSDT&interval=1')).toMatchObject({
      retCode: 10001,
    });
  });

  it('refuses paths that the venue does not have', async () => {
    const { simulator } = await start();
    await expect(
      connect(`${address(simulator, 'binance_spot', 'rest').replace('http', 'ws')}/nowhere`),
    ).rejects.toThrow(Unavailable);
  });

  it('adds a cold day up in turns, and answers as if it had been at once', async () => {
    const { simulator } = await start();
    const rest = address(simulator, 'binance_futures', 'rest');
    const order: string[] = [];
    const day = fetch(`${rest}/fapi/v1/ticker/24hr`).finally(() => order.push('day'));
    await Promise.all([day, fetch(`${rest}/fapi/v1/time`).finally(() => order.push('time'))]);
    // What was asked later did not wait for the day to be added up.
    expect(order).toEqual(['time', 'day']);
    const rows = (await (await day).json()) as { symbol: string; count: number }[];
    const fresh = (await start()).simulator.markets.get('binance_futures');
    expect(rows.map((row) => [row.symbol, row.count])).toEqual(
      ['BTCUSDT', 'BRETTUSDT'].map((symbol) => [symbol, fresh?.ticker(symbol, START).count]),
    );
  });

  it('continues the same market after a restart', async () => {
    const first = await start();
    const trades = first.simulator.markets.get('bybit_spot')?.trades('BTCUSDT', START - 60_000, START);
    await first.simulator.stop();
    await first.simulator.stop();
    const second = await start({ clock: new ManualClock(START + 86_400_000) });
    expect(second.simulator.markets.get('bybit_spot')?.trades('BTCUSDT', START - 60_000, START)).toEqual(trades);
  });

  it('runs faster when told to', async () => {
    const { simulator, clock } = await start({ speed: 60 });
    let fired = false;
    simulator.clock.schedule(60_000, () => (fired = true));
    await clock.advance(999);
    expect(fired).toBe(false);
    await clock.advance(1);
    expect(fired).toBe(true);
    expect([simulator.now(), simulator.clock.monotonicMs()]).toEqual([START + 60_000, 60_000]);
  });

  it('drops connections, refuses for the duration, and tells', async () => {
    const { simulator, clock } = await start({ faults: ['disconnect@1s/2s:binance_spot,http429@1s/5s:binance_spot'] });
    const url = `${address(simulator, 'binance_spot', 'stream')}/stream?streams=btcusdt@aggTrade`;
    // Offsets count from the first connection, not from the start.
    await clock.advance(3000);
    const client = await connect(url);
    await clock.advance(950);
    expect(client.closed()).toBe(false);
    await clock.advance(150);
    await until(client.closed, 'the drop');
    await expect(connect(url)).rejects.toThrow(Unavailable);
    const refused = await fetch(`${address(simulator, 'binance_spot', 'rest')}/api/v3/time`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    await clock.advance(2000);
    const again = await connect(url);
    await clock.advance(5000);
    await until(() => again.texts.length > 0, 'trades again');
    expect(simulator.faults()).toMatchObject([
      { name: 'disconnect', at: START + 4000, market: 'binance_spot' },
      { name: 'http429', at: START + 4100, market: 'binance_spot' },
    ]);
  });

  it('heals what a spike spoiled for clients that merge changes', async () => {
    const { simulator, clock } = await start({ symbols: ['BRETTUSDT'] });
    const client = await connect(address(simulator, 'bybit_futures', 'stream'), [
      '{"op":"subscribe","args":["tickers.BRETTUSDT"]}',
    ]);
    await until(() => client.texts.length === 1, 'the acknowledgement');
    await clock.advance(100);
    await until(() => client.texts.length >= 2, 'the snapshot');
    simulator.injectFault('spike@200ms:bybit_futures');
    await clock.advance(2000);
    await until(() => client.texts.length >= 20, 'frames');
    const merged: Record<string, string> = {};
    const highest: number[] = [];
    for (const frame of client.frames().slice(1) as { data: Record<string, string> }[]) {
      Object.assign(merged, frame.data);
      highest.push(Number(merged['bid1Price']));
    }
    const bid = simulator.markets.get('bybit_futures')?.book('BRETTUSDT', simulator.now(), 1).bids[0]?.[0] ?? 0;
    expect(Math.max(...highest)).toBeGreaterThan(bid * 1.8);
    expect(highest.filter((price) => price > bid * 1.5)).toHaveLength(1);
    expect(simulator.faults()).toMatchObject([{ name: 'spike', market: 'bybit_futures' }]);
  });

  it('sends nothing twice when the clock goes back, and cuts connections after a long pause', async () => {
    const { simulator, clock } = await start();
    const client = await connect(`${address(simulator, 'binance_futures', 'market')}/stream?streams=btcusdt@aggTrade`);
    await clock.advance(3000);
    clock.jump(-2000);
    await clock.advance(4000);
    const due = simulator.markets.get('binance_futures')?.trades('BTCUSDT', START, START + 4900) ?? [];
    await until(() => client.texts.length >= due.length, 'trades');
    const ids = (client.frames() as { data: { a: number } }[]).map((f) => f.data.a);
    expect(ids).toEqual(ids.map((_, i) => (due[0]?.id ?? 0) + i));
    clock.jump(24 * 3_600_000);
    await clock.advance(100);
    await until(client.closed, 'the cut');
  });

  it('names what is wrong before it starts', async () => {
    await expect(start({ faults: ['gap@5s,nonsense@1s'] })).rejects.toThrow(InvalidInput);
    const { simulator } = await start();
    expect(() => simulator.injectFault('gap')).toThrow(InvalidInput);
    const port = Number(new URL(address(simulator, 'binance_futures', 'rest')).port);
    await expect(start({ port })).rejects.toThrow(Unavailable);
  });
});
