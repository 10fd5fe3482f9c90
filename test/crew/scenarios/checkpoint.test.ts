import { MemorySaver } from '@langchain/langgraph';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DuckDBSaver } from '../../../src/crew/checkpoint/saver.ts';
import { defineAgent, defineCrew, definePlaybook, defineTask } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock, toyAgent, toyTask } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';

const said = (name: string) => () => ({ answer: name });
const playbook = definePlaybook({ a: said('a'), b: said('b'), c: said('c') });

/** A crew of three tasks over a journaled DuckDB. */
async function threeTasks() {
  const folder = mkdtempSync(join(tmpdir(), 'crew-checkpoints-'));
  const db = await Database.open({ path: ':memory:' });
  const journal = join(folder, 'journal');
  const saver = await DuckDBSaver.open(db, { clock: new ManualClock(), journal });
  const made = desk({
    agents: [toyAgent('ana')],
    tasks: [toyTask('a', 'ana'), toyTask('b', 'ana'), toyTask('c', 'ana')],
    models: createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } }),
    saver,
  });
  const close = async (): Promise<void> => {
    await saver[Symbol.asyncDispose]();
    await db.close();
  };
  return { ...made, saver, folder, [Symbol.asyncDispose]: close };
}

const root = (thread: string) => ({ configurable: { thread_id: thread, checkpoint_ns: '' } });

async function chainOf(saver: DuckDBSaver, thread: string) {
  const chain: { readonly id: string; readonly parent: string | undefined }[] = [];
  for await (const { checkpoint, parentConfig } of saver.list(root(thread))) {
    chain.push({ id: checkpoint.id, parent: parentConfig?.configurable?.['checkpoint_id'] as string | undefined });
  }
  return chain;
}

describe('checkpoints', () => {
  test('are kept in memory unless a saver is given, and then there', async () => {
    const ana = defineAgent({ id: 'ana', role: 'Analyst', goal: 'Analyse', backstory: 'Years of it' });
    const tasks = [defineTask({ id: 'a', description: 'Do a', expected_output: 'A', agent: ana })] as const;
    const crew = defineCrew({ id: 'toy', tasks, playbook });
    const { document } = await crew.kickoff();
    expect(await crew.host.runner.history(document.run_id)).toHaveLength(3);
    const checkpointer = new MemorySaver();
    const kept = await crew.on({ checkpointer }).kickoff();
    expect(await checkpointer.getTuple(root(kept.document.run_id))).toBeDefined();
    expect(await checkpointer.getTuple(root(document.run_id))).toBeUndefined();
  });

  test('name their parent, in one chain to the first', async () => {
    await using made = await threeTasks();
    const { run_id } = await made.runner.kickoff('toy');
    const chain = await chainOf(made.saver, run_id);
    expect(chain).toHaveLength(5);
    expect(chain.map(({ parent }) => parent)).toEqual([...chain.slice(1).map(({ id }) => id), undefined]);
  });

  test('of a fork are a branch of their own: pruning one leaves the newest of it, and the other whole', async () => {
    await using made = await threeTasks();
    const first = await made.runner.kickoff('toy');
    const [, , step] = await made.runner.history(first.run_id);
    const fork = await (await made.runner.fork(first.run_id, { at: step?.checkpoint_id, runId: 'what_if' })).done;
    expect(fork).toMatchObject({ run_id: 'what_if', trigger: `fork of ${first.run_id}`, output: 'c' });
    const branch = await chainOf(made.saver, 'what_if');
    await made.saver.prune([first.run_id]);
    expect(await chainOf(made.saver, first.run_id)).toHaveLength(1);
    expect(await chainOf(made.saver, 'what_if')).toEqual(branch);
    expect(await (await made.runner.replay('what_if', 'c', { runId: 'again' })).done).toMatchObject({ output: 'c' });
    await expect(made.runner.fork(first.run_id, { at: step?.checkpoint_id })).rejects.toThrow('no checkpoint');
  });

  test('are a fork’s under the name given, a new one without, never that of a run that is there', async () => {
    await using made = await threeTasks();
    const { run_id } = await made.runner.kickoff('toy');
    const [, step] = await made.runner.history(run_id);
    const at = step?.checkpoint_id;
    await (await made.runner.fork(run_id, { at, runId: 'mine' })).done;
    await expect(made.runner.fork(run_id, { at, runId: 'mine' })).rejects.toThrow("there is a run 'mine' already");
    const unnamed = await (await made.runner.fork(run_id, { at })).done;
    expect([run_id, 'mine']).not.toContain(unnamed.run_id);
    expect(unnamed.run_id).toMatch(/^run_/);
  });

  test('make no file outside their folder, whatever a run is called', async () => {
    await using made = await threeTasks();
    const runId = '../../../../escaped/run';
    expect(await made.runner.kickoff('toy', {}, { runId })).toMatchObject({ run_id: runId, status: 'completed' });
    expect(await made.runner.history(runId)).toHaveLength(5);
    expect(readdirSync(made.folder)).toEqual(['journal']);
    for (const up of ['..', '../..', '../../..']) expect(existsSync(join(made.folder, up, 'escaped'))).toBe(false);
    expect(readdirSync(dirname(made.folder))).not.toContain('escaped');
  });
});
