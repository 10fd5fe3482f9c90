import { z } from 'zod';
import { numberOf } from './values.ts';

/** Shapes of REST answers: strict on what is used, silent on everything else. */

/** A finite number, or text of one. */
export const decimal = z.union([z.number(), z.string()]).transform((value, context) => {
  const number = numberOf(value);
  if (Number.isFinite(number)) return number;
  context.addIssue({ code: 'custom', message: `expected a number, got ${JSON.stringify(value).slice(0, 40)}` });
  return z.NEVER;
});

/** A finite number from zero on: sizes, and ratios of sizes. */
export const unsigned = decimal.refine((number) => number >= 0, 'must not be negative');

/** A finite number; null where the venue says nothing (absent, null, an empty text, or a text that is no number). */
export const decimalOrNull = z
  .unknown()
  .optional()
  .transform((value) => {
    const number = numberOf(value);
    return Number.isFinite(number) ? number : null;
  });

/** Like `decimalOrNull`, with null for zero too: for prices and times, where venues write 0 for "none". */
export const positiveOrNull = z
  .unknown()
  .optional()
  .transform((value) => {
    const number = numberOf(value);
    return Number.isFinite(number) && number > 0 ? number : null;
  });

/** UTC ms, as number or text. */
export const msTime = decimal;

/** `[price, size, …]` as numbers. */
export const level = z
  .tuple([decimal, decimal], z.unknown())
  .transform(([price, size]): [number, number] => [price, size]);
