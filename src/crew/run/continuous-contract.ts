import type { AnyEvent } from '../../kit/event.ts';

/** A name of the crew's own for something that happens, so that a task's trigger can say `event: new_data_batch`. */
export interface Signal {
  readonly event: string | readonly string[];
  readonly when?: ((event: AnyEvent) => boolean) | undefined;
  /** Inputs of the task, from the event. Default: `{ event: <its payload> }`. */
  readonly inputs?: ((event: AnyEvent) => Readonly<Record<string, unknown>>) | undefined;
  /** Firings with equal keys that wait are one. Default: the inputs. */
  readonly key?: ((event: AnyEvent) => string) | undefined;
}

export interface ContinuousOptions {
  readonly signal?: AbortSignal | undefined;
  readonly shadow?: boolean | undefined;
  /** Inputs of every task; those of a trigger come on top. */
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly signals?: Readonly<Record<string, Signal>> | undefined;
  /** Tasks at the same time. Default 2. */
  readonly concurrency?: number | undefined;
  /** Firings that wait; beyond it the least urgent is skipped, with an event. Default 64. */
  readonly queueLimit?: number | undefined;
}

export interface ContinuousTask {
  readonly id: string;
  readonly trigger: string;
  readonly running: boolean;
  readonly waiting: number;
  readonly runs: number;
  readonly failed: number;
  readonly skipped: number;
  /** UTC ISO times. */
  readonly last_run: string | null;
  readonly next_run: string | null;
  readonly last_status: string | null;
}

/** A crew at continuous work. */
export interface ContinuousCrew {
  readonly crew: string;
  /** Sets off the tasks whose trigger names this signal, as one agent asks another. Throws NotFound when none does. */
  signal(name: string, inputs?: Readonly<Record<string, unknown>>): void;
  status(): readonly ContinuousTask[];
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>;
  /** Starts nothing more; resolves when what runs has ended. */
  stop(): Promise<void>;
}
