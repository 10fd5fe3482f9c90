import { expect, test } from 'vitest';
import { openOpsDatabase } from '../../src/events/index.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { hostsLeftAlone } from '../../src/serve/runtime/left-alone.ts';
import { folder, makeBus, openJournal } from '../events/support.ts';

test('a ban outlives a restart: the journal tells which hosts want to be left alone, and how long yet', async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 5));
  const { db } = await openOpsDatabase({ dataDir: folder(), clock, log: silentLogger });
  const journal = await openJournal(db);
  const bus = makeBus({ clock, journal });
  const refuse = (host: string, retry_after_ms: number) =>
    bus.emit('streaming.rate_limited', {
      exchange: 'binance',
      market: 'spot',
      host,
      retry_after_ms,
      refused_in_a_row: 1,
      halved_until: null,
    });
  refuse('banned.test', 3_600_000);
  refuse('served.test', 10_000);
  await clock.advance(60_000);
  // A later, shorter refusal does not end the ban.
  refuse('banned.test', 20_000);
  await bus.flush();

  expect(await hostsLeftAlone(db, clock.now())).toEqual([{ host: 'banned.test', forMs: 3_540_000 }]);
  expect(await hostsLeftAlone(db, clock.now() + 3_540_000)).toEqual([]);
  await bus.close();
  await db.close();
});
