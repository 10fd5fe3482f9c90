import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { definePlaybook } from '../../../src/crew/index.ts';
import { createModel } from '../../../src/crew/model/create.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { systemClock } from '../../../src/infra/clock.ts';
import { toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';
import { anthropic, openai, StubProvider, type Wire } from './stub.ts';

const ana = toyAgent('ana', { tools: ['look'], max_retry_limit: 1 });
const task = toyTask('watch', 'ana');
const look = toyTool('look', (input) => ({ seen: input['what'] ?? null }));
const playbook = definePlaybook({
  watch: ({ observations }) =>
    observations.length === 0
      ? { calls: [{ tool: 'look', args: { what: 'playbook' }, reason: 'by the book' }] }
      : { answer: { by: 'playbook', seen: observations.length } },
});

let stub: StubProvider;
beforeAll(async () => {
  stub = await StubProvider.start();
});
beforeEach(() => stub.script());
afterAll(() => stub.stop());

function crew(wire: Wire, fallbacks: readonly string[] = [], modelTimeoutMs = 20_000) {
  const models = createModelSource({
    env: wire.env(stub.url),
    model: wire.model,
    fallbacks,
    playbooks: { toy: playbook },
  });
  return desk({
    agents: [ana],
    tasks: [task],
    tools: [look],
    models,
    deps: { clock: systemClock, modelTimeoutMs },
  });
}

for (const wire of [openai, anthropic]) {
  describe(`the ${wire.name} wire`, () => {
    test('carries text, with tokens counted as reported', async () => {
      stub.script(wire.text('all is well'));
      const { runner, events } = crew(wire);
      const document = await runner.kickoff('toy');
      expect(document).toMatchObject({
        status: 'completed',
        model: wire.model,
        tasks: [{ output: 'all is well' }],
        usage: {
          model_calls: 1,
          failed_calls: 0,
          input_tokens: 11,
          output_tokens: 7,
          total_tokens: 18,
          source: 'llm',
          by_model: [{ model: wire.model, source: 'llm', calls: 1 }],
        },
      });
      expect(events.of('model.called')).toMatchObject([{ model: wire.model, input_tokens: 11, output_tokens: 7 }]);
      expect(wire.toolNames(stub.requests[0])).toEqual(['look']);
      expect(JSON.stringify(stub.requests[0]?.headers)).toContain('key-of-test');
      expect(JSON.stringify(stub.requests[0]?.body)).toContain('You are ana role.');
    });

    test('carries tool calls, one and several in a turn, and their results back', async () => {
      stub.script(
        wire.calls({ id: 'c1', name: 'look', args: { what: 1 } }),
        wire.calls({ id: 'c2', name: 'look', args: { what: 2 } }, { id: 'c3', name: 'look', args: { what: 3 } }),
        wire.text('done'),
      );
      const { runner, invoker } = crew(wire);
      const document = await runner.kickoff('toy');
      expect(document.tasks[0]).toMatchObject({ status: 'completed', output: 'done' });
      expect(invoker.calls.map((c) => [c.args, c.path])).toEqual([
        [{ what: 1 }, 'watch#0/0/1.0'],
        [{ what: 2 }, 'watch#0/0/2.0'],
        [{ what: 3 }, 'watch#0/0/2.1'],
      ]);
      const results = wire.toolResults(stub.requests[2]).map((text) => (JSON.parse(text) as { data: unknown }).data);
      expect(results).toEqual([{ seen: 1 }, { seen: 2 }, { seen: 3 }]);
      expect(document.usage).toMatchObject({ model_calls: 3, input_tokens: 33, output_tokens: 21, tool_calls: 3 });
    });

    test('of an unknown tool or bad arguments gets the error as a tool result', async () => {
      stub.script(
        wire.calls({ id: 'c1', name: 'lok', args: {} }),
        wire.malformed(),
        wire.calls({ id: 'c3', name: 'look', args: { what: 'right' } }),
        wire.text('done at last'),
      );
      const { runner, invoker } = crew(wire);
      const document = await runner.kickoff('toy');
      expect(document.tasks[0]).toMatchObject({ status: 'completed', output: 'done at last' });
      const results = wire.toolResults(stub.requests[3]);
      expect(results[0]).toContain('there is no tool lok');
      expect(results[1]).toMatch(/invalid_input/);
      expect(results[2]).toContain('"seen":"right"');
      expect(document.tasks[0]?.tool_calls.map((c) => c.ok)).toEqual([false, false, true]);
      expect(invoker.calls.filter((c) => c.tool === 'look')).toHaveLength(1);
    });

    test('is left for the playbook when it keeps sending malformed calls', async () => {
      stub.script(wire.malformed(), wire.malformed(), wire.malformed(), wire.malformed(), wire.text('unused'));
      const { runner, events } = crew(wire, ['playbook']);
      const document = await runner.kickoff('toy');
      expect(document.tasks[0]).toMatchObject({ status: 'completed', output: { by: 'playbook' } });
      expect(events.of('model.fallback')).toMatchObject([
        { from: wire.model, to: 'playbook', reason: 'malformed tool calls' },
      ]);
      expect(document.usage).toMatchObject({ source: 'mixed' });
    });

    test('waits as long as a 429 says, then goes on', async () => {
      stub.script(wire.error(429, { 'retry-after': '0.2' }), wire.text('after the wait'));
      const { runner, events } = crew(wire);
      const began = performance.now();
      const document = await runner.kickoff('toy');
      expect(performance.now() - began).toBeGreaterThan(190);
      expect(document).toMatchObject({ status: 'completed', usage: { model_calls: 1, failed_calls: 1 } });
      expect(events.of('model.failed')).toMatchObject([
        { attempt: 1, error: expect.stringContaining('429') as string },
      ]);
    });

    const failures: readonly (readonly [string, () => Parameters<StubProvider['script']>[0], RegExp])[] = [
      ['a 500', () => wire.error(500), /500/],
      ['a cut connection', () => ({ cut: true }), /terminated|connection|aborted|closed/i],
      ['silence', () => ({ silence: true }), /gave no answer within 300 ms/],
      ['an answer that is not JSON', () => ({ raw: '<html>busy</html>' }), /./],
    ];
    for (const [what, reply, message] of failures) {
      test(`${what} is tried again, then the playbook takes over and the run says so`, async () => {
        stub.script(reply(), reply(), wire.text('unused'));
        const { runner, events } = crew(wire, ['playbook'], what === 'silence' ? 300 : undefined);
        const document = await runner.kickoff('toy');
        expect(document).toMatchObject({
          status: 'completed',
          tasks: [{ output: { by: 'playbook', seen: 1 } }],
          usage: { model_calls: 2, failed_calls: 2, source: 'mixed' },
        });
        expect(stub.requests).toHaveLength(2);
        const [fallback] = events.of('model.fallback');
        expect(fallback).toMatchObject({ from: wire.model, to: 'playbook' });
        expect(fallback?.reason).toMatch(message);
        expect(document.usage.by_model.map((u) => [u.model, u.calls, u.failed_calls])).toEqual([
          [wire.model, 0, 2],
          ['playbook', 2, 0],
        ]);
      });
    }

    test('a wrong key is not tried again, and without a fallback the task fails', async () => {
      stub.script(wire.error(401));
      const { runner } = crew(wire);
      const document = await runner.kickoff('toy');
      expect(document.status).toBe('failed');
      expect(document.error).toMatch(/401/);
      expect(document.error).not.toContain('key-of-test');
      expect(stub.requests).toHaveLength(1);
    });
  });
}

describe('createModel', () => {
  test('names the variable of a missing key', async () => {
    await expect(createModel('openai:gpt-5', { env: {} })).rejects.toThrow('OPENAI_API_KEY, which is not set');
    await expect(createModel('anthropic:claude', { env: { ANTHROPIC_API_KEY: ' ' } })).rejects.toThrow(
      'ANTHROPIC_API_KEY',
    );
  });

  test('refuses what it does not know', async () => {
    await expect(createModel('opnai:gpt', { env: {} })).rejects.toThrow('(did you mean openai?)');
    await expect(createModel('openai', { env: {} })).rejects.toThrow('write openai:NAME');
    await expect(createModel('playbook', { env: {} })).rejects.toThrow('has no playbook.ts');
  });

  test.each([
    ['openai/gpt-4o', 'openai:gpt-4o'],
    ['gpt-4o-mini', 'openai:gpt-4o-mini'],
    ['openai:meta-llama/llama-3', 'openai:meta-llama/llama-3'],
    ['ollama/qwen3', 'ollama:qwen3'],
    ['claude-sonnet-5', 'anthropic:claude-sonnet-5'],
  ])('takes %s as CrewAI writes it', async (written, name) => {
    const env = { OPENAI_API_KEY: 'key', ANTHROPIC_API_KEY: 'key' };
    expect(await createModel(written, { env })).toMatchObject({ name, source: 'llm' });
  });

  test('speaks to Ollama where OLLAMA_HOST says', async () => {
    stub.script({
      raw: `${JSON.stringify({
        model: 'llama-stub',
        created_at: '2026-01-01T00:00:00Z',
        message: { role: 'assistant', content: 'hello' },
        done: true,
        done_reason: 'stop',
        prompt_eval_count: 4,
        eval_count: 2,
      })}\n`,
    });
    const host = stub.url.replace('http://', '');
    const models = createModelSource({
      env: { OLLAMA_HOST: host },
      model: 'ollama:llama-stub',
      fallbacks: [],
      playbooks: {},
    });
    const { runner } = desk({ agents: [ana], tasks: [task], tools: [look], models, deps: { clock: systemClock } });
    const document = await runner.kickoff('toy');
    expect(document).toMatchObject({ status: 'completed', usage: { input_tokens: 4, output_tokens: 2 } });
    expect(stub.requests[0]?.path).toBe('/api/chat');
  });
});
