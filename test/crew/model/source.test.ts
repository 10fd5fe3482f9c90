import { describe, expect, test } from 'vitest';
import { definePlaybook } from '../../../src/crew/index.ts';
import { modelFailure } from '../../../src/crew/model/failure.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { mergeUsage } from '../../../src/crew/model/usage.ts';
import { RateLimited, Unavailable } from '../../../src/kit/errors.ts';
import { ScriptedModel, toyAgent, toyCrew, toyTask } from '../../../src/testing/index.ts';

const ana = toyAgent('ana');
const boss = toyAgent('boss');
const special = toyAgent('special', { llm: 'openai:other', temperature: 0.1 });
const work = toyTask('work', 'ana');
const crew = toyCrew('toy', [ana, boss, special], [work], { manager_agent: 'boss', manager_llm: 'anthropic:big' });

function source(model: string, fallbacks: readonly string[], withPlaybook = true) {
  const made: string[] = [];
  const playbook = definePlaybook({ work: () => ({ answer: 1 }) });
  const models = createModelSource({
    env: {},
    model,
    fallbacks,
    playbooks: withPlaybook ? { toy: playbook } : {},
    create: (name) => {
      made.push(name);
      return Promise.resolve(new ScriptedModel([]).named(name));
    },
  });
  return { models, made };
}

const names = async (models: ReturnType<typeof source>['models'], agent = ana): Promise<readonly string[]> =>
  (await models.modelsFor(agent, crew)).map((m) => m.name);

describe('the models of an agent', () => {
  test('are its own or the system’s, then the fallbacks in order, each once', async () => {
    const { models } = source('openai:small', ['ollama:local', 'openai:small', 'playbook']);
    expect(await names(models)).toEqual(['openai:small', 'ollama:local', 'playbook']);
    expect(await names(models, special)).toEqual(['openai:other', 'ollama:local', 'openai:small', 'playbook']);
    expect(await names(models, boss)).toEqual(['anthropic:big', 'ollama:local', 'openai:small', 'playbook']);
  });

  test('are made once', async () => {
    const { models, made } = source('openai:small', []);
    await names(models);
    await names(models);
    expect(made).toEqual(['openai:small']);
  });

  test('leave out a playbook that the crew has not', async () => {
    const { models } = source('openai:small', ['playbook'], false);
    expect(await names(models)).toEqual(['openai:small']);
  });

  test('of a playbook are asked for what they cannot do before a run starts', async () => {
    expect(await source('playbook', []).models.missing?.(crew, ['work', 'other'])).toEqual([
      'its playbook has no policy for task other',
    ]);
    expect(await source('playbook', [], false).models.missing?.(crew, ['work'])).toEqual([
      'crew toy has no playbook.ts',
    ]);
    expect(await source('openai:small', []).models.missing?.(crew, ['other'])).toEqual([]);
  });
});

describe('a failed model call', () => {
  const withStatus = (status: number, headers: object = {}): Error =>
    Object.assign(new Error('no'), { status, headers });

  test('is told in the words of the provider, once', () => {
    const told = (text: string, status: number): string =>
      modelFailure(Object.assign(new Error(text), { status }), 0).message;
    expect(told('401 bad key', 401)).toBe('401 (the key is not accepted): bad key');
    const body = '{"type":"error","error":{"type":"api_error","message":"a \\"b\\" c","code":1}}';
    expect(told(`500 ${body}`, 500)).toBe('500: a "b" c');
    expect(told('no body', 500)).toBe('500: no body');
    expect(told('404 {"detail":1}', 404)).toBe('404: {"detail":1}');
  });

  test('may pass or may not, by its status', () => {
    const retryable = (status: number): boolean => modelFailure(withStatus(status), 0).retryable;
    expect([408, 409, 429, 500, 503, 529].map(retryable)).toEqual([true, true, true, true, true, true]);
    expect([400, 401, 403, 404, 422].map(retryable)).toEqual([false, false, false, false, false]);
    expect(modelFailure(new TypeError('fetch failed'), 0).retryable).toBe(true);
    expect(
      modelFailure(new Error('x', { cause: Object.assign(new Error('y'), { code: 'ECONNRESET' }) }), 0).retryable,
    ).toBe(true);
    expect(modelFailure(new Error('undefined is not a function'), 0).retryable).toBe(false);
    expect(modelFailure(new Unavailable('gone'), 0).retryable).toBe(true);
    expect(modelFailure(new RateLimited('slow', 5), 0)).toMatchObject({ retryable: true, retryAfterMs: 5 });
  });

  test('says how long to wait, in seconds or as a date', () => {
    const after = (value: string, now = 0): number | null =>
      modelFailure(withStatus(429, { 'Retry-After': value }), now).retryAfterMs;
    expect(after('2')).toBe(2000);
    expect(after('0.5')).toBe(500);
    expect(after('Thu, 01 Jan 2026 00:00:10 GMT', Date.UTC(2026, 0, 1))).toBe(10_000);
    expect(after('soon')).toBeNull();
    expect(modelFailure(withStatus(429, new Headers({ 'retry-after': '3' })), 0).retryAfterMs).toBe(3000);
  });
});

test('usage is summed by model, in order of first use', () => {
  const a = { model: 'a', source: 'llm', calls: 1, failed_calls: 1, input_tokens: 10, output_tokens: 2 } as const;
  const b = { model: 'b', source: 'playbook', calls: 1, failed_calls: 0, input_tokens: 0, output_tokens: 0 } as const;
  expect(mergeUsage([a], [b, a])).toEqual([{ ...a, calls: 2, failed_calls: 2, input_tokens: 20, output_tokens: 4 }, b]);
  expect(mergeUsage()).toEqual([]);
});
