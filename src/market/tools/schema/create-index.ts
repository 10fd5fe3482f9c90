import { z } from 'zod';
import { reason, stream } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'create_index',
  title: 'Create an index',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Makes an index on the rows of a stream that are still in the database file, the series first, for look-ups of single rows by exact values. Needs approval: it slows down storing and takes space, and time ranges gain nothing (zone maps serve them), so measure with analyze_table_performance before and after. modify_schema drops it again.',
  input: z.strictObject({
    stream,
    columns: z
      .array(z.string().regex(/^[a-z][a-z0-9_]{0,60}$/))
      .min(1)
      .max(3)
      .describe('Columns of the stream after the series, as in trade_id; one to three'),
    reason,
  }),
  output: z.object({
    index: z.string(),
    columns: z.array(z.string()),
    created: z.boolean(),
    duration_ms: measure.milliseconds,
    database_bytes_before: measure.bytes,
    database_bytes_after: measure.bytes,
  }),
  examples: [
    {
      title: 'Trades by their id',
      input: { stream: 'trades', columns: ['trade_id'], reason: 'look-ups by id are slow' },
    },
  ],
  timeoutMs: 600_000,
  preview: async (input, { services }) => ({
    index_on: input.stream,
    columns: input.columns,
    indexes: (await services.store.indexes()).map((index) => index.name),
  }),
  summary: (output) =>
    output.created
      ? `${output.index} made in ${output.duration_ms.toFixed(0)} ms.`
      : `${output.index} was there already.`,
  run: async (input, { services: { store }, clock }) => {
    const before = await store.storage();
    const start = clock.monotonicMs();
    const index = await store.createIndex(input.stream, input.columns);
    const duration = clock.monotonicMs() - start;
    const after = await store.storage();
    return {
      data: {
        index: index.name,
        columns: [...index.columns],
        created: index.created,
        duration_ms: duration,
        database_bytes_before: before.database_bytes + before.wal_bytes,
        database_bytes_after: after.database_bytes + after.wal_bytes,
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
