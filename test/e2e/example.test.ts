import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { built, temporaryFolder } from './crew.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A project of its own that has the example, the package and zod, as a user's would. */
function projectOf(example: string): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/orderflow-crew'));
  symlinkSync(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const { outputText } = ts.transpileModule(readFileSync(join(ROOT, 'examples', example), 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  writeFileSync(join(folder, 'example.js'), outputText);
  return folder;
}

describe.runIf(built)('examples', { timeout: 60_000 }, () => {
  it('runs a crew in code', async () => {
    const folder = projectOf('crew.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).toBe('kettle: completed, 3 there, order 0\nlamp: completed, 0 there, order 12\n');
  });

  it('shows every feature of agents, tasks, crews and flows', async () => {
    const folder = projectOf('features.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'scout has read_wire through news',
      '  scout planned, ready: true',
      '  scout goes round in circles',
      'alone: Gold rose; miners gain.',
      '  ask_question: chief to expert',
      '  hand_off: chief to editor',
      'desk: editor says Print it.',
      'paper: waiting, {"headline":"Gold rises"}',
      'paper: waiting for a human_input',
      '  set: Page 1.',
      'paper: headline completed, comment completed, page completed, extra skipped: Page 1. Printed.',
      '  planned for essay',
      '  delegate_work: boss to junior',
      '  delegate_work: boss to senior',
      'managed: senior wrote Thick.',
      'each: completed; crew drawn cannot start: inputs are missing for task tell, description: {topic}; agent teller, role: {topic}; give them as inputs, with crew run as --input topic=…; completed',
      'flow: completed: It rose. It rose.',
      '',
    ]);
  });

  it('goes on when tasks do not come out well, and by a clock that is told', async () => {
    const folder = projectOf('work.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      '  snow again: north failed; the last error: no line',
      '  weather back: leave out what will be',
      'report: completed: Snow in the north, sun in the south.',
      '  2 messages summed up',
      'reader: Two calm pages.',
      '  01:00 Clear.',
      '  02:00 Fog.',
      '',
    ]);
  });

  it('runs flows in a flow', async () => {
    const folder = projectOf('flows.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    const price = ['look', 'judge -> unclear', 'look', 'judge -> clear', 'tell'].map((step) => `  price.${step}`);
    expect(lines.filter((line) => line !== '  paper.weather -> fine')).toEqual([
      ...price,
      '  paper.bread',
      ...price,
      '  paper.tea',
      '  paper.write',
      '  paper.print',
      'completed: Bread is up and tea is down. ["Bread is dearer.","Tea is cheaper."]',
      'true',
      '',
    ]);
  });

  it('needs two people for a call, and lets more of its kind pass', async () => {
    const folder = projectOf('approvals.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.replaceAll(/app_\w+/g, 'it').split('\n')).toEqual([
      'waiting for pay_out: 2 of cashier',
      'carl may not answer request it: it needs the role cashier',
      '  seconded by alice',
      'alice has answered request it already; it needs somebody else',
      '  standing by alice, bob',
      '  approved by alice, bob',
      '  used by agent:teller',
      '  used by agent:teller',
      'completed: dora 20, dora 30; 4 left, by alice and bob',
      '',
    ]);
  });

  it('records answers of a model and plays them again', async () => {
    const folder = projectOf('cassette.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).toBe('recorded: Gold rose.\nreplayed: Gold rose.\nanother question: not on it\n');
  });

  it('sends a run to a collector as a trace, without a text of it', async () => {
    const folder = projectOf('traces.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'chat gpt-5-mini, invoke_agent clerk, invoke_workflow news, step 1',
      '{"intValue":812}',
      'told no text',
      '',
    ]);
  });

  it('remembers behind walls and is told from a file', async () => {
    const folder = projectOf('memory.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).toBe(
      'anna: returns.md, line 5; nothing asked before\n' +
        'anna: returns.md, line 5; asked before: How long can I return a kettle?\n' +
        'ben: returns.md, line 5; nothing asked before\n' +
        'forgotten: 3, remaining: 0\n',
    );
  });

  it('stops a run, goes on with it in another process and does it again from a task', async () => {
    const folder = projectOf('durable.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).toBe(
      'suspended after gather, judge\n' +
        'completed after gather, judge, report: Report: It will not last.\n' +
        'true: Report: It will last.\n' +
        'Report: It will not last. -> Report: It will last.\n',
    );
  });

  it('asks a person, and goes on in another process with what they answered', async () => {
    const folder = projectOf('questions.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    const [waiting, refused, done, again] = stdout.split('\n');
    expect(waiting).toBe(
      'waiting: {"question":"What may it cost at most?","payload":{"article":"kettle"},"problem":null}, 0 ordered',
    );
    expect(refused).toMatch(/^the answer to 'buy' does not fit: currency: /);
    expect(done).toBe('completed: {"article":"kettle","limit":20,"currency":"EUR"}, 1 ordered');
    expect(again).toBe('run it is completed: it waits for no answer any more');
  });

  it('stops a crew at its budget', async () => {
    const folder = projectOf('spend.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    const [gold, silver, copper, sum] = stdout.split('\n');
    expect([gold, silver]).toEqual(['gold: completed, $0.0030', 'silver: completed, $0.0030']);
    expect(copper).toMatch(
      /^copper: failed, \$0\.0000, budget daily allows \$0\.008 a day; \$0\.006 are spent or held/,
    );
    expect(sum).toBe('openai:house-model: 2 calls, 2000 tokens in, $0.0060');
  });

  it('lets a model that obeys everything do only what a rule allows', async () => {
    const folder = projectOf('outside.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'posted to #desk: a notice came',
      'read_notices: done',
      'post: permission_denied',
      'post: done',
      'had read: read_notices',
      '',
    ]);
  });

  it('lets tripwires end a run', async () => {
    const folder = projectOf('tripwires.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'completed Is it calm?',
      'failed tripwire no_card_numbers stopped the run at the input of the crew: it matches /\\b\\d{4}([ -]?\\d{4}){3}\\b/',
      'failed tripwire no_orders stopped the run at the output of task answer, agent analyst: it tells people to trade',
      'completed The key is [VENUE_API_KEY]',
      '',
    ]);
  });

  it('streams a run as it happens', async () => {
    const folder = projectOf('stream.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'run.started    run',
      'task.started   run/tell',
      'model.called   run/tell/porter',
      'tool.called    run/tell/porter/call',
      'text           run/tell/porter: It is open from nine to six.',
      'model.called   run/tell/porter',
      'task.completed run/tell',
      'run.completed  run',
      'completed',
      '',
    ]);
  });

  it('embeds the desk with a tool of its own', async () => {
    const folder = projectOf('embed.ts');
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js', 'data'], { cwd: folder });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^0\.5 held, worth [\d.]+\.$/m);
    expect(stdout).toMatch(/^data-ops completed in shadow mode, health [\d.]+$/m);
    expect(stdout).toMatch(/^proposed: \w+ \w+: /m);
  });
});
