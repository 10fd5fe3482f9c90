import { z } from 'zod';
import { reasonOr, series } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { plannedSwitch, switchedShape, switchStream } from '../shared/stream-switch.ts';
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
  output: switchedShape,
  examples: [
    {
      title: 'Trades of BTCUSDT on Binance futures',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' },
    },
  ],
  preview: (input, { services }) => plannedSwitch(services, input, 'start'),
  summary: (output) => `${output.table} is ${output.state}${output.changed ? '' : ' already'}.`,
  run: async (input, { services, clock }) => ({
    data: await switchStream(services, input, 'start'),
    provenance: measuredNow(clock, 'collector'),
  }),
});
