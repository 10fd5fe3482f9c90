import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 2000;
/** Share of time that the main thread works, from which on collecting more often would cost throughput. */
const BUSY = 0.75;
/** What the heap may grow by before the next full collection, in percent of what lives, while there is time to spare. */
const GROWTH_PERCENT = 15;
/** V8's own choice. */
const UNSET = 0;

/** What is told to V8. */
export interface Heap {
  setGrowth(percent: number): void;
  /** A full collection. V8 makes none by itself for minutes after a burst: what that may grow to was set in it. */
  collect(): void;
}

/**
 * Keeps this process's heap near what lives in it while the main thread has time to spare; a busy one gets V8's own
 * growth back, which collects less often. For a process that is all ours: the setting holds for every heap in it.
 */
export function keepHeapSmall(heap: Heap = v8Heap(), lookEveryMs = LOOK_EVERY_MS): Disposable {
  let before = performance.eventLoopUtilization();
  let growth = UNSET;
  const become = (next: number): void => {
    if (next === growth) return;
    growth = next;
    heap.setGrowth(growth);
  };
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    const spare = utilization < BUSY;
    const wasBusy = growth === UNSET;
    become(spare ? GROWTH_PERCENT : UNSET);
    if (spare && wasBusy) heap.collect();
  }, lookEveryMs);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      become(UNSET);
    },
  };
}

function v8Heap(): Heap {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return { setGrowth: (percent) => setFlagsFromString(`--heap-growing-percent=${percent}`), collect };
}
