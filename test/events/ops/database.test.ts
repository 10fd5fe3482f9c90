import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { EventJournal } from '../../../src/events/journal.ts';
import { backupOps, listCopies, readThrough, scheduleBackups } from '../../../src/events/ops/backup.ts';
import { OPS_FILE, type OpsDatabase, openOpsDatabase } from '../../../src/events/ops/database.ts';
import { createOpsStore } from '../../../src/events/ops/store.ts';
import { queryEvents } from '../../../src/events/query.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { Conflict, Corrupt, Unavailable } from '../../../src/kit/errors.ts';
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
  const file = (dir: string): string => join(dir, OPS_FILE);
  let prepared = '';

  /** 3000 events and a verified copy of them, 500 later ones, and 100 that are only in the log. */
  beforeAll(async () => {
    const clock = new ManualClock(T0);
    const dir = folder();
    const ops = await open(dir, clock);
    await emit(ops, 3000);
    await backupOps(ops.db, ops.copies, { clock });
    await emit(ops, 500);
    await ops.db.close();
    const again = await open(dir, clock);
    await emit(again, 100);
    prepared = folder();
    cpSync(dir, prepared, { recursive: true });
    await again.db.close();
  });

  const spoiled = (spoil: (dir: string) => void): string => {
    const dir = folder();
    cpSync(prepared, dir, { recursive: true });
    spoil(dir);
    return dir;
  };

  it('opens, keeps what was written and reports no loss', async () => {
    const dir = spoiled(() => undefined);
    const ops = await open(dir);
    expect(ops.recovered).toBeNull();
    await expect(open(dir)).rejects.toBeInstanceOf(Conflict);
    expect(await emit(ops, 1)).toBe(3601);
    await ops.db.close();
  });

  it('restores the newest verified copy of a damaged file and says what is lost', async () => {
    const dir = spoiled((d) => damage(file(d), 0, 100_000));
    const ops = await open(dir);
    expect(ops.recovered).toMatchObject({ what: OPS_FILE, action: 'restored ops-20260102T030405006Z.duckdb' });
    expect(ops.recovered?.lost).toMatch(/2026-01-02T03:04:05\.006Z and .*after number 3000 \(events 3001 to 3600\)/);
    expect(ops.recovered?.details).toMatchObject({ last_seq_kept: 3000, events_lost: 600, lost_from: T0 });
    expect(existsSync(String(ops.recovered?.details?.['set_aside']))).toBe(true);
    expect(await emit(ops, 1)).toBe(3001);
    await ops.db.close();
    const next = await open(dir);
    expect(next.recovered).toBeNull();
    await next.db.close();
  });

  it.each([0.3, 0.7, 0.9])('finds damage in the middle of the file (%d)', async (at) => {
    const ops = await open(spoiled((d) => damage(file(d), at, 80_000)));
    expect(ops.recovered?.action).toMatch(/^restored/);
    expect((await queryEvents(ops.db, { limit: 5000 })).length).toBe(3000);
    await ops.db.close();
  });

  it('restores a file that was cut off', async () => {
    const ops = await open(spoiled((d) => truncateSync(file(d), 500_000)));
    expect(ops.recovered?.details).toMatchObject({ last_seq_kept: 3000 });
    await ops.db.close();
  });

  it('keeps the file and gives up its log when only that is damaged', async () => {
    const ops = await open(spoiled((d) => damage(`${file(d)}.wal`, 0.5, 200)));
    expect(ops.recovered).toMatchObject({ action: 'reopened without its log', details: { last_seq_kept: 3500 } });
    await ops.db.close();
  });

  it('notices a log that lost its end, which DuckDB takes for an unfinished write', async () => {
    const ops = await open(spoiled((d) => truncateSync(`${file(d)}.wal`, 0)));
    expect(ops.recovered).toMatchObject({ action: 'continued', lost: 'events 3501 to 3600' });
    expect(await emit(ops, 1)).toBe(3501);
    await ops.db.close();
  });

  it('starts empty, and says so, when there is no copy', async () => {
    const dir = spoiled((d) => {
      damage(file(d), 0, 20_000);
      rmSync(join(d, 'backups'), { recursive: true });
    });
    const ops = await open(dir);
    expect(ops.recovered).toMatchObject({ action: 'started empty', lost: 'everything (events 1 to 3600)' });
    expect(await emit(ops, 1)).toBe(1);
    await ops.db.close();
  });

  it('passes over a copy that is damaged itself', async () => {
    const dir = spoiled((d) => {
      const [copy = ''] = readdirSync(join(d, 'backups'));
      const newer = join(d, 'backups', 'ops-20260103T000000000Z.duckdb');
      cpSync(join(d, 'backups', copy), newer);
      damage(newer, 0.5, 200_000);
      damage(file(d), 0, 20_000);
    });
    const ops = await open(dir);
    expect(ops.recovered?.action).toBe('restored ops-20260102T030405006Z.duckdb');
    await ops.db.close();
  });

  it('ends a restoring that was killed', async () => {
    const dir = spoiled((d) => {
      const [copy = ''] = readdirSync(join(d, 'backups'));
      cpSync(join(d, 'backups', copy), `${file(d)}.restored`);
      rmSync(`${file(d)}.wal`);
      rmSync(file(d));
    });
    const ops = await open(dir);
    expect(ops.recovered).toMatchObject({ lost: 'events 3001 to 3600' });
    await ops.db.close();
  });

  it('says which folder cannot be used', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), 'x');
    await expect(open(join(dir, 'file'))).rejects.toThrow(/data folder .*file cannot be used/);
    await expect(open(join(dir, 'file'))).rejects.toBeInstanceOf(Unavailable);
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
    writeFileSync(join(ops.copies, 'ops-killed.partial'), 'half a copy');
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
    await ops.db.run("ATTACH ':memory:' AS verified_copy");
    await clock.advance(1000);
    while (clock.pending === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(log.entries.map((e) => e.event)).toEqual(['ops.copied', 'ops.copied', 'ops.copy_failed']);
    await scheduled[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
    expect((await listCopies(ops.copies)).length).toBe(2);
    await ops.db.close();
  });
});
