/** A flow of flows: it waits for several things at once, asks an agent, runs a flow of its own and a loop that ends. */
import {
  all,
  any,
  defineAgent,
  defineCrew,
  defineFlow,
  defineTask,
  flowMermaid,
  openCrewHost,
} from 'orderflow-crew/crew';
import { ScriptedModel } from 'orderflow-crew/testing';
import { z } from 'zod';

const texts = ['Perhaps.', 'Bread is dearer.', 'Perhaps.', 'Tea is cheaper.', 'Bread is up and tea is down.'];
const clerk = defineAgent({
  id: 'clerk',
  role: 'Clerk',
  goal: 'Say it in a sentence',
  backstory: 'You are brief.',
  llm: new ScriptedModel(texts.map((text) => ({ text }))).named('clerk'),
});
const shop = defineCrew({
  id: 'shop',
  agents: [clerk],
  tasks: [defineTask({ id: 'look', description: 'Look at {article}.', expected_output: 'A sentence.', agent: clerk })],
});

/** Looks at one article, at most three times. */
const price = defineFlow({
  id: 'price',
  state: z.object({ article: z.string(), looks: z.number().default(0), said: z.string().default('') }),
  methods: {
    look: {
      start: true,
      on: 'unclear',
      maxRuns: 3,
      run: async ({ state, update, crew }) => {
        const { output } = await crew('shop', { article: state.article });
        update({ said: String(output), looks: state.looks + 1 });
      },
    },
    judge: {
      on: 'look',
      routes: ['unclear', 'clear'],
      run: ({ state }) => (state.said === 'Perhaps.' ? 'unclear' : 'clear'),
    },
    tell: { on: 'clear', run: ({ state }) => state.said },
  },
});

const paper = defineFlow({
  id: 'paper',
  state: z.object({ lines: z.array(z.string()).default([]) }),
  reducers: { lines: (known, more) => [...known, ...more] }, // what a method writes is put behind what is there
  methods: {
    bread: {
      start: true,
      run: async ({ update, subflow }) => {
        const { output } = await subflow('price', { article: 'bread' });
        update({ lines: [String(output)] });
      },
    },
    tea: {
      on: 'bread',
      run: async ({ update, subflow }) => {
        const { output } = await subflow('price', { article: 'tea' });
        update({ lines: [String(output)] });
      },
    },
    weather: { start: true, routes: ['fine', 'storm'], run: () => 'fine' },
    // Both articles, and the weather, whichever it is.
    write: {
      on: all('bread', 'tea', any('fine', 'storm')),
      run: ({ state, agent }) => agent('clerk', { prompt: `In one sentence: ${state.lines.join(' ')}` }),
    },
    print: { on: 'write', run: ({ input }) => (input as { readonly output: unknown }).output },
  },
});

await using host = openCrewHost({ crews: [shop], flows: [price, paper], env: {} });
host.events.on('method.completed', ({ data }) =>
  console.log(`  ${data.flow}.${data.method}${data.route === null ? '' : ` -> ${data.route}`}`),
);

const { status, output, state } = await host.flows.kickoff('paper');
console.log(`${status}: ${String(output)} ${JSON.stringify(state['lines'])}`);
console.log(flowMermaid(price).split('\n').length > 5);
