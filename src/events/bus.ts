import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../kit/clock.ts';
import { Conflict, errorMessage, InvalidInput, Unavailable } from '../kit/errors.ts';
import {
  type AnyEvent,
  type EmitOptions,
  type EventEnvelope,
  type EventName,
  type EventPayload,
  type EventSink,
} from '../kit/event.ts';
import type { Logger } from '../kit/logger.ts';
import type { Redactor } from '../kit/redact.ts';
import { type DurableOptions, DurableSubscriber } from './durable.ts';
import type { EventFilter } from './filter.ts';
import type { EventJournal } from './journal.ts';
import { ensureName, parsePayload, priorityOf, toText } from './payload.ts';
import { type SubscribeOptions, Subscription } from './subscription.ts';

export type Handler<E> = (event: E) => void | Promise<void>;

export interface EventBusOptions {
  readonly clock: Clock;
  /** Makes ids from a prefix (`createIdSource`). */
  readonly newId: (prefix: string) => string;
  readonly log: Logger;
  /** Numbers and keeps the events. Without one they are numbered from 1 and nothing is kept. */
  readonly journal?: EventJournal | undefined;
  /** Keep what is emitted until `start`: for events of the time before the journal is open. */
  readonly hold?: boolean | undefined;
  /** `source` of events that name none. Default `system`. */
  readonly source?: string | undefined;
  /** Takes secrets out of payloads before anybody sees them. */
  readonly redactor?: Redactor | undefined;
}

export interface BusStatistics {
  readonly running: boolean;
  readonly total_events: number;
  readonly error_count: number;
  readonly handler_count: number;
  readonly queue_size: number;
  readonly dropped: number;
  readonly held: number;
  readonly journal_pending: number;
  readonly journal_failing: boolean;
  readonly last_seq: number;
  readonly refused_after_close: number;
  readonly events_by_type: Readonly<Record<string, number>>;
}

type Envelope = { -readonly [K in keyof EventEnvelope]: EventEnvelope[K] };
/** Where a handler stands among the others of its name. */
export interface HandlerOptions {
  /** Handlers of the same name that are called before it, whenever they are registered; one that is not there holds nothing up. */
  readonly dependsOn?: readonly Handler<never>[] | undefined;
}

interface Guard {
  readonly handler: unknown;
  readonly dependsOn: readonly unknown[];
  readonly call: (event: AnyEvent) => void;
  active: boolean;
}

const HELD_AT_MOST = 10_000;

/**
 * The bus. `emit` checks the payload, numbers the event, gives it to the journal, calls the handlers of `on` before it
 * returns (those of `*` first, then those of the name, each in the order of registration and after those it depends on) and fills the queues of
 * `subscribe`. An event emitted inside a handler is delivered after the present one, so all see the same order.
 */
export class EventBus implements EventSink, AsyncDisposable {
  readonly #clock: Clock;
  readonly #newId: (prefix: string) => string;
  readonly #log: Logger;
  readonly #source: string;
  readonly #redactor: Redactor | undefined;
  readonly #emitter = new EventEmitter<Record<string, [AnyEvent]>>();
  readonly #guards = new Map<string, Guard[]>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #durables = new Map<string, DurableSubscriber>();
  readonly #byType = new Map<string, number>();
  #journal: EventJournal | undefined;
  #held: { readonly event: Envelope; readonly data: string }[] | undefined;
  #undelivered: AnyEvent[] = [];
  #delivering = false;
  #lastSeq = 0;
  #total = 0;
  #errors = 0;
  #droppedBefore = 0;
  #refused = 0;
  #closed: Promise<void> | undefined;

  constructor(options: EventBusOptions) {
    this.#clock = options.clock;
    this.#newId = options.newId;
    this.#log = options.log;
    this.#source = options.source ?? 'system';
    this.#redactor = options.redactor;
    this.#journal = options.journal;
    this.#lastSeq = options.journal?.lastSeq ?? 0;
    this.#held = options.hold === true ? [] : undefined;
  }

  /**
   * Numbers, journals and delivers what was held, each event once and in order. Throws Conflict when the bus already
   * runs.
   */
  start(journal?: EventJournal): void {
    const held = this.#held;
    if (held === undefined) throw new Conflict('the event bus already runs');
    this.#held = undefined;
    this.#journal = journal ?? this.#journal;
    this.#lastSeq = this.#journal?.lastSeq ?? 0;
    for (const { event, data } of held) this.#accept(event, data);
    this.#deliver();
  }

  /**
   * Throws InvalidInput for an unknown name, a wrong payload (naming the field) or priority, Unavailable when the
   * journal cannot take more. After `close` nothing is delivered: the event is logged, counted and comes back with
   * `seq` 0; so does an event that is held until `start`, which then gets its number.
   */
  emit<N extends EventName>(type: N, data: EventPayload<N>, options: EmitOptions = {}): EventEnvelope<N> {
    const given = parsePayload(type, data);
    const first = toText(type, given);
    const clean = this.#redactor?.text(first) ?? first;
    const payload = clean === first ? given : this.#redacted(given);
    // What was taken out may have begun in the middle of an escape, as the n of \\n.
    const text = clean === first || isJson(clean) ? clean : toText(type, payload);
    const event = {
      id: this.#newId('evt'),
      seq: 0,
      type,
      time: this.#clock.now(),
      source: options.source ?? this.#source,
      priority: priorityOf(type, payload, options.priority),
      correlation_id: options.correlationId ?? null,
      data: payload,
    };
    if (this.#closed !== undefined) {
      this.#refused += 1;
      this.#log.error('events.emitted_after_close', { type, source: event.source });
      return event;
    }
    if (this.#held !== undefined) {
      if (this.#held.length >= HELD_AT_MOST)
        throw new Unavailable(`${HELD_AT_MOST} events wait for the bus to start; start it first`);
      this.#held.push({ event, data: text });
      return event;
    }
    this.#journal?.ensureRoom();
    this.#accept(event, text);
    this.#deliver();
    return event;
  }

  /** Calls `handler` for each event of the name (or of all, `*`), in order, before `emit` returns. The same handler counts once. Throws InvalidInput for handlers that depend on each other in a circle. */
  on(name: '*', handler: Handler<AnyEvent>, options?: HandlerOptions): this;
  on<N extends EventName>(name: N, handler: Handler<EventEnvelope<N>>, options?: HandlerOptions): this;
  on(name: string, handler: Handler<never>, options: HandlerOptions = {}): this {
    this.#add(name, handler, false, options);
    return this;
  }

  /** As `on`, for one event. */
  once(name: '*', handler: Handler<AnyEvent>): this;
  once<N extends EventName>(name: N, handler: Handler<EventEnvelope<N>>): this;
  once(name: string, handler: Handler<never>): this {
    this.#add(name, handler, true, {});
    return this;
  }

  /** Takes the handler away; it is not called again, also not for the event being delivered. */
  off(name: '*', handler: Handler<AnyEvent>): this;
  off<N extends EventName>(name: N, handler: Handler<EventEnvelope<N>>): this;
  off(name: string, handler: Handler<never>): this {
    const guards = this.#guards.get(name) ?? [];
    const found = guards.find((g) => g.handler === handler);
    if (found !== undefined) {
      this.#guards.set(
        name,
        guards.filter((g) => g !== found),
      );
      found.active = false;
      this.#emitter.off(name, found.call);
    }
    return this;
  }

  /** A bounded queue of its own, most urgent first. Throws InvalidInput for a bad filter or option. */
  subscribe(filter: EventFilter = {}, options: SubscribeOptions = {}): Subscription {
    if (this.#closed !== undefined) throw new Unavailable('the event bus is closed');
    const subscription = new Subscription(filter, options, this.#journal, (closed) => {
      this.#subscriptions.delete(closed);
      this.#droppedBefore += closed.dropped;
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** A subscriber with a cursor in the journal's database. Throws Conflict when the name is taken, InvalidInput without a journal. */
  durable(
    name: string,
    filter: EventFilter,
    handler: Handler<EventEnvelope>,
    options: DurableOptions = {},
  ): DurableSubscriber {
    if (this.#journal === undefined) throw new InvalidInput('a durable subscriber needs a bus with a journal');
    if (this.#durables.has(name)) throw new Conflict(`a durable subscriber named '${name}' already runs`);
    const parts = { journal: this.#journal, clock: this.#clock, log: this.#log };
    const subscriber = new DurableSubscriber(name, filter, handler, parts, options);
    this.#durables.set(name, subscriber);
    return subscriber;
  }

  /** Ends a durable subscriber; its cursor stays. */
  async endDurable(name: string): Promise<void> {
    const subscriber = this.#durables.get(name);
    this.#durables.delete(name);
    await subscriber?.close();
  }

  /** Resolves when every event so far is durable and every queue with a reader has been handed over. */
  async flush(): Promise<void> {
    await this.#journal?.acknowledged();
    await Promise.all([...this.#subscriptions].map((s) => s.handedOver()));
  }

  /**
   * Accepts no more, makes everything durable, ends the queues (their readers still get what is queued), lets durable
   * handlers finish their event and closes the journal. Idempotent.
   */
  close(): Promise<void> {
    if (this.#held !== undefined) this.start();
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Counts since the bus was made. */
  statistics(): BusStatistics {
    const subscriptions = [...this.#subscriptions];
    return {
      running: this.#closed === undefined && this.#held === undefined,
      total_events: this.#total,
      error_count: this.#errors,
      handler_count: [...this.#guards.values()].reduce((sum, guards) => sum + guards.length, 0),
      queue_size: subscriptions.reduce((sum, s) => sum + s.size, 0),
      dropped: subscriptions.reduce((sum, s) => sum + s.dropped, this.#droppedBefore),
      held: this.#held?.length ?? 0,
      journal_pending: this.#journal?.pending ?? 0,
      journal_failing: this.#journal?.failing ?? false,
      last_seq: this.#lastSeq,
      refused_after_close: this.#refused,
      events_by_type: Object.fromEntries(this.#byType),
    };
  }

  #redacted<T>(payload: T): T {
    return this.#redactor?.value(payload) ?? payload;
  }

  #accept(event: Envelope, data: string): void {
    event.seq = ++this.#lastSeq;
    this.#total += 1;
    this.#byType.set(event.type, (this.#byType.get(event.type) ?? 0) + 1);
    this.#journal?.append(event as AnyEvent, data);
    this.#undelivered.push(event as AnyEvent);
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let i = 0; i < this.#undelivered.length; i++) {
        const event = this.#undelivered[i];
        if (event === undefined) continue;
        this.#emitter.emit('*', event);
        this.#emitter.emit(event.type, event);
        for (const subscription of this.#subscriptions) subscription.offer(event);
      }
    } finally {
      this.#undelivered = [];
      this.#delivering = false;
    }
  }

  #add(name: string, handler: Handler<never>, once: boolean, { dependsOn = [] }: HandlerOptions): void {
    if (name !== '*') ensureName(name);
    const guards = this.#guards.get(name) ?? [];
    if (guards.some((g) => g.handler === handler)) return;
    const guard: Guard = {
      handler,
      dependsOn,
      active: true,
      call: (event) => {
        if (!guard.active) return;
        if (once) this.off(name as '*', handler as Handler<AnyEvent>);
        this.#call(handler as Handler<AnyEvent>, event);
      },
    };
    const ordered = inOrder(name, [...guards, guard]);
    this.#guards.set(name, ordered);
    if (ordered.at(-1) === guard) {
      this.#emitter.on(name, guard.call);
      return;
    }
    // The emitter calls in the order of registration; an event that is being delivered keeps the order it began with.
    this.#emitter.removeAllListeners(name);
    for (const one of ordered) this.#emitter.on(name, one.call);
  }

  #call(handler: Handler<AnyEvent>, event: AnyEvent): void {
    try {
      const result = handler(event);
      if (result instanceof Promise) result.catch((error: unknown) => this.#failed(event, error));
    } catch (error) {
      this.#failed(event, error);
    }
  }

  #failed(event: AnyEvent, error: unknown): void {
    this.#errors += 1;
    this.#log.error('events.handler_failed', { type: event.type, seq: event.seq, error: errorMessage(error) });
  }

  async #close(): Promise<void> {
    try {
      await this.#journal?.acknowledged();
    } finally {
      for (const subscription of [...this.#subscriptions]) subscription.close();
      await Promise.all([...this.#durables.values()].map((d) => d.close()));
      await this.#journal?.close();
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Handlers in the order of registration, each after those that it depends on. Throws InvalidInput for a circle. */
function inOrder(name: string, guards: readonly Guard[]): Guard[] {
  const left = [...guards];
  const ordered: Guard[] = [];
  while (left.length > 0) {
    const at = left.findIndex((guard) => !left.some((other) => guard.dependsOn.includes(other.handler)));
    const [next] = at < 0 ? [] : left.splice(at, 1);
    if (next === undefined) throw new InvalidInput(`handlers of ${name} depend on each other in a circle`);
    ordered.push(next);
  }
  return ordered;
}
