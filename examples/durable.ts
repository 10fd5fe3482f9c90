/** A run that is told to stop, goes on where it was in another process, and is done again from one of its tasks. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defineAgent,
  defineCrew,
  definePlaybook,
  defineTask,
  diffRuns,
  openRunsFile,
  StopRequested,
} from 'orderflow-crew/crew';

const path = join(mkdtempSync(join(tmpdir(), 'runs-')), 'runs.duckdb');
const stop = new AbortController(); // process.once('SIGTERM', () => stop.abort(new StopRequested('SIGTERM')));

const writer = defineAgent({ id: 'writer', role: 'Writer', goal: 'Write it down', backstory: 'You are brief.' });
const fields = { expected_output: 'A sentence.', agent: writer };
const gather = defineTask({ id: 'gather', description: 'Gather what is new on {topic}.', ...fields });
const judge = defineTask({ id: 'judge', description: 'Judge it.', context: [gather], ...fields });
const report = defineTask({ id: 'report', description: 'Report.', context: [judge], ...fields });

const ran: string[] = [];
const say = (id: string, text: string) => () => {
  ran.push(id);
  if (id === 'judge' && ran.length === 2) stop.abort(new StopRequested('the machine goes down'));
  return { answer: text };
};
const crew = defineCrew({
  id: 'desk',
  tasks: [gather, judge, report],
  // A deterministic policy in the place of a language model; llm: 'openai:…' asks one.
  playbook: definePlaybook({
    gather: say('gather', 'Gold rose.'),
    judge: say('judge', 'It will not last.'),
    report: ({ context }) => say('report', `Report: ${String(context[0]?.output)}`)(),
  }),
});

/** What each process does: the runs are in a file, so any of them goes on with any run. */
async function inProcess<T>(work: (desk: ReturnType<typeof crew.on>) => Promise<T>): Promise<T> {
  await using runs = await openRunsFile({ path });
  const desk = crew.on({ ...runs, drainMs: 20_000 }); // steps at work have so long to end
  await using _host = desk.host;
  return await work(desk);
}

const first = await inProcess((desk) => desk.kickoff({ topic: 'gold' }, { signal: stop.signal }));
console.log(`${first.status} after ${ran.join(', ')}`);

const run = first.document.run_id;
const second = await inProcess((desk) => desk.host.runner.resume(run));
console.log(`${second.status} after ${ran.join(', ')}: ${String(second.output)}`);

const edit = { outputs: { judge: 'It will last.' } };
const again = await inProcess(async (desk) => (await desk.host.runner.replay(run, 'report', { edit })).done);
console.log(`${again.trigger === `replay of ${run} from report`}: ${String(again.output)}`);
const different = diffRuns(second, again).find(({ path }) => path === 'output');
console.log(`${String(different?.a)} -> ${String(different?.b)}`);
