import { expect, test } from 'vitest';
import { RateLimiter } from '../../src/infra/rate-limit.ts';
import { ManualClock } from '../../src/kit/clock.ts';

function taker(limiter: RateLimiter): {
  readonly order: string[];
  take(name: string, weight: number, signal?: AbortSignal): void;
} {
  const order: string[] = [];
  return {
    order,
    take: (name, weight, signal) => {
      limiter.acquire('host', weight, signal).then(
        () => order.push(name),
        () => order.push(`${name} refused`),
      );
    },
  };
}

test('weight is spent within a sliding minute, first come first served', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 100);
  const { order, take } = taker(limiter);
  take('a', 60);
  await clock.advance(10_000);
  take('b', 60);
  take('c', 10);
  await clock.advance(49_000);
  expect(order).toEqual(['a']);
  expect(limiter.status()).toEqual([
    { host: 'host', used_weight: 60, limit: 100, blocked_until: null, halved_until: null, refused_in_a_row: 0 },
  ]);
  await clock.advance(1_000);
  expect(order).toEqual(['a', 'b', 'c']);
  expect(limiter.status()[0]?.used_weight).toBe(70);
});

test('never more than the limit in any minute', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 50);
  const times: number[] = [];
  for (let i = 0; i < 200; i++) void limiter.acquire('host', 1).then(() => times.push(clock.monotonicMs()));
  await clock.advance(0);
  for (let i = 0; i < 600; i++) await clock.advance(500);
  expect(times).toHaveLength(200);
  for (const start of times) {
    expect(times.filter((time) => time >= start && time < start + 60_000).length).toBeLessThanOrEqual(50);
  }
});

test('never more than a burst in its time, whoever configures the host', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 600, { weight: 40, perMs: 2_000 });
  limiter.configure('host', 600, { weight: 10, perMs: 1_000 });
  limiter.configure('host', 600);
  const times: number[] = [];
  for (let i = 0; i < 60; i++) void limiter.acquire('host', 1).then(() => times.push(clock.monotonicMs()));
  await clock.advance(0);
  expect(times).toHaveLength(10);
  for (let i = 0; i < 400; i++) await clock.advance(50);
  expect(times).toHaveLength(60);
  for (const start of times) {
    expect(times.filter((time) => time >= start && time < start + 1_000).length).toBeLessThanOrEqual(10);
  }
});

test('what weighs more than a burst passes once nothing was spent in its time', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 600, { weight: 10, perMs: 1_000 });
  const { order, take } = taker(limiter);
  take('a', 1);
  take('b', 20);
  await clock.advance(1_000);
  expect(order).toEqual(['a']);
  await clock.advance(100);
  expect(order).toEqual(['a', 'b']);
});

test('a block holds everyone back until its time, and halves the budget for a while', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 100);
  const { order, take } = taker(limiter);
  limiter.block('host', 30_000);
  limiter.block('host', 5_000);
  take('a', 1);
  expect(limiter.blockedForMs('host')).toBe(30_000);
  expect(limiter.status()[0]).toMatchObject({ limit: 50, blocked_until: clock.now() + 30_000 });
  await clock.advance(29_999);
  expect(order).toEqual([]);
  await clock.advance(1);
  expect(order).toEqual(['a']);
  expect([limiter.isHalved('host'), limiter.isHalved('other')]).toEqual([true, false]);
  expect(limiter.status()[0]).toMatchObject({ halved_until: clock.now() + 300_000 });
  await clock.advance(300_001);
  expect(limiter.status()[0]).toMatchObject({ limit: 100, blocked_until: null, halved_until: null });
  expect(limiter.isHalved('host')).toBe(false);
});

test('refusals are counted until an answer comes', () => {
  const limiter = new RateLimiter({ clock: new ManualClock() });
  expect([true, true, true].map((refused) => limiter.note('host', refused))).toEqual([1, 2, 3]);
  expect(limiter.status()[0]?.refused_in_a_row).toBe(3);
  expect([limiter.note('host', false), limiter.note('host', true)]).toEqual([0, 1]);
});

test('one who gives up waiting leaves the queue', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 10);
  const { order, take } = taker(limiter);
  const gaveUp = new AbortController();
  take('a', 10);
  take('b', 10, gaveUp.signal);
  take('c', 1);
  gaveUp.abort();
  take('d', 1, gaveUp.signal);
  await clock.advance(60_000);
  expect(order).toEqual(['a', 'b refused', 'd refused', 'c']);
});

test('the smallest budget of a shared host holds, and a weight beyond it passes alone', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 100);
  limiter.configure('host', 20);
  limiter.configure('host', 50);
  const { order, take } = taker(limiter);
  take('huge', 40);
  take('next', 1);
  await clock.advance(0);
  expect(order).toEqual(['huge']);
  await clock.advance(60_000);
  expect(order).toEqual(['huge', 'next']);
});

test('a share of the budget holds at once, for those who wait too, and halves like the whole', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 100);
  limiter.scale('host', 0.5);
  limiter.configure('host', 100);
  expect(limiter.status()).toMatchObject([{ limit: 50 }]);
  const { order, take } = taker(limiter);
  take('a', 50);
  take('b', 40);
  await clock.advance(10);
  expect(order).toEqual(['a']);
  limiter.scale('host', 1);
  await clock.advance(10);
  expect(order).toEqual(['a', 'b']);
  limiter.scale('host', 0.5);
  limiter.block('host', 1);
  expect(limiter.status()).toMatchObject([{ limit: 25 }]);
});

test('after a block those who waited go one a second until the first is answered, not all at once', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.configure('host', 100);
  const { order, take } = taker(limiter);
  limiter.note('host', true);
  limiter.block('host', 10_000);
  for (const name of ['a', 'b', 'c', 'd']) take(name, 1);
  await clock.advance(10_000);
  expect(order).toEqual(['a']);
  limiter.note('host', true);
  limiter.block('host', 10_000);
  await clock.advance(10_000);
  expect(order).toEqual(['a', 'b']);
  limiter.note('host', false);
  await clock.advance(0);
  expect(order).toEqual(['a', 'b', 'c', 'd']);
});

test('closed, it lets nobody wait on: no timer keeps a process until a ban ends', async () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter({ clock });
  limiter.block('host', 3_600_000);
  const waiting = limiter.acquire('host', 1, new AbortController().signal);
  limiter.close();
  await expect(waiting).rejects.toThrow('nothing is asked of host any more');
});
