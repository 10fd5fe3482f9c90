import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { abortAfter } from '../../src/infra/clock.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('the time comes also when garbage was collected meanwhile', async () => {
  const outer = new AbortController();
  const deadline = abortAfter(60, outer.signal);
  const ended = new Promise<void>((resolve) => deadline.signal.addEventListener('abort', () => resolve()));
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collectGarbage();
  }
  await ended;
  expect(deadline.isLate()).toBe(true);
  expect(deadline.signal.reason).toMatchObject({ name: 'TimeoutError' });
});

test('the outer signal ends it with its reason, before or after it was made', () => {
  const reason = new Error('enough');
  const outer = new AbortController();
  const deadline = abortAfter(60_000, outer.signal);
  outer.abort(reason);
  for (const { signal, isLate } of [deadline, abortAfter(60_000, outer.signal)]) {
    expect(signal.reason).toBe(reason);
    expect(isLate()).toBe(false);
  }
});
