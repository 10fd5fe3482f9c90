import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

const LOOK_EVERY_MS = 2000;
/** Share of time that the main thread works, from which on collecting more often would cost throughput. */
const BUSY = 0.6;
/** What the heap may grow by before the next full collection, in percent of what lives, while there is time to spare. */
const GROWTH_PERCENT = 15;
/** V8's own choice. */
const UNSET = 0;

/**
 * Keeps this process's heap near what lives in it while the main thread has time to spare; a busy one gets V8's own
 * growth back, which collects less often. For a process that is all ours: the setting holds for every heap in it.
 */
export function keepHeapSmall(
  setGrowth: (percent: number) => void = (percent) => setFlagsFromString(`--heap-growing-percent=${percent}`),
  lookEveryMs = LOOK_EVERY_MS,
): Disposable {
  let before = performance.eventLoopUtilization();
  let growth = UNSET;
  const become = (next: number): void => {
    if (next === growth) return;
    growth = next;
    setGrowth(growth);
  };
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    become(utilization < BUSY ? GROWTH_PERCENT : UNSET);
  }, lookEveryMs);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      become(UNSET);
    },
  };
}
