import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 2000;
/** Share of time that the main thread works, and of a core that the process uses, from which on it counts as busy. */
const BUSY = 0.75;
/** What the heap may grow by before the next full collection, in percent of what lives, while there is time to spare. */
const GROWTH_PERCENT = 15;
/** V8's own choice. */
const UNSET = 0;

/** What is told to V8. */
export interface Heap {
  /** Near what lives in it, or as V8 would have it. */
  keepSmall(small: boolean): void;
  /** A full collection. V8 makes none by itself for minutes after a burst: what that may grow to was set in it. */
  collect(): void;
}

/**
 * Keeps this process's heap near what lives in it while there is time to spare; a busy process gets V8's own growth
 * back, which collects less often. For a process that is all ours: the setting holds for every heap in it.
 */
export function keepHeapSmall(heap: Heap = v8Heap(), isBusy = busyMeter(), lookEveryMs = LOOK_EVERY_MS): Disposable {
  // Not known before the first look.
  let small: boolean | undefined;
  const become = (next: boolean): void => {
    if (next === small) return;
    small = next;
    heap.keepSmall(small);
  };
  const timer = setInterval(() => {
    const wasSmall = small;
    become(!isBusy());
    if (small === true && wasSmall !== true) heap.collect();
  }, lookEveryMs);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      become(false);
    },
  };
}

/**
 * Whether this process was busy since the last call. Time alone does not tell: where others keep the machine busy, a
 * thread that waits for its turn looks as if it worked.
 */
export function busyMeter(): () => boolean {
  let loop = performance.eventLoopUtilization();
  let used = process.cpuUsage();
  let at = performance.now();
  return () => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(used);
    const loopNow = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(loopNow, loop);
    const cores = (user + system) / 1000 / Math.max(1, now - at);
    [loop, used, at] = [loopNow, process.cpuUsage(), now];
    return utilization >= BUSY && cores >= BUSY;
  };
}

function v8Heap(): Heap {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // For threads begun from here on: what they allocate is little. On the command line it would hold for the main thread
  // too, as would --optimize-for-size, which overrides the size asked there: a desk at load then collects all the time.
  setFlagsFromString('--max-semi-space-size=1');
  setFlagsFromString('--optimize-for-size');
  return {
    keepSmall(small) {
      setFlagsFromString(`--heap-growing-percent=${small ? GROWTH_PERCENT : UNSET}`);
      // Empties pages that are a fifth unused, where V8 would leave them, and grows in smaller steps.
      setFlagsFromString(small ? '--optimize-for-size' : '--no-optimize-for-size');
    },
    collect,
  };
}
