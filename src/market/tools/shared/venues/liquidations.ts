import { z } from 'zod';
import type { ToolContext } from '../../../../kit/tool.ts';
import type { SqlRow } from '../../../../infra/duckdb/database.ts';
import { numberOf, textOf } from '../../../jobs/row.ts';
import type { MarketServices } from '../../../services.ts';
import { figures, pastOf, type Past, type Stretch } from '../history.ts';
import { isoOfUs } from '../provenance.ts';
import { measure } from '../../../domain/measure.ts';

/** Collected liquidations of a symbol. No venue tells them over public REST. */

export const liquidationShape = z.object({
  time: z.string().nullable(),
  exchange: z.string(),
  side: z.enum(['long', 'short']).describe('The position that was closed'),
  price: measure.price,
  quantity: z.number().describe('Base units'),
  value: z.number().describe('Value, quote currency'),
});
export type Liquidation = z.infer<typeof liquidationShape>;

export const liquidationTotalsShape = z.object({
  events: measure.count,
  long_value: measure.value,
  short_value: measure.value,
  dominant: z.enum(['long', 'short', 'none']).describe('The side with more than 1.5 times the value of the other'),
  largest: liquidationShape.nullable(),
});

/** Events read of each series, at most. */
const MOST = 50_000;

export interface Liquidations {
  readonly range: Stretch;
  readonly series: readonly Past[];
  /** Oldest first. */
  readonly events: readonly (Liquidation & { readonly at: number })[];
  readonly truncated: boolean;
}

/** Liquidations of the last minutes with their coverage. Throws as `pastOf`. */
export async function liquidationsOf(
  context: Pick<ToolContext<MarketServices>, 'services'>,
  asked: {
    readonly symbol: string;
    readonly exchange?: string | undefined;
    readonly minutes: number;
    readonly min_coverage?: number | undefined;
  },
): Promise<Liquidations> {
  const { services } = context;
  const { range, series } = await pastOf(services, { ...asked, market: undefined, stream: 'liquidations' });
  const events: (Liquidation & { at: number })[] = [];
  let truncated = false;
  for (const { key } of series) {
    const rows = await figures(services, key, range, {
      select: 'epoch_us(event_time)::DOUBLE AS at, side, price, quantity',
      tail: `ORDER BY event_time DESC LIMIT ${MOST}`,
    });
    truncated ||= rows.length === MOST;
    events.push(...rows.flatMap((row) => eventOf(row, key.exchange) ?? []));
  }
  return { range, series, events: events.sort((a, b) => a.at - b.at), truncated };
}

export function totalsOf(events: readonly Liquidation[]): z.infer<typeof liquidationTotalsShape> {
  const value = (side: Liquidation['side']): number =>
    events.reduce((sum, e) => (e.side === side ? sum + e.value : sum), 0);
  const [long, short] = [value('long'), value('short')];
  const largest = events.reduce<Liquidation | null>(
    (best, e) => (best === null || e.value > best.value ? e : best),
    null,
  );
  return {
    events: events.length,
    long_value: long,
    short_value: short,
    dominant: long > short * 1.5 ? 'long' : short > long * 1.5 ? 'short' : 'none',
    largest: largest === null ? null : liquidationShape.parse(largest),
  };
}

function eventOf(row: SqlRow, exchange: string): (Liquidation & { at: number }) | undefined {
  const [at, price, quantity] = [numberOf(row, 'at'), numberOf(row, 'price'), numberOf(row, 'quantity')];
  const side = textOf(row, 'side');
  if (at === null || price === null || quantity === null || (side !== 'long' && side !== 'short')) return undefined;
  return { at, time: isoOfUs(at), exchange, side, price, quantity, value: price * quantity };
}
