import { z } from 'zod';
import { deskMetrics } from '../../jobs/metrics.ts';
import { isoTime, lookbackMinutes } from '../shared/fields.ts';
import { isoOfMs, measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { cleaningFigures, qualityFigures, streamingFigures } from '../shared/figures.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_metrics',
  title: 'Desk metrics',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The desk in numbers over a period, counted from the collector and the operations tables: actions and errors an agent, data quality, streaming, cleaning, escalations, uptime and health. What was not measured is null.',
  input: z.strictObject({ lookback_minutes: lookbackMinutes(60) }),
  output: z.object({
    since: isoTime,
    agents: z.array(
      z.object({
        agent_id: z.string(),
        actions_taken: measure.count,
        decisions_made: measure.count,
        errors: measure.count,
        last_action_at: isoTime,
        avg_response_ms: measure.milliseconds.nullable(),
      }),
    ),
    data_quality: qualityFigures,
    streaming: streamingFigures,
    cleaning: cleaningFigures,
    escalations: z.object({
      total: measure.count,
      by_level: z.record(z.string(), measure.count),
      pending: measure.count,
      resolved: measure.count,
    }),
    uptime_seconds: measure.seconds.nullable(),
    health_score: measure.score,
  }),
  examples: [{ title: 'Last hour', input: {} }],
  summary: (output) => `Health ${output.health_score} of 100; ${output.agents.length} agent(s) active.`,
  run: async (input, { services, clock }) => {
    const metrics = await deskMetrics(services, clock.now() - input.lookback_minutes * 60_000);
    return {
      data: {
        since: isoOfMs(metrics.since),
        agents: metrics.agents.map((a) => ({ ...a, last_action_at: isoOfMs(a.last_action_at) })),
        data_quality: { ...metrics.data_quality },
        streaming: { ...metrics.streaming },
        cleaning: { ...metrics.cleaning },
        escalations: { ...metrics.escalations, by_level: { ...metrics.escalations.by_level } },
        uptime_seconds: metrics.performance.uptime_seconds,
        health_score: metrics.performance.health.score,
      },
      provenance: measuredNow(clock, 'operations'),
    };
  },
});
