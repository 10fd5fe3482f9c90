import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TextListener } from '../../../src/crew/hooks.ts';
import type { AnswerPiece } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { createSpendMeter } from '../../../src/crew/spend/create.ts';
import { createMemoryLedger } from '../../../src/crew/spend/memory-ledger.ts';
import { systemClock } from '../../../src/infra/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { MemoryEvents, toyAgent, toyTask } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';
import { anthropic, openai, type StubReply, StubProvider, type Wire } from './stub.ts';

const ana = toyAgent('ana', { max_retry_limit: 1 });
const price = { input: 1, output: 10, cached_input: 0.5, cache_write: 1, source: 'test', as_of: '2026-01-01' };

let stub: StubProvider;
beforeAll(async () => {
  stub = await StubProvider.start();
});
beforeEach(() => stub.script());
afterAll(() => stub.stop());

interface Asked {
  readonly agent?: boolean;
  readonly crew?: boolean;
}

function crew(
  model: string,
  env: Readonly<Record<string, string>>,
  onText: ((piece: AnswerPiece) => void) | undefined,
  asked: Asked = {},
  text?: TextListener,
) {
  const models = createModelSource({ env, model, fallbacks: [], playbooks: {} });
  const ledger = createMemoryLedger();
  const events = new MemoryEvents(() => systemClock.now());
  let n = 0;
  const newId = (prefix: string): string => `${prefix}_${n++}`;
  const parts = { ledger, events, clock: systemClock, log: silentLogger, newId };
  const spend = createSpendMeter({ ...parts, prices: { [model]: price } });
  const tasks = [toyTask('watch', 'ana', { max_retries: 0 })];
  const deps = { clock: systemClock, hooks: { toy: { onText } }, text, spend, modelTimeoutMs: 20_000 };
  const agents = [{ ...ana, stream: asked.agent ?? null }];
  return { ...desk({ agents, crew: { stream: asked.crew ?? null }, tasks, models, deps }), ledger };
}

function streaming(wire: Wire, ...replies: readonly StubReply[]) {
  stub.script(...replies);
  const pieces: AnswerPiece[] = [];
  const made = crew(wire.model, wire.env(stub.url), (piece) => pieces.push(piece));
  return { ...made, pieces };
}

for (const wire of [openai, anthropic]) {
  describe(`a stream on the ${wire.name} wire`, () => {
    test('is heard piece by piece, and counted exactly once', async () => {
      const { runner, ledger, pieces } = streaming(wire, wire.pieces(['all ', 'is ', 'well']));
      const document = await runner.kickoff('toy');
      expect(document).toMatchObject({ status: 'completed', tasks: [{ output: 'all is well' }] });
      expect(pieces.map(({ task, agent, turn, text }) => [task, agent, turn, text])).toEqual([
        ['watch', 'ana', 1, 'all '],
        ['watch', 'ana', 1, 'is '],
        ['watch', 'ana', 1, 'well'],
      ]);
      expect(document.usage).toMatchObject({ input_tokens: 11, output_tokens: 7, model_calls: 1 });
      const [call] = await ledger.calls();
      expect(call?.tokens).toMatchObject({ input_tokens: 11, output_tokens: 7, cached_tokens: 4 });
      // 7 × 1 + 4 × 0.5 + 7 × 10 millionths of a dollar
      expect(call?.cost_usd).toBeCloseTo(79e-6, 12);
      expect(JSON.stringify(stub.requests[0]?.body)).toContain('"stream":true');
    });

    test.each([
      ['whose connection is cut', true],
      ['that ends in the middle without a word', false],
    ])('%s is no answer, and is tried again', async (_, cut) => {
      const half = wire.pieces(['all is '], { end: false, cut });
      const { runner, ledger } = streaming(wire, half, wire.pieces(['all is well']));
      const document = await runner.kickoff('toy');
      expect(document).toMatchObject({ status: 'completed', tasks: [{ output: 'all is well' }] });
      expect(document.usage).toMatchObject({
        model_calls: 1,
        failed_calls: 1,
        unknown_cost_calls: 1,
        output_tokens: 7,
      });
      expect((await ledger.calls()).map((call) => call.state)).toEqual(['answered', 'failed']);
    });

    test('of something unreadable is tried again', async () => {
      const junk: StubReply = { stream: 'data: {"half\n\n', type: 'text/event-stream' };
      const { runner } = streaming(wire, junk, wire.pieces(['whole']));
      expect(await runner.kickoff('toy')).toMatchObject({ status: 'completed', usage: { failed_calls: 1 } });
    });

    test('is refused like any call, with Retry-After honoured', async () => {
      const { runner, ledger } = streaming(wire, wire.error(429, { 'retry-after-ms': '30' }), wire.pieces(['after']));
      expect(await runner.kickoff('toy')).toMatchObject({ status: 'completed', tasks: [{ output: 'after' }] });
      expect((await ledger.calls()).map(({ state, cost_usd }) => [state, cost_usd === null])).toEqual([
        ['answered', false],
        ['refused', false],
      ]);
    });
  });
}

describe('`stream`', () => {
  const { env } = openai;
  const isStreamed = (): boolean => JSON.stringify(stub.requests[0]?.body).includes('"stream":true');

  test.each([
    ['nothing', {}, false],
    ['a crew', { crew: true }, true],
    ['an agent', { agent: true }, true],
    ['an agent of a crew that does not', { agent: true, crew: false }, true],
    ['a crew but not its agent', { agent: false, crew: true }, false],
  ] as const)('of %s decides while nobody reads', async (_, asked, streams) => {
    stub.script(streams ? openai.pieces(['all ', 'well']) : openai.text('all well'));
    const { runner } = crew(openai.model, env(stub.url), undefined, asked);
    expect(await runner.kickoff('toy')).toMatchObject({ status: 'completed', tasks: [{ output: 'all well' }] });
    expect(isStreamed()).toBe(streams);
  });

  test('that is off keeps readers from hearing pieces, one that is on tells also who came late', async () => {
    const heard: string[] = [];
    const reader = { wantsText: () => true, tell: ({ text }: AnswerPiece) => void heard.push(text) };
    stub.script(openai.text('whole'));
    const off = crew(openai.model, env(stub.url), ({ text }) => heard.push(text), { crew: false }, reader);
    expect((await off.runner.kickoff('toy')).status).toBe('completed');
    expect([heard, isStreamed()]).toEqual([[], false]);
    stub.script(openai.pieces(['in ', 'pieces']));
    const late = { ...reader, wantsText: () => false };
    expect(
      (await crew(openai.model, env(stub.url), undefined, { crew: true }, late).runner.kickoff('toy')).status,
    ).toBe('completed');
    expect(heard).toEqual(['in ', 'pieces']);
  });
});

describe('a stream on the ollama wire', () => {
  const line = (content: string, more: object = {}): string =>
    `${JSON.stringify({ model: 'llama-stub', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content }, done: false, ...more })}\n`;
  const end = { done: true, done_reason: 'stop', prompt_eval_count: 4, eval_count: 2 };

  test('is heard and counted; a cut one is tried again', async () => {
    const type = 'application/x-ndjson';
    stub.script({ stream: line('he'), type, cut: true }, { stream: line('hel') + line('lo') + line('', end), type });
    const pieces: string[] = [];
    const { runner, ledger } = crew('ollama:llama-stub', { OLLAMA_HOST: stub.url }, ({ text }) => pieces.push(text));
    const document = await runner.kickoff('toy');
    expect(document).toMatchObject({ status: 'completed', tasks: [{ output: 'hello' }] });
    expect(pieces.slice(-2)).toEqual(['hel', 'lo']);
    expect(document.usage).toMatchObject({ input_tokens: 4, output_tokens: 2, failed_calls: 1 });
    expect((await ledger.calls()).map((call) => call.state)).toEqual(['answered', 'failed']);
  });
});
