import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openApprovals } from '../../../src/crew/approval/approvals.ts';
import type { ApprovalOptions, Approvals } from '../../../src/crew/approval/contract.ts';
import { createApprovalPolicy } from '../../../src/crew/approval/policy.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import {
  ApprovalRequired,
  Conflict,
  InvalidInput,
  NotFound,
  PermissionDenied,
  Unavailable,
} from '../../../src/kit/errors.ts';
import { canonicalHash } from '../../../src/kit/hash.ts';
import type { Caller, ToolCall } from '../../../src/kit/invoke.ts';
import { deskOf, echoTool, effectTool, operator, RecordingLogger, RecordingSink } from '../../kit/tool-fakes.ts';

const cleaner: Caller = { id: 'agent:cleaner', agentId: 'cleaner', role: 'cleaner', tools: null };
const policy = createApprovalPolicy({
  agents: [
    { id: 'cleaner', approval_required: ['change_echo'] },
    { id: 'collector', approval_required: [] },
  ],
  categories: ['database_write'],
});
const { tool } = effectTool();

describe('the approval policy', () => {
  const call = (caller: Caller): ToolCall => ({ tool: 'change_echo', args: {}, caller });

  it('asks for an agent what its own list says, and nothing else', () => {
    expect(policy(call(cleaner), tool)).toBe('agent cleaner must ask before each change_echo');
    expect(policy(call({ ...cleaner, agentId: 'collector' }), tool)).toBeNull();
    expect(policy(call(cleaner), effectTool({ name: 'drop_echo', aliases: ['change_echo'] }).tool)).not.toBeNull();
  });

  it('asks for anyone else by category and effects', () => {
    expect(policy(call(operator), tool)).toBe('change_echo has effects in database_write');
    expect(policy(call(operator), effectTool({ category: 'analytics' }).tool)).toBeNull();
    expect(policy(call(operator), echoTool({ category: 'database_write', effects: 'ops' }))).toBeNull();
    expect(policy(call(operator), echoTool({ category: 'database_write' }))).toBeNull();
  });

  it('asks for an agent that nobody knows', () => {
    const stranger = { ...cleaner, agentId: 'stranger' };
    expect(policy(call(stranger), tool)).toBe('agent stranger is not known');
    expect(policy(call(stranger), echoTool())).toBeNull();
  });
});

describe('approvals', () => {
  let db: Database;
  let clock: ManualClock;
  let events: RecordingSink;
  let open: Approvals[];
  let id: number;

  const start = async (changes: Partial<ApprovalOptions> = {}): Promise<Approvals> => {
    const approvals = await openApprovals({
      db,
      clock,
      events,
      log: new RecordingLogger(),
      ids: (prefix) => `${prefix}_${++id}`,
      policy,
      timeoutMs: 300_000,
      ...changes,
    });
    open.push(approvals);
    return approvals;
  };
  const check = (
    approvals: Approvals,
    changes: Partial<ToolCall> = {},
    args: unknown = { symbol: 'BTC' },
  ): Promise<void> =>
    approvals.check({
      call: { tool: 'change_echo', args, caller: operator, reason: 'needed', ...changes },
      tool,
      args,
      argsHash: canonicalHash(args),
      callId: 'call_1',
    });
  const request = async (approvals: Approvals, args?: unknown): Promise<string> => {
    const error: unknown = await check(approvals, {}, args).catch((e: unknown) => e);
    if (!(error instanceof ApprovalRequired)) throw new Error(`expected ApprovalRequired, got ${String(error)}`);
    return error.approvalId;
  };
  /** Lets work of the database thread come back. */
  const until = async (ready: () => boolean | Promise<boolean>): Promise<void> => {
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
    await db.run('DROP TABLE IF EXISTS approvals');
  });

  it('lets a call pass that needs none', async () => {
    const approvals = await start();
    await check(approvals, { caller: { ...cleaner, agentId: 'collector' } });
    expect(await approvals.list()).toEqual([]);
  });

  it('makes a request with everything a person needs, once for equal calls', async () => {
    const approvals = await start();
    const first = await request(approvals, { symbol: 'BTC', limit: 1 });
    const [second, third] = await Promise.all([
      request(approvals, { limit: 1, symbol: 'BTC' }),
      request(approvals, { limit: 1, symbol: 'BTC' }),
    ]);
    expect([second, third]).toEqual([first, first]);
    expect(await approvals.list({ state: 'pending' })).toMatchObject([
      {
        id: first,
        caller: 'operator',
        tool: 'change_echo',
        args: { symbol: 'BTC', limit: 1 },
        policy: 'change_echo has effects in database_write',
        reason: 'needed',
        expires_at: clock.now() + 300_000,
      },
    ]);
    expect(events.of('system.approval_required')).toMatchObject([
      { approval_id: first, tool: 'change_echo', agent_id: 'operator', expires_at: clock.now() + 300_000 },
    ]);
  });

  it('passes once after the approval', async () => {
    const approvals = await start();
    const first = await request(approvals);
    expect(await approvals.approve(first, 'ada', 'go on')).toMatchObject({
      state: 'approved',
      decided_by: 'ada',
      note: 'go on',
    });
    await check(approvals);
    const second = await request(approvals);
    expect(second).not.toBe(first);
    expect(await approvals.get(first)).toMatchObject({ state: 'used', decided_by: 'ada', used_at: clock.now() });
    const { tool } = await approvals.get(first);
    expect(events.of('approval.decided')).toEqual([
      { approval_id: first, decision: 'approved', decided_by: 'ada', tool },
      { approval_id: first, decision: 'used', decided_by: 'operator', tool },
    ]);
  });

  it('lets the same step of a run pass again, and no other', async () => {
    const approvals = await start();
    const step = { runId: 'run_1', path: 'clean/3' };
    const error: unknown = await check(approvals, step).catch((e: unknown) => e);
    if (!(error instanceof ApprovalRequired)) throw new Error('expected ApprovalRequired');
    await approvals.approve(error.approvalId, 'ada');
    await check(approvals, step);
    await check(approvals, step);
    await expect(check(approvals, { ...step, path: 'clean/4' })).rejects.toBeInstanceOf(ApprovalRequired);
    await expect(check(approvals, { ...step, runId: 'run_2' })).rejects.toBeInstanceOf(ApprovalRequired);
    await expect(check(approvals, step, { symbol: 'ETH' })).rejects.toBeInstanceOf(ApprovalRequired);
    await expect(check(approvals, { runId: 'run_1' })).rejects.toBeInstanceOf(ApprovalRequired);
    await clock.advance(300_001);
    await expect(check(approvals, step)).rejects.toBeInstanceOf(ApprovalRequired);
  });

  it('lets one of many concurrent calls use an approval', async () => {
    const approvals = await start();
    await approvals.approve(await request(approvals), 'ada');
    const passed = await Promise.allSettled(Array.from({ length: 8 }, () => check(approvals)));
    expect(passed.filter((p) => p.status === 'fulfilled')).toHaveLength(1);
  });

  it('refuses other arguments, another tool’s name and another caller', async () => {
    const approvals = await start();
    const first = await request(approvals);
    await approvals.approve(first, 'ada');
    await expect(check(approvals, {}, { symbol: 'ETH' })).rejects.toThrow(`approval ${first} covers other arguments`);
    await expect(check(approvals, { caller: { ...operator, id: 'mcp' } })).rejects.toBeInstanceOf(ApprovalRequired);
    await check(approvals);
  });

  it('refuses what a person rejected, until the request would have expired', async () => {
    const approvals = await start();
    const first = await request(approvals);
    await approvals.reject(first, 'ada', 'not today');
    await expect(check(approvals)).rejects.toThrow(PermissionDenied);
    await expect(check(approvals)).rejects.toThrow('was rejected by ada: not today');
    await clock.advance(300_001);
    expect(await request(approvals)).not.toBe(first);
  });

  it('expires a request that nobody answers', async () => {
    const approvals = await start();
    const first = await request(approvals);
    await clock.advance(300_000);
    await until(async () => (await approvals.get(first)).state === 'expired');
    await expect(approvals.approve(first, 'ada')).rejects.toThrow(Conflict);
    const { tool } = await approvals.get(first);
    expect(events.of('approval.decided')).toEqual([
      { approval_id: first, decision: 'expired', decided_by: 'timeout', tool },
    ]);
  });

  it('expires an approval that nobody uses', async () => {
    const approvals = await start();
    const first = await request(approvals);
    await clock.advance(200_000);
    await approvals.approve(first, 'ada');
    await clock.advance(299_999);
    expect((await approvals.get(first)).state).toBe('approved');
    await clock.advance(1);
    await until(async () => (await approvals.get(first)).state === 'expired');
    await expect(check(approvals)).rejects.toBeInstanceOf(ApprovalRequired);
  });

  it('does not honour an approval past its time even before its timer has fired', async () => {
    const approvals = await start();
    const first = await request(approvals);
    await approvals.approve(first, 'ada');
    clock.jump(300_001);
    await expect(check(approvals)).rejects.toBeInstanceOf(ApprovalRequired);
    const late = await request(approvals, { symbol: 'SOL' });
    clock.jump(300_001);
    await expect(approvals.approve(late, 'ada')).rejects.toThrow(/is expired already/);
  });

  it('answers a request once, and only by someone with a name', async () => {
    const approvals = await start();
    const first = await request(approvals);
    await expect(approvals.approve(first, ' ')).rejects.toThrow(InvalidInput);
    await expect(approvals.approve('app_nowhere', 'ada')).rejects.toThrow(NotFound);
    const answers = await Promise.allSettled([approvals.approve(first, 'ada'), approvals.reject(first, 'bob')]);
    expect(answers.map((a) => a.status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(approvals.reject(first, 'bob')).rejects.toThrow(Conflict);
  });

  it('survives a restart', async () => {
    const before = await start();
    const first = await request(before);
    const second = await request(before, { symbol: 'ETH' });
    await before.approve(second, 'ada');
    const overdue = await request(before, { symbol: 'SOL' });
    await before.close();
    await db.run('UPDATE approvals SET expires_at = requested_at WHERE id = ?', [overdue]);
    const after = await start();
    expect((await after.get(overdue)).state).toBe('expired');
    expect(await request(after)).toBe(first);
    await check(after, {}, { symbol: 'ETH' });
    await expect(check(before)).rejects.toThrow(Unavailable);
  });

  describe('when calls wait', () => {
    it('goes on after the approval', async () => {
      const approvals = await start({ mode: 'wait' });
      const waiting = check(approvals);
      await until(() => events.of('system.approval_required').length === 1);
      const [pending] = await approvals.list();
      await approvals.approve(pending?.id ?? '', 'ada');
      await waiting;
      expect((await approvals.get(pending?.id ?? '')).state).toBe('used');
    });

    it('is denied when rejected or when nobody answers', async () => {
      const approvals = await start({ mode: () => 'wait' });
      const rejected = expect(check(approvals)).rejects.toThrow('was rejected by ada');
      const silent = expect(check(approvals, {}, { symbol: 'ETH' })).rejects.toThrow('nobody answered');
      await until(() => events.of('system.approval_required').length === 2);
      const pending = await approvals.list();
      await approvals.reject(pending.find((r) => JSON.stringify(r.args) === '{"symbol":"BTC"}')?.id ?? '', 'ada');
      await rejected;
      await clock.advance(300_000);
      await silent;
    });

    it('obeys the caller’s signal and its own end', async () => {
      const approvals = await start({ mode: 'wait' });
      const controller = new AbortController();
      const aborted = check(approvals, { signal: controller.signal });
      const closed = check(approvals, {}, { symbol: 'ETH' });
      await until(() => events.of('system.approval_required').length === 2);
      await until(() => clock.pending === 2);
      controller.abort(new DOMException('enough', 'AbortError'));
      await expect(aborted).rejects.toThrow('enough');
      await approvals.close();
      await expect(closed).rejects.toThrow(Unavailable);
      expect(clock.pending).toBe(0);
    });
  });

  it('stops a tool of the pipeline until the same call comes again', async () => {
    const approvals = await start();
    const effect = effectTool();
    const desk = deskOf([effect.tool], { approvals });
    const call = { tool: 'change_echo', args: { symbol: 'BTC' }, caller: operator };
    const first = await desk.invoker.invoke(call);
    if (first.ok) throw new Error('expected a refusal');
    expect(first.error.code).toBe('approval_required');
    await approvals.approve(first.error.approval_id ?? '', 'ada');
    const changed = await desk.invoker.invoke({ ...call, args: { symbol: 'ETH' } });
    expect(changed).toMatchObject({ ok: false, error: { code: 'approval_required' } });
    expect(effect.times()).toBe(0);
    expect((await desk.invoker.invoke(call)).ok).toBe(true);
    expect((await desk.invoker.invoke(call)).ok).toBe(false);
    expect(effect.times()).toBe(1);
  });
});
