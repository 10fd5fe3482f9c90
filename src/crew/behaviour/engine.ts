import { setMaxListeners } from 'node:events';
import type { Clock, Ms } from '../../kit/clock.ts';
import {
  DeadlineExceeded,
  errorMessage,
  InvalidInput,
  NotFound,
  StopRequested,
  Unsupported,
} from '../../kit/errors.ts';
import type { AnyEvent, EventSink } from '../../kit/event.ts';
import type { Caller, Invoker, ToolOutcome } from '../../kit/invoke.ts';
import type { Logger } from '../../kit/logger.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { EventSource } from '../run/event-source.ts';
import type { CrewRunner } from '../run/contract.ts';
import type { AgentSpec } from '../spec.ts';
import { type Behaviour, type BehaviourContext, isScheduled, type SampleContext } from './define.ts';
import { type BehaviourStatus, describeBehaviour } from './status.ts';
import type { BehaviourRecord, BehaviourStore, LeaseAnswer } from './store.ts';
import { type Firing, nextTime, type Watch, watch } from './watch.ts';
import { WorkQueue } from '../schedule/work-queue.ts';

export interface BehaviourEngineDeps {
  readonly behaviours: readonly Behaviour[];
  readonly store: BehaviourStore;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  readonly invoker: Invoker;
  readonly runner: Pick<CrewRunner, 'kickoff'>;
  readonly events: EventSink;
  readonly eventSource: EventSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
  /** Asked at each firing. */
  readonly shadow: () => boolean;
  /** Behaviours that run at the same time. Default 4. */
  readonly concurrency?: number | undefined;
  /** Firings that wait; beyond it the least urgent is skipped. Default 64. */
  readonly queueLimit?: number | undefined;
}

/** Watches the triggers and runs what they set off, each firing once, whoever else watches the same database. */
export interface BehaviourEngine {
  /** Catches up what was missed, then watches. */
  start(): Promise<void>;
  /** Stops watching, aborts what runs, and resolves when it has ended. May be started again. */
  stop(): Promise<void>;
  /** Runs one now, whatever its cool-down and whether enabled. Throws NotFound; Conflict is told as `skipped`. */
  trigger(name: string): Promise<'completed' | 'failed' | 'skipped'>;
  setEnabled(name: string, enabled: boolean): Promise<void>;
  list(): Promise<readonly BehaviourStatus[]>;
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>;
}

type Result = 'completed' | 'failed' | 'skipped';

const SKIPPED: Readonly<Record<Exclude<LeaseAnswer, 'granted'>, string>> = {
  taken: 'it is running already',
  seen: 'this time was seen to already',
  cooling: 'it cools down',
};

export function createBehaviourEngine(deps: BehaviourEngineDeps): BehaviourEngine {
  return new Engine(deps);
}

class Engine implements BehaviourEngine {
  readonly #deps: BehaviourEngineDeps;
  readonly #behaviours: ReadonlyMap<string, Behaviour>;
  readonly #owner: string;
  readonly #watches = new Map<string, Watch>();
  readonly #enabled = new Map<string, boolean>();
  readonly #running = new Map<string, number>();
  #queue: WorkQueue;
  #stop = new AbortController();
  #listening = false;

  constructor(deps: BehaviourEngineDeps) {
    this.#deps = deps;
    this.#owner = deps.newId('engine');
    const byName = new Map<string, Behaviour>();
    for (const behaviour of deps.behaviours) {
      if (byName.has(behaviour.name)) throw new InvalidInput(`two behaviours are named ${behaviour.name}`);
      if (behaviour.agent !== null && deps.agents[behaviour.agent] === undefined) {
        const near = didYouMean(behaviour.agent, Object.keys(deps.agents));
        throw new InvalidInput(`behaviour ${behaviour.name} acts as '${behaviour.agent}', who does not exist${near}`);
      }
      byName.set(behaviour.name, behaviour);
    }
    this.#behaviours = byName;
    this.#queue = this.#newQueue();
  }

  async start(): Promise<void> {
    if (this.#listening) return;
    this.#listening = true;
    this.#stop = new AbortController();
    setMaxListeners(0, this.#stop.signal);
    this.#queue = this.#newQueue();
    const records = new Map((await this.#deps.store.load()).filter((r) => r.key === '').map((r) => [r.name, r]));
    this.#deps.eventSource.on('*', this.#heard);
    for (const behaviour of this.#behaviours.values()) {
      const record = records.get(behaviour.name);
      this.#enabled.set(behaviour.name, record?.enabled ?? behaviour.enabled);
      this.#watches.set(behaviour.name, this.#watch(behaviour));
      if (isScheduled(behaviour.trigger)) await this.#catchUp(behaviour, record);
    }
  }

  async stop(): Promise<void> {
    if (!this.#listening) return;
    this.#listening = false;
    this.#deps.eventSource.off('*', this.#heard);
    for (const running of this.#watches.values()) running.stop();
    this.#watches.clear();
    this.#stop.abort(new StopRequested('the behaviours stop'));
    await this.#queue.close();
  }

  trigger(name: string): Promise<Result> {
    const behaviour = this.#find(name);
    return new Promise((resolve, reject) => {
      this.#queue.add({
        priority: 0,
        run: () => this.#run(behaviour, manual(), true).then(resolve, reject),
        dropped: () => resolve(this.#skipped(behaviour, 'the engine is stopped')),
      });
    });
  }

  async setEnabled(name: string, enabled: boolean): Promise<void> {
    this.#find(name);
    await this.#deps.store.setEnabled(name, enabled);
    this.#enabled.set(name, enabled);
  }

  async list(): Promise<readonly BehaviourStatus[]> {
    const records = await this.#deps.store.load();
    return [...this.#behaviours.values()].map((behaviour) => {
      const own = records.filter((r) => r.name === behaviour.name);
      const kept = own.find((r) => r.key === '')?.enabled;
      return describeBehaviour(behaviour, own, {
        enabled: this.#enabled.get(behaviour.name) ?? kept ?? behaviour.enabled,
        running: (this.#running.get(behaviour.name) ?? 0) > 0,
        nextAt: this.#watches.get(behaviour.name)?.nextAt ?? nextTime(behaviour, this.#deps.clock.now()),
      });
    });
  }

  idle(): Promise<void> {
    return this.#queue.idle();
  }

  #newQueue(): WorkQueue {
    const { concurrency = 4, queueLimit = 64 } = this.#deps;
    return new WorkQueue({ concurrency, limit: queueLimit });
  }

  #find(name: string): Behaviour {
    const behaviour = this.#behaviours.get(name);
    if (behaviour === undefined) {
      throw new NotFound(`there is no behaviour '${name}'${didYouMean(name, this.#behaviours.keys())}`);
    }
    return behaviour;
  }

  readonly #heard = (event: AnyEvent): void => {
    for (const [behaviour, running] of this.#watches) {
      try {
        running.hear(event);
      } catch (error) {
        // A fault in a behaviour's own condition must not reach whoever emitted the event.
        this.#deps.log.error('behaviour.condition_failed', {
          behaviour,
          event: event.type,
          error: errorMessage(error),
        });
      }
    }
  };

  #watch(behaviour: Behaviour): Watch {
    const { clock, log } = this.#deps;
    return watch(behaviour, {
      clock,
      fire: (firing) => this.#fire(behaviour, firing),
      sample: async (work) => {
        try {
          return await work(this.#sampleContext(behaviour, this.#stop.signal));
        } catch (error) {
          if (this.#stop.signal.aborted) return null;
          log.warn('behaviour.sample_failed', { behaviour: behaviour.name, error: errorMessage(error) });
          this.#deps.events.emit('behaviour.failed', {
            behaviour: behaviour.name,
            error: `sampling: ${errorMessage(error)}`,
          });
          return null;
        }
      },
    });
  }

  async #catchUp(behaviour: Behaviour, record: BehaviourRecord | undefined): Promise<void> {
    const { clock, store } = this.#deps;
    const now = clock.now();
    await store.watch(behaviour.name, now);
    const seen = record?.last_slot ?? null;
    if (seen === null || !behaviour.catchUp) return;
    const missed = nextTime(behaviour, seen);
    if (missed === null || missed > now) return;
    const trigger = 'cron' in behaviour.trigger ? 'cron' : 'every';
    this.#fire(behaviour, { trigger, event: null, value: null, slot: missed, caughtUp: true });
  }

  #fire(behaviour: Behaviour, firing: Firing): void {
    if (this.#enabled.get(behaviour.name) !== true) return;
    this.#queue.add({
      priority: behaviour.priority,
      run: async () => {
        await this.#run(behaviour, firing, false);
      },
      dropped: () => {
        if (this.#listening) this.#skipped(behaviour, 'too many behaviours wait');
      },
    });
  }

  async #run(behaviour: Behaviour, firing: Firing, byHand: boolean): Promise<Result> {
    const { clock, store, log } = this.#deps;
    const { name } = behaviour;
    const key = firing.event === null ? '' : (behaviour.key?.(firing.event) ?? '');
    const now = clock.now();
    // A schedule's own jitter is no reason to skip a time.
    const tolerance = firing.slot === null ? 0 : 1000;
    try {
      const answer = await store.lease({
        name,
        key,
        owner: this.#owner,
        now,
        until: now + behaviour.leaseSeconds * 1000,
        slot: firing.slot,
        notSince: byHand || behaviour.cooldownSeconds === 0 ? null : now - behaviour.cooldownSeconds * 1000 + tolerance,
      });
      if (answer !== 'granted') return this.#skipped(behaviour, SKIPPED[answer]);
      return await this.#act(behaviour, key, firing, now);
    } catch (error) {
      log.error('behaviour.broke', { behaviour: name, error: errorMessage(error) });
      this.#deps.events.emit('behaviour.failed', { behaviour: name, error: errorMessage(error) });
      return 'failed';
    }
  }

  async #act(behaviour: Behaviour, key: string, firing: Firing, began: Ms): Promise<Result> {
    const { clock, store, events } = this.#deps;
    const { name } = behaviour;
    const source = { source: `behaviour:${name}` };
    events.emit(
      'behaviour.fired',
      { behaviour: name, trigger: firing.trigger, run_id: null, caught_up: firing.caughtUp },
      source,
    );
    const late = new AbortController();
    const timer = clock.schedule(behaviour.leaseSeconds * 1000, () =>
      late.abort(new DeadlineExceeded(`behaviour ${name} took longer than ${behaviour.leaseSeconds} s`)),
    );
    const signal = AbortSignal.any([late.signal, this.#stop.signal]);
    setMaxListeners(0, signal);
    this.#running.set(name, (this.#running.get(name) ?? 0) + 1);
    let error: string | null = null;
    let details: Readonly<Record<string, unknown>> | undefined;
    try {
      details = await untilAborted(behaviour.run(this.#context(behaviour, firing, signal)), signal);
    } catch (thrown) {
      error = this.#stop.signal.aborted ? 'stopped' : errorMessage(thrown);
    } finally {
      timer.cancel();
      this.#running.set(name, (this.#running.get(name) ?? 1) - 1);
    }
    const duration_ms = Math.max(0, clock.now() - began);
    await store.finish(name, key, this.#owner, error, duration_ms);
    if (error !== null) events.emit('behaviour.failed', { behaviour: name, error }, source);
    else {
      const kept = details === undefined ? {} : { details: { ...details } };
      events.emit('behaviour.completed', { behaviour: name, duration_ms, ...kept }, source);
    }
    return error === null ? 'completed' : 'failed';
  }

  #skipped(behaviour: Behaviour, reason: string): 'skipped' {
    this.#deps.events.emit(
      'behaviour.skipped',
      { behaviour: behaviour.name, reason },
      { source: `behaviour:${behaviour.name}` },
    );
    return 'skipped';
  }

  #sampleContext(behaviour: Behaviour, signal: AbortSignal): SampleContext {
    const { clock, invoker, shadow, newId } = this.#deps;
    const caller = this.#caller(behaviour);
    // Makes the calls of each firing different intents to the effect ledger.
    const intent = newId('firing');
    let calls = 0;
    return {
      clock,
      signal,
      invoke: (tool, args, reason): Promise<ToolOutcome> => {
        if (caller === null) throw new Unsupported(`behaviour ${behaviour.name} has no agent, so it may call no tool`);
        return invoker.invoke({ tool, args, caller, reason, path: `${intent}.${calls++}`, shadow: shadow(), signal });
      },
    };
  }

  #context(behaviour: Behaviour, firing: Firing, signal: AbortSignal): BehaviourContext {
    const { events, log, runner, shadow } = this.#deps;
    const { name } = behaviour;
    return {
      ...this.#sampleContext(behaviour, signal),
      name,
      trigger: firing.trigger,
      event: firing.event,
      value: firing.value,
      caughtUp: firing.caughtUp,
      shadow: shadow(),
      events,
      log: log.child({ behaviour: name }),
      kickoff: (crew, inputs = {}, options = {}) =>
        runner.kickoff(crew, inputs, {
          trigger: `behaviour:${name}`,
          signal,
          ...options,
          shadow: shadow() || (options.shadow ?? false),
        }),
    };
  }

  #caller(behaviour: Behaviour): Caller | null {
    const agent = behaviour.agent === null ? undefined : this.#deps.agents[behaviour.agent];
    if (agent === undefined) return null;
    return {
      id: `behaviour:${behaviour.name}`,
      agentId: agent.id,
      role: agent.permission_role ?? '',
      tools: agent.tools,
    };
  }
}

function manual(): Firing {
  return { trigger: 'manual', event: null, value: null, slot: null, caughtUp: false };
}

/** An action that ignores its signal is left behind when the time is over, so that the lease can end. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', fail));
  });
}
