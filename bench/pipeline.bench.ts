import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { openApprovals } from '../src/crew/approval/approvals.ts';
import { createApprovalPolicy } from '../src/crew/approval/policy.ts';
import { openAudit } from '../src/crew/audit/log.ts';
import { openLedger } from '../src/crew/ledger/ledger.ts';
import { agentCaller, createPermissionGate } from '../src/crew/permission/gate.ts';
import { openProposals } from '../src/crew/proposal/log.ts';
import { EventBus } from '../src/events/index.ts';
import { systemClock } from '../src/infra/clock.ts';
import { Database } from '../src/infra/duckdb/database.ts';
import { createIdSource } from '../src/kit/id.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { createInvoker } from '../src/kit/pipeline.ts';
import { askerOf } from '../src/kit/question.ts';
import { createRateGate } from '../src/kit/rate-gate.ts';
import { bindTools, defineTool, type ToolContext } from '../src/kit/tool.ts';

const CALLS = 20_000;
const ROUNDS = 7;

const tool = defineTool({
  name: 'get_ticker',
  title: 'Ticker',
  toolset: 'bench',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description: 'Gives a ticker: last price, bid, ask and volume of a symbol.',
  input: z.object({
    exchange: z.enum(['binance', 'bybit']).describe('Venue'),
    symbol: z.string().describe('Canonical symbol'),
    limit: z.number().int().min(1).max(1000).default(10).describe('Most rows'),
  }),
  output: z.strictObject({
    symbol: z.string(),
    last: z.number(),
    bid: z.number(),
    ask: z.number(),
    volume: z.number(),
  }),
  examples: [],
  rateLimit: { key: 'bench', perSecond: 1e9, burst: 1e9 },
  run: ({ symbol }) =>
    Promise.resolve({
      data: { symbol, last: 100, bid: 99.9, ask: 100.1, volume: 12 },
      provenance: { as_of: null, source: 'bench', complete: true, stale_ms: 0 },
    }),
});

/**
 * Cost of the tool pipeline per call, with every stage real (permission, strict input, approval policy, rate limit,
 * deadline, output, audit rows on disk, event), against calling the tool's `run` directly in the same process.
 */
export async function run(): Promise<void> {
  const db = await Database.open({ path: join(mkdtempSync(join(tmpdir(), 'crew-bench-')), 'ops.duckdb') });
  const [bound] = bindTools([tool], undefined);
  if (bound === undefined) throw new Error('no tool was bound');
  const agents = [{ id: 'bench', permission_role: 'bench', tools: ['get_ticker'], approval_required: [] }];
  const ids = createIdSource(() => systemClock.now(), Math.random);
  const events = new EventBus({ clock: systemClock, log: silentLogger, newId: ids });
  const shared = { db, clock: systemClock, events, log: silentLogger, ids };
  const policy = createApprovalPolicy({ agents, categories: ['database_write'] });
  await using approvals = await openApprovals({ ...shared, policy, timeoutMs: 1000 });
  await using audit = await openAudit(shared);
  const invoker = createInvoker({
    ...shared,
    tools: [bound],
    permission: createPermissionGate({
      roles: [{ id: 'bench', grants: { exchange_data: 'READ_ONLY' } }],
      agents,
      overrides: [],
      clock: systemClock,
    }),
    proposals: await openProposals(shared),
    approvals,
    rates: createRateGate(systemClock),
    ledger: await openLedger(shared),
    audit,
  });
  const [agent] = agents;
  if (agent === undefined) throw new Error('no agent');
  const call = {
    tool: 'get_ticker',
    args: { exchange: 'binance', symbol: 'BTCUSDT' },
    caller: agentCaller(agent),
    runId: 'run_1',
  };
  const context: ToolContext<unknown> = {
    callId: 'call',
    caller: 'bench',
    agentId: null,
    runId: null,
    taskId: null,
    signal: new AbortController().signal,
    clock: systemClock,
    log: silentLogger,
    events,
    services: undefined,
    progress: () => undefined,
    ask: askerOf('get_ticker'),
  };
  const input = { exchange: 'binance', symbol: 'BTCUSDT', limit: 10 };
  const direct: number[] = [];
  const piped: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const a = await perCall(() => bound.run(input, context));
    const b = await perCall(async () => {
      const outcome = await invoker.invoke(call);
      if (!outcome.ok) throw new Error(outcome.error.message);
    });
    await audit.flush();
    if (round > 0) direct.push(a);
    if (round > 0) piped.push(b);
  }
  await audit.close();
  await approvals.close();
  await db.close();
  print('tool run directly', median(direct));
  print('through the pipeline, read', median(piped));
  print('overhead of a read (goal: at most 50)', median(piped) - median(direct));
}

function print(name: string, microsecondsPerCall: number): void {
  process.stdout.write(`${name.padEnd(42)} ${microsecondsPerCall.toFixed(1).padStart(8)} µs/call\n`);
}

/** Microseconds a call, over `CALLS` calls one after another. */
async function perCall(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) await work();
  return ((performance.now() - start) * 1000) / CALLS;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
