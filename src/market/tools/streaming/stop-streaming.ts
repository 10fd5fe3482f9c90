import { z } from 'zod';
import { reasonOr } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { chosenSeries, manyInput, manyShape, switchStreams } from '../shared/stream-switch.ts';
import { marketTool } from '../shared/tool.ts';
import { viewName } from '../../domain/records.ts';

export default marketTool({
  name: 'stop_streaming',
  title: 'Stop streaming',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Stops all series that are collected, or those of the symbols and venues named: what stop_stream does, for many at once. Connections stay, rows stay, and the ledger tells the time from here as missing; start_streaming goes on. Names those that could not be stopped.',
  input: z.strictObject({ ...manyInput, reason: reasonOr('stop requested') }),
  output: manyShape,
  examples: [{ title: 'One symbol', input: { symbols: ['BTCUSDT'] } }],
  timeoutMs: 120_000,
  preview: async (input, { services }) => {
    const { all, turning } = await chosenSeries(services, input, 'stop');
    return { stop: turning.map(viewName).slice(0, 100), count: turning.length, already: all - turning.length };
  },
  summary: (output) =>
    `${output.changed.length} series stopped, ${output.already} already, ${output.failed.length} failed; ${output.streams_live} of ${output.streams_total} are live.`,
  run: async (input, { services, clock, signal }) => {
    const data = await switchStreams(services, input, 'stop', signal);
    const notes = data.failed.map(({ table, reason }) => `${table}: ${reason}`);
    return { data, provenance: measuredNow(clock, 'collector', notes, notes.length === 0) };
  },
});
