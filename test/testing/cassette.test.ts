import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunDocument } from '../../src/crew/index.ts';
import { Cassette, ScriptedModel, type ScriptStep, toyAgent, toyTask, toyTool } from '../../src/testing/index.ts';
import { desk } from '../crew/run/desk.ts';
import { ALL, found, PLANTED } from '../e2e/planted.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cassette-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SECRET = 'xk-very-secret-value-1';
const env = { HOUSE_API_KEY: SECRET, HOME: '/home/ana' };
const steps: ScriptStep[] = [
  {
    fail: Object.assign(new Error(`no such key ${SECRET}`), {
      status: 429,
      code: 'busy',
      headers: { 'retry-after-ms': '2500' },
    }),
  },
  { calls: [{ tool: 'look', args: { what: SECRET } }], usage: { input: 100, output: 10, cached: 40 } },
  { text: `it is ${SECRET}, Bearer abcdefghijklmnopqrstuvwx`, usage: { input: 50, output: 5 } },
];

async function run(cassette: Cassette, model: ScriptedModel, what = 'gold'): Promise<RunDocument> {
  const { runner, clock, events } = desk({
    agents: [toyAgent('ana', { tools: ['look'], max_retry_limit: 1 })],
    tasks: [toyTask('watch', 'ana', { description: 'Watch {what}.', max_retries: 0 })],
    tools: [toyTool('look', (input) => ({ saw: input['what'] ?? null, key: SECRET }))],
    models: [cassette.model(model.named('openai:a'))],
  });
  const progress = { over: false, waits: 0 };
  const done = runner.kickoff('toy', { what }).finally(() => {
    progress.over = true;
  });
  // Time moves only while a crew waits to try again.
  while (!progress.over) {
    await setImmediate();
    const waits = events.of('model.failed').length;
    if (waits > progress.waits) await clock.advance(5000);
    progress.waits = waits;
  }
  return done;
}

describe('a cassette', () => {
  test('gives a run again as it was: answers, calls, errors and tokens, without asking anybody', async () => {
    const path = join(folder, 'run.json');
    const recorded = await run(new Cassette({ path, env }), new ScriptedModel(steps));
    const silent = new ScriptedModel([]);
    const cassette = new Cassette({ path, env });
    expect(cassette.recording).toBe(false);
    const replayed = await run(cassette, silent);
    cassette.assertUsed();
    silent.assertUsed();
    expect(recorded.status).toBe('completed');
    // Recording hands on what came; replaying hands on what the file may hold.
    expect(recorded.tasks[0]?.output).toBe(`it is ${SECRET}, Bearer abcdefghijklmnopqrstuvwx`);
    expect(replayed.tasks[0]?.output).toBe('it is [HOUSE_API_KEY], [secret]');
    expect(replayed.tasks[0]?.tool_calls).toHaveLength(1);
    expect(replayed.usage).toEqual(recorded.usage);
    expect(replayed.usage).toMatchObject({ input_tokens: 150, output_tokens: 15, failed_calls: 1 });
  });

  test('never holds a secret of the environment, nor what looks like one', async () => {
    const path = join(folder, 'secrets.json');
    await run(new Cassette({ path, mode: 'record', env }), new ScriptedModel(steps));
    const text = await readFile(path, 'utf8');
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('abcdefghijklmnopqrstuvwx');
    expect(text).toContain('[HOUSE_API_KEY]');
    expect(text).toContain('[secret]');
    const failed: unknown = JSON.parse(text).calls[0].reply;
    expect(failed).toEqual({
      error: 'no such key [HOUSE_API_KEY]',
      name: 'Error',
      status: 429,
      code: 'busy',
      retry_after_ms: 2500,
    });
  });

  test(`holds none of ${ALL.length} planted secrets, in prompts, answers, arguments, results, errors`, async () => {
    const path = join(folder, 'planted.json');
    const all = ALL.join(' ');
    const shown = Object.fromEntries(ALL.map((secret) => [secret, [secret]]));
    const failed = Object.assign(new Error(`wrong key: ${all}`), { status: 401, code: all, name: all });
    const told: ScriptStep[] = [
      { calls: [{ tool: 'look', args: { what: all, shown }, id: ALL[0] ?? '' }], say: all },
      { calls: [{ tool: ALL[1] ?? '', args: {} }] },
      { text: all },
    ];
    const cassette = (): Cassette =>
      new Cassette({ path, mode: 'record', env: PLANTED, secrets: ['HOOK_ADDRESS', 'NOTES_ENV', 'NOTES_GATE'] });
    const scripted = new ScriptedModel(told);
    const recorded = await run(cassette(), scripted, all);
    scripted.assertUsed();
    // They were all there to be written.
    expect(found(JSON.stringify(recorded))).toEqual(ALL);
    const text = await readFile(path, 'utf8');
    expect(found(text)).toEqual([]);
    for (const name of ['PLANTED_0_KEY', 'HOOK_ADDRESS', 'NOTES_ENV', 'NOTES_GATE', 'DESK_DATABASE'])
      expect(text).toContain(`[${name}]`);

    await run(cassette(), new ScriptedModel([{ fail: failed }]), all);
    const error = await readFile(path, 'utf8');
    expect(error).toContain('wrong key: [PLANTED_0_KEY] [PLANTED_1_TOKEN]');
    expect(found(error)).toEqual([]);
  });

  test('says what a call that is not on it differs in from the nearest, and what was not asked for', async () => {
    const path = join(folder, 'diff.json');
    await run(new Cassette({ path, env }), new ScriptedModel(steps));
    const cassette = new Cassette({ path, env });
    const document = await run(cassette, new ScriptedModel([]), 'silver');
    expect(document.status).toBe('failed');
    expect(() => cassette.assertUsed()).toThrow(
      /not on the cassette .*diff\.json\. Nearest is its call 1, which differs at\n  messages\.1\.content\n    recorded ".*gold.*"\n    asked    ".*silver/,
    );
    const unused = new Cassette({ path, env });
    expect(() => unused.assertUsed()).toThrow('has 3 answers that nobody asked for');
  });

  test('that is none is refused', async () => {
    const path = join(folder, 'none.json');
    expect(() => new Cassette({ path, mode: 'replay' })).toThrow("record it with mode: 'record'");
    await writeFile(path, '{"format": "other"}');
    expect(() => new Cassette({ path, mode: 'replay' })).toThrow('is no cassette');
  });
});
