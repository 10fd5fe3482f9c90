import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextIndex } from '../../../src/crew/retrieval/text-index.ts';
import { termsOf } from '../../../src/kit/words.ts';

describe('terms', () => {
  it('are words and numbers, names whole and by their parts, other scripts by pairs', () => {
    expect(termsOf('The fees of BTCUSDT are 0.01%')).toEqual(['fee', 'btcusdt', '0.01']);
    expect(termsOf('get_open_interest')).toEqual(['get_open_interest', 'open', 'interest']);
    expect(termsOf('openInterest')).toEqual(['openinterest', 'open', 'interest']);
    expect(termsOf('资金费率')).toEqual(['资金', '金费', '费率']);
    expect(termsOf('Größe élan')).toEqual(['größe', 'élan']);
    expect(termsOf('')).toEqual([]);
  });
});

describe('a text index', () => {
  it('gives BM25+ scores, worked by hand', () => {
    const index = new TextIndex();
    index.set('a', 'apple pear');
    index.set('b', 'apple plum');
    index.set('c', 'cherry plum');
    const [best, second] = index.search('apple pear');
    // N = 3; apple is in 2 texts, pear in 1; all texts are of average length, so one occurrence counts 1 + d = 1.5.
    const idf = (n: number): number => Math.log(1 + (3 - n + 0.5) / (n + 0.5));
    expect(best).toMatchObject({ id: 'a', similarity: 1 });
    expect(best?.score).toBeCloseTo(1.5 * (idf(2) + idf(1)), 9);
    expect(second?.id).toBe('b');
    expect(second?.similarity).toBeCloseTo(idf(2) / (idf(2) + idf(1)), 9);
    // A word that no text has counts in the whole.
    expect(index.search('apple zebra')[0]?.similarity).toBeCloseTo(idf(2) / (idf(2) + idf(0)), 9);
    expect(index.search('the of')).toEqual([]);
    expect(new TextIndex().search('apple')).toEqual([]);
  });

  it('finds what was changed as it is now, and not what was deleted', () => {
    const index = new TextIndex();
    index.set('a', 'apple');
    index.set('a', 'pear');
    index.set('b', 'apple');
    index.delete('b');
    index.delete('never');
    expect(index.search('apple')).toEqual([]);
    expect(index.search('pears').map((hit) => hit.id)).toEqual(['a']);
    expect(index.size).toBe(1);
  });

  it('keeps similarity within 0 and 1, and leaves out what is not allowed', () => {
    const word = fc.constantFrom('alpha', 'beta', 'gamma', 'delta', 'epsilon');
    const text = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 12 }), text, (texts, question) => {
        const index = new TextIndex();
        texts.forEach((content, i) => index.set(String(i), content));
        const hits = index.search(question, (id) => id !== '0');
        expect(hits.every((hit) => hit.id !== '0' && hit.similarity > 0 && hit.similarity <= 1)).toBe(true);
        expect(hits.map((hit) => hit.score)).toEqual(hits.map((hit) => hit.score).toSorted((a, b) => b - a));
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});
