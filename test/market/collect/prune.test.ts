import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/infra/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { openSession } from '../../../src/market/collect/session.ts';
import { listTape } from '../../../src/market/collect/tape/inspect.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { MemoryStore, RecordingSink, temporaryFolder } from './support.ts';
import { toyVenue } from './toy-venue.ts';

test('the tape keeps to its cap, oldest first, and tells; what the store still needs stays', async () => {
  await using folder = await temporaryFolder();
  const events = new RecordingSink(systemClock);
  const store = new MemoryStore();
  const venue = toyVenue();
  const session = await openSession({
    config: marketConfigSchema.parse({ source: 'live', collect: { segment_mb: 1, flush_interval_ms: 5000 } }),
    venues: [venue],
    markets: venue.markets,
    store: store.asStore(),
    tapeDir: join(folder.path, 'tape'),
    events,
    clock: systemClock,
    log: silentLogger,
    random: () => 0.5,
    hooks: {},
    onPressure: () => undefined,
  });
  const base = { connection: 'toy_spot#1.1', exchange: 'toy', market: 'spot' } as const;
  for (let i = 0; i < 300; i++) {
    const text = `{"type":"pong","pad":"${'x'.repeat(9000)}${i}"}`;
    session.intake.push({ kind: 'frame', recv_time: session.intake.recvTime(), ...base, bytes: Buffer.from(text) });
  }
  await session.tape.flush();
  await session.prune(1);
  expect(await listTape(session.tape.folder)).toHaveLength(3);
  await session.intake.flush();
  await session.prune(1);
  const left = await listTape(session.tape.folder);
  expect(left.map(({ segment }) => segment)).toEqual([3]);
  expect(events.of('storage.pruned').map(({ data }) => data)).toMatchObject([{ what: 'tape', files: 2 }]);
  expect(session.tapeSegments()).toBe(1);
  session.abort();
  await session.close();
});
