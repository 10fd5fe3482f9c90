import { z } from 'zod';
import { anyMarket, exchange, reason } from '../shared/fields.ts';
import { configuredMarkets } from '../shared/disabled.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'disable_exchange',
  aliases: ['disable_exchange_permanently'],
  title: 'Disable a venue',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Stops collecting a venue, or one market of it, until enable_exchange: also after a restart. It counts neither as down nor as stale meanwhile; what is stored stays, and nothing of the time is fetched afterwards without being asked. Needs approval.',
  input: z.strictObject({ exchange, market: anyMarket, reason }),
  output: z.object({ disabled: z.array(z.string()), changed: z.array(z.string()) }),
  examples: [
    { title: 'A venue', input: { exchange: 'bybit', reason: 'the venue ends its service at the end of the month' } },
    { title: 'One market', input: { exchange: 'binance', market: 'spot', reason: 'nobody uses it' } },
  ],
  preview: async (input, { services }) => {
    const { disabled_markets: before } = services.settings.settings;
    const markets = configuredMarkets(services, input.exchange, input.market);
    return { stop: markets.map((m) => m.key).filter((key) => !before.includes(key)) };
  },
  summary: ({ disabled, changed }) =>
    `${changed.length === 0 ? 'Nothing' : changed.join(', ')} was disabled now; disabled are ${disabled.join(', ')}.`,
  run: async (input, { services, clock, events, caller }) => {
    const { settings, collector } = services;
    const before = settings.settings.disabled_markets;
    const stopping = configuredMarkets(services, input.exchange, input.market).filter((m) => !before.includes(m.key));
    const disabled = [...before, ...stopping.map((m) => m.key)].sort();
    if (stopping.length > 0) {
      await settings.set('disabled_markets', disabled, { by: caller, reason: input.reason, clock, events });
      for (const { exchange: venue, market } of stopping) await collector.setEnabled(venue, market, false);
    }
    return { data: { disabled, changed: stopping.map((m) => m.key) }, provenance: measuredNow(clock, 'collector') };
  },
});
