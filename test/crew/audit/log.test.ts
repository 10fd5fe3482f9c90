import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAudit, type StoredAudit } from '../../../src/crew/audit/log.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import type { AuditRow } from '../../../src/kit/invoke.ts';
import { RecordingLogger } from '../../kit/tool-fakes.ts';

describe('the audit log', () => {
  let db: Database;
  let clock: ManualClock;
  let log: RecordingLogger;
  let audit: StoredAudit;
  beforeAll(async () => {
    db = await Database.open({ path: ':memory:' });
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    clock = new ManualClock();
    log = new RecordingLogger();
    audit = await openAudit({ db, clock, log });
  });
  afterEach(async () => {
    await audit.close().catch(() => undefined);
    await db.run('DROP TABLE IF EXISTS tool_audit');
  });

  const row = (changes: Partial<AuditRow> = {}): AuditRow => ({
    call_id: 'call_1',
    time: clock.now(),
    caller: 'agent:cleaner',
    agent_id: 'cleaner',
    role: 'cleaner',
    tool: 'fill_data_gaps',
    category: 'database_write',
    args: { symbol: 'BTCUSDT' },
    decision: 'allowed',
    rule: 'role cleaner grants database_write WRITE (needs WRITE)',
    outcome: 'success',
    error_code: null,
    error_message: null,
    duration_ms: 1.5,
    run_id: 'run_1',
    task_id: null,
    reason: null,
    ...changes,
  });
  const stored = async (): Promise<number> => Number((await db.all('SELECT count(*) AS n FROM tool_audit'))[0]?.['n']);
  const until = async (n: number): Promise<void> => {
    for (let i = 0; i < 200 && (await stored()) !== n; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await stored()).toBe(n);
  };

  it('gives back what was recorded, newest first', async () => {
    audit.record(row());
    const denied = row({
      call_id: 'call_2',
      time: clock.now() + 1,
      caller: 'mcp',
      agent_id: null,
      tool: 'vacuum_tables',
      category: null,
      args: undefined,
      decision: 'denied',
      outcome: 'refused',
      error_code: 'permission_denied',
      error_message: 'no',
      run_id: null,
      task_id: 'task',
      reason: 'why',
    });
    audit.record(denied);
    expect(await audit.list()).toMatchObject([
      { ...denied, args: null, seq: 2, kind: 'call' },
      { ...row(), seq: 1 },
    ]);
    for (const query of [
      { agent: 'cleaner' },
      { caller: 'agent:cleaner' },
      { tool: 'fill_data_gaps' },
      { decision: 'allowed' },
      { outcome: 'success' },
      { runId: 'run_1' },
    ] as const) {
      expect(
        (await audit.list(query)).map((r) => r.call_id),
        JSON.stringify(query),
      ).toEqual(['call_1']);
    }
    expect((await audit.list({ since: clock.now() + 1 })).map((r) => r.call_id)).toEqual(['call_2']);
    expect(await audit.list({ limit: 1 })).toHaveLength(1);
  });

  it('writes in batches: after a time, at a number, and on flush', async () => {
    audit.record(row());
    audit.record(row());
    expect(await stored()).toBe(0);
    await clock.advance(200);
    await until(2);
    for (let i = 0; i < 500; i++) audit.record(row());
    await until(502);
    audit.record(row());
    await audit.flush();
    expect(await stored()).toBe(503);
  });

  it('leaves secrets out of the arguments', async () => {
    audit.record(row({ args: { api_key: 'hunter2', nested: [{ password: 'hunter2', n: 1 }] } }));
    expect((await audit.list())[0]?.args).toEqual({
      api_key: '[redacted]',
      nested: [{ password: '[redacted]', n: 1 }],
    });
  });

  it('writes what waits when it closes, and refuses rows after that', async () => {
    audit.record(row());
    await audit.close();
    expect(await stored()).toBe(1);
    audit.record(row());
    await audit.close();
    expect(await stored()).toBe(1);
    expect(log.lines.map((l) => l.event)).toEqual(['audit.row_after_close']);
  });

  it('keeps rows that the disk did not take and writes them later', async () => {
    await db.run('ALTER TABLE tool_audit RENAME TO elsewhere');
    audit.record(row());
    await expect(audit.flush()).rejects.toThrow(/tool_audit/);
    audit.record(row());
    await clock.advance(200);
    for (let i = 0; i < 200 && log.lines.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(log.lines).toMatchObject([{ event: 'audit.write_failed', fields: { rows: 2 } }]);
    await db.run('ALTER TABLE elsewhere RENAME TO tool_audit');
    await clock.advance(2000);
    await until(2);
  });
});
