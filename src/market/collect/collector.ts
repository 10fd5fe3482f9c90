import { sleep, type Ms, type Timer, type Us } from '../../kit/clock.ts';
import { Conflict, InvalidInput, NotFound, Unavailable, errorMessage } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Instrument } from '../domain/instrument.ts';
import {
  marketKey,
  type CandleRecord,
  type Market,
  type MarketRecord,
  type SeriesKey,
  type Stream,
} from '../domain/records.ts';
import type { TapeItem } from '../domain/tape.ts';
import { Backfills } from './backfill.ts';
import { readBook } from './book-view.ts';
import { CandleEnds } from './candles.ts';
import type { BackfillResult, BookView, Collector, CollectorStatus } from './contract.ts';
import type { SupervisedConnection } from './connection.ts';
import type { CollectEnvironment } from './environment.ts';
import { FairReading } from './fair-reading.ts';
import { Holes } from './holes.ts';
import { MarketFeed } from './market-feed.ts';
import { addressesOf, marketsOf } from './markets.ts';
import type { CollectorOptions } from './options.ts';
import { PriceGuard } from './price-guard.ts';
import { openSession, type Session } from './session.ts';
import { pruneTape, type TapePolicy, type TapePruneReport } from './tape-retention.ts';
import { TapeSource } from './tape-source.ts';
import { Watch } from './watch.ts';

/** Longest time that `stop` waits for holes to be fetched. */
const LAST_FETCH_MS = 800;
const LOOK_MS = 1_000;
const PRUNE_MS = 30_000;
const BYTES_PER_GB = 1_000_000_000;
const DAY_MS = 86_400_000;

export type { CollectorOptions } from './options.ts';

/** The collectors of all configured markets over one tape and one store. */
export function createCollector(options: CollectorOptions): Collector {
  return new LiveCollector(options);
}

class LiveCollector implements Collector {
  readonly #options: CollectorOptions;
  readonly #log: Logger;
  readonly #markets: ReturnType<typeof marketsOf>;
  #session: Session | undefined;
  readonly #feeds: MarketFeed[] = [];
  readonly #disabled: Set<string>;
  #watch: Watch | undefined;
  #holes: Holes | undefined;
  #backfills: Backfills | undefined;
  #source: TapeSource | undefined;
  #startedAt: Ms | null = null;
  #firstConnectedAt: Ms | null = null;
  #timers: Timer[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #background: Promise<unknown>[] = [];
  #health = '';
  #pruning: Promise<unknown> = Promise.resolve();
  readonly #candleEnds = new CandleEnds();
  readonly #guard: PriceGuard;
  #storedAt: { readonly at: Ms; readonly stored: number }[] = [];
  #heard: SupervisedConnection | undefined;
  readonly #reading = new FairReading(
    () => this.#feeds.flatMap((feed) => feed.connections),
    (work) => setImmediate(work),
  );

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#log = options.log.child({ part: 'collect' });
    this.#markets = marketsOf(options.venues, options.config.collect.exchanges);
    this.#disabled = new Set(options.disabled);
    this.#guard = new PriceGuard(() => options.config.validation.price_deviation_percent);
  }

  /** Recovers what a crash left undone, then connects. Throws Unavailable, Corrupt (foreign tape), Conflict (twice). */
  start(): Promise<void> {
    if (this.#starting !== undefined) return Promise.reject(new Conflict('the collector was started already'));
    this.#starting = this.#start();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  status(): CollectorStatus {
    const session = this.#session;
    const source = this.#options.config.source;
    const stored = session?.intake.stored ?? 0;
    return {
      source: source === 'sim' || source === 'live' ? source : 'tape',
      running: session !== undefined && this.#stopping === undefined,
      started_at: this.#startedAt,
      first_connected_at: this.#firstConnectedAt,
      connections: this.#feeds.flatMap((feed) => feed.status()),
      series: (session?.series.status() ?? []).filter((s) => !this.#disabled.has(marketKey(s.exchange, s.market))),
      disabled: [...this.#disabled],
      not_trading: this.#feeds.flatMap((feed) => feed.notTrading),
      records_stored: stored,
      records_per_minute: this.#recordsPerMinute(stored),
      frames_total: session?.intake.frames ?? 0,
      frames_rejected: this.#watch?.rejected ?? 0,
      tape: {
        bytes: session?.tapeBytes() ?? 0,
        segments: session?.tapeSegments() ?? 0,
        unflushed: session?.tape.unwrittenItems ?? 0,
        error: session?.tape.error?.message ?? null,
        lost: session?.intake.lost ?? 0,
      },
      store_lag_ms: session?.intake.lagMs ?? 0,
      store_error: session?.intake.storeError ?? null,
      rate_limits: session?.environment.http.limiter.status() ?? [],
    };
  }

  instruments(exchange: string, market: Market): readonly Instrument[] {
    return this.#running().pipeline.instruments(exchange, market);
  }

  async reconnect(exchange: string, market: Market | undefined, reason: string): Promise<readonly string[]> {
    const feeds = this.#feeds.filter(
      (f) => f.market.exchange === exchange && (market ?? f.market.market) === f.market.market,
    );
    if (feeds.length === 0)
      throw new NotFound(`'${exchange}${market === undefined ? '' : ` ${market}`}' is not collected`);
    return (await Promise.all(feeds.map((feed) => feed.reconnect(reason)))).flat();
  }

  async startStream(key: SeriesKey): Promise<void> {
    await this.#feed(key.exchange, key.market).startStream(key.symbol, key.stream);
  }

  async stopStream(key: SeriesKey): Promise<void> {
    await this.#feed(key.exchange, key.market).stopStream(key);
  }

  async setMode(exchange: string, market: Market, mode: 'websocket' | 'rest'): Promise<void> {
    await this.#feed(exchange, market).setMode(mode);
  }

  async setEnabled(exchange: string, market: Market, enabled: boolean): Promise<void> {
    const key = marketKey(exchange, market);
    const definition = this.#markets.find((m) => marketKey(m.exchange, m.market) === key);
    if (definition === undefined) throw new NotFound(`${exchange} ${market} is not configured to be collected`);
    if (this.#disabled.has(key) !== enabled) return;
    if (enabled) {
      this.#disabled.delete(key);
      this.#startLater(definition);
      return;
    }
    this.#disabled.add(key);
    const at = this.#feeds.findIndex((feed) => feed.key === key);
    if (at >= 0) await Promise.all(this.#feeds.splice(at, 1).map((feed) => feed.stop('disabled')));
  }

  /** Begins to collect a market while the others run. */
  #startLater(definition: MarketFeed['market']): void {
    const session = this.#session;
    const { config } = this.#options;
    if (session === undefined || this.#stopping !== undefined || config.source.startsWith('tape:')) return;
    const feed = this.#makeFeed(session.environment, definition);
    this.#feeds.push(feed);
    const started = feed.start(config.collect.symbols, config.collect.streams).catch((error: unknown) => {
      if (session.environment.signal.aborted) return;
      this.#log.error('collect.feed_failed', { market: feed.key, error: errorMessage(error) });
    });
    this.#background.push(started);
  }

  setPolling(exchange: string, market: Market, stream: Stream, everyMs: Ms): void {
    if (!(everyMs >= 1_000 && everyMs <= 3_600_000)) {
      throw new InvalidInput(`polling every ${everyMs} ms is outside 1,000 to 3,600,000`);
    }
    this.#feed(exchange, market).pollers.setEvery(stream, everyMs);
  }

  async backfill(key: SeriesKey, from: Ms, to: Ms, signal?: AbortSignal): Promise<BackfillResult> {
    const feed = this.#feed(key.exchange, key.market);
    if (this.#backfills === undefined) throw new Unavailable('the collector is not running');
    const [result] = await this.#backfills.run(feed.market, feed.rest, [{ series: key, from, to }], signal);
    if (result === undefined) throw new Unavailable('the backfill gave no result');
    return result;
  }

  backfills(): readonly BackfillResult[] {
    return this.#backfills?.results() ?? [];
  }

  book(exchange: string, market: Market, symbol: string, depth: number): BookView {
    const definition = this.#markets.find((m) => m.exchange === exchange && m.market === market);
    return readBook(this.#running(), definition, { exchange, market, symbol, stream: 'orderbooks' }, depth);
  }

  async flush(): Promise<void> {
    await this.#session?.intake.flush();
  }

  async #start(): Promise<void> {
    const { config, clock } = this.#options;
    const session = await openSession({
      ...this.#options,
      log: this.#log,
      markets: this.#markets,
      hooks: {
        onVerdict: (item, verdict) => {
          this.#watch?.verdict(item, verdict);
          if (verdict.kind === 'rejected') this.#suspect(item, item.recv_time);
        },
        onReply: (item, text) => this.#reply(item.connection, text),
        onBookProblem: (item, problem) => {
          this.#watch?.bookProblem(item, problem);
          // Frames were lost or changed on the way: trades may have been among them.
          const lost = problem.kind === 'book_sequence' || problem.kind === 'book_checksum';
          if (lost) this.#suspect(item, problem.lastEventTime ?? item.recv_time);
        },
        onCoverage: (change) => {
          if (change.state !== 'missing' || change.mode === 'explain') return;
          const feed = this.#feeds.find(({ key }) => key === marketKey(change.exchange, change.market));
          if (feed !== undefined) this.#holes?.missing(feed, change);
        },
        onTradeHole: (item, hole) => {
          const feed = this.#feeds.find(({ key }) => key === marketKey(item.exchange, item.market));
          if (feed !== undefined) this.#holes?.trades(feed, hole);
        },
        onRecord: (item, record) => {
          this.#backfills?.note(item, record);
          this.#judge(record);
          if (item.kind !== 'frame') return;
          if (record.stream === 'candles') {
            this.#candle(record);
            return;
          }
          this.#latencyOf(item.connection)?.note(record.event_time, item.recv_time);
        },
      },
      onPressure: (paused) => {
        this.#log.warn(paused ? 'collect.paused' : 'collect.resumed', {});
        this.#reading.let(!paused);
      },
      onRest: (resting) => this.#reading.let(!resting),
    });
    this.#session = session;
    this.#startedAt = clock.now();
    const { environment } = session;
    this.#backfills = new Backfills(environment, this.#options.store);
    this.#holes = new Holes(environment, this.#backfills);
    const enabled = this.#markets.filter((m) => !this.#disabled.has(marketKey(m.exchange, m.market)));
    if (!config.source.startsWith('tape:')) {
      this.#feeds.push(...enabled.map((market) => this.#makeFeed(environment, market)));
    }
    this.#watch = new Watch(environment, this.#feeds);
    this.#every(LOOK_MS, () => this.#look());
    this.#every(PRUNE_MS, () => this.#prune());
    if (config.source.startsWith('tape:')) this.#startTape(session, config.source.slice('tape:'.length));
    else await this.#startFeeds(session);
  }

  #makeFeed(environment: CollectEnvironment, market: MarketFeed['market']): MarketFeed {
    const addresses = addressesOf(market, this.#options.config.addresses, this.#options.addresses ?? {});
    return new MarketFeed(environment, market, addresses, {
      onHole: (feed, series, since) => this.#holes?.disconnected(feed, series, since),
      onConnected: () => {
        this.#firstConnectedAt ??= environment.clock.now();
      },
      onSelected: async (feed, series) => {
        await this.#options.store.ensureSeries(series);
        const stored = this.#session?.lastStored;
        const last = series.flatMap((key) => {
          const eventTime = stored?.get(seriesId(key));
          stored?.delete(seriesId(key));
          return eventTime === undefined ? [] : [{ key, eventTime }];
        });
        this.#holes?.downtime(feed, last);
      },
    });
  }

  async #startFeeds(session: Session): Promise<void> {
    const { config, clock, requireConnection } = this.#options;
    const { symbols, streams } = config.collect;
    const started = this.#feeds.map((feed) =>
      feed.start(symbols, streams).catch((error: unknown) => {
        if (session.environment.signal.aborted) return;
        this.#log.error('collect.feed_failed', { market: feed.key, error: errorMessage(error) });
        throw error;
      }),
    );
    this.#background.push(...started);
    for (const work of started) work.catch(() => undefined);
    const allowed = requireConnection?.timeoutMs ?? config.collect.connect_timeout_ms;
    const until = clock.monotonicMs() + allowed;
    const tries: { over: boolean; failure?: unknown } = { over: false };
    const all = Promise.all(started).then(
      () => {
        tries.over = true;
      },
      (error: unknown) => {
        tries.over = true;
        tries.failure = error;
      },
    );
    while (!tries.over && clock.monotonicMs() < until && this.#stopping === undefined) {
      await Promise.race([all, sleep(clock, 50)]);
    }
    if (tries.failure !== undefined) {
      await this.stop();
      throw tries.failure;
    }
    if (requireConnection === undefined || this.#feeds.length === 0) return;
    while (clock.monotonicMs() < until && this.#stopping === undefined && !this.#feeds.some((f) => f.connected)) {
      await sleep(clock, 50);
    }
    if (this.#feeds.some((feed) => feed.connected)) return;
    const tried = this.#feeds.map((feed) => ({ market: feed.key, tried: feed.tried }));
    await this.stop();
    const text = tried.map(({ market, tried: list }) => `${market}: ${list.join('; ') || 'no answer'}`).join('\n');
    throw new Unavailable(`no venue was reached within ${allowed} ms\n${text}`, { details: { tried } });
  }

  #startTape(session: Session, folder: string): void {
    const source = new TapeSource(session, folder);
    this.#source = source;
    const done = source.run(() => {
      this.#firstConnectedAt ??= this.#options.clock.now();
    });
    done.catch((error: unknown) =>
      this.#log.error('collect.tape_source_failed', { folder, error: errorMessage(error) }),
    );
    this.#background.push(done.catch(() => undefined));
  }

  async #stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    // A start that fails on its own tells its caller; here it only has to be over.
    if (this.#session === undefined) await this.#starting?.catch(() => undefined);
    const session = this.#session;
    if (session === undefined) return;
    this.#source?.stop();
    const { clock } = this.#options;
    await Promise.all(this.#feeds.map((feed) => feed.stop('stopped')));
    // Holes just found are worth a moment; what is not done by then is reported as missing.
    await Promise.race([this.#holes?.finish(), sleep(clock, LAST_FETCH_MS)]);
    session.abort();
    await Promise.allSettled(this.#background);
    await this.#holes?.idle();
    await this.#backfills?.idle();
    await this.#pruning;
    await session.close();
  }

  #every(ms: Ms, work: () => void): void {
    const index = this.#timers.length;
    const next = (): void => {
      this.#timers[index] = this.#options.clock.schedule(ms, () => {
        if (this.#stopping !== undefined) return;
        work();
        next();
      });
    };
    next();
  }

  #look(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#watch?.look();
    const now = this.#options.clock.monotonicMs();
    this.#storedAt.push({ at: now, stored: session.intake.stored });
    while (this.#storedAt[1] !== undefined && this.#storedAt[1].at <= now - 60_000) this.#storedAt.shift();
    const counted = ({ exchange, market }: SeriesKey): boolean => !this.#disabled.has(marketKey(exchange, market));
    const health = {
      exchanges_connected: new Set(this.#feeds.filter((f) => f.connected).map((f) => f.market.exchange)).size,
      exchanges_total: new Set(this.#feeds.map((f) => f.market.exchange)).size,
      streams_active: session.series.count('live', counted),
      streams_stale: session.series.count('stale', counted),
    };
    const text = `${health.exchanges_connected} ${health.streams_stale}`;
    if (text === this.#health) return;
    this.#health = text;
    this.#options.events.emit('streaming.health_change', {
      ...health,
      records_per_minute: this.#recordsPerMinute(session.intake.stored),
    });
  }

  pruneTape(policy: TapePolicy, options: { readonly dryRun: boolean }): Promise<TapePruneReport> {
    const pruned = this.#pruning.then(() => this.#pruneNow(policy, options.dryRun));
    this.#pruning = pruned.catch(() => undefined);
    return pruned;
  }

  async #pruneNow(policy: TapePolicy, dryRun: boolean): Promise<TapePruneReport> {
    const { store, tapeDir, events } = this.#options;
    const session = this.#stopping === undefined ? this.#session : undefined;
    const report =
      session === undefined
        ? await pruneTape({
            folder: tapeDir,
            store,
            policy,
            keepFrom: (await store.position())?.segment ?? 0,
            dryRun,
          })
        : await session.prune(policy, dryRun);
    if (dryRun || report.segments === 0) return report;
    const { segments, bytes, ...details } = report;
    this.#log.warn('collect.tape_pruned', { segments, bytes });
    events.emit('storage.pruned', { what: 'tape', files: segments, bytes, reason: reasonOf(policy), details });
    return report;
  }

  #prune(): void {
    const { tape_max_gb: gb, tape_retention_days: days } = this.#options.config.collect;
    const before = (this.#options.clock.now() - days * DAY_MS) * 1000;
    this.pruneTape({ maxBytes: gb * BYTES_PER_GB, before }, { dryRun: false }).catch((error: unknown) => {
      this.#log.error('collect.prune_failed', { error: errorMessage(error) });
    });
  }

  #recordsPerMinute(stored: number): number {
    const oldest = this.#storedAt[0];
    const elapsed = oldest === undefined ? 0 : this.#options.clock.monotonicMs() - oldest.at;
    if (oldest === undefined || elapsed < LOOK_MS) return stored;
    return Math.round(((stored - oldest.stored) * 60_000) / Math.max(elapsed, LOOK_MS));
  }

  /** A frame of this item's market was lost or unreadable: trades may have been in it. */
  #suspect(item: TapeItem, since: Us): void {
    const feed = this.#feeds.find(({ key }) => key === marketKey(item.exchange, item.market));
    if (feed !== undefined) this.#holes?.suspected(feed, since / 1000);
  }

  #judge(record: MarketRecord): void {
    const outlier = this.#guard.judge(record);
    if (outlier === undefined) return;
    const { exchange, market, symbol, stream } = record;
    this.#options.events.emit('data.outlier', {
      exchange,
      market,
      symbol,
      stream,
      event_time_us: outlier.time,
      value: outlier.price,
      average: outlier.average,
      deviation_percent: outlier.deviationPercent,
    });
  }

  #candle(record: CandleRecord): void {
    const hole = this.#candleEnds.next(record);
    const feed = this.#feeds.find((f) => f.market.exchange === record.exchange && f.market.market === record.market);
    if (hole !== undefined && feed !== undefined) this.#holes?.candles(feed, hole);
  }

  #reply(connection: string, text: string): void {
    for (const feed of this.#feeds) {
      for (const { link } of feed.connections) if (link?.id === connection) link.socket.send(text);
    }
  }

  #latencyOf(id: string): { note(event: number, recv: number): void } | undefined {
    if (this.#heard?.id !== id) this.#heard = this.#feeds.flatMap((feed) => feed.connections).find((c) => c.id === id);
    return this.#heard?.latency;
  }

  #feed(exchange: string, market: Market): MarketFeed {
    const feed = this.#feeds.find((f) => f.market.exchange === exchange && f.market.market === market);
    if (feed === undefined && this.#disabled.has(marketKey(exchange, market)))
      throw new NotFound(`${exchange} ${market} is disabled: enable_exchange collects it again`);
    if (feed === undefined) throw new NotFound(`${exchange} ${market} is not collected`);
    return feed;
  }

  #running(): Session {
    if (this.#session === undefined) throw new Unavailable('the collector has not been started');
    return this.#session;
  }
}

function seriesId(key: SeriesKey): string {
  return `${key.exchange} ${key.market} ${key.symbol} ${key.stream}`;
}

function reasonOf({ maxBytes, before }: TapePolicy): string {
  const cap = maxBytes === undefined ? [] : [`beyond the disk cap of ${maxBytes} bytes`];
  const age = before === undefined ? [] : [`older than ${new Date(before / 1000).toISOString()}`];
  return [...cap, ...age].join(', or ');
}
