import { z } from 'zod';
import { reasonOr } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { chosenSeries, manyInput, manyShape, switchStreams } from '../shared/stream-switch.ts';
import { marketTool } from '../shared/tool.ts';
import { viewName } from '../../domain/records.ts';

export default marketTool({
  name: 'start_streaming',
  title: 'Start streaming',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Starts all collected series that are stopped, or those of the symbols and venues named: what start_stream does, for many at once. Which symbols and venues the desk collects is its configuration: add_new_symbol and enable_exchange extend it. Names those that could not be started.',
  input: z.strictObject({ ...manyInput, reason: reasonOr('start requested') }),
  output: manyShape,
  examples: [{ title: 'Everything of Binance', input: { exchanges: ['binance'] } }],
  timeoutMs: 120_000,
  preview: async (input, { services }) => {
    const { all, turning } = await chosenSeries(services, input, 'start');
    return { start: turning.map(viewName).slice(0, 100), count: turning.length, already: all - turning.length };
  },
  summary: (output) =>
    `${output.changed.length} series started, ${output.already} already, ${output.failed.length} failed; ${output.streams_live} of ${output.streams_total} are live.`,
  run: async (input, { services, clock, signal }) => {
    const data = await switchStreams(services, input, 'start', signal);
    const notes = data.failed.map(({ table, reason }) => `${table}: ${reason}`);
    return { data, provenance: measuredNow(clock, 'collector', notes, notes.length === 0) };
  },
});
