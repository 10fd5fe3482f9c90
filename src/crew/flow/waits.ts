import type { Clock, Timer } from '../../kit/clock.ts';
import type { AnyEvent } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { EventSource } from '../run/event-source.ts';
import type { FlowDocument } from './document.ts';
import { nestedOf } from './pauses.ts';
import type { FlowStore } from './store.ts';

/** Events after which a run that a flow waits for goes on no more. */
const ENDS_RUN: ReadonlySet<string> = new Set([
  'run.completed',
  'run.failed',
  'run.cancelled',
  'flow.completed',
  'flow.failed',
]);
const ENDS_REQUEST: ReadonlySet<string> = new Set(['approved', 'rejected', 'expired']);

interface WaitOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: FlowStore;
  readonly source: EventSource | undefined;
  readonly isActive: (runId: string) => boolean;
  readonly resume: (runId: string) => Promise<unknown>;
}

/** Goes on with waiting flows when the time of a question is over, or what they wait for has ended. */
export class FlowWaits {
  readonly #options: WaitOptions;
  readonly #timers = new Map<string, Timer>();
  /** What ended while the flow that began it was still at work: it may be on its way to waiting for it. */
  readonly #ended = new Set<string>();
  #closed = false;

  constructor(options: WaitOptions) {
    this.#options = options;
    options.source?.on('*', this.#heard);
  }

  /** Looks after a flow that has stopped working. */
  watch(document: FlowDocument): void {
    const { run_id: id, status, waiting_for: pauses } = document;
    const over = pauses.some((pause) => {
      const { run_id, approval_id } = nestedOf(pause);
      return this.#ended.has(run_id ?? '') || this.#ended.has(approval_id ?? '');
    });
    for (const one of [...this.#ended]) if (one.startsWith(`${id}/`)) this.#ended.delete(one);
    for (const pause of pauses) this.#ended.delete(nestedOf(pause).approval_id ?? '');
    this.#timers.get(id)?.cancel();
    this.#timers.delete(id);
    if (status !== 'waiting' || this.#closed) return;
    if (over) return this.#resume(id);
    const ends = pauses.flatMap((pause) => pause.expires_at ?? []);
    if (ends.length === 0) return;
    const { clock } = this.#options;
    const timer = clock.schedule(Math.max(0, Math.min(...ends) - clock.now()), () => {
      this.#timers.delete(id);
      this.#resume(id);
    });
    this.#timers.set(id, timer);
  }

  close(): void {
    this.#closed = true;
    this.#options.source?.off('*', this.#heard);
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  readonly #heard = (event: AnyEvent): void => {
    const { data } = event;
    if (ENDS_RUN.has(event.type) && 'run_id' in data && typeof data.run_id === 'string') {
      const at = data.run_id.lastIndexOf('/');
      if (at > 0) this.#over(data.run_id, data.run_id.slice(0, at));
    }
    if (event.type === 'approval.decided' && ENDS_REQUEST.has(event.data.decision)) {
      const { approval_id: id } = event.data;
      this.#waitingFor(id).catch((error: unknown) => this.#broke(id, error));
    }
  };

  #over(ended: string, parent: string): void {
    if (this.#options.isActive(parent)) this.#ended.add(ended);
    else this.#wakeWaiting(parent).catch((error: unknown) => this.#broke(parent, error));
  }

  async #wakeWaiting(runId: string): Promise<void> {
    const document = await this.#options.store.get(runId);
    if (document?.status === 'waiting') this.#resume(runId);
  }

  async #waitingFor(approval: string): Promise<void> {
    const { store } = this.#options;
    const waiting = (await store.list(10_000)).filter((d) => d.status === 'waiting' || d.status === 'running');
    const found = waiting.find((d) => d.waiting_for.some((p) => nestedOf(p).approval_id === approval));
    if (found !== undefined) return this.#resume(found.run_id);
    if (waiting.some((d) => this.#options.isActive(d.run_id))) this.#ended.add(approval);
  }

  #resume(runId: string): void {
    if (this.#closed || this.#options.isActive(runId)) return;
    this.#options.resume(runId).catch((error: unknown) => this.#broke(runId, error));
  }

  #broke(id: string, error: unknown): void {
    this.#options.log.error('flow.wake_failed', { id, error: String(error) });
  }
}
