import { z } from 'zod';
import { withoutOutside } from '../../../kit/outside.ts';
import { isoTime } from '../shared/fields.ts';
import { isoOfMs, measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { currentVenues } from '../shared/venue-status.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_streaming_health',
  title: 'Streaming health',
  toolset: 'streaming',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The collector as a whole: records stored, records a minute against the target, frames received and rejected, active symbols and venues, errors, tape size, how far the store is behind, uptime.',
  input: z.strictObject({}),
  output: z.object({
    source: z.string(),
    running: z.boolean(),
    started_at: isoTime,
    uptime_seconds: measure.seconds.nullable(),
    records_ingested: measure.count,
    records_per_minute: measure.perMinute,
    target_met: z.boolean(),
    frames_total: measure.count,
    frames_rejected: measure.count,
    active_symbols: z.array(z.string()),
    active_exchanges: z.array(z.string()),
    streams_live: measure.count,
    streams_total: measure.count,
    store_lag_ms: measure.milliseconds,
    tape_bytes: measure.bytes,
    tape_segments: measure.count,
    errors: z.array(z.object({ connection: z.string(), error: z.string() })),
  }),
  examples: [{ title: 'Now', input: {} }],
  summary: (output) =>
    `${output.records_per_minute.toFixed(0)} records a minute from ${output.active_exchanges.length} venue market(s), ${output.frames_rejected} frames rejected.`,
  run: async (_input, { services, clock }) => {
    const status = services.collector.status();
    const live = status.series.filter((s) => s.state === 'live');
    return {
      data: {
        source: status.source,
        running: status.running,
        started_at: isoOfMs(status.started_at),
        uptime_seconds: status.started_at === null ? null : (clock.now() - status.started_at) / 1000,
        records_ingested: status.records_stored,
        records_per_minute: status.records_per_minute,
        target_met: status.records_per_minute >= services.config.operations.targets.records_per_minute_alert,
        frames_total: status.frames_total,
        frames_rejected: status.frames_rejected,
        active_symbols: [...new Set(live.map((s) => s.symbol))].sort(),
        active_exchanges: currentVenues(services)
          .filter((v) => v.status !== 'disconnected')
          .map((v) => `${v.exchange}_${v.market}`),
        streams_live: live.length,
        streams_total: status.series.length,
        store_lag_ms: status.store_lag_ms,
        tape_bytes: status.tape.bytes,
        tape_segments: status.tape.segments,
        errors: status.connections.flatMap((c) =>
          c.last_error === null ? [] : [{ connection: c.id, error: withoutOutside(c.last_error) }],
        ),
      },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});
