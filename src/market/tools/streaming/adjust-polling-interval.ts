import { z } from 'zod';
import { exchange, market, reasonOr, stream } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'adjust_polling_interval',
  title: 'Change a polling interval',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Changes how often a stream that is polled over REST is asked, within 1 second and 1 hour. Ask less often when a venue limits the rate; go back when it stops.',
  input: z.strictObject({
    exchange,
    market,
    stream,
    every_seconds: z.number().min(1).max(3600).describe('Time between two polls, seconds'),
    reason: reasonOr('polling interval changed'),
  }),
  output: z.object({ exchange: z.string(), market: z.string(), stream: z.string(), every_seconds: measure.seconds }),
  examples: [
    {
      title: 'Ask for open interest every 30 s',
      input: { exchange: 'binance', market: 'futures', stream: 'open_interest', every_seconds: 30 },
    },
  ],
  preview: async (input, { services }) => {
    const keys = await matchSeries(services, { exchange: input.exchange, market: input.market, stream: input.stream });
    return { series: keys.length, every_seconds: input.every_seconds };
  },
  summary: (output) =>
    `${output.exchange} ${output.market} ${output.stream} is polled every ${output.every_seconds} s.`,
  run: async (input, { services, clock }) => {
    await matchSeries(services, { exchange: input.exchange, market: input.market, stream: input.stream });
    services.collector.setPolling(input.exchange, input.market, input.stream, input.every_seconds * 1000);
    return {
      data: {
        exchange: input.exchange,
        market: input.market,
        stream: input.stream,
        every_seconds: input.every_seconds,
      },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});
