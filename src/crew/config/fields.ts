import { z } from 'zod';
import { parseDuration } from '../../kit/duration.ts';
import { errorMessage } from '../../kit/errors.ts';
import { parseCron } from '../schedule/cron.ts';

/** Kinds of text that several files have. */

/** Name of an environment variable. */
export const variable = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, 'is not the name of an environment variable (capitals, digits, underscores)');

/** `30s`, `5m`, `24h`: milliseconds. */
export const duration = z.string().transform((text, context) => attempt(() => parseDuration(text), context));

/** Seconds: a number, or `30s`, `5m`, `24h`. */
export const durationSeconds = z.union([z.number().positive(), duration.transform((ms) => ms / 1000)]);

/** A cron pattern of five fields, or six with seconds first. */
export const cronPattern = z.string().superRefine((text, context) => void attempt(() => parseCron(text), context));

/** An IANA time zone, `Europe/Berlin`. */
export const timeZone = z
  .string()
  .superRefine((text, context) => void attempt(() => parseCron('0 0 * * *', text), context));

/** The result, or the error's message as an issue. */
function attempt<T>(parse: () => T, context: z.core.$RefinementCtx): T {
  try {
    return parse();
  } catch (error) {
    context.addIssue({ code: 'custom', message: errorMessage(error) });
    return z.NEVER;
  }
}
