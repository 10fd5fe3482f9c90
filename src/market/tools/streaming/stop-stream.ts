import { z } from 'zod';
import { viewName } from '../../domain/records.ts';
import { reasonOr, series } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { oneSeries, statusOf } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'stop_stream',
  title: 'Stop a stream',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Stops collecting one series. What is stored stays. Use it when a stream harms the others; the stream is reported as stopped until start_stream.',
  input: z.strictObject({ ...series, reason: reasonOr('stop requested') }),
  output: z.object({ table: z.string(), changed: z.boolean(), state: z.string() }),
  examples: [
    {
      title: 'Trades of BTCUSDT on Binance futures',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' },
    },
  ],
  preview: async (input, { services }) => {
    const key = await oneSeries(services, input);
    return { series: viewName(key), from: statusOf(services, key)?.state ?? 'stopped', to: 'stopped' };
  },
  summary: (output) => `${output.table} is ${output.state}${output.changed ? '' : ' already'}.`,
  run: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const before = statusOf(services, key)?.state ?? 'stopped';
    const changed = before !== 'stopped';
    if (changed) await services.collector.stopStream(key);
    const state = statusOf(services, key)?.state ?? 'stopped';
    return { data: { table: viewName(key), changed, state }, provenance: measuredNow(clock, 'collector') };
  },
});
