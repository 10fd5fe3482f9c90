import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/infra/clock.ts';
import type { Clock } from '../../../src/kit/clock.ts';
import { Conflict, InvalidInput, NotFound, Stale, Unavailable } from '../../../src/kit/errors.ts';
import { type Logger, silentLogger } from '../../../src/kit/logger.ts';
import { DEFAULT_SYMBOLS } from '../../../src/market/domain/instrument.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { textOfBytes } from '../../../src/market/domain/tape.ts';
import { verifyTape } from '../../../src/market/collect/tape/inspect.ts';
import { readTape } from '../../../src/market/collect/tape/reader.ts';
import type { StoredRecord } from '../../../src/market/domain/records.ts';
import { MemoryStore, collect, temporaryFolder, until } from './support.ts';
import { openDesk } from './toy-desk.ts';
import { SYMBOLS, ToyServer, toyVenue, type ToyMessage } from './toy-venue.ts';

/** Recent, so that holes are within what is fetched. */
const NOW = Date.now() - 60_000;

function trade(id: number, symbol: string = SYMBOLS[0]): ToyMessage {
  return { type: 'trade', symbol, id, price: 10 + id / 10, at: NOW + id };
}

// Some seconds old, the later ones less: each is kept by the sampler, none is too old to be read.
function book(kind: 'snapshot' | 'delta', seq: number, bid: number, ask = 20, ageMs = 30_000 - seq * 2000): ToyMessage {
  const at = Date.now() - ageMs;
  return { type: 'book', symbol: SYMBOLS[0], kind, seq, bids: [[bid, 1]], asks: [[ask, 1]], at };
}

function trades(rows: readonly StoredRecord[]): string[] {
  return rows.flatMap((row) => (row.stream === 'trades' ? [`${row.trade_id} ${row.origin}`] : []));
}

test('a message that the venue wants answered is answered on its connection, live only', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const tapeDir = join(folder.path, 'tape');
  {
    await using desk = await openDesk({ server, folder: folder.path });
    server.send('{"type":"are_you_there"}');
    await until(() => server.received.includes('{"op":"here"}'), 'the answer');
    await desk.collector.stop();
  }
  const items = await collect(readTape(tapeDir));
  expect(items.some(({ item }) => item.kind === 'frame' && textOfBytes(item.bytes).includes('are_you_there'))).toBe(
    true,
  );
  server.received.length = 0;
  await using again = await openDesk({ server, folder: folder.path });
  await until(() => server.received.length > 0, 'the subscription');
  expect(server.received).not.toContain('{"op":"here"}');
  expect(again.collector.status().running).toBe(true);
});

test('subscriptions and pings bear the time of sending where the venue wants it', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const plan = toyVenue().markets[0]?.plan;
  if (plan === undefined) throw new Error('no plan');
  const stamp = (text: string, now: number): string => text.replace('{', `{"time":${now},`);
  await using desk = await openDesk({
    server,
    folder: folder.path,
    venue: { plan: (instruments, streams) => plan(instruments, streams).map((one) => ({ ...one, stamp })) },
  });
  await until(() => server.received.some((text) => text.includes('"ping"')), 'a ping');
  expect(desk.collector.status().running).toBe(true);
  const times = server.received.map((text) => (JSON.parse(text) as { time: number }).time);
  expect(times.every((time) => Math.abs(time - Date.now()) < 60_000)).toBe(true);
  expect(server.received.some((text) => text.includes('"subscribe"'))).toBe(true);
});

test('a call with a body is posted, and its answer is stored and replayed like any other', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const interest = {
    request: ({ symbol }: { symbol?: string | undefined }) => ({
      address: 'rest',
      path: `/interest?symbol=${symbol ?? ''}`,
      body: JSON.stringify({ type: 'interest', symbol }),
      weight: 1,
    }),
    decode: () => ({ kind: 'control', what: 'unused' }) as const,
  };
  const venue = toyVenue().markets[0]?.rest;
  await using desk = await openDesk({
    server,
    folder: folder.path,
    venue: { rest: { ...venue, open_interest: interest } },
  });
  await until(() => desk.store.rows.some(({ stream }) => stream === 'open_interest'), 'a polled record');
  expect(server.posted).toContain(`{"type":"interest","symbol":"${SYMBOLS[0]}"}`);
  await desk.collector.stop();
  const items = await collect(readTape(desk.tapeDir));
  expect(items.filter(({ item }) => item.kind === 'rest' && item.call === 'open_interest')).not.toEqual([]);
});

test.each([
  ['the default list is named calmly', DEFAULT_SYMBOLS, 'info'],
  ['a list that a person chose is warned of', [...DEFAULT_SYMBOLS, 'NOSUCHUSDT'], 'warn'],
] as const)('what a venue does not list of %s', async (_, symbols, level) => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const told: string[] = [];
  const log: Logger = {
    ...silentLogger,
    info: (event) => void told.push(`info ${event}`),
    warn: (event) => void told.push(`warn ${event}`),
    child: () => log,
  };
  await using _desk = await openDesk({ server, folder: folder.path, collect: { symbols }, more: { log } });
  expect(told.filter((line) => line.endsWith('symbols_not_trading'))).toEqual([`${level} collect.symbols_not_trading`]);
});

test('frames go on the tape and their records into the store, with the position reached', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector, store, events, tapeDir } = desk;
  expect(store.ensured.map(({ symbol, stream }) => `${symbol} ${stream}`).sort()).toEqual(
    SYMBOLS.flatMap((symbol) => ['open_interest', 'orderbooks', 'trades'].map((stream) => `${symbol} ${stream}`)),
  );
  server.send(trade(1), trade(2), book('snapshot', 1, 10), book('delta', 2, 11));
  await until(() => trades(store.rows).length === 2, 'two trades');
  await collector.flush();
  expect(trades(store.rows)).toEqual(['1 live', '2 live']);
  expect(store.rows.filter(({ stream }) => stream === 'orderbooks')).toMatchObject([
    { seq: 1, bids: [[10, 1]], asks: [[20, 1]], total_bid_depth: 1 },
    {
      seq: 2,
      bids: [
        [11, 1],
        [10, 1],
      ],
      total_bid_depth: 2,
    }, // prettier-ignore
  ]);
  expect(collector.book('toy', 'spot', SYMBOLS[0], 1)).toMatchObject({ bids: [[11, 1]], asks: [[20, 1]], seq: 2 });
  await until(() => store.rows.some(({ stream }) => stream === 'open_interest'), 'a polled record');
  await until(() => server.received.includes('{"op":"ping"}'), 'an application ping');
  const status = collector.status();
  expect(status).toMatchObject({
    source: 'live',
    running: true,
    frames_total: 4,
    frames_rejected: 0,
    store_error: null,
  });
  expect(status.series.find((s) => s.stream === 'trades')).toMatchObject({ state: 'live', rows: 2, gaps: 0 });
  expect(events.of('streaming.started')).toHaveLength(1);
  await collector.stop();
  expect((await verifyTape(tapeDir)).intact).toBe(true);
  const items = await collect(readTape(tapeDir));
  expect(items[0]?.item).toMatchObject({ kind: 'rest', call: 'instruments' });
  expect(items.filter(({ item }) => item.kind === 'connected')).toHaveLength(1);
  expect(items.findLast(({ item }) => item.kind === 'disconnected')?.item).toMatchObject({ reason: 'stopped' });
  expect(store.reached).toEqual(items.at(-1)?.position);
});

test('a cut connection is an item, is reported, comes back, and its trades are fetched', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector, store, events } = desk;
  server.send(trade(1), book('snapshot', 1, 10));
  await until(() => collector.status().frames_total === 2, 'the first frames');
  server.answers['/trades'] = () => ({ body: JSON.stringify([trade(1), trade(2), trade(3)]) });
  server.cut();
  await until(() => events.of('streaming.stopped').length === 1, 'the loss');
  expect(() => collector.book('toy', 'spot', SYMBOLS[0], 1)).toThrow(Stale);
  await until(() => events.of('streaming.started').length === 2, 'the connection to come back');
  server.send(trade(4));
  await until(() => collector.backfills().some(({ status }) => status === 'done'), 'the backfill');
  await collector.flush();
  expect(trades(store.rows).sort()).toEqual(['1 backfill', '1 live', '2 backfill', '3 backfill', '4 live']);
  expect(events.of('data.gap_detected').map(({ data }) => data.kind)).toContain('disconnect');
  expect(collector.status().connections[0]).toMatchObject({ state: 'connected', reconnects: 1 });
  const [asked] = server.requests.filter((path) => path.startsWith('/trades'));
  expect(asked).toContain(`from=${NOW + 1}`);
  const ids = (await collect(readTape(desk.tapeDir))).flatMap(({ item }) =>
    item.kind === 'connected' ? [item.connection] : [],
  );
  expect(new Set(ids).size).toBe(2);
});

test('missing trade ids are told as a gap and fetched; late and repeated ones are not', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector, store, events } = desk;
  server.answers['/trades'] = (url) => ({
    body: JSON.stringify(url.searchParams.get('symbol') === SYMBOLS[0] ? [trade(2), trade(3)] : []),
  });
  server.send(trade(1), trade(4), trade(4), trade(2, SYMBOLS[1]), trade(3, SYMBOLS[1]), trade(2, SYMBOLS[1]));
  await until(() => collector.backfills().some(({ status }) => status === 'done'), 'the backfill');
  expect(events.of('data.gap_detected').map(({ data }) => data)).toMatchObject([
    { kind: 'trade_ids', symbol: SYMBOLS[0], stream: 'trades', details: { from_id: 2, to_id: 3, missing: 2 } },
  ]);
  await collector.flush();
  expect(trades(store.rows).filter((text) => text.endsWith('backfill'))).toEqual(['2 backfill', '3 backfill']);
});

test('what is changed of collecting while it runs is used from then on', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const parsed = marketConfigSchema.parse({
    source: 'live',
    collect: { exchanges: ['toy'], symbols: [...SYMBOLS], flush_interval_ms: 50, tape_flush_ms: 5 },
  });
  const waits: number[] = [];
  const clock: Clock = {
    now: () => systemClock.now(),
    monotonicMs: () => systemClock.monotonicMs(),
    schedule: (ms, work) => {
      waits.push(ms);
      return systemClock.schedule(ms, work);
    },
  };
  let changes: object = {};
  const config = Object.defineProperty({ ...parsed }, 'collect', { get: () => ({ ...parsed.collect, ...changes }) });
  await using desk = await openDesk({ server, folder: folder.path, more: { config, clock } });
  const { collector, events } = desk;
  const asked = () => server.requests.filter((path) => path.startsWith('/trades')).length;
  server.answers['/trades'] = () => ({ body: '[]' });
  server.send(trade(1), trade(4));
  await until(() => collector.backfills().some(({ status }) => status === 'done'), 'the backfill');
  const before = asked();
  expect(waits).not.toContain(4321);
  changes = { auto_backfill: false, flush_interval_ms: 4321 };
  await until(() => waits.includes(4321), 'a commit planned by the new interval');
  server.send(trade(5), trade(9));
  await until(() => events.of('data.gap_detected').some(({ data }) => data.details?.from_id === 6), 'the hole');
  changes = { auto_backfill: true };
  server.send(trade(12));
  await until(() => asked() > before, 'the next request for trades');
  const from = server.requests.filter((path) => path.startsWith('/trades')).map((path) => /from=(\d+)/.exec(path)?.[1]);
  expect(from).toEqual([String(NOW + 1), String(NOW + 9)]);
});

test('a gap in a book makes it unreadable at once and asks for a snapshot', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector, events } = desk;
  expect(() => collector.book('toy', 'spot', SYMBOLS[0], 1)).toThrow(Stale);
  expect(() => collector.book('toy', 'spot', 'CCUSDT', 1)).toThrow(NotFound);
  server.send(book('snapshot', 1, 10), book('delta', 3, 11));
  await until(() => events.of('data.gap_detected').length === 1, 'the gap');
  expect(() => collector.book('toy', 'spot', SYMBOLS[0], 1)).toThrow(/not valid now \(gap\)/);
  await until(() => server.received.some((text) => text.includes('"book"')), 'the request for a snapshot');
  server.send(book('snapshot', 7, 12));
  await until(() => collector.status().frames_total === 3, 'the snapshot');
  expect(collector.book('toy', 'spot', SYMBOLS[0], 1).bids).toEqual([[12, 1]]);
  server.send(book('delta', 8, 21));
  await until(() => events.of('data.quality_alert').length === 1, 'the alert');
  expect(events.of('data.quality_alert')[0]?.data).toMatchObject({ alert_type: 'crossed_book', stream: 'orderbooks' });
  expect(() => collector.book('toy', 'spot', SYMBOLS[0], 1)).toThrow(/crossed/);
});

test('a book that the venue sent long ago is not readable, though it came just now', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector } = desk;
  server.send(book('snapshot', 1, 10, 20, 300_000));
  await until(() => collector.status().frames_total === 1, 'the book');
  const read = () => collector.book('toy', 'spot', SYMBOLS[0], 1);
  expect(read).toThrow(Stale);
  expect(read).toThrow(/ms old when it came: .*cannot keep up/);
  server.send(book('delta', 2, 11));
  await until(() => collector.status().frames_total === 2, 'a change of now');
  expect(read().bids).toEqual([[11, 1]]);
});

test('frames that cannot be read are counted and told once, and nothing stops', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector, events, store } = desk;
  server.send('{"type":', '[]x', '{"type":"unheard"}', trade(1));
  await until(() => trades(store.rows).length === 1, 'the trade');
  expect(collector.status()).toMatchObject({ frames_total: 4, frames_rejected: 3, connections: [{ rejected: 3 }, {}] });
  expect(events.of('data.quality_alert').map(({ data }) => data)).toMatchObject([{ alert_type: 'malformed' }]);
});

test('a series that falls silent is stale, is told, and its connection is opened anew', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const streams = { trades: { via: 'websocket', staleAfterMs: 200 } } as const;
  await using desk = await openDesk({ server, folder: folder.path, venue: { streams } });
  const { collector, events } = desk;
  server.send(trade(1));
  await until(() => events.of('data.quality_alert').length === 2, 'both alerts');
  expect(events.of('data.quality_alert')[0]?.data).toMatchObject({
    alert_type: 'stale',
    details: { stale_after_ms: 200 },
  });
  await until(() => events.of('streaming.started').length === 2, 'the new connection');
  expect(events.of('streaming.stopped')[0]?.data.reason).toContain('silent');
  server.send(trade(2));
  await until(() => collector.status().series.some(({ state }) => state === 'live'), 'life');
  expect(events.of('streaming.health_change').some(({ data }) => data.streams_stale === 2)).toBe(true);
});

test('rotation opens the next connection before it drops the old one, and loses nothing', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  let open = 0;
  let most = 0;
  let id = 0;
  server.onOpen = (client) => {
    most = Math.max(most, ++open);
    client.on('close', () => open--);
    client.send(JSON.stringify(book('snapshot', 1, 10)));
    client.send(JSON.stringify({ ...book('snapshot', 1, 10), symbol: SYMBOLS[1] }));
  };
  const limits = {
    streamsPerConnection: 100,
    argsPerSubscribe: 10,
    messagesPerSecond: 100,
    rotateAfterMs: 300,
    restWeightPerMinute: 1000,
  };
  await using desk = await openDesk({ server, folder: folder.path, venue: { limits } });
  const { events, store, collector } = desk;
  const feed = setInterval(() => server.send(trade(++id)), 10);
  await until(() => events.of('streaming.started').length >= 3, 'two rotations');
  clearInterval(feed);
  await collector.flush();
  const last = id;
  await until(() => trades(store.rows).includes(`${last} live`), 'the last trade');
  expect(most).toBe(2);
  expect(events.of('data.gap_detected')).toEqual([]);
  expect(events.of('streaming.stopped')).toEqual([]);
  const seen = new Set(trades(store.rows).map((text) => Number(text.split(' ')[0])));
  expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  const items = await collect(readTape(desk.tapeDir));
  const ends = items.flatMap(({ item }) => (item.kind === 'disconnected' ? [item.reason] : []));
  expect(ends[0]).toBe('rotation');
});

test('after failed attempts REST takes over, and the socket takes back', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path, collect: { fallback_after_attempts: 2 } });
  const { collector, events } = desk;
  await until(() => events.of('streaming.started').length === 1, 'the first connection');
  server.refuseWith = { status: 503 };
  server.cut();
  await until(() => server.requests.some((path) => path.startsWith('/trades')), 'polling');
  expect(collector.status().connections[0]).toMatchObject({ mode: 'rest' });
  expect(['backing_off', 'connecting']).toContain(collector.status().connections[0]?.state);
  expect(events.of('streaming.error')[0]?.data).toMatchObject({
    attempt: 1,
    reason: expect.stringContaining('503') as string,
  });
  server.refuseWith = undefined;
  await until(() => collector.status().connections[0]?.mode === 'websocket', 'the socket');
  await collector.setMode('toy', 'spot', 'rest');
  expect(collector.status().connections.map(({ mode }) => mode)).toEqual(['rest']);
  await collector.setMode('toy', 'spot', 'websocket');
  await until(() => collector.status().connections[0]?.state === 'connected', 'the socket again');
});

test('a 429 with Retry-After is honoured', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  server.refuseWith = { status: 429, retryAfter: '1' };
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector, events } = desk;
  await until(() => events.of('streaming.error').length >= 1, 'the refusal');
  expect(events.of('streaming.error')[0]?.data.delay_ms).toBe(1000);
  expect(collector.status().rate_limits[0]?.blocked_until).toBeGreaterThan(Date.now());
  server.refuseWith = undefined;
  const { upgrades } = server;
  await until(() => events.of('streaming.started').length === 1, 'the connection');
  expect(server.upgrades).toBe(upgrades + 1);
});

test('a refused poll is told once with how many came in a row, and halves what follows', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector, events } = desk;
  server.answers['/trades'] = () => ({ status: 429, body: '' });
  await collector.setMode('toy', 'spot', 'rest');
  await until(() => events.of('streaming.rate_limited').length === 1, 'the refusal');
  const told = events.of('streaming.rate_limited')[0]?.data;
  expect(told).toMatchObject({ exchange: 'toy', market: 'spot', refused_in_a_row: 1 });
  // What is left of the 10 s when it is told.
  expect(told?.retry_after_ms).toBeGreaterThan(0);
  expect(told?.retry_after_ms).toBeLessThanOrEqual(10_000);
  const [host] = collector.status().rate_limits;
  expect(host).toMatchObject({ refused_in_a_row: 1 });
  expect((host?.halved_until ?? 0) - (host?.blocked_until ?? 0)).toBe(300_000);
});

test('start fails when a connection is required and no venue is reached, and says what was tried', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  server.answers['/instruments'] = () => ({ status: 451, body: 'restricted location' });
  await using desk = await openDesk({
    server,
    folder: folder.path,
    start: false,
    more: { requireConnection: { timeoutMs: 300 } },
  });
  const started = desk.collector.start();
  await expect(started).rejects.toThrow(Unavailable);
  await expect(started).rejects.toThrow(/toy_spot: .*restricted location.*HTTP 451.*HTTPS_PROXY/);
  await expect(desk.collector.start()).rejects.toThrow(Conflict);
});

test('a tape folder that cannot be written is told at the start', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await writeFile(join(folder.path, 'tape'), 'in the way');
  await using desk = await openDesk({ server, folder: folder.path, start: false });
  await expect(desk.collector.start()).rejects.toThrow(/tape/);
  expect(desk.collector.status()).toMatchObject({ running: false, frames_total: 0 });
});

test('unknown names are refused with the nearest known one', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const desk = openDesk({ server, folder: folder.path, collect: { exchanges: ['toi_spot'] } });
  await expect(desk).rejects.toThrow(InvalidInput);
  await expect(desk).rejects.toThrow(/toi_spot.*did you mean toy_spot/);
});

test('streams can be stopped and started, and asked for what is not there', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector } = desk;
  const key = { exchange: 'toy', market: 'spot', symbol: SYMBOLS[1], stream: 'trades' } as const;
  await collector.stopStream(key);
  const subscribed = (): unknown =>
    JSON.parse(server.received.findLast((text) => text.includes('"subscribe"')) ?? '{}');
  await until(() => server.received.filter((text) => text.includes('"subscribe"')).length >= 3, 'new subscriptions');
  expect(collector.status().series.find((s) => s.symbol === SYMBOLS[1] && s.stream === 'trades')?.state).toBe(
    'stopped',
  );
  await collector.startStream(key);
  await until(() => JSON.stringify(subscribed()).includes(SYMBOLS[1]), 'the subscription');
  await expect(collector.startStream({ ...key, symbol: 'ZZUSDT' })).rejects.toThrow(InvalidInput);
  await expect(collector.startStream({ ...key, exchange: 'nowhere' })).rejects.toThrow(NotFound);
  await expect(collector.reconnect('nowhere', undefined, 'x')).rejects.toThrow(NotFound);
  expect(() => collector.setPolling('toy', 'spot', 'open_interest', 10)).toThrow(InvalidInput);
  expect(await collector.reconnect('toy', 'spot', 'asked')).not.toEqual([]);
});

test('a restart recovers what was on the tape and not yet in the store', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const first = await openDesk({ server, folder: folder.path });
  server.send(trade(1), trade(2), book('snapshot', 1, 10), book('delta', 2, 11), trade(3));
  await until(() => first.collector.status().frames_total === 5, 'the frames');
  await first.collector.stop();
  const whole = trades(first.store.rows);
  expect(whole).toEqual(['1 live', '2 live', '3 live']);

  // The store lost its last commits, as after a crash between tape and store.
  const items = await collect(readTape(first.tapeDir));
  const second = items.find(({ item }) => item.kind === 'frame' && textOfBytes(item.bytes).includes('"id":2'));
  const store = new MemoryStore();
  store.reached = second?.position ?? null;
  await using desk = await openDesk({ server, folder: folder.path, store });
  expect(trades(store.rows)).toEqual(['3 live']);
  expect(desk.events.of('system.recovered')[0]?.data).toMatchObject({ what: 'market database', lost: null });
  await until(() => desk.events.of('streaming.started').length === 1, 'the connection');
  server.send(trade(4));
  await until(() => trades(store.rows).includes('4 live'), 'new data');
  await desk.collector.stop();
  const all = await collect(readTape(desk.tapeDir));
  expect(new Set(all.map(({ position }) => position.segment))).toEqual(new Set([1, 2]));
  expect((await verifyTape(desk.tapeDir)).damage).toEqual([]);
});

test('another tape goes through the same pipeline', async () => {
  await using folder = await temporaryFolder();
  await using other = await temporaryFolder();
  await using server = await ToyServer.listen();
  const live = await openDesk({ server, folder: folder.path });
  server.send(trade(1), book('snapshot', 1, 10), book('delta', 2, 11), trade(2));
  await until(() => live.collector.status().frames_total === 4, 'the frames');
  await live.collector.stop();
  await using replayed = await openDesk({ server, folder: other.path, source: `tape:${live.tapeDir}` });
  await until(() => replayed.store.rows.length >= live.store.rows.length, 'the rows');
  expect(replayed.store.rows).toEqual(live.store.rows);
  expect(replayed.collector.status()).toMatchObject({ source: 'tape', frames_total: 4 });
  expect(replayed.collector.status().first_connected_at).not.toBeNull();
  expect(replayed.collector.status().series.find(({ stream }) => stream === 'trades')).toMatchObject({ rows: 2 });
});

test('while the store refuses, rows wait, the status says so, and nothing is lost', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({ server, folder: folder.path });
  const { collector, store } = desk;
  store.failure = new Unavailable('the disk is full');
  server.send(trade(1), trade(2));
  await until(() => collector.status().store_error !== null, 'the error');
  expect(collector.status().store_error).toBe('the disk is full');
  expect(collector.status().store_lag_ms).toBeGreaterThan(0);
  await expect(collector.flush()).rejects.toThrow('the disk is full');
  store.failure = undefined;
  await until(() => trades(store.rows).length === 2, 'the rows');
  expect(trades(store.rows)).toEqual(['1 live', '2 live']);
  expect(collector.status().store_error).toBeNull();
});

test('a market that is disabled is not collected, before or after a start, until it is enabled', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using desk = await openDesk({
    server,
    folder: folder.path,
    more: { disabled: ['toy_spot'], requireConnection: { timeoutMs: 1000 } },
  });
  const { collector } = desk;
  expect(collector.status()).toMatchObject({ running: true, connections: [], series: [], disabled: ['toy_spot'] });
  expect(server.received).toEqual([]);
  await expect(collector.setMode('toy', 'spot', 'rest')).rejects.toThrow(/toy spot is disabled: enable_exchange/);
  await expect(collector.setEnabled('toy', 'futures', true)).rejects.toThrow(NotFound);
  await collector.setEnabled('toy', 'spot', true);
  await collector.setEnabled('toy', 'spot', true);
  await until(() => server.received.length > 0, 'the subscription');
  server.send(JSON.stringify(trade(1)));
  await until(() => trades(desk.store.rows).length === 1, 'a trade');
  expect(collector.status().disabled).toEqual([]);
  expect(collector.status().connections.map(({ mode }) => mode)).toContain('websocket');
  await collector.setEnabled('toy', 'spot', false);
  expect(collector.status()).toMatchObject({ connections: [], series: [], disabled: ['toy_spot'] });
  expect(() => collector.book('toy', 'spot', SYMBOLS[0], 5)).toThrow();
  await collector.setEnabled('toy', 'spot', true);
  await until(() => collector.status().connections.some(({ state }) => state === 'connected'), 'the new connection');
  server.send(JSON.stringify(trade(2)));
  await until(() => trades(desk.store.rows).length === 2, 'a trade of the new connection');
});
