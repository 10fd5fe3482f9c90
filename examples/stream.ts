/** A run as it happens: one kind of item for runs, tasks, tool calls and pieces of text, in memory, without a key. */
import { defineAgent, defineCrew, defineTask, defineTool } from 'orderflow-crew/crew';
import { ScriptedModel } from 'orderflow-crew/testing';
import { z } from 'zod';

const clock = defineTool({
  name: 'opening_hours',
  title: 'Opening hours',
  toolset: 'shop',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description: 'Opening hours of a shop.',
  input: z.strictObject({ shop: z.string().max(40).describe('Shop, as in corner') }),
  output: z.object({ from: z.string(), to: z.string() }),
  examples: [{ title: 'Corner shop', input: { shop: 'corner' } }],
  run: () =>
    Promise.resolve({
      data: { from: '09:00', to: '18:00' },
      provenance: { as_of: null, source: 'door', complete: true, stale_ms: null },
    }),
});

// Plays its script instead of asking anybody; llm: 'openai:…' asks one.
const model = new ScriptedModel([
  { calls: [{ tool: 'opening_hours', args: { shop: 'corner' } }] },
  { text: 'It is open from nine to six.' },
]);

const porter = defineAgent({
  id: 'porter',
  role: 'Porter',
  goal: 'Tell people when they can come',
  backstory: 'You read what is on the door.',
  tools: [clock],
});

const tell = defineTask({
  id: 'tell',
  description: 'When is the {shop} shop open?',
  expected_output: 'A sentence.',
  agent: porter,
});

const desk = defineCrew({ id: 'desk', tasks: [tell], llm: model.named('scripted') });

const run = await desk.stream({ shop: 'corner' }, { channels: ['run', 'task', 'tool', 'model', 'text'] });
for await (const { channel, type, path, data } of run) {
  const place = path.replace(run.runId, 'run').replace(/call_\w+/, 'call');
  const text = channel === 'text' ? z.object({ text: z.string() }).parse(data).text : '';
  console.log(`${type.padEnd(14)} ${place}${text === '' ? '' : `: ${text}`}`);
}
console.log((await run.done).status);
