import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import type { MarketRecord } from '../../domain/records.ts';
import { market } from '../shared/fields.ts';
import { provenance } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'normalize_exchange_format',
  title: 'Translate a venue frame',
  toolset: 'cleaning',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Translates one raw WebSocket frame of a venue into normalised records by the same decoder that the collector uses: canonical symbol, UTC times, base units, taker side. Gives the original too. A frame that the decoder cannot read answers with the reason.',
  input: z.strictObject({
    source_exchange: z.string().min(1).max(32).describe('Venue that the frame is from, as in binance'),
    market,
    frame: z.string().min(2).max(1_000_000).describe('The frame as the venue sent it, JSON text'),
  }),
  output: z.object({
    exchange: z.string(),
    verdict: z.string(),
    reason: z.string().nullable(),
    original: z.string(),
    normalized: z.array(z.record(z.string(), z.unknown())),
  }),
  examples: [
    {
      title: 'A Binance trade',
      input: {
        source_exchange: 'binance',
        market: 'futures',
        frame:
          '{"e":"aggTrade","E":1700000000100,"s":"BTCUSDT","a":1,"p":"37000.1","q":"0.5","f":1,"l":1,"T":1700000000000,"m":false}',
      },
    },
  ],
  summary: (output) => `${output.verdict}: ${output.normalized.length} record(s).`,
  run: async (input, { services, clock }) => {
    const names = services.venues.map((v) => v.name);
    const venue = services.venues.find((v) => v.name === input.source_exchange);
    if (venue === undefined) {
      throw new NotFound(
        `venue '${input.source_exchange}' is not known${didYouMean(input.source_exchange, names)}; known: ${names.join(', ')}`,
      );
    }
    const own = venue.markets.find((m) => m.market === input.market);
    if (own === undefined) {
      const offered = venue.markets.map((m) => m.market).join(', ');
      throw new NotFound(`${venue.name} has no ${input.market} market; it has: ${offered}`);
    }
    const instruments = services.collector
      .status()
      .connections.some((c) => c.exchange === venue.name && c.market === input.market)
      ? services.collector.instruments(venue.name, input.market)
      : [];
    const records: MarketRecord[] = [];
    const decoder = own.createDecoder({ instruments });
    const verdict = decoder.frame(input.frame, clock.now() * 1000, (record) => records.push(record));
    const reason = verdict.kind === 'rejected' ? verdict.reason : verdict.kind === 'error' ? verdict.message : null;
    return {
      data: {
        exchange: venue.name,
        verdict: verdict.kind,
        reason,
        original: input.frame,
        normalized: records.slice(0, 1000).map((record) => ({ ...record })),
      },
      provenance: provenance(clock, null, `decoder of ${venue.name} ${input.market}`, {
        complete: verdict.kind === 'data',
        notes: instruments.length === 0 ? ['no instrument list: what depends on contract sizes is null'] : [],
      }),
    };
  },
});
