import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../crew/import/project.ts';
import { openai, StubProvider } from '../crew/model/stub.ts';
import { built, crew, type Finished, temporaryFolder } from './crew.ts';
import { ALL, canary, found, PLANTED } from './planted.ts';

const FILES = {
  'agents.yaml': 'reporter: { role: Reporter, goal: Find what is new, backstory: You ask twice. }\n',
  'tasks.yaml': 'research: { description: Look into gold, expected_output: Ten points, agent: reporter }\n',
  'system.yaml': `
notifications: { webhook: { url_env: HOOK_ADDRESS } }
mcp_servers:
  gated: { url: 'http://127.0.0.1:1/mcp', token_env: NOTES_GATE }
  notes: { command: node, args: [-e, "console.error(process.env.NOTES_ENV); process.exit(1)"], env: [NOTES_ENV] }
`,
};

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

describe.runIf(built)('secrets', { timeout: 120_000 }, () => {
  let stub: StubProvider;
  beforeAll(async () => {
    stub = await StubProvider.start();
  });
  afterAll(() => stub.stop());

  it(`of which ${ALL.length} are planted reach no output, log, journal, database, export or page`, async () => {
    const data = temporaryFolder();
    const common = ['--config', projectFolder(FILES), '--data', data];
    const env = { ...openai.env(stub.url), ...PLANTED };
    const said: Record<string, Finished> = {};
    const run = async (name: string, ...args: readonly string[]): Promise<Finished> =>
      (said[name] = await crew([...args, ...common], { env }));
    // A provider that tells, in its error, all the keys there are.
    const echo = { json: { error: { message: `wrong key: ${ALL.join(' ')}`, type: 'auth' } }, status: 401 };
    stub.script(echo, echo, echo, echo, echo, echo, echo, echo);

    const failed = await run('run', 'run', '--model', 'openai:gpt-stub', '--json', '--log-level', 'debug');
    expect(failed.code).toBe(1);
    const document = JSON.parse(failed.stdout) as { readonly run_id: string; readonly error: string };
    expect(document.error).toContain('401 (the key is not accepted): wrong key: [PLANTED_0_KEY] [PLANTED_1_TOKEN]');
    expect(stub.requests.length).toBeGreaterThan(0);
    // The key did go where it belongs.
    expect(stub.requests[0]?.headers['authorization']).toBe(`Bearer ${canary('provider')}`);

    await run('show', 'runs', 'show', document.run_id);
    await run('export', 'runs', 'export', document.run_id);
    await run('page', 'runs', 'export', document.run_id, '--html');
    await run('events', 'events', '--json');
    await run('status', 'status', '--json');
    await run('doctor', 'doctor');
    await run('usage', 'usage', '--json');
    await run('audit', 'audit', 'ls', '--json');
    await run('gated', 'mcp-servers', 'tools', 'gated', '--log-level', 'debug');
    await run('notes', 'mcp-servers', 'tools', 'notes', '--log-level', 'debug');

    for (const [name, { stdout, stderr }] of Object.entries(said)) {
      expect([name, found(stdout), found(stderr)]).toEqual([name, [], []]);
    }
    expect(said['export']?.stdout).toContain('[PLANTED_0_KEY]');
    expect(said['page']?.stdout).toContain('[PLANTED_0_KEY]');
    const rows = JSON.parse(said['audit']?.stdout ?? '') as { id: string; seq: number }[];
    expect(rows.map((row) => row.id)).toEqual(rows.map((row) => String(row.seq)));
    const files = filesOf(data);
    expect(files.length).toBeGreaterThan(2);
    for (const path of files) expect([path, found(readFileSync(path, 'latin1'))]).toEqual([path, []]);
  });
});
