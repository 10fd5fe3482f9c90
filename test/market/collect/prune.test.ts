import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/infra/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { openSession } from '../../../src/market/collect/session.ts';
import { listTape } from '../../../src/market/collect/tape/inspect.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { MemoryStore, RecordingSink, temporaryFolder } from './support.ts';
import { toyVenue } from './toy-venue.ts';

test('the oldest segments go first, as planned; what the store still needs stays', async () => {
  await using folder = await temporaryFolder();
  const store = new MemoryStore();
  const venue = toyVenue();
  const session = await openSession({
    config: marketConfigSchema.parse({ source: 'live', collect: { segment_mb: 1, flush_interval_ms: 5000 } }),
    venues: [venue],
    markets: venue.markets,
    store: store.asStore(),
    tapeDir: join(folder.path, 'tape'),
    events: new RecordingSink(systemClock),
    clock: systemClock,
    log: silentLogger,
    random: () => 0.5,
    hooks: {},
    onPressure: () => undefined,
    onRest: () => undefined,
  });
  const base = { connection: 'toy_spot#1.1', exchange: 'toy', market: 'spot' } as const;
  for (let i = 0; i < 300; i++) {
    const text = `{"type":"pong","pad":"${'x'.repeat(9000)}${i}"}`;
    session.intake.push({ kind: 'frame', recv_time: session.intake.recvTime(), ...base, bytes: Buffer.from(text) });
  }
  await session.tape.flush();
  const policy = { maxBytes: 1 };
  expect(await session.prune(policy, false)).toMatchObject({ segments: 0 });
  expect(await listTape(session.tape.folder)).toHaveLength(3);
  await session.intake.flush();
  const planned = await session.prune(policy, true);
  expect(planned).toMatchObject({ dry_run: true, segments: 2, remaining_segments: 1 });
  expect(await listTape(session.tape.folder)).toHaveLength(3);
  const bytes = session.tapeBytes();
  expect(await session.prune(policy, false)).toEqual({ ...planned, dry_run: false });
  const left = await listTape(session.tape.folder);
  // What was known of completeness stands in the place of what is gone.
  expect(left.map(({ segment }) => segment)).toEqual([2, 3]);
  expect(left[0]?.bytes).toBeLessThan(500);
  expect(session.tapeSegments()).toBe(2);
  expect(session.tapeBytes()).toBe(bytes - planned.bytes + (left[0]?.bytes ?? 0));
  expect(await session.prune(policy, false)).toMatchObject({ segments: 0 });
  session.abort();
  await session.close();
});
