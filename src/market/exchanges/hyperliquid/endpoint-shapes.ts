import { z } from 'zod';
import type { EndpointFacts } from '../endpoint.ts';
import type { Ticker } from '../shared/kinds/ticker.ts';
import { decimal, decimalOrNull, msTime, positiveOrNull } from '../shared/shapes.ts';
import { FUNDING_HOURS } from './wire.ts';

/** Answers of POST /info, by `type`. */

const assetWire = z.looseObject({
  name: z.string(),
  szDecimals: z.number(),
  maxLeverage: decimalOrNull,
  isDelisted: z.boolean().nullish(),
});
export const metaWire = z.looseObject({ universe: z.array(assetWire) });

const contextWire = z.looseObject({
  funding: decimalOrNull,
  openInterest: decimalOrNull,
  prevDayPx: positiveOrNull,
  dayNtlVlm: decimalOrNull,
  dayBaseVlm: decimalOrNull,
  oraclePx: positiveOrNull,
  markPx: positiveOrNull,
});
export const contextsWire = z
  .tuple([metaWire, z.array(contextWire)], z.unknown())
  .refine(([meta, contexts]) => meta.universe.length === contexts.length, 'as many contexts as perpetuals');

type Contexts = z.output<typeof contextsWire>;

/**
 * The perpetuals that trade, with their contexts. The venue tells no last price and no sides here; open interest is in
 * coins, valued at the mark. The day's change is that of the mark.
 */
export function tickersOf([meta, contexts]: Contexts, facts: EndpointFacts): Ticker[] {
  return meta.universe.flatMap((asset, i) => {
    const context = contexts[i];
    if (context === undefined || asset.isDelisted === true) return [];
    const { markPx: mark, openInterest: interest, prevDayPx: before } = context;
    return [
      {
        symbol: facts.instrumentOf(asset.name)?.symbol ?? asset.name,
        venue_symbol: asset.name,
        quote: 'USDC',
        last: null,
        open_24h: before,
        change_24h_pct: mark === null || before === null ? null : (mark / before - 1) * 100,
        volume_24h: context.dayBaseVlm,
        quote_volume_24h: context.dayNtlVlm,
        mark,
        index: context.oraclePx,
        funding_rate: context.funding,
        funding_interval_hours: FUNDING_HOURS,
        open_interest: interest,
        open_interest_quote: interest === null || mark === null ? null : interest * mark,
      },
    ];
  });
}

const level = z.looseObject({ px: decimal, sz: decimal }).transform(({ px, sz }): [number, number] => [px, sz]);
export const bookWire = z.looseObject({
  time: msTime,
  levels: z.tuple([z.array(level), z.array(level)], z.unknown()),
});

export const tradeWire = z.array(
  z.looseObject({
    side: z.enum(['A', 'B']),
    px: decimal,
    sz: decimal,
    time: msTime,
    tid: z.union([z.number(), z.string()]),
  }),
);

export const candleWire = z.array(
  z.looseObject({
    t: msTime,
    T: msTime,
    o: decimal,
    h: decimal,
    l: decimal,
    c: decimal,
    v: decimal,
    n: decimalOrNull,
  }),
);

export const fundingWire = z.array(z.looseObject({ fundingRate: decimal, time: msTime }));

export const midsWire = z.record(z.string(), decimal);

const tokenWire = z.looseObject({
  name: z.string(),
  index: z.number(),
  szDecimals: z.number(),
  tokenId: z.string(),
  isCanonical: z.boolean(),
});
const pairWire = z.looseObject({ name: z.string(), index: z.number(), tokens: z.array(z.number()).length(2) });
export const spotMetaWire = z.looseObject({ universe: z.array(pairWire), tokens: z.array(tokenWire) });
export type SpotMeta = z.output<typeof spotMetaWire>;

const spotContextWire = z.looseObject({
  coin: z.string(),
  markPx: positiveOrNull,
  midPx: positiveOrNull,
  prevDayPx: positiveOrNull,
  dayNtlVlm: decimalOrNull,
  dayBaseVlm: decimalOrNull,
  circulatingSupply: decimalOrNull,
});
export const spotContextsWire = z.tuple([spotMetaWire, z.array(spotContextWire)], z.unknown());
