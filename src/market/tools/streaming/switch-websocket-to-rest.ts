import { z } from 'zod';
import { exchange, market, reasonOr } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { collectedVenue } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { currentVenues } from '../shared/venue-status.ts';

export default marketTool({
  name: 'switch_websocket_to_rest',
  title: 'Fall back to REST',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Polls a venue market over REST instead of its WebSocket: what to do when its WebSocket cannot be reached after several tries. Slower and coarser, but not blind.',
  input: z.strictObject({ exchange, market, reason: reasonOr('switch requested') }),
  output: z.object({ exchange: z.string(), market: z.string(), before: z.string(), mode: z.string() }),
  examples: [{ title: 'Binance futures', input: { exchange: 'binance', market: 'futures' } }],
  preview: async (input, { services }) => {
    collectedVenue(services, input.exchange, input.market);
    return { market: `${input.exchange}_${input.market}`, from: modeOf(services, input), to: 'rest' };
  },
  summary: (output) => `${output.exchange} ${output.market}: ${output.before} to ${output.mode}.`,
  run: async (input, { services, clock }) => {
    collectedVenue(services, input.exchange, input.market);
    const before = modeOf(services, input);
    await services.collector.setMode(input.exchange, input.market, 'rest');
    return {
      data: { exchange: input.exchange, market: input.market, before, mode: 'rest' },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});

function modeOf(
  services: Parameters<typeof currentVenues>[0],
  input: { readonly exchange: string; readonly market: string },
): string {
  const venue = currentVenues(services).find((v) => v.exchange === input.exchange && v.market === input.market);
  return venue?.connection_type ?? 'none';
}
