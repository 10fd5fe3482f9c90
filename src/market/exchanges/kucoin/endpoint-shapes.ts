import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import { Unsupported } from '../../../kit/errors.ts';
import { timeAt } from './wire.ts';

/** REST bodies of KuCoin: `{"code":"200000","data":…}`. Refusals never come here. */

export const dataOf = <W>(shape: z.ZodType<W>) => z.looseObject({ data: shape }).transform(({ data }) => data);

/** A time in ms or ns, as number or text, as UTC ms. */
export const venueTime = z.union([z.number(), z.string()]).transform((value, context) => {
  const time = timeAt(value) / 1000;
  if (Number.isFinite(time)) return Math.floor(time);
  context.addIssue({ code: 'custom', message: `expected a time, got ${JSON.stringify(value).slice(0, 40)}` });
  return z.NEVER;
});

/** Rows of an index: `dataList`, newest first. */
export const indexRows = <W>(row: z.ZodType<W>) =>
  dataOf(z.looseObject({ dataList: z.array(row) })).transform(({ dataList }) => dataList);

/**
 * Name of the index behind a contract, as in `.KXBTUSDT` of XBTUSDTM. Throws Unsupported for inverse contracts, whose
 * indices are not named after them.
 */
export function indexName(i: Instrument | undefined): string {
  if (i === undefined || i.inverse || !i.venue_symbol.endsWith('M')) {
    throw new Unsupported(
      `KuCoin names the index of ${i?.venue_symbol ?? 'no contract'} otherwise: ask for a linear perpetual such as XBTUSDTM`,
    );
  }
  return `.K${i.venue_symbol.slice(0, -1)}`;
}
