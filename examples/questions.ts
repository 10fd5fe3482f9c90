/** A tool that asks a person: the run waits on disk, a wrong answer is refused, another process goes on with the right one. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defineAgent,
  defineCrew,
  definePlaybook,
  defineQuestion,
  defineTask,
  defineTool,
  openRunsFile,
} from 'orderflow-crew/crew';
import { z } from 'zod';

const price = defineQuestion({
  text: 'What may it cost at most?',
  payload: z.object({ article: z.string() }),
  answer: z.object({ limit: z.number().positive(), currency: z.enum(['EUR', 'USD']) }),
  timeoutMs: 3_600_000,
  otherwise: { limit: 10, currency: 'EUR' }, // stands when nobody has answered in an hour
});

const ordered: string[] = [];
const order = defineTool({
  name: 'order',
  title: 'Order',
  toolset: 'shop',
  category: 'exchange_data',
  access: 'WRITE',
  effects: 'effect',
  description: 'Orders an article, once a person has said what it may cost.',
  input: z.strictObject({ article: z.string().max(40).describe('Article, as in kettle') }),
  output: z.object({ article: z.string(), limit: z.number(), currency: z.string() }),
  examples: [{ title: 'A kettle', input: { article: 'kettle' } }],
  preview: ({ article }) => Promise.resolve({ orders: article }),
  run: ({ article }, { ask }) => {
    const { limit, currency } = ask(price, { article }); // typed: limit is a number; from here on there is an answer
    ordered.push(article);
    return Promise.resolve({
      data: { article, limit, currency },
      provenance: { as_of: null, source: 'shop', complete: true, stale_ms: null },
    });
  },
});

const buyer = defineAgent({ id: 'buyer', role: 'Buyer', goal: 'Buy', backstory: 'You ask first.', tools: [order] });
const buy = defineTask({ id: 'buy', description: 'Buy a {article}.', expected_output: 'The order.', agent: buyer });
const shop = defineCrew({
  id: 'shop',
  tasks: [buy],
  playbook: definePlaybook({
    buy: ({ inputs, observations: [done] }) =>
      done === undefined
        ? { calls: [{ tool: 'order', args: { article: inputs['article'] }, reason: 'asked for' }] }
        : { answer: done.result },
  }),
});

/** What each process does: the runs are in a file, so a question outlives whoever asked it. */
const path = join(mkdtempSync(join(tmpdir(), 'runs-')), 'runs.duckdb');
async function inProcess<T>(work: (desk: ReturnType<typeof shop.on>) => Promise<T>): Promise<T> {
  await using runs = await openRunsFile({ path });
  const desk = shop.on(runs);
  await using _host = desk.host;
  return await work(desk);
}

const { document } = await inProcess((desk) => desk.kickoff({ article: 'kettle' }));
const [asked] = document.waiting_for;
console.log(`${document.status}: ${JSON.stringify(asked?.details)}, ${ordered.length} ordered`);

await inProcess(async ({ host }) => {
  const answer = (given: unknown) => host.runner.resume(document.run_id, { buy: given }, { by: 'alice' });
  await answer({ limit: 20, currency: 'GBP' }).catch((error: Error) => console.log(error.message));
  const { status, output } = await answer({ limit: 20, currency: 'EUR' });
  console.log(`${status}: ${JSON.stringify(output)}, ${ordered.length} ordered`);
  await answer({ limit: 9, currency: 'EUR' }).catch((error: Error) =>
    console.log(error.message.replace(/run_\S+/, 'it')),
  );
});
