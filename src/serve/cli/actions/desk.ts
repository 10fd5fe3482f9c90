import type { Command } from 'commander';
import { errorMessage, InvalidInput } from '../../../kit/errors.ts';
import { parseDuration } from '../../../kit/duration.ts';
import { marketKey } from '../../../market/domain/records.ts';
import type { Desk, DeskStatus } from '../../desk.ts';
import { contextOf } from '../context.ts';
import { EXIT, exitCodeOfFailure } from '../exit.ts';
import { paint, printFields, printJson, printTable } from '../print.ts';

/** `crew status` */
export async function status(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const state = await desk.status();
  if (output.json) return printJson(output, state);
  printFields(output, {
    state: state.state,
    mode: state.mode,
    source: state.source,
    model: state.model,
    address: state.address,
    'data folder': state.data_dir,
    'started at': state.started_at,
    'health score': state.health_score,
    'trading signals': signalText(state.trading_signals),
    'disabled markets': state.disabled_markets?.join(', ') || null,
    'not trading': notTradingText(state.not_trading),
    memory: memoryText(state.metrics),
    errors: state.error_count,
    'last error': state.last_error,
  });
  if (state.streams.length === 0) return;
  output.write('\n');
  printTable(
    output,
    state.streams,
    [
      { title: 'TABLE', value: (r) => r.table },
      { title: 'ROWS', value: (r) => r.rows, right: true },
      { title: 'STATE', value: (r) => r.state },
      { title: 'LAST EVENT', value: (r) => r.last_event_time },
    ],
    'no streams',
  );
}

/** Of the controller's process: resident, and of that the main thread's JavaScript heap and its buffers. */
function memoryText(metrics: DeskStatus['metrics']): string | null {
  const mb = (name: string): string => `${Math.round((metrics[`memory_${name}_bytes`] ?? 0) / 1e6)} MB`;
  if (typeof metrics['memory_resident_bytes'] !== 'number') return null;
  return `${mb('resident')} resident (main heap ${mb('heap')}, buffers ${mb('buffers')})`;
}

/** Symbol by symbol: `BRETTUSDT absent on kraken_spot, okx_spot; XYZUSDT halted on binance_spot`. */
function notTradingText(symbols: DeskStatus['not_trading']): string | null {
  const markets = new Map<string, string[]>();
  for (const { exchange, market, symbol, listed } of symbols ?? []) {
    const name = `${symbol} ${listed}`;
    markets.set(name, [...(markets.get(name) ?? []), marketKey(exchange, market)]);
  }
  return [...markets].map(([name, on]) => `${name} on ${on.join(', ')}`).join('; ') || null;
}

function signalText(signals: DeskStatus['trading_signals']): string | null {
  if (signals === null || signals.state === 'active') return signals?.state ?? null;
  return `paused since ${signals.since ?? '?'} by ${signals.changed_by ?? '?'}: ${signals.reason ?? ''}`;
}

/** `crew crews|agents|tasks ls` */
export async function listRows(kind: 'crews' | 'agents' | 'tasks', command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  if (kind === 'crews') {
    const rows = await desk.crews();
    if (output.json) return printJson(output, rows);
    return printTable(
      output,
      rows,
      [
        { title: 'ID', value: (r) => r.id },
        { title: 'PROCESS', value: (r) => r.process },
        { title: 'AGENTS', value: (r) => r.agents.join(', ') },
        { title: 'TASKS', value: (r) => r.tasks.length, right: true },
      ],
      'no crews',
    );
  }
  if (kind === 'agents') {
    const rows = await desk.agents();
    if (output.json) return printJson(output, rows);
    return printTable(
      output,
      rows,
      [
        { title: 'ID', value: (r) => r.id },
        { title: 'ROLE', value: (r) => r.role },
        { title: 'PERMISSION ROLE', value: (r) => r.permission_role },
        { title: 'CREWS', value: (r) => r.crews.join(', ') },
        { title: 'TOOLS', value: (r) => r.tools.length, right: true },
        { title: 'TOOLSETS', value: (r) => Object.keys(r.toolsets).join(', ') },
      ],
      'no agents',
    );
  }
  const rows = await desk.tasks();
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'AGENT', value: (r) => r.agent },
      { title: 'PRIORITY', value: (r) => r.priority },
      { title: 'TRIGGER', value: (r) => r.trigger },
      { title: 'AFTER', value: (r) => r.context.join(', ') },
    ],
    'no tasks',
  );
}

/** `crew tools ls` */
export async function tools(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const query = command.opts<{ toolset?: string; search?: string; agent?: string }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.tools(query);
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'NAME', value: (r) => r.name },
      { title: 'TOOLSET', value: (r) => r.toolset },
      { title: 'CATEGORY', value: (r) => r.category },
      { title: 'ACCESS', value: (r) => r.access },
      { title: 'WHAT IT DOES', value: (r) => r.description, max: 90 },
    ],
    'no tool matches',
  );
}

/** `crew tools show` */
export async function describeTool(name: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const tool = await desk.describeTool(name);
  if (output.json) return printJson(output, tool);
  output.write(`${paint(output, 'bold', tool.name)}  ${tool.title}\n\n${tool.description}\n\n`);
  printFields(output, {
    toolset: tool.toolset,
    category: tool.category,
    access: tool.access,
    effects: tool.effects,
    aliases: tool.aliases.join(', ') || null,
  });
  output.write('\nINPUT\n');
  const { properties = {}, required = [] } = tool.input_schema as {
    properties?: Record<string, { type?: string; description?: string; default?: unknown }>;
    required?: string[];
  };
  printTable(
    output,
    Object.entries(properties),
    [
      { title: 'FIELD', value: ([field]) => field },
      { title: 'TYPE', value: ([, schema]) => schema.type ?? 'any' },
      {
        title: 'DEFAULT',
        value: ([field, schema]) =>
          schema.default === undefined
            ? required.includes(field)
              ? 'required'
              : null
            : JSON.stringify(schema.default),
      },
      { title: 'MEANING', value: ([, schema]) => schema.description, max: 110 },
    ],
    'takes nothing',
  );
  for (const example of tool.examples)
    output.write(`\n# ${example.title}\ncrew tools call ${tool.name} --args '${JSON.stringify(example.input)}'\n`);
}

/** `crew tools call` */
export async function callTool(name: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const options = command.opts<{ args: string; agent?: string; reason?: string }>();
  const args = parseArgs(options.args);
  await using desk = await context.desk('run');
  const outcome = await desk.callTool(
    { name, args, agent: options.agent, caller: 'operator', reason: options.reason },
    {
      signal: context.signal,
      onProgress: (fraction, message) => process.stderr.write(`${Math.round(fraction * 100)} % ${message ?? ''}\n`),
    },
  );
  if (output.json) printJson(output, outcome);
  else if (!outcome.ok) process.stderr.write(`crew: ${outcome.error.code}: ${outcome.error.message}\n`);
  else if ('proposed' in outcome) {
    output.write(`proposed ${outcome.proposal_id}; it would change:\n`);
    printJson(output, outcome.would_change);
  } else {
    if (outcome.summary !== null) output.write(`${outcome.summary}\n`);
    printJson(output, outcome.data);
    const { provenance: p } = outcome;
    output.write(
      `${paint(output, 'dim', `source ${p.source}, as of ${p.as_of ?? 'unknown'}, ${p.complete ? 'complete' : 'incomplete'}${p.notes === undefined || p.notes.length === 0 ? '' : `: ${p.notes.join('; ')}`}`)}\n`,
    );
  }
  if (!outcome.ok) process.exitCode = exitCodeOfFailure(outcome.error.code);
}

function parseArgs(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInput(`--args is not JSON: ${(error as Error).message}; write it as '{"symbol":"BTCUSDT"}'`);
  }
}

/** `crew permissions explain` */
export async function explain(agent: string, tool: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const decision = await desk.explain({ agent, tool });
  if (output.json) printJson(output, decision);
  else {
    output.write(
      `${decision.allowed ? paint(output, 'green', 'allowed') : paint(output, 'red', 'denied')}  ${agent} → ${tool}\n${decision.rule}\n`,
    );
    if (decision.toolsets.length > 0)
      output.write(`${agent} has it through toolset ${decision.toolsets.join(' and ')}\n`);
    if (decision.allowed && decision.approval) output.write('each call waits for a person (crew approvals ls)\n');
  }
  process.exitCode = decision.allowed ? EXIT.done : EXIT.refused;
}

/** `crew query` */
export async function query(sql: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const options = command.opts<{ limit: number; timeout: string; database: string }>();
  if (options.database !== 'market' && options.database !== 'ops')
    throw new InvalidInput(`--database is market or ops, not '${options.database}'`);
  await using desk = await context.desk('inspect');
  const { database } = options;
  const result = await desk
    .query(
      { sql, maxRows: options.limit, timeoutMs: parseDuration(options.timeout), database },
      { signal: context.signal },
    )
    .catch(async (error: unknown) => {
      throw (await inTheOther(desk, database, error)) ?? error;
    });
  if (output.json)
    return printJson(output, { columns: result.columns, rows: result.rows, truncated: result.truncated });
  printTable(
    output,
    result.rows,
    result.columns.map((c) => ({
      title: c.name,
      value: (row: Readonly<Record<string, unknown>>) => show(row[c.name]),
      right: /INT|DOUBLE|DECIMAL/.test(c.type),
    })),
    'no rows',
  );
  if (result.truncated) process.stderr.write(`only the first ${options.limit} rows; ask for more with --limit\n`);
}

/** Says so where the table that a query did not find is one of the other database; undefined where it is not. */
async function inTheOther(desk: Desk, asked: 'market' | 'ops', error: unknown): Promise<InvalidInput | undefined> {
  const name = /Table with name (\w+) does not exist/.exec(errorMessage(error))?.[1];
  if (name === undefined) return undefined;
  const database = asked === 'market' ? 'ops' : 'market';
  const sql = `SELECT 1 FROM information_schema.tables WHERE table_name = '${name}'`;
  const found = await desk.query({ sql, maxRows: 1, timeoutMs: 10_000, database }, {}).catch(() => undefined);
  if (found === undefined || found.rows.length === 0) return undefined;
  return new InvalidInput(`${name} is a table of the ${database} database: add --database ${database}`);
}

function show(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return JSON.stringify(value);
}
