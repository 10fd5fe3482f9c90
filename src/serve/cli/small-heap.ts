import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const LOOK_EVERY_MS = 2000;
/** Share of time that the main thread works, and of a core that the process uses, from which on it counts as busy. */
const BUSY = 0.5;
/**
 * What the heap may grow by before the next full collection, in percent of what lives, while there is time to spare. At
 * thousands of frames a second that is a full collection each second, a third of the processor time.
 */
const GROWTH_PERCENT = 15;
/**
 * The same while there is none. V8's own choice is up to 300: at 6,000 frames/s, of which a second's records wait for
 * their commit, the heap then kept 164 MB of 45 alive, and C's memory grew along with the buffers that died unnoticed.
 */
const BUSY_GROWTH_PERCENT = 75;
const PERCENT: Readonly<Record<HeapSize, number>> = { small: GROWTH_PERCENT, bounded: BUSY_GROWTH_PERCENT, any: 0 };

/** Near what lives in it, within bounds of that, or as V8 would have it. */
export type HeapSize = 'small' | 'bounded' | 'any';

/** What is told to V8. */
export interface Heap {
  keep(size: HeapSize): void;
  /** A full collection. V8 makes none by itself for minutes after a burst: what that may grow to was set in it. */
  collect(): void;
}

/**
 * Keeps this process's heap near what lives in it while there is time to spare; that of a busy process may grow by
 * more, and is collected less often. For a process that is all ours: the setting holds for every heap in it.
 */
export function keepHeapSmall(heap: Heap = v8Heap(), isBusy = busyMeter(), lookEveryMs = LOOK_EVERY_MS): Disposable {
  // Not known before the first look.
  let kept: HeapSize | undefined;
  const timer = setInterval(() => {
    const next = isBusy() ? 'bounded' : 'small';
    if (next === kept) return;
    kept = next;
    heap.keep(next);
    if (next === 'small') heap.collect();
  }, lookEveryMs);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      heap.keep('any');
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
    keep(size) {
      setFlagsFromString(`--heap-growing-percent=${PERCENT[size]}`);
      // Empties pages that are a fifth unused, where V8 would leave them, and grows in smaller steps.
      setFlagsFromString(size === 'small' ? '--optimize-for-size' : '--no-optimize-for-size');
    },
    collect,
  };
}
