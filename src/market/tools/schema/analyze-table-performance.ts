import { z } from 'zod';
import { statistics } from '../../jobs/checks/statistics.ts';
import { measuredNow } from '../shared/provenance.ts';
import { requireTable } from '../shared/tables.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'analyze_table_performance',
  aliases: ['recommend_index_creation', 'recommend_partitioning'],
  title: 'Query times of a table',
  toolset: 'schema',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Times the queries that readers make on one table (count, newest rows, one hour by time) several times and gives the measured milliseconds with advice on compaction when they exceed the thresholds.',
  input: z.strictObject({
    table: z.string().min(1).max(120).describe('Isolated table, as in btcusdt_binance_futures_trades'),
    repeats: z.number().int().min(1).max(20).default(3).describe('How often each query is timed'),
  }),
  output: z.object({
    table: z.string(),
    queries: z.array(z.object({ name: z.string(), median_ms: measure.milliseconds, worst_ms: measure.milliseconds })),
    level: z.enum(['ok', 'warning', 'critical']),
    recommendations: z.array(z.string()),
  }),
  examples: [{ title: 'Bitcoin trades', input: { table: 'btcusdt_binance_futures_trades' } }],
  timeoutMs: 60_000,
  summary: (output) =>
    `${output.table}: ${output.level}, slowest ${Math.max(...output.queries.map((q) => q.worst_ms)).toFixed(1)} ms.`,
  run: async (input, { services, clock, signal }) => {
    await requireTable(services, input.table);
    const time = input.table.includes('_candles') ? 'open_time' : 'event_time';
    const table = `"${input.table.replaceAll('"', '""')}"`;
    const statements = [
      ['count', `SELECT count(*) FROM ${table}`],
      ['newest 100 rows', `SELECT * FROM ${table} ORDER BY ${time} DESC LIMIT 100`],
      [
        'last hour',
        `SELECT count(*), min(${time}), max(${time}) FROM ${table} WHERE ${time} > (SELECT max(${time}) FROM ${table}) - INTERVAL 1 HOUR`,
      ],
    ] as const;
    const queries = [];
    for (const [name, sql] of statements) {
      const times: number[] = [];
      for (let i = 0; i < input.repeats; i++) {
        const start = clock.monotonicMs();
        await services.store.read(sql, [], signal);
        times.push(clock.monotonicMs() - start);
      }
      const { median, max } = statistics(times);
      queries.push({ name, median_ms: median ?? 0, worst_ms: max ?? 0 });
    }
    const limits = services.config.operations.tables;
    const slowest = Math.max(...queries.map((q) => q.median_ms));
    const level: 'ok' | 'warning' | 'critical' =
      slowest > limits.query_critical_ms ? 'critical' : slowest > limits.query_warning_ms ? 'warning' : 'ok';
    const recommendations =
      level === 'ok'
        ? []
        : [
            `the slowest query takes ${slowest.toFixed(0)} ms: move finished days to Parquet (optimize_schema)`,
            'the isolated views filter one hot table by its series; an index on them does not help DuckDB scans',
          ];
    return {
      data: { table: input.table, queries, level, recommendations },
      provenance: measuredNow(clock, input.table),
    };
  },
});
