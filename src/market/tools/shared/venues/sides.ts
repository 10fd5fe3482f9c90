import { z } from 'zod';
import { Stale } from '../../../../kit/errors.ts';
import type { ProvenanceSource, ToolContext } from '../../../../kit/tool.ts';
import type { VenueMarket } from '../../../exchanges/contract.ts';
import type { AppliedFees } from '../../../exchanges/fees.ts';
import { comparePairs, withSame, type ArbitrageSide, type Comparison } from '../../../jobs/arbitrage/compare.ts';
import { marketFees } from '../../../jobs/fees.ts';
import type { MarketServices } from '../../../services.ts';
import { acrossMarkets, acrossNotes, readingShape, showReading, type Across } from './across.ts';
import { conversionsInto, type Conversions } from './conversions.ts';
import { requireFresh, VenueReader, type Target } from './reader.ts';
import { quoteMeant } from './symbols.ts';
import { measure } from '../../../domain/measure.ts';

/** Books of one symbol on every market where it can be traded, ready to be compared. */

type Context = ToolContext<MarketServices>;

/** Levels a side that sizes are walked over. */
const DEPTH = 50;

export const notional = z
  .number()
  .min(1)
  .max(1_000_000_000)
  .default(10_000)
  .describe('Size to trade, in the quote currency of the symbol, 1 to 1,000,000,000 (default 10,000)');

export interface Side extends ArbitrageSide {
  readonly target: Target;
  readonly fees: AppliedFees | undefined;
  readonly mid: number | null;
  readonly source: ProvenanceSource;
}

export interface Sides extends Across<Side> {
  /** Currency that amounts are given in: the quote of the symbol as it was asked. */
  readonly currency: string;
  readonly conversions: Conversions;
  readonly notes: readonly string[];
  readonly sources: readonly ProvenanceSource[];
}

/**
 * Reads the book of a symbol on each market. A book older than `maxAgeMs`, or with an empty or crossed side, is missing
 * with the reason. An oracle is no market: nothing can be traded there.
 */
export async function readSides(
  context: Context,
  markets: readonly VenueMarket[],
  symbol: string,
  maxAgeMs: number,
): Promise<Sides> {
  const reader = new VenueReader(context);
  const across = await acrossMarkets(context, markets, symbol, async (target): Promise<Side> => {
    const { value, source } = await reader.book(target, DEPTH, maxAgeMs);
    requireFresh(`the book of ${target.id}`, source, maxAgeMs);
    const [bid, ask] = [value.bids[0]?.[0], value.asks[0]?.[0]];
    if (bid === undefined || ask === undefined || bid > ask) {
      throw new Stale(
        `the book of ${target.id} is ${bid === undefined || ask === undefined ? 'empty on a side' : 'crossed'}`,
      );
    }
    const fees = marketFees(context.services.config, target.market);
    const { kind, quote, lot_size: lot } = target.instrument;
    return {
      id: target.id,
      kind,
      quote,
      bids: value.bids,
      asks: value.asks,
      takerPercent: fees?.taker_percent ?? null,
      lot,
      target,
      fees,
      mid: (bid + ask) / 2,
      source,
    };
  });
  const currency = quoteMeant(
    across.found.map((side) => side.target.instrument),
    symbol,
  );
  const conversions = await conversionsInto(context, reader, {
    currencies: [...new Set(across.found.map((side) => side.quote))],
    into: currency,
    maxAgeMs,
  });
  return {
    ...across,
    currency,
    conversions,
    notes: [...acrossNotes(across), ...conversions.notes, ...feeNotes(across.found)],
    sources: [...across.found.map((side) => side.source), ...conversions.sources],
  };
}

/** Every ordered pair at a size in `sides.currency`. */
export function compareSides(sides: Sides, size: number): Comparison {
  return comparePairs(sides.found, sides.conversions.convert, { notional: size, currency: sides.currency });
}

/** Middle of a side in the common currency; null without a rate. */
export function commonMid(sides: Pick<Sides, 'conversions' | 'currency'>, side: Side): number | null {
  const rate = withSame(sides.conversions.convert)(side.quote, sides.currency);
  return side.mid === null || rate === undefined ? null : side.mid * rate.mid;
}

function feeNotes(sides: readonly Side[]): readonly string[] {
  const unverified = sides.filter((s) => s.fees?.origin === 'schedule' && s.fees.checked === null).map((s) => s.id);
  if (unverified.length === 0) return [];
  return [
    `fees of ${unverified.join(', ')} are from memory, not verified: give your own as market.fees in system.yaml`,
  ];
}

const number = z.number().nullable();

/** One market as arbitrage tools show it. Prices in its own quote, `mid_common` in that of the symbol. */
export const sideShape = z.object({
  id: z.string(),
  ...readingShape,
  kind: z.string(),
  bid: measure.price.nullable(),
  ask: measure.price.nullable(),
  mid: measure.price.nullable(),
  mid_common: measure.price.nullable(),
  taker_fee_percent: measure.percent.nullable(),
  maker_fee_percent: measure.percent.nullable(),
  fee_tier: z.string().nullable(),
  fee_origin: z.string().nullable(),
});

export function showSide(sides: Pick<Sides, 'conversions' | 'currency'>, side: Side): z.infer<typeof sideShape> {
  return {
    id: side.id,
    ...showReading(side.target, side.source),
    kind: side.kind,
    bid: side.bids[0]?.[0] ?? null,
    ask: side.asks[0]?.[0] ?? null,
    mid: side.mid,
    mid_common: commonMid(sides, side),
    taker_fee_percent: side.fees?.taker_percent ?? null,
    maker_fee_percent: side.fees?.maker_percent ?? null,
    fee_tier: side.fees?.tier ?? null,
    fee_origin: side.fees?.origin ?? null,
  };
}

export const pairShape = z.object({
  buy: z.string(),
  sell: z.string(),
  legs: z.enum(['same', 'basis']).describe('basis: spot against a contract, whose prices need not meet'),
  converted: z.boolean().describe('Whether the two are quoted in different currencies'),
  top_bps: number.describe('Best bid over best ask, before costs, basis points'),
  base: z.number().describe('Base units bought and sold at the size asked for'),
  buy_price: measure.price.nullable(),
  sell_price: measure.price.nullable(),
  gross_bps: measure.basisPoints.nullable(),
  net_bps: number.describe('After both taker fees and conversion, basis points of what is paid'),
  net_profit: measure.value,
  fees: measure.value,
  break_even_bps: z.number().describe('Gross spread at which nothing is won, basis points'),
  filled: z.boolean().describe('Whether both books held the size'),
  best_base: z.number().describe('Size that earns most, base units; 0 where none earns'),
  best_value: measure.value,
  best_profit: measure.value,
});
