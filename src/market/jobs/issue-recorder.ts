import type { AnyEvent, EventEnvelope } from '../../kit/event.ts';
import type { Timer, Us } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import { MARKETS, STREAMS, viewName, type SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { findingsOfEvent, rateLimitFindings } from './event-findings.ts';
import { fingerprintOf, joinFindings, type Finding } from './finding.ts';
import { recordFindings } from './issue-book.ts';
import { settleHealed } from './healing.ts';
import { validateSeries } from './validate.ts';

/** Where events are heard. The event bus is one. */
export interface EventHearing {
  on(name: '*', handler: (event: AnyEvent) => void): unknown;
  off(name: '*', handler: (event: AnyEvent) => void): unknown;
}

/** Turns what the collector tells into quality issues, and settles those that healed. */
export interface IssueRecorder extends AsyncDisposable {
  /** Waits until everything heard so far is recorded. */
  flush(): Promise<void>;
  /** Settles pending issues whose cause is gone. Gives how many. */
  review(): Promise<number>;
  /** Findings that could not be written, and why; they are tried again with the next. */
  readonly waiting: number;
}

type RecorderServices = Pick<MarketServices, 'ops' | 'events' | 'clock' | 'log' | 'collector' | 'store' | 'config'>;

const HOUR_US = 3_600_000_000;
const FLUSH_MS = 250;
const SAMPLE_MS = 500;
const REVIEW_MS = 10_000;
/** Beyond this many different issues waiting, new kinds are counted only. */
const MOST_WAITING = 10_000;

/**
 * Listens to every event, joins findings of the same fingerprint, and writes them a few times a second. A finding that
 * came as an alert or a gap is not announced again; a disconnect or duplicates are, as an alert, when they are new. A
 * price that looked wrong as it came is judged by the validator's rules as soon as it is stored.
 */
export function createIssueRecorder(services: RecorderServices, hearing: EventHearing): IssueRecorder {
  return new Recorder(services, hearing);
}

class Recorder implements IssueRecorder {
  readonly #services: RecorderServices;
  readonly #hearing: EventHearing;
  readonly #pending = new Map<string, { finding: Finding; told: boolean }>();
  #work: Promise<void> = Promise.resolve();
  #flushTimer: Timer | undefined;
  #reviewTimer: Timer | undefined;
  #sampleTimer: Timer | undefined;
  readonly #blocked = new Set<string>();
  readonly #suspects = new Map<string, { readonly key: SeriesKey; readonly from: Us }>();
  #closed = false;

  constructor(services: RecorderServices, hearing: EventHearing) {
    this.#services = services;
    this.#hearing = hearing;
    hearing.on('*', this.#heard);
    this.#scheduleReview();
    this.#scheduleSample();
  }

  get waiting(): number {
    return this.#pending.size;
  }

  flush(): Promise<void> {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    this.#work = this.#work.then(() => this.#write());
    return this.#work;
  }

  async review(): Promise<number> {
    await this.flush();
    return settleHealed(this.#services);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return this.#work;
    this.#closed = true;
    this.#hearing.off('*', this.#heard);
    this.#reviewTimer?.cancel();
    this.#sampleTimer?.cancel();
    await this.flush();
  }

  readonly #heard = (event: AnyEvent): void => {
    if (event.type === 'data.outlier') this.#suspect(event);
    const told = event.type === 'data.quality_alert' || event.type === 'data.gap_detected';
    this.#take(findingsOfEvent(event), told);
  };

  /** A series whose price just looked wrong is judged by the validator's rules once what came is stored. */
  #suspect({ data }: EventEnvelope<'data.outlier'>): void {
    const { exchange, symbol } = data;
    const market = MARKETS.find((m) => m === data.market);
    const stream = STREAMS.find((s) => s === data.stream);
    if (market === undefined || stream === undefined || symbol === undefined || this.#closed) return;
    const key = { exchange, market, symbol, stream };
    const name = viewName(key);
    const held = this.#suspects.get(name);
    this.#suspects.set(name, { key, from: Math.min(held?.from ?? data.event_time_us, data.event_time_us) });
    if (held === undefined) this.#work = this.#work.then(() => this.#judge(name));
  }

  async #judge(name: string): Promise<void> {
    const { collector, clock, log } = this.#services;
    try {
      await collector.flush();
      const suspect = this.#suspects.get(name);
      this.#suspects.delete(name);
      if (suspect === undefined) return;
      const { key, from } = suspect;
      const { findings } = await validateSeries(this.#services, key, from - HOUR_US, clock.now() * 1000 + 1_000);
      const prices = findings.filter((f) => f.issue_type === 'price_deviation' || f.issue_type === 'invalid_price');
      await recordFindings(this.#services, prices, 'issue_recorder');
    } catch (error) {
      this.#suspects.delete(name);
      log.error('issues.outlier_not_judged', { series: name, error: errorMessage(error) });
    }
  }

  #take(findings: readonly Finding[], told: boolean): void {
    for (const finding of findings) {
      const fingerprint = fingerprintOf(finding);
      const held = this.#pending.get(fingerprint)?.finding;
      if (held === undefined && this.#pending.size >= MOST_WAITING) continue;
      const joined = held === undefined ? finding : joinFindings(held, finding);
      this.#pending.set(fingerprint, { finding: joined, told });
    }
    if (this.#pending.size === 0 || this.#flushTimer !== undefined || this.#closed) return;
    this.#flushTimer = this.#services.clock.schedule(FLUSH_MS, () => void this.flush());
  }

  /** A block of a host counts once, from when it begins to when it ends. */
  #sample(): void {
    const now = this.#services.clock.now();
    const findings = rateLimitFindings(this.#services.collector.status(), now);
    const hosts = new Set(findings.map((f) => String(f.details['host'])));
    this.#take(
      findings.filter((f) => !this.#blocked.has(String(f.details['host']))),
      false,
    );
    this.#blocked.clear();
    for (const host of hosts) this.#blocked.add(host);
  }

  #scheduleSample(): void {
    this.#sampleTimer = this.#services.clock.schedule(SAMPLE_MS, () => {
      if (this.#closed) return;
      this.#sample();
      this.#scheduleSample();
    });
  }

  async #write(): Promise<void> {
    for (const fingerprint of [...this.#pending.keys()]) {
      // Read now: while those before it were written, more may have been counted.
      const held = this.#pending.get(fingerprint);
      if (held === undefined) continue;
      const { finding, told } = held;
      this.#pending.delete(fingerprint);
      try {
        await recordFindings(this.#services, [finding], 'issue_recorder', { announce: told ? false : 'new' });
      } catch (error) {
        const since = this.#pending.get(fingerprint);
        const joined = since === undefined ? finding : joinFindings(finding, since.finding);
        this.#pending.set(fingerprint, { finding: joined, told });
        this.#services.log.error('issues.not_recorded', { fingerprint, error: errorMessage(error) });
        return;
      }
    }
  }

  #scheduleReview(): void {
    this.#reviewTimer = this.#services.clock.schedule(REVIEW_MS, () => {
      this.review().catch((error: unknown) => {
        this.#services.log.error('issues.review_failed', { error: errorMessage(error) });
      });
      if (!this.#closed) this.#scheduleReview();
    });
  }
}
