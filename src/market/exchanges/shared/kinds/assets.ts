import { z } from 'zod';
import type { Kind } from '../../endpoint.ts';
import { measure } from '../../../domain/measure.ts';

/** A coin or currency that a venue keeps; null where it does not say. */
export interface Asset {
  /** Canonical: BTC, not XBT. */
  readonly asset: string;
  readonly venue_asset: string;
  readonly full_name?: string | null | undefined;
  /** Digits after the point that the venue keeps. */
  readonly decimals: number | null;
  /** Whether it can be put in or taken out now, over one chain at least. */
  readonly deposits: boolean | null;
  readonly withdrawals: boolean | null;
  readonly chains?: number | null | undefined;
}

const assetShape = z.object({
  asset: z.string(),
  venue_asset: z.string(),
  full_name: z.string().nullable(),
  decimals: z.number().describe('Decimal places').nullable(),
  deposits: z.boolean().nullable(),
  withdrawals: z.boolean().nullable(),
  chains: measure.count.nullable(),
});
const assetsShape = z.object({
  count: measure.count,
  deposits_open: measure.count,
  withdrawals_open: measure.count,
  assets: z.array(assetShape),
});
const SHOWN = 300;

export const assets: Kind<readonly Asset[], z.infer<typeof assetsShape>> = {
  name: 'assets',
  about:
    'Coins and currencies that the venue keeps: canonical and venue name, digits after the point, and whether deposits and withdrawals are open now; of one, or counts of all and the first 300 by name.',
  output: assetsShape,
  derive: (value) => ({
    count: value.length,
    deposits_open: value.filter((a) => a.deposits === true).length,
    withdrawals_open: value.filter((a) => a.withdrawals === true).length,
    assets: [...value]
      .sort((a, b) => (a.asset < b.asset ? -1 : 1))
      .slice(0, SHOWN)
      .map((a) => ({
        asset: a.asset,
        venue_asset: a.venue_asset,
        full_name: a.full_name ?? null,
        decimals: a.decimals,
        deposits: a.deposits,
        withdrawals: a.withdrawals,
        chains: a.chains ?? null,
      })),
  }),
  summary: (data) => `${data.count} asset(s), deposits open for ${data.deposits_open}.`,
};
