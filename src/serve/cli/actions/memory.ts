import type { Command } from 'commander';
import { MEMORY_KINDS, type MemoryKind } from '../../../crew/memory/contract.ts';
import { InvalidInput } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import type { MemoryRow, ReceiptRow } from '../../memory-desk.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { type Output, printFields, printJson, printTable } from '../print.ts';

interface FilterOptions {
  readonly tenant?: string;
  readonly scope?: string;
  readonly kind?: string;
  readonly agent?: string;
  readonly run?: string;
  readonly about?: string;
}

const columns = [
  { title: 'ID', value: (m: MemoryRow) => m.id },
  { title: 'SCOPE', value: (m: MemoryRow) => m.scope },
  { title: 'KIND', value: (m: MemoryRow) => m.kind },
  { title: 'CONTENT', value: (m: MemoryRow) => m.content.replaceAll(/\s+/g, ' '), max: 70 },
  { title: 'BY', value: (m: MemoryRow) => m.written_by.agent },
  { title: 'RUN', value: (m: MemoryRow) => m.written_by.run },
  { title: 'WRITTEN', value: (m: MemoryRow) => m.updated_at },
];

/** `crew memory ls` */
export async function memories(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const options = command.opts<FilterOptions & { limit: number }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.memories({ ...filterOf(options), tenant: options.tenant, limit: options.limit });
  if (output.json) return printJson(output, rows);
  printTable(output, rows, columns, 'nothing is remembered here');
}

/** `crew memory search` */
export async function searchMemory(question: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { tenant, scope, limit } = command.opts<{ tenant?: string; scope?: string; limit: number }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.searchMemory({ question, tenant, scope, limit });
  if (output.json) return printJson(output, rows);
  const score = { title: 'SCORE', value: (m: (typeof rows)[number]) => m.score.toFixed(3), right: true };
  printTable(output, rows, [score, ...columns], 'nothing that is remembered has to do with this');
}

/** `crew memory forget` */
export async function forgetMemory(command: Command): Promise<void> {
  const context = contextOf(command);
  const options = command.opts<FilterOptions & { ids?: readonly string[]; reason: string; by: string }>();
  const { tenant, ids, reason, by } = options;
  await using desk = await context.desk('operate');
  printReceipt(context.output, await desk.forgetMemory({ ...filterOf(options), tenant, ids, reason, by }));
}

/** `crew memory reset` */
export async function resetMemory(command: Command): Promise<void> {
  const context = contextOf(command);
  const { tenant, reason, by } = command.opts<{ tenant?: string; reason: string; by: string }>();
  await using desk = await context.desk('operate');
  printReceipt(context.output, await desk.forgetMemory({ tenant, all: true, reason, by }));
}

/** `crew memory merges` */
export async function merges(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { tenant } = command.opts<{ tenant?: string }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.consolidations({ tenant });
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'AT', value: (r) => r.at },
      { title: 'OUTCOME', value: (r) => r.outcome },
      { title: 'STAYED', value: (r) => r.kept },
      { title: 'GAVE WAY', value: (r) => r.gave_way.content.replaceAll(/\s+/g, ' '), max: 70 },
      { title: 'ALIKE', value: (r) => r.similarity.toFixed(3), right: true },
      { title: 'UNDONE BY', value: (r) => r.undone_by },
    ],
    'no memory gave way to another',
  );
}

/** `crew memory undo` */
export async function undoMerge(id: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { tenant, by } = command.opts<{ tenant?: string; by: string }>();
  await using desk = await context.desk('operate');
  const row = await desk.undoConsolidation({ id, by, tenant });
  if (output.json) printJson(output, row);
  else output.write(`${row.id} is back: ${row.content}\n`);
}

/** `crew memory receipts` */
export async function receipts(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const { receipts: rows, chain } = await desk.memoryReceipts();
  if (!chain.ok) process.exitCode = EXIT.failed;
  if (output.json) return printJson(output, { receipts: rows, chain });
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'AT', value: (r) => r.at },
      { title: 'TENANT', value: (r) => r.tenant },
      { title: 'MEMORIES', value: (r) => r.memories.length, right: true },
      { title: 'BY', value: (r) => r.by },
      { title: 'REASON', value: (r) => r.reason, max: 50 },
    ],
    'nothing was forgotten',
  );
  if (chain.ok) output.write(`\nthe chain of ${chain.receipts} receipts holds\n`);
  else output.write(`\nreceipt ${chain.broken ?? ''} is not as it was written, or one before it is missing\n`);
}

function filterOf({ scope, kind, agent, run, about }: FilterOptions): {
  readonly scope: string | undefined;
  readonly kind: MemoryKind | undefined;
  readonly agent: string | undefined;
  readonly run: string | undefined;
  readonly about: string | undefined;
} {
  const known = MEMORY_KINDS.find((name) => name === kind);
  if (kind !== undefined && known === undefined)
    throw new InvalidInput(`'${kind}' is not a kind of memory${didYouMean(kind, MEMORY_KINDS)}`);
  return { scope, kind: known, agent, run, about };
}

function printReceipt(output: Output, receipt: ReceiptRow): void {
  if (output.json) return printJson(output, receipt);
  const { id, tenant, memories: ids, consolidations, remaining, traces } = receipt;
  printFields(output, { receipt: id, tenant, forgotten: ids.length, mergers_deleted: consolidations, remaining });
  if (traces.length === 0) return;
  output.write('\nthe text is still found elsewhere, and goes with its retention:\n');
  for (const { table, column, rows } of traces) output.write(`  ${table}.${column}: ${rows} rows\n`);
}
