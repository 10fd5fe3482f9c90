import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventQueue } from '../../src/events/queue.ts';
import type { AnyEvent } from '../../src/kit/event.ts';
import { makeBus } from './support.ts';

it('is a priority queue: most urgent first, among equals the oldest, through any mix of push, take and drop', () => {
  const template = makeBus().emit('custom', { kind: 'x' }) as AnyEvent;
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ push: fc.integer({ min: 1, max: 10 }) }) },
    { weight: 3, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.record({ drop: fc.integer({ min: 1, max: 10 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3000, size: 'max' }), (steps) => {
      const queue = new EventQueue(10_000);
      let model: { seq: number; priority: number }[] = [];
      const remove = (found: { seq: number } | undefined): number | undefined => {
        model = model.filter((m) => m !== found);
        return found?.seq;
      };
      for (const [seq, action] of steps.entries()) {
        if (action === 'take') {
          const best = model.toSorted((a, b) => b.priority - a.priority || a.seq - b.seq)[0];
          expect(queue.take()?.seq).toBe(remove(best));
        } else if ('push' in action) {
          queue.push({ ...template, seq, priority: action.push });
          model.push({ seq, priority: action.push });
        } else {
          const worst = model.toSorted((a, b) => a.priority - b.priority || a.seq - b.seq)[0];
          const goes = worst !== undefined && worst.priority <= action.drop ? worst : undefined;
          expect(queue.dropLowest(action.drop)?.seq).toBe(remove(goes));
        }
        expect(queue.size).toBe(model.length);
      }
    }),
    { seed: 7, numRuns: 20 },
  );
});
