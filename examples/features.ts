/** What agents, tasks, crews and flows can do, one thing after another, with models that play scripts: no key, no network. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CrewState,
  defineAgent,
  defineCrew,
  defineCrewGraph,
  defineFlow,
  defineQuestion,
  defineTask,
  defineTool,
  defineToolset,
  END,
  openCrewHost,
  START,
  StateGraph,
} from 'orderflow-crew/crew';
import { ScriptedModel, type ScriptStep } from 'orderflow-crew/testing';
import { z } from 'zod';

const dir = mkdtempSync(join(tmpdir(), 'features-'));
mkdirSync(join(dir, 'skills/weighing'), { recursive: true });
writeFileSync(join(dir, 'skills/weighing/SKILL.md'), '---\ndescription: How to weigh news\n---\nAsk who gains.');

const plays = (name: string, ...steps: readonly ScriptStep[]) => new ScriptedModel(steps).named(name);
const call = (tool: string, args: Readonly<Record<string, unknown>>): ScriptStep => ({ calls: [{ tool, args }] });
const prose = { goal: 'Get it right', backstory: 'You are brief.' };
const asked = { expected_output: 'A sentence.' };

const wire = defineTool({
  name: 'read_wire',
  title: 'Read the wire',
  toolset: 'news',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description: 'The latest line of the wire on a topic.',
  input: z.strictObject({ topic: z.string().describe('Topic, as in gold') }),
  output: z.object({ line: z.string() }),
  examples: [{ title: 'Gold', input: { topic: 'gold' } }],
  run: ({ topic }) =>
    Promise.resolve({
      data: { line: `${topic} rose` },
      provenance: { as_of: null, source: 'wire', complete: true, stale_ms: null },
    }),
});

// Tools by themselves, or in groups: an agent gets all of a group that it names.
const news = defineToolset({ id: 'news', tools: [wire] });

// Agents: fallbacks in order, a plan first, skills, limits. The third call with the same arguments and result is the last.
const down = Array.from({ length: 9 }, (): ScriptStep => ({ fail: new Error('the provider is down') }));
const scout = defineAgent({
  id: 'scout',
  role: 'Scout',
  ...prose,
  toolsets: [news],
  skills: ['weighing'],
  reasoning: true,
  max_iter: 10,
  max_execution_time: 60,
  max_rpm: 600,
  max_tpm: 1_000_000,
  max_retry_limit: 0,
  llm: plays('first', ...down),
  llm_fallbacks: [
    plays(
      'second',
      { text: '1. Learn to weigh. 2. Read.\nREADY' },
      call('read_skill', { skill: 'weighing' }),
      ...Array.from({ length: 3 }, () => call('read_wire', { topic: 'gold' })),
      { text: 'Gold rose; miners gain.' },
    ),
  ],
});

// Delegation: co-workers by id, bounded; a handoff gives the whole task away.
const editor = defineAgent({ id: 'editor', role: 'Editor', ...prose, llm: plays('editor', { text: 'Print it.' }) });
const expert = defineAgent({ id: 'expert', role: 'Expert', ...prose, llm: plays('expert', { text: 'Miners.' }) });
const chief = defineAgent({
  id: 'chief',
  role: 'Chief',
  ...prose,
  allow_delegation: true,
  max_delegations: 1,
  handoffs: ['editor'],
  llm: plays(
    'chief',
    call('ask_question', { coworker: 'expert', question: 'Who gains?' }),
    call('hand_off', { coworker: 'editor', reason: 'it is about words now' }),
  ),
});
const decide = defineTask({ id: 'decide', description: 'Decide on {topic}.', ...asked, agent: chief });
const desk = defineCrew({ id: 'desk', tasks: [decide], agents: [chief, editor, expert, scout] });

// Tasks: side by side by their context; rules in order, a file, a person who is asked and looks, and what hears of the end.
const writer = defineAgent({
  id: 'writer',
  role: 'Writer',
  ...prose,
  llm: plays(
    'writer',
    { text: '{"headline":"Gold rises and rises and rises"}' },
    { text: '{"headline":"Gold rises"}' },
  ),
});
const caller = defineAgent({ id: 'caller', role: 'Caller', ...prose, llm: plays('caller', { text: 'No comment.' }) });
const headline = defineTask({
  id: 'headline',
  description: 'Headline for {topic}.',
  expected_output: 'JSON with the field headline.',
  agent: writer,
  output: z.object({ headline: z.string() }),
  guardrails: [({ raw }) => (raw.length < 30 ? { ok: true } : { ok: false, message: 'too long' })],
  guardrail_max_retries: 2,
  output_file: '{topic}.json',
  priority: 'high',
  timeout: 60,
  max_retries: 1,
});
const comment = defineTask({ id: 'comment', description: 'Ask the mint.', ...asked, agent: caller });
const page = defineTask({
  id: 'page',
  description: 'Put the page together in {columns} columns.',
  ...asked,
  ask: { columns: defineQuestion({ text: 'How many columns for {topic}?', answer: z.number().int().positive() }) },
  agent: defineAgent({ id: 'setter', role: 'Setter', ...prose, llm: plays('setter', { text: 'Page 1.' }) }),
  context: [headline, comment],
  human_input: true,
  callback: ({ raw }) => console.log(`  set: ${raw}`),
});
const extra = defineTask({
  id: 'extra',
  description: 'A second page.',
  ...asked,
  agent: writer,
  context: [headline],
  condition: ({ outputs }) => outputs['headline']?.raw.includes('crash') === true,
});
const paper = defineCrew({
  id: 'paper',
  process: 'parallel',
  tasks: [headline, comment, page, extra],
  hooks: {
    beforeKickoff: [(inputs) => ({ ...inputs, topic: String(inputs['topic']).toLowerCase() })],
    afterKickoff: [({ output }) => `${String(output)} Printed.`],
  },
});

// Processes: a manager who hands out and rejects, after a planner; and a graph of your own.
const junior = defineAgent({ id: 'junior', role: 'Junior', ...prose, llm: plays('junior', { text: 'Thin.' }) });
const senior = defineAgent({ id: 'senior', role: 'Senior', ...prose, llm: plays('senior', { text: 'Thick.' }) });
const essay = defineTask({ id: 'essay', description: 'Write an essay.', ...asked });
const managed = defineCrew({
  id: 'managed',
  process: 'hierarchical',
  manager: defineAgent({
    id: 'boss',
    role: 'Boss',
    ...prose,
    llm: plays(
      'boss',
      call('delegate_work', { coworker: 'junior', task: 'essay' }),
      call('reject_work', { coworker: 'senior', task: 'essay', reason: 'too thin' }),
      { text: 'Good.' },
    ),
  }),
  manager_review: true,
  planning: true,
  planning_llm: plays('planner', { text: '{"plans":[{"task":"essay","plan":"Begin at the end."}]}' }),
  agents: [junior, senior],
  tasks: [essay],
});

const teller = defineAgent({
  id: 'teller',
  role: 'Teller of {topic}',
  ...prose,
  llm: plays('teller', ...Array.from({ length: 9 }, () => ({ text: 'It rose.' }))),
});
const tell = defineTask({ id: 'tell', description: 'Tell what {topic} did.', ...asked, agent: teller });
const drawn = defineCrew({
  id: 'drawn',
  tasks: [tell],
  graph: defineCrewGraph((builder) =>
    new StateGraph(CrewState)
      .addNode('first', builder.taskNode('tell'))
      .addNode('again', builder.taskNode('tell', { key: 'again', context: ['tell'] }))
      .addEdge(START, 'first')
      .addEdge('first', 'again')
      .addEdge('again', END),
  ),
});

// A flow: a crew, an agent and a tool as steps, and a loop with a bound.
const rounds = defineFlow({
  id: 'rounds',
  state: z.object({ topic: z.string(), told: z.array(z.string()).default([]) }),
  reducers: { told: (known, more) => [...known, ...more] },
  methods: {
    ask: {
      start: true,
      on: 'again',
      maxRuns: 5,
      run: async ({ state, update, crew, tool }) => {
        const { output } = await crew('drawn', { topic: state.topic });
        await tool('read_wire', { topic: state.topic }, { agent: 'scout' });
        update({ told: [String(output)] });
      },
    },
    judge: { on: 'ask', routes: ['again', 'enough'], run: ({ state }) => (state.told.length < 2 ? 'again' : 'enough') },
    close: { on: 'enough', run: ({ state }) => state.told.join(' ') },
  },
});

await using host = openCrewHost({
  crews: [desk, paper, managed, drawn],
  flows: [rounds],
  dir,
  outputDir: dir,
  env: {},
});
host.events.on('agent.planned', ({ data }) => console.log(`  ${data.agent_id} planned, ready: ${data.ready}`));
host.events.on('agent.decision', ({ data }) => {
  if (data.action === 'loop_detected') console.log(`  ${data.agent_id} goes round in circles`);
});
host.events.on('crew.planned', ({ data }) => console.log(`  planned for ${data.tasks.join(', ')}`));
host.events.on('crew.message', ({ data }) => console.log(`  ${data.pattern}: ${data.from} to ${data.to}`));

console.log(`scout has ${scout.spec.tools.join(', ')} through ${Object.keys(scout.spec.toolsets).join(', ')}`);
const alone = await host.runner.runAgent('scout', { prompt: 'What of gold?' });
console.log(`alone: ${String(alone.output)}`);

const decided = await host.runner.kickoff('desk', { topic: 'gold' });
console.log(`desk: ${decided.tasks[0]?.agent} says ${String(decided.output)}`);

const waiting = await host.runner.kickoff('paper', { topic: 'GOLD' });
console.log(`paper: ${waiting.status}, ${JSON.stringify(JSON.parse(readFileSync(join(dir, 'gold.json'), 'utf8')))}`);
const set = await host.runner.resume(waiting.run_id, { 'page.columns': 2 }, { by: 'anna' });
console.log(`paper: ${set.status} for a ${set.waiting_for[0]?.kind}`);
const printed = await host.runner.resume(waiting.run_id, { page: { accept: true } }, { by: 'anna' });
console.log(`paper: ${printed.tasks.map(({ id, status }) => `${id} ${status}`).join(', ')}: ${String(printed.output)}`);

const done = await host.runner.kickoff('managed');
console.log(`managed: ${done.tasks[0]?.agent} wrote ${String(done.output)}`);

const each = await host.runner.kickoffForEach('drawn', [{ topic: 'gold' }, {}, { topic: 'tin' }], { concurrency: 2 });
console.log(`each: ${each.map((one) => (one.ok ? one.document.status : one.error.message)).join('; ')}`);

const { status, output } = await host.flows.kickoff('rounds', { topic: 'gold' });
console.log(`flow: ${status}: ${String(output)}`);
