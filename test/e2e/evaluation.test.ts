import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../crew/import/project.ts';
import { openai, StubProvider } from '../crew/model/stub.ts';
import { built, crew, crewRunning, end, temporaryFolder, untilServed } from './crew.ts';

describe.runIf(built)('crew test', { timeout: 60_000 }, () => {
  it('passes the shipped crew by its own cases', async () => {
    const { code, stdout } = await crew(['test', 'operations', '-n', '2', '--json', '--data', temporaryFolder()]);
    expect(JSON.parse(stdout)).toMatchObject({ crew: 'operations', runs_per_case: 2, passed: true, score: 1 });
    expect(code).toBe(0);
  });

  it('fails below the threshold, and says what was missed', async () => {
    const folder = temporaryFolder();
    const cases = join(folder, 'cases.yaml');
    writeFileSync(cases, 'cases: [{ name: never, rules: [{ field: status, is: perfect }] }]');
    const { code, stdout } = await crew(['test', 'operations', '--cases', cases, '--data', folder]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^never +1 +0\.00 .* failed$/m);
    expect(stdout).toMatch(/is 'healthy'|is 'warning'|is 'degraded'|is 'critical'/);
    expect(stdout).toContain('operations failed: 0.00 of 0.70 needed');
  });

  it('says where the cases belong, and what is wrong with them', async () => {
    const missing = await crew(['test', 'data-ops', '--data', temporaryFolder()]);
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/data-ops has no cases: write .*evaluation\.yaml/),
    ]);
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'cases.yaml'), 'cases: []');
    const wrong = await crew(['test', 'operations', '--cases', join(folder, 'cases.yaml'), '--data', folder]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/cases\.yaml:1/)]);
  });
});

describe.runIf(built)('a judge of crew test', { timeout: 60_000 }, () => {
  const CONFIG = {
    'agents.yaml': 'clerk: { role: Clerk, goal: Count, backstory: You count. }\n',
    'tasks.yaml': 'look: { description: How many?, expected_output: A number, agent: clerk }\n',
    'crews.yaml': 'shop: { tasks: [look] }\n',
    'cases.yaml':
      'judge_model: openai:gpt-stub\ncases: [{ name: polite, judge: [{ criterion: Be kind }, { criterion: Be brief }] }]\n',
  };
  const grade = openai.text('{"score": 9, "reason": "kind"}');
  let stub: StubProvider;
  beforeAll(async () => {
    stub = await StubProvider.start();
  });
  afterAll(() => stub.stop());

  function prepared(system: string) {
    const config = projectFolder({ ...CONFIG, 'system.yaml': system });
    const where = ['--config', config, '--data', temporaryFolder()];
    const env = openai.env(stub.url);
    const test = ['test', 'shop', '-n', '1', '--cases', join(config, 'cases.yaml'), '--json', ...where];
    const serve = ['start', '--model', 'openai:gpt-stub', ...where];
    const usage = async (by: string) => {
      const { stdout } = await crew(['usage', '--by', by, '--json', ...where], { env });
      return JSON.parse(stdout) as readonly { readonly key: string; readonly calls: number }[];
    };
    return { env, test, serve, usage, where, data: where[3] ?? '' };
  }

  it('is in the account of the desk, by run, task and agent, beside the crew that it judges', async () => {
    const { env, test, usage, where } = prepared('');
    stub.script(openai.text('Three'), grade, grade);
    const { code, stdout, stderr } = await crew([...test, '--model', 'openai:gpt-stub'], { env });
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as {
      readonly cases: readonly { readonly runs: readonly { run_id: string }[] }[];
    };
    expect(report).toMatchObject({ score: 0.9, judging: { model_calls: 2, total_tokens: 36 } });
    const run = report.cases[0]?.runs[0]?.run_id ?? '';
    const rows = (await usage('run')).map(({ key, calls }) => [key.replace(/judge_.*/, 'judge'), calls]);
    expect(rows.sort()).toEqual([
      [run, 1],
      [`${run}/judge`, 1],
      [`${run}/judge`, 1],
    ]);
    expect(await usage('agent')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key: 'judge', calls: 2, input_tokens: 22, output_tokens: 14 }),
        expect.objectContaining({ key: 'clerk', calls: 1 }),
      ]),
    );
    const shown = await crew(['runs', 'show', run, ...where], { env });
    expect(shown.stdout).toMatch(/judged by openai:gpt-stub/);
    expect(shown.stdout).toMatch(/Be kind +0\.90/);
    const json = await crew(['runs', 'show', run, '--json', ...where], { env });
    expect(JSON.parse(json.stdout)).toMatchObject({
      judged: [
        {
          criterion: 'Be kind',
          score: 0.9,
          total_tokens: 18,
          judge_run: expect.stringContaining(`${run}/judge_`) as unknown,
        },
        { criterion: 'Be brief', score: 0.9 },
      ],
    });
    expect((await usage('task')).map((row) => row.key).sort()).toEqual(['grade', 'look']);
    expect((await usage('crew')).map((row) => row.key).sort()).toEqual(['evaluation', 'shop']);
  });

  it.each(['stop', 'ask'])('is not asked beyond a budget that says %s', async (then) => {
    const { env, test, usage } = prepared(`budgets: { all: { per: day, calls: 2, then: ${then} } }`);
    stub.script(openai.text('Three'), grade, grade);
    const { code, stderr } = await crew([...test, '--model', 'openai:gpt-stub'], { env });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(
      then === 'ask' ? /no grade: a budget that asks a person/ : /no grade: .*budget all allows 2/,
    );
    expect(stub.requests).toHaveLength(2);
    expect(await usage('agent')).toEqual(expect.arrayContaining([expect.objectContaining({ key: 'judge', calls: 1 })]));
  });

  it('is asked by the controller that runs, with its account', async () => {
    const { env, test, serve, usage, data } = prepared('');
    const controller = crewRunning(serve, 'ignore', env);
    try {
      const desk = await untilServed(data, controller);
      stub.script(openai.text('Three'), grade, grade);
      const { code, stderr } = await crew(test, { env: { OPENAI_API_KEY: undefined } });
      expect(code, stderr).toBe(0);
      expect(await usage('agent')).toContainEqual(expect.objectContaining({ key: 'judge', calls: 2 }));
      const asked = { criterion: 'c', inputs: {}, answer: 'a' };
      await expect(desk.judge({ ...asked, model: 'nobody:x' })).rejects.toThrow(/nobody/);
    } finally {
      await end(controller, 'SIGTERM');
    }
  });
});

describe.runIf(built)('crew train', { timeout: 60_000 }, () => {
  it('keeps what is said of each answer, of a new run or an old one, and takes it back', async () => {
    const data = ['--data', temporaryFolder(), '--json'];
    const asked = await crew(['train', 'operations', '-n', '2', '--by', 'alice', ...data], {
      input: 'name the slowest part\n\n',
    });
    expect(asked.stderr).toContain('What should be different?');
    const [kept] = JSON.parse(asked.stdout) as readonly { readonly id: string; readonly run_id: string }[];
    expect(kept).toMatchObject({ agent: 'system_health', task: 'monitor_system_health', given_by: 'alice' });
    const run = ['train', 'operations', '--run', kept?.run_id ?? ''];
    const more = await crew([...run, '--feedback', 'monitor_system_health=be brief', ...data]);
    expect(JSON.parse(more.stdout)).toMatchObject([{ text: 'be brief', run_id: kept?.run_id }]);
    const wrong = await crew([...run, '--feedback', 'monitor_system=x', ...data]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/no task 'monitor_system'/)]);
    expect((await crew(['train', 'operations', '--forget', kept?.id ?? '', ...data])).code).toBe(0);
    const left = await crew(['train', 'operations', '--list', ...data]);
    expect(JSON.parse(left.stdout)).toMatchObject([{ text: 'be brief' }]);
  });
});
