import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EventJournal } from '../../../src/events/journal.ts';
import { backupOps, listCopies, readThrough, scheduleBackups } from '../../../src/events/ops/backup.ts';
import { OPS_FILE, type OpsDatabase, openOpsDatabase } from '../../../src/events/ops/database.ts';
import { createOpsStore } from '../../../src/events/ops/store.ts';
import { queryEvents } from '../../../src/events/query.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { Conflict, Corrupt } from '../../../src/kit/errors.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { folder, makeBus, recordingLogger } from '../support.ts';

const T0 = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

const open = (dataDir: string, clock = new ManualClock(T0)): Promise<OpsDatabase> =>
  openOpsDatabase({ dataDir, clock, log: silentLogger });

/** Emits `n` events and gives the number of the last. */
async function emit(ops: OpsDatabase, n: number): Promise<number> {
  const journal = await EventJournal.open(ops.db, { clock: new ManualClock(T0), log: silentLogger });
  const bus = makeBus({ journal });
  for (let i = 0; i < n; i++) bus.emit('custom', { kind: 'k', details: { text: `event ${i} `.repeat(20) } });
  await bus.close();
  return journal.lastSeq;
}

/** Overwrites bytes of a file: `at` is a fraction of its length. */
function damage(path: string, at: number, length = 4096): void {
  const bytes = readFileSync(path);
  const from = Math.floor(bytes.length * at);
  for (let i = from; i < Math.min(bytes.length, from + length); i++) bytes[i] = (bytes[i] ?? 0) ^ 0xa5;
  writeFileSync(path, bytes);
}

describe('openOpsDatabase', () => {
  it('opens, keeps what was written and reports no loss', async () => {
    const dir = folder();
    const first = await open(dir);
    expect(first.recovered).toBeNull();
    await emit(first, 10);
    await expect(open(dir)).rejects.toBeInstanceOf(Conflict);
    await first.db.close();
    const second = await open(dir);
    expect(second.recovered).toBeNull();
    expect(await emit(second, 1)).toBe(11);
    await second.db.close();
  });

  it('restores the newest verified copy of a damaged file and says what is lost', async () => {
    const dir = folder();
    const clock = new ManualClock(T0);
    const ops = await open(dir, clock);
    await emit(ops, 2000);
    const copy = await backupOps(ops.db, ops.copies, { clock });
    expect(copy).toMatchObject({ lastSeq: 2000 });
    await emit(ops, 500);
    await ops.db.close();
    damage(join(dir, OPS_FILE), 0, 100_000);

    const again = await open(dir, clock);
    expect(again.recovered).toMatchObject({ what: OPS_FILE, action: 'restored ops-20260102T030405006Z.duckdb' });
    expect(again.recovered?.lost).toMatch(/2026-01-02T03:04:05\.006Z and .*events after number 2000/);
    expect(again.recovered?.details).toMatchObject({ last_seq_kept: 2000, lost_from: T0 });
    expect(existsSync(String(again.recovered?.details?.['set_aside']))).toBe(true);
    expect(await emit(again, 1)).toBe(2001);
    await again.db.close();
    const third = await open(dir, clock);
    expect(third.recovered).toBeNull();
    await third.db.close();
  });

  it('finds damage anywhere in the file', async () => {
    for (const at of [0.2, 0.4, 0.6, 0.8]) {
      const dir = folder();
      const clock = new ManualClock(T0);
      const ops = await open(dir, clock);
      await emit(ops, 3000);
      await backupOps(ops.db, ops.copies, { clock });
      await ops.db.close();
      damage(join(dir, OPS_FILE), at, 60_000);
      const again = await open(dir, clock);
      expect(again.recovered?.details, `at ${at}`).toMatchObject({ last_seq_kept: 3000 });
      expect((await queryEvents(again.db, { limit: 5000 })).length).toBe(3000);
      await again.db.close();
    }
  });

  it('starts empty, and says so, when there is no copy', async () => {
    const dir = folder();
    const ops = await open(dir);
    await emit(ops, 50);
    await ops.db.close();
    damage(join(dir, OPS_FILE), 0, 20_000);
    const again = await open(dir);
    expect(again.recovered).toMatchObject({ action: 'started empty', lost: 'everything' });
    expect(await emit(again, 1)).toBe(1);
    await again.db.close();
  });

  it('passes over a copy that is damaged itself', async () => {
    const dir = folder();
    const clock = new ManualClock(T0);
    const ops = await open(dir, clock);
    await emit(ops, 100);
    await backupOps(ops.db, ops.copies, { clock });
    await emit(ops, 100);
    clock.jump(1000);
    const newest = await backupOps(ops.db, ops.copies, { clock });
    await ops.db.close();
    damage(newest.path, 0, 20_000);
    damage(join(dir, OPS_FILE), 0, 20_000);
    const again = await open(dir, clock);
    expect(again.recovered?.details).toMatchObject({ last_seq_kept: 100 });
    await again.db.close();
  });

  it('leaves a file of a newer program alone', async () => {
    const dir = folder();
    const ops = await open(dir);
    await ops.db.run('UPDATE ops_format SET version = 99');
    await ops.db.close();
    await expect(open(dir)).rejects.toBeInstanceOf(Corrupt);
    expect(existsSync(join(dir, 'damaged'))).toBe(false);
  });
});

describe('backupOps', () => {
  it('keeps the newest copies, each of which opens with tables, views and numbering', async () => {
    const dir = folder();
    const clock = new ManualClock(T0);
    const ops = await open(dir, clock);
    const store = createOpsStore(ops.db, clock);
    for (let i = 0; i < 4; i++) {
      await store.insert('agent_metrics', {
        timestamp: T0,
        agent_id: 'a',
        metric_name: 'm',
        metric_value: i,
        dimensions: null,
      });
      await backupOps(ops.db, ops.copies, { clock, keep: 2 });
      clock.jump(1000);
    }
    const copies = await listCopies(ops.copies);
    expect(copies.map((c) => c.time)).toEqual([T0 + 3000, T0 + 2000]);
    expect(readdirSync(ops.copies)).toHaveLength(2);
    const path = copies[0]?.path ?? '';
    expect((await readThrough(path)).counts.get('agent_metrics')).toBe(4);
    expect(statSync(path).size).toBeGreaterThan(0);
    await ops.db.close();
    await using db = await Database.open({ path });
    const id = await createOpsStore(db, clock).insert('agent_metrics', {
      timestamp: T0,
      agent_id: 'a',
      metric_name: 'm',
      metric_value: 9,
      dimensions: null,
    });
    expect(id).toBeGreaterThan(4);
    expect(await db.all('SELECT count(*) AS n FROM agent_audit_log')).toEqual([{ n: 0 }]);
  });

  it('copies at every turn until closed, and goes on after a failure', async () => {
    const dir = folder();
    const clock = new ManualClock(T0);
    const log = recordingLogger();
    const ops = await open(dir, clock);
    let made: () => void = () => undefined;
    const scheduled = scheduleBackups(ops.db, ops.copies, { clock, log, everyMs: 1000, onCopy: () => made() });
    for (let i = 0; i < 2; i++) {
      const copied = new Promise<void>((resolve) => (made = resolve));
      await clock.advance(1000);
      await copied;
      await Promise.resolve();
    }
    await scheduled[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
    expect((await listCopies(ops.copies)).length).toBe(2);
    await ops.db.close();
  });
});
