import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import { STREAMS, viewName, type SeriesKey, type Stream } from '../../domain/records.ts';
import type { MarketServices } from '../../services.ts';
import { exchange, market, reason, symbol } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { collectedVenue } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'add_new_symbol',
  title: 'Track a symbol',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Begins to collect every stream of a symbol that a venue market lists and that is not collected yet. Needs approval: it changes what the desk tracks until the next start, when the configuration decides again.',
  input: z.strictObject({ exchange, market, symbol, reason }),
  output: z.object({ symbol: z.string(), started: z.array(z.string()) }),
  examples: [
    {
      title: 'Track DOGEUSDT',
      input: { exchange: 'binance', market: 'futures', symbol: 'DOGEUSDT', reason: 'asked for by research' },
    },
  ],
  preview: async (input, { services }) => ({ start: seriesToStart(services, input).map(viewName) }),
  summary: (output) => `${output.symbol}: ${output.started.length} stream(s) started.`,
  run: async (input, { services, clock }) => {
    const keys = seriesToStart(services, input);
    await services.store.ensureSeries(keys);
    for (const key of keys) await services.collector.startStream(key);
    return {
      data: { symbol: input.symbol.toUpperCase(), started: keys.map(viewName) },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});

function seriesToStart(
  services: MarketServices,
  input: { readonly exchange: string; readonly market: SeriesKey['market']; readonly symbol: string },
): readonly SeriesKey[] {
  collectedVenue(services, input.exchange, input.market);
  const wanted = input.symbol.toUpperCase();
  const listed = services.collector.instruments(input.exchange, input.market).map((i) => i.symbol);
  if (!listed.includes(wanted)) {
    throw new NotFound(`${input.exchange} ${input.market} does not list '${wanted}'${didYouMean(wanted, listed)}`);
  }
  const status = services.collector.status().series;
  const offered = services.venues
    .find((v) => v.name === input.exchange)
    ?.markets.find((m) => m.market === input.market)?.streams;
  const streams = STREAMS.filter((s: Stream) => offered?.[s] !== undefined);
  return streams
    .map((stream) => ({ exchange: input.exchange, market: input.market, symbol: wanted, stream }))
    .filter((key) => !status.some((s) => viewName(s) === viewName(key) && s.state !== 'stopped'));
}
