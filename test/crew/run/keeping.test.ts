import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crewMemory, createOutputWriter, definePlaybook } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import type { EventSource } from '../../../src/crew/run/event-source.ts';
import { MemoryEvents, ScriptedModel, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from './desk.ts';

const ana = toyAgent('ana', { tools: ['change'], allow_delegation: true });
const ben = toyAgent('ben', { tools: ['look', 'change'], allow_delegation: true });
const work = toyTask('work', 'ana');
const change = toyTool('change', () => ({ changed: 1 }), { effects: 'effect' });
const look = toyTool('look', () => 42);

describe('delegation', () => {
  const hand = (coworker: string, what: string) => ({ tool: 'delegate_work', args: { coworker, work: what } });

  test('goes to a co-worker with their own tools, once and no further', async () => {
    const model = new ScriptedModel([
      {
        calls: [hand('ben', 'Find {x} out.'), hand('carl', 'Nothing.')],
        expect: (_, tools) => expect(tools).toEqual(['change', 'delegate_work', 'ask_question']),
      },
      {
        calls: [
          { tool: 'look', args: {} },
          { tool: 'change', args: { by: 'ben' } },
        ],
        expect: (messages, tools) => {
          expect(tools).toEqual(['change', 'look']);
          expect(messages[0]?.text).toContain('You are ben role.');
          expect(messages[1]?.text).toContain('Find (x) out.');
        },
      },
      { text: 'it is 42' },
      {
        text: 'ben says 42',
        expect: (messages) => {
          expect(messages.at(-2)?.text).toBe('{"ok":true,"data":"it is 42"}');
          expect(messages.at(-1)?.text).toContain("there is no co-worker 'carl': ben");
        },
      },
    ]);
    const { runner, events, invoker } = desk({
      agents: [ana, ben],
      tasks: [work],
      tools: [change, look],
      models: [model.named('m')],
    });
    const document = await runner.kickoff('toy');
    expect(document.tasks).toMatchObject([{ id: 'work', status: 'completed', output: 'ben says 42' }]);
    expect(document.effects).toMatchObject([{ agent: 'ben', task: 'work', tool: 'change' }]);
    expect(document.usage).toMatchObject({ model_calls: 4, input_tokens: 40, tool_calls: 2 });
    expect(invoker.calls.map((c) => [c.caller.id, c.tool, c.path])).toEqual([
      ['agent:ben', 'look', 'work#0/0/1.0#0/0/1.0'],
      ['agent:ben', 'change', 'work#0/0/1.0#0/0/1.1'],
    ]);
    expect(events.of('crew.message')).toMatchObject([{ from: 'ana', to: 'ben', pattern: 'delegate_work' }]);
    model.assertUsed();
  });

  test('is not offered to agents without the right to it', async () => {
    const alone = toyAgent('ana', { tools: ['change'] });
    const model = new ScriptedModel([{ text: 'ok', expect: (_, tools) => expect(tools).toEqual(['change']) }]);
    const { runner } = desk({ agents: [alone, ben], tasks: [work], tools: [change, look], models: [model.named('m')] });
    expect((await runner.kickoff('toy')).status).toBe('completed');
  });
});

describe('memory', () => {
  const kept = new Map<string, unknown>();
  const memory = crewMemory({
    get: (agent, key) => Promise.resolve(kept.get(`${agent} ${key}`) ?? null),
    set: (agent, key, value) => Promise.resolve(void kept.set(`${agent} ${key}`, value)),
  });

  test('keeps the last output of each task for models and playbooks, when the crew has it', async () => {
    kept.clear();
    const seen: unknown[] = [];
    const playbook = definePlaybook({
      work: ({ memory: last }) => {
        seen.push(last);
        return { answer: { round: seen.length } };
      },
    });
    const models = createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } });
    const parts = { agents: [ana], tasks: [work], deps: { memory } };
    const { runner, events } = desk({ ...parts, models, crew: { memory: true } });
    await runner.kickoff('toy');
    await runner.kickoff('toy');
    expect(seen).toEqual([undefined, { round: 1 }]);
    expect(events.of('memory.saved')).toHaveLength(2);
    const told = new ScriptedModel([
      {
        text: 'x',
        expect: (messages) => expect(messages[1]?.text).toContain('# What you found the last time\n{"round":2}'),
      },
      { text: 'y', expect: (messages) => expect(messages[1]?.text).not.toContain('last time') },
    ]);
    await desk({ ...parts, models: [told.named('m')], crew: { memory: true } }).runner.kickoff('toy');
    const document = await desk({ ...parts, models: [told.named('m')], crew: { memory: false } }).runner.kickoff('toy');
    expect(document.status).toBe('completed');
    expect(kept.get('ana task:work')).toBe('x');
    told.assertUsed();
  });
});

describe('an output file', () => {
  test('is written below its folder, and not in shadow mode', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crew-out-'));
    const task = toyTask('work', 'ana', { output_file: 'reports/today.md' });
    const model = new ScriptedModel([{ text: 'shadow' }, { text: 'the report' }]);
    const { runner } = desk({
      agents: [ana],
      tasks: [task],
      models: [model.named('m')],
      deps: { writeOutput: createOutputWriter(folder) },
    });
    await runner.kickoff('toy', {}, { shadow: true });
    expect(() => readFileSync(join(folder, 'reports/today.md'))).toThrow('ENOENT');
    await runner.kickoff('toy');
    expect(readFileSync(join(folder, 'reports/today.md'), 'utf8')).toBe('the report');
    await expect(createOutputWriter(folder)('../x', '')).rejects.toThrow('leads out of');
  });
});

describe('checkpoints', () => {
  test('of ended runs are deleted but for the newest; documents stay', async () => {
    const model = new ScriptedModel(Array.from({ length: 5 }, (_, i) => ({ text: `run ${i}` })));
    const { runner, saver } = desk({
      agents: [ana],
      tasks: [work],
      models: [model.named('m')],
      deps: { keepCheckpointsOf: 2 },
    });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await runner.kickoff('toy')).run_id);
    const kept: boolean[] = [];
    for (const id of ids) kept.push((await saver.getTuple({ configurable: { thread_id: id } })) !== undefined);
    expect(kept).toEqual([false, false, false, true, true]);
    expect((await runner.showRun(ids[0] ?? '')).tasks[0]?.output).toBe('run 0');
  });
});

describe('an approval', () => {
  test('that is decided sets its run going again', async () => {
    const events = new MemoryEvents();
    const ends = new Map<unknown, () => void>();
    const eventSource: EventSource = {
      on: (_, handler) => ends.set(handler, events.subscribe(handler)),
      off: (_, handler) => ends.get(handler)?.(),
    };
    const model = new ScriptedModel([{ calls: [{ tool: 'change', args: {} }] }, { text: 'done' }]);
    const made = desk({
      agents: [ana],
      tasks: [work],
      tools: [change],
      needsApproval: ['change'],
      models: [model.named('m')],
      deps: { events, eventSource },
    });
    const waiting = await made.runner.kickoff('toy');
    expect(waiting.status).toBe('waiting');
    made.invoker.approved.add('approval_change');
    const completed = new Promise<void>((resolve) => {
      events.subscribe((e) => {
        if (e.type === 'run.completed') resolve();
      });
    });
    events.emit('approval.decided', { approval_id: 'approval_change', decision: 'approved', decided_by: 'op' });
    await completed;
    while (made.runner.active.length > 0) await new Promise(setImmediate);
    expect(await made.runner.showRun(waiting.run_id)).toMatchObject({
      status: 'completed',
      effects: [{ tool: 'change' }],
    });
    await made.runner.close();
    model.assertUsed();
  });
});
