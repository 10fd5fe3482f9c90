import { Worker } from 'node:worker_threads';
import { errorMessage } from '../../../kit/errors.ts';
import { THREAD, WORTHY_BYTES } from './block-items.mjs';
import { TapeDisk } from './disk.mjs';
import type { SegmentFile, TapeJob, TapeOpening, TapeOrder, TapeWord } from './protocol.ts';

/** Takes jobs to what writes the files. */
export interface TapeCarrier {
  /** Whether it takes what gathers by itself; else the gathering's end has to be told by `go`. */
  readonly watches: boolean;
  put(job: TapeJob): void;
  /** So many bytes were shown since it looked last, or null: there is something that cannot wait. */
  go(bytes: number | null): void;
  retry(): void;
  /** Whether the process stays alive for the words that are waited for. */
  hold(waiting: boolean): void;
  /** Closes the file and the thread, whatever is left to do. */
  end(): Promise<void>;
}

/** A thread of its own that writes the files. `onDeath`: it ended by itself, and what it had is lost. */
export function tapeThread(
  opening: TapeOpening,
  onWord: (word: TapeWord) => void,
  onDeath: (reason: string) => void,
): TapeCarrier {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: opening,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  let dead: string | undefined;
  let ending = false;
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      if (!ending) onDeath(dead ?? `it ended with code ${code}`);
      resolve();
    });
  });
  worker.on('error', (error) => (dead = errorMessage(error)));
  worker.on('message', onWord);
  const waits = (): number => Atomics.load(opening.progress.thread, 0);
  const wake = (): void => {
    Atomics.store(opening.progress.thread, 0, THREAD.awake);
    Atomics.notify(opening.progress.thread, 0);
  };
  const send = (order: TapeOrder): void => {
    worker.postMessage(order);
    if (waits() !== THREAD.awake) wake();
  };
  return {
    watches: true,
    put: send,
    go: (bytes) => {
      const state = waits();
      if (state === THREAD.awake) return;
      if (bytes === null || state === THREAD.idle || bytes >= WORTHY_BYTES) wake();
    },
    retry: () => send({ kind: 'retry' }),
    hold: (waiting) => {
      if (waiting) worker.ref();
      else worker.unref();
    },
    end: async () => {
      ending = true;
      worker.ref();
      send({ kind: 'end' });
      await ended;
    },
  };
}

/** What is packed dies at once: a small nursery is enough. */
const YOUNG_MB = 2;

/** Writes the given files on this thread. */
export function tapeOnThisThread(
  opening: TapeOpening,
  openFile: (path: string) => Promise<SegmentFile>,
  onWord: (word: TapeWord) => void,
): TapeCarrier {
  const disk = new TapeDisk(opening, openFile, onWord);
  return {
    watches: false,
    put: (job) => {
      disk.put(job);
      if (job.kind !== 'gathering') void disk.run();
    },
    go: () => void disk.run(),
    retry: () => {
      disk.retry();
      void disk.run();
    },
    hold: () => undefined,
    end: () => disk.abandon(),
  };
}
