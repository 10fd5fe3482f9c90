import { z } from 'zod';
import { measureTables } from '../../jobs/schema-health.ts';
import { limit } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { showTable, tableHealthShape } from '../shared/tables.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_all_tables_health',
  aliases: ['monitor_all_tables'],
  title: 'Health of all tables',
  toolset: 'schema',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'ops',
  description:
    'Judges every table by size and growth and the file by fragmentation, writes the measurements to schema_health_metrics, and gives totals, what is urgent, and the tables that are not healthy.',
  input: z.strictObject({ limit: limit(20, 500) }),
  output: z.object({
    total: measure.count,
    healthy: measure.count,
    empty: measure.count,
    warning: measure.count,
    critical: measure.count,
    total_rows: measure.count,
    fragmentation_percent: measure.percent,
    recommend_vacuum: z.boolean(),
    urgent: z.array(z.string()),
    tables: z.array(tableHealthShape),
  }),
  examples: [{ title: 'All', input: {} }],
  timeoutMs: 60_000,
  summary: (output) =>
    `${output.healthy} of ${output.total} tables healthy, ${output.warning} warning, ${output.critical} critical; ${output.fragmentation_percent.toFixed(1)} % of the file is free.`,
  run: async (input, { services, clock }) => {
    const { tables, storage, urgent } = await measureTables(services, undefined, true);
    const count = (status: string): number => tables.filter((t) => t.status === status).length;
    const rank = ['critical', 'warning', 'healthy', 'empty'];
    const worst = [...tables].sort((a, b) => rank.indexOf(a.status) - rank.indexOf(b.status) || b.rows - a.rows);
    return {
      data: {
        total: tables.length,
        healthy: count('healthy'),
        empty: count('empty'),
        warning: count('warning'),
        critical: count('critical'),
        total_rows: tables.reduce((sum, t) => sum + t.rows, 0),
        fragmentation_percent: storage.fragmentation_percent,
        recommend_vacuum:
          storage.fragmentation_percent > services.config.operations.tables.fragmentation_warning_percent,
        urgent: [...urgent],
        tables: worst.slice(0, input.limit).map(showTable),
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
