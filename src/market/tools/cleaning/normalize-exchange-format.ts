import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import type { MarketRecord } from '../../domain/records.ts';
import { measure } from '../../domain/measure.ts';
import { market } from '../shared/fields.ts';
import { provenance } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

/** Longest frame: whole books of 1,000 levels a side have about 50,000 characters. */
const MOST_FRAME = 200_000;
/** Of the frame that is given back: enough to see which it was. */
const SHOWN_FRAME = 2000;
const SHOWN_RECORDS = 100;
const SHOWN_LEVELS = 50;

export default marketTool({
  name: 'normalize_exchange_format',
  title: 'Translate a venue frame',
  toolset: 'cleaning',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Translates one raw WebSocket frame of a venue into normalised records by the same decoder that the collector uses: canonical symbol, UTC times, base units, taker side. Gives the beginning of the original too, and the first 100 records of those that it holds. A frame that the decoder cannot read answers with the reason.',
  input: z.strictObject({
    source_exchange: z.string().min(1).max(32).describe('Venue that the frame is from, as in binance'),
    market,
    frame: z
      .string()
      .min(2)
      .max(MOST_FRAME)
      .describe(`The frame as the venue sent it, JSON text of at most ${MOST_FRAME} characters`),
  }),
  output: z.object({
    exchange: z.string(),
    verdict: z.string(),
    reason: z.string().nullable(),
    original: z.string(),
    original_characters: measure.count,
    records: measure.count,
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
  summary: (output) => `${output.verdict}: ${output.records} record(s).`,
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
        original: input.frame.slice(0, SHOWN_FRAME),
        original_characters: input.frame.length,
        records: records.length,
        normalized: records.slice(0, SHOWN_RECORDS).map(shown),
      },
      provenance: provenance(clock, null, `decoder of ${venue.name} ${input.market}`, {
        complete: verdict.kind === 'data' && records.length <= SHOWN_RECORDS,
        notes: [
          ...(instruments.length === 0 ? ['no instrument list: what depends on contract sizes is null'] : []),
          ...(records.length > SHOWN_RECORDS
            ? [`the first ${SHOWN_RECORDS} of ${records.length} records are given`]
            : []),
        ],
      }),
    };
  },
});

/** A record as it is given: of a book the best levels a side. */
function shown(record: MarketRecord): Record<string, unknown> {
  if (record.stream !== 'book') return { ...record };
  const { bids, asks } = record;
  const levels = { bid_levels: bids.length, ask_levels: asks.length };
  return { ...record, bids: bids.slice(0, SHOWN_LEVELS), asks: asks.slice(0, SHOWN_LEVELS), ...levels };
}
