import { describe, expect, test } from 'vitest';
import { EventJournal } from '../../../src/events/journal.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { makeBus, openJournal, recordingLogger } from '../../events/support.ts';

const custom = (kind: string) => ({ kind });

describe('the event bus', () => {
  test('calls handlers that wait and those that do not, and one that fails stops none of the others', async () => {
    const log = recordingLogger();
    const bus = makeBus({ log });
    const heard: string[] = [];
    let waited = (): void => undefined;
    const ended = new Promise<void>((resolve) => (waited = resolve));
    bus
      .on('custom', () => void heard.push('at once'))
      .on('custom', () => {
        throw new Error('fails at once');
      })
      .on('custom', () => Promise.reject(new Error('fails later')))
      .on('custom', async () => {
        await Promise.resolve();
        heard.push('later');
        waited();
      });
    bus.emit('custom', custom('a'));
    expect(heard).toEqual(['at once']);
    await ended;
    expect(heard).toEqual(['at once', 'later']);
    expect(bus.statistics().error_count).toBe(2);
    expect(log.entries.map((entry) => entry.event)).toEqual(['events.handler_failed', 'events.handler_failed']);
  });

  test('forgets what was registered for a time only', () => {
    const bus = makeBus();
    const heard: string[] = [];
    const handler = ({ data }: { readonly data: { readonly kind: string } }): void => void heard.push(data.kind);
    bus.on('custom', handler);
    const scoped = bus.subscribe({ types: ['custom'] });
    bus.emit('custom', custom('inside'));
    expect(bus.statistics()).toMatchObject({ handler_count: 1, queue_size: 1 });
    bus.off('custom', handler);
    scoped.close();
    bus.emit('custom', custom('outside'));
    expect(heard).toEqual(['inside']);
    expect(bus.statistics()).toMatchObject({ handler_count: 0, queue_size: 0 });
  });

  test('calls handlers in the order of their registration, those of all events first', () => {
    const bus = makeBus();
    const order: string[] = [];
    for (const name of ['first', 'second', 'third']) bus.on('custom', () => void order.push(name));
    bus.on('*', () => void order.push('all'));
    bus.emit('custom', custom('a'));
    expect(order).toEqual(['all', 'first', 'second', 'third']);
  });

  test('loses nothing of ten producers at once, and has all of it durable once it is closed', async () => {
    const db = await Database.open({ path: ':memory:' });
    const bus = makeBus({ journal: await openJournal(db) });
    const heard: number[] = [];
    bus.on('custom', (event) => void heard.push(event.seq));
    const queue = bus.subscribe({ types: ['custom'] }, { capacity: 2000 });
    const taken: string[] = [];
    const reading = (async () => {
      for await (const event of queue) taken.push((event.data as { readonly kind: string }).kind);
    })();
    const producer = async (name: number): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        bus.emit('custom', custom(`${name}/${i}`));
        if (i % 7 === name % 7) await new Promise(setImmediate);
      }
    };
    await Promise.all(Array.from({ length: 10 }, (_, name) => producer(name)));
    await bus.flush();
    expect(await db.all('SELECT count(*)::INTEGER AS n FROM events')).toEqual([{ n: 1000 }]);
    bus.emit('custom', custom('last'));
    await bus.close();
    await reading;
    expect(heard).toEqual(Array.from({ length: 1001 }, (_, i) => i + 1));
    expect(new Set(taken).size).toBe(1001);
    const journal = await EventJournal.open(db, { clock: new ManualClock(), log: silentLogger });
    expect(journal.lastSeq).toBe(1001);
    await journal.close();
    await db.close();
  });
});
