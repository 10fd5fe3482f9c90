import { z } from 'zod';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { currentVenues, showVenue, venueStatusShape } from '../shared/venue-status.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_all_exchange_status',
  title: 'Check all venues',
  toolset: 'streaming',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Connection state of every collected venue market: healthy, degraded or disconnected, connection type, latency, last data, stale streams, reconnects and issues; and what is disabled. The first look of every round.',
  input: z.strictObject({}),
  output: z.object({
    total: measure.count,
    healthy: measure.count,
    degraded: measure.count,
    disconnected: measure.count,
    disabled: z.array(z.string()),
    venues: z.array(venueStatusShape),
  }),
  examples: [{ title: 'All venues', input: {} }],
  summary: (output) =>
    `${output.healthy} of ${output.total} venue markets healthy, ${output.degraded} degraded, ${output.disconnected} disconnected.`,
  run: async (_input, { services, clock }) => {
    const venues = currentVenues(services);
    const count = (status: string): number => venues.filter((v) => v.status === status).length;
    return {
      data: {
        total: venues.length,
        healthy: count('healthy'),
        degraded: count('degraded'),
        disconnected: count('disconnected'),
        disabled: [...services.collector.status().disabled],
        venues: venues.map(showVenue),
      },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});
