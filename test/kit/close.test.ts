import { describe, expect, it } from 'vitest';
import { closeAll } from '../../src/kit/close.ts';

describe('closing', () => {
  const run = async (...fails: readonly (string | null)[]) => {
    const done: number[] = [];
    const result = await closeAll(
      ...fails.map((message, i) => () => {
        done.push(i);
        return message === null ? undefined : Promise.reject(new Error(message));
      }),
    ).catch((error: unknown) => error);
    return { done, result };
  };

  it('does every step in order', async () => {
    expect(await run(null, null, null)).toEqual({ done: [0, 1, 2], result: undefined });
  });

  it('goes on after a step that fails, and tells its error', async () => {
    expect(await run('full', null)).toEqual({ done: [0, 1], result: new Error('full') });
    const { done, result } = await run('full', null, 'gone', 'full');
    expect(done).toEqual([0, 1, 2, 3]);
    expect(result).toBeInstanceOf(AggregateError);
    expect((result as AggregateError).message).toBe('full; gone');
  });

  it('takes steps that throw at once', async () => {
    const throwing = (): never => {
      throw new Error('now');
    };
    await expect(closeAll(throwing, () => undefined)).rejects.toThrow('now');
  });
});
