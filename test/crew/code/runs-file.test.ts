import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  createPeople,
  defineAgent,
  defineCrew,
  defineFlow,
  definePlaybook,
  defineTask,
  defineTool,
  type HostOptions,
  openCrewHost,
  openRunsFile,
  type RunsFile,
} from '../../../src/crew/index.ts';
import { ScriptedModel } from '../../../src/testing/index.ts';

const newPath = (): string => join(mkdtempSync(join(tmpdir(), 'runs-file-')), 'runs.duckdb');

/** A crew that pays once, and what was paid. */
function payer({ approval = false, die = false }: { readonly approval?: boolean; readonly die?: boolean } = {}) {
  const paid: number[] = [];
  const pay = defineTool({
    name: 'pay',
    title: 'Pay',
    toolset: 'till',
    category: 'money',
    access: 'WRITE',
    effects: 'effect',
    description: 'Pays an amount out of the till.',
    input: z.strictObject({ eur: z.number().positive().max(1000).describe('Amount, EUR') }),
    output: z.object({ paid: z.number() }),
    examples: [{ title: 'Ten', input: { eur: 10 } }],
    preview: ({ eur }) => Promise.resolve({ would_pay: eur }),
    run: ({ eur }) => {
      paid.push(eur);
      // An error that is none of ours says nothing of what happened: the effect took place, its result is lost.
      if (die) return Promise.reject(new Error('the line went dead'));
      return Promise.resolve({
        data: { paid: eur },
        provenance: { as_of: null, source: 'till', complete: true, stale_ms: null },
      });
    },
  });
  const clerk = defineAgent({
    id: 'clerk',
    role: 'Clerk',
    goal: 'Pay',
    backstory: 'Exact.',
    tools: [pay],
    ...(approval ? { approval_required: ['pay'] } : {}),
  });
  const task = defineTask({ id: 'settle', description: 'Pay {eur}.', expected_output: 'What was paid.', agent: clerk });
  const crew = defineCrew({
    id: 'till',
    tasks: [task],
    playbook: definePlaybook({
      settle: ({ inputs, observations: [done] }) =>
        done === undefined
          ? { calls: [{ tool: 'pay', args: { eur: Number(inputs['eur']) }, reason: 'it is due' }] }
          : { answer: done.result },
    }),
  });
  return { crew, paid };
}

/** What one process does with the file. */
async function inProcess<T, C extends { on(options: Omit<HostOptions, 'crews'>): C; readonly host: AsyncDisposable }>(
  path: string,
  crew: C,
  work: (desk: C, file: RunsFile) => Promise<T>,
  options: Omit<HostOptions, 'crews'> = {},
): Promise<T> {
  await using file = await openRunsFile({ path });
  const desk = crew.on({ ...file, ...options });
  await using _ = desk.host;
  return await work(desk, file);
}

describe('a host whose parts are in a file', () => {
  test('waits for two people, over two processes, and makes the call once', async () => {
    const path = newPath();
    const { crew, paid } = payer({ approval: true });
    const approvals = {
      rules: [
        { tools: ['pay'], approvers: ['boss'], needed: 2, timeoutMs: null, escalateAfterMs: null, escalateTo: [] },
      ],
      people: createPeople({ alice: { roles: ['boss'] }, bob: { roles: ['boss'] }, carl: { roles: [] } }),
    };
    const [run, id] = await inProcess(
      path,
      crew,
      async (desk) => {
        const { status, document } = await desk.kickoff({ eur: '10' });
        expect([status, paid]).toEqual(['waiting', []]);
        const [request] = (await desk.host.approvals?.list({ state: 'pending' })) ?? [];
        expect(request).toMatchObject({ tool: 'pay', args: { eur: 10 }, needed: 2 });
        await expect(desk.host.approvals?.approve(request?.id ?? '', 'carl')).rejects.toThrow(/boss/);
        await desk.host.approvals?.approve(request?.id ?? '', 'alice');
        return [document.run_id, request?.id ?? ''];
      },
      { approvals },
    );
    await inProcess(
      path,
      crew,
      async (desk, file) => {
        expect((await desk.host.runner.showRun(run)).status).toBe('waiting');
        await desk.host.approvals?.approve(id, 'bob');
        await expect.poll(async () => (await desk.host.runner.showRun(run)).status).toBe('completed');
        expect(paid).toEqual([10]);
        expect(await file.auditLog.verify()).toMatchObject({ ok: true });
        const noted = await file.auditLog.list({ kind: 'approval' });
        expect(noted.map((row) => row.outcome)).not.toContain('failure');
        expect(noted.length).toBeGreaterThanOrEqual(3);
        expect((await file.auditLog.list({ kind: 'effect' })).length).toBe(2);
      },
      { approvals },
    );
  });

  test('knows in another process which effect was begun, and makes it no second time', async () => {
    const path = newPath();
    const { crew, paid } = payer({ die: true });
    const run = await inProcess(path, crew, async (desk) => {
      const { document } = await desk.kickoff({ eur: '10' });
      return document.run_id;
    });
    expect(paid).toEqual([10]);
    await inProcess(path, crew, async (desk, file) => {
      const [unknown, ...others] = await file.effects.unknown();
      expect(unknown).toMatchObject({ tool: 'pay', run_id: run });
      expect(others).toEqual([]);
      await desk.host.runner.resume(run);
      expect(paid).toEqual([10]);
      // A person looked: it had happened.
      await file.effects.settle(unknown?.key ?? '', 'done', 'ann');
      expect(await file.effects.unknown()).toEqual([]);
    });
  });

  test('keeps proposals, what models cost and runs of flows', async () => {
    const path = newPath();
    const { crew, paid } = payer();
    const model = new ScriptedModel([{ text: 'Paid.' }]);
    const teller = defineAgent({ id: 'teller', role: 'T', goal: 'G', backstory: 'B', llm: model.named('scripted') });
    const told = defineCrew({
      id: 'told',
      tasks: [defineTask({ id: 'tell', description: 'Tell.', expected_output: 'A word.', agent: teller })],
    });
    const flow = defineFlow({ id: 'one', methods: { begin: { start: true, run: () => 'begun' } } });
    const open = async (work: (host: ReturnType<typeof openCrewHost>, file: RunsFile) => Promise<void>) => {
      await using file = await openRunsFile({ path });
      await using host = openCrewHost({ crews: [crew, told], flows: [flow], ...file });
      await work(host, file);
    };
    await open(async ({ runner, flows }) => {
      await runner.kickoff('till', { eur: '10' }, { shadow: true });
      await runner.kickoff('told', {});
      expect((await flows.kickoff('one')).output).toBe('begun');
    });
    await open(async ({ ledger, flows }, file) => {
      expect(paid).toEqual([]);
      expect(await file.proposals.list()).toMatchObject([{ tool: 'pay', args: { eur: 10 } }]);
      expect(await ledger.calls()).toMatchObject([{ model: 'scripted', task_id: 'tell' }]);
      expect(await flows.list()).toMatchObject([{ flow: 'one', status: 'completed', output: 'begun' }]);
    });
  });

  test('says that nobody can be asked where it has neither', async () => {
    const { crew, paid } = payer({ approval: true });
    const { document } = await crew.kickoff({ eur: '10' });
    expect(JSON.stringify(document)).toContain('nobody can be asked');
    expect([crew.host.approvals, paid]).toEqual([null, []]);
  });
});
