import { z } from 'zod';
import { measure } from '../../domain/measure.ts';
import { optimizeStore } from '../../jobs/optimize.ts';
import { measuredNow } from './provenance.ts';
import { marketTool } from './tool.ts';

const optimisationShape = z.object({
  database_bytes_before: measure.bytes,
  database_bytes_after: measure.bytes,
  bytes_recovered: measure.bytes,
  days_written: measure.count,
  parquet_bytes_written: measure.bytes,
  rewritten: z.boolean(),
  analysed: z.boolean(),
  reason: z.string(),
  duration_ms: measure.milliseconds,
});

/** One sentence on what an optimisation gave back. */
function summaryOf(output: z.infer<typeof optimisationShape>): string {
  const { bytes_recovered: bytes, rewritten } = output;
  const file = rewritten ? 'the file was rewritten' : 'the file was left as it is';
  const came = bytes >= 0 ? `${bytes} bytes recovered` : `nothing recovered, it grew by ${-bytes} bytes meanwhile`;
  return `${output.days_written} finished day(s) moved to Parquet, ${file}: ${came} (${output.reason}).`;
}

const minimumGain = z
  .number()
  .min(0)
  .max(1)
  .optional()
  .describe('Share of the file, 0 to 1, that must come back before it is rewritten; the configured one when left out');

/** A tool that moves finished days to Parquet and rewrites the file when it pays; `analyse`: refreshes statistics too. */
export function optimisationTool(own: {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly title: string;
  readonly description: string;
  readonly analyse: boolean;
}) {
  const { analyse, ...named } = own;
  return marketTool({
    ...named,
    toolset: 'schema',
    category: 'system_config',
    access: 'WRITE',
    effects: 'effect',
    input: z.strictObject({ minimum_gain: minimumGain }),
    output: optimisationShape,
    examples: [{ title: 'As configured', input: {} }],
    timeoutMs: 600_000,
    preview: async (input, { services }) => {
      const { database_bytes, fragmentation_percent } = await services.store.storage();
      const gain = input.minimum_gain ?? services.config.storage.compact_minimum_gain;
      return { database_bytes, fragmentation_percent, rewrite: fragmentation_percent / 100 >= gain, analyse };
    },
    summary: summaryOf,
    run: async (input, { services, clock }) => ({
      data: await optimizeStore(services, {
        minimumGain: input.minimum_gain ?? services.config.storage.compact_minimum_gain,
        analyse,
      }),
      provenance: measuredNow(clock, 'store'),
    }),
  });
}
