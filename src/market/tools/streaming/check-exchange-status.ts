import { z } from 'zod';
import { anyMarket, exchange } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { collectedVenue } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { currentVenues, showVenue, venueStatusShape } from '../shared/venue-status.ts';

export default marketTool({
  name: 'check_exchange_status',
  title: 'Is one exchange healthy',
  toolset: 'streaming',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Connection state of one venue: per market connected or not, WebSocket or REST, latency, last data, active and stale streams, reconnects, and what is wrong. Use it before deciding to reconnect.',
  input: z.strictObject({ exchange, market: anyMarket }),
  output: z.object({ exchange: z.string(), markets: z.array(venueStatusShape) }),
  examples: [{ title: 'Binance', input: { exchange: 'binance' } }],
  summary: (output) => output.markets.map((m) => `${m.exchange} ${m.market}: ${m.status}`).join('; '),
  run: async (input, { services, clock }) => {
    collectedVenue(services, input.exchange, input.market);
    const markets = currentVenues(services).filter(
      (v) => v.exchange === input.exchange && (input.market === undefined || v.market === input.market),
    );
    return {
      data: { exchange: input.exchange, markets: markets.map(showVenue) },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});
