import type { Command } from 'commander';
import { parseDuration } from '../../../kit/duration.ts';
import { errorMessage, InvalidInput } from '../../../kit/errors.ts';
import { contextOf } from '../context.ts';
import { parsePairs } from '../parse.ts';
import { printJson, printTable } from '../print.ts';

/** Holds what a person shows where system.yaml names a key for them. */
const KEY = 'CREW_PERSON_KEY';

/** `crew approvals ls` */
export async function approvals(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { state } = command.opts<{ state: string }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.approvals({ state });
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'STATE', value: (r) => r.state },
      { title: 'TOOL', value: (r) => r.tool },
      { title: 'WHO', value: (r) => r.agent },
      { title: 'ARGUMENTS', value: (r) => JSON.stringify(r.args), max: 60 },
      { title: 'AGREED', value: (r) => `${r.agreed.length} of ${r.needed}` },
      { title: 'ROLES', value: (r) => r.approvers.join(' or ') },
      { title: 'EXPIRES', value: (r) => r.expires_at },
      { title: 'REASON', value: (r) => r.reason },
    ],
    state === 'pending' ? 'nothing waits for a person' : `no ${state} requests`,
  );
}

/** `crew approvals approve|reject` */
export async function decide(id: string, decision: 'approve' | 'reject', command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const options = command.opts<{
    by: string;
    note?: string;
    args?: string;
    for?: string;
    allow?: readonly string[];
    uses?: number;
  }>();
  if (options.for === undefined && (options.allow !== undefined || options.uses !== undefined))
    throw new InvalidInput('--allow and --uses need --for: say for how long, as in --for 1h');
  const sticky =
    options.for === undefined
      ? undefined
      : {
          for_seconds: parseDuration(options.for) / 1000,
          allow: parsePairs('--allow', options.allow ?? []),
          uses: options.uses ?? null,
        };
  await using desk = await context.desk('operate');
  const row = await desk.decide({
    id,
    decision,
    by: options.by,
    note: options.note,
    key: process.env[KEY],
    args: options.args === undefined ? undefined : parseArgs(options.args),
    sticky,
  });
  if (output.json) return printJson(output, row);
  const { state, tool, args, edited_args: edited, needed, agreed, decided_by: by } = row;
  const call = `${tool} ${JSON.stringify(edited ?? args)}`;
  if (state === 'pending') output.write(`${agreed.length} of ${needed} agreed  ${call}\n`);
  else output.write(`${state}  ${call} (by ${by ?? options.by})\n`);
}

/** `crew approvals standing` */
export async function standing(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const rows = await desk.standingApprovals();
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'STATE', value: (r) => r.state },
      { title: 'TOOL', value: (r) => r.tool },
      { title: 'CALLER', value: (r) => r.caller },
      { title: 'ARGUMENTS', value: (r) => JSON.stringify(r.pattern), max: 60 },
      { title: 'LEFT', value: (r) => (r.uses_left === null ? 'any' : r.uses_left), right: true },
      { title: 'EXPIRES', value: (r) => r.expires_at },
      { title: 'BY', value: (r) => r.granted_by.join(', ') },
    ],
    'no approval covers further calls',
  );
}

/** `crew approvals revoke` */
export async function revoke(id: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { by } = command.opts<{ by: string }>();
  await using desk = await context.desk('operate');
  const revoked = await desk.revokeApproval({ id, by, key: process.env[KEY] });
  if (output.json) printJson(output, revoked);
  else output.write(`${revoked.id} is revoked (by ${revoked.revoked_by})\n`);
}

function parseArgs(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidInput(`--args is not JSON: ${errorMessage(error)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidInput(`--args is an object of arguments, not ${text}`);
  return Object.fromEntries(Object.entries(value));
}
