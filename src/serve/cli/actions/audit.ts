import type { Command } from 'commander';
import { AUDIT_KINDS, type AuditKind } from '../../../crew/audit/rows.ts';
import { InvalidInput } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { paint, printJson, printTable } from '../print.ts';
import { parseSince } from './ops.ts';

/** `crew audit ls` */
export async function auditRows(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const options = command.opts<{
    kind: string;
    agent?: string;
    tool?: string;
    denied?: boolean;
    run?: string;
    since?: string;
    limit: number;
  }>();
  const kind = options.kind;
  if (!isKind(kind)) {
    throw new InvalidInput(`there are no audit rows of the kind '${kind}'${didYouMean(kind, AUDIT_KINDS)}`);
  }
  await using desk = await context.desk('inspect');
  const rows = await desk.audit({
    kind,
    agent: options.agent,
    tool: options.tool,
    runId: options.run,
    limit: options.limit,
    ...(options.denied === true ? { decision: 'denied' as const } : {}),
    ...(options.since === undefined ? {} : { since: parseSince(options.since, Date.now()) }),
  });
  if (output.json)
    return printJson(
      output,
      rows.map((row) => ({ id: String(row.seq), ...row })),
    );
  printTable(
    output,
    rows,
    [
      { title: 'SEQ', value: (r) => r.seq, right: true },
      { title: 'TIME', value: (r) => new Date(r.time).toISOString() },
      { title: 'KIND', value: (r) => r.kind },
      { title: 'WHO', value: (r) => r.caller },
      { title: 'WHAT', value: (r) => (r.tool === '' ? r.call_id : r.tool) },
      { title: 'DECISION', value: (r) => r.decision },
      { title: 'OUTCOME', value: (r) => (r.kind === 'call' ? r.outcome : '') },
      { title: 'RULE', value: (r) => r.rule },
    ],
    'no rows',
  );
}

/** `crew audit verify` */
export async function auditVerify(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { head } = command.opts<{ head?: string }>();
  await using desk = await context.desk('inspect');
  const report = await desk.verifyAudit({ head });
  if (!report.ok) process.exitCode = EXIT.failed;
  if (output.json) return printJson(output, report);
  for (const finding of report.findings) output.write(`${paint(output, 'red', finding.kind)}  ${finding.message}\n`);
  const more = report.findings_total - report.findings.length;
  if (more > 0) output.write(`and ${more} more\n`);
  const found = report.ok ? 'the chain holds' : `${report.findings_total} findings`;
  output.write(`${report.rows} rows, ${found}\nhead  ${report.head}\n`);
}

function isKind(kind: string): kind is AuditKind | 'all' {
  return kind === 'all' || AUDIT_KINDS.some((known) => known === kind);
}
