/** A crew in code, for other work than a desk's: typed from its texts and schemas, run in memory, without a key. */
import { defineAgent, defineCrew, definePlaybook, defineTask, defineTool } from 'orderflow-crew/crew';
import { z } from 'zod';

const stock: Readonly<Record<string, number>> = { kettle: 3, lamp: 0 };

const stockLevel = defineTool({
  name: 'stock_level',
  title: 'Stock level',
  toolset: 'shop',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description: 'Pieces of an article in the warehouse; null for an article that it does not have.',
  input: z.strictObject({ article: z.string().max(40).describe('Article, as in kettle') }),
  output: z.object({ pieces: z.number().int().nullable() }),
  examples: [{ title: 'Kettles', input: { article: 'kettle' } }],
  run: ({ article }) =>
    Promise.resolve({
      data: { pieces: stock[article] ?? null },
      provenance: { as_of: null, source: 'warehouse list', complete: true, stale_ms: null },
    }),
});

const clerk = defineAgent({
  id: 'clerk',
  role: 'Clerk of {shop}',
  goal: 'Tell customers what can be had',
  backstory: 'You look before you promise.',
  tools: [stockLevel], // listing it grants it; every other tool is denied
});

const look = defineTask({
  id: 'look',
  description: 'Find out how many pieces of {article} there are.',
  expected_output: 'JSON with the field pieces.',
  agent: clerk,
  output: z.object({ pieces: z.number().int().nullable() }),
});

const reorder = defineTask({
  id: 'reorder',
  description: 'Say how many to order.',
  expected_output: 'JSON with the field order.',
  agent: clerk,
  context: [look],
  output: z.object({ order: z.number().int().min(1).max(50) }),
  condition: { task: 'look', field: 'pieces', below: 1 },
});

const shop = defineCrew({
  id: 'shop',
  tasks: [look, reorder],
  // A deterministic policy in the place of a language model; llm: 'openai:…' asks one.
  playbook: definePlaybook({
    look: ({ inputs, observations: [seen] }) =>
      seen === undefined
        ? { calls: [{ tool: 'stock_level', args: { article: inputs['article'] }, reason: 'the list knows' }] }
        : { answer: seen.result },
    reorder: () => ({ answer: { order: 12 } }),
  }),
});

for (const article of ['kettle', 'lamp']) {
  const { status, outputs } = await shop.kickoff({ shop: 'the corner shop', article });
  // outputs.look is { pieces: number | null } | null, outputs.reorder { order: number } | null: no casts, no any.
  console.log(
    `${article}: ${status}, ${outputs.look?.pieces ?? 'unknown'} there, order ${outputs.reorder?.order ?? 0}`,
  );
}
