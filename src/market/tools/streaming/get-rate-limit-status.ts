import { z } from 'zod';
import { isoTime } from '../shared/fields.ts';
import { isoOfMs, measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_rate_limit_status',
  title: 'Rate limits',
  toolset: 'streaming',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'REST budget of each venue host: weight used in the current minute, the limit, until when the venue has shut us out, and until when we ask half as often after that. Use it before many backfills.',
  input: z.strictObject({}),
  output: z.object({
    hosts: z.array(
      z.object({
        host: z.string(),
        used_weight: measure.weight,
        limit: measure.weight,
        used_percent: measure.percent,
        blocked_until: isoTime,
        halved_until: isoTime,
        refused_in_a_row: measure.count,
      }),
    ),
    blocked: measure.count,
  }),
  examples: [{ title: 'All hosts', input: {} }],
  summary: (output) => `${output.hosts.length} host(s), ${output.blocked} blocked.`,
  run: async (_input, { services, clock }) => {
    const hosts = services.collector.status().rate_limits.map((r) => ({
      host: r.host,
      used_weight: r.used_weight,
      limit: r.limit,
      used_percent: r.limit === 0 ? 0 : (100 * r.used_weight) / r.limit,
      blocked_until: isoOfMs(r.blocked_until),
      halved_until: isoOfMs(r.halved_until),
      refused_in_a_row: r.refused_in_a_row,
    }));
    return {
      data: { hosts, blocked: hosts.filter((h) => h.blocked_until !== null).length },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});
