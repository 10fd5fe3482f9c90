import { z } from 'zod';
import { viewName } from '../../domain/records.ts';
import { exchange, market, reason, symbol } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { matchSeries, statusOf } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'remove_symbol',
  title: 'Stop tracking a symbol',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Stops collecting every stream of a symbol on a venue market. What is stored stays. Needs approval: it changes what the desk tracks until the next start, when the configuration decides again.',
  input: z.strictObject({ exchange, market, symbol, reason }),
  output: z.object({ symbol: z.string(), stopped: z.array(z.string()) }),
  examples: [
    {
      title: 'Stop PNUTUSDT on Bybit spot',
      input: { exchange: 'bybit', market: 'spot', symbol: 'PNUTUSDT', reason: 'the venue delists it' },
    },
  ],
  preview: async (input, { services }) => ({ stop: (await running(services, input)).map(viewName) }),
  summary: (output) => `${output.symbol}: ${output.stopped.length} stream(s) stopped.`,
  run: async (input, { services, clock }) => {
    const keys = await running(services, input);
    for (const key of keys) await services.collector.stopStream(key);
    return {
      data: { symbol: input.symbol.toUpperCase(), stopped: keys.map(viewName) },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});

async function running(services: Parameters<typeof matchSeries>[0], input: Parameters<typeof matchSeries>[1]) {
  const { exchange, market, symbol } = input;
  const keys = await matchSeries(services, { exchange, market, symbol });
  return keys.filter((key) => {
    const state = statusOf(services, key)?.state;
    return state !== undefined && state !== 'stopped';
  });
}
