/** What a provider asks for a million tokens, USD. */
export interface ModelPrice {
  readonly input: number;
  /** Reasoning tokens are output. */
  readonly output: number;
  /** Input that the provider had cached; null: counted as any input, which is never too little. */
  readonly cached_input: number | null;
  /** Input written to the provider's cache; null: not known, and then the cost of a call that writes is not known. */
  readonly cache_write: number | null;
  /** Where the price was read. */
  readonly source: string;
  /** Day on which it was read, `2026-11-29`. */
  readonly as_of: string;
}

const READ = '2026-11-29';
const CLAUDE = 'https://platform.claude.com/docs/en/about-claude/pricing';
const claude = (page: string): string => `https://platform.claude.com/docs/en/models/${page}/overview`;
const openai = (model: string): string => `https://developers.openai.com/api/docs/models/${model}`;

/** Input, cached input, cache write, output: USD for a million tokens. */
const row = (
  model: string,
  [input, cached_input, cache_write, output]: readonly [number, number | null, number | null, number],
  source: string,
): ModelPrice & { readonly model: string } => ({
  model,
  input,
  cached_input,
  cache_write,
  output,
  source,
  as_of: READ,
});

/**
 * Prices as the providers' own pages gave them on the day named, standard tier. Only models whose page was read and
 * that ask one price whatever the length of the prompt; every other model has no price until the user gives it one.
 * The pages were stored copies, so a later change may be missing: budgets of those who pay by them should be checked
 * against the provider's page. OpenAI asks nothing for writing to its cache and reports no such tokens.
 */
export const PRICES: readonly (ModelPrice & { readonly model: string })[] = [
  row('openai:gpt-5-mini', [0.25, 0.025, 0, 2], openai('gpt-5-mini')),
  row('openai:gpt-5-nano', [0.05, 0.005, 0, 0.4], openai('gpt-5-nano')),
  row('openai:gpt-5.4-nano', [0.2, 0.02, 0, 1.25], openai('gpt-5.4-nano')),
  ...['opus-5', 'opus-4-8', 'opus-4-7', 'opus-4-6', 'opus-4-5'].map((name) =>
    row(`anthropic:claude-${name}`, [5, 0.5, 6.25, 25], CLAUDE),
  ),
  row('anthropic:claude-sonnet-5', [2, 0.2, 2.5, 10], claude('sonnet-5')),
  row('anthropic:claude-sonnet-5-5', [2, 0.2, 2.5, 10], claude('sonnet-5-5')),
  row('anthropic:claude-haiku-4-5', [1, null, null, 5], claude('sonnet-5-5')),
];
