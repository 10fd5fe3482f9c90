import { z } from 'zod';
import { SETTING_NAMES } from '../../jobs/desk-settings.ts';
import { isoTime } from '../shared/fields.ts';
import { isoOfMs, measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'get_desk_settings',
  title: 'Settings changed while running',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'What the desk changed of its own configuration and keeps over restarts: validation and interpolation rules, quarantine policy, anomaly thresholds, disabled markets, REST limits, how the collectors commit and fetch holes, how long rows are kept, trading signals; who changed each last, when and why.',
  input: z.strictObject({}),
  output: z.object({
    settings: z.array(
      z.object({
        name: z.string(),
        value: z.unknown(),
        changed_at: isoTime,
        changed_by: z.string().nullable(),
        reason: z.string().nullable(),
      }),
    ),
  }),
  examples: [{ title: 'All settings', input: {} }],
  summary: ({ settings }) => {
    const changed = settings.filter((s) => s.changed_by !== null).map((s) => s.name);
    return changed.length === 0 ? 'Everything is as configured.' : `Changed while running: ${changed.join(', ')}.`;
  },
  run: async (_, { services: { settings }, clock }) => ({
    data: {
      settings: SETTING_NAMES.map((name) => {
        const source = settings.sourceOf(name);
        return {
          name,
          value: settings.settings[name],
          changed_at: source === null ? null : isoOfMs(source.changed_at),
          changed_by: source?.changed_by ?? null,
          reason: source?.reason ?? null,
        };
      }),
    },
    provenance: measuredNow(clock, 'desk_settings'),
  }),
});
