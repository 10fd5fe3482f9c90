import { expect, test } from 'vitest';
import { totalKnown } from '../../../src/serve/cli/actions/storage.ts';

test('a total is of what is known, and not 0 where nothing is', () => {
  expect(totalKnown([3, null, 4, undefined, 0])).toBe(7);
  expect(totalKnown([0])).toBe(0);
  expect(totalKnown([null, undefined])).toBeNull();
  expect(totalKnown([])).toBeNull();
});
