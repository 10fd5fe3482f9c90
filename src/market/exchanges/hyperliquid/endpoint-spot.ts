import { z } from 'zod';
import { changePct } from '../shared/kinds/statistics.ts';
import { ownKind } from '../shared/kinds/series.ts';
import { endpoint } from '../shared/question.ts';
import { DOCS, info } from './endpoint-questions.ts';
import { midsWire, spotContextsWire, spotMetaWire, type SpotMeta } from './endpoint-shapes.ts';
import { measure } from '../../domain/measure.ts';

/** Spot pairs and mids, which only this venue tells so. A pair is named `PURR/USDC` or `@107`. */

const SHOWN = 200;

const pairShape = z.object({ name: z.string(), base: z.string().nullable(), quote: z.string().nullable() });
const tokenShape = z.object({
  name: z.string(),
  index: z.number().describe('Identifier of the token'),
  size_decimals: z.number().describe('Decimal places'),
  token_id: z.string(),
  canonical: z.boolean(),
});
const metaShape = z.object({
  pair_count: measure.count,
  token_count: measure.count,
  pairs: z.array(pairShape),
  tokens: z.array(tokenShape),
});

export const spotMeta = {
  kind: ownKind({
    name: 'spot_meta',
    about: `Spot pairs with the tokens that they trade, and tokens with their index, decimals of sizes and identifier; at most ${SHOWN} of each are listed, counts are of all.`,
    output: metaShape,
    summary: (data) => `${data.pair_count} spot pairs, ${data.token_count} tokens.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/spot`,
    request: () => info({ type: 'spotMeta' }),
    shape: spotMetaWire,
    read: (meta) => ({ value: metaOf(meta), time: null }),
  }),
};

function metaOf(meta: SpotMeta): z.infer<typeof metaShape> {
  return {
    pair_count: meta.universe.length,
    token_count: meta.tokens.length,
    pairs: pairsOf(meta).slice(0, SHOWN),
    tokens: meta.tokens.slice(0, SHOWN).map((t) => ({
      name: t.name,
      index: t.index,
      size_decimals: t.szDecimals,
      token_id: t.tokenId,
      canonical: t.isCanonical,
    })),
  };
}

function pairsOf({ universe, tokens }: SpotMeta): z.infer<typeof pairShape>[] {
  const names = new Map(tokens.map((t) => [t.index, t.name]));
  return universe.map(({ name, tokens: [base = -1, quote = -1] }) => ({
    name,
    base: names.get(base) ?? null,
    quote: names.get(quote) ?? null,
  }));
}

const contextShape = pairShape.extend({
  mark: measure.price.nullable(),
  mid: measure.price.nullable(),
  previous_day: measure.price.nullable(),
  change_24h_pct: measure.percent.nullable(),
  volume_24h: measure.size.nullable(),
  quote_volume_24h: measure.value.nullable(),
  circulating_supply: z.number().describe('Base units').nullable(),
});
const contextsShape = z.object({ pair_count: measure.count, token_count: measure.count, pairs: z.array(contextShape) });

export const spotContexts = {
  kind: ownKind({
    name: 'spot_contexts',
    about: `Spot pairs with mark and mid price, the price a day before and the change in percent, volume of 24 h in the base token and in the quote, and circulating supply of the base token; the ${SHOWN} with the largest quote volume are listed.`,
    output: contextsShape,
    summary: (data) => `${data.pair_count} spot pairs; busiest ${data.pairs[0]?.name ?? 'none'}.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/spot`,
    request: () => info({ type: 'spotMetaAndAssetCtxs' }),
    shape: spotContextsWire,
    read: ([meta, contexts]) => {
      const byName = new Map(contexts.map((c) => [c.coin, c]));
      const pairs = pairsOf(meta).flatMap((pair) => {
        const c = byName.get(pair.name);
        if (c === undefined) return [];
        return [
          {
            ...pair,
            mark: c.markPx,
            mid: c.midPx,
            previous_day: c.prevDayPx,
            change_24h_pct: changePct(c.prevDayPx, c.markPx),
            volume_24h: c.dayBaseVlm,
            quote_volume_24h: c.dayNtlVlm,
            circulating_supply: c.circulatingSupply,
          },
        ];
      });
      pairs.sort((a, b) => (b.quote_volume_24h ?? -1) - (a.quote_volume_24h ?? -1));
      return {
        value: { pair_count: pairs.length, token_count: meta.tokens.length, pairs: pairs.slice(0, SHOWN) },
        time: null,
        complete: pairs.length === meta.universe.length,
      };
    },
  }),
};

const MOST_MIDS = 1000;
const midsShape = z.object({ count: measure.count, mids: z.array(z.object({ name: z.string(), mid: measure.price })) });

export const mids = {
  kind: ownKind({
    name: 'mids',
    about: `Middle of best bid and ask of every perpetual (by its coin) and spot pair (as @107), in USDC; at most ${MOST_MIDS} are listed. The venue’s own names are kept.`,
    output: midsShape,
    summary: (data) => `${data.count} mids.`,
  }),
  endpoint: endpoint({
    market: 'futures',
    docs: DOCS,
    request: () => info({ type: 'allMids' }, 2),
    shape: midsWire,
    read: (wire) => {
      const list = Object.entries(wire).map(([name, mid]) => ({ name, mid }));
      list.sort((a, b) => (a.name < b.name ? -1 : 1));
      return { value: { count: list.length, mids: list.slice(0, MOST_MIDS) }, time: null };
    },
  }),
};
