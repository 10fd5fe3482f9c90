import type { CrewModel } from '../model/model.ts';
import type { TokenCounts } from '../model/tokens.ts';
import { type ModelPrice, PRICES } from './price-list.ts';

/** A price under the name of its model, `openai:gpt-5-mini`. `own` when the user's configuration gave it. */
export interface PriceRow extends ModelPrice {
  readonly model: string;
  readonly own: boolean;
}

/** Prices by model. */
export interface PriceBook {
  /** Null when nobody has said what the model costs. */
  of(model: Pick<CrewModel, 'name' | 'endpoint'>): ModelPrice | null;
  readonly rows: readonly PriceRow[];
}

/** `-2025-08-07` or `-20250807`: a snapshot costs what its model costs. */
const SNAPSHOT = /-(\d{4}-\d{2}-\d{2}|\d{8})$/;

/**
 * The shipped prices with the user's own over them. The shipped ones hold for the providers' own addresses alone:
 * what another address asks under the same name, only its user knows.
 */
export function createPriceBook(own: Readonly<Record<string, ModelPrice>> = {}): PriceBook {
  const shipped = Object.fromEntries(PRICES.map(({ model, ...price }) => [model, price]));
  const find = (name: string, isStandard: boolean): ModelPrice | undefined =>
    own[name] ?? (isStandard ? shipped[name] : undefined);
  return {
    of({ name, endpoint }) {
      const isStandard = endpoint?.standard ?? true;
      return find(name, isStandard) ?? find(name.replace(SNAPSHOT, ''), isStandard) ?? null;
    },
    rows: [
      ...Object.entries(own).map(([model, price]) => ({ model, own: true, ...price })),
      ...PRICES.filter(({ model }) => own[model] === undefined).map((row) => ({ own: false, ...row })),
    ],
  };
}

/** Cost of a call, USD; null when a kind of token that was used has no price. */
export function costOf(price: ModelPrice, tokens: TokenCounts): number | null {
  const { input_tokens, output_tokens, cached_tokens, cache_write_tokens } = tokens;
  if (cache_write_tokens > 0 && price.cache_write === null) return null;
  const fresh = Math.max(0, input_tokens - cached_tokens - cache_write_tokens);
  return (
    (fresh * price.input +
      cached_tokens * (price.cached_input ?? price.input) +
      cache_write_tokens * (price.cache_write ?? 0) +
      output_tokens * price.output) /
    1e6
  );
}

/** The most that a call of at most so many tokens can cost, USD. */
export function mostOf(price: ModelPrice, input: number, output: number): number {
  return (input * Math.max(price.input, price.cache_write ?? 0) + output * price.output) / 1e6;
}
