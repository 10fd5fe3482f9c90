import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdTexts } from '../../../../../src/market/exchanges/shared/fast/id-texts.ts';

test('gives the text of every whole number', () => {
  const ids = new IdTexts();
  for (const id of [0, 7, 9999, 10_000, 10_001, 2_345_678_901, 2_345_680_000, Number.MAX_SAFE_INTEGER]) {
    expect(ids.text(id)).toBe(String(id));
  }
  // Heads that share a slot, back and forth.
  for (const head of [1, 257, 1, 513, 257]) expect(ids.text(head * 10_000 + 42)).toBe(`${head}0042`);
  fc.assert(
    fc.property(fc.maxSafeNat(), (id) => ids.text(id) === String(id)),
    { numRuns: 2000, seed: 20_261_128 },
  );
});
