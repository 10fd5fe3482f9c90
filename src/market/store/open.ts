import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { saysDamaged } from '../../infra/duckdb/damage.ts';
import { Database } from '../../infra/duckdb/database.ts';
import type { Clock } from '../../kit/clock.ts';
import { Corrupt, NotFound, Unavailable, Unsupported, errorMessage } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { MarketConfig } from '../config.ts';
import type { MarketStore } from './contract.ts';
import { ChangedDays } from './changed-days.ts';
import { COVERAGE_STATEMENTS, readTails } from './coverage.ts';
import { PARQUET_FOLDER, WORK_FOLDER, numberOrNull, runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import { adoptDays, reconcileDays } from './day-files.ts';
import { Days } from './days.ts';
import { readEverything } from './damage.ts';
import { DELETION_STATEMENTS, readDeletions } from './deleted.ts';
import { LEFT_OVER_STATEMENTS, removeLeftOvers } from './left-overs.ts';
import { derivedTables, derivedUpgrades } from './derived.ts';
import { DuckMarketStore } from './market-store.ts';
import { readMarks } from './marks.ts';
import { DATABASE_FILE, literal, sqlTime } from './names.ts';
import { Registry } from './registry.ts';
import { FORMAT_VERSION, createStatements, readDays, seriesView, streamView } from './schema.ts';
import { tables } from './tables/catalogue.generated.ts';

/** A file up to this size is read whole when it is opened. */
const VERIFIED_BYTES = 32 * 1024 * 1024;

export { DATABASE_FILE } from './names.ts';

/** What opening the market database needs. */
export interface OpenStoreOptions {
  readonly dataDir: string;
  readonly config: MarketConfig['storage'];
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  /** For commands while no controller runs: nothing is created, repaired or written. */
  readonly readOnly?: boolean | undefined;
}

/** The store, and what had to be done to open it. */
export interface OpenedStore {
  readonly store: MarketStore;
  /** The database is new because the old one was damaged: the caller replays the tape from its beginning. */
  readonly rebuilt: boolean;
  /** The database is new, whatever the reason; its tape position is null. */
  readonly created: boolean;
  /** Where the damaged file lies now; null when there was none. */
  readonly damaged: string | null;
}

/**
 * Opens `<dataDir>/streaming_data.duckdb`, creating it when there is none. A damaged file is set aside as
 * `….damaged-<UTC time>` and a new one created, with the finished days of the Parquet folder taken over.
 * Throws Conflict when another process has it, NotFound when it is to be read and is not there, Unsupported for a
 * format of a later version, Unavailable (retryable) when the disk does not let it.
 */
export async function openMarketStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const dataDir = resolve(options.dataDir);
  const path = join(dataDir, DATABASE_FILE);
  if (options.readOnly === true) return openForReading({ ...options, dataDir }, path);
  await prepareFolders(dataDir, path);
  let damaged: string | null = null;
  if (existsSync(`${path}.suspect`)) {
    damaged = await setAside(path, options, 'it was found damaged while it was used');
  }
  try {
    return await openForWriting({ ...options, dataDir }, path, damaged);
  } catch (error) {
    if (!(error instanceof Corrupt)) throw error;
    damaged = await setAside(path, options, error.message);
    return openForWriting({ ...options, dataDir }, path, damaged);
  }
}

async function prepareFolders(dataDir: string, path: string): Promise<void> {
  try {
    await mkdir(join(dataDir, PARQUET_FOLDER), { recursive: true });
    await rm(join(dataDir, WORK_FOLDER), { recursive: true, force: true });
    await mkdir(join(dataDir, WORK_FOLDER), { recursive: true });
    // A rewrite was interrupted: one of the two names holds the whole file.
    if (!existsSync(path) && existsSync(`${path}.before`)) await rename(`${path}.before`, path);
    await rm(`${path}.before`, { force: true });
  } catch (error) {
    throw new Unavailable(`the data folder ${dataDir} cannot be written: ${errorMessage(error)}`, { cause: error });
  }
}

async function setAside(path: string, options: OpenStoreOptions, reason: string): Promise<string> {
  const time = new Date(options.clock.now()).toISOString().replaceAll(/[:.]/g, '-');
  const aside = `${path}.damaged-${time}`;
  if (existsSync(path)) await rename(path, aside);
  if (existsSync(`${path}.wal`)) await rename(`${path}.wal`, `${aside}.wal`);
  await rm(`${path}.suspect`, { force: true });
  options.log.error('store.damaged', { database: path, set_aside: aside, reason });
  options.events.emit('system.recovered', {
    what: 'market database',
    action: 'set aside; a new one is rebuilt from the tape',
    lost: null,
    details: { damaged: aside, reason },
  });
  return aside;
}

function openDatabase(options: OpenStoreOptions, path: string): Promise<Database> {
  const { dataDir } = options;
  return Database.open({
    path,
    readOnly: options.readOnly,
    memoryMb: options.config.memory_mb,
    mostMemoryMb: options.config.most_memory_mb,
    folders: [join(dataDir, PARQUET_FOLDER), join(dataDir, WORK_FOLDER)],
    onConnect: [`SET VARIABLE market_data = ${literal(dataDir)}`],
    onCheckpointFailed: (reason) => options.log.error('store.checkpoint_failed', { database: path, reason }),
  });
}

async function openForWriting(options: OpenStoreOptions, path: string, damaged: string | null): Promise<OpenedStore> {
  const db = await openDatabase(options, path);
  try {
    const created = await isEmpty(db);
    if (created) await create(db, options);
    else await checkFormat(db, path);
    if (!created && (await stat(path)).size <= VERIFIED_BYTES) await readEverything(db);
    await runAll(db, [
      ...COVERAGE_STATEMENTS,
      ...DELETION_STATEMENTS,
      ...LEFT_OVER_STATEMENTS,
      ...derivedUpgrades(tables),
    ]);
    const core = await loadCore(db, options);
    if (created) core.days = await adoptDays(core);
    else {
      await removeLeftOvers(core);
      core.days = await reconcileDays(core);
    }
    await refreshViews(core);
    return { store: new DuckMarketStore(core, false), rebuilt: damaged !== null, created, damaged };
  } catch (error) {
    await db.close();
    throw readError(path, error);
  }
}

/** A database that an older version of this program made has no ledger: then nothing is known of what it holds. */
async function openForReading(options: OpenStoreOptions, path: string): Promise<OpenedStore> {
  if (!existsSync(path)) throw new NotFound(`there is no market database at ${path} yet: start the collector first`);
  const db = await openDatabase(options, path);
  try {
    if (await isEmpty(db)) throw new NotFound(`the market database at ${path} is empty: start the collector first`);
    await checkFormat(db, path);
    const core = await loadCore(db, options);
    return { store: new DuckMarketStore(core, true), rebuilt: false, created: false, damaged: null };
  } catch (error) {
    await db.close();
    throw readError(path, error);
  }
}

/** DuckDB finds damage of a block when it reads it, not when it opens the file. */
function readError(path: string, error: unknown): unknown {
  if (!(error instanceof Unavailable) || !saysDamaged(error.message, path)) return error;
  return new Corrupt(`database ${path} cannot be read: ${error.message}`, { cause: error });
}

async function isEmpty(db: Database): Promise<boolean> {
  const [row] = await db.all(
    'SELECT count(*) AS n FROM duckdb_tables() WHERE NOT internal AND NOT temporary AND database_name = current_database()',
  );
  return Number(row?.['n']) === 0;
}

async function create(db: Database, options: OpenStoreOptions): Promise<void> {
  const statements = [
    ...createStatements(tables),
    ...derivedTables(tables),
    `INSERT INTO _format VALUES (${FORMAT_VERSION}, ${sqlTime(options.clock.now() * 1000)}, '')`,
  ];
  await runAll(db, [statements.join(';\n')]);
}

async function checkFormat(db: Database, path: string): Promise<void> {
  const found = await db.all("SELECT 1 FROM duckdb_tables() WHERE table_name = '_format' AND schema_name = 'main'");
  if (found.length === 0)
    throw new Unsupported(`${path} is not a market database of this program: choose another data folder`);
  const [row] = await db.all('SELECT version FROM _format');
  const version = numberOrNull(row?.['version']);
  if (version === FORMAT_VERSION) return;
  throw new Unsupported(
    `${path} has format ${version ?? 'unknown'}, this program writes format ${FORMAT_VERSION}: ` +
      (version !== null && version > FORMAT_VERSION
        ? 'use the newer program that wrote it'
        : 'move the file away, and it is rebuilt from the tape'),
  );
}

async function loadCore(db: Database, options: OpenStoreOptions): Promise<StoreCore> {
  const registry = new Registry(tables);
  await registry.load(db);
  const days = new Days(options.dataDir);
  for (const row of await db.all('SELECT * FROM _days')) {
    const series = registry.byName(String(row['table_name']));
    days.add(series.name, series.key.stream, {
      day: String(row['day']),
      file: String(row['file']),
      rows: Number(row['rows']),
      bytes: Number(row['bytes']),
      checksum: String(row['checksum']),
      first_event_time: numberOrNull(row['first_event_time']),
      last_event_time: numberOrNull(row['last_event_time']),
    });
  }
  const counts = await db.all(
    tables
      .map((table) => `SELECT '${table.stream}' AS stream, count(*) AS rows FROM quarantined.${table.stream}`)
      .join(' UNION ALL '),
  );
  const quarantined = new Map(counts.map((row) => [String(row['stream']), Number(row['rows'])]));
  const { clock, log, events, dataDir } = options;
  return {
    db,
    dataDir,
    archiveDir: resolve(dataDir, options.config.archive_dir),
    registry,
    clock,
    log: log.child({ part: 'store' }),
    events,
    quarantined,
    days,
    coverageTails: await readTails(db),
    deletions: await readDeletions(db),
    marks: await readMarks(db),
    changedDays: new ChangedDays(),
  };
}

/** Views are made anew when their text would differ: another program version, or another data folder. */
async function refreshViews(core: StoreCore): Promise<void> {
  const sample = tables.flatMap((table) => {
    const days = readDays(['x'], core.dataDir);
    return [seriesView('x', table, 1, days), streamView(table, days)];
  });
  const wanted = createHash('sha256').update(sample.join('\n')).digest('hex').slice(0, 16);
  const [row] = await core.db.all('SELECT views FROM _format');
  if (row?.['views'] === wanted) return;
  await runAll(core.db, [
    ...tables.map((table) => streamView(table, core.days.streamSource(table.stream))),
    ...core.registry
      .all()
      .map((series) => seriesView(series.name, series.table, series.id, core.days.source(series.name))),
    { sql: 'UPDATE _format SET views = ?', params: [wanted] },
  ]);
}
