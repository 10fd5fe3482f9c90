/** How tasks follow each other and what is done when they do not come out well; models play scripts, and the time is told. */
import { defineAgent, defineCrew, defineTask, defineTool, openCrewHost } from 'orderflow-crew/crew';
import { ManualClock, ScriptedModel, type ScriptStep } from 'orderflow-crew/testing';
import { z } from 'zod';

const plays = (name: string, ...steps: readonly ScriptStep[]) => new ScriptedModel(steps).named(name);
const prose = { goal: 'Get it right', backstory: 'You are brief.' };
const asked = { expected_output: 'A sentence.' };

// Two tasks begin without waiting for each other; the third waits for both. One fails once and is tried again.
const north = defineAgent({
  id: 'north',
  role: 'North',
  ...prose,
  max_retry_limit: 0,
  llm: plays('north', { fail: new Error('no line') }, { text: 'Snow.' }),
});
const south = defineAgent({ id: 'south', role: 'South', ...prose, llm: plays('south', { text: 'Sun.' }) });
const snow = defineTask({ id: 'snow', description: 'Ask the north.', ...asked, agent: north, async_execution: true });
const sun = defineTask({ id: 'sun', description: 'Ask the south.', ...asked, agent: south, async_execution: true });

// A rule in words is judged by the agent's model; all rules together have a time and tokens of their own.
const editor = defineAgent({
  id: 'editor',
  role: 'Weather editor',
  ...prose,
  llm: plays(
    'editor',
    { text: 'Snow in the north, sun in the south, and so it will stay.' },
    { text: '{"valid": false, "feedback": "leave out what will be"}' },
    { text: 'Snow in the north, sun in the south.' },
    { text: '{"valid": true, "feedback": ""}' },
  ),
});
const weather = defineTask({
  id: 'weather',
  description: 'Say what the weather is.',
  ...asked,
  agent: editor,
  context: [snow, sun],
  guardrails: ['It foretells nothing.'],
  guardrail_max_seconds: 30,
  guardrail_max_tokens: 10_000,
});
const report = defineCrew({ id: 'report', tasks: [snow, sun, weather] });

// A window of 1,000 tokens: older messages give way to a summary before it is full.
const page = defineTool({
  name: 'read_page',
  title: 'Read a page',
  toolset: 'library',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description: 'A page of the log of the look-out.',
  input: z.strictObject({ number: z.number().int().describe('Page, from 1') }),
  output: z.object({ text: z.string() }),
  examples: [{ title: 'The first', input: { number: 1 } }],
  run: ({ number }) =>
    Promise.resolve({
      data: { text: `Page ${number}: ${'calm, '.repeat(250)}` },
      provenance: { as_of: null, source: 'log', complete: true, stale_ms: null },
    }),
});
const reader = defineAgent({
  id: 'reader',
  role: 'Reader',
  ...prose,
  tools: [page],
  context_window: 1000,
  llm: plays(
    'reader',
    { calls: [{ tool: 'read_page', args: { number: 1 } }] },
    { calls: [{ tool: 'read_page', args: { number: 2 } }] },
    { text: 'Page 1: calm throughout.' }, // what it is asked for when the window is nearly full
    { text: 'Two calm pages.' },
  ),
});

// By itself, every hour: a task of a crew at continuous work.
const look = defineAgent({
  id: 'look',
  role: 'Look-out',
  ...prose,
  llm: plays('look', { text: 'Clear.' }, { text: 'Fog.' }),
});
const watch = defineTask({
  id: 'watch',
  description: 'Look out.',
  ...asked,
  agent: look,
  trigger: { every: 3600 },
  callback: ({ raw }) => console.log(`  ${new Date(clock.now()).toISOString().slice(11, 16)} ${raw}`),
});

const clock = new ManualClock(Date.UTC(2026, 0, 1));
await using host = openCrewHost({
  crews: [report, defineCrew({ id: 'tower', tasks: [watch], agents: [look, reader] })],
  clock,
  env: {},
});
host.events.on('task.retried', ({ data }) => console.log(`  ${data.task_id} again: ${data.reason}`));
host.events.on('guardrail.failed', ({ data }) => console.log(`  ${data.task_id} back: ${data.message}`));
host.events.on('agent.summarised', ({ data }) => console.log(`  ${data.messages} messages summed up`));

const { status, output } = await host.runner.kickoff('report');
console.log(`report: ${status}: ${String(output)}`);

const read = await host.runner.runAgent('reader', { prompt: 'What do the first two pages say?' });
console.log(`reader: ${String(read.output)}`);

const tower = host.runner.runContinuous('tower');
for (const _hour of [1, 2]) {
  await clock.advance(3_600_000);
  await tower.idle();
}
await tower.stop();
