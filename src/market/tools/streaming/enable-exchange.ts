import { z } from 'zod';
import { anyMarket, exchange, reason } from '../shared/fields.ts';
import { configuredMarkets } from '../shared/disabled.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'enable_exchange',
  title: 'Enable a venue again',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Collects a venue, or one market of it, again that disable_exchange stopped: its connections are opened in the background, get_all_exchange_status shows them. request_backfill fetches what the venue still has of the time between. Needs approval.',
  input: z.strictObject({ exchange, market: anyMarket, reason }),
  output: z.object({ disabled: z.array(z.string()), changed: z.array(z.string()) }),
  examples: [{ title: 'A venue', input: { exchange: 'bybit', reason: 'the service goes on' } }],
  preview: async (input, { services }) => {
    const { disabled_markets: before } = services.settings.settings;
    const markets = configuredMarkets(services, input.exchange, input.market);
    return { start: markets.map((m) => m.key).filter((key) => before.includes(key)) };
  },
  summary: ({ disabled, changed }) =>
    `${changed.length === 0 ? 'Nothing' : changed.join(', ')} was enabled now; disabled are ${disabled.join(', ') || 'none'}.`,
  run: async (input, { services, clock, events, caller }) => {
    const { settings, collector } = services;
    const before = settings.settings.disabled_markets;
    const starting = configuredMarkets(services, input.exchange, input.market).filter((m) => before.includes(m.key));
    const changed = starting.map((m) => m.key);
    const disabled = before.filter((key) => !changed.includes(key));
    if (starting.length > 0) {
      await settings.set('disabled_markets', disabled, { by: caller, reason: input.reason, clock, events });
      for (const { exchange: venue, market } of starting) await collector.setEnabled(venue, market, true);
    }
    return { data: { disabled, changed }, provenance: measuredNow(clock, 'collector') };
  },
});
