import type { Ms, Timer, Us } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import type { CoverageChange } from '../domain/coverage.ts';
import { viewName, type SeriesKey } from '../domain/records.ts';
import type { Backfills } from './backfill.ts';
import type { CandleHole } from './candles.ts';
import type { BackfillResult } from './contract.ts';
import type { CollectEnvironment } from './environment.ts';
import type { MarketFeed } from './market-feed.ts';
import type { TradeHole } from './trade-ids.ts';

/** The new link's subscriptions are given this long, so that fetched and live records overlap. */
const SETTLE_MS = 2_000;
/** Trades this long before a loss are fetched with it: a venue's streams do not keep step with each other. */
const SUSPECT_MS = 2_000;
/** A venue whose ids jump all the time must not flood the events: one a series in this time, the others counted. */
const TELL_EVERY_MS = 250;
const MINUTE_MS = 60_000;
/** A history that is coarser still (settled funding) is asked for no more than this before a hole. */
const LONGEST_STEP_MS = 10 * MINUTE_MS;

interface Waiting {
  readonly feed: MarketFeed;
  readonly series: SeriesKey;
  from: Ms;
  to: Ms | null;
}

/** Tells of holes in what is collected, and has those fetched that a venue has history of. */
export class Holes {
  readonly #environment: CollectEnvironment;
  readonly #backfills: Backfills;
  readonly #waiting = new Map<string, Waiting>();
  readonly #timers = new Map<MarketFeed, Timer>();
  readonly #jobs = new Set<Promise<void>>();
  readonly #unreported = new Map<string, { toldAt: Ms; holes: number }>();

  constructor(environment: CollectEnvironment, backfills: Backfills) {
    this.#environment = environment;
    this.#backfills = backfills;
  }

  /** A connection was away from `since` until now. */
  disconnected(feed: MarketFeed, series: readonly SeriesKey[], since: Us): void {
    const now = this.#environment.intake.recvTime();
    this.#tell(feed, 'disconnect', since / 1000, now / 1000, { series: series.map(viewName) });
    for (const key of series) {
      const tracked = this.#environment.series.get(key);
      if (tracked === undefined) continue;
      tracked.gaps += 1;
      if (tracked.lastEventTime !== null) this.#fetch(feed, key, tracked.lastEventTime / 1000, null);
    }
  }

  /** Nothing was collected since the newest stored rows of these series. */
  downtime(feed: MarketFeed, last: readonly { readonly key: SeriesKey; readonly eventTime: Us }[]): void {
    if (last.length === 0) return;
    const from = last.reduce((newest, { eventTime }) => Math.max(newest, eventTime), 0);
    const series = last.map(({ key }) => viewName(key));
    this.#tell(feed, 'downtime', from / 1000, Math.max(from / 1000, this.#environment.clock.now()), { series });
    for (const { key, eventTime } of last) this.#fetch(feed, key, eventTime / 1000, null);
  }

  /** The venue's consecutive ids show that trades are missing. */
  trades(feed: MarketFeed, hole: TradeHole): void {
    const { exchange, market } = feed.market;
    const key: SeriesKey = { exchange, market, symbol: hole.symbol, stream: 'trades' };
    const tracked = this.#environment.series.get(key);
    if (tracked !== undefined) tracked.gaps += 1;
    const since = this.#unreported.get(viewName(key)) ?? { toldAt: Number.NEGATIVE_INFINITY, holes: 0 };
    this.#unreported.set(viewName(key), since);
    const now = this.#environment.clock.monotonicMs();
    if (now - since.toldAt < TELL_EVERY_MS) since.holes += 1;
    else {
      const missing = hole.toId - hole.fromId + 1;
      const details = { from_id: hole.fromId, to_id: hole.toId, missing, unreported_before: since.holes };
      this.#tell(feed, 'trade_ids', hole.after / 1000, hole.before / 1000, details, key);
      since.toldAt = now;
      since.holes = 0;
    }
    this.#fetch(feed, key, hole.after / 1000, Math.floor(hole.before / 1000) + 1);
  }

  /**
   * Frames of a market were lost at about `since`. Where the trades' ids cannot show whether any were among them, the
   * recent ones are fetched: a venue whose history reaches only so far must be asked at once.
   */
  suspected(feed: MarketFeed, since: Ms): void {
    if (feed.market.streams.trades?.consecutiveIds === true) return;
    const { exchange, market } = feed.market;
    for (const tracked of this.#environment.series.all()) {
      const { key } = tracked;
      if (key.exchange !== exchange || key.market !== market || key.stream !== 'trades') continue;
      this.#fetch(feed, key, since - SUSPECT_MS, null);
    }
  }

  /** The completeness ledger has a new hole. */
  missing(feed: MarketFeed, { exchange, market, symbol, stream, from, to }: CoverageChange): void {
    this.#fetch(feed, { exchange, market, symbol, stream }, from / 1000, Math.ceil(to / 1000));
  }

  /** The end of a candle was not told. */
  candles(feed: MarketFeed, hole: CandleHole): void {
    const { exchange, market } = feed.market;
    const key: SeriesKey = { exchange, market, symbol: hole.symbol, stream: 'candles' };
    const tracked = this.#environment.series.get(key);
    if (tracked !== undefined) tracked.gaps += 1;
    this.#tell(feed, 'candles', hole.from / 1000, hole.to / 1000, {}, key);
    this.#fetch(feed, key, hole.from / 1000, hole.to / 1000);
  }

  /** Resolves when nothing is being fetched. */
  async idle(): Promise<void> {
    while (this.#jobs.size > 0) await Promise.all(this.#jobs);
  }

  /** Fetches what waits at once, and resolves when all is done. */
  async finish(): Promise<void> {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    for (const feed of new Set([...this.#waiting.values()].map((waiting) => waiting.feed))) this.#start(feed);
    await this.idle();
  }

  #tell(
    feed: MarketFeed,
    kind: string,
    from: Ms,
    to: Ms,
    details: Readonly<Record<string, unknown>>,
    key?: SeriesKey,
  ): void {
    const { exchange, market } = feed.market;
    this.#environment.events.emit('data.gap_detected', {
      exchange,
      market,
      ...(key === undefined ? {} : { symbol: key.symbol, stream: key.stream }),
      kind,
      gap_start: Math.floor(from),
      gap_end: Math.ceil(to),
      duration_seconds: Math.max(0, (to - from) / 1000),
      details: { ...details },
    });
  }

  /** Waits a little, so that one round of fetching covers all holes of a market found meanwhile. */
  #fetch(feed: MarketFeed, series: SeriesKey, from: Ms, to: Ms | null): void {
    const { config, clock, signal } = this.#environment;
    const history = feed.market.streams[series.stream]?.history;
    if (!config.auto_backfill || signal.aborted || history === undefined) return;
    // A record of a history that is coarser than the stream stands for the time after it: the one before the hole counts.
    const step = series.stream === 'candles' ? MINUTE_MS : Math.min(history.everyMs ?? 1, LONGEST_STEP_MS);
    const begin = Math.floor(from / step) * step;
    const held = this.#waiting.get(viewName(series));
    if (held !== undefined) {
      held.from = Math.min(held.from, begin);
      held.to = held.to === null || to === null ? null : Math.max(held.to, to);
      return;
    }
    this.#waiting.set(viewName(series), { feed, series, from: begin, to });
    if (this.#timers.has(feed)) return;
    this.#timers.set(
      feed,
      clock.schedule(SETTLE_MS, () => {
        this.#timers.delete(feed);
        this.#start(feed);
      }),
    );
  }

  #start(feed: MarketFeed): void {
    const due = [...this.#waiting].filter(([, waiting]) => waiting.feed === feed);
    for (const [name] of due) this.#waiting.delete(name);
    if (due.length === 0) return;
    const job: Promise<void> = this.#run(
      feed,
      due.map(([, waiting]) => waiting),
    )
      .catch((error: unknown) => {
        this.#environment.log.error('collect.backfill_failed', { market: feed.key, error: errorMessage(error) });
      })
      .finally(() => this.#jobs.delete(job));
    this.#jobs.add(job);
  }

  async #run(feed: MarketFeed, due: readonly Waiting[]): Promise<void> {
    const { clock, config, series: tracker, log } = this.#environment;
    const longest = config.auto_backfill_max_minutes * MINUTE_MS;
    const jobs = due.flatMap(({ series, from, to }) => {
      const newest = tracker.get(series)?.lastEventTime ?? 0;
      const end = to ?? Math.max(clock.now(), Math.floor(newest / 1000)) + 1;
      const begin = Math.max(from, end - longest);
      if (begin > from) {
        const reason = 'longer than market.collect.auto_backfill_max_minutes';
        this.#report(feed, series, [{ from, to: begin, reason }]);
      }
      return begin < end ? [{ series, from: begin, to: end }] : [];
    });
    for (const result of await this.#backfills.run(feed.market, feed.rest, jobs)) {
      log.info('collect.backfilled', { id: result.id, stored: result.stored, status: result.status });
      this.#report(feed, result.series, result.missing);
    }
  }

  #report(feed: MarketFeed, series: SeriesKey, missing: BackfillResult['missing']): void {
    for (const { from, to, reason } of missing) this.#tell(feed, 'not_recovered', from, to, { reason }, series);
  }
}
