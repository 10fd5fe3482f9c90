/** A crew that is told from a file and remembers each customer behind a wall: no key, no network, no embedding model. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineAgent, defineCrew, definePlaybook, defineTask, openMemoryFile } from 'orderflow-crew/crew';

const dir = mkdtempSync(join(tmpdir(), 'shop-'));
writeFileSync(join(dir, 'returns.md'), '# Returns\n\n## Kettles\n\nA kettle can be returned within 30 days.\n');

const clerk = defineAgent({
  id: 'clerk',
  role: 'Clerk',
  goal: 'Answer from what is written',
  backstory: 'You never guess.',
  knowledge_sources: ['returns.md'], // read at the first question, and again when it changes
});

const answer = defineTask({
  id: 'answer',
  description: 'Answer {customer}: {question}',
  expected_output: 'An answer with its source.',
  agent: clerk,
});

const shop = defineCrew({
  id: 'shop',
  tasks: [answer],
  memory: { tenant: '{customer}' }, // each customer's memory is a wall of its own
  // A deterministic policy in the place of a language model; llm: 'openai:…' asks one.
  playbook: definePlaybook({
    answer: ({ inputs, knowledge = [], recalled = [], observations: [kept] }) => {
      if (kept === undefined) {
        const content = `asked before: ${String(inputs['question'])}`;
        return { calls: [{ tool: 'remember', args: { content }, reason: 'the next answer can build on it' }] };
      }
      const [passage] = knowledge;
      const source = passage === undefined ? 'not written anywhere' : `${passage.source}, ${passage.position ?? ''}`;
      return { answer: `${source}; ${recalled[0]?.content ?? 'nothing asked before'}` };
    },
  }),
});

await using memory = await openMemoryFile({ path: join(dir, 'memory.duckdb') });
await using host = shop.on({ memory, dir }).host;
for (const [customer, question] of [
  ['anna', 'How long can I return a kettle?'],
  ['anna', 'Can I return the kettle without its box?'],
  ['ben', 'Can I return a kettle?'],
] as const) {
  const { output } = await host.runner.kickoff('shop', { customer, question });
  console.log(`${customer}: ${String(output)}`);
}

const anna = await memory.tenant('anna');
const { memories, remaining } = await anna.reset({ by: 'anna', reason: 'asked to be forgotten' });
console.log(`forgotten: ${memories.length}, remaining: ${remaining}`);
