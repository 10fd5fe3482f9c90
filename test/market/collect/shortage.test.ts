import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/infra/clock.ts';
import type { Clock, Ms } from '../../../src/kit/clock.ts';
import { Unavailable } from '../../../src/kit/errors.ts';
import type { Logger } from '../../../src/kit/logger.ts';
import { createCollector, type CollectorOptions } from '../../../src/market/collect/collector.ts';
import type { Collector } from '../../../src/market/collect/contract.ts';
import { verifyTape } from '../../../src/market/collect/tape/inspect.ts';
import { readTape } from '../../../src/market/collect/tape/reader.ts';
import type { SegmentFile } from '../../../src/market/collect/tape/writer.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { MemoryStore, RecordingSink, collect, temporaryFolder, until } from './support.ts';
import { SYMBOLS, ToyServer, toyVenue, type ToyMessage } from './toy-venue.ts';

const HOUR = 3_600_000;

/** The system's clock with a calendar that can be set. */
class SetClock implements Clock {
  offset: Ms = 0;

  now(): Ms {
    return systemClock.now() + this.offset;
  }

  monotonicMs(): Ms {
    return systemClock.monotonicMs();
  }

  schedule(...args: Parameters<Clock['schedule']>): ReturnType<Clock['schedule']> {
    return systemClock.schedule(...args);
  }
}

/** A disk that can be full. */
class Disk {
  full = false;

  readonly openFile = async (path: string): Promise<SegmentFile> => {
    const file = await open(path, 'w');
    return {
      write: async (bytes, offset, length, position) => {
        if (this.full) {
          await file.write(bytes, offset, Math.floor(length / 2), position);
          throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        }
        return file.write(bytes, offset, length, position);
      },
      datasync: () => file.datasync(),
      close: () => file.close(),
    };
  };
}

class RecordingLog implements Logger {
  readonly errors: string[] = [];
  readonly debug = (): void => undefined;
  readonly info = (): void => undefined;
  readonly warn = (): void => undefined;
  readonly error = (message: string): void => {
    this.errors.push(message);
  };
  readonly child = (): Logger => this;
}

interface Setting extends AsyncDisposable {
  readonly collector: Collector;
  readonly store: MemoryStore;
  readonly events: RecordingSink;
  readonly log: RecordingLog;
  readonly tapeDir: string;
}

async function start(server: ToyServer, folder: string, more: Partial<CollectorOptions>): Promise<Setting> {
  const store = new MemoryStore();
  const clock = more.clock ?? systemClock;
  const events = new RecordingSink(clock);
  const log = new RecordingLog();
  const tapeDir = join(folder, 'tape');
  const collector = createCollector({
    config: marketConfigSchema.parse({
      source: 'live',
      collect: { exchanges: ['toy'], symbols: [...SYMBOLS], flush_interval_ms: 50, tape_flush_ms: 5 },
    }),
    venues: [toyVenue()],
    addresses: server.addresses,
    store: store.asStore(),
    tapeDir,
    events,
    clock,
    log,
    random: () => 0.5,
    ...more,
  });
  await collector.start();
  return { collector, store, events, log, tapeDir, [Symbol.asyncDispose]: () => collector.stop() };
}

function trade(id: number): ToyMessage {
  return { type: 'trade', symbol: SYMBOLS[0], id, price: 10 + id / 10, at: systemClock.now() };
}

function ids(store: MemoryStore): readonly string[] {
  return store.rows.flatMap((row) => (row.stream === 'trades' ? [row.trade_id] : []));
}

test('a full disk under the tape stops commits, is told, and nothing is missing when there is space again', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const disk = new Disk();
  await using setting = await start(server, folder.path, { openTapeFile: disk.openFile });
  const { collector, store, events, log, tapeDir } = setting;
  server.send(trade(1), trade(2));
  await until(() => ids(store).length === 2, 'two trades');
  disk.full = true;
  server.send(trade(3), trade(4));
  await until(() => collector.status().tape.error !== null && collector.status().store_error !== null, 'the error');
  expect(collector.status().tape.error).toContain('ENOSPC');
  expect(collector.status().tape.unflushed).toBeGreaterThan(0);
  await expect(collector.flush()).rejects.toBeInstanceOf(Unavailable);
  expect(ids(store)).toEqual(['1', '2']);
  const alerts = events.of('data.quality_alert').filter(({ data }) => data.alert_type === 'tape_unwritable');
  expect(alerts).toHaveLength(1);
  expect(alerts[0]?.data.severity).toBe('critical');
  expect(log.errors).toContain('tape.write_failed');
  server.send(trade(5));
  disk.full = false;
  await until(() => ids(store).length === 5, 'all trades');
  expect(collector.status()).toMatchObject({ tape: { error: null, lost: 0 }, store_error: null });
  await collector.stop();
  expect(ids(store)).toEqual(['1', '2', '3', '4', '5']);
  expect((await verifyTape(tapeDir)).intact).toBe(true);
});

test('a store without space keeps rows waiting, shows it, and gets each of them once when it can again', async () => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  await using setting = await start(server, folder.path, {});
  const { collector, store, log } = setting;
  server.send(trade(1));
  await until(() => ids(store).length === 1, 'a trade');
  const commits = store.commits.length;
  store.failure = new Unavailable('IO Error: No space left on device');
  server.send(trade(2), trade(3));
  await until(() => collector.status().store_error !== null, 'the error');
  expect(collector.status().store_error).toContain('No space left');
  await expect(collector.flush()).rejects.toBeInstanceOf(Unavailable);
  expect([ids(store), store.commits.length]).toEqual([['1'], commits]);
  expect(log.errors.filter((message) => message === 'collect.commit_failed')).toHaveLength(1);
  store.failure = undefined;
  await until(() => ids(store).length === 3, 'all trades');
  expect(collector.status().store_error).toBeNull();
  expect(ids(store)).toEqual(['1', '2', '3']);
});

test.each([HOUR, -HOUR])('a clock that jumps by %i ms does not disturb collecting', async (jump) => {
  await using folder = await temporaryFolder();
  await using server = await ToyServer.listen();
  const clock = new SetClock();
  await using setting = await start(server, folder.path, { clock });
  const { collector, store, events, tapeDir, log } = setting;
  server.send(trade(1), trade(2));
  await until(() => ids(store).length === 2, 'two trades');
  clock.offset = jump;
  server.send(trade(3), trade(4));
  await until(() => ids(store).length === 4, 'trades after the jump');
  const jumps = (): number =>
    events.of('data.quality_alert').filter(({ data }) => data.alert_type === 'clock_jump').length;
  await until(() => jumps() > 0, 'the jump to be told');
  clock.offset = 0;
  server.send(trade(5));
  await until(() => ids(store).length === 5, 'trades after the jump back');
  await until(() => jumps() === 2, 'the jump back to be told');
  expect(collector.status()).toMatchObject({ running: true, store_error: null, frames_rejected: 0 });
  await collector.stop();
  expect(log.errors).toEqual([]);
  const times = (await collect(readTape(tapeDir))).map(({ item }) => item.recv_time);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect((await verifyTape(tapeDir)).intact).toBe(true);
});
