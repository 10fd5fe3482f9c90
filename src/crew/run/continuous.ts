import type { Clock, Ms } from '../../kit/clock.ts';
import { errorMessage, InvalidInput, NotFound, Unsupported } from '../../kit/errors.ts';
import { type AnyEvent, EVENT_NAMES, type EventSink } from '../../kit/event.ts';
import { canonicalJson } from '../../kit/json.ts';
import type { Logger } from '../../kit/logger.ts';
import { leaveOutOutside } from '../../kit/outside.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { parseCron } from '../schedule/cron.ts';
import { nextMultiple, type Times, watchTimes } from '../schedule/times.ts';
import { WorkQueue } from '../schedule/work-queue.ts';
import type { CrewSpec, TaskSpec, TaskTrigger } from '../spec.ts';
import type { ContinuousCrew, ContinuousOptions, ContinuousTask, Signal } from './continuous-contract.ts';
import type { RunDocument } from './document.ts';
import type { EventSource } from './event-source.ts';

export interface ContinuousDeps {
  readonly crew: CrewSpec;
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly eventSource: EventSource | undefined;
  readonly log: Logger;
  readonly kickoff: (
    inputs: Readonly<Record<string, unknown>>,
    taskId: string,
    trigger: string,
  ) => Promise<RunDocument>;
}

const PRIORITY = { critical: 1, high: 3, medium: 5, low: 8 } as const;

interface Worker {
  readonly task: TaskSpec;
  readonly trigger: TaskTrigger;
  /** Keys of the firings that wait. */
  readonly waiting: Set<string>;
  times: Times | null;
  running: boolean;
  runs: number;
  failed: number;
  skipped: number;
  lastRun: Ms | null;
  lastStatus: string | null;
}

/** Puts the triggers of a crew's tasks to work. See `CrewRunner.runContinuous`. */
export function startContinuous(deps: ContinuousDeps, options: ContinuousOptions): ContinuousCrew {
  return new Continuous(deps, options);
}

class Continuous implements ContinuousCrew {
  readonly crew: string;
  readonly #deps: ContinuousDeps;
  readonly #options: ContinuousOptions;
  readonly #workers: readonly Worker[];
  readonly #queue: WorkQueue;
  #stopped: Promise<void> | undefined;

  constructor(deps: ContinuousDeps, options: ContinuousOptions) {
    this.crew = deps.crew.id;
    this.#deps = deps;
    this.#options = options;
    this.#queue = new WorkQueue({ concurrency: options.concurrency ?? 2, limit: options.queueLimit ?? 64 });
    this.#workers = deps.crew.tasks.flatMap((id) => {
      const task = deps.tasks[id];
      return task?.trigger == null ? [] : [newWorker(task, task.trigger)];
    });
    if (this.#workers.length === 0) throw new InvalidInput(`no task of crew ${this.crew} has a trigger`);
    for (const worker of this.#workers) this.#check(worker);
    for (const worker of this.#workers) this.#arm(worker);
    deps.eventSource?.on('*', this.#heard);
    if (options.signal?.aborted === true) void this.stop();
    options.signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  signal(name: string, inputs: Readonly<Record<string, unknown>> = {}): void {
    const named = this.#workers.filter((w) => 'event' in w.trigger && w.trigger.event === name);
    if (named.length === 0) {
      const known = this.#workers.flatMap((w) => ('event' in w.trigger ? [w.trigger.event] : []));
      throw new NotFound(`no task of crew ${this.crew} waits for '${name}'${didYouMean(name, known)}`);
    }
    for (const worker of named) this.#enqueue(worker, inputs, `signal ${name}`, canonicalJson(inputs));
  }

  status(): readonly ContinuousTask[] {
    return this.#workers.map((w) => ({
      id: w.task.id,
      trigger: describeTrigger(w.trigger),
      running: w.running,
      waiting: w.waiting.size,
      runs: w.runs,
      failed: w.failed,
      skipped: w.skipped,
      last_run: iso(w.lastRun),
      next_run: iso(w.times?.nextAt ?? null),
      last_status: w.lastStatus,
    }));
  }

  idle(): Promise<void> {
    return this.#queue.idle();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#deps.eventSource?.off('*', this.#heard);
    this.#options.signal?.removeEventListener('abort', this.#aborted);
    for (const worker of this.#workers) worker.times?.stop();
    await this.#queue.close();
  }

  readonly #aborted = (): void => void this.stop();

  #check({ task, trigger }: Worker): void {
    if (!('event' in trigger)) return;
    const { signals = {} } = this.#options;
    const names: readonly string[] = EVENT_NAMES;
    if (!(trigger.event in signals) && !names.includes(trigger.event)) {
      const near = didYouMean(trigger.event, [...Object.keys(signals), ...names]);
      throw new InvalidInput(`task ${task.id} waits for '${trigger.event}', which is no event and no signal${near}`);
    }
    if (this.#deps.eventSource === undefined) {
      throw new Unsupported(`task ${task.id} waits for events, and this runner hears none: give it an eventSource`);
    }
  }

  #arm(worker: Worker): void {
    const { trigger } = worker;
    const fire = (how: string) => (): void => this.#enqueue(worker, {}, how, how);
    if ('every' in trigger) {
      const step = trigger.every * 1000;
      worker.times = watchTimes(
        (after) => nextMultiple(step, after),
        fire(`every ${trigger.every} s`),
        this.#deps.clock,
      );
    } else if ('cron' in trigger) {
      const schedule = parseCron(trigger.cron);
      worker.times = watchTimes((after) => schedule.next(after), fire(`cron ${trigger.cron}`), this.#deps.clock);
    }
  }

  readonly #heard = (event: AnyEvent): void => {
    for (const worker of this.#workers) {
      try {
        this.#hear(worker, event);
      } catch (error) {
        // A fault in a signal's own condition must not reach whoever emitted the event.
        const fields = { crew: this.crew, task: worker.task.id, event: event.type, error: errorMessage(error) };
        this.#deps.log.error('continuous.condition_failed', fields);
      }
    }
  };

  #hear(worker: Worker, event: AnyEvent): void {
    if (!('event' in worker.trigger)) return;
    const name = worker.trigger.event;
    const signal: Signal = this.#options.signals?.[name] ?? { event: name };
    if (![signal.event].flat().includes(event.type) || !(signal.when?.(event) ?? true)) return;
    const inputs = signal.inputs?.(event) ?? { event: leaveOutOutside(event.data) };
    this.#enqueue(worker, inputs, `event ${event.type}`, signal.key?.(event) ?? canonicalJson(inputs));
  }

  /** Equal firings that wait are one. */
  #enqueue(worker: Worker, inputs: Readonly<Record<string, unknown>>, trigger: string, key: string): void {
    if (worker.waiting.has(key)) return;
    worker.waiting.add(key);
    this.#queue.add({
      priority: PRIORITY[worker.task.priority],
      key: worker.task.id,
      run: () => this.#run(worker, inputs, trigger, key),
      dropped: () => this.#dropped(worker, key),
    });
  }

  async #run(worker: Worker, inputs: Readonly<Record<string, unknown>>, trigger: string, key: string): Promise<void> {
    worker.waiting.delete(key);
    worker.running = true;
    worker.lastRun = this.#deps.clock.now();
    worker.runs++;
    try {
      const document = await this.#deps.kickoff({ ...this.#options.inputs, ...inputs }, worker.task.id, trigger);
      worker.lastStatus = document.status;
      if (document.status === 'failed') worker.failed++;
    } catch (error) {
      worker.failed++;
      worker.lastStatus = 'failed';
      this.#deps.log.error('continuous.task_failed', {
        crew: this.crew,
        task: worker.task.id,
        error: errorMessage(error),
      });
    } finally {
      worker.running = false;
    }
  }

  #dropped(worker: Worker, key: string): void {
    worker.waiting.delete(key);
    if (this.#stopped !== undefined) return;
    worker.skipped++;
    this.#deps.events.emit('task.skipped', {
      run_id: `continuous:${this.crew}`,
      crew: this.crew,
      task_id: worker.task.id,
      agent_id: worker.task.agent ?? '',
      reason: 'too many tasks wait',
    });
  }
}

function newWorker(task: TaskSpec, trigger: TaskTrigger): Worker {
  return {
    task,
    trigger,
    waiting: new Set(),
    times: null,
    running: false,
    runs: 0,
    failed: 0,
    skipped: 0,
    lastRun: null,
    lastStatus: null,
  };
}

function describeTrigger(trigger: TaskTrigger): string {
  if ('every' in trigger) return `every ${trigger.every} s`;
  return 'cron' in trigger ? `cron ${trigger.cron}` : `event ${trigger.event}`;
}

function iso(ms: Ms | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
