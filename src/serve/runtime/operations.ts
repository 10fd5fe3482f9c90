import { Database } from '../../infra/duckdb/database.ts';
import { closeAll } from '../../kit/close.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Redactor } from '../../kit/redact.ts';
import type { Logger } from '../../kit/logger.ts';
import {
  createOpsStore,
  EventBus,
  EventJournal,
  EventStream,
  openOpsDatabase,
  type OpsStoreHandle,
  pruneOps,
  scheduleBackups,
} from '../../events/index.ts';
import type { SystemConfig } from '../../crew/index.ts';
import { WorkCounts } from '../metrics/work.ts';
import { openTraces } from '../telemetry/traces.ts';
import { keepPruned } from './pruning.ts';

const BACKUP_EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** The operations half of a desk: its database, the journaled bus and the operations tables. */
export interface Operations extends AsyncDisposable {
  readonly db: Database;
  readonly bus: EventBus;
  readonly journal: EventJournal;
  readonly stream: EventStream;
  /** What crews have done since the process began. */
  readonly work: WorkCounts;
  readonly store: OpsStoreHandle;
}

/**
 * Opens the operations database (restoring it when damaged), the journal and the bus, and keeps verified copies while
 * open. Closing drains the bus first, then the database.
 */
export async function openOperations(options: {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
  /** Takes secrets out of events. */
  readonly redactor: Redactor;
  readonly system: Pick<SystemConfig, 'events' | 'observability'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called before the first event, so that handlers miss none. */
  readonly onBus: (bus: EventBus) => void;
}): Promise<Operations> {
  const { clock, log } = options;
  const { db, copies, recovered } = await openOpsDatabase(options);
  const journal = await EventJournal.open(db, { clock, log });
  const bus = new EventBus({
    clock,
    newId: options.newId,
    log,
    journal,
    source: 'controller',
    redactor: options.redactor,
  });
  const work = new WorkCounts();
  bus.on('*', work.hear);
  options.onBus(bus);
  const stream = new EventStream(bus, journal, clock);
  const traces = await openTraces({ ...options, observability: options.system.observability, source: bus });
  if (recovered !== null) bus.emit('system.recovered', recovered);
  const backups = scheduleBackups(db, copies, { clock, log, everyMs: BACKUP_EVERY_MS });
  const olderThanMs = options.system.events.retention_days * DAY_MS;
  const pruning = [
    keepPruned({ name: 'events', clock, log, work: () => journal.prune({ olderThanMs }) }),
    keepPruned({ name: 'ops', clock, log, work: () => pruneOps(db, { clock, olderThanMs }) }),
  ];
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    closeAll(
      ...pruning.map((work) => () => work[Symbol.asyncDispose]()),
      () => backups[Symbol.asyncDispose](),
      () => traces?.[Symbol.asyncDispose](),
      () => bus.close(),
      () => db.close(),
    );
  return {
    db,
    bus,
    journal,
    stream,
    work,
    store: createOpsStore(db, clock),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}
