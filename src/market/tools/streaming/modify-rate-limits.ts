import { z } from 'zod';
import { withChange } from '../../jobs/rule-changes.ts';
import { exchange, reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const LEAST = 50;
const MOST = 150;

export default marketTool({
  name: 'modify_rate_limits',
  aliases: ['modify_rate_limits_beyond_bounds'],
  title: 'Modify a venue’s REST limits',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Uses another share than all of the REST budget that a venue documents, for all its hosts, at once and after a restart; without a share the documented budget again. Above 100 % the venue may shut this machine out (429, 418): only for accounts whose limit it raised. More than half up or down is refused to everybody. Needs approval.',
  input: z.strictObject({
    exchange,
    percent: z
      .number()
      .min(LEAST)
      .max(MOST)
      .optional()
      .describe(`Share of the documented limit to use, percent, ${LEAST} to ${MOST}; 100 when left out`),
    reason,
  }),
  output: z.object({
    exchange: z.string(),
    before_percent: measure.percent,
    percent: measure.percent,
    hosts: z.array(z.object({ host: z.string(), weight_per_minute: measure.weight })),
  }),
  examples: [
    { title: 'Half of it', input: { exchange: 'binance', percent: 50, reason: 'another program shares this address' } },
    { title: 'All of it again', input: { exchange: 'binance', reason: 'the other program has moved' } },
  ],
  preview: async (input, { services }) => ({
    exchange: input.exchange,
    from_percent: services.settings.settings.rate_limits[input.exchange] ?? 100,
    to_percent: input.percent ?? 100,
    hosts: services.rest.limits(input.exchange, input.percent ?? 100),
  }),
  summary: ({ exchange: venue, before_percent, percent }) =>
    `${venue}: ${before_percent} % to ${percent} % of its documented REST limit.`,
  run: async (input, { services, clock, events, caller }) => {
    const { settings, rest } = services;
    const percent = input.percent ?? 100;
    const before = settings.settings.rate_limits;
    const hosts = rest.limits(input.exchange, percent);
    const changed = withChange(before, input.exchange, percent === 100 ? undefined : percent);
    await settings.set('rate_limits', changed, { by: caller, reason: input.reason, clock, events });
    rest.scaleLimits(input.exchange, percent);
    return {
      data: { exchange: input.exchange, before_percent: before[input.exchange] ?? 100, percent, hosts: [...hosts] },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});
