import type { Ms, Us } from '../../kit/clock.ts';
import { quoteOutside } from '../../kit/outside.ts';
import { marketKey, type SeriesKey } from '../domain/records.ts';
import type { TapeItem } from '../domain/tape.ts';
import type { FrameVerdict } from '../exchanges/contract.ts';
import type { BookProblem } from './books.ts';
import type { SupervisedConnection } from './connection.ts';
import type { CollectEnvironment } from './environment.ts';
import type { MarketFeed } from './market-feed.ts';
import type { TrackedSeries } from './series.ts';

/** One alert about unreadable frames of a connection in this time, however many there are. */
const ALERT_EVERY_MS = 10_000;
/** A connection is reopened for one silent channel at most this often at first; doubled while it does not help. */
const STALE_RECONNECT_MS = 60_000;
const MAX_STALE_RECONNECT_MS = 900_000;
/** Looks come every second; of a longer time between two of them so much counts as listening. */
const MOST_LISTENED_MS = 2_000;
/** The calendar may drift this far from the monotonic clock between two looks before it is called a jump. */
const CLOCK_JUMP_MS = 2_000;

interface Rejections {
  count: number;
  lastReason: string;
  toldAt: Ms;
}

interface StaleAction {
  notBefore: Ms;
  waitMs: Ms;
}

/** Looks after quality: unreadable frames, books that broke, silent series, a clock that jumps. */
export class Watch {
  readonly #environment: CollectEnvironment;
  readonly #feeds: readonly MarketFeed[];
  readonly #rejections = new Map<string, Rejections>();
  readonly #staleActions = new Map<string, StaleAction>();
  readonly #heard = new Map<TrackedSeries, { readonly heard: number; readonly since: Us; readonly at: Ms }>();
  #rejected = 0;
  #clockOffset: Ms;
  /** Time in which what was sent would have been heard: not while sources are paused, nor while this thread stood still. */
  #listenedMs: Ms = 0;
  #lookedAt: Ms;
  #wasPaused = false;

  constructor(environment: CollectEnvironment, feeds: readonly MarketFeed[]) {
    this.#environment = environment;
    this.#feeds = feeds;
    this.#lookedAt = environment.clock.monotonicMs();
    this.#clockOffset = environment.clock.now() - environment.clock.monotonicMs();
  }

  /** Frames and answers that could not be read. */
  get rejected(): number {
    return this.#rejected;
  }

  verdict(item: TapeItem, verdict: FrameVerdict): void {
    if (verdict.kind === 'rejected') {
      this.#rejected += 1;
      this.#connection(item)?.countRejected();
      this.#tellRejected(item, verdict.reason);
      return;
    }
    if (verdict.kind !== 'error') return;
    const reason = quoteOutside(verdict.message);
    this.#environment.log.warn('collect.venue_error', { connection: item.connection, message: reason });
    this.#environment.events.emit('streaming.error', {
      exchange: item.exchange,
      market: item.market,
      connection_id: item.connection,
      reason,
    });
  }

  bookProblem(item: TapeItem, problem: BookProblem): void {
    const { events, series } = this.#environment;
    const key: SeriesKey = {
      exchange: item.exchange,
      market: item.market,
      symbol: problem.symbol,
      stream: 'orderbooks',
    };
    const details = { connection_id: item.connection, last_seq: problem.lastSeq, next_seq: problem.nextSeq };
    if (problem.kind === 'crossed_book') {
      events.emit('data.quality_alert', {
        alert_type: 'crossed_book',
        message: `the book of ${problem.symbol} has a bid at or above an ask; it is not used until it is rebuilt`,
        severity: 'medium',
        ...key,
        details,
      });
    } else if (problem.kind === 'book_out_of_order') {
      events.emit('data.quality_alert', {
        alert_type: 'book_out_of_order',
        message: `changes of the book of ${problem.symbol} came in another order than they were made; it is rebuilt`,
        severity: 'low',
        ...key,
        details,
      });
      return;
    } else if (problem.kind !== 'book_bridge') {
      const tracked = series.get(key);
      if (tracked !== undefined) tracked.gaps += 1;
      const from = problem.lastEventTime ?? problem.nextEventTime;
      events.emit('data.gap_detected', {
        ...key,
        kind: problem.kind,
        gap_start: Math.floor(from / 1000),
        gap_end: Math.ceil(problem.nextEventTime / 1000),
        duration_seconds: Math.max(0, (problem.nextEventTime - from) / 1_000_000),
        details,
      });
    }
    const connection = this.#connection(item);
    const feed = this.#feed(item);
    if (connection === undefined || feed === undefined) return;
    // Not from inside the pipeline: what a resync does may put items on the tape.
    queueMicrotask(() => feed.resync.request(connection, problem.symbol, problem.kind !== 'book_bridge'));
  }

  /** Called every second. */
  look(): void {
    this.#lookAtClock();
    this.#listen();
    for (const feed of this.#feeds) {
      feed.check();
      for (const connection of feed.connections) this.#lookAtSilence(connection);
      this.#lookAtPolled(feed);
    }
  }

  #listen(): void {
    const { clock, intake } = this.#environment;
    const now = clock.monotonicMs();
    const { paused } = intake;
    if (!paused && !this.#wasPaused) this.#listenedMs += Math.min(now - this.#lookedAt, MOST_LISTENED_MS);
    this.#lookedAt = now;
    this.#wasPaused = paused;
  }

  #lookAtClock(): void {
    const { clock, events } = this.#environment;
    const offset = clock.now() - clock.monotonicMs();
    const jump = offset - this.#clockOffset;
    this.#clockOffset = offset;
    if (Math.abs(jump) < CLOCK_JUMP_MS) return;
    events.emit('data.quality_alert', {
      alert_type: 'clock_jump',
      message: `this machine's clock jumped by ${Math.round(jump)} ms; receive times stand still until it has caught up`,
      severity: 'medium',
      details: { jump_ms: Math.round(jump) },
    });
  }

  #lookAtSilence(connection: SupervisedConnection): void {
    if (!connection.connected || this.#environment.intake.paused) return;
    const { exchange, market } = connection.market;
    const watched = connection.plan.series
      .map((series) => this.#environment.series.get({ exchange, market, ...series }))
      .filter((series) => series !== undefined && series.staleAfterMs !== null && series.state !== 'stopped');
    const silent = watched.filter((series) => series !== undefined && this.#silent(series));
    for (const series of silent) if (series !== undefined) this.#markStale(series);
    const key = connection.plan.path + connection.plan.subscribe.join();
    if (silent.length === 0) {
      this.#staleActions.delete(key);
      return;
    }
    const now = this.#environment.clock.monotonicMs();
    const action = this.#staleActions.get(key) ?? { notBefore: now, waitMs: STALE_RECONNECT_MS };
    this.#staleActions.set(key, action);
    if (now < action.notBefore) return;
    action.notBefore = now + action.waitMs;
    action.waitMs = Math.min(MAX_STALE_RECONNECT_MS, action.waitMs * 2);
    const reason = `${silent.length} of ${watched.length} series are silent`;
    connection.reconnect(reason).catch((error: unknown) => {
      this.#environment.log.error('collect.reconnect_failed', { connection: connection.id, error });
    });
  }

  #lookAtPolled(feed: MarketFeed): void {
    const { exchange, market } = feed.market;
    for (const key of feed.series()) {
      if (feed.market.streams[key.stream]?.via !== 'rest') continue;
      const series = this.#environment.series.get({ ...key, exchange, market });
      if (series !== undefined && series.staleAfterMs !== null && this.#silent(series)) this.#markStale(series);
    }
  }

  #silent(series: TrackedSeries): boolean {
    if (series.staleAfterMs === null || series.state === 'stopped') return false;
    return this.#silence(series) > series.staleAfterMs;
  }

  /** Ms listened since a look first found nothing new. A calendar that is set must not look like silence. */
  #silence(series: TrackedSeries): Ms {
    const now = this.#listenedMs;
    const held = this.#heard.get(series);
    if (held?.heard === series.heard && held.since === series.since) return now - held.at;
    this.#heard.set(series, { heard: series.heard, since: series.since, at: now });
    return 0;
  }

  #markStale(series: TrackedSeries): void {
    if (series.state === 'stale') return;
    series.state = 'stale';
    const silence = this.#silence(series);
    this.#environment.events.emit('data.quality_alert', {
      alert_type: 'stale',
      message: `nothing came for ${Math.round(silence)} ms; ${series.staleAfterMs} ms is the most that is normal`,
      severity: 'medium',
      ...series.key,
      details: { silent_ms: Math.round(silence), stale_after_ms: series.staleAfterMs },
    });
  }

  #tellRejected(item: TapeItem, reason: string): void {
    const { clock, events, log } = this.#environment;
    const now = clock.monotonicMs();
    const held = this.#rejections.get(item.connection) ?? {
      count: 0,
      lastReason: reason,
      toldAt: Number.NEGATIVE_INFINITY,
    };
    this.#rejections.set(item.connection, held);
    held.count += 1;
    held.lastReason = reason;
    if (now - held.toldAt < ALERT_EVERY_MS) return;
    const count = held.count;
    held.toldAt = now;
    held.count = 0;
    log.warn('collect.frame_rejected', { connection: item.connection, count, reason });
    events.emit('data.quality_alert', {
      alert_type: 'malformed',
      message: `${count} frame${count === 1 ? '' : 's'} could not be read: ${reason}`,
      severity: 'low',
      exchange: item.exchange,
      market: item.market,
      details: { connection_id: item.connection, count, reason },
    });
  }

  #feed(item: TapeItem): MarketFeed | undefined {
    return this.#feeds.find((feed) => feed.key === marketKey(item.exchange, item.market));
  }

  #connection(item: TapeItem): SupervisedConnection | undefined {
    return this.#feed(item)?.connections.find(({ id }) => id === item.connection);
  }
}
