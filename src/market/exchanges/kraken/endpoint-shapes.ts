import { z } from 'zod';
import { decimal } from '../shared/shapes.ts';
import { isoTimeOf, spotName } from './wire.ts';

/** REST bodies of Kraken. Spot answers `{"error":[],"result":{…}}`, futures `{"result":"success",…,"serverTime":…}`. */

export const resultOf = <W>(shape: z.ZodType<W>) => z.looseObject({ result: shape }).transform(({ result }) => result);

/** Results by pair or asset, in the venue's old spelling, as a list. */
export const byName = <W>(row: z.ZodType<W>) =>
  resultOf(z.record(z.string(), row)).transform((rows) =>
    Object.entries(rows).map(([name, value]) => ({ name, ...value })),
  );

/** The one pair's part of a result that may also have `last`, where the next answer would go on. */
export const ofPair = <W>(rows: z.ZodType<W>) =>
  resultOf(z.looseObject({ last: z.union([z.string(), z.number()]).optional() })).transform((result, context) => {
    const named = Object.entries(result).find(([name]) => name !== 'last');
    const parsed = rows.safeParse(named?.[1]);
    if (parsed.success) return { rows: parsed.data, last: result.last };
    const [issue] = parsed.error.issues;
    context.addIssue({
      code: 'custom',
      path: ['result', named?.[0] ?? 'pair', ...(issue?.path ?? [])],
      message: issue?.message ?? 'no pair',
    });
    return z.NEVER;
  });

/** Seconds, with a fraction, as UTC ms. */
export const secondsTime = decimal.transform((seconds) => Math.round(seconds * 1000));

/** ISO text as UTC ms. */
export const isoTime = z.string().transform((text, context) => {
  const time = isoTimeOf(text) / 1000;
  if (Number.isFinite(time)) return Math.floor(time);
  context.addIssue({ code: 'custom', message: `expected a time, got ${JSON.stringify(text).slice(0, 40)}` });
  return z.NEVER;
});

/** BTCUSD of XBTUSD, XXBTZUSD, XBT/USD or BTC/USD. */
export function canonicalPair(name: string): string {
  return spotName(name.toUpperCase()).symbol ?? name;
}
