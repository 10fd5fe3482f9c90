import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT, projectFolder } from '../crew/import/project.ts';
import { openai, StubProvider } from '../crew/model/stub.ts';
import { built, crew, temporaryFolder } from './crew.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A project of strangers, by the command line alone: run as it is, and brought over to TypeScript. */
describe.runIf(built)('a CrewAI project', { timeout: 60_000 }, () => {
  let stub: StubProvider;
  beforeAll(async () => {
    stub = await StubProvider.start();
  });
  afterAll(() => stub.stop());

  it('runs unchanged, on the address that OPENAI_BASE_URL names', async () => {
    stub.script(openai.text('ten points on gold'), openai.text('Gold: the short of it'));
    const { code, stdout, stderr } = await crew(
      [
        'run',
        '--config',
        projectFolder(),
        '--data',
        temporaryFolder(),
        '--model',
        'openai:gpt-stub',
        '--input',
        'topic=gold',
        '--json',
      ],
      { env: openai.env(stub.url) },
    );
    expect(stderr).not.toMatch(/error/);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      crew: 'news_room',
      status: 'completed',
      output: 'Gold: the short of it',
      tasks: [{ id: 'research_task', output: 'ten points on gold' }, { id: 'editing_task' }],
      usage: { model_calls: 2, total_tokens: 36 },
    });
    // The second task is told what the first one found; the agent's own model took the first.
    expect(JSON.stringify(stub.requests[1]?.body)).toContain('ten points on gold');
    expect(stub.requests[0]?.body).toMatchObject({ model: 'gpt-4o-mini' });
  });

  it('has agents that can be asked alone', async () => {
    stub.script(openai.text('Gold moved.'));
    const asked = [
      'run',
      'agent:reporter',
      '--input',
      'prompt=What moved in {braces}?',
      '--input',
      'topic=gold',
      '--json',
    ];
    const where = ['--config', projectFolder(), '--data', temporaryFolder(), '--model', 'openai:gpt-stub'];
    const { code, stdout, stderr } = await crew([...asked, ...where], { env: openai.env(stub.url) });
    expect(stderr).not.toMatch(/error/);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ crew: 'agent:reporter', status: 'completed', output: 'Gold moved.' });
    expect(JSON.stringify(stub.requests.at(-1)?.body)).toContain('What moved in {braces}?');
  });

  it('says which input is missing, and lists each Python tool that is not here', async () => {
    const options = { env: openai.env(stub.url) };
    const common = ['--data', temporaryFolder(), '--model', 'openai:gpt-stub'];
    const missing = await crew(['run', '--config', projectFolder(), ...common], options);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('{topic}');
    const tools = projectFolder({
      ...PROJECT,
      'src/news_room/config/agents.yaml': `${PROJECT['src/news_room/config/agents.yaml'] ?? ''}  tools: [SerperDevTool, FileReadTool]\n`,
    });
    stub.script(openai.text('ten points on gold'), openai.text('Gold: the short of it'));
    const ran = await crew(['run', '--config', tools, ...common, '--input', 'topic=gold', '--json'], options);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/at=agents\.yaml:\d+ .*the Python tool SerperDevTool is missing here/);
    expect(ran.stderr).toMatch(/at=agents\.yaml:\d+ .*the Python tool FileReadTool is missing here/);
    expect(JSON.parse(ran.stdout)).toMatchObject({ status: 'completed', output: 'Gold: the short of it' });
  });

  it('is written as TypeScript that runs', async () => {
    const out = join(temporaryFolder(), 'news');
    const made = await crew(['import', projectFolder(), '--out', out]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toContain('tool  serper_dev_tool: fill in its run in src/tools.ts');
    expect((await crew(['import', projectFolder(), '--out', out])).code).toBe(2);

    mkdirSync(join(out, 'dist'));
    mkdirSync(join(out, 'node_modules'));
    symlinkSync(ROOT, join(out, 'node_modules/orderflow-crew'));
    symlinkSync(join(ROOT, 'node_modules/zod'), join(out, 'node_modules/zod'));
    for (const name of readdirSync(join(out, 'src'))) {
      const { outputText, diagnostics } = ts.transpileModule(readFileSync(join(out, 'src', name), 'utf8'), {
        reportDiagnostics: true,
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      });
      expect(diagnostics).toEqual([]);
      writeFileSync(join(out, 'dist', name.replace('.ts', '.js')), outputText);
    }
    expect(existsSync(join(out, 'tsconfig.json'))).toBe(true);
    stub.script(
      openai.calls({ id: 'c1', name: 'serper_dev_tool', args: { input: 'gold' } }),
      openai.text('without the web: ten points'),
      openai.text('{"headline":"Gold","points":[{"text":"up","weight":null}],"mood":null,"extra":1}'),
    );
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js', 'openai:gpt-stub', 'topic=gold'], {
      cwd: out,
      env: { ...process.env, ...openai.env(stub.url) },
    });
    expect(JSON.parse(stdout)).toMatchObject({ headline: 'Gold', points: [{ text: 'up' }] });
    // A tool that nobody has filled in refuses, and says where.
    expect(JSON.stringify(stub.requests[1]?.body)).toContain('has not been brought over from Python');
  });
});
