import { MemorySaver } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { type CrewHooks, definePlaybook } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import { createRunStore, type RunStore } from '../../../src/crew/run/store.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { StopRequested } from '../../../src/kit/errors.ts';
import { ScriptedModel, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from './desk.ts';

const ana = toyAgent('ana', { tools: ['look'] });
const ben = toyAgent('ben', { tools: ['look'] });
const before = [
  toyTask('gather', 'ana'),
  toyTask('judge', 'ana', { context: ['gather'] }),
  toyTask('report', 'ana', { context: ['judge'] }),
];
/** `gather` is `collect` now, `check` has come between, `report` is another's. */
const after = [
  toyTask('collect', 'ana'),
  toyTask('judge', 'ana', { context: ['collect'] }),
  toyTask('check', 'ben', { context: ['judge'] }),
  toyTask('report', 'ben', { context: ['judge', 'check'] }),
];

const DIFFERENCE = [
  '  ~ agent ana (tools +search)',
  '  + agent ben (tools +look)',
  '  + task check (agent ben; context +judge)',
  '  + task collect (agent ana)',
  '  - task gather (agent ana)',
  '  ~ task judge (context +collect -gather)',
  '  ~ task report (agent ana → ben; context +check)',
  '  + node check',
  '  + node collect',
  '  - node gather',
];

interface Disk {
  readonly saver: MemorySaver;
  readonly store: RunStore;
  readonly ran: string[];
}

function newDisk(store: RunStore = createMemoryRunStore()): Disk {
  return { saver: new MemorySaver(), store, ran: [] };
}

function processOf(
  disk: Disk,
  now: 'before' | 'after',
  hooks: CrewHooks = {},
  onTask: (id: string) => void = () => {},
) {
  const answer = ({ task, context }: { task: { id: string }; context: readonly { task: string }[] }) => {
    disk.ran.push(task.id);
    onTask(task.id);
    return { answer: `${task.id} of ${context.map((c) => c.task).join('+')}` };
  };
  const ids = ['gather', 'collect', 'judge', 'check', 'report'];
  const playbook = definePlaybook(Object.fromEntries(ids.map((id) => [id, answer])));
  const agents = now === 'before' ? [ana] : [toyAgent('ana', { tools: ['look', 'search'] }), ben];
  return desk({
    agents,
    tasks: now === 'before' ? before : after,
    tools: [toyTool('look', () => 1), toyTool('search', () => 1)],
    models: createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } }),
    saver: disk.saver,
    store: disk.store,
    deps: { drainMs: 60_000, hooks: { toy: hooks } },
  });
}

/** A run of the crew as it was, suspended after `judge`. */
async function suspended(disk: Disk): Promise<string> {
  const stop = new AbortController();
  const { runner } = processOf(disk, 'before', {}, (id) => {
    if (id === 'judge') stop.abort(new StopRequested('an update'));
  });
  const document = await runner.kickoff('toy', { topic: 'gold' }, { signal: stop.signal });
  expect(document.status).toBe('suspended');
  return document.run_id;
}

describe('a run whose crew has another structure now', () => {
  test('is refused with what is different, and goes on once it is what it was', async () => {
    const disk = newDisk();
    const run = await suspended(disk);
    const changed = processOf(disk, 'after');
    const refused = await changed.runner.resume(run).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ name: 'Conflict', code: 'conflict' });
    const { message } = refused as Error;
    expect(message).toContain(`crew toy has another structure than when run ${run} began:\n`);
    expect(message.split('\n')).toEqual(expect.arrayContaining(DIFFERENCE));
    expect(message).toMatch(/Bring it back, give the crew a migrate function, or start a new run$/);
    await expect(changed.runner.replay(run, 'judge', { runId: 'other' })).rejects.toThrow(
      '~ task judge (context +collect -gather)',
    );

    const [taken] = await changed.runner.recover();
    expect(await taken?.done).toMatchObject({ status: 'suspended', error: message });
    expect((await changed.runner.showRun(run)).error).toBe(message);
    expect(disk.ran).toEqual(['gather', 'judge']);

    const [again] = await processOf(disk, 'before').runner.recover();
    expect(await again?.done).toMatchObject({ status: 'completed', error: null, output: 'report of judge' });
    expect(disk.ran).toEqual(['gather', 'judge', 'report']);
  });

  test('is migrated by the crew’s function, without doing again what stands', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const disk = newDisk(await createRunStore(db));
    const run = await suspended(disk);
    let asked: unknown;
    const migrate: CrewHooks['migrate'] = ({ outputs, ...known }) => {
      asked = known;
      const { gather, judge } = outputs;
      if (gather === undefined || judge === undefined) return null;
      return { inputs: { topic: 'silver' }, outputs: { collect: gather, judge } };
    };
    const changed = processOf(disk, 'after', { migrate });
    const document = await changed.runner.resume(run);
    expect(asked).toMatchObject({ run_id: run, crew: 'toy', inputs: { topic: 'gold' } });
    expect(asked).toHaveProperty(
      'changes',
      expect.arrayContaining([expect.objectContaining({ name: 'gather', change: 'removed' })]),
    );
    expect(document).toMatchObject({
      run_id: run,
      status: 'completed',
      tasks: [
        { id: 'collect', output: 'gather of' },
        { id: 'judge', output: 'judge of gather' },
        { id: 'check', output: 'check of judge' },
        { id: 'report', output: 'report of judge+check' },
      ],
      usage: { model_calls: 4 },
    });
    expect(disk.ran).toEqual(['gather', 'judge', 'check', 'report']);
    expect(changed.events.of('run.migrated')).toMatchObject([{ run_id: run, kept: ['collect', 'judge'] }]);
    expect(await changed.store.get(run)).toMatchObject({
      inputs: { topic: 'silver' },
      structure: { process: 'sequential' },
    });
  });

  test('is migrated once, whatever happens after it was put on record', async () => {
    const disk = newDisk();
    const run = await suspended(disk);
    let times = 0;
    const migrate: CrewHooks['migrate'] = ({ outputs: { gather, judge } }) => {
      times++;
      return gather === undefined || judge === undefined ? null : { outputs: { collect: gather, judge } };
    };
    // The process dies right after the migration is on record: the thread is still that of the structure before.
    const dying = new Proxy(disk.saver, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'deleteThread') return () => new Promise(() => undefined);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const first = processOf({ ...disk, saver: dying }, 'after', { migrate });
    first.runner.resume(run).catch(() => undefined);
    while (first.events.of('run.migrated').length === 0) await new Promise(setImmediate);
    const stop = new AbortController();
    const second = processOf(disk, 'after', { migrate }, (id) => {
      if (id === 'check') stop.abort(new StopRequested('again'));
    });
    expect((await second.runner.resume(run, {}, { signal: stop.signal })).status).toBe('suspended');
    // And one that is migrated already goes on from its last step as any other.
    expect(await processOf(disk, 'after', { migrate }).runner.resume(run)).toMatchObject({
      status: 'completed',
      output: 'report of judge+check',
    });
    expect(times).toBe(1);
    expect(disk.ran).toEqual(['gather', 'judge', 'check', 'report']);
  });

  test.each<[string, CrewHooks['migrate'], string]>([
    ['gives nothing', () => null, 'lets this run not go on'],
    ['fails', () => Promise.reject(new Error('no idea')), 'Its migrate function failed: no idea'],
    [
      'names a task that is not there',
      ({ outputs }) => ({ outputs: { collet: outputs['gather'] } as never }),
      "no task 'collet' now (did you mean collect?)",
    ],
    ['gives no output', () => ({ outputs: { collect: 'text' } as never }), 'not of completed tasks'],
  ])('is refused when the function %s', async (_, migrate, message) => {
    const disk = newDisk();
    const run = await suspended(disk);
    const { runner } = processOf(disk, 'after', { migrate });
    await expect(runner.resume(run)).rejects.toThrow(message);
    expect((await disk.store.get(run))?.status).toBe('suspended');
    expect(await runner.cancel(run, 'not worth it')).toBe(true);
  });

  test('that waits for people takes no answer before it is migrated, and asks anew', async () => {
    const disk = newDisk();
    const reviewed = before.map((task) => (task.id === 'judge' ? { ...task, human_input: true } : task));
    const common = { saver: disk.saver, store: disk.store };
    const playbook = definePlaybook({
      gather: () => ({ answer: 1 }),
      judge: () => ({ answer: 2 }),
      report: () => ({ answer: 3 }),
    });
    const models = createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } });
    const first = desk({ agents: [ana], tasks: reviewed, models, ...common });
    const { run_id: run, status } = await first.runner.kickoff('toy');
    expect(status).toBe('waiting');
    const migrate: CrewHooks['migrate'] = ({ outputs: { gather } }) =>
      gather === undefined ? null : { outputs: { gather } };
    const next = desk({
      agents: [ana, ben],
      tasks: reviewed.map((task) => (task.id === 'report' ? { ...task, agent: 'ben' } : task)),
      models,
      ...common,
      deps: { hooks: { toy: { migrate } } },
    });
    await expect(next.runner.resume(run, { judge: { accept: true } })).rejects.toThrow('has to be migrated first');
    expect((await disk.store.get(run))?.status).toBe('waiting');
    expect(await next.runner.resume(run)).toMatchObject({ status: 'waiting', waiting_for: [{ task: 'judge' }] });
    expect(await next.runner.resume(run, { judge: { accept: true } })).toMatchObject({
      status: 'completed',
      output: '3',
    });
  });
});

test('runs of a database without the columns of today are read', async () => {
  await using db = await Database.open({ path: ':memory:' });
  const store = await createRunStore(db);
  const { runner } = desk({ agents: [ana], tasks: before, models: [], store });
  await runner.start('toy').catch(() => undefined);
  const [row] = await store.list();
  await db.run('ALTER TABLE runs DROP COLUMN structure');
  await db.run('ALTER TABLE runs DROP COLUMN seed');
  expect(await store.list()).toMatchObject([{ run_id: row?.run_id, structure: null, seed: null }]);
  expect((await (await createRunStore(db)).list())[0]).toMatchObject({ structure: null, seed: null });
});

describe('a run of a hierarchical crew that has another structure now', () => {
  const boss = toyAgent('boss', { allow_delegation: true });
  const crew = { process: 'hierarchical', manager_agent: 'boss', manager_review: true } as const;
  const delegate = (task: string, coworker: string) => ({
    calls: [{ tool: 'delegate_work', args: { coworker, task } }],
  });

  /** A process with the crew as it was or is, whose manager and worker play these scripts. */
  function managed(
    disk: Disk,
    now: 'before' | 'after',
    scripts: { readonly boss: ScriptedModel; readonly worker: ScriptedModel },
    hooks: CrewHooks = {},
  ) {
    return desk({
      agents: [boss, ana, ben],
      tasks: now === 'before' ? before : after,
      crew: { ...crew, agents: now === 'before' ? ['ana'] : ['ana', 'ben'] },
      tools: [toyTool('look', () => 1)],
      models: {
        modelsFor: (agent) => Promise.resolve([scripts[agent.id === 'boss' ? 'boss' : 'worker'].named(agent.id)]),
      },
      saver: disk.saver,
      store: disk.store,
      deps: { drainMs: 60_000, hooks: { toy: hooks } },
    });
  }

  test('begins its manager anew, told of what stands, and does only the rest', async () => {
    const disk = newDisk();
    const stop = new AbortController();
    const first = managed(
      disk,
      'before',
      {
        boss: new ScriptedModel([delegate('gather', 'ana')]),
        worker: new ScriptedModel([{ text: 'three facts' }]),
      },
      { onTask: () => stop.abort(new StopRequested('an update')) },
    );
    const { run_id, status } = await first.runner.kickoff('toy', {}, { signal: stop.signal });
    expect(status).toBe('suspended');
    await first.runner.close();

    const scripts = {
      boss: new ScriptedModel([
        {
          ...delegate('judge', 'ana'),
          expect: (messages) => {
            expect(messages).toHaveLength(2);
            expect(messages[1]?.text).toContain('# Done already\n## collect\nthree facts\n');
          },
        },
        delegate('check', 'ben'),
        delegate('report', 'ben'),
        { text: 'all good' },
      ]),
      worker: new ScriptedModel([{ text: 'true' }, { text: 'checked' }, { text: 'the report' }]),
    };
    const refused = managed(disk, 'after', scripts);
    await expect(refused.runner.resume(run_id)).rejects.toThrow('+ task check (agent ben; context +judge)');
    await refused.runner.close();
    const { runner, events } = managed(disk, 'after', scripts, {
      migrate: ({ outputs: { gather } }) => (gather === undefined ? null : { outputs: { collect: gather } }),
    });
    const ended = await runner.resume(run_id);
    expect(ended).toMatchObject({ run_id, status: 'completed' });
    expect(ended.tasks.map((t) => [t.id, t.output])).toEqual([
      ['collect', 'three facts'],
      ['judge', 'true'],
      ['check', 'checked'],
      ['report', 'the report'],
    ]);
    expect(events.of('run.migrated')).toMatchObject([{ run_id, kept: ['collect'] }]);
    scripts.boss.assertUsed();
    scripts.worker.assertUsed();
  });

  test('does not take for standing what the manager had sent back', async () => {
    const disk = newDisk();
    const stop = new AbortController();
    let done = 0;
    const first = managed(
      disk,
      'before',
      {
        boss: new ScriptedModel([
          delegate('gather', 'ana'),
          delegate('judge', 'ana'),
          delegate('report', 'ana'),
          { calls: [{ tool: 'reject_work', args: { coworker: 'ana', task: 'report', reason: 'thin' } }] },
        ]),
        worker: new ScriptedModel([
          { text: 'facts' },
          { text: 'true' },
          { text: 'thin report' },
          { calls: [{ tool: 'look', args: {} }] },
        ]),
      },
      {
        onTask: () => void (done += 1),
        onStep: () => {
          if (done === 3) stop.abort(new StopRequested('an update'));
        },
      },
    );
    const { run_id, status } = await first.runner.kickoff('toy', {}, { signal: stop.signal });
    expect([status, done]).toEqual(['suspended', 3]);
    await first.runner.close();

    const offered: string[] = [];
    const scripts = {
      boss: new ScriptedModel([delegate('check', 'ben'), delegate('report', 'ben'), { text: 'good' }]),
      worker: new ScriptedModel([{ text: 'checked' }, { text: 'thick report' }]),
    };
    const { runner } = managed(disk, 'after', scripts, {
      migrate: ({ outputs }) => {
        offered.push(...Object.keys(outputs));
        const { gather, judge } = outputs;
        return gather === undefined || judge === undefined ? null : { outputs: { collect: gather, judge } };
      },
    });
    const ended = await runner.resume(run_id);
    expect(offered).toEqual(['gather', 'judge']);
    expect(ended.tasks.map((t) => t.output)).toEqual(['facts', 'true', 'checked', 'thick report']);
    scripts.boss.assertUsed();
  });

  test('may have had no manager before', async () => {
    const disk = newDisk();
    const run = await suspended(disk);
    const scripts = {
      boss: new ScriptedModel([delegate('check', 'ben'), delegate('report', 'ben'), { text: 'good' }]),
      worker: new ScriptedModel([{ text: 'checked' }, { text: 'the report' }]),
    };
    const { runner } = managed(disk, 'after', scripts, {
      migrate: ({ outputs: { gather, judge } }) =>
        gather === undefined || judge === undefined ? null : { outputs: { collect: gather, judge } },
    });
    expect(await runner.resume(run)).toMatchObject({ status: 'completed', output: 'the report' });
    scripts.boss.assertUsed();
  });
});
