import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ManualClock } from '../../src/kit/clock.ts';
import { Conflict, Corrupt, NotFound, Unsupported } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { createOpsStore, openOpsDatabase } from '../../src/events/index.ts';
import type { CoverageChange } from '../../src/market/domain/coverage.ts';
import type { MarketStore } from '../../src/market/store/contract.ts';
import { readThroughStreams, verifyBackup } from '../../src/serve/backup/check.ts';
import { createBackup } from '../../src/serve/backup/create.ts';
import { backupFolder, listBackupIds, readManifest } from '../../src/serve/backup/manifest.ts';
import { restoreBackup } from '../../src/serve/backup/restore.ts';
import { lockDataDir } from '../../src/serve/control/address.ts';
import { operatorAction } from '../../src/serve/runtime/backups.ts';
import { DAY, T0, open, trade } from '../market/store/fixtures.ts';

const KEY = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' } as const;
const SPAN = { from: T0, to: T0 + 3 * DAY };
const folder = (): string => mkdtempSync(join(tmpdir(), 'crew-backup-'));

async function contentOf(store: MarketStore): Promise<unknown> {
  return [
    await store.seriesRows({ ...KEY, ...SPAN, limit: 1000, order: 'asc' }),
    await store.coverage({ ...KEY, ...SPAN }),
    await store.position(),
  ];
}

/** A data folder with two days in files, a third in the database, and operations. */
async function filledDesk() {
  const dataDir = folder();
  const clock = new ManualClock(Date.UTC(2026, 0, 5));
  const { store } = await open(dataDir);
  const live: CoverageChange = { ...KEY, ...SPAN, state: 'live', mode: 'raise', reason: null };
  const rows = [0, 1, 2].map((day) => trade(day, T0 + day * DAY));
  await store.ingest(rows, { segment: 3, item: 7 }, { changes: [live], heads: [] });
  await store.compact({ now: T0 + 2 * DAY, minimumGain: 1 });
  const { db } = await openOpsDatabase({ dataDir, clock, log: silentLogger });
  const ops = createOpsStore(db, clock);
  await ops.insert('agent_actions', operatorAction('test', clock, { n: 1 }));
  const backup = (keep = 5) => createBackup({ dataDir, folder: 'backups', ops: db, store, clock, tape: false, keep });
  return { dataDir, clock, store, db, backup, backups: join(dataDir, 'backups') };
}

test('reads the rows of a stream once, however many series they are of', async () => {
  const { store } = await open(folder());
  await using _ = store;
  const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];
  await store.ingest(
    symbols.flatMap((symbol) => [0, 1].map((day) => trade(day, T0 + day * DAY, { symbol }))),
    null,
  );
  await store.compact({ now: T0 + DAY, minimumGain: 1 });
  const asked: string[] = [];
  const read: MarketStore['read'] = (sql, ...rest) => {
    asked.push(sql);
    return store.read(sql, ...rest);
  };
  expect(await readThroughStreams({ series: () => store.series(), read })).toBe(6);
  expect(asked).toHaveLength(1);
});

test('a backup holds rows, coverage and operations of one moment, and gives them back', async () => {
  const desk = await filledDesk();
  const before = await contentOf(desk.store);
  const report = await desk.backup();
  expect(report).toMatchObject({ market_rows: 3, deleted: [], shared_bytes: 0 });
  // Collecting goes on after it; the backup does not change.
  await desk.store.ingest([trade(9, T0 + DAY + 5)], { segment: 3, item: 8 });
  await desk.store.compact({ now: T0 + 3 * DAY, minimumGain: 1 });
  expect(await verifyBackup(report.folder)).toMatchObject({ ok: true, problems: [], files: report.files });

  const target = folder();
  const restored = { backup: report.folder, backupsDir: desk.backups, force: false, now: desk.clock.now() };
  expect(await restoreBackup({ ...restored, dataDir: target })).toMatchObject({ moved_to: null, files: report.files });
  const again = await open(target);
  expect(await contentOf(again.store)).toEqual(before);
  await again.store.close();
  const { db, recovered } = await openOpsDatabase({ dataDir: target, clock: desk.clock, log: silentLogger });
  expect(recovered).toBeNull();
  expect(await db.all('SELECT action_type FROM agent_actions')).toEqual([{ action_type: 'test' }]);
  await db.close();

  // Not over what is there, unless it is moved aside; never under a controller.
  await expect(restoreBackup({ ...restored, dataDir: target })).rejects.toBeInstanceOf(Conflict);
  const release = lockDataDir(target, process.pid);
  await expect(restoreBackup({ ...restored, dataDir: target, force: true })).rejects.toThrow(/in use by process/);
  release();
  const { moved_to } = await restoreBackup({ ...restored, dataDir: target, force: true });
  expect(existsSync(join(moved_to ?? '', 'streaming_data.duckdb'))).toBe(true);
  expect(existsSync(join(target, 'streaming_data.duckdb'))).toBe(true);
  await desk.db.close();
  await desk.store.close();
});

test('rows that come while the database is copied are stored, and are not part of the backup', async () => {
  const desk = await filledDesk();
  const before = await contentOf(desk.store);
  let commits = 0;
  const { store } = desk;
  const snapshot = store.snapshot.bind(store);
  store.snapshot = async (id) => {
    const taken = await snapshot(id);
    return {
      ...taken,
      copyDatabase: (copy) =>
        taken.copyDatabase(async (path, check) => {
          await store.ingest([trade(9, T0 + DAY + 5)], { segment: 3, item: 8 });
          commits += 1;
          const copied = await copy(path, check);
          await store.ingest([trade(10, T0 + DAY + 6)], { segment: 3, item: 9 });
          commits += 1;
          return copied;
        }),
    };
  };
  const report = await desk.backup();
  expect([commits, report.market_rows]).toEqual([2, 3]);
  expect(await store.position()).toEqual({ segment: 3, item: 9 });
  expect(await verifyBackup(report.folder)).toMatchObject({ ok: true, problems: [] });
  const target = folder();
  await restoreBackup({ backup: report.folder, backupsDir: desk.backups, force: false, now: 0, dataDir: target });
  const again = await open(target);
  expect(await contentOf(again.store)).toEqual(before);
  await again.store.close();
  await desk.db.close();
  await store.close();
});

test('days that did not change are shared with the backup before, and the oldest go', async () => {
  const desk = await filledDesk();
  const first = await desk.backup();
  await desk.clock.advance(1000);
  const second = await desk.backup(1);
  expect(second.shared_bytes).toBeGreaterThan(0);
  expect(second.deleted).toEqual([first.id]);
  expect(await listBackupIds(desk.backups)).toEqual([second.id]);
  expect(await verifyBackup(second.folder)).toMatchObject({ ok: true });
  expect(readdirSync(join(desk.dataDir, 'compaction'))).toEqual([]);
  await expect(backupFolder(desk.backups, first.id)).rejects.toBeInstanceOf(NotFound);
  await desk.db.close();
  await desk.store.close();
});

test('a newest backup that cannot be read shares nothing, and the next one says so', async () => {
  const desk = await filledDesk();
  const first = await desk.backup();
  expect(first.notes).toEqual([]);
  writeFileSync(join(first.folder, 'manifest.json'), '{');
  await desk.clock.advance(1000);
  const second = await desk.backup();
  expect(second).toMatchObject({ shared_bytes: 0, market_rows: 3 });
  expect(second.notes).toEqual([
    expect.stringMatching(`nothing is shared with ${first.id}: .*manifest.json cannot be read`),
  ]);
  expect(await verifyBackup(second.folder)).toMatchObject({ ok: true });
  await desk.db.close();
  await desk.store.close();
});

test('what somebody put into a backup is named, is no damage, and is not restored', async () => {
  const desk = await filledDesk();
  const { folder: backup } = await desk.backup();
  writeFileSync(join(backup, 'notes.txt'), 'mine');
  const day = dirname((await readManifest(backup)).files.find(({ path }) => path.endsWith('.parquet'))?.path ?? '');
  writeFileSync(join(backup, day, '.thumbs'), 'theirs');
  expect(await verifyBackup(backup)).toMatchObject({ ok: true, foreign: [`${day}/.thumbs`, 'notes.txt'].sort() });
  const target = folder();
  await restoreBackup({ backup, dataDir: target, backupsDir: desk.backups, force: false, now: 0 });
  expect(existsSync(join(target, 'notes.txt'))).toBe(false);
  await desk.db.close();
  await desk.store.close();
});

test('a damaged backup is told and refused', async () => {
  const desk = await filledDesk();
  const { folder: backup } = await desk.backup();
  await desk.db.close();
  await desk.store.close();
  const { files } = await readManifest(backup);
  const day = join(backup, files.find(({ path }) => path.endsWith('.parquet'))?.path ?? '');
  const bytes = readFileSync(day);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(day, bytes);
  const found = await verifyBackup(backup);
  expect(found.ok).toBe(false);
  expect(found.problems[0]).toMatch(/2026-01-0.*does not match its SHA-256/);
  const target = folder();
  await expect(
    restoreBackup({ backup, dataDir: target, backupsDir: desk.backups, force: false, now: 0 }),
  ).rejects.toBeInstanceOf(Corrupt);
  expect(readdirSync(target)).toEqual([]);
  writeFileSync(join(backup, 'manifest.json'), '{"format":1,"files":[{"path":"../../etc/passwd"}]}');
  const [problem = ''] = (await verifyBackup(backup)).problems;
  expect(problem).toMatch(/manifest.json is damaged: .*files/);
  expect(problem).not.toContain('\n');
});

test('a backup of another version is told by its format, and refused', async () => {
  const backup = folder();
  writeFileSync(join(backup, 'manifest.json'), '{"format":2,"program":"9.1.0"}');
  expect(await verifyBackup(backup)).toMatchObject({
    ok: false,
    problems: [expect.stringMatching(/format 2 \(made by 9.1.0\), this version reads format 1/)],
  });
  const order = { backup, dataDir: folder(), backupsDir: folder(), force: false, now: 0 };
  await expect(restoreBackup(order)).rejects.toBeInstanceOf(Unsupported);
});
