import { expect, test } from 'vitest';
import { readTape } from '../../../src/market/collect/tape/reader.ts';
import type { VenueMarket } from '../../../src/market/exchanges/contract.ts';
import { collect, temporaryFolder, until } from './support.ts';
import { openDesk } from './toy-desk.ts';
import { ToyServer, toyVenue } from './toy-venue.ts';

test('a connection that REST prepares takes its endpoint and ping from there, and anew each time', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  let tokens = 0;
  const base = server.addresses['toy_spot']?.['stream'] ?? '';
  server.answers['/bullet'] = () => {
    tokens += 1;
    return tokens === 2 ? { status: 500, body: 'busy' } : { body: `${base}/fed?token=secret${tokens}` };
  };
  const prepare: NonNullable<VenueMarket['prepare']> = {
    request: () => ({ address: 'rest', path: '/bullet', weight: 1, body: '' }),
    read: (body) => ({ url: body, pingMs: 20 }),
  };
  const paths: string[] = [];
  server.onOpen = (_client, path) => paths.push(path);
  await using desk = await openDesk({ server, folder: folder.path, venue: { prepare } });
  const { collector, tapeDir } = desk;
  await until(() => paths.length === 1, 'the first connection');
  await until(() => server.received.includes('{"op":"ping"}'), 'a ping at the pace that the answer gave');
  expect(collector.status().connections.find(({ mode }) => mode === 'websocket')?.url).toBe(`${base}/fed`);
  server.cut();
  await until(() => paths.length === 2, 'the second connection');
  expect(paths).toEqual(['/fed?token=secret1', '/fed?token=secret3']);
  await collector.stop();
  const items = await collect(readTape(tapeDir));
  expect(JSON.stringify(items)).not.toContain('secret');
  expect(items.find(({ item }) => item.kind === 'connected')?.item).toMatchObject({ url: `${base}/fed` });
});

test('an endpoint that cannot be read or is not encrypted is not connected to', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const answers = ['', 'http://127.0.0.1/plain'];
  server.answers['/bullet'] = () => ({ body: answers.shift() ?? 'http://127.0.0.1/plain' });
  const prepare: NonNullable<VenueMarket['prepare']> = {
    request: () => ({ address: 'rest', path: '/bullet', weight: 1 }),
    read: (body) => (body === '' ? undefined : { url: body, pingMs: null }),
  };
  await using desk = await openDesk({ server, folder: folder.path, venue: { prepare } });
  await until(() => desk.events.of('streaming.error').length >= 2, 'two failures');
  const reasons = desk.events.of('streaming.error').map(({ data }) => data.reason);
  expect(reasons[0]).toMatch(/bullet names no endpoint/);
  expect(reasons[1]).toMatch(/plain, which is not encrypted/);
  expect(server.upgrades).toBe(0);
});

test('where the venue speaks first, nothing is sent before, and silence is not waited for', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const plan: VenueMarket['plan'] = (...of) => {
    const market = toyVenue().markets[0];
    return (market?.plan(...of) ?? []).map((each) => ({ ...each, ping: null, awaitGreeting: true }));
  };
  await using desk = await openDesk({
    server,
    folder: folder.path,
    venue: { plan },
    collect: { connect_timeout_ms: 100 },
  });
  await until(() => desk.events.of('streaming.stopped').length === 1, 'the silent connection to be given up');
  expect(desk.events.of('streaming.stopped')[0]?.data.reason).toMatch(/said nothing for 100 ms/);
  expect(server.received).toEqual([]);
  server.onOpen = (client) => client.send('{"type":"pong"}');
  await until(() => server.received.length > 0, 'the subscription after the greeting');
  expect(server.received[0]).toContain('subscribe');
});
