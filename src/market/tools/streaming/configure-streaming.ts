import { z } from 'zod';
import { InvalidInput } from '../../../kit/errors.ts';
import { refusedFields } from '../../../kit/schema-issues.ts';
import { streamingChanges } from '../../config.ts';
import { withStreamingChanges, type DeskSettings, type Settings } from '../../jobs/desk-settings.ts';
import { reasonOr } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

type Changes = Settings['streaming'];

const NAMES = streamingChanges.keyof().options;

const input = z.strictObject({
  ...streamingChanges.shape,
  as_configured: z
    .boolean()
    .default(false)
    .describe('Whether what is not named goes back to market.collect of system.yaml'),
  reason: reasonOr('streaming configured'),
});
refusedFields.add(input, {
  forecast_interval: 'use forecast_interval_seconds',
  drift_check_interval: 'use drift_check_interval_seconds',
  auto_retrain: 'models are fitted anew for every forecast',
  batch_size:
    'rows are committed by time and not by number: use flush_interval_ms; beyond 25,000 waiting rows a commit comes early',
  book_interval_ms:
    'a replay of the tape would store other books than were stored live: change market.collect.book_interval_ms and restart',
  polling_interval: 'use adjust_polling_interval',
  symbols: 'use add_new_symbol and remove_symbol',
  exchanges: 'use enable_exchange and disable_exchange',
  retention_days: 'use change_retention_policy, then apply_retention',
});

const values = z.object({
  flush_interval_ms: measure.milliseconds,
  auto_backfill: z.boolean(),
  auto_backfill_max_minutes: measure.minutes,
  fallback_after_attempts: measure.count,
  forecast_interval_seconds: measure.seconds,
  drift_check_interval_seconds: measure.seconds,
});

export default marketTool({
  name: 'configure_streaming',
  title: 'Configure streaming',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Changes how the running collectors commit rows, fetch holes and fall back to REST, and how often what they collect is forecast, at once and after a restart; gives what changed and what is in force. What is collected is changed by add_new_symbol, enable_exchange and start_streaming, how often REST is polled by adjust_polling_interval. Needs approval.',
  input,
  output: z.object({
    changes: z.array(
      z.object({
        setting: z.string(),
        before: z.union([z.number().describe('In the unit of the setting'), z.boolean()]),
        after: z.union([z.number().describe('In the unit of the setting'), z.boolean()]),
      }),
    ),
    current: values,
    configured: values,
  }),
  examples: [
    {
      title: 'Rows are queryable sooner',
      input: { flush_interval_ms: 250, reason: 'a strategy reads the last second' },
    },
    { title: 'As configured', input: { as_configured: true, reason: 'the strategy is off' } },
  ],
  preview: async (asked, { services: { settings } }) => outcome(settings, wanted(asked, settings)),
  summary: ({ changes }) =>
    changes.length === 0
      ? 'Nothing changed: it is so already.'
      : changes.map(({ setting, before, after }) => `${setting}: ${before} to ${after}`).join(', ') + '.',
  run: async (asked, { services: { settings, forecasts }, clock, events, caller }) => {
    const changed = wanted(asked, settings);
    const data = outcome(settings, changed);
    if (data.changes.length > 0) {
      await settings.set('streaming', changed, { by: caller, reason: asked.reason, clock, events });
      forecasts.reschedule();
    }
    return { data, provenance: measuredNow(clock, 'desk_settings') };
  },
});

/** Throws InvalidInput when nothing is asked for. */
function wanted(asked: z.output<typeof input>, { settings }: DeskSettings): Changes {
  const { as_configured: afresh, reason: _, ...named } = asked;
  if (!afresh && Object.keys(named).length === 0) {
    throw new InvalidInput(`name what to change: ${NAMES.join(', ')}, or as_configured`);
  }
  return { ...(afresh ? {} : settings.streaming), ...named };
}

function outcome({ settings, configured }: DeskSettings, changes: Changes) {
  const was = inForce(configured, settings.streaming);
  const current = inForce(configured, changes);
  return {
    changes: NAMES.filter((name) => was[name] !== current[name]).map((name) => ({
      setting: name,
      before: was[name],
      after: current[name],
    })),
    current,
    configured: inForce(configured, {}),
  };
}

function inForce(configured: DeskSettings['configured'], changes: Changes): z.infer<typeof values> {
  const { collect, forecasts } = withStreamingChanges(configured, changes);
  return values.parse({
    ...collect,
    forecast_interval_seconds: forecasts.interval_seconds,
    drift_check_interval_seconds: forecasts.drift_check_seconds,
  });
}
