import { resolve } from 'node:path';
import type { Clock, Timer } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { OpsRows } from '../../kit/ops.ts';
import { createBackup, type BackupReport } from '../backup/create.ts';
import { backupTime, listBackupIds } from '../backup/manifest.ts';
import type { Runtime } from './contract.ts';

const HOUR_MS = 3_600_000;
/** A desk that has no backup yet makes the first one after this time. */
const FIRST_MS = 600_000;

/** A backup as configured, told as an event and in the operations tables. */
export async function backupRuntime(
  runtime: Runtime,
  options: { readonly clock: Clock; readonly dataDir: string; readonly tape?: boolean | undefined },
): Promise<BackupReport> {
  const { operations, market, config } = runtime;
  const { clock, dataDir } = options;
  const { dir, keep, tape } = config.system.backup;
  const folder = resolve(dataDir, dir);
  try {
    const report = await createBackup({
      dataDir,
      folder,
      ops: operations.db,
      store: market.store,
      clock,
      tape: options.tape ?? tape,
      keep,
    });
    const { id, files, bytes, market_rows, ops_rows, deleted } = report;
    operations.bus.emit('backup.created', {
      id,
      folder: report.folder,
      files,
      bytes,
      market_rows,
      ops_rows,
      deleted: [...deleted],
    });
    await operations.store.insert('agent_actions', operatorAction('create_backup', clock, report));
    return report;
  } catch (error) {
    operations.bus.emit('backup.failed', { folder, error: errorMessage(error) });
    throw error;
  }
}

/** What a person, or the desk itself, did to its files. */
export function operatorAction(action: string, clock: Clock, details: object): OpsRows['agent_actions'] {
  return {
    timestamp: clock.now(),
    agent_id: 'operator',
    agent_role: 'operator',
    action_type: action,
    action_category: 'system_config',
    target_entity: null,
    target_id: null,
    action_details: { ...details },
    decision_rationale: null,
    outcome: 'success',
    error_message: null,
    duration_ms: null,
    context: null,
  };
}

/** Makes backups while the desk runs, counted from the newest one that there is; a failed one is tried an hour later. */
export async function scheduleDeskBackups(
  runtime: Runtime,
  options: { readonly clock: Clock; readonly log: Logger; readonly dataDir: string },
): Promise<AsyncDisposable> {
  const { clock, log, dataDir } = options;
  const { dir, every_hours: hours } = runtime.config.system.backup;
  const [newest] = await listBackupIds(resolve(dataDir, dir));
  let timer: Timer | undefined;
  let closed = false;
  let running: Promise<void> = Promise.resolve();
  const plan = (ms: number): void => {
    if (!closed) timer = clock.schedule(Math.max(1000, ms), () => void (running = turn()));
  };
  const turn = async (): Promise<void> => {
    try {
      await backupRuntime(runtime, { clock, dataDir });
      plan(hours * HOUR_MS);
    } catch (error) {
      log.error('backup.failed', { error: errorMessage(error) });
      plan(HOUR_MS);
    }
  };
  plan(newest === undefined ? FIRST_MS : Math.max(FIRST_MS, backupTime(newest) + hours * HOUR_MS - clock.now()));
  return {
    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.cancel();
      await running;
    },
  };
}
