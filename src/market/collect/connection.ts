import { safeUrl } from '../../infra/http.ts';
import { sleep, type Ms, type Timer } from '../../kit/clock.ts';
import { RateLimited, errorMessage } from '../../kit/errors.ts';
import type { ConnectionPlan, VenueMarket } from '../exchanges/contract.ts';
import { backOffMs } from './back-off.ts';
import type { ConnectionState, ConnectionStatus } from './contract.ts';
import type { CollectEnvironment } from './environment.ts';
import { openLink, type Link } from './link.ts';
import { Latency } from './latency.ts';

export interface ConnectionHooks {
  /** A link is open and its `connected` item is on the tape. `hole` tells that there was one before that broke. */
  readonly onOpen: (link: Link, connection: SupervisedConnection, hole: boolean) => void;
  /** The link is over and what it carried is missing from now on. */
  readonly onLost: (connection: SupervisedConnection, reason: string) => void;
  /** True when so many tries failed that REST should take over; false when the socket is back. */
  readonly onFallback: (connection: SupervisedConnection, on: boolean) => void;
  /** True when all that the link carries is up to date, so that the link before it may go. */
  readonly isComplete: (link: Link, connection: SupervisedConnection) => boolean;
}

export interface ConnectionTarget {
  readonly plan: ConnectionPlan;
  readonly url: string;
  /** Asked before each opening; its address takes the place of `url`. */
  readonly prepare?: (() => Promise<{ readonly url: string; readonly pingMs: Ms | null }>) | undefined;
}

/** A link that lived this long proves that the venue takes us: the next loss starts the back-off anew. */
const PROVEN_MS = 60_000;
/** Longest time that two links overlap at rotation. */
const OVERLAP_MS = 30_000;
const OVERLAP_POLL_MS = 100;

/** Keeps one planned connection open: never gives up, waits longer each time, rotates before the venue cuts. */
export class SupervisedConnection {
  readonly market: VenueMarket;
  readonly plan: ConnectionPlan;
  readonly latency = new Latency();
  readonly #environment: CollectEnvironment;
  readonly #hooks: ConnectionHooks;
  readonly #prepare: ConnectionTarget['prepare'];
  #url: string;
  #state: ConnectionState = 'connecting';
  #link: Link | undefined;
  #framesBefore = 0;
  #rejected = 0;
  #opened = 0;
  /** Attempts that failed since the last link. */
  #failures = 0;
  /** Links in a row that broke before they had proven themselves. */
  #brief = 0;
  #lastError: string | null = null;
  #nextAttemptAt: Ms | null = null;
  #lastId: string;
  #rotation: Timer | undefined;
  #stopping = new AbortController();
  #wake: AbortController | undefined;
  #loop: Promise<void> | undefined;
  #fallback = false;
  #firstTry: { readonly promise: Promise<void>; readonly resolve: () => void };

  constructor(environment: CollectEnvironment, market: VenueMarket, target: ConnectionTarget, hooks: ConnectionHooks) {
    this.#environment = environment;
    this.market = market;
    this.plan = target.plan;
    this.#url = target.url;
    this.#prepare = target.prepare;
    this.#hooks = hooks;
    this.#lastId = `${market.exchange}_${market.market}#-`;
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.#firstTry = { promise, resolve };
  }

  /** Where it connects, or did last when a preparation tells. */
  get url(): string {
    return this.#url;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  get id(): string {
    return this.#link?.id ?? this.#lastId;
  }

  get lastError(): string | null {
    return this.#lastError;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  /** Resolves when the first try has succeeded or failed. */
  get tried(): Promise<void> {
    return this.#firstTry.promise;
  }

  start(): void {
    this.#loop ??= this.#run().finally(() => this.#firstTry.resolve());
  }

  countRejected(): void {
    this.#rejected += 1;
  }

  /** Drops the link and opens the next one at once; waits no back-off. */
  async reconnect(reason: string): Promise<void> {
    this.#failures = 0;
    this.#brief = 0;
    this.#wake?.abort();
    await this.#link?.close(reason);
  }

  /** Ends for good. Idempotent. */
  async stop(reason: string): Promise<void> {
    this.#rotation?.cancel();
    this.#stopping.abort();
    this.#wake?.abort();
    await this.#link?.close(reason);
    await this.#loop;
    this.#state = 'stopped';
  }

  /** Received over all links. */
  get frames(): number {
    return this.#framesBefore + (this.#link?.frames ?? 0);
  }

  pause(): void {
    this.#link?.socket.pause();
  }

  resume(): void {
    this.#link?.socket.resume();
  }

  status(mode: 'websocket' | 'rest'): ConnectionStatus {
    const link = this.#link;
    return {
      id: this.id,
      exchange: this.market.exchange,
      market: this.market.market,
      url: safeUrl(this.url),
      state: this.#state,
      connected_at: link?.connectedAt ?? null,
      last_frame_at: link?.lastFrameAt == null ? null : Math.floor(link.lastFrameAt / 1000),
      frames: this.frames,
      rejected: this.#rejected,
      reconnects: Math.max(0, this.#opened - 1),
      latency_ms: this.latency.medianMs(),
      last_error: this.#lastError,
      next_attempt_at: this.#nextAttemptAt,
      mode,
    };
  }

  async #run(): Promise<void> {
    while (!this.#isStopping()) {
      this.#state = 'connecting';
      try {
        const link = await this.#open();
        this.#begin(link, this.#opened > 0);
      } catch (error) {
        if (this.#isStopping()) return;
        await this.#failed(error);
        continue;
      }
      const reason = await this.#untilLost();
      if (this.#isStopping()) return;
      this.#lost(reason);
      await this.#pause(backOffMs(this.#brief, ...this.#bounds(), this.#environment.random));
    }
  }

  async #open(): Promise<Link> {
    if (this.#prepare === undefined) return openLink(this.#environment, this.market, this.plan, this.#url);
    const { url, pingMs } = await this.#prepare();
    this.#url = url;
    const { ping } = this.plan;
    const plan = ping === null || pingMs === null ? this.plan : { ...this.plan, ping: { ...ping, everyMs: pingMs } };
    return openLink(this.#environment, this.market, plan, url);
  }

  // Read through a call: the flag changes while this code awaits, which the compiler cannot see.
  #isStopping(): boolean {
    return this.#stopping.signal.aborted || this.#environment.signal.aborted;
  }

  #begin(link: Link, hole: boolean): void {
    this.#framesBefore += this.#link?.frames ?? 0;
    this.#link = link;
    this.#lastId = link.id;
    this.#opened += 1;
    this.#state = 'connected';
    this.#nextAttemptAt = null;
    if (this.#isStopping()) {
      void link.close('stopped');
      return;
    }
    this.#environment.events.emit('streaming.started', {
      ...this.#names(),
      connection_id: link.id,
      attempt: this.#failures + 1,
      streams: [...new Set(this.plan.series.map((series) => series.stream))],
    });
    this.#failures = 0;
    this.#setFallback(false);
    this.#armRotation();
    this.#hooks.onOpen(link, this, hole);
    this.#firstTry.resolve();
  }

  async #untilLost(): Promise<string> {
    for (;;) {
      const link = this.#link;
      if (link === undefined) return 'no link';
      const { code, reason } = await link.ended;
      if (this.#link !== link) continue;
      return reason === '' ? `closed with code ${code}` : reason;
    }
  }

  #lost(reason: string): void {
    const link = this.#link;
    this.#rotation?.cancel();
    this.#lastError = reason;
    this.#state = 'backing_off';
    const lived = link === undefined ? 0 : this.#environment.clock.now() - link.connectedAt;
    const proven = lived >= PROVEN_MS || (link?.frames ?? 0) > this.plan.subscribe.length;
    this.#brief = proven ? 0 : this.#brief + 1;
    this.#framesBefore += link?.frames ?? 0;
    this.#link = undefined;
    const { log, events } = this.#environment;
    log.warn('collect.connection_lost', { connection: this.#lastId, reason });
    events.emit('streaming.stopped', { ...this.#names(), connection_id: this.#lastId, reason });
    this.#hooks.onLost(this, reason);
  }

  async #failed(error: unknown): Promise<void> {
    this.#lastError = errorMessage(error);
    this.#failures += 1;
    this.#state = 'backing_off';
    const jittered = backOffMs(this.#failures + this.#brief, ...this.#bounds(), this.#environment.random);
    const delay = error instanceof RateLimited ? Math.max(jittered, error.retryAfterMs) : jittered;
    const { log, events, config, http } = this.#environment;
    if (error instanceof RateLimited) http.limiter.block(new URL(this.url).host, error.retryAfterMs);
    log.warn('collect.connect_failed', { connection: this.#names(), attempt: this.#failures, error: this.#lastError });
    events.emit('streaming.error', {
      ...this.#names(),
      connection_id: this.#lastId,
      reason: this.#lastError,
      attempt: this.#failures,
      delay_ms: delay,
    });
    if (this.#failures >= config.fallback_after_attempts) this.#setFallback(true);
    this.#firstTry.resolve();
    await this.#pause(delay);
  }

  #setFallback(on: boolean): void {
    if (this.#fallback === on) return;
    this.#fallback = on;
    this.#hooks.onFallback(this, on);
  }

  async #pause(delayMs: Ms): Promise<void> {
    const { clock } = this.#environment;
    this.#nextAttemptAt = clock.now() + delayMs;
    this.#wake = new AbortController();
    const signal = AbortSignal.any([this.#wake.signal, this.#stopping.signal, this.#environment.signal]);
    // Waking early is how reconnect() and stop() end the wait.
    await sleep(clock, delayMs, signal).catch(() => undefined);
    this.#wake = undefined;
    if (this.#environment.signal.aborted) this.#stopping.abort();
  }

  #armRotation(): void {
    const { rotateAfterMs } = this.market.limits;
    this.#rotation?.cancel();
    if (rotateAfterMs === null) return;
    // Spread over the last tenth, so that not all connections rotate at once.
    const delay = rotateAfterMs * (0.9 + 0.08 * this.#environment.random());
    this.#rotation = this.#environment.clock.schedule(delay, () => {
      this.#rotate().catch((error: unknown) => {
        this.#lastError = errorMessage(error);
        this.#environment.log.warn('collect.rotation_failed', { connection: this.id, error: this.#lastError });
        this.#armRotation();
      });
    });
  }

  /** Opens the next link, lets it catch up, then drops the old one: nothing is missed. */
  async #rotate(): Promise<void> {
    const old = this.#link;
    if (old === undefined) return;
    const link = await this.#open();
    if (this.#link !== old || this.#isStopping()) {
      await link.close('not needed');
      return;
    }
    this.#begin(link, false);
    const { clock, signal } = this.#environment;
    const until = clock.monotonicMs() + OVERLAP_MS;
    while (clock.monotonicMs() < until && !this.#hooks.isComplete(link, this) && this.#link === link) {
      await sleep(clock, OVERLAP_POLL_MS, signal);
    }
    await old.close('rotation');
  }

  #bounds(): readonly [Ms, Ms] {
    return [this.#environment.config.reconnect_min_ms, this.#environment.config.reconnect_max_ms];
  }

  #names(): { readonly exchange: string; readonly market: string } {
    return { exchange: this.market.exchange, market: this.market.market };
  }
}
