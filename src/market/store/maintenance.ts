import { InvalidInput, NotFound, Unsupported } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { Stream } from '../domain/records.ts';
import { TIMEFRAMES } from './contract.ts';
import type { StoreIndex } from './contract.ts';
import { runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import { MarksPlan } from './marks.ts';
import { literal, quoted } from './names.ts';
import { ROW_COLUMNS, hotTable, streamView } from './schema.ts';

/** Indexes on hot tables that were made on request; the program itself needs none. */
export async function listIndexes(core: StoreCore): Promise<readonly StoreIndex[]> {
  const rows = await core.db.all(
    "SELECT index_name, table_name, expressions FROM duckdb_indexes() WHERE schema_name = 'hot' AND database_name = current_database() ORDER BY index_name",
  );
  return rows.map((row) => ({
    name: String(row['index_name']),
    stream: core.registry.table(String(row['table_name']) as Stream).stream,
    columns: String(row['expressions'])
      .replaceAll(/[[\]'" ]/g, '')
      .split(','),
  }));
}

/**
 * Makes an index on the hot rows of a stream, `series_id` first, since every reader names a series. Throws InvalidInput
 * for a column that the stream has not. Gives whether it was made now (an equal one may be there).
 */
export async function createIndex(
  core: StoreCore,
  stream: Stream,
  columns: readonly string[],
): Promise<StoreIndex & { readonly created: boolean }> {
  const table = core.registry.table(stream);
  const known = ['id', ...ROW_COLUMNS, ...table.stored.map((column) => column.name)];
  for (const column of columns) {
    if (!known.includes(column))
      throw new InvalidInput(`${stream} has no column '${column}'${didYouMean(column, known)}: ${known.join(', ')}`);
  }
  const all = ['series_id', ...columns];
  const index = { name: `idx_${stream}_${columns.join('_')}`, stream, columns: all };
  if ((await listIndexes(core)).some((held) => held.name === index.name)) return { ...index, created: false };
  await core.db.run(`CREATE INDEX ${quoted(index.name)} ON ${hotTable(table)} (${all.map(quoted).join(', ')})`);
  return { ...index, created: true };
}

/** Throws NotFound with the nearest when there is no such index. */
export async function dropIndex(core: StoreCore, name: string): Promise<void> {
  const names = (await listIndexes(core)).map((index) => index.name);
  if (!names.includes(name))
    throw new NotFound(
      `there is no index '${name}'${didYouMean(name, names)}; there are ${names.join(', ') || 'none'}`,
    );
  await core.db.run(`DROP INDEX hot.${quoted(name)}`);
}

const ALWAYS = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };

const SUFFIX = new RegExp(`^(.+)_(cleaned|normalized|${TIMEFRAMES.slice(1).join('|')})$`);

/** What a derived view shows: its table in the schema `derived` and which rows of it are its own. */
function derivedPart(core: StoreCore, name: string): { readonly table: string; readonly where: string } {
  const [, base = '', kind = ''] = SUFFIX.exec(name) ?? [];
  if (kind === '') {
    if (core.registry.all().some((series) => series.name === name))
      throw new Unsupported(
        `${name} holds what the venue said: it is never dropped. quarantine_data sets rows apart, apply_retention deletes finished days by age, archive_data moves them away`,
      );
    const names = core.registry.all().flatMap((series) => [series.name, `${series.name}_cleaned`]);
    throw new NotFound(`there is no table '${name}'${didYouMean(name, names)}`);
  }
  const series = core.registry.byName(base);
  const own = `series_id = ${series.id}`;
  if (kind === 'cleaned' || kind === 'normalized') return { table: `derived.${kind}_${series.key.stream}`, where: own };
  if (series.key.stream !== 'candles') throw new NotFound(`${base} has no bars: only candles are aggregated`);
  return { table: 'derived.candles', where: `${own} AND "interval" = ${literal(kind)}` };
}

/** Rows that `dropDerived` would delete. Throws Unsupported for a table of raw rows, NotFound for an unknown one. */
export async function derivedRows(core: StoreCore, name: string): Promise<number> {
  const { table, where } = derivedPart(core, name);
  const views = await core.db.all(
    'SELECT 1 FROM duckdb_views() WHERE NOT internal AND database_name = current_database() AND view_name = ?',
    [name],
  );
  if (views.length === 0) throw new NotFound(`${name} was not written yet, or was dropped`);
  const [row] = await core.db.all(`SELECT count(*) AS n FROM ${table} WHERE ${where}`);
  return Number(row?.['n']);
}

/** Deletes the rows of a derived table (`…_cleaned`, `…_normalized`, bars) and its view. Gives the rows deleted. */
export async function dropDerived(core: StoreCore, name: string): Promise<number> {
  await derivedRows(core, name);
  const { table, where } = derivedPart(core, name);
  const marks = new MarksPlan(core);
  // With the cleaned copy goes what filled the holes: they are missing again.
  const filled = table.startsWith('derived.cleaned_') ? core.registry.byName(name.replace(/_cleaned$/, '')) : undefined;
  if (filled !== undefined) marks.cut(filled.id, 'interpolated', ALWAYS);
  const [deleted] = await runAll(core.db, [
    `DELETE FROM ${table} WHERE ${where}`,
    `DROP VIEW ${quoted(name)}`,
    ...marks.statements(),
  ]);
  marks.done();
  return deleted?.changed ?? 0;
}

/** Makes the views of all series and streams anew from their definitions. Gives how many. */
export async function rebuildViews(core: StoreCore): Promise<number> {
  const { registry, days } = core;
  const series = registry.all().flatMap((one) => days.viewStatements(one).slice(0, 1));
  const streams = [...new Set(registry.all().map((one) => one.table))].map((table) =>
    streamView(table, days.streamSource(table.stream)),
  );
  const statements = [...series, ...streams];
  if (statements.length > 0) await runAll(core.db, statements);
  return statements.length;
}
