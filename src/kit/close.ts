import { errorMessage } from './errors.ts';

/**
 * Runs every step of a close in order, whatever happens to the ones before it: what is closed last must not stay open
 * because what is closed first could not write. Rejects with the error of the step that failed, with an AggregateError
 * when several did.
 */
export async function closeAll(...steps: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 0) return;
  if (errors.length === 1) throw errors[0];
  throw new AggregateError(errors, [...new Set(errors.map(errorMessage))].join('; '));
}
