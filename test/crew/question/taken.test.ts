import { describe, expect, test } from 'vitest';
import { type OpenQuestion, requireTaken } from '../../../src/crew/run/questions.ts';

const open = (id: string, problem: string | null, question_id = `q_${id}`): OpenQuestion => ({
  id,
  where: 'check',
  question_id,
  details: { question: 'An even number?', payload: null, problem },
});

describe('an answer that the question itself refuses', () => {
  test('is told when the question is open again, under its id or under a new one', () => {
    for (const again of ['a', 'a2'])
      expect(() => {
        requireTaken([open('a', null)], [open('a', null)], [open(again, 'must be even')]);
      }).toThrow("the answer to 'check' does not fit: must be even");
  });

  test('is not another question with the same words that was refused before', () => {
    const refused = open('b', 'must be even');
    requireTaken([open('a', null)], [open('a', null), refused], [refused]);
    // Nor one that was never answered wrongly.
    requireTaken([open('a', null)], [open('a', null)], [open('a2', null)]);
  });
});
