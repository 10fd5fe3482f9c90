import { InvalidInput } from '../../kit/errors.ts';
import type { Us } from '../../kit/clock.ts';
import type { Aggregate, AggregateQuery } from './contract.ts';
import type { StoreCore } from './core.ts';
import { dayOf } from './days.ts';
import { quoted, sqlTime } from './names.ts';
import { hotTable, rowColumnList, rowValueList } from './schema.ts';
import type { Series } from './schema.ts';

const DAY_US = 86_400_000_000;

/** See `MarketStore.aggregates`. Throws NotFound for an unknown series, InvalidInput for series of several streams. */
export async function aggregatesOf(core: StoreCore, query: AggregateQuery): Promise<Aggregate[]> {
  const wanted = query.series.map((key) => core.registry.get(key));
  const [first] = wanted;
  if (first === undefined) return [];
  const { table } = first;
  if (wanted.some((series) => series.table !== table)) throw new InvalidInput('aggregates are of one stream at a time');
  const by = Object.entries(query.by ?? {});
  const rows = await core.db.all(
    `SELECT series_id, ${[...by, ...Object.entries(query.select)].map(named).join(', ')}
     FROM (SELECT *${Object.entries(query.each ?? {})
       .map((entry) => `, ${named(entry)}`)
       .join('')}
       FROM (${rowsOf(core, wanted, query)})
       WINDOW in_series AS (PARTITION BY series_id ORDER BY ${table.time}, seq NULLS FIRST, id))
     GROUP BY series_id${by.map(([, sql]) => `, ${sql}`).join('')}`,
  );
  return rows.flatMap(({ series_id: id, ...values }) => {
    const series = core.registry.byId(Number(id));
    return series === undefined ? [] : [{ series: series.key, values }];
  });
}

function named([name, sql]: readonly [string, string]): string {
  return `${sql} AS ${quoted(name)}`;
}

/** Stored rows of the series in the stretch, the hot ones and those of finished days. */
function rowsOf(core: StoreCore, wanted: readonly Series[], { from, to }: { from: Us; to: Us }): string {
  const [first] = wanted;
  if (first === undefined) return '';
  const { table } = first;
  const { time } = table;
  const within = `${time} >= ${sqlTime(from)} AND ${time} < ${sqlTime(to)}`;
  const columns = `series_id, id, ${rowColumnList(table)}`;
  const hot = `SELECT series_id, id, ${rowValueList(table)} FROM ${hotTable(table)}
    WHERE series_id IN (${wanted.map((series) => series.id).join(', ')}) AND ${within}`;
  const days = core.days.sourceOf(
    wanted.map(({ name }) => [
      name,
      core.days
        .of(name)
        .map(({ day }) => dayOf(day))
        .filter((day) => (day + 1) * DAY_US > from && day * DAY_US < to),
    ]),
  );
  if (days === null) return hot;
  return `${hot} UNION ALL SELECT ${columns} FROM ${days} JOIN
    (SELECT series_id, exchange, market_type AS market, symbol FROM _table_registry WHERE stream_type = '${table.stream}')
    USING (exchange, market, symbol) WHERE ${within}`;
}
