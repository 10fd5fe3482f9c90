import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EventJournal } from '../../src/events/journal.ts';
import { countEvents, queryEvents } from '../../src/events/query.ts';
import { Database } from '../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { InvalidInput, Unavailable } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createRedactor } from '../../src/kit/redact.ts';
import { folder, makeBus, openJournal, recordingLogger } from './support.ts';

const seqs = (events: readonly { readonly seq: number }[]): number[] => events.map((e) => e.seq);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('EventJournal', () => {
  it('keeps every event and continues the numbers after a restart', async () => {
    const path = join(folder(), 'ops.duckdb');
    for (const round of [0, 1, 2]) {
      await using db = await Database.open({ path });
      const journal = await openJournal(db);
      expect(journal.lastSeq).toBe(round * 700);
      const bus = makeBus({ journal });
      for (let i = 0; i < 700; i++) bus.emit('custom', { kind: `r${round}`, details: { i } });
      await bus.close();
      expect(seqs(await queryEvents(db, { limit: 10_000 }))).toEqual(upTo((round + 1) * 700));
    }
  });

  it('stores the event as it was emitted, whatever becomes of the object', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const bus = makeBus({ journal: await openJournal(db) });
    const details: Record<string, unknown> = { a: 1, nested: { b: [1, null, 'x'] } };
    const event = bus.emit('custom', { kind: 'k', details }, { correlationId: 'c', source: 's', priority: 9 });
    details['a'] = 2;
    await bus.flush();
    expect(await queryEvents(db)).toEqual([
      { ...event, data: { kind: 'k', details: { a: 1, nested: { b: [1, null, 'x'] } } } },
    ]);
    await bus.close();
  });

  it('keeps events without secrets, as JSON also where a secret seems to begin in an escape', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const redactor = createRedactor({ HOUSE_KEY: 'new"line secret', OTHER_KEY: 'nine of ten' });
    const bus = makeBus({ journal: await openJournal(db), redactor });
    const event = bus.emit('custom', { kind: 'a new"line secret; \nine of ten' });
    expect(event.data).toEqual({ kind: 'a [HOUSE_KEY]; \nine of ten' });
    await bus.flush();
    expect((await queryEvents(db)).map(({ data }) => data)).toEqual([event.data]);
    await bus.close();
  });

  it('writes what was held before it was open, once', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const bus = makeBus({ hold: true });
    bus.emit('custom', { kind: 'early' });
    bus.start(await openJournal(db));
    bus.emit('custom', { kind: 'late' });
    await bus.close();
    expect((await queryEvents(db)).map((e) => [e.seq, (e.data as { kind: string }).kind])).toEqual([
      [1, 'early'],
      [2, 'late'],
    ]);
  });

  it('commits at the latest after batchMs, and at once when a batch is full', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    const journal = await EventJournal.open(db, { clock, log: silentLogger, batchMs: 100, batchEvents: 3 });
    const bus = makeBus({ clock, journal });
    bus.emit('custom', { kind: 'a' });
    await clock.advance(99);
    expect(journal.committedSeq).toBe(0);
    const first = new Promise<void>((resolve) => journal.onCommit(resolve));
    await clock.advance(1);
    await first;
    expect(journal.committedSeq).toBe(1);
    const second = new Promise<void>((resolve) => journal.onCommit(resolve));
    for (const kind of ['b', 'c', 'd']) bus.emit('custom', { kind });
    await second;
    expect(journal.committedSeq).toBe(4);
    await bus.close();
  });

  it('keeps what cannot be committed, refuses when full, and leaves no hole afterwards', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    const log = recordingLogger();
    const journal = await EventJournal.open(db, { clock, log, maxPending: 3 });
    const bus = makeBus({ clock, journal });
    bus.emit('custom', { kind: 'a' });
    await bus.flush();
    await db.run('ALTER TABLE events RENAME TO events_away');
    bus.emit('custom', { kind: 'b' });
    bus.emit('custom', { kind: 'c' });
    await expect(bus.flush()).rejects.toBeInstanceOf(Unavailable);
    bus.emit('custom', { kind: 'd' });
    expect(() => bus.emit('custom', { kind: 'e' })).toThrow(/cannot commit/);
    expect(log.entries.map((e) => e.event)).toContain('events.journal_commit_failed');
    await db.run('ALTER TABLE events_away RENAME TO events');
    const committed = journal.committed(4);
    await clock.advance(60_000);
    await committed;
    expect(bus.emit('custom', { kind: 'f' }).seq).toBe(5);
    await bus.close();
    expect(seqs(await queryEvents(db))).toEqual([1, 2, 3, 4, 5]);
  });

  it('closed while it cannot commit says how many events are lost, and tries no more', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    const log = recordingLogger();
    const bus = makeBus({ clock, journal: await openJournal(db, { clock, log }) });
    await db.run('ALTER TABLE events RENAME TO events_away');
    bus.emit('custom', { kind: 'a' });
    await expect(bus.flush()).rejects.toBeInstanceOf(Unavailable);
    bus.emit('custom', { kind: 'b' });
    await expect(bus.close()).rejects.toThrow('2 events could not be written to the journal');
    const tries = log.entries.length;
    expect(clock.pending).toBe(0);
    await clock.advance(600_000);
    expect(log.entries).toHaveLength(tries);
  });

  it('answers by type, time, source, correlation, number and limit', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock(1_000_000);
    const bus = makeBus({ clock, journal: await openJournal(db) });
    for (let i = 0; i < 6; i++) {
      bus.emit('custom', { kind: 'x' }, { source: i % 2 === 0 ? 'agent:a' : 'agent:b', correlationId: `c${i}` });
      bus.emit('system.stopped', { reason: 'r' }, { priority: 9 });
      clock.jump(1000);
    }
    await bus.flush();
    expect(seqs(await queryEvents(db, { types: ['system.*'] }))).toEqual([2, 4, 6, 8, 10, 12]);
    expect(seqs(await queryEvents(db, { since: 1_002_000, until: 1_003_000 }))).toEqual([5, 6]);
    expect(seqs(await queryEvents(db, { source: 'agent:b' }))).toEqual([3, 7, 11]);
    expect(seqs(await queryEvents(db, { source: 'agent:*', afterSeq: 5 }))).toEqual([7, 9, 11]);
    expect(seqs(await queryEvents(db, { correlationId: 'c2' }))).toEqual([5]);
    expect(seqs(await queryEvents(db, { minPriority: 9, order: 'desc', limit: 2 }))).toEqual([12, 10]);
    expect(await countEvents(db)).toEqual({ custom: 6, 'system.stopped': 6 });
    await expect(queryEvents(db, { types: ["x' OR 1=1"] })).rejects.toBeInstanceOf(InvalidInput);
    await bus.close();
  });

  it('follows from a number on, past the end into what comes, and ends with the journal', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const journal = await openJournal(db);
    const bus = makeBus({ journal });
    for (let i = 0; i < 1200; i++) bus.emit('custom', { kind: 'x' });
    await bus.flush();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const event of journal.follow({ types: ['custom'] }, { afterSeq: 10 })) seen.push(event.seq);
    })();
    for (let i = 0; i < 300; i++) bus.emit('custom', { kind: 'y' });
    bus.emit('system.stopped', { reason: 'r' });
    await bus.close();
    await reading;
    expect(seen).toEqual(upTo(1500).slice(10));
  });

  it('ends following on abort', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const journal = await openJournal(db);
    const abort = new AbortController();
    const reading = (async () => {
      for await (const event of journal.follow({}, { signal: abort.signal })) return event;
      return 'ended';
    })();
    abort.abort();
    expect(await reading).toBe('ended');
    await journal.close();
  });

  it('loses nothing of a slow reader that waits', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const bus = makeBus({ journal: await openJournal(db) });
    const subscription = bus.subscribe({ types: ['custom'] }, { capacity: 10, onFull: 'wait' });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const event of subscription) {
        seen.push(event.seq);
        if (event.seq % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    for (let i = 0; i < 1000; i++) {
      bus.emit('custom', { kind: 'x' });
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await bus.flush();
    bus.emit('custom', { kind: 'x' });
    await bus.close();
    await reading;
    expect(seen).toEqual(upTo(1001));
    expect(subscription.dropped).toBe(0);
  });

  it('prunes by age and number, keeps the newest and what a durable subscriber has not had', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    const journal = await EventJournal.open(db, { clock, log: silentLogger });
    const bus = makeBus({ clock, journal });
    for (let i = 0; i < 10; i++) {
      bus.emit('custom', { kind: 'x' });
      clock.jump(1000);
    }
    await bus.flush();
    expect(await journal.prune({ olderThanMs: 8000 })).toEqual({ rows: 2 });
    await db.run(`INSERT INTO event_cursors VALUES ('slow', 4, make_timestamp(${clock.now() * 1000}))`);
    expect(await journal.prune({ keepRows: 2 })).toEqual({ rows: 2 });
    clock.jump(8 * 86_400_000);
    expect(await journal.prune({ keepRows: 2 })).toEqual({ rows: 4 });
    expect(await journal.prune({ olderThanMs: 0 })).toEqual({ rows: 1 });
    expect(seqs(await queryEvents(db))).toEqual([10]);
    await bus.close();
    expect((await openJournal(db)).lastSeq).toBe(10);
  });

  it('does not prune by a clock that jumped', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    const journal = await EventJournal.open(db, { clock, log: silentLogger });
    const bus = makeBus({ clock, journal });
    const emitAt = (jump: number): void => {
      clock.jump(jump);
      bus.emit('custom', { kind: 'x' });
      clock.jump(-jump);
    };
    for (const jump of [-5000, 0, 90_000, -60_000, 0]) emitAt(jump);
    await bus.flush();
    clock.jump(10);
    expect(await journal.prune({ olderThanMs: 1000 })).toEqual({ rows: 1 });
    expect(seqs(await queryEvents(db))).toEqual([2, 3, 4, 5]);
    clock.jump(5000);
    expect(await journal.prune({ olderThanMs: 1000 })).toEqual({ rows: 3 });
    expect(seqs(await queryEvents(db))).toEqual([5]);
    await bus.close();
  });
});
