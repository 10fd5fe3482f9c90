import { z } from 'zod';
import { viewName } from '../../domain/records.ts';
import { reasonOr, series } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { oneSeries, statusOf } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'start_stream',
  title: 'Start a stream',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Starts collecting one series that is stopped. Does nothing when it is running already. The symbol must be listed by the venue.',
  input: z.strictObject({ ...series, reason: reasonOr('start requested') }),
  output: z.object({ table: z.string(), changed: z.boolean(), state: z.string() }),
  examples: [
    {
      title: 'Trades of BTCUSDT on Binance futures',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' },
    },
  ],
  preview: async (input, { services }) => {
    const key = await oneSeries(services, input);
    return { series: viewName(key), from: statusOf(services, key)?.state ?? 'stopped', to: 'started' };
  },
  summary: (output) => `${output.table} is ${output.state}${output.changed ? '' : ' already'}.`,
  run: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const before = statusOf(services, key)?.state ?? 'stopped';
    const changed = before === 'stopped';
    if (changed) await services.collector.startStream(key);
    const state = statusOf(services, key)?.state ?? 'stopped';
    return { data: { table: viewName(key), changed, state }, provenance: measuredNow(clock, 'collector') };
  },
});
