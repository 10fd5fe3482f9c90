import type { SqlRow, Statement, StatementResult } from '../../infra/duckdb/database.ts';
import type { CoverageBatch } from '../domain/coverage.ts';
import { marketKey, type Stream } from '../domain/records.ts';
import type { TapePosition } from '../domain/tape.ts';
import type { StagedBatch } from './batch.ts';
import type { IngestResult } from './contract.ts';
import type { StoreCore } from './core.ts';
import { planCoverage } from './coverage.ts';
import { planIngest, positionStatements, type IngestPlan } from './ingest.ts';
import { afterThaw, thawReplaced, type Thawed } from './thaw.ts';

type TableResult = IngestResult['tables'][number];

/** Records in columns, and how many were given of each stream. */
export interface StagedRecords {
  readonly batches: readonly StagedBatch[];
  readonly given: ReadonlyMap<Stream, number>;
}

/** The statements that store batches, and where each batch's counts are among their results. */
export interface BatchPlan {
  readonly statements: readonly Statement[];
  readonly counters: readonly (Pick<IngestPlan, 'stored' | 'repeats'> | null)[];
  /** Finished days that come back with them: `afterThaw` when all has gone through. */
  readonly thawed: Thawed;
}

/** Stores batches, their steps of the ledger and the tape position in one transaction. The series must be registered. */
export async function storeBatches(
  core: StoreCore,
  staged: StagedRecords,
  position: TapePosition | null,
  coverage: CoverageBatch,
): Promise<IngestResult> {
  const ledger = await planCoverage(core, coverage);
  const plan = await planBatches(core, staged.batches);
  const statements = [...plan.statements, ...ledger.statements];
  if (position !== null) statements.push(...positionStatements(position));
  const results = statements.length === 0 ? [] : await core.db.transaction(statements);
  await afterThaw(core, plan.thawed);
  ledger.done();
  const tables = tablesOf(core, staged, plan, results);
  reportTables(core, tables);
  return { tables };
}

export async function planBatches(core: StoreCore, batches: readonly StagedBatch[]): Promise<BatchPlan> {
  const statements: Statement[] = [];
  const counters: BatchPlan['counters'][number][] = [];
  let thawed: Thawed = { statements: [], days: core.days, files: [] };
  for (const batch of batches) {
    if (batch.staged === 0) {
      counters.push(null);
      continue;
    }
    for (const [seriesId, own] of batch.days) core.changedDays.note(seriesId, own);
    const before = thawed.statements.length;
    if (!thawed.days.empty) thawed = await thawReplaced(core, batch, thawed);
    statements.push(...thawed.statements.slice(before).map((sql) => ({ sql })));
    const held = {
      days: daysTouched(core, batch, thawed.days),
      quarantined: (core.quarantined.get(batch.table.stream) ?? 0) > 0,
    };
    const plan = planIngest(batch, held, statements.length);
    const repeats = plan.repeats === null ? null : statements.length + plan.repeats;
    counters.push({ stored: statements.length + plan.stored, repeats });
    statements.push(...plan.statements);
  }
  return { statements, counters, thawed };
}

function daysTouched(core: StoreCore, batch: StagedBatch, days: StoreCore['days']): string | null {
  if (days.empty) return null;
  return days.sourceOf(
    [...batch.days].map(([seriesId, own]) => [core.registry.byId(seriesId)?.name ?? '', own] as const),
  );
}

/** What became of each batch, by the results of the plan's statements. */
export function tablesOf(
  core: StoreCore,
  { batches, given }: StagedRecords,
  { counters }: BatchPlan,
  results: readonly StatementResult[],
): TableResult[] {
  return batches.map((batch, i) => {
    const at = counters[i];
    const rows = at === null || at === undefined ? 0 : (results[at.stored]?.changed ?? 0);
    const repeats = at?.repeats == null ? [] : (results[at.repeats]?.rows ?? []);
    const { stream } = batch.table;
    const rejected = batch.rejected.length;
    if (rejected > 0) {
      const { exchange, market, symbol } = batch.rejected[0] ?? {};
      core.log.warn('store.records_rejected', { stream, rejected, exchange, market, symbol });
    }
    return {
      stream,
      rows,
      duplicates: (given.get(stream) ?? 0) - rejected - rows,
      repeats: at?.repeats == null ? [] : byMarket(core, batch, repeats),
      rejected,
      firstEventTime: rows === 0 ? null : batch.firstEventTime,
      lastEventTime: rows === 0 ? null : batch.lastEventTime,
    };
  });
}

/** Repeats of a batch and of what was held before it, a venue market each. */
function byMarket(core: StoreCore, batch: StagedBatch, held: readonly SqlRow[]): TableResult['repeats'] {
  const markets = new Map<string, TableResult['repeats'][number]>();
  const before = held.map((row) => [Number(row['series_id']), Number(row['rows'])] as const);
  for (const [seriesId, rows] of [...batch.repeats, ...before]) {
    const series = core.registry.byId(seriesId);
    if (series === undefined) continue;
    const { exchange, market } = series.key;
    const key = marketKey(exchange, market);
    markets.set(key, { exchange, market, rows: rows + (markets.get(key)?.rows ?? 0) });
  }
  return [...markets.values()];
}

/** Tells what was stored, once it is. */
export function reportTables(core: StoreCore, tables: readonly TableResult[]): void {
  for (const table of tables) {
    core.events.emit(
      'data.received',
      {
        stream: table.stream,
        table: table.stream,
        rows: table.rows,
        first_event_time_us: table.firstEventTime,
        last_event_time_us: table.lastEventTime,
        duplicates: table.duplicates,
        repeats: [...table.repeats],
      },
      { source: 'store' },
    );
  }
}
