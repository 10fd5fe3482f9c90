import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAnswer } from '../../../src/crew/agent/answer.ts';

const schema = { type: 'object', properties: { a: {} }, required: ['a'] };

describe('an answer that is nearly JSON', () => {
  test.each([
    ["{'a': 'it''s'}", { a: "it's" }],
    ['{a: 1, b: [1, 2,], }', { a: 1, b: [1, 2] }],
    ['Sure:\n```json\n{"a": {"b": "unfinis', { a: { b: 'unfinis' } }],
    ['{"a": 1, "b": ', { a: 1 }],
    ['{"a": true, "b": None', { a: true, b: 'None' }],
  ])('%s', (text, output) => {
    expect(parseAnswer(text, schema)).toEqual({ ok: true, output, repaired: true });
  });

  test.each(['no JSON at all', '{', '{"b": 1', '[&x', '{"a": *x}'])(
    'is refused when it cannot be mended: %s',
    (text) => {
      expect(parseAnswer(text, schema).ok).toBe(false);
    },
  );

  test('whole JSON is never changed, and no cut of it breaks the reader', () => {
    const value = fc.dictionary(fc.string(), fc.jsonValue()).map((rest) => ({ ...rest, a: 1 }));
    fc.assert(
      fc.property(value, fc.nat(), (given, at) => {
        const text = JSON.stringify(given);
        expect(parseAnswer(text, schema)).toEqual({ ok: true, output: JSON.parse(text), repaired: false });
        expect(typeof parseAnswer(text.slice(0, at % text.length), schema).ok).toBe('boolean');
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
