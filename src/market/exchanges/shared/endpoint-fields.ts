import { z } from 'zod';

/** Input fields of endpoint tools: one wording, one bound. `.describe()` comes last, zod drops it otherwise. */

const NAME = /^[\p{L}\p{N}][\p{L}\p{N}_.:/@+-]*$/u;

const instrumentName = z.string().min(1).max(40).regex(NAME, 'must be a symbol: letters, digits and _ . : / @ + -');

/** An instrument, with a default. Takes the canonical symbol, the venue's own name, or a base coin. */
export const instrument = (fallback: string, own = fallback) =>
  instrumentName
    .default(fallback)
    .describe(
      own === fallback
        ? `Symbol, as in ${fallback}; a base coin alone means its main contract (default ${fallback})`
        : `Symbol, canonical (BTCUSDT) or as the venue writes it (${own}); a base coin alone means its main contract (default ${fallback})`,
    );

export const requiredInstrument = (own: string) =>
  instrumentName.describe(`Symbol, canonical (BTCUSDT) or as the venue writes it (${own})`);

export const optionalInstrument = (all: string) =>
  instrumentName.optional().describe(`Symbol, canonical (BTCUSDT) or as the venue writes it; ${all} when left out`);

export const coin = (fallback: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9]{1,12}$/, 'must be a coin: 1 to 12 letters and digits')
    .transform((text) => text.toUpperCase())
    .default(fallback)
    .describe(`Coin, as in ${fallback} (default ${fallback})`);

/** A whole number of entries. */
export const count = (fallback: number, most: number, what: string) =>
  z.number().int().min(1).max(most).default(fallback).describe(`${what}, 1 to ${most} (default ${fallback})`);

export const depth = (fallback: number, most: number) => count(fallback, most, 'Levels a side');

/** One of the venue's own words. */
export const choice = <const V extends readonly [string, ...string[]]>(values: V, fallback: V[number], what: string) =>
  z
    .enum(values as unknown as readonly [V[number], ...V[number][]])
    .default(fallback as never)
    .describe(`${what}: ${values.join(', ')} (default ${fallback})`);
