import { describe, expect, test } from 'vitest';
import { costOf, createPriceBook, mostOf } from '../../../src/crew/spend/price.ts';
import { PRICES } from '../../../src/crew/spend/price-list.ts';

const counts = { input_tokens: 0, output_tokens: 0, cached_tokens: 0, cache_write_tokens: 0, reasoning_tokens: 0 };
const price = { input: 2, output: 10, cached_input: 0.2, cache_write: 2.5, source: 'test', as_of: '2026-11-29' };

describe('the cost of a call', () => {
  test('is each kind of token at its price: 1,000 in (600 cached, 100 written), 50 out', () => {
    // 300 × 2 + 600 × 0.2 + 100 × 2.5 + 50 × 10 = 600 + 120 + 250 + 500 = 1,470 millionths
    const tokens = { ...counts, input_tokens: 1000, cached_tokens: 600, cache_write_tokens: 100, output_tokens: 50 };
    expect(costOf(price, { ...tokens, reasoning_tokens: 20 })).toBeCloseTo(0.00147, 12);
  });

  test('counts cached input as any input when its price is not known, and is not known for unpriced writes', () => {
    const unpriced = { ...price, cached_input: null, cache_write: null };
    expect(costOf(unpriced, { ...counts, input_tokens: 10, cached_tokens: 10 })).toBeCloseTo(0.00002, 12);
    expect(costOf(unpriced, { ...counts, input_tokens: 10, cache_write_tokens: 1 })).toBeNull();
  });

  test('is at most what the dearest kind of input makes it', () => {
    expect(mostOf(price, 1000, 100)).toBeCloseTo(0.0035, 12);
  });
});

describe('the price book', () => {
  const at = (standard: boolean) => ({ provider: 'openai', id: 'openai-1', standard });

  test('knows shipped models and their snapshots, at the provider’s own address alone', () => {
    const book = createPriceBook();
    expect(book.of({ name: 'openai:gpt-5-mini', endpoint: at(true) })).toMatchObject({ input: 0.25, output: 2 });
    expect(book.of({ name: 'openai:gpt-5-mini-2025-08-07', endpoint: at(true) })).toMatchObject({ output: 2 });
    expect(book.of({ name: 'anthropic:claude-haiku-4-5-20251001' })).toMatchObject({ input: 1, cached_input: null });
    expect(book.of({ name: 'openai:gpt-5-mini', endpoint: at(false) })).toBeNull();
    expect(book.of({ name: 'openai:gpt-of-tomorrow', endpoint: at(true) })).toBeNull();
  });

  test('takes the user’s price over it, at any address', () => {
    const book = createPriceBook({ 'openai:gpt-5-mini': price });
    expect(book.of({ name: 'openai:gpt-5-mini', endpoint: at(false) })).toEqual(price);
    expect(book.rows.filter((row) => row.model === 'openai:gpt-5-mini')).toEqual([
      { model: 'openai:gpt-5-mini', own: true, ...price },
    ]);
  });

  test('says of every price where it is from and of which day', () => {
    for (const row of PRICES) {
      expect(row.source).toMatch(/^https:\/\/(platform\.claude\.com|developers\.openai\.com)\//);
      expect(row.as_of).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(row.output).toBeGreaterThan(row.input);
    }
    expect(new Set(PRICES.map((row) => row.model)).size).toBe(PRICES.length);
  });
});
