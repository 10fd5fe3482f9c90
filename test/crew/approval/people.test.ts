import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openApprovals } from '../../../src/crew/approval/approvals.ts';
import type { AnswerTerms, ApprovalOptions, Approvals } from '../../../src/crew/approval/contract.ts';
import { createPeople } from '../../../src/crew/approval/people.ts';
import { createApprovalPolicy } from '../../../src/crew/approval/policy.ts';
import type { ApprovalRule } from '../../../src/crew/approval/rules.ts';
import { fits, patternOf } from '../../../src/crew/approval/standing.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { ApprovalRequired, Conflict, InvalidInput, NotFound, PermissionDenied } from '../../../src/kit/errors.ts';
import { EVENTS } from '../../../src/kit/event.ts';
import { canonicalHash } from '../../../src/kit/hash.ts';
import type { ToolCall } from '../../../src/kit/invoke.ts';
import { deskOf, effectTool, operator, RecordingLogger, RecordingSink } from '../../kit/tool-fakes.ts';
import { issuesOf } from '../config/folder.ts';

const MINUTE = 60_000;
const { tool } = effectTool();
const rule: ApprovalRule = {
  tools: ['change_*'],
  approvers: ['risk'],
  needed: 2,
  timeoutMs: 10 * MINUTE,
  escalateAfterMs: 2 * MINUTE,
  escalateTo: ['lead'],
};
const people = createPeople(
  {
    alice: { roles: ['risk'], key_env: null },
    bob: { roles: ['risk', 'desk'], key_env: 'BOB_KEY' },
    carol: { roles: ['desk'], key_env: null },
    dora: { roles: ['lead'], key_env: null },
  },
  { BOB_KEY: 'secret of bob' },
);
const bobs: AnswerTerms = { key: 'secret of bob' };

describe('approvals by several people', () => {
  let db: Database;
  let clock: ManualClock;
  let events: RecordingSink;
  let open: Approvals[];
  let id: number;

  const start = async (changes: Partial<ApprovalOptions> = {}): Promise<Approvals> => {
    const rules = changes.rules ?? [rule];
    const approvals = await openApprovals({
      db,
      clock,
      events,
      log: new RecordingLogger(),
      ids: (prefix) => `${prefix}_${++id}`,
      policy: createApprovalPolicy({ agents: [], categories: ['database_write'], rules }),
      rules,
      people,
      timeoutMs: 5 * MINUTE,
      ...changes,
    });
    open.push(approvals);
    return approvals;
  };
  const check = async (
    approvals: Approvals,
    args: unknown = { symbol: 'BTC' },
    changes: Partial<ToolCall> = {},
  ): Promise<readonly unknown[]> => {
    const edits: unknown[] = [];
    const call = { tool: 'change_echo', args, caller: operator, ...changes };
    const edit = (given: unknown): void => void edits.push(given);
    await approvals.check({ call, tool, args, argsHash: canonicalHash(args), callId: 'call_1', edit });
    return edits;
  };
  const request = async (approvals: Approvals, args?: unknown): Promise<string> => {
    const error: unknown = await check(approvals, args).catch((e: unknown) => e);
    if (!(error instanceof ApprovalRequired)) throw new Error(`expected ApprovalRequired, got ${String(error)}`);
    return error.approvalId;
  };
  const decisions = (): readonly unknown[] =>
    events.of('approval.decided').map((data) => EVENTS['approval.decided'].parse(data).decision);
  const until = async (ready: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 200 && !(await ready()); i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await ready()).toBe(true);
  };

  beforeAll(async () => {
    db = await Database.open({ path: ':memory:' });
  });
  afterAll(() => db.close());
  beforeEach(() => {
    clock = new ManualClock();
    events = new RecordingSink();
    open = [];
    id = 0;
  });
  afterEach(async () => {
    for (const approvals of open) await approvals.close();
    for (const table of ['approvals', 'standing_approvals']) await db.run(`DROP TABLE IF EXISTS ${table}`);
  });

  it('need two different people of the role, and say how far they are', async () => {
    const approvals = await start();
    const asked = await request(approvals);
    expect(await approvals.get(asked)).toMatchObject({
      needed: 2,
      approvers: ['risk'],
      expires_at: clock.now() + 10 * MINUTE,
      policy: 'a rule wants the yes of 2 different people with the role risk',
    });
    const first = await approvals.approve(asked, 'alice', 'fine');
    expect(first).toMatchObject({ state: 'pending', answers: [{ by: 'alice', note: 'fine' }] });
    await expect(check(approvals)).rejects.toBeInstanceOf(ApprovalRequired);
    await expect(approvals.approve(asked, 'alice')).rejects.toThrow('alice has answered request app_1 already');
    await expect(approvals.approve(asked, 'carol')).rejects.toThrow('it needs the role risk');
    await expect(approvals.approve(asked, 'mallory')).rejects.toThrow("'mallory' is not among the people");
    await expect(approvals.approve(asked, 'bob')).rejects.toThrow('bob must show their key');
    await expect(approvals.approve(asked, 'bob', '', { key: 'guess' })).rejects.toBeInstanceOf(PermissionDenied);
    await expect(approvals.reject(asked, 'carol')).rejects.toBeInstanceOf(PermissionDenied);
    expect(await approvals.approve(asked, 'bob', '', bobs)).toMatchObject({
      state: 'approved',
      decided_by: 'alice, bob',
    });
    await expect(approvals.approve(asked, 'bob', '', bobs)).rejects.toBeInstanceOf(Conflict);
    expect(await check(approvals)).toEqual([]);
    expect(decisions()).toEqual(['seconded', 'approved', 'used']);
    await expect(check(approvals)).rejects.toBeInstanceOf(ApprovalRequired);
  });

  it('end with one no, and count two answers at once as two', async () => {
    const approvals = await start();
    const asked = await request(approvals);
    await approvals.approve(asked, 'alice');
    expect(await approvals.reject(asked, 'bob', 'no', bobs)).toMatchObject({ state: 'rejected', decided_by: 'bob' });
    const other = await request(approvals, { symbol: 'ETH' });
    const both = await Promise.all([approvals.approve(other, 'alice'), approvals.approve(other, 'bob', '', bobs)]);
    expect(both.map((r) => r.state)).toEqual(['pending', 'approved']);
    const third = await request(approvals, { symbol: 'SOL' });
    const twice = await Promise.allSettled([approvals.approve(third, 'alice'), approvals.approve(third, 'alice')]);
    expect(twice.map((r) => r.status)).toEqual(['fulfilled', 'rejected']);
    expect((await approvals.get(third)).state).toBe('pending');
  });

  it('let others in when nobody answers, also after a restart', async () => {
    const approvals = await start();
    const asked = await request(approvals);
    await expect(approvals.approve(asked, 'dora')).rejects.toBeInstanceOf(PermissionDenied);
    await clock.advance(2 * MINUTE);
    await until(async () => (await approvals.get(asked)).escalated_at !== null);
    expect(events.of('approval.escalated')).toEqual([
      { approval_id: asked, tool: 'change_echo', to: ['lead'], waited_ms: 2 * MINUTE },
    ]);
    await approvals.approve(asked, 'dora');
    expect((await approvals.approve(asked, 'alice')).state).toBe('approved');
    const other = await request(approvals, { symbol: 'ETH' });
    await approvals.close();
    clock.jump(3 * MINUTE);
    const later = await start();
    expect((await later.get(other)).approvers).toEqual(['risk', 'lead']);
    await clock.advance(7 * MINUTE);
    await until(async () => (await later.get(other)).state === 'expired');
  });

  it('may change the arguments, when all who agree change them alike', async () => {
    const approvals = await start();
    const asked = await request(approvals, { symbol: 'BTC', limit: 100 });
    const less = { args: { symbol: 'BTC', limit: 5 } };
    await approvals.approve(asked, 'alice', '', less);
    const unlike = await approvals.approve(asked, 'bob', '', { ...bobs, args: { symbol: 'BTC', limit: 6 } });
    expect(unlike.state).toBe('pending');
    const other = await request(approvals, { symbol: 'ETH', limit: 100 });
    const args = { limit: 5, symbol: 'ETH' };
    await approvals.approve(other, 'alice', '', { args });
    expect(await approvals.approve(other, 'bob', '', { ...bobs, args })).toMatchObject({ edited_args: args });
    const intent = { runId: 'run_1', path: 'a#0/0/0.0' };
    expect(await check(approvals, { symbol: 'ETH', limit: 100 }, intent)).toEqual([args]);
    // The same step, made again after a crash, runs with the same.
    expect(await check(approvals, { symbol: 'ETH', limit: 100 }, intent)).toEqual([args]);
    await expect(check(approvals, { symbol: 'ETH', limit: 100 })).rejects.toBeInstanceOf(ApprovalRequired);
  });

  it('may cover further calls: of this caller, with these fields, so long and so often', async () => {
    const approvals = await start({ rules: [{ ...rule, needed: 1 }] });
    const asked = await request(approvals, { symbol: 'BTCUSDT', limit: 5 });
    const sticky = { forMs: 60 * MINUTE, allow: { symbol: 'BTC*' }, uses: 2 };
    await expect(
      approvals.approve(asked, 'alice', '', { sticky: { ...sticky, allow: { price: '*' } } }),
    ).rejects.toThrow("the call has no field 'price'; its fields: symbol, limit");
    await expect(approvals.approve(asked, 'alice', '', { sticky, args: {} })).rejects.toBeInstanceOf(InvalidInput);
    await expect(
      approvals.approve(asked, 'alice', '', { sticky: { ...sticky, forMs: 31 * 1440 * MINUTE } }),
    ).rejects.toThrow('at most 30 days');
    await approvals.approve(asked, 'alice', '', { sticky });
    expect(await check(approvals, { symbol: 'BTCUSDT', limit: 5 })).toEqual([]);
    expect(await check(approvals, { symbol: 'BTCUSDC', limit: 5 })).toEqual([]);
    for (const args of [{ symbol: 'ETHUSDT', limit: 5 }, { symbol: 'BTCUSDT', limit: 6 }, { symbol: 'BTCUSDT' }])
      await expect(check(approvals, args)).rejects.toBeInstanceOf(ApprovalRequired);
    const other = { caller: { ...operator, id: 'mcp' } };
    await expect(check(approvals, { symbol: 'BTCUSDC', limit: 5 }, other)).rejects.toBeInstanceOf(ApprovalRequired);
    expect(await check(approvals, { symbol: 'BTCEUR', limit: 5 })).toEqual([]);
    await expect(check(approvals, { symbol: 'BTCEUR', limit: 5 })).rejects.toBeInstanceOf(ApprovalRequired);
    expect(await approvals.standing()).toMatchObject([{ uses_left: 0, granted_by: ['alice'], request_id: asked }]);
  });

  it('that cover further calls do not answer for words from outside', async () => {
    const approvals = await start({ rules: [{ ...rule, needed: 1 }] });
    const args = { symbol: 'BTC' };
    await approvals.approve(await request(approvals, args), 'alice', '', {
      sticky: { forMs: 60 * MINUTE, allow: {}, uses: null },
    });
    await check(approvals, args);
    expect(await check(approvals, args)).toEqual([]);
    const call = { tool: 'change_echo', args, caller: operator };
    const tainted = { call, tool, args, argsHash: canonicalHash(args), callId: 'call_1', because: 'it read a page' };
    await expect(approvals.check(tainted)).rejects.toThrow('it read a page');
  });

  it('that cover further calls end by revoking and by time', async () => {
    const approvals = await start({ rules: [{ ...rule, needed: 1 }] });
    const grant = async (symbol: string): Promise<string> => {
      const sticky = { forMs: 60 * MINUTE, allow: {}, uses: null };
      await approvals.approve(await request(approvals, { symbol }), 'alice', '', { sticky });
      await check(approvals, { symbol });
      await check(approvals, { symbol });
      return (await approvals.standing())[0]?.id ?? '';
    };
    const first = await grant('BTC');
    await expect(approvals.revoke(first, 'mallory')).rejects.toBeInstanceOf(PermissionDenied);
    await approvals.revoke(first, 'carol');
    await expect(approvals.revoke(first, 'carol')).rejects.toBeInstanceOf(NotFound);
    await expect(check(approvals, { symbol: 'BTC' })).rejects.toBeInstanceOf(ApprovalRequired);
    await grant('ETH');
    await clock.advance(60 * MINUTE);
    await expect(check(approvals, { symbol: 'ETH' })).rejects.toBeInstanceOf(ApprovalRequired);
  });

  it('reach the tool with what the person wrote, which must pass its own check', async () => {
    const approvals = await start({ rules: [{ ...rule, needed: 1 }] });
    const { tool: changing, times } = effectTool();
    const { invoker } = deskOf([changing], { approvals });
    const call = { tool: 'change_echo', args: { symbol: 'BTC', limit: 9 }, caller: operator, runId: 'run_1' };
    const waits = await invoker.invoke({ ...call, path: 'a' });
    const asked = waits.ok ? '' : (waits.error.approval_id ?? '');
    await approvals.approve(asked, 'alice', '', { args: { symbol: 'ETH', limit: 1 } });
    expect(await invoker.invoke({ ...call, path: 'a' })).toMatchObject({
      ok: true,
      data: { echo: 'ETH' },
      edited_args: { symbol: 'ETH', limit: 1 },
    });
    const again = await invoker.invoke({ ...call, path: 'b' });
    await approvals.approve(again.ok ? '' : (again.error.approval_id ?? ''), 'alice', '', { args: { symbol: 7 } });
    expect(await invoker.invoke({ ...call, path: 'b' })).toMatchObject({ ok: false, error: { code: 'invalid_input' } });
    expect(times()).toBe(1);
  });

  it('of a file from before are those of one person, anybody', async () => {
    await db.run(`CREATE TABLE approvals (
      id VARCHAR NOT NULL, requested_at TIMESTAMP NOT NULL, expires_at TIMESTAMP NOT NULL, state VARCHAR NOT NULL,
      caller VARCHAR NOT NULL, agent_id VARCHAR, tool VARCHAR NOT NULL, args VARCHAR, args_hash VARCHAR NOT NULL,
      policy VARCHAR NOT NULL, reason VARCHAR, run_id VARCHAR, task_id VARCHAR, decided_at TIMESTAMP,
      decided_by VARCHAR, note VARCHAR, used_at TIMESTAMP, used_intent VARCHAR)`);
    await db.run(
      "INSERT INTO approvals VALUES ('old', make_timestamp(0::BIGINT), make_timestamp(?::BIGINT), 'pending', 'operator', NULL, 'x', NULL, 'h', 'p', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
      [(clock.now() + MINUTE) * 1000],
    );
    const approvals = await start({ people: createPeople({}, {}) });
    expect(await approvals.approve('old', 'anyone')).toMatchObject({ state: 'approved', needed: 1, approvers: [] });
    await expect(approvals.approve('old', ' ')).rejects.toBeInstanceOf(InvalidInput);
  });
});

describe('patterns of arguments', () => {
  it('take texts and numbers by *, all else as it is, and no field more or less', () => {
    const pattern = patternOf({ symbol: 'BTC*USDT', limit: 5, deep: { a: [1] } }, { limit: '*' });
    expect(fits(pattern, { symbol: 'BTC*USDT', limit: 7, deep: { a: [1] } })).toBe(true);
    // A star in the call's own argument is a star, no pattern.
    expect(fits(pattern, { symbol: 'BTCxUSDT', limit: 7, deep: { a: [1] } })).toBe(false);
    expect(fits(pattern, { symbol: 'BTC*USDT', limit: [7], deep: { a: [1] } })).toBe(false);
    expect(fits(pattern, { symbol: 'BTC*USDT', limit: 7, deep: { a: [2] } })).toBe(false);
    expect(fits(pattern, { symbol: 'BTC*USDT', limit: 7, deep: { a: [1] }, more: 1 })).toBe(false);
    expect(fits(pattern, { symbol: 'BTC*USDT', limit: 7 })).toBe(false);
  });
});

describe('rules of approvals in system.yaml', () => {
  it('are refused where too few people hold their roles', () => {
    const system = `
people: { alice: { roles: [risk] } }
approvals:
  rules:
    - { tools: ["*"], approvers: [risk], needed: 2, escalate_to: [lead] }
    - { tools: ["*"], needed: 2 }`;
    expect(issuesOf({ 'system.yaml': system })).toEqual([
      expect.stringContaining('approvals.rules[0]: 2 people with the role risk are needed, and system.yaml lists 1'),
      expect.stringContaining("approvals.rules[0]: nobody in people has the role 'lead'"),
      expect.stringContaining('approvals.rules[1]: 2 people with the role of any are needed, and system.yaml lists 1'),
    ]);
  });
});
