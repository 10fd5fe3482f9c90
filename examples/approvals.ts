/** Two people for one call, and a yes to more of its kind: a whole desk in memory, on YAML, with a scripted model. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bindTools, defineTool } from 'orderflow-crew';
import { ManualClock, openTestController, ScriptedModel } from 'orderflow-crew/testing';
import { z } from 'zod';

const config = mkdtempSync(join(tmpdir(), 'till-'));
const files = {
  'agents.yaml':
    'teller: { role: Teller, goal: Pay out, backstory: You ask first., tools: [pay_out], permission_role: till }',
  'tasks.yaml': 'pay: { description: "Pay {name}.", expected_output: A sentence., agent: teller }',
  'crews.yaml': 'till: { tasks: [pay] }',
  'system.yaml': `
roles: { till: { database_write: WRITE } }
people: { alice: { roles: [cashier] }, bob: { roles: [cashier] }, carl: { roles: [] } }
serve: { role: till }
mcp: { role: till }
approvals:
  rules: [{ tools: [pay_out], approvers: [cashier], needed: 2 }]
`,
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(config, name), text);

const paid: string[] = [];
const payOut = defineTool({
  name: 'pay_out',
  title: 'Pay out',
  toolset: 'till',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description: 'Pays a sum in EUR out to somebody.',
  input: z.strictObject({
    name: z.string().max(40).describe('Who gets it'),
    eur: z.number().positive().describe('EUR'),
  }),
  output: z.object({ paid: z.number() }),
  examples: [],
  preview: (would) => Promise.resolve({ ...would }),
  run: ({ name, eur }) => {
    paid.push(`${name} ${eur}`);
    return Promise.resolve({
      data: { paid: eur },
      provenance: { as_of: null, source: 'till', complete: true, stale_ms: null },
    });
  },
});

const pay = (eur: number) => ({ calls: [{ tool: 'pay_out', args: { name: 'dora', eur } }] });
const model = new ScriptedModel([pay(20), { text: 'Paid.' }, pay(30), { text: 'Paid again.' }]);
const clock = new ManualClock();
await using controller = await openTestController({
  config,
  model: model.named('scripted'),
  clock,
  tools: bindTools([payOut], undefined),
});
controller.on('approval.decided', ({ data }) => console.log(`  ${data.decision} by ${data.decided_by}`));

const waiting = await controller.kickoff('till', { name: 'dora' });
const [request] = await controller.desk.approvals({ state: 'pending' });
console.log(`${waiting.status} for ${request?.tool}: ${request?.needed} of ${request?.approvers.join(', ')}`);

const yes = (by: string) =>
  controller.desk.decide({
    id: request?.id ?? '',
    decision: 'approve',
    by,
    sticky: { for_seconds: 3600, allow: { eur: '*' }, uses: 5 }, // any sum to her, for an hour, five times
  });
const completed = new Promise<void>((resolve) => controller.on('run.completed', () => resolve()));
await yes('carl').catch((error: Error) => console.log(error.message));
await yes('alice');
await yes('alice').catch((error: Error) => console.log(error.message));
await yes('bob');
await completed; // the run goes on by itself

const second = await controller.kickoff('till', { name: 'dora' });
const [standing] = await controller.desk.standingApprovals();
console.log(
  `${second.status}: ${paid.join(', ')}; ${standing?.uses_left} left, by ${standing?.granted_by.join(' and ')}`,
);
model.assertUsed();
