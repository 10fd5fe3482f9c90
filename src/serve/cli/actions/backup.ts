import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../../infra/clock.ts';
import { loadDeskConfig } from '../../config.ts';
import { contextOf, type ActionContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { printJson, printTable } from '../print.ts';
import { parseSince } from './ops.ts';

const iso = (us: number | null): string => (us === null ? '–' : new Date(us / 1000).toISOString());

/** `crew tape prune` */
export async function tapePrune(command: Command): Promise<void> {
  const context = contextOf(command);
  const options = command.opts<{ olderThan: string; dryRun?: boolean }>();
  const before = parseSince(options.olderThan, systemClock.now());
  await using desk = await context.desk('operate');
  const report = await desk.pruneTape({ before, dry_run: options.dryRun === true });
  const { output } = context;
  if (output.json) return printJson(output, { ...report, from: iso(report.from), to: iso(report.to) });
  const verb = report.dry_run ? 'would be deleted' : 'deleted';
  output.write(
    report.segments === 0
      ? `nothing is that old: ${report.remaining_segments} segments, ${report.remaining_bytes} bytes\n`
      : `${report.segments} segments with ${report.items} items (${report.bytes} bytes) ${verb}, ${iso(report.from)} to ${iso(report.to)}; ${report.remaining_segments} segments stay. ${report.intervals} intervals of ${report.series} series are carried over.\n`,
  );
  if (report.days_only_in_database.length > 0)
    output.write(`days with rows that are in no day file yet: ${report.days_only_in_database.join(', ')}\n`);
}

/** `crew backup create` */
export async function backupCreate(command: Command): Promise<void> {
  const context = contextOf(command);
  const { tape } = command.opts<{ tape?: boolean }>();
  await using desk = await context.desk('operate');
  const report = await desk.createBackup({ tape });
  const { output } = context;
  if (output.json) return printJson(output, report);
  output.write(
    `${report.id}: ${report.files} files, ${report.bytes} bytes (${report.shared_bytes} shared with the one before), ${report.market_rows} market rows, ${report.ops_rows} rows of operations\n${report.folder}\n`,
  );
  for (const note of report.notes) output.write(`${note}\n`);
  if (report.deleted.length > 0) output.write(`deleted: ${report.deleted.join(', ')}\n`);
}

/** `crew backup ls` */
export async function backupList(command: Command): Promise<void> {
  const context = contextOf(command);
  const folder = await folderOf(context, command);
  const { backupTime, listBackupIds } = await import('../../backup/manifest.ts');
  const ids = await listBackupIds(folder);
  const rows = ids.map((id) => ({
    id,
    created_at: new Date(backupTime(id)).toISOString(),
    folder: resolve(folder, id),
  }));
  if (context.output.json) return printJson(context.output, rows);
  printTable(
    context.output,
    rows,
    [
      { title: 'ID', value: (row) => row.id },
      { title: 'CREATED', value: (row) => row.created_at },
      { title: 'FOLDER', value: (row) => row.folder },
    ],
    `no backups in ${folder}`,
  );
}

/** `crew backup verify` */
export async function backupVerify(id: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { backupFolder } = await import('../../backup/manifest.ts');
  const { verifyBackup } = await import('../../backup/check.ts');
  const report = await verifyBackup(await backupFolder(await folderOf(context, command), id));
  const { output } = context;
  if (output.json) printJson(output, report);
  else {
    output.write(`${report.id}: ${report.files} files, ${report.bytes} bytes: ${report.ok ? 'whole' : 'damaged'}\n`);
    for (const problem of report.problems) output.write(`${problem}\n`);
    for (const path of report.foreign) output.write(`${path} is not part of it: it came later, and is not restored\n`);
  }
  if (!report.ok) process.exitCode = EXIT.failed;
}

/** `crew backup restore` */
export async function backupRestore(id: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { backupFolder } = await import('../../backup/manifest.ts');
  const { restoreBackup } = await import('../../backup/restore.ts');
  const backupsDir = await folderOf(context, command);
  const report = await restoreBackup({
    backup: await backupFolder(backupsDir, id),
    dataDir: context.options.dataDir ?? 'data',
    backupsDir,
    force: command.opts<{ force?: boolean }>().force === true,
    now: systemClock.now(),
  });
  const { output } = context;
  if (output.json) return printJson(output, report);
  output.write(`${report.id} restored into ${report.data_dir}: ${report.files} files, ${report.bytes} bytes\n`);
  if (report.moved_to !== null) output.write(`what was there lies in ${report.moved_to}\n`);
}

async function folderOf(context: ActionContext, command: Command): Promise<string> {
  const { dir } = command.opts<{ dir?: string }>();
  if (dir !== undefined) return resolve(dir);
  return resolve(context.options.dataDir ?? 'data', (await loadDeskConfig(context.options)).system.backup.dir);
}
