import { expect, test } from 'vitest';
import { FairReading, type Source } from '../../../src/market/collect/fair-reading.ts';

interface Fake extends Source {
  frames: number;
  waiting: number;
  open: boolean;
}

function fakes(waiting: readonly number[]): Fake[] {
  return waiting.map((each) => {
    const fake: Fake = {
      frames: 0,
      waiting: each,
      open: true,
      pause: () => {
        fake.open = false;
      },
      resume: () => {
        fake.open = true;
      },
    };
    return fake;
  });
}

/** An event loop whose turn takes `most` frames, always from the first sources that have some. */
function loop(sources: readonly Fake[], most: number): { readonly reading: FairReading; turn: () => void } {
  let later: (() => void)[] = [];
  const reading = new FairReading(
    () => sources,
    (work) => later.push(work),
  );
  const turn = (): void => {
    const due = later;
    later = [];
    let left = most;
    for (const source of sources) {
      if (!source.open || left === 0) continue;
      const taken = Math.min(left, source.waiting);
      source.frames += taken;
      source.waiting -= taken;
      left -= taken;
      if (left === 0) reading.let(false);
    }
    for (const work of due) work();
    if (left === 0) reading.let(true);
  };
  return { reading, turn };
}

test('each source has its turn while more comes than can be taken', () => {
  const sources = fakes([1e9, 1e9, 1e9, 1e9]);
  const { turn } = loop(sources, 10);
  for (let n = 0; n < 40; n++) turn();
  for (const { frames } of sources) expect(frames).toBeGreaterThanOrEqual(90);
});

test('one that has little is read to its end, and the rest is for those that have much', () => {
  const sources = fakes([1e9, 0, 1e9, 0]);
  const { turn } = loop(sources, 10);
  for (let n = 0; n < 50; n++) {
    for (const light of [sources[1], sources[3]]) if (light !== undefined) light.waiting += 1;
    turn();
  }
  const [first, light, second, last] = sources.map(({ frames, waiting }) => ({ frames, waiting }));
  expect(light?.waiting).toBeLessThanOrEqual(3);
  expect(last?.waiting).toBeLessThanOrEqual(3);
  expect((second?.frames ?? 0) / (first?.frames ?? 0)).toBeGreaterThan(0.6);
  expect((first?.frames ?? 0) + (second?.frames ?? 0)).toBeGreaterThan(200);
});

test('all are open again when those that waited had nothing', () => {
  const sources = fakes([20, 0, 0]);
  const { turn } = loop(sources, 10);
  turn();
  turn();
  expect(sources.map(({ frames, open }) => [frames, open])).toEqual([
    [20, false],
    [0, true],
    [0, true],
  ]);
  turn();
  expect(sources.every(({ open }) => open)).toBe(true);
});

test('what is stopped for other reasons stays stopped', () => {
  const sources = fakes([20, 0]);
  const { reading, turn } = loop(sources, 10);
  turn();
  turn();
  reading.let(false);
  turn();
  turn();
  expect(sources.every(({ open }) => !open)).toBe(true);
  reading.let(true);
  turn();
  turn();
  expect(sources.every(({ open }) => open)).toBe(true);
});
