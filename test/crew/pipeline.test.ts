import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openApprovals } from '../../src/crew/approval/approvals.ts';
import type { Approvals } from '../../src/crew/approval/contract.ts';
import { createApprovalPolicy } from '../../src/crew/approval/policy.ts';
import { openAudit, type StoredAudit } from '../../src/crew/audit/log.ts';
import { openLedger, type StoredLedger } from '../../src/crew/ledger/ledger.ts';
import { agentCaller, createPermissionGate } from '../../src/crew/permission/gate.ts';
import { openProposals, type StoredProposals } from '../../src/crew/proposal/log.ts';
import { Database } from '../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import type { Invoker, ToolCall } from '../../src/kit/invoke.ts';
import { createInvoker } from '../../src/kit/pipeline.ts';
import { createRateGate } from '../../src/kit/rate-gate.ts';
import type { BoundTool } from '../../src/kit/tool.ts';
import { echoTool, effectTool, fresh, operator, RecordingLogger, RecordingSink } from '../kit/tool-fakes.ts';

const cleaner = {
  id: 'cleaner',
  permission_role: 'cleaner',
  tools: ['get_echo', 'change_echo', 'drop_echo'],
  approval_required: ['drop_echo'],
};

interface Desk extends AsyncDisposable {
  readonly invoker: Invoker;
  readonly approvals: Approvals;
  readonly audit: StoredAudit;
  readonly ledger: StoredLedger;
  readonly proposals: StoredProposals;
}

/** The pipeline with every stage real, over one file; opened again it is the same desk after a restart. */
async function open(path: string, tools: readonly BoundTool[], clock: ManualClock, tag: string): Promise<Desk> {
  const db = await Database.open({ path });
  const events = new RecordingSink();
  const log = new RecordingLogger();
  let id = 0;
  const ids = (prefix: string): string => `${prefix}_${tag}${++id}`;
  const shared = { db, clock, events, log, ids };
  const policy = createApprovalPolicy({ agents: [cleaner], categories: ['database_write'] });
  const approvals = await openApprovals({ ...shared, policy, timeoutMs: 60_000 });
  const audit = await openAudit(shared);
  const ledger = await openLedger(shared);
  const proposals = await openProposals(shared);
  const permission = createPermissionGate({
    roles: [
      { id: 'cleaner', grants: { exchange_data: 'READ_ONLY', database_write: 'WRITE' } },
      { id: 'operator', grants: { database_write: 'ADMIN' } },
    ],
    agents: [cleaner],
    overrides: [],
    clock,
  });
  const invoker = createInvoker({
    ...shared,
    tools,
    permission,
    proposals,
    approvals,
    rates: createRateGate(clock),
    ledger,
    audit,
  });
  return {
    invoker,
    approvals,
    audit,
    ledger,
    proposals,
    async [Symbol.asyncDispose]() {
      await approvals.close();
      await audit.close();
      await db.close();
    },
  };
}

const call = (changes: Partial<ToolCall> = {}): ToolCall => ({
  tool: 'change_echo',
  args: { symbol: 'BTC' },
  caller: agentCaller(cleaner),
  runId: 'run_1',
  path: 'task/1',
  ...changes,
});

describe('the pipeline over the ops database', () => {
  it('keeps its word over a restart', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'crew-pipeline-')), 'ops.duckdb');
    const clock = new ManualClock();
    let hang = true;
    let started = (): void => undefined;
    const atWork = new Promise<void>((resolve) => (started = resolve));
    const change = effectTool();
    const drop = effectTool({ name: 'drop_echo' });
    const slow = effectTool({
      name: 'slow_echo',
      timeoutMs: 1000,
      run: ({ symbol }) => {
        started();
        return hang ? new Promise(() => undefined) : Promise.resolve({ data: { echo: symbol }, provenance: fresh });
      },
    });
    const tools = [echoTool(), change.tool, drop.tool, slow.tool];
    let asked = '';
    {
      await using desk = await open(path, tools, clock, 'a');
      expect(await desk.invoker.invoke(call())).toMatchObject({ ok: true, replayed: false });
      expect(await desk.invoker.invoke(call({ shadow: true, path: 'task/2' }))).toMatchObject({ proposed: true });
      expect(await desk.invoker.invoke(call({ tool: 'slow_echo' }))).toMatchObject({
        ok: false,
        error: { code: 'permission_denied' },
      });
      const refused = await desk.invoker.invoke(call({ tool: 'drop_echo' }));
      if (refused.ok) throw new Error('expected a refusal');
      asked = refused.error.approval_id ?? '';
      // The process ends while this one is at work.
      const begun = call({ tool: 'slow_echo', caller: operator, path: 'step' });
      const first = await desk.invoker.invoke(begun);
      if (first.ok) throw new Error('expected a refusal');
      await desk.approvals.approve(first.error.approval_id ?? '', 'ada');
      const never = desk.invoker.invoke(begun);
      await atWork;
      await clock.advance(1000);
      expect(await never).toMatchObject({ ok: false, error: { code: 'deadline_exceeded' } });
    }
    hang = false;
    await using desk = await open(path, tools, clock, 'b');
    expect(await desk.invoker.invoke(call())).toMatchObject({ ok: true, replayed: true });
    expect(change.times()).toBe(1);
    await desk.approvals.approve(asked, 'ada');
    expect((await desk.invoker.invoke(call({ tool: 'drop_echo' }))).ok).toBe(true);
    expect(drop.times()).toBe(1);

    const begun = call({ tool: 'slow_echo', caller: operator, path: 'step' });
    expect(await desk.invoker.invoke(begun)).toMatchObject({ ok: false, error: { code: 'conflict' } });
    const [unknown] = await desk.ledger.unknown();
    await desk.ledger.settle(unknown?.key ?? '', 'void', 'ada');
    expect((await desk.invoker.invoke(begun)).ok).toBe(true);

    expect(await desk.proposals.list()).toMatchObject([
      { agent: 'cleaner', tool: 'change_echo', would_change: { row: 'BTC' } },
    ]);
    const rows = await desk.audit.list({ limit: 100 });
    expect(
      rows
        .filter((row) => row.call_id.startsWith('call_a'))
        .map((row) => [row.tool, row.outcome])
        .sort(),
    ).toEqual([
      ['change_echo', 'proposed'],
      ['change_echo', 'success'],
      ['drop_echo', 'refused'],
      ['slow_echo', 'failure'],
      ['slow_echo', 'refused'],
      ['slow_echo', 'refused'],
    ]);
    expect(rows.find((row) => row.decision === 'denied')).toMatchObject({
      tool: 'slow_echo',
      caller: 'agent:cleaner',
      rule: 'tool slow_echo is not on the own list of agent:cleaner',
      error_code: 'permission_denied',
    });
  });
});
