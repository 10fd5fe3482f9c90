import { z } from 'zod';
import { AppError, Unavailable } from '../../../../kit/errors.ts';
import type { Provenance, ProvenanceSource, ToolContext } from '../../../../kit/tool.ts';
import type { Stream } from '../../../domain/records.ts';
import type { LiveRow } from '../../../exchanges/endpoint.ts';
import { imbalancePct } from '../../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../../jobs/row.ts';
import type { MarketServices } from '../../../services.ts';
import { acrossMarkets, acrossNotes, chosenMarkets, missingShape, provenanceOf } from './across.ts';
import { requireFresh, VenueReader, type Sourced, type Target } from './reader.ts';
import { dayOf, dayShape, fundingOf, markOf } from './rows.ts';
import { measure } from '../../../domain/measure.ts';

/** Everything of a symbol on a market at once. Parts that cannot be had are null and named. */

const number = z.number().nullable();
const LEVELS = 20;

const bookPart = z.object({
  bid: measure.price.nullable(),
  ask: measure.price.nullable(),
  mid: measure.price.nullable(),
  spread_bps: measure.basisPoints.nullable(),
  bid_size: measure.size,
  ask_size: measure.size,
  imbalance_pct: measure.percent.nullable(),
});

export const overviewShape = z.object({
  symbol: z.string(),
  markets: z.array(
    z.object({
      exchange: z.string(),
      market: z.string(),
      listed_as: z.string(),
      quote: z.string(),
      oldest_ms: z.number().describe('Age of its oldest part, milliseconds'),
      book: bookPart.nullable().describe(`Sizes and imbalance of the first ${LEVELS} levels`),
      day: z.object(dayShape).nullable(),
      mark: z
        .object({
          mark: measure.price.nullable(),
          index: measure.price.nullable(),
          basis: measure.priceDifference.nullable(),
          premium_bps: measure.basisPoints.nullable(),
        })
        .nullable(),
      funding: z
        .object({
          funding_rate: measure.fundingRate.nullable(),
          interval_hours: measure.hours.nullable(),
          rate_8h: measure.fundingRate8h.nullable(),
          annualised_pct: measure.percentYear.nullable(),
          next_funding_time: z.string().nullable(),
          settled: z.boolean(),
          payers: z.string(),
        })
        .nullable(),
      open_interest: number.describe('Base units'),
      unknown: z.array(z.string()),
    }),
  ),
  missing: z.array(missingShape),
});

/** Oldest value used, ms, by part. A funding rate that was paid stands until the next two are due. */
const BOUNDS = {
  book: 10_000,
  ticker_24h: 120_000,
  mark_prices: 60_000,
  funding_rates: 16 * 3_600_000,
  open_interest: 900_000,
};

export async function overviewOf(
  context: ToolContext<MarketServices>,
  symbol: string,
  exchange: string | undefined,
): Promise<{ readonly shown: z.infer<typeof overviewShape>; readonly provenance: Provenance }> {
  const reader = new VenueReader(context);
  const names = exchange === undefined ? undefined : [exchange];
  const markets = chosenMarkets(context.services, names, ['futures', 'spot'], 'orderbooks');
  const across = await acrossMarkets(context, markets, symbol, (target) => marketOf(reader, target));
  const sources = across.found.flatMap((f) => f.sources);
  const partial = across.found.filter((f) => f.shown.unknown.length > 0);
  return {
    shown: {
      symbol: symbol.toUpperCase(),
      markets: across.found.map((f) => f.shown),
      missing: [...across.missing],
    },
    provenance: provenanceOf(sources, {
      complete: across.missing.length === 0 && partial.length === 0,
      notes: [
        ...acrossNotes(across),
        ...partial.map((f) => `${f.shown.exchange}_${f.shown.market}: ${f.shown.unknown.join('; ')}`),
      ],
    }),
  };
}

async function marketOf(reader: VenueReader, target: Target) {
  const sources: ProvenanceSource[] = [];
  const unknown: string[] = [];
  const part = async <T>(name: string, bound: number, read: () => Promise<Sourced<T>>): Promise<T | null> => {
    try {
      const { value, source } = await read();
      requireFresh(name, source, bound);
      sources.push(source);
      return value;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      unknown.push(`${name}: ${error.message}`);
      return null;
    }
  };
  const row = async (stream: Stream & keyof typeof BOUNDS): Promise<LiveRow | null> =>
    target.market.streams[stream] === undefined
      ? null
      : part(stream, BOUNDS[stream], () => reader.newest(target, stream, BOUNDS[stream]));
  const [book, day, mark, funding, interest] = await Promise.all([
    part('book', BOUNDS.book, () => reader.book(target, LEVELS, BOUNDS.book)),
    row('ticker_24h'),
    row('mark_prices'),
    row('funding_rates'),
    row('open_interest'),
  ]);
  const [first] = sources;
  if (first === undefined) throw new Unavailable(`nothing of ${target.id} could be read: ${unknown.join('; ')}`);
  const { instrument } = target;
  return {
    sources,
    shown: {
      exchange: instrument.exchange,
      market: instrument.market,
      listed_as: instrument.stands_in_as ?? instrument.symbol,
      quote: instrument.quote,
      oldest_ms: Math.max(...sources.map((s) => s.stale_ms)),
      book: book === null ? null : bookOf(book),
      day: day === null ? null : dayOf(day),
      mark: mark === null ? null : markOf(mark),
      funding: funding === null ? null : fundingOf(funding, instrument.funding_interval_hours),
      open_interest: interest === null ? null : numberOf(interest, 'open_interest'),
      unknown,
    },
  };
}

function bookOf({ bids, asks }: Awaited<ReturnType<VenueReader['book']>>['value']): z.infer<typeof bookPart> {
  const [bid, ask] = [bids[0]?.[0] ?? null, asks[0]?.[0] ?? null];
  const mid = bid === null || ask === null ? null : (bid + ask) / 2;
  const size = (levels: typeof bids): number => levels.reduce((sum, [, quantity]) => sum + quantity, 0);
  const [bidSize, askSize] = [size(bids), size(asks)];
  return {
    bid,
    ask,
    mid,
    spread_bps: mid === null || bid === null || ask === null ? null : ((ask - bid) / mid) * 10_000,
    bid_size: bidSize,
    ask_size: askSize,
    imbalance_pct: imbalancePct(bidSize, askSize),
  };
}
