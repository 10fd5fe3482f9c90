import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupOps } from '../../src/events/ops/backup.ts';
import { Database } from '../../src/infra/duckdb/database.ts';
import { systemClock } from '../../src/infra/clock.ts';
import { Conflict, Unavailable } from '../../src/kit/errors.ts';
import type { AnyEvent } from '../../src/kit/event.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { TAPE_VERSION } from '../../src/market/collect/tape/format.ts';
import { verifyTape } from '../../src/market/collect/tape/inspect.ts';
import { CrewController } from '../../src/serve/controller.ts';
import type { ControllerOptions } from '../../src/serve/options.ts';
import { temporaryFolder } from './crew.ts';

const VIEW = 'btcusdt_binance_futures_trades';
const ROWS = `SELECT md5(string_agg(CAST(t AS VARCHAR), '|' ORDER BY CAST(t AS VARCHAR))) AS hash, count(*) AS n FROM ${VIEW} t`;

const options = (dataDir: string): ControllerOptions => ({
  config: '.',
  dataDir,
  source: 'sim',
  exchanges: ['binance_futures'],
  symbols: ['BTCUSDT'],
  simulator: { seed: 3 },
  log: silentLogger,
  env: {},
});

/** Collects for a while and stops; gives what the trades were until then. */
async function collected(
  dataDir: string,
): Promise<{ readonly hash: unknown; readonly n: number; readonly last: string }> {
  await using controller = new CrewController(options(dataDir));
  await controller.start({ autonomous: false });
  await expect
    .poll(async () => Number((await query(controller, ROWS))['n']), { timeout: 20_000, interval: 300 })
    .toBeGreaterThan(20);
  await controller.stop();
  await controller.initialize();
  const { hash, n } = await query(controller, ROWS);
  const { last } = await query(controller, `SELECT CAST(max(recv_time) AS VARCHAR) AS last FROM ${VIEW}`);
  return { hash, n: Number(n), last: String(last) };
}

async function query(
  controller: CrewController,
  sql: string,
  database: 'market' | 'ops' = 'market',
): Promise<Readonly<Record<string, unknown>>> {
  return (await controller.desk.query({ sql, maxRows: 1, timeoutMs: 10_000, database })).rows[0] ?? {};
}

/** Starts on the folder again, and gives the controller and what it told of recovering. */
async function restarted(dataDir: string): Promise<{ readonly controller: CrewController; readonly told: AnyEvent[] }> {
  const controller = new CrewController(options(dataDir));
  const told: AnyEvent[] = [];
  controller.on('*', (event) => {
    if (event.type === 'system.recovered' || event.type === 'data.quality_alert') told.push(event);
  });
  await controller.start({ autonomous: false });
  return { controller, told };
}

function overwrite(path: string, at: number, length: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(length, 0xa5), 0, length, at);
  closeSync(file);
}

/** Overwrites every block of the market database; its headers stay. */
function spoilMarket(dataDir: string): void {
  const path = join(dataDir, 'streaming_data.duckdb');
  overwrite(path, 12_288, statSync(path).size - 12_288);
}

describe('damage', { timeout: 90_000 }, () => {
  it('of the market database is mended from the tape, and quarantines hold again', async () => {
    const dataDir = temporaryFolder();
    const before = await collected(dataDir);
    {
      await using controller = new CrewController(options(dataDir));
      await controller.initialize();
      const { store, services } = controller.runtime.market;
      const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' } as const;
      const [row] = await store.seriesRows({ ...series, from: 0, to: 4e15, limit: 1 });
      const keys = [String(row?.['row_key'])];
      const held = { id: 'q1', reason: 'a test', ...series, keys, from: 0, to: 4e15 };
      expect(await store.quarantine(held)).toBe(1);
      const { id, from, to, ...rest } = held;
      const now = systemClock.now();
      const noted = { quarantine_id: id, from_us: from, to_us: to, quarantined_at: now };
      await services.ops.insert('quarantines', { ...rest, ...noted, rows: 1, released_at: null, released_by: null });
    }
    spoilMarket(dataDir);

    const { controller, told } = await restarted(dataDir);
    await using _controller = controller;
    expect(readdirSync(dataDir).some((name) => name.startsWith('streaming_data.duckdb.damaged-'))).toBe(true);
    expect(told.some((event) => event.type === 'system.recovered' && event.data.what === 'market database')).toBe(true);
    const journaled = "SELECT count(*) AS n FROM events WHERE type = 'system.recovered' AND data LIKE '%set aside%'";
    await controller.runtime.operations.bus.flush();
    expect(Number((await query(controller, journaled, 'ops'))['n'])).toBe(1);
    const quarantined = await query(
      controller,
      `SELECT count(*) AS n FROM ${VIEW} WHERE recv_time <= TIMESTAMP '${before.last}'`,
    );
    expect(Number(quarantined['n'])).toBe(before.n - 1);
    expect(await controller.runtime.market.store.release('q1')).toBe(1);
    const after = await query(controller, `${ROWS} WHERE recv_time <= TIMESTAMP '${before.last}'`);
    expect({ hash: after['hash'], n: Number(after['n']) }).toEqual({ hash: before.hash, n: before.n });
  });

  it('of the operations database is mended from a verified copy, and the loss told', async () => {
    const dataDir = temporaryFolder();
    const setting = (reason: string) => ({
      changed_at: systemClock.now(),
      name: 'a_test',
      value: 1,
      previous: null,
      changed_by: 'test',
      reason,
    });
    await collected(dataDir);
    let copied: string;
    {
      await using controller = new CrewController(options(dataDir));
      await controller.start({ autonomous: false });
      const { db, store, bus } = controller.runtime.operations;
      await store.insert('desk_settings', setting('before the copy'));
      // What the copy holds: the starts of both controllers are journaled by then.
      await bus.flush();
      const copy = await backupOps(db, join(dataDir, 'backups'), { clock: systemClock });
      copied = basename(copy.path);
      await store.insert('desk_settings', setting('after the copy'));
      await bus.flush();
      await controller.stop();
    }
    const path = join(dataDir, 'crewai_data_ops.duckdb');
    overwrite(path, 0, Math.min(statSync(path).size, 65_536));
    const { controller, told } = await restarted(dataDir);
    await using _controller = controller;
    const recovered = told.flatMap((event) => (event.type === 'system.recovered' ? [event.data] : []));
    expect(recovered[0]).toMatchObject({ what: 'crewai_data_ops.duckdb' });
    expect(recovered[0]?.action).toContain(`restored ${copied}`);
    expect(recovered[0]?.lost).toMatch(/^what was written between .*events after number \d+/);
    const kept = await controller.runtime.operations.store.select('desk_settings', { where: { name: 'a_test' } });
    expect(kept.map((row) => row.reason)).toEqual(['before the copy']);
    const before = "SELECT count(*) AS n FROM events WHERE type = 'system.started'";
    expect(Number((await query(controller, before, 'ops'))['n'])).toBeGreaterThan(1);
    expect(readdirSync(join(dataDir, 'damaged')).length).toBeGreaterThan(0);
    expect(controller.getHealth().healthy).toBe(true);
  });

  it('of an operations database without any copy is started empty, and everything is told as lost', async () => {
    const dataDir = temporaryFolder();
    await collected(dataDir);
    const path = join(dataDir, 'crewai_data_ops.duckdb');
    rmSync(join(dataDir, 'backups'), { recursive: true, force: true });
    overwrite(path, 0, Math.min(statSync(path).size, 65_536));
    const { controller, told } = await restarted(dataDir);
    await using _controller = controller;
    const recovered = told.flatMap((event) => (event.type === 'system.recovered' ? [event.data] : []));
    expect(recovered[0]?.action).toMatch(/^started empty/);
    expect(recovered[0]?.lost).toMatch(/everything/);
    expect(controller.getHealth().healthy).toBe(true);
  });

  it('of a tape block is found by verify and told at the start, which goes on', async () => {
    const dataDir = temporaryFolder();
    await collected(dataDir);
    const tape = join(dataDir, 'tape');
    const segment =
      readdirSync(tape)
        .sort()
        .map((name) => join(tape, name))
        .find((file) => statSync(file).size > 4096) ?? '';
    const good = await verifyTape(tape);
    overwrite(segment, 2000, 16);
    const bad = await verifyTape(tape);
    expect([good.intact, bad.intact]).toEqual([true, false]);
    spoilMarket(dataDir);
    const { controller, told } = await restarted(dataDir);
    await using _controller = controller;
    const alerts = told.flatMap((event) => (event.type === 'data.quality_alert' ? [event.data] : []));
    expect(alerts.find((alert) => alert.alert_type === 'tape_damaged')?.message).toContain(segment);
    expect(controller.getHealth().checks.collectors_ok).toBe(true);
  });
});

describe('a start that cannot be', { timeout: 60_000 }, () => {
  it('names the data folder that cannot be written', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'not a folder');
    const controller = new CrewController(options(join(file, 'data')));
    await expect(controller.start()).rejects.toSatisfy(
      (error) => error instanceof Unavailable && error.message.includes(join(file, 'data')),
    );
    expect(controller.state).toBe('error');
  });

  it('names the port that is taken, and starts once it is free', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const controller = new CrewController({ ...options(temporaryFolder()), env: { CREW_SERVE__PORT: String(port) } });
    await expect(controller.start({ autonomous: false })).rejects.toThrow(new RegExp(`${port}.*(?:taken|in use)`));
    await new Promise((resolve) => taken.close(resolve));
    await controller.start({ autonomous: false });
    expect(controller.getHealth().healthy).toBe(true);
    await controller.stop();
  });

  it('refuses a data folder that another controller has', async () => {
    const dataDir = temporaryFolder();
    await using first = new CrewController(options(dataDir));
    await first.initialize();
    const second = new CrewController(options(dataDir));
    await expect(second.start()).rejects.toBeInstanceOf(Conflict);
    expect(first.state).toBe('ready');
  });

  it('leaves files of a newer program alone', async () => {
    const dataDir = temporaryFolder();
    await collected(dataDir);
    const rewrite = async (file: string, sql: string): Promise<void> => {
      const db = await Database.open({ path: join(dataDir, file) });
      await db.run(sql);
      await db.close();
    };
    await rewrite('streaming_data.duckdb', 'UPDATE _format SET version = version + 1');
    await expect(new CrewController(options(dataDir)).start()).rejects.toThrow(/newer program/);
    await rewrite('streaming_data.duckdb', 'UPDATE _format SET version = version - 1');

    const tape = join(dataDir, 'tape');
    const segment = join(tape, readdirSync(tape).sort()[0] ?? '');
    const whole = readFileSync(segment);
    const newer = Buffer.from(whole);
    newer.writeUInt16LE(TAPE_VERSION + 1, 8);
    writeFileSync(segment, newer);
    spoilMarket(dataDir);
    await expect(new CrewController(options(dataDir)).start()).rejects.toThrow(/newer release/);
    writeFileSync(segment, whole);

    await rewrite('crewai_data_ops.duckdb', 'UPDATE ops_format SET version = version + 1');
    await expect(new CrewController(options(dataDir)).start()).rejects.toThrow(/newer program/);
    expect(readdirSync(dataDir)).not.toContain('damaged');
  });
});
