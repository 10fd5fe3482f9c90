import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { Conflict, InvalidInput } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { CrewController } from '../../src/serve/controller.ts';
import { openDesk } from '../../src/serve/open.ts';
import type { ControllerOptions } from '../../src/serve/options.ts';
import { createProgram } from '../../src/serve/cli/program.ts';

const FLOWS = `
publish:
  steps:
    sign:
      start: true
      ask: "Publish?"
      answer: { type: object, properties: { publish: { type: boolean } }, required: [publish] }
    price:
      start: true
      ask: "At which price?"
      answer: { type: number, minimum: 1 }
    name: { start: true, ask: "Under which name?", answer: { type: string } }
`;

function options(): ControllerOptions & { readonly dataDir: string; readonly config: string } {
  const config = mkdtempSync(join(tmpdir(), 'crew-questions-'));
  writeFileSync(join(config, 'flows.yaml'), FLOWS);
  return { config, dataDir: join(config, 'data'), source: 'sim', log: silentLogger, env: {} };
}

const quiet = { autonomous: false, collect: false };

it('asks over HTTP, waits through a restart, and takes each answer once', { timeout: 60_000 }, async () => {
  const given = options();
  const first = new CrewController(given);
  await first.start(quiet);
  const remote = await openDesk(given, 'operate');
  expect(remote.kind).toBe('remote');
  const { run_id, status } = await remote.runFlow({ flow: 'publish' });
  expect(status).toBe('waiting');
  const asked = await remote.questions();
  expect(asked).toMatchObject([
    { run_id, of: 'publish', where: 'sign', kind: 'question', question: 'Publish?', shown: null, problem: null },
    { where: 'price', answer: { type: 'number', minimum: 1 }, expires_at: null },
    { where: 'name' },
  ]);
  const [sign = '', price = '', name = ''] = asked.map((question) => question.id);
  const wrong = remote.answerQuestion({ id: sign, answer: { publish: 'yes' } });
  await expect(wrong).rejects.toThrow(/publish: /);
  await expect(wrong).rejects.toBeInstanceOf(InvalidInput);
  expect(await remote.answerQuestion({ id: price, answer: 5, by: 'alice' })).toMatchObject({
    run_id,
    status: 'waiting',
  });
  await expect(remote.answerQuestion({ id: price, answer: 6 })).rejects.toBeInstanceOf(Conflict);
  await first.stop();

  await using files = await openDesk(given, 'inspect');
  expect((await files.questions({ run: run_id })).map((q) => q.id)).toEqual([sign, name]);
  expect(await files.questions({ run: 'another' })).toEqual([]);
  await using second = new CrewController(given);
  await second.start(quiet);
  const crew = (...args: readonly string[]): Promise<unknown> =>
    createProgram().parseAsync([
      'node',
      'crew',
      'questions',
      ...args,
      '--json',
      '--config',
      given.config,
      '--data',
      given.dataDir,
    ]);
  const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  // What the CLI types is a text where only a text will do, and JSON elsewhere.
  await crew('answer', name, '42', '--by', 'bob');
  await crew('answer', sign, '{"publish": true}');
  printed.mockRestore();
  const [document] = await second.runtime.crews.flows.list();
  expect(document).toMatchObject({ run_id, status: 'completed' });
  expect(document?.methods.map((m) => m.output)).toEqual([{ publish: true }, 5, '42']);
  const answered = await second.desk.events({ types: ['question.answered'] });
  expect(answered.map((e) => [Object(e.data).where, Object(e.data).by]).sort()).toEqual([
    ['name', 'bob'],
    ['price', 'alice'],
    ['sign', process.env['USER'] ?? 'operator'],
  ]);
  const rows = await second.desk.audit({ kind: 'approval' });
  expect(rows.filter((row) => JSON.stringify(row).includes('"answered"'))).toHaveLength(3);
});
