import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseHead, readHeadMark } from '../../../src/crew/audit/chain.ts';
import { openAudit, type StoredAudit } from '../../../src/crew/audit/log.ts';
import { verifyAudit } from '../../../src/crew/audit/verify.ts';
import { auditApprovals, auditedGrants, auditedLedger } from '../../../src/crew/audit/watch.ts';
import { openLedger } from '../../../src/crew/ledger/ledger.ts';
import { openGrants } from '../../../src/crew/permission/grants.ts';
import { OPS_FILE } from '../../../src/events/ops/database.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import type { AuditRow } from '../../../src/kit/invoke.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { openFilesDesk } from '../../../src/serve/files-desk.ts';
import { MemoryEvents } from '../../../src/testing/events.ts';

const clock = new ManualClock();
const row = (n: number): AuditRow => ({
  call_id: `call_${n}`,
  time: clock.now() + n,
  caller: 'agent:cleaner',
  agent_id: 'cleaner',
  role: 'cleaner',
  tool: 'fill_data_gaps',
  category: 'database_write',
  args: { symbol: 'BTCUSDT', n },
  decision: 'allowed',
  rule: 'role cleaner grants database_write WRITE (needs WRITE)',
  outcome: 'success',
  error_code: null,
  error_message: null,
  duration_ms: 1.5,
  run_id: 'run_1',
  task_id: null,
  reason: null,
});

async function inFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, OPS_FILE);
}

async function opened(path: string): Promise<{ readonly db: Database; readonly audit: StoredAudit }> {
  const db = await Database.open({ path });
  return { db, audit: await openAudit({ db, clock, log: silentLogger }) };
}

const ROWS = 12;

describe('the chain of the audit log', () => {
  let db: Database;
  let audit: StoredAudit;
  beforeAll(async () => {
    db = await Database.open({ path: ':memory:' });
    audit = await openAudit({ db, clock, log: silentLogger });
    for (let n = 1; n <= ROWS; n++) audit.record(row(n));
    await audit.flush();
    await db.run('CREATE TABLE original AS SELECT * FROM tool_audit');
  });
  afterAll(async () => {
    await audit.close();
    await db.close();
  });
  const restore = async (): Promise<void> => {
    await db.run('DELETE FROM tool_audit');
    await db.run('INSERT INTO tool_audit SELECT * FROM original');
  };

  it('holds as written, over any number of batches', async () => {
    await restore();
    expect(await audit.verify()).toMatchObject({ ok: true, rows: ROWS, first_seq: 1, findings: [] });
    expect((await audit.verify()).head).toMatch(/^12:[0-9a-f]{64}$/);
  });

  it('names the row that was changed, whatever of it', async () => {
    const changes = {
      time: "TIMESTAMP '2020-01-01'",
      caller: "'operator'",
      agent_id: 'NULL',
      args: `'{"symbol":"ETHUSDT"}'`,
      decision: "'denied'",
      outcome: "'refused'",
      duration_ms: '1.25',
      run_id: "'run_2'",
      hash: "repeat('0', 64)",
    };
    for (const [column, value] of Object.entries(changes)) {
      await restore();
      await db.run(`UPDATE tool_audit SET ${column} = ${value} WHERE seq = 5`);
      const { ok, findings } = await audit.verify();
      expect({ column, ok, first: findings[0] }).toMatchObject({
        column,
        ok: false,
        first: { seq: 5, kind: 'changed' },
      });
    }
  });

  it('names what was taken out, put in twice, and cut off at the beginning', async () => {
    await restore();
    await db.run('DELETE FROM tool_audit WHERE seq IN (4, 5)');
    expect((await audit.verify()).findings).toEqual([{ seq: 4, kind: 'missing', message: 'rows 4 to 5 are missing' }]);
    await restore();
    await db.run('INSERT INTO tool_audit SELECT * FROM original WHERE seq = 7');
    expect((await audit.verify()).findings).toMatchObject([{ seq: 7, kind: 'repeated' }]);
    await restore();
    await db.run('DELETE FROM tool_audit WHERE seq < 4');
    expect((await audit.verify()).findings).toMatchObject([{ seq: 3, kind: 'missing' }]);
    await restore();
    await db.run('INSERT INTO tool_audit SELECT * REPLACE (0 AS seq) FROM original WHERE seq = 7');
    expect((await audit.verify()).findings).toMatchObject([{ seq: 0, kind: 'repeated' }]);
  });

  it('finds every change, loss, move and forgery (property)', async () => {
    const seq = fc.integer({ min: 1, max: ROWS });
    const tampering = fc.oneof(
      fc.record({ what: fc.constant('change' as const), at: seq, text: fc.string({ minLength: 1, maxLength: 5 }) }),
      fc.record({ what: fc.constant('delete' as const), at: fc.integer({ min: 1, max: ROWS - 1 }) }),
      fc.record({ what: fc.constant('swap' as const), at: seq, other: seq }).filter(({ at, other }) => at !== other),
      fc.record({ what: fc.constant('forge' as const), at: seq }),
    );
    await fc.assert(
      fc.asyncProperty(tampering, async (t) => {
        await restore();
        if (t.what === 'change') await db.run('UPDATE tool_audit SET rule = rule || ? WHERE seq = ?', [t.text, t.at]);
        if (t.what === 'delete') await db.run('DELETE FROM tool_audit WHERE seq = ?', [t.at]);
        if (t.what === 'swap')
          await db.run('UPDATE tool_audit SET seq = CASE seq WHEN ? THEN ? ELSE ? END WHERE seq IN (?, ?)', [
            t.at,
            t.other,
            t.at,
            t.at,
            t.other,
          ]);
        if (t.what === 'forge')
          await db.run(`INSERT INTO tool_audit SELECT * REPLACE (${ROWS + 1} AS seq) FROM original WHERE seq = ?`, [
            t.at,
          ]);
        expect((await audit.verify()).ok).toBe(false);
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  it('knows by a head that was kept elsewhere that everything was written anew', async () => {
    await restore();
    const kept = parseHead((await audit.verify()).head);
    expect((await audit.verify(kept)).ok).toBe(true);
    const other = await Database.open({ path: ':memory:' });
    const forged = await openAudit({ db: other, clock, log: silentLogger });
    for (let n = 1; n <= ROWS; n++) forged.record({ ...row(n), outcome: 'refused' });
    expect(await forged.verify()).toMatchObject({ ok: true, rows: ROWS });
    expect((await forged.verify(kept)).findings).toMatchObject([{ seq: ROWS, kind: 'changed' }]);
    await other.run('DELETE FROM tool_audit WHERE seq > 8');
    expect((await verifyAudit(other, { kept })).findings).toMatchObject([{ seq: ROWS, kind: 'missing' }]);
    await forged.close();
    await other.close();
    expect(() => parseHead('12:abc')).toThrow(/SEQ:HASH/);
  });
});

describe('the audit log over restarts', () => {
  it('goes on where it ended, and misses what was cut off meanwhile', async () => {
    const path = await inFolder();
    const first = await opened(path);
    for (let n = 1; n <= 5; n++) first.audit.record(row(n));
    await first.audit.close();
    await first.db.close();
    expect(readHeadMark(path)?.seq).toBe(5);
    await using desk = openFilesDesk({ dataDir: dirname(path) });
    expect(await desk.verifyAudit()).toMatchObject({ ok: true, rows: 5 });
    expect(await desk.audit({ limit: 2 })).toMatchObject([{ seq: 5 }, { seq: 4 }]);

    const second = await opened(path);
    second.audit.record(row(6));
    expect(await second.audit.verify()).toMatchObject({ ok: true, rows: 6 });
    await second.db.run('DELETE FROM tool_audit WHERE seq > 4');
    expect((await second.audit.verify()).findings).toEqual([
      { seq: 5, kind: 'cut_off', message: 'rows 5 to 6 are missing at the end' },
    ]);
    await second.audit.close();
    await second.db.close();

    const third = await opened(path);
    third.audit.record(row(7));
    const report = await third.audit.verify();
    expect(report.findings).toEqual([
      { seq: 5, kind: 'missing', message: 'rows 5 to 6 are missing, as was noticed when the file was opened' },
    ]);
    expect((await third.audit.list({ kind: 'break' }))[0]).toMatchObject({ seq: 7, args: { after: 4, through: 6 } });
    await third.audit.close();
    await third.db.close();
  });

  it('prunes the oldest rows and still holds, twice over', async () => {
    const path = await inFolder();
    const { db, audit } = await opened(path);
    for (let n = 1; n <= 10; n++) audit.record(row(n));
    expect(await audit.prune(clock.now() + 4)).toBe(3);
    expect(await audit.verify()).toMatchObject({ ok: true, rows: 8, first_seq: 4 });
    expect(await audit.prune(clock.now() + 6)).toBe(2);
    expect(await audit.verify()).toMatchObject({ ok: true, first_seq: 6 });
    expect(await audit.prune(clock.now() - 1)).toBe(0);
    await db.run('DELETE FROM tool_audit WHERE seq = 6');
    expect((await audit.verify()).findings).toMatchObject([{ seq: 6, kind: 'missing' }]);
    await audit.close();
    await db.close();
  });

  it('sets rows of a time before the chain aside', async () => {
    const path = await inFolder();
    const db = await Database.open({ path });
    await db.run('CREATE TABLE tool_audit (call_id VARCHAR, time TIMESTAMP)');
    await db.run("INSERT INTO tool_audit VALUES ('old', TIMESTAMP '2020-01-01')");
    const audit = await openAudit({ db, clock, log: silentLogger });
    audit.record(row(1));
    expect(await audit.verify()).toMatchObject({ ok: true, rows: 1 });
    expect(await db.all('SELECT call_id FROM tool_audit_unchained')).toEqual([{ call_id: 'old' }]);
    expect(await audit.prune(clock.now())).toBe(1);
    await audit.close();
    await db.close();
  });
});

it('holds approvals, effects and overrides beside the calls', async () => {
  const db = await Database.open({ path: ':memory:' });
  const audit = await openAudit({ db, clock, log: silentLogger });
  const events = new MemoryEvents();
  auditApprovals({ on: (_, handler) => events.subscribe(handler), off: () => undefined }, audit);
  const data = { approval_id: 'app_1', tool: 'vacuum_table', agent_id: 'cleaner', args_hash: 'h', expires_at: 5 };
  events.emit('system.approval_required', data);
  events.emit('approval.decided', { approval_id: 'app_1', decision: 'rejected', decided_by: 'alice' });
  const ledger = auditedLedger(await openLedger({ db, clock }), audit);
  const call = { tool: 'vacuum_table', argsHash: 'h', runId: 'run_1' };
  await ledger.begin('a', call);
  expect((await db.all("SELECT rule FROM tool_audit WHERE kind = 'effect'")).map((r) => r['rule'])).toEqual(['begun']);
  await ledger.finish('a', { data: 1, provenance: { as_of: null, source: 's', complete: true, stale_ms: null } });
  await ledger.begin('b', call);
  ledger.leave('b');
  await ledger.settle('b', 'void', 'bob');
  const grants = auditedGrants(await openGrants({ db, clock, ids: (p) => `${p}_1` }), audit);
  const spec = { agent: 'cleaner', tool: 'vacuum_table', level: 'WRITE', expires_at: null, reason: 'tonight' } as const;
  await grants.grant({ ...spec, granted_by: 'alice' });
  await grants.revoke('grant_1', 'bob');
  const rows = (await audit.list({ kind: 'all' })).toReversed();
  expect(rows.map((r) => [r.kind, r.call_id, r.caller, r.rule, r.decision].join(' '))).toEqual([
    'approval app_1 cleaner required allowed',
    'approval app_1 alice rejected denied',
    'effect a ledger begun allowed',
    'effect a ledger done allowed',
    'effect b ledger begun allowed',
    'effect b ledger outcome unknown allowed',
    'effect b bob settled as void allowed',
    'override grant_1 alice granted allowed',
    'override grant_1 bob revoked allowed',
  ]);
  expect((await audit.verify()).ok).toBe(true);
  await audit.close();
  await db.close();
});
