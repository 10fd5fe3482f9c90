import { z } from 'zod';
import { reasonOr, series } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { plannedSwitch, switchedShape, switchStream } from '../shared/stream-switch.ts';
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
  output: switchedShape,
  examples: [
    {
      title: 'Trades of BTCUSDT on Binance futures',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' },
    },
  ],
  preview: (input, { services }) => plannedSwitch(services, input, 'stop'),
  summary: (output) => `${output.table} is ${output.state}${output.changed ? '' : ' already'}.`,
  run: async (input, { services, clock }) => ({
    data: await switchStream(services, input, 'stop'),
    provenance: measuredNow(clock, 'collector'),
  }),
});
