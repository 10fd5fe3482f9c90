import { describe, expect, test } from 'vitest';
import { tripwiresSchema, toTripwires } from '../../../src/crew/config/tripwire-schema.ts';
import type { CrewHooks } from '../../../src/crew/hooks.ts';
import { defineAgent, defineCrew, defineTask, TripwireTripped } from '../../../src/crew/index.ts';
import type { CrewSpec, TripwireSpecs } from '../../../src/crew/spec.ts';
import type { BoundTool } from '../../../src/kit/tool.ts';
import { createRedactor } from '../../../src/kit/redact.ts';
import { ScriptedModel, type ScriptStep, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';

const SECRET = 'hunter2-of-the-desk';
const redactor = createRedactor({ VENUE_API_KEY: SECRET });

function wires(given: Parameters<typeof tripwiresSchema.parse>[0]): TripwireSpecs {
  return toTripwires(tripwiresSchema.parse(given));
}

function one(
  steps: readonly ScriptStep[],
  given: {
    readonly agent?: TripwireSpecs;
    readonly crew?: TripwireSpecs;
    readonly hooks?: CrewHooks;
    readonly tools?: readonly BoundTool[];
    readonly task?: Parameters<typeof toyTask>[2];
    readonly more?: Partial<CrewSpec>;
  } = {},
) {
  const model = new ScriptedModel(steps);
  const tools = given.tools ?? [];
  const agent = {
    tools: tools.map((tool) => tool.name),
    ...(given.agent === undefined ? {} : { tripwires: given.agent }),
  };
  const made = desk({
    agents: [toyAgent('ana', agent)],
    tasks: [toyTask('a', 'ana', given.task)],
    crew: { ...given.more, ...(given.crew === undefined ? {} : { tripwires: given.crew }) },
    tools,
    models: [model.named('m')],
    deps: { hooks: { toy: given.hooks ?? {} }, redactor },
  });
  return { ...made, model };
}

describe('a tripwire at the input', () => {
  test('of a crew ends the run before any model is asked, with what, where and why', async () => {
    const { runner, model, events, store } = one([], {
      crew: wires({ input: [{ name: 'no_orders', deny: ['buy\\s+now'] }] }),
    });
    const document = await runner.kickoff('toy', { wish: 'Buy  now!' });
    const reason = 'it matches /buy\\s+now/';
    expect(document).toMatchObject({
      status: 'failed',
      error: `tripwire no_orders stopped the run at the input of the crew: ${reason}`,
      tripped: { guardrail: 'no_orders', where: 'input', task: null, agent: null, cause: 'tripped', reason },
      tasks: [{ id: 'a', status: 'not_run' }],
      usage: { model_calls: 0 },
    });
    expect(model.used).toBe(0);
    expect(events.of('guardrail.tripped')).toMatchObject([{ guardrail: 'no_orders', where: 'input', task_id: null }]);
    expect(events.of('task.started')).toEqual([]);
    expect(events.of('run.failed')).toHaveLength(1);
    expect((await store.get(document.run_id))?.status).toBe('failed');
  });

  test('of an agent sees what the tasks before gave, and ends the run before its model is asked', async () => {
    const model = new ScriptedModel([{ text: 'the word is swordfish' }]);
    const { runner } = desk({
      agents: [toyAgent('ana'), toyAgent('ben', { tripwires: wires({ input: [{ deny: ['swordfish'] }] }) })],
      tasks: [toyTask('a', 'ana'), toyTask('b', 'ben', { context: ['a'] })],
      models: [model.named('m')],
    });
    const { tasks, tripped, status } = await runner.kickoff('toy');
    expect(status).toBe('failed');
    expect(tasks.map((task) => task.status)).toEqual(['completed', 'failed']);
    expect(tripped).toMatchObject({ guardrail: 'input.deny.1', task: 'b', agent: 'ben' });
    model.assertUsed();
  });

  test('may rewrite what goes in: the run goes on with that alone', async () => {
    const { runner, model, events, store } = one(
      [{ text: 'done', expect: (m) => expect(m.at(-1)?.text).toContain('Say [VENUE_API_KEY].') }],
      { crew: wires({ input: [{ secrets: 'redact' }] }), task: { description: 'Say {what}.' } },
    );
    const document = await runner.kickoff('toy', { what: SECRET });
    expect(document.status).toBe('completed');
    expect((await store.get(document.run_id))?.inputs).toEqual({ what: '[VENUE_API_KEY]' });
    expect(events.of('guardrail.rewrote')).toMatchObject([{ where: 'input', guardrail: 'input.secrets.1' }]);
    model.assertUsed();
  });

  test('of an agent may rewrite inputs and context, not their form', async () => {
    const run = (value: unknown) =>
      one([{ text: 'done', expect: (m) => expect(m.at(-1)?.text).toContain('Say two.') }], {
        agent: wires({ input: [{ function: 'change' }] }),
        task: { description: 'Say {what}.' },
        hooks: { tripwires: { change: () => ({ ok: true, value }) } },
      }).runner.kickoff('toy', { what: 'one' });
    expect((await run({ inputs: { what: 'two' }, context: [] })).status).toBe('completed');
    expect((await run('two')).tripped).toMatchObject({ cause: 'no_verdict' });
  });
});

describe('a tripwire at the output', () => {
  test('keeps a secret from the document, files, callbacks, streams and the next task', async () => {
    const heard: unknown[] = [];
    const model = new ScriptedModel([{ text: `the key is ${SECRET}` }]);
    const { runner, events } = desk({
      agents: [toyAgent('ana')],
      tasks: [toyTask('a', 'ana', { output_file: 'a.md' }), toyTask('b', 'ana')],
      crew: { tripwires: wires({ output: [{ secrets: 'trip' }] }) },
      models: [model.named('m')],
      deps: {
        redactor,
        writeOutput: (...given) => Promise.resolve(void heard.push(given)),
        hooks: { toy: { onTask: (output) => void heard.push(output), onText: (piece) => void heard.push(piece) } },
      },
    });
    const document = await runner.kickoff('toy');
    expect(document.error).toBe(
      'tripwire output.secrets.1 stopped the run at the output of task a, agent ana: it holds a secret',
    );
    expect(document.tasks.map((task) => task.status)).toEqual(['failed', 'not_run']);
    expect(JSON.stringify([document, events.all])).not.toContain(SECRET);
    expect(heard).toEqual([]);
    model.assertUsed();
  });

  test('may rewrite the answer, and what it was before is in no document', async () => {
    const { runner } = one([{ text: `{"key": "${SECRET}"}` }], { agent: wires({ output: [{ secrets: 'redact' }] }) });
    const document = await runner.kickoff('toy');
    expect(document.output).toEqual({ key: '[VENUE_API_KEY]' });
    expect(document.tasks[0]?.raw).toBe('{"key":"[VENUE_API_KEY]"}');
    expect(JSON.stringify(document)).not.toContain(SECRET);
  });

  test('a rewritten answer has to fit the schema', async () => {
    const { runner } = one([{ text: '{"n": 1}' }], {
      agent: wires({ output: [{ function: 'spoil' }] }),
      task: { output_json: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] } },
      hooks: { tripwires: { spoil: () => ({ ok: true, value: { n: 'one' } }) } },
    });
    expect((await runner.kickoff('toy')).tripped?.reason).toContain('does not fit the schema of the answer');
  });

  test('the agent is asked first, then the crew, each about what the one before left', async () => {
    const seen: unknown[] = [];
    const mark =
      (by: string) =>
      ({ value, where, task }: { value: unknown; where: string; task: string | null }) => {
        seen.push([by, where, task, value]);
        return { ok: true, value: `${String(value)}, ${by}` } as const;
      };
    const { runner } = one([{ text: 'said' }], {
      agent: wires({ output: [{ function: 'own' }] }),
      crew: wires({ output: [{ function: 'crews' }] }),
      hooks: { tripwires: { own: mark('own'), crews: mark('crews') } },
    });
    expect((await runner.kickoff('toy')).output).toBe('said, own, crews');
    expect(seen).toEqual([
      ['own', 'output', 'a', 'said'],
      ['crews', 'output', 'a', 'said, own'],
    ]);
  });

  test('looks at what the last hooks make of the output', async () => {
    const { runner } = one([{ text: 'fine' }], {
      crew: wires({ output: [{ max_characters: 10 }] }),
      hooks: { afterKickoff: [() => 'much too long'] },
    });
    const document = await runner.kickoff('toy');
    expect(document).toMatchObject({
      status: 'failed',
      output: 'fine',
      tripped: { task: null, reason: 'it has 13 characters, not 10 at most' },
    });
  });

  test('a person writes it anew: that is judged too', async () => {
    const { runner } = one([{ text: 'fine' }], {
      crew: wires({ output: [{ secrets: 'trip' }] }),
      task: { human_input: true },
    });
    const { run_id } = await runner.kickoff('toy');
    expect(await runner.resume(run_id, { a: { edit: SECRET } })).toMatchObject({ status: 'failed', output: null });
  });

  test('ends tasks that run beside it, whose agents make no further step', async () => {
    const look = toyTool('look', () => 1);
    const leaky = new ScriptedModel([{ text: SECRET }]);
    const steady = new ScriptedModel([{ hang: true }]);
    const { runner, invoker } = desk({
      agents: [toyAgent('ana'), toyAgent('ben', { tools: ['look'] })],
      tasks: [toyTask('a', 'ana'), toyTask('b', 'ben'), toyTask('c', 'ben', { context: ['b'] })],
      crew: { process: 'parallel', tripwires: wires({ output: [{ secrets: 'trip' }] }) },
      tools: [look],
      models: {
        modelsFor: ({ id }) => Promise.resolve([id === 'ana' ? leaky.named('leaky') : steady.named('steady')]),
      },
      deps: { redactor },
    });
    const document = await runner.kickoff('toy');
    expect(document).toMatchObject({ status: 'failed', tripped: { task: 'a', guardrail: 'output.secrets.1' } });
    expect(document.tasks.map((task) => task.status)).toEqual(['failed', 'not_run', 'not_run']);
    expect(steady.used).toBe(1);
    expect(invoker.calls).toEqual([]);
  });

  test('ends the whole run from inside a piece of work that was handed on', async () => {
    const model = new ScriptedModel([
      { calls: [{ tool: 'delegate_work', args: { coworker: 'ben', work: 'Say it.' } }] },
      { text: SECRET },
    ]);
    const { runner } = desk({
      agents: [
        toyAgent('ana', { allow_delegation: true }),
        toyAgent('ben', { tripwires: wires({ output: [{ secrets: 'trip' }] }) }),
      ],
      tasks: [toyTask('a', 'ana')],
      models: [model.named('m')],
      deps: { redactor },
    });
    const document = await runner.kickoff('toy');
    expect(document).toMatchObject({ status: 'failed', tripped: { agent: 'ben', task: 'a_for_ben' } });
    model.assertUsed();
  });
});

describe('a tripwire at tool calls', () => {
  const note = toyTool('note', () => 'noted', { effects: 'effect' });
  const call = (text: string) => ({ tool: 'note', args: { text } });

  test('ends the run before any call of the turn is made', async () => {
    const { runner, invoker, model } = one([{ calls: [call('all well'), call(SECRET)] }], {
      tools: [note],
      agent: wires({ tool_call: [{ secrets: 'trip' }] }),
    });
    expect(await runner.kickoff('toy')).toMatchObject({ status: 'failed', tripped: { where: 'tool_call', task: 'a' } });
    expect(invoker.calls).toEqual([]);
    model.assertUsed();
  });

  test('may rewrite the arguments, not choose another tool', async () => {
    const redacting = one([{ calls: [call(SECRET)] }, { text: 'done' }], {
      tools: [note],
      crew: wires({ tool_call: [{ secrets: 'redact' }] }),
    });
    expect((await redacting.runner.kickoff('toy')).status).toBe('completed');
    expect(redacting.invoker.calls.map(({ args }) => args)).toEqual([{ text: '[VENUE_API_KEY]' }]);
    const swapping = one([{ calls: [call('all well')] }], {
      tools: [note],
      crew: wires({ tool_call: [{ function: 'swap' }] }),
      hooks: { tripwires: { swap: () => ({ ok: true, value: { tool: 'other', args: {} } }) } },
    });
    expect((await swapping.runner.kickoff('toy')).tripped?.reason).toContain('names another tool');
    expect(swapping.invoker.calls).toEqual([]);
  });
});

describe('no verdict is one against the value', () => {
  const failing: Readonly<Record<string, NonNullable<CrewHooks['tripwires']>[string]>> = {
    threw: ({ text }) => {
      throw new Error(`cannot read ${text}`);
    },
    // What JavaScript code may do, whatever its type says.
    no_verdict: () => undefined as never,
  };

  test.each(Object.keys(failing))('%s', async (name) => {
    const run = (on_error: 'trip' | 'pass') =>
      one([{ text: 'fine' }], {
        crew: wires({ output: [{ function: name, on_error }] }),
        hooks: { tripwires: failing },
      }).runner.kickoff('toy');
    const document = await run('trip');
    expect(document).toMatchObject({ status: 'failed', tripped: { guardrail: name, cause: name } });
    expect(document.error).not.toContain('fine');
    expect(await run('pass')).toMatchObject({ status: 'completed', output: 'fine' });
  });

  test.each(['trip', 'pass'] as const)('timed out: %s', async (on_error) => {
    const ended: unknown[] = [];
    const { runner, clock, model } = one([{ text: 'fine' }], {
      crew: wires({ input: [{ function: 'slow', seconds: 2, on_error }] }),
      hooks: {
        tripwires: {
          slow: ({ signal }) => {
            signal.addEventListener('abort', () => void ended.push(signal.reason));
            return new Promise(() => undefined);
          },
        },
      },
    });
    const { done } = await runner.start('toy');
    await clock.advance(2000);
    const document = await done;
    expect(ended).toHaveLength(1);
    expect(clock.pending).toBe(0);
    expect(document.status).toBe(on_error === 'trip' ? 'failed' : 'completed');
    expect(document.tripped?.cause).toBe(on_error === 'trip' ? 'timed_out' : undefined);
    expect(model.used).toBe(on_error === 'trip' ? 0 : 1);
  });

  test('a run that is cancelled meanwhile is cancelled, not tripped', async () => {
    const { runner, model } = one([], {
      crew: wires({ input: [{ function: 'slow' }] }),
      hooks: { tripwires: { slow: () => new Promise(() => undefined) } },
    });
    const { runId, done } = await runner.start('toy');
    expect(await runner.cancel(runId, 'enough')).toBe(true);
    expect((await done).tripped).toBeUndefined();
    expect(model.used).toBe(0);
  });
});

describe('a run that was tripped', () => {
  test('stays so when it is resumed, by this process and by another', async () => {
    const { runner, store, saver, model } = one([], { crew: wires({ input: [{ deny: ['no'] }] }) });
    const { run_id } = await runner.kickoff('toy', { wish: 'no' });
    expect((await runner.resume(run_id)).tripped).toMatchObject({ guardrail: 'input.deny.1' });
    const parts = { agents: [toyAgent('ana')], tasks: [toyTask('a', 'ana')], models: [model.named('m')] };
    const other = desk({ ...parts, store, saver });
    expect(await other.runner.recover()).toEqual([]);
    expect((await other.runner.resume(run_id)).tripped).toMatchObject({ guardrail: 'input.deny.1' });
    await expect(other.runner.resume(run_id, { a: 'go on' })).rejects.toThrow('is failed');
    expect(model.used).toBe(0);
  });

  test('is judged by the next process when the first ended before there was a verdict', async () => {
    const crew = wires({ input: [{ function: 'judge' }] });
    const first = one([], { crew, hooks: { tripwires: { judge: () => new Promise(() => undefined) } } });
    const { runId, done } = await first.runner.start('toy');
    await first.runner.close();
    expect((await done).status).toBe('suspended');
    const { store, saver, model } = first;
    const second = desk({
      agents: [toyAgent('ana')],
      tasks: [toyTask('a', 'ana')],
      crew: { tripwires: crew },
      models: [model.named('m')],
      deps: { hooks: { toy: { tripwires: { judge: () => ({ ok: false, reason: 'not that' }) } } } },
      store,
      saver,
    });
    await Promise.all((await second.runner.recover()).map((run) => run.done));
    expect(await second.runner.showRun(runId)).toMatchObject({ status: 'failed', tripped: { reason: 'not that' } });
    expect(model.used).toBe(0);
  });

  test('edited inputs of a fork are judged before it begins', async () => {
    const { runner, model } = one([{ text: 'fine' }, { text: 'fine' }], {
      crew: wires({ input: [{ deny: ['forbidden'] }] }),
    });
    const { run_id } = await runner.kickoff('toy', { wish: 'calm' });
    const fork = (wish: string) => runner.replay(run_id, 'a', { edit: { inputs: { wish } } });
    await expect(fork('forbidden')).rejects.toBeInstanceOf(TripwireTripped);
    expect(await runner.listRuns()).toHaveLength(1);
    expect((await (await fork('calmer')).done).status).toBe('completed');
    model.assertUsed();
  });
});

describe('what is configured', () => {
  test.each([
    [{ input: [{}] }, 'takes just one of'],
    [{ input: [{ secrets: 'trip', max_characters: 3 }] }, 'takes just one of'],
    [{ output: [{ deny: ['('] }] }, 'is not a regular expression'],
    [{ output: [{ deny: [] }] }, 'Too small'],
    [{ outputs: [] }, 'Unrecognized key'],
  ])('%j is refused', (given, message) => {
    expect(() => tripwiresSchema.parse(given)).toThrow(message);
  });

  test('a function that is not there keeps the run from starting', async () => {
    const { runner } = one([], {
      agent: wires({ output: [{ function: 'clam' }] }),
      hooks: { tripwires: { calm: () => ({ ok: true }) } },
    });
    await expect(runner.kickoff('toy')).rejects.toThrow(
      "agent ana: tripwire 'clam' is no function of the crew's hooks",
    );
  });

  test('an agent alone keeps its own', async () => {
    const { runner, model } = one([], {
      agent: wires({ input: [{ function: 'never' }] }),
      hooks: { tripwires: { never: () => ({ ok: false, reason: `not ${SECRET}` }) } },
    });
    const document = await runner.runAgent('ana', { prompt: 'Hello?' });
    expect(document.tripped).toMatchObject({ guardrail: 'never', agent: 'ana', reason: 'not [VENUE_API_KEY]' });
    expect(model.used).toBe(0);
  });

  test('in code, tripwires of agents and crews are functions or the fields of YAML', async () => {
    const model = new ScriptedModel([{ text: 'one' }, { text: 'three' }]);
    const agent = defineAgent({
      id: 'ana',
      role: 'Analyst',
      goal: 'Answer',
      backstory: 'Short.',
      tripwires: { output: [({ text }) => (text === 'three' ? { ok: false, reason: 'not three' } : { ok: true })] },
    });
    const task = defineTask({ id: 'a', description: 'Say {what}.', expected_output: 'A word.', agent });
    const crew = defineCrew({
      id: 'code',
      tasks: [task],
      llm: model.named('m'),
      tripwires: { input: [{ name: 'short', max_characters: 10 }] },
    });
    expect((await crew.kickoff({ what: 'it' })).status).toBe('completed');
    expect((await crew.kickoff({ what: 'much more than that' })).document.tripped?.guardrail).toBe('short');
    expect((await crew.kickoff({ what: 'it' })).document.tripped).toMatchObject({
      guardrail: 'agent.ana.output.1',
      reason: 'not three',
    });
    model.assertUsed();
  });
});
