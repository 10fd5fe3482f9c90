import { describe, expect, it } from 'vitest';
import { Database } from '../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { Conflict, InvalidInput } from '../../src/kit/errors.ts';
import { makeBus, openJournal, recordingLogger } from './support.ts';

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Resolves when `condition` holds; the test's time limit is the only other end. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('durable subscribers', () => {
  it('get every event once, in order, over restarts of the bus', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const seen: number[] = [];
    for (let round = 0; round < 3; round++) {
      const bus = makeBus({ journal: await openJournal(db) });
      for (let i = 0; i < 60; i++) bus.emit('custom', { kind: 'before' });
      bus.durable('audit', { types: ['custom'] }, (event) => void seen.push(event.seq));
      for (let i = 0; i < 60; i++) bus.emit('custom', { kind: 'after' });
      bus.emit('system.stopped', { reason: 'r' });
      const expected = 120 * (round + 1);
      if (round < 2) await until(() => seen.length >= expected - 30);
      else await until(() => seen.length === expected);
      await bus.close();
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen).toEqual(upTo(363).filter((n) => n % 121 !== 0));
  });

  it('begin with what comes when told so', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const bus = makeBus({ journal: await openJournal(db) });
    bus.emit('custom', { kind: 'old' });
    const seen: number[] = [];
    const subscriber = bus.durable('late', {}, (event) => void seen.push(event.seq), { from: 'now' });
    bus.emit('custom', { kind: 'new' });
    await until(() => seen.length === 1);
    expect(seen).toEqual([2]);
    await bus.close();
    expect(subscriber.cursor).toBe(2);
    expect(await db.all('SELECT name, seq FROM event_cursors')).toEqual([{ name: 'late', seq: 2 }]);
  });

  it('are tried again with growing pauses, and an event that never works is set aside', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    const log = recordingLogger();
    const journal = await openJournal(db);
    const bus = makeBus({ clock, log, journal });
    const tries: number[] = [];
    const subscriber = bus.durable(
      'flaky',
      {},
      (event) => {
        tries.push(event.seq);
        if (event.seq === 2 || (event.seq === 1 && tries.length < 3)) throw new Error(`no ${event.seq}`);
      },
      { maxAttempts: 4 },
    );
    for (let i = 0; i < 3; i++) bus.emit('custom', { kind: 'x' });
    await journal.acknowledged();
    for (const [count, pause] of [
      [1, 200],
      [2, 400],
      [4, 200],
      [5, 400],
      [6, 800],
    ] as const) {
      await until(() => tries.length === count && clock.pending > 0);
      await clock.advance(pause - 1);
      expect(tries.length).toBe(count);
      await clock.advance(1);
    }
    await until(() => subscriber.handled === 2);
    expect(tries).toEqual([1, 1, 1, 2, 2, 2, 2, 3]);
    expect(subscriber.deadLetters).toBe(1);
    expect(await db.all('SELECT name, seq, error FROM event_dead_letters')).toEqual([
      { name: 'flaky', seq: 2, error: 'no 2' },
    ]);
    expect(log.entries.filter((e) => e.event === 'events.dead_letter')).toHaveLength(1);
    await bus.close();
  });

  it('stop in the middle of retrying and come back to the same event', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    let fails = true;
    const seen: number[] = [];
    const handler = (event: { seq: number }): void => {
      if (fails) throw new Error('not yet');
      seen.push(event.seq);
    };
    const first = makeBus({ clock, journal: await openJournal(db) });
    first.durable('d', {}, handler);
    first.emit('custom', { kind: 'x' });
    await until(() => clock.pending > 0);
    await first.close();
    expect(clock.pending).toBe(0);
    fails = false;
    const second = makeBus({ clock, journal: await openJournal(db) });
    second.durable('d', {}, handler);
    await until(() => seen.length === 1);
    expect(seen).toEqual([1]);
    await second.close();
  });

  it('go on when the database failed for a while', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    const log = recordingLogger();
    const bus = makeBus({ clock, log, journal: await openJournal(db) });
    await db.run('ALTER TABLE event_cursors RENAME TO away');
    const seen: number[] = [];
    const subscriber = bus.durable('d', {}, (event) => void seen.push(event.seq));
    bus.emit('custom', { kind: 'x' });
    await until(() => clock.pending > 0);
    expect(log.entries.map((e) => e.event)).toEqual(['events.durable_failed']);
    await db.run('ALTER TABLE away RENAME TO event_cursors');
    await clock.advance(200);
    await until(() => seen.length === 1);
    expect(seen).toEqual([1]);
    await bus.close();
    expect(subscriber.cursor).toBe(1);
  });

  it('do not skip numbers that a crash gave back', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await (await openJournal(db)).close();
    await db.run(`INSERT INTO event_cursors VALUES ('d', 40, TIMESTAMP '2026-01-01')`);
    const bus = makeBus({ journal: await openJournal(db) });
    bus.emit('custom', { kind: 'x' });
    const seen: number[] = [];
    bus.durable('d', {}, (event) => void seen.push(event.seq));
    await until(() => seen.length === 1);
    expect(seen).toEqual([1]);
    await bus.close();
  });

  it('have names of their own and need a journal', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const bus = makeBus({ journal: await openJournal(db) });
    const noop = (): void => undefined;
    bus.durable('a', {}, noop);
    expect(() => bus.durable('a', {}, noop)).toThrow(Conflict);
    await bus.endDurable('a');
    bus.durable('a', {}, noop);
    await bus.close();
    expect(() => makeBus().durable('a', {}, noop)).toThrow(InvalidInput);
  });
});
