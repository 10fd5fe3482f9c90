import { z } from 'zod';
import { escalationConditions, raiseEscalation } from '../../jobs/escalation.ts';
import { escalationFacts } from '../../jobs/escalation-facts.ts';
import { lookbackMinutes } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'check_escalations',
  title: 'Judge the escalation ladder',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'ops',
  description:
    'Measures what the escalation ladder is judged by (share of rows that break a rule, storage, longest open gap, venues down) and raises what its thresholds say: low to critical, with the channels of each level.',
  input: z.strictObject({ lookback_minutes: lookbackMinutes(60) }),
  output: z.object({
    anomaly_percent: measure.percent.nullable(),
    storage_percent: measure.percent.nullable(),
    longest_gap_seconds: measure.seconds.nullable(),
    exchanges_down: z.array(z.string()),
    raised: z.array(
      z.object({
        escalation_id: measure.id,
        level: z.string(),
        trigger: z.string(),
        is_new: z.boolean(),
        channels_told: z.array(z.string()),
        channels_missing: z.array(z.string()),
      }),
    ),
  }),
  examples: [{ title: 'Last hour', input: {} }],
  summary: (output) => `${output.raised.filter((r) => r.is_new).length} new escalation(s).`,
  run: async (input, { services, clock, signal }) => {
    const facts = await escalationFacts(services, clock.now() - input.lookback_minutes * 60_000);
    const raised = [];
    for (const condition of escalationConditions(facts, services.config.operations.escalation)) {
      raised.push(await raiseEscalation(services, condition, signal));
    }
    return {
      data: {
        anomaly_percent: facts.anomaly_percent,
        storage_percent: facts.storage_percent,
        longest_gap_seconds: facts.longest_gap_seconds,
        exchanges_down: [...facts.exchanges_down],
        raised: raised.map((r) => ({
          escalation_id: r.id,
          level: r.level,
          trigger: r.trigger,
          is_new: r.is_new,
          channels_told: [...r.channels_sent],
          channels_missing: r.channels_missing.map((m) => m.channel),
        })),
      },
      provenance: measuredNow(clock, 'operations'),
    };
  },
});
