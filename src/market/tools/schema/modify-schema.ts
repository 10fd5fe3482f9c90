import { z } from 'zod';
import { InvalidInput, Unsupported } from '../../../kit/errors.ts';
import type { MarketStore } from '../../store/contract.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const OPERATIONS = [
  'rebuild_views',
  'drop_index',
  'add_column',
  'drop_column',
  'rename_column',
  'change_type',
] as const;
type Operation = (typeof OPERATIONS)[number];

export default marketTool({
  name: 'modify_schema',
  title: 'Modify the schema',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Changes what may change in the schema of the market database: makes all views anew from their definitions, or drops an index that create_index made. Needs approval. Columns are the format of the program, of its finished days and of its tape: adding, dropping, renaming or retyping one is refused with the way that is open.',
  input: z.strictObject({
    operation: z.enum(OPERATIONS).describe('What to do'),
    target: z
      .string()
      .min(1)
      .max(140)
      .optional()
      .describe('Index or column that the operation is about; not needed to rebuild views'),
    reason,
  }),
  output: z.object({ operation: z.string(), changed: measure.count }),
  examples: [{ title: 'Views anew', input: { operation: 'rebuild_views', reason: 'a view shows old columns' } }],
  timeoutMs: 120_000,
  preview: async (input, { services: { store } }) => {
    refuseColumns(input.operation);
    return {
      operation: input.operation,
      target: input.target ?? null,
      indexes: (await store.indexes()).map((index) => index.name),
    };
  },
  summary: (output) => `${output.operation}: ${output.changed} changed.`,
  run: async (input, { services: { store }, clock }) => {
    refuseColumns(input.operation);
    const changed = input.operation === 'drop_index' ? await drop(store, input.target) : await store.rebuildViews();
    return { data: { operation: input.operation, changed }, provenance: measuredNow(clock, 'store') };
  },
});

function refuseColumns(operation: Operation): void {
  if (operation === 'rebuild_views' || operation === 'drop_index') return;
  throw new Unsupported(
    `${operation} is not done while the desk runs: columns belong to the format that database, finished days and tape share. A new column is added to the stream in src/market/domain/columns.ts, with a new format version; a computed one needs no change of the schema: write it in a query, or to a derived copy`,
  );
}

async function drop(store: MarketStore, target: string | undefined): Promise<number> {
  if (target === undefined) {
    const names = (await store.indexes()).map((index) => index.name);
    throw new InvalidInput(`drop_index needs 'target', the index; there are ${names.join(', ') || 'none'}`);
  }
  await store.dropIndex(target);
  return 1;
}
