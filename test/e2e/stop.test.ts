import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../crew/import/project.ts';
import { openai, StubProvider } from '../crew/model/stub.ts';
import { built, CLI, crew, temporaryFolder } from './crew.ts';

const FILES = {
  'agents.yaml': `
reporter: { role: Reporter, goal: Find what is new, backstory: You ask twice. }
editor: { role: Editor, goal: Cut it down, backstory: You like short words. }
`,
  'tasks.yaml': `
research: { description: Look into gold, expected_output: Ten points, agent: reporter }
editing: { description: Edit the report, expected_output: A headline, agent: editor, context: [research] }
`,
};

describe.runIf(built)('SIGTERM', { timeout: 60_000 }, () => {
  let stub: StubProvider;
  beforeAll(async () => {
    stub = await StubProvider.start();
  });
  afterAll(() => stub.stop());

  it('ends the step at work, suspends the run, and no step is done twice when it is resumed', async () => {
    let answer = (_: unknown): void => undefined;
    const answered = new Promise((resolve) => (answer = resolve));
    const config = projectFolder(FILES);
    const common = ['--config', config, '--data', temporaryFolder(), '--model', 'openai:gpt-stub', '--json'];
    const env = { ...process.env, ...openai.env(stub.url), NO_COLOR: '1' };
    stub.script({ after: answered, reply: openai.text('ten points on gold') }, openai.text('Gold: the short of it'));

    const child = spawn(process.execPath, [CLI, 'run', ...common], { stdio: ['ignore', 'pipe', 'pipe'], env });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (stub.requests.length === 0 && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGTERM');
    // The model answers only after the signal: the step in which it is asked is at work then.
    await new Promise((resolve) => setTimeout(resolve, 200));
    answer(null);

    expect(await ended).toBe(130);
    const first: unknown = JSON.parse(said.stdout);
    expect(first).toMatchObject({
      status: 'suspended',
      tasks: [
        { id: 'research', status: 'completed' },
        { id: 'editing', status: 'not_run' },
      ],
      usage: { model_calls: 1 },
    });
    expect(stub.requests).toHaveLength(1);
    const { run_id: run } = first as { readonly run_id: string };
    expect(said.stderr).toContain(`crew runs resume ${run} goes on with it`);

    const resumed = await crew(['runs', 'resume', run, ...common], { env });
    expect(resumed.code).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({
      run_id: run,
      status: 'completed',
      output: 'Gold: the short of it',
      usage: { model_calls: 2 },
    });
    expect(stub.requests).toHaveLength(2);
  });
});
