import { z } from 'zod';

/** What system.yaml says about money: prices, limits a minute, budgets. */

const price = z.strictObject({
  input: z.number().nonnegative().describe('USD for a million input tokens'),
  output: z.number().nonnegative().describe('USD for a million output tokens, reasoning included'),
  cached_input: z
    .number()
    .nonnegative()
    .nullable()
    .default(null)
    .describe('USD for a million input tokens that the provider had cached; as input unless given'),
  cache_write: z
    .number()
    .nonnegative()
    .nullable()
    .default(null)
    .describe('USD for a million input tokens written to its cache; a call that writes has no known cost without it'),
  source: z.string().min(1).default('system.yaml').describe('Where the price is from'),
  as_of: z.iso.date().describe('Day on which it held, as in 2026-11-29'),
});

const limit = z.strictObject({
  requests_per_minute: z.number().int().min(1).nullable().default(null).describe('Requests a minute with one key'),
  tokens_per_minute: z.number().int().min(1).nullable().default(null).describe('Tokens a minute with one key'),
});

/** Prices over the shipped ones, by model. */
export const pricesSchema = z.record(z.string(), price);

/** Limits by provider. */
export const limitsSchema = z.partialRecord(z.enum(['openai', 'anthropic', 'ollama']), limit);

export const circuitSchema = z.strictObject({
  failures: z.number().int().min(1).default(5).describe('Failures in a row after which a provider is left alone'),
  open_seconds: z.number().positive().default(30).describe('Time before it is tried again'),
});

const amount = z.number().positive().nullable().default(null);
const name = z.string().min(1).nullable().default(null);

/** What may be spent, by a name of the user's. */
export const budgetsSchema = z.record(
  z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,99}$/, 'is not a name: a letter, then letters, digits, _ or -'),
  z
    .strictObject({
      per: z.enum(['run', 'day', 'month']).describe('What it is for; days and months are UTC’s'),
      crew: name.describe('Only what this crew spends'),
      agent: name.describe('Only what this agent spends'),
      model: name.describe('Only what this model costs'),
      usd: amount.describe('USD that may be spent; a model without a price is refused under it'),
      tokens: amount.describe('Tokens, in and out'),
      calls: amount.describe('Calls of models'),
      then: z
        .enum(['stop', 'ask'])
        .default('stop')
        .describe('Before a call that may exceed it the run ends, or waits for a person'),
    })
    .refine(({ usd, tokens, calls }) => usd !== null || tokens !== null || calls !== null, {
      message: 'limits nothing: give usd, tokens or calls',
    }),
);
