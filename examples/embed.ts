/**
 * The desk inside your own program: a tool of your own beside the desk's, events as they come, and one round of a crew
 * that proposes and changes nothing. Takes the data folder as its argument.
 */
import { bindTools, CrewController, defineTool, type Desk, type ToolContext } from 'orderflow-crew';
import { z } from 'zod';

interface Account {
  readonly desk: () => Desk;
  /** Base units held, by symbol. */
  readonly holdings: Readonly<Record<string, number>>;
}

const holdingValue = defineTool({
  name: 'get_holding_value',
  title: 'Value of a holding',
  toolset: 'account',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description: 'Value of what the account holds of a symbol at its last stored trade, in units of the quote asset.',
  input: z.strictObject({ symbol: z.enum(['BTCUSDT']).describe('Symbol, as in BTCUSDT') }),
  output: z.object({ quantity: z.number(), price: z.number().nullable(), value: z.number().nullable() }),
  examples: [{ title: 'Bitcoin', input: { symbol: 'BTCUSDT' } }],
  summary: ({ quantity, value }) => `${quantity} held, worth ${value ?? 'an unknown amount'}.`,
  run: async ({ symbol }, { services, clock }: ToolContext<Account>) => {
    const table = `${symbol.toLowerCase()}_binance_futures_trades`;
    const { rows } = await services.desk().query({
      sql: `SELECT price, CAST(event_time AS VARCHAR) AS at FROM ${table} ORDER BY event_time DESC LIMIT 1`,
      maxRows: 1,
      timeoutMs: 5000,
    });
    const trade = z.object({ price: z.number(), at: z.string() }).optional().parse(rows[0]);
    const quantity = services.holdings[symbol] ?? 0;
    const asOf = trade === undefined ? null : new Date(`${trade.at.replace(' ', 'T')}Z`);
    return {
      data: { quantity, price: trade?.price ?? null, value: trade === undefined ? null : quantity * trade.price },
      provenance: {
        as_of: asOf?.toISOString() ?? null,
        source: table,
        complete: trade !== undefined,
        stale_ms: asOf === null ? null : clock.now() - asOf.getTime(),
      },
    };
  },
});

const account: Account = { desk: () => controller.desk, holdings: { BTCUSDT: 0.5 } };

await using controller = new CrewController({
  source: 'sim',
  exchanges: ['binance_futures'],
  symbols: ['BTCUSDT'],
  dataDir: process.argv[2] ?? 'data',
  tools: bindTools([holdingValue], account),
});

const firstRows = new Promise<void>((resolve) => {
  controller.on('data.received', ({ data }) => {
    if (data.stream === 'trades') resolve();
  });
});
controller.on('data.gap_detected', ({ data }) => console.log(`gap: ${JSON.stringify(data)}`));

await controller.start({ shadow: true });
await firstRows;

const outcome = await controller.callTool('get_holding_value', { symbol: 'BTCUSDT' });
if (outcome.ok && 'data' in outcome) console.log(outcome.summary);

const report = await controller.kickoff('data-ops');
console.log(`${report.crew} ${report.status} in ${report.mode} mode, health ${report.health_score ?? 'unknown'}`);
for (const { agent, tool, reason } of report.proposed_actions) console.log(`proposed: ${agent} ${tool}: ${reason}`);
