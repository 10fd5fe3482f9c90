import type { Command } from 'commander';
import type { CallQuery, Spent, UsageGroup } from '../../../crew/spend/call.ts';
import { contextOf } from '../context.ts';
import { printJson, printTable } from '../print.ts';
import { parseSince } from './ops.ts';

interface Narrowing {
  readonly since?: string;
  readonly until?: string;
  readonly run?: string;
  readonly crew?: string;
  readonly agent?: string;
  readonly task?: string;
  readonly model?: string;
}

/** `crew usage` */
export async function sums(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { by, ...narrowing } = command.opts<Narrowing & { by: UsageGroup }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.usage({ by, ...queryOf(narrowing) });
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: by.toUpperCase(), value: (r) => r.key },
      { title: 'CALLS', value: (r) => r.calls, right: true },
      { title: 'FAILED', value: (r) => r.failed_calls, right: true },
      { title: 'INPUT', value: (r) => r.input_tokens, right: true },
      { title: 'CACHED', value: (r) => r.cached_tokens, right: true },
      { title: 'OUTPUT', value: (r) => r.output_tokens, right: true },
      { title: 'REASONING', value: (r) => r.reasoning_tokens, right: true },
      { title: 'USD', value: (r) => usd(r.cost_usd), right: true },
      { title: 'COST UNKNOWN', value: (r) => r.unknown_calls, right: true },
    ],
    'no model was asked (playbooks ask none)',
  );
  const unknown = rows.reduce((sum, row) => sum + row.unknown_calls, 0);
  if (unknown > 0)
    output.write(
      `the cost of ${unknown} calls is not known (no price, no tokens reported, or no answer), so the sums are too low\n`,
    );
}

/** `crew usage calls` */
export async function calls(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { limit, ...narrowing } = command.opts<Narrowing & { limit: number }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.modelCalls({ ...queryOf(narrowing), limit });
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'TIME', value: (r) => new Date(r.began_at).toISOString() },
      { title: 'MODEL', value: (r) => r.model },
      { title: 'AGENT', value: (r) => r.agent_id },
      { title: 'TASK', value: (r) => r.task_id },
      { title: 'FOR', value: (r) => r.tool ?? r.purpose },
      { title: 'STATE', value: (r) => r.state },
      { title: 'INPUT', value: (r) => r.tokens?.input_tokens, right: true },
      { title: 'OUTPUT', value: (r) => r.tokens?.output_tokens, right: true },
      { title: 'USD', value: (r) => (r.cost_usd === null ? null : usd(r.cost_usd)), right: true },
      { title: 'MS', value: (r) => (r.latency_ms === null ? null : Math.round(r.latency_ms)), right: true },
      { title: 'ERROR', value: (r) => r.error },
    ],
    'no model was asked (playbooks ask none)',
  );
}

/** `crew usage prices` */
export async function prices(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { model } = command.opts<{ model?: string }>();
  await using desk = await context.desk('inspect');
  const rows = (await desk.prices()).filter((row) => model === undefined || row.model === model);
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'MODEL', value: (r) => r.model },
      { title: 'INPUT', value: (r) => r.input, right: true },
      { title: 'CACHED', value: (r) => r.cached_input, right: true },
      { title: 'WRITE', value: (r) => r.cache_write, right: true },
      { title: 'OUTPUT', value: (r) => r.output, right: true },
      { title: 'AS OF', value: (r) => r.as_of },
      { title: 'SOURCE', value: (r) => r.source },
    ],
    'no price: give one under model.prices in system.yaml',
  );
}

/** `crew usage budgets` */
export async function budgets(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { run } = command.opts<{ run?: string }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.budgets({ run });
  if (output.json) return printJson(output, rows);
  const of = (limit: number | null, spent: number | undefined, show: (value: number) => string): string | null =>
    limit === null ? null : `${spent === undefined ? '?' : show(spent)} of ${show(limit)}`;
  const part = (row: (typeof rows)[number], unit: keyof Spent): string | null =>
    of(row[unit], row.spent?.[unit], unit === 'usd' ? usd : String);
  printTable(
    output,
    rows,
    [
      { title: 'BUDGET', value: (r) => r.name },
      { title: 'PER', value: (r) => r.per },
      { title: 'COVERS', value: (r) => [r.crew, r.agent, r.model].filter((x) => x !== null).join(', ') || 'all' },
      { title: 'USD', value: (r) => part(r, 'usd') },
      { title: 'TOKENS', value: (r) => part(r, 'tokens') },
      { title: 'CALLS', value: (r) => part(r, 'calls') },
      { title: 'THEN', value: (r) => r.then },
    ],
    'no budgets: system.yaml has none under budgets',
  );
}

function queryOf({ since, until, ...rest }: Narrowing): CallQuery {
  const now = Date.now();
  return {
    ...rest,
    since: since === undefined ? undefined : parseSince(since, now),
    until: until === undefined ? undefined : parseSince(until, now),
  };
}

/** Six decimals at most: a call often costs less than a cent. */
function usd(value: number): string {
  return `$${Number(value.toFixed(6))}`;
}
