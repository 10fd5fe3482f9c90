import { z } from 'zod';
import type { Ms } from '../../../kit/clock.ts';
import { measure } from '../../domain/measure.ts';
import type { MarketServices } from '../../services.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'change_retention_policy',
  title: 'Change how long rows are kept',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Decides after how many days finished days may be deleted (apply_retention) and, at two thirds of it, moved away (archive_data); without a number the configured market.storage.retention_days again. In force at once and after a restart. It deletes nothing by itself, but what is older than a shorter policy goes with the next apply_retention. Needs approval.',
  input: z.strictObject({
    days: z.number().int().min(1).max(3650).optional().describe('Days to keep, 1 to 3650; as configured when left out'),
    reason,
  }),
  output: z.object({
    before: measure.days,
    after: measure.days,
    configured: measure.days,
    files_beyond: z.number().describe('Count of files of finished days that are older than the new policy'),
    bytes_beyond: measure.bytes,
  }),
  examples: [
    { title: 'Two weeks', input: { days: 14, reason: 'the disk is small' } },
    { title: 'As configured', input: { reason: 'the disk was replaced' } },
  ],
  preview: (input, { services, clock }) => outcome(input.days, services, clock.now()),
  summary: ({ before, after }) => `Rows are kept for ${after} days; before, for ${before}.`,
  run: async (input, { services, clock, events, caller }) => {
    const data = await outcome(input.days, services, clock.now());
    const value = input.days === undefined ? null : { days: input.days };
    await services.settings.set('retention', value, { by: caller, reason: input.reason, clock, events });
    return { data, provenance: measuredNow(clock, 'desk_settings') };
  },
});

async function outcome(
  days: number | undefined,
  { settings, store }: Pick<MarketServices, 'settings' | 'store'>,
  now: Ms,
): Promise<{ before: number; after: number; configured: number; files_beyond: number; bytes_beyond: number }> {
  const configured = settings.configured.storage.retention_days;
  const after = days ?? configured;
  const beyond = await store.archivable({ now: now * 1000, days: after });
  const before = settings.retentionDays;
  return { before, after, configured, files_beyond: beyond.files, bytes_beyond: beyond.bytes };
}
