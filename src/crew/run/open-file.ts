import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../../infra/clock.ts';
import { Database } from '../../infra/duckdb/database.ts';
import { closeAll } from '../../kit/close.ts';
import { errorMessage } from '../../kit/errors.ts';
import { type Logger, silentLogger } from '../../kit/logger.ts';
import { openApprovals } from '../approval/approvals.ts';
import type { ApprovalOptions, Approvals } from '../approval/contract.ts';
import { lateApprovals } from '../approval/late.ts';
import { openAudit, type StoredAudit } from '../audit/log.ts';
import { auditApprovals, auditedLedger } from '../audit/watch.ts';
import { DuckDBSaver } from '../checkpoint/saver.ts';
import type { FlowStore } from '../flow/store.ts';
import { openFlowStore } from '../flow/stored.ts';
import { openLedger, type StoredLedger } from '../ledger/ledger.ts';
import { openProposals, type StoredProposals } from '../proposal/log.ts';
import type { CallLedger } from '../spend/call.ts';
import { openCallLedger } from '../spend/ledger.ts';
import type { EventSource } from './event-source.ts';
import { createRunStore, type RunStore } from './store.ts';

/** What requests to people need of their host. */
export type RequestParts = Omit<ApprovalOptions, 'db' | 'events'> & {
  readonly events: ApprovalOptions['events'] & EventSource;
};

/** What a host in code needs so that nothing of a run is lost with its process, in one file; each is one of its options. */
export interface RunsFile extends AsyncDisposable {
  /** The state of runs after every step. */
  readonly checkpointer: DuckDBSaver;
  /** The record of runs. */
  readonly store: RunStore;
  /** The record of runs of flows. */
  readonly flowStore: FlowStore;
  /** Effects that were begun and how they ended: a run that is taken up makes none twice. */
  readonly effects: StoredLedger;
  /** What was proposed in shadow mode. */
  readonly proposals: StoredProposals;
  /** Every decision, request and effect, each row chained by hash to the one before it. */
  readonly auditLog: StoredAudit;
  /** The account of model calls. */
  readonly ledger: CallLedger;
  /** Requests to people, for `host.approvals`. */
  readonly requests: (parts: RequestParts) => Approvals;
}

/**
 * Opens a DuckDB file, made when it is missing, for the options of a host: `crew.on(file)`. The journal in front of it
 * is the folder `<path>.journal`. One process at a time. Close it after the host. Throws Unavailable for a file that is
 * in use, Corrupt for a journal that is damaged before its end.
 */
export async function openRunsFile(options: {
  readonly path: string;
  /** Newest steps of each graph of a run that stay while it is at work. Default 200. */
  readonly keepSteps?: number | undefined;
  readonly log?: Logger | undefined;
}): Promise<RunsFile> {
  const { keepSteps = 200, log = silentLogger } = options;
  const path = resolve(options.path);
  await mkdir(dirname(path), { recursive: true });
  const db = await Database.open({ path });
  try {
    const clock = systemClock;
    const auditLog = await openAudit({ db, clock, log });
    const checkpointer = await DuckDBSaver.open(db, {
      clock,
      journal: `${path}.journal`,
      retention: { keep: keepSteps },
      onMoveFailed: (error) => log.error('checkpoints.move_failed', { error: errorMessage(error) }),
    });
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> =>
      closeAll(
        () => checkpointer[Symbol.asyncDispose](),
        () => auditLog.close(),
        () => db.close(),
      );
    return {
      checkpointer,
      store: await createRunStore(db),
      flowStore: await openFlowStore(db),
      effects: auditedLedger(await openLedger({ db, clock }), auditLog),
      proposals: await openProposals({ db, clock }),
      auditLog,
      ledger: await openCallLedger(db),
      requests: (parts) => {
        auditApprovals(parts.events, auditLog);
        return lateApprovals(openApprovals({ ...parts, db }));
      },
      [Symbol.asyncDispose]: () => (closed ??= close()),
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}
