import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresCheckpoints } from '../../src/crew/checkpoint/postgres.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { findPostgres, POSTGRES_PASSWORD, PostgresServer } from '../crew/checkpoint/postgres-server.ts';
import { projectFolder } from '../crew/import/project.ts';
import { openai, StubProvider } from '../crew/model/stub.ts';
import { built, crew, temporaryFolder } from './crew.ts';

const FILES = {
  'agents.yaml': 'reporter: { role: Reporter, goal: Find what is new, backstory: You ask twice. }\n',
  'tasks.yaml': 'research: { description: Look into gold, expected_output: Ten points, agent: reporter }\n',
  'system.yaml': 'checkpoints: { postgres: { url_env: DESK_DATABASE, schema: desk } }\n',
};
const bin = findPostgres();

if (built && bin === undefined)
  it.skip('the command over PostgreSQL: there is no PostgreSQL server on this machine', () => undefined);

describe.runIf(built && bin !== undefined)('the command over PostgreSQL', { timeout: 120_000 }, () => {
  let server: PostgresServer;
  let stub: StubProvider;
  beforeAll(async () => {
    server = await PostgresServer.start(bin ?? '');
    stub = await StubProvider.start();
  });
  afterAll(async () => {
    await stub.stop();
    await server[Symbol.asyncDispose]();
  });

  it('keeps the steps of a run there, and says nothing of the password when the server is not to be had', async () => {
    stub.script(openai.text('ten points on gold'));
    const common = ['--config', projectFolder(FILES), '--data', temporaryFolder(), '--model', 'openai:gpt-stub'];
    const env = { ...openai.env(stub.url), DESK_DATABASE: server.url };
    const ran = await crew(['run', ...common, '--json'], { env });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const { run_id: run, status } = JSON.parse(ran.stdout) as { readonly run_id: string; readonly status: string };
    expect(status).toBe('completed');
    const history = await crew(['runs', 'history', run, ...common.slice(0, 4), '--json'], { env });
    expect(JSON.parse(history.stdout)).toMatchObject([{ done: ['research'] }, { gave: ['research'] }, {}]);

    const given = { url: server.url, schema: 'desk', keep: 1, clock: new ManualClock(), log: silentLogger };
    await using store = await openPostgresCheckpoints(given);
    const { saver } = store;
    expect((await saver.getTuple({ configurable: { thread_id: run } }))?.checkpoint.channel_values).toHaveProperty(
      'outputs.research',
    );

    const gone = { ...env, DESK_DATABASE: server.url.replace(`:${server.port}/`, ':1/') };
    const unset = { ...env, DESK_DATABASE: undefined };
    for (const [variables, said] of [
      [gone, 'cannot be used'],
      [unset, 'names DESK_DATABASE, which is not set'],
    ] as const) {
      const failed = await crew(['run', ...common, '--json', '--log-level', 'debug'], { env: variables });
      expect(failed.code).not.toBe(0);
      expect(failed.stderr).toContain(said);
      expect(failed.stdout + failed.stderr).not.toContain(POSTGRES_PASSWORD);
    }
  });
});
