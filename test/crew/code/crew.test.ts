import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  defineAgent,
  defineCrew,
  definePlaybook,
  defineTask,
  defineToolset,
  openCrewHost,
  type PlaceholdersOf,
} from '../../../src/crew/index.ts';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { defineTool } from '../../../src/kit/tool.ts';
import { ScriptedModel } from '../../../src/testing/index.ts';

const lookUp = defineTool({
  name: 'look_up',
  title: 'Look up',
  toolset: 'toy',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description: 'Looks a word up in a list that the test wrote.',
  input: z.object({ word: z.string().describe('The word') }),
  output: z.object({ meaning: z.string() }),
  examples: [],
  run: ({ word }) =>
    Promise.resolve({
      data: { meaning: `${word} is known` },
      provenance: { as_of: null, source: 'list', complete: true, stale_ms: null },
    }),
});

const sent: string[] = [];
const send = defineTool({
  name: 'send_note',
  title: 'Send a note',
  toolset: 'toy',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description: 'Sends a note to a list that the test reads.',
  input: z.object({ text: z.string().describe('The note') }),
  output: z.object({ sent: z.boolean() }),
  examples: [],
  preview: ({ text }) => Promise.resolve({ note: text }),
  run: ({ text }) => {
    sent.push(text);
    return Promise.resolve({
      data: { sent: true },
      provenance: { as_of: null, source: 'list', complete: true, stale_ms: null },
    });
  },
});

const prose = { role: 'Analyst', goal: 'Say what is known', backstory: 'Reads sources.' } as const;

describe('a crew in code', () => {
  it('is typed from its texts and schemas, and runs in memory', async () => {
    const model = new ScriptedModel([
      { calls: [{ tool: 'look_up', args: { word: 'basis' } }] },
      { text: 'basis is known' },
      {
        expect: (messages) => expect(JSON.stringify(messages)).toContain('basis is known'),
        text: '{"headline":"Known","points":["one"]}',
      },
    ]);
    const analyst = defineAgent({ id: 'analyst', ...prose, role: 'Analyst of {topic}', tools: [lookUp] });
    const look = defineTask({
      id: 'look',
      description: 'Look at {topic}.',
      expected_output: 'A sentence.',
      agent: analyst,
    });
    const report = defineTask({
      id: 'report',
      description: 'Report for {reader}.',
      expected_output: 'JSON like {"headline": "…"}.',
      agent: analyst,
      context: [look],
      output: z.object({ headline: z.string(), points: z.array(z.string()).transform((p) => p.length) }),
    });
    const crew = defineCrew({ id: 'desk', tasks: [look, report], llm: model.named('scripted') });
    expectTypeOf(crew.kickoff)
      .parameter(0)
      .toEqualTypeOf<{ readonly topic: unknown; readonly reader: unknown } & Readonly<Record<string, unknown>>>();

    const result = await crew.kickoff({ topic: 'basis', reader: 'all' });
    model.assertUsed();
    expect(result.document.error).toBeNull();
    if (result.status !== 'completed') throw new Error(result.status);
    expectTypeOf(result.outputs.report).toEqualTypeOf<{ headline: string; points: number }>();
    expect(result.outputs).toEqual({ look: 'basis is known', report: { headline: 'Known', points: 1 } });
    expect(crew.host.audit.map(({ tool, decision, rule }) => ({ tool, decision, rule }))).toEqual([
      {
        tool: 'look_up',
        decision: 'allowed',
        rule: 'role code:analyst grants exchange_data READ_ONLY (needs READ_ONLY)',
      },
    ]);
  });

  it('names the input that a placeholder misses, before any step', async () => {
    const model = new ScriptedModel([]);
    const agent = defineAgent({ id: 'a', ...prose, llm: model.named('scripted') });
    const crew = defineCrew({
      id: 'c',
      tasks: [defineTask({ id: 't', description: 'About {topic}.', expected_output: 'Text.', agent })],
    });
    // @ts-expect-error -- the compiler knows it too
    await expect(crew.kickoff({})).rejects.toThrow(/topic/);
    model.assertUsed();
  });

  it('follows a playbook without a key, and skips a task whose condition does not hold', async () => {
    const agent = defineAgent({ id: 'a', ...prose, tools: [lookUp] });
    const first = defineTask({ id: 'first', description: 'Look.', expected_output: 'JSON.', agent });
    const second = defineTask({
      id: 'second',
      description: 'Dig.',
      expected_output: 'JSON.',
      agent,
      output: z.object({ deep: z.boolean() }),
      condition: ({ last }) => JSON.stringify(last?.output).includes('surprise'),
    });
    const crew = defineCrew({
      id: 'c',
      tasks: [first, second],
      playbook: definePlaybook({
        first: ({ observations: [seen] }) =>
          seen === undefined
            ? { calls: [{ tool: 'look_up', args: { word: 'x' }, reason: 'to know' }] }
            : { answer: seen.result },
        second: () => ({ answer: { deep: true } }),
      }),
    });
    const result = await crew.kickoff();
    expect(result).toMatchObject({ status: 'completed', outputs: { first: { meaning: 'x is known' }, second: null } });
    if (result.status === 'completed') expectTypeOf(result.outputs.second).toEqualTypeOf<{ deep: boolean } | null>();
    expect(result.document.model).toBe('playbook');
  });

  it('sends back what zod refuses, in its words', async () => {
    const model = new ScriptedModel([
      { text: '{"share": 1.5}' },
      { expect: (messages) => expect(JSON.stringify(messages.at(-1))).toMatch(/share/), text: '{"share": 0.5}' },
    ]);
    const agent = defineAgent({ id: 'a', ...prose, llm: model.named('scripted') });
    const output = z
      .object({ share: z.number() })
      .refine(({ share }) => share <= 1, { message: 'at most 1', path: ['share'] });
    const crew = defineCrew({
      id: 'c',
      tasks: [defineTask({ id: 't', description: 'Tell.', expected_output: 'A share.', agent, output })],
    });
    expect(await crew.kickoff()).toMatchObject({ status: 'completed', outputs: { t: { share: 0.5 } } });
    model.assertUsed();
  });

  it('runs guardrails, callbacks and hooks that are functions', async () => {
    const seen: string[] = [];
    const model = new ScriptedModel([{ text: 'long long answer' }, { text: 'short' }]);
    const agent = defineAgent({ id: 'a', ...prose, llm: model.named('scripted') });
    const task = defineTask({
      id: 't',
      description: 'Say {what}.',
      expected_output: 'Text.',
      agent,
      guardrails: [({ raw }) => (raw.length < 8 ? { ok: true } : { ok: false, message: 'shorter' })],
      callback: ({ raw }) => void seen.push(`callback ${raw}`),
    });
    const crew = defineCrew({
      id: 'c',
      tasks: [task],
      hooks: {
        beforeKickoff: [(inputs) => ({ ...inputs, what: `${String(inputs['what'])}!` })],
        onStep: ({ turn }) => void seen.push(`step ${turn}`),
      },
    });
    const { document } = await crew.kickoff({ what: 'hello' });
    expect(document).toMatchObject({ status: 'completed', output: 'short' });
    expect(seen).toContain('callback short');
    expect(seen.filter((s) => s.startsWith('step'))).toHaveLength(2);
  });

  it('denies a tool that only another agent lists', async () => {
    const model = new ScriptedModel([{ calls: [{ tool: 'send_note', args: { text: 'no' } }] }, { text: 'could not' }]);
    const reader = defineAgent({ id: 'reader', ...prose, tools: [lookUp] });
    const writer = defineAgent({ id: 'writer', ...prose, tools: [send] });
    const crew = defineCrew({
      id: 'c',
      agents: [reader, writer],
      llm: model.named('scripted'),
      tasks: [defineTask({ id: 't', description: 'Read.', expected_output: 'Text.', agent: reader })],
    });
    const { document } = await crew.kickoff();
    expect(document.status).toBe('completed');
    expect(document.tasks[0]?.tool_calls).toMatchObject([{ tool: 'send_note', ok: false }]);
    expect(sent).toEqual([]);
  });

  it('grants all of a toolset, and takes it for a part of the crew’s structure', async () => {
    const model = new ScriptedModel([{ calls: [{ tool: 'send_note', args: { text: 'hi' } }] }, { text: 'sent' }]);
    const desk = defineToolset({ id: 'desk', tools: [lookUp, send] });
    const writer = defineAgent({ id: 'writer', ...prose, tools: [lookUp], toolsets: [desk], llm: model.named('m') });
    expect(writer.spec).toMatchObject({
      tools: ['look_up', 'send_note'],
      toolsets: { desk: ['look_up', 'send_note'] },
    });
    const crew = defineCrew({
      id: 'c',
      tasks: [defineTask({ id: 't', description: 'Write.', expected_output: 'Text.', agent: writer, tools: [send] })],
    });
    const { document } = await crew.kickoff();
    expect(document.tasks[0]?.tool_calls).toMatchObject([{ tool: 'send_note', ok: true }]);
    expect(sent.splice(0)).toEqual(['hi']);
  });

  it('refuses toolsets that are none', () => {
    const desk = defineToolset({ id: 'desk', tools: [send] });
    expect(() => defineToolset({ id: '1', tools: [send, send] })).toThrow(
      "toolset 1: '1' is not an id: a letter, then letters, digits, _ or -; two tools are named send_note",
    );
    expect(() => defineToolset({ id: 'none', tools: [] })).toThrow('toolset none: it has no tools');
    expect(() => defineAgent({ id: 'a', ...prose, toolsets: [desk, desk] })).toThrow(
      'agent a: two toolsets have the id desk',
    );
  });

  it('asks a person for approval_required, and takes nothing but true for a yes', async () => {
    const script = () =>
      new ScriptedModel([{ calls: [{ tool: 'send_note', args: { text: 'hi' } }] }, { text: 'done' }]).named('scripted');
    const crewOf = () => {
      const writer = defineAgent({
        id: 'writer',
        ...prose,
        tools: [send],
        approval_required: ['send_note'],
        llm: script(),
      });
      return defineCrew({
        id: 'c',
        tasks: [defineTask({ id: 't', description: 'Write.', expected_output: 'Text.', agent: writer })],
      });
    };
    const calls = (document: { readonly tasks: readonly { readonly tool_calls: unknown }[] }) =>
      document.tasks[0]?.tool_calls;

    const nobody = await crewOf().kickoff();
    expect(calls(nobody.document)).toMatchObject([{ ok: false }]);
    const no = await crewOf()
      .on({ approve: () => 'yes' as unknown as boolean })
      .kickoff();
    expect(calls(no.document)).toMatchObject([{ ok: false }]);
    expect(sent).toEqual([]);

    const questions: unknown[] = [];
    const yes = await crewOf()
      .on({
        approve: (question) => {
          questions.push(question);
          return true;
        },
      })
      .kickoff();
    expect(calls(yes.document)).toMatchObject([{ ok: true }]);
    expect(questions).toMatchObject([{ agent: 'writer', tool: 'send_note', args: { text: 'hi' } }]);
    expect(sent).toEqual(['hi']);
    const proposed = await crewOf()
      .on({ approve: () => true })
      .kickoff(undefined, { shadow: true });
    expect(proposed.document.proposed_actions).toMatchObject([{ tool: 'send_note', would_change: { note: 'hi' } }]);
    expect(sent).toEqual(['hi']);
  });

  it('runs once for each input and leaves the others alone when one cannot start', async () => {
    const agent = defineAgent({ id: 'a', ...prose });
    const crew = defineCrew({
      id: 'c',
      tasks: [defineTask({ id: 't', description: 'Say {word}.', expected_output: 'A word.', agent })],
      playbook: definePlaybook({ t: ({ inputs }) => ({ answer: { word: inputs['word'] } }) }),
    });
    const [one, two, three] = await crew.kickoffForEach([{ word: 'a' }, {} as { word: string }, { word: 'c' }], {
      concurrency: 2,
    });
    expect(one).toMatchObject({ status: 'completed', outputs: { t: { word: 'a' } } });
    expect(two).toBeInstanceOf(InvalidInput);
    expect(three).toMatchObject({ status: 'completed', outputs: { t: { word: 'c' } } });
  });

  it('has a manager who hands the work out', async () => {
    const worker = defineAgent({ id: 'worker', ...prose });
    const boss = defineAgent({ id: 'boss', ...prose, allow_delegation: true });
    const model = new ScriptedModel([
      { calls: [{ tool: 'delegate_work', args: { coworker: 'worker', task: 't' } }] },
      { text: 'worked' },
    ]);
    const crew = defineCrew({
      id: 'c',
      process: 'hierarchical',
      manager: boss,
      agents: [worker],
      tasks: [defineTask({ id: 't', description: 'Do.', expected_output: 'Text.' })],
      llm: model.named('scripted'),
    });
    expect((await crew.kickoff()).document).toMatchObject({ status: 'completed', output: 'worked' });
    model.assertUsed();
  });
});

describe('what is wrong with a definition', () => {
  const agent = defineAgent({ id: 'a', ...prose, llm: 'openai:gpt-5-mini' });
  const task = defineTask({ id: 't', description: 'Do.', expected_output: 'Text.', agent });
  const never = defineTask({ id: 'never', description: 'Do.', expected_output: 'Text.', agent, context: [task] });

  it('is listed at once, for agents', () => {
    expect(() => defineAgent({ id: '1', role: '', goal: 'g', backstory: 'b', max_iter: 0 })).toThrow(
      /'1' is not an id.*role.*max_iter/,
    );
  });

  it('is listed at once, for tasks', () => {
    expect(() => defineTask({ id: 't', description: ' ', expected_output: 'x', timeout: -1 })).toThrow(
      /task t: description.*timeout/,
    );
    // @ts-expect-error -- a slip of the pen is found by the compiler, and at run time
    expect(() => defineTask({ id: 't', description: 'd', expected_output: 'x', markdwn: true })).toThrow(/markdown/);
    expect(() => defineTask({ id: 't', description: 'd', expected_output: 'x', output: z.bigint() })).toThrow(
      /no JSON Schema/,
    );
  });

  it('is listed at once, for crews', () => {
    expect(() => defineCrew({ id: 'c', tasks: [] })).toThrow(/crew c: tasks/);
    expect(() => defineCrew({ id: 'c', tasks: [never, task] })).toThrow(/context t of task never comes later/);
    expect(() => defineCrew({ id: 'c', tasks: [never] })).toThrow(/context t of task never is not a task of the crew/);
    expect(() => defineCrew({ id: 'c', tasks: [task, task] })).toThrow(/two tasks have the id t/);
    expect(() => defineCrew({ id: 'c', process: 'hierarchical', tasks: [task] })).toThrow(/needs manager/);
    expect(() => defineCrew({ id: 'c', tasks: [task], agents: [] })).toThrow(/agent a of task t is not a member/);
    const free = defineTask({ id: 'free', description: 'Do.', expected_output: 'Text.' });
    expect(() => defineCrew({ id: 'c', tasks: [free] })).toThrow(/task free has no agent/);
  });

  it('is a skill that is not there', () => {
    const reader = defineAgent({ id: 'reader', ...prose, skills: ['weighing'], llm: 'openai:gpt-5-mini' });
    const read = defineTask({ id: 'read', description: 'Do.', expected_output: 'Text.', agent: reader });
    const dir = mkdtempSync(join(tmpdir(), 'crew-code-'));
    const crews = [defineCrew({ id: 'c', tasks: [read] })];
    expect(() => openCrewHost({ crews, dir })).toThrow(/agent reader: skill 'weighing': there is no weighing.SKILL.md/);
  });

  it('is a name that two parts of a host share, or a model that nobody named', () => {
    const other = defineAgent({ id: 'a', ...prose, llm: 'openai:gpt-5-mini' });
    const crews = [
      defineCrew({ id: 'one', tasks: [task] }),
      defineCrew({
        id: 'two',
        tasks: [defineTask({ id: 'u', description: 'Do.', expected_output: 'Text.', agent: other })],
      }),
    ];
    expect(() => openCrewHost({ crews })).toThrow('two agents of the host have the id a');
    const same = new ScriptedModel([]).named('m');
    const twin = new ScriptedModel([]).named('m');
    const a = defineAgent({ id: 'x', ...prose, llm: same, llm_fallbacks: [twin] });
    const modelled = defineCrew({
      id: 'c',
      tasks: [defineTask({ id: 't', description: 'D.', expected_output: 'T.', agent: a })],
    });
    expect(() => modelled.host).toThrow('two models of the host are named m');
    const plain = defineAgent({ id: 'plain', ...prose });
    const none = defineCrew({
      id: 'c',
      tasks: [defineTask({ id: 't', description: 'D.', expected_output: 'T.', agent: plain })],
    });
    expect(() => none.host).toThrow(/crew c has no model for plain/);
  });
});

describe('placeholders in types', () => {
  it('are those that the run finds', () => {
    expectTypeOf<PlaceholdersOf<'{a} and {b_c} {d-1}'>>().toEqualTypeOf<'a' | 'b_c' | 'd-1'>();
    expectTypeOf<PlaceholdersOf<'{"x": 1} {1a} {} { a }'>>().toEqualTypeOf<never>();
    expectTypeOf<PlaceholdersOf<'{{a}}'>>().toEqualTypeOf<'a'>();
    expectTypeOf<PlaceholdersOf<'{ "x": {y} }'>>().toEqualTypeOf<'y'>();
    expectTypeOf<PlaceholdersOf<string>>().toEqualTypeOf<never>();
  });
});
