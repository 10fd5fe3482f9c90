import { setMaxListeners } from 'node:events';
import { isGraphDrained, RunControl } from '@langchain/langgraph';
import type { Clock, Timer } from '../../kit/clock.ts';
import { errorMessage, StopRequested } from '../../kit/errors.ts';

const GIVEN_UP = Symbol('given up');

/** Somebody ended the run. */
class RunCancelled extends Error {
  override readonly name = 'RunCancelled';
}

/** How a graph at work is stopped: at once, or before its next step. */
export class GraphStop {
  /** For the graph: asks it and the graphs inside it to stop before the next step. */
  readonly control = new RunControl();
  readonly #abort = new AbortController();
  readonly #asked = new AbortController();
  readonly #options: { readonly clock: Clock; readonly drainMs?: number | undefined; readonly onGivenUp: () => void };
  #timer: Timer | undefined;
  #failed = false;

  constructor(options: {
    readonly clock: Clock;
    readonly drainMs?: number | undefined;
    readonly onGivenUp: () => void;
  }) {
    this.#options = options;
    setMaxListeners(0, this.#abort.signal, this.#asked.signal);
  }

  /** For the work inside the steps: aborts when they are not to end any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** For runs that a step has begun: aborts as soon as a stop is asked for, with its reason. */
  get asked(): AbortSignal {
    return this.#asked.signal;
  }

  cancel(reason: string): void {
    const cancelled = new RunCancelled(reason);
    this.#asked.abort(cancelled);
    this.#abort.abort(cancelled);
  }

  /** Ends all work at once, and the run as failed. */
  fail(error: Error): void {
    this.#failed = true;
    this.#asked.abort(error);
    this.#abort.abort(error);
  }

  /** Lets the steps at work end, as far as the time for it goes; what comes next stays for whoever takes the run up. */
  suspend(reason: string): void {
    const { clock, drainMs = 0, onGivenUp } = this.#options;
    this.control.requestDrain(reason);
    this.#asked.abort(new StopRequested(reason));
    if (drainMs <= 0) return this.#abort.abort(GIVEN_UP);
    this.#timer ??= clock.schedule(drainMs, () => {
      onGivenUp();
      this.#abort.abort(GIVEN_UP);
    });
  }

  /** Stops when the signal says so, as its reason says. Gives what ends listening. */
  follow(signal: AbortSignal | undefined): () => void {
    const stop = (): void => {
      const reason: unknown = signal?.reason ?? 'stopped';
      if (reason instanceof StopRequested) this.suspend(reason.message);
      else this.cancel(errorMessage(reason));
    };
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    return () => {
      signal?.removeEventListener('abort', stop);
      this.#timer?.cancel();
    };
  }

  /** What an error of the graph means for the run. */
  statusOf(error: unknown): 'suspended' | 'cancelled' | 'failed' {
    if (this.#failed) return 'failed';
    if (isGraphDrained(error) || this.signal.reason === GIVEN_UP) return 'suspended';
    return this.signal.aborted ? 'cancelled' : 'failed';
  }
}
