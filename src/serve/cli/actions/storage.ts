import type { Command } from 'commander';
import { z } from 'zod';
import type { TapeUsage } from '../../../market/collect/tape/usage.ts';
import { contextOf, type ActionContext } from '../context.ts';
import { printJson, printTable } from '../print.ts';
import { tapeFolder } from './data.ts';
import { parseSince } from './ops.ts';

const storedSchema = z.object({
  by_stream: z.array(
    z.object({
      exchange: z.string(),
      market: z.string(),
      stream: z.string(),
      rows: z.number(),
      bytes: z.number().nullable(),
      observed_seconds: z.number(),
      bytes_per_day: z.number().nullable(),
    }),
  ),
});
type Stored = z.infer<typeof storedSchema>['by_stream'][number];

interface Row {
  readonly exchange: string;
  readonly market: string;
  readonly stream: string;
  readonly tape: TapeUsage | null;
  readonly stored: Stored | null;
}

/** `crew storage` */
export async function storage(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output, signal } = context;
  const { since } = command.opts<{ since?: string }>();
  const { venues } = await import('../../../market/exchanges/catalogue.generated.ts');
  const { tapeUsage } = await import('../../../market/collect/tape/usage.ts');
  const damage: string[] = [];
  const tape = await tapeUsage(
    tapeFolder(command),
    venues.flatMap((venue) => venue.markets),
    {
      since: since === undefined ? undefined : parseSince(since, Date.now()) * 1000,
      signal,
      onDamage: ({ path, offset, reason }) => damage.push(`${path} at byte ${offset}: ${reason}`),
    },
  );
  const stored = await storedOf(context);
  const rows = joined(tape, stored.rows);
  const total = (of: (row: Row) => number | null | undefined): number | null => totalKnown(rows.map(of));
  const totals = {
    tape_bytes: total((r) => r.tape?.tape_bytes),
    tape_bytes_per_day: total((r) => r.tape?.tape_bytes_per_day),
    stored_bytes: total((r) => r.stored?.bytes),
    stored_bytes_per_day: total((r) => r.stored?.bytes_per_day),
  };
  if (output.json) return printJson(output, { rows, totals, stored_unknown: stored.why, damage });
  const number = (value: number | null | undefined): string | null => value?.toFixed(0) ?? null;
  const said = (value: number | null): string => number(value) ?? '–';
  printTable(
    output,
    rows,
    [
      { title: 'VENUE', value: (r) => r.exchange },
      { title: 'MARKET', value: (r) => r.market },
      { title: 'STREAM', value: (r) => r.stream },
      { title: 'SEEN S', value: (r) => number(r.tape?.observed_seconds ?? r.stored?.observed_seconds), right: true },
      { title: 'TAPE BYTES', value: (r) => number(r.tape?.tape_bytes), right: true },
      { title: 'TAPE BYTES/DAY*', value: (r) => number(r.tape?.tape_bytes_per_day), right: true },
      { title: 'ROWS', value: (r) => number(r.stored?.rows), right: true },
      { title: 'STORED BYTES', value: (r) => number(r.stored?.bytes), right: true },
      { title: 'STORED BYTES/DAY*', value: (r) => number(r.stored?.bytes_per_day), right: true },
    ],
    'nothing is collected yet',
  );
  output.write(
    `all: tape ${said(totals.tape_bytes)} bytes, ${said(totals.tape_bytes_per_day)} a day*; stored ${said(totals.stored_bytes)} bytes, ${said(totals.stored_bytes_per_day)} a day*\n` +
      '* extrapolated from the seconds seen; stored rows of running days by the mean row of the database file\n',
  );
  if (stored.why !== null) output.write(`stored bytes are not known: ${stored.why}\n`);
  for (const line of damage) output.write(`not read: ${line}\n`);
}

/** The sum of what is known; null when nothing is: a rate that nobody could measure yet is not 0. */
export function totalKnown(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

/** What the database holds, asked of the desk; none, and why, when it cannot be asked. */
async function storedOf(
  context: ActionContext,
): Promise<{ readonly rows: readonly Stored[]; readonly why: string | null }> {
  await using desk = await context.desk('inspect');
  if (desk.kind === 'files') return { rows: [], why: 'no controller runs here; crew start opens the database' };
  const outcome = await desk.callTool({ name: 'check_capacity', args: {} });
  if (!outcome.ok) return { rows: [], why: outcome.error.message };
  if (!('data' in outcome)) return { rows: [], why: 'check_capacity was proposed, not run' };
  return { rows: storedSchema.parse(outcome.data).by_stream, why: null };
}

function joined(tape: readonly TapeUsage[], stored: readonly Stored[]): readonly Row[] {
  const keyOf = (r: { readonly exchange: string; readonly market: string; readonly stream: string }): string =>
    `${r.exchange} ${r.market} ${r.stream}`;
  const taped = new Map(tape.map((r) => [keyOf(r), r]));
  const held = new Map(stored.map((r) => [keyOf(r), r]));
  return [...new Set([...taped.keys(), ...held.keys()])].map((key) => {
    const [exchange = '', market = '', stream = ''] = key.split(' ');
    return { exchange, market, stream, tape: taped.get(key) ?? null, stored: held.get(key) ?? null };
  });
}
