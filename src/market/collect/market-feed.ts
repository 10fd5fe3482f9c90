import { safeUrl } from '../../infra/http.ts';
import { sleep, type Us } from '../../kit/clock.ts';
import { InvalidInput, errorMessage } from '../../kit/errors.ts';
import { isDefaultList, type Instrument } from '../domain/instrument.ts';
import { marketKey, type SeriesKey, type Stream } from '../domain/records.ts';
import type { RestArgs } from '../domain/tape.ts';
import type { ConnectionPlan, VenueMarket } from '../exchanges/contract.ts';
import { backOffMs } from './back-off.ts';
import { SupervisedConnection } from './connection.ts';
import type { CollectorStatus, ConnectionStatus } from './contract.ts';
import type { CollectEnvironment } from './environment.ts';
import type { Link } from './link.ts';
import { Listing, type ListingChange } from './listing.ts';
import { ContractRoll } from './contract-roll.ts';
import { INSTRUMENTS_IN_FORCE } from './keyframe.ts';
import { Pollers, pollCall } from './polling.ts';
import { RestClient } from './rest-client.ts';
import { BookResync, bookSymbols } from './resync.ts';
import { underAskedNames } from './stand-ins.ts';

export interface MarketFeedHooks {
  /** A broken connection is back: what it carried is missing from `since` (our time, UTC µs) until now. */
  readonly onHole: (feed: MarketFeed, series: readonly SeriesKey[], since: Us) => void;
  /** The series to be collected are known and no connection is open yet; awaited. */
  readonly onSelected: (feed: MarketFeed, series: readonly SeriesKey[]) => Promise<void>;
  readonly onConnected: () => void;
}

/** Tries for a fresh instrument list before an older or partial one is taken. */
const INSTRUMENT_TRIES = 3;
/** A snapshot asked for before the first change came would often be too old to bridge. */
const SNAPSHOT_DELAY_MS = 300;

interface Running {
  readonly planKey: string;
  readonly connection: SupervisedConnection;
  /** When the last link broke, our time; undefined while none did. */
  lostAt: Us | undefined;
  fallback: boolean;
}

/** Everything that collects one market of one venue: its instruments, connections, pollers and books. */
export class MarketFeed {
  readonly market: VenueMarket;
  readonly key: string;
  readonly rest: RestClient;
  readonly pollers: Pollers;
  readonly resync: BookResync;
  readonly #roll: ContractRoll;
  readonly #listing: Listing;
  #notTrading: CollectorStatus['not_trading'] = [];
  readonly #environment: CollectEnvironment;
  readonly #addresses: Readonly<Record<string, string>>;
  readonly #hooks: MarketFeedHooks;
  #instruments: readonly Instrument[] = [];
  readonly #asked = new Set<string>();
  #selected = new Map<string, { readonly symbol: string; readonly stream: Stream }>();
  #running: Running[] = [];
  /** Streams of the contracts that come later. */
  #streams: readonly Stream[] = [];
  #forcedRest = false;
  #reviewing = false;
  #failures: string[] = [];
  #stopped = false;

  constructor(
    environment: CollectEnvironment,
    market: VenueMarket,
    addresses: Readonly<Record<string, string>>,
    hooks: MarketFeedHooks,
  ) {
    this.#environment = environment;
    this.market = market;
    this.key = marketKey(market.exchange, market.market);
    this.#addresses = addresses;
    this.#hooks = hooks;
    this.rest = new RestClient(environment, market, addresses);
    this.pollers = new Pollers(environment, market, this.rest);
    this.resync = new BookResync(environment, this.rest);
    this.#roll = new ContractRoll(environment, market, this.rest);
    this.#listing = new Listing(environment.clock, environment.config.list_seconds * 1000);
  }

  get instruments(): readonly Instrument[] {
    return this.#instruments;
  }

  /** Asked symbols that do not trade on this market, and that bring no contracts that run out either. */
  get notTrading(): CollectorStatus['not_trading'] {
    return this.#notTrading;
  }

  get connections(): readonly SupervisedConnection[] {
    return this.#running.map(({ connection }) => connection);
  }

  get mode(): 'websocket' | 'rest' {
    return this.#forcedRest || this.#running.some(({ fallback }) => fallback) ? 'rest' : 'websocket';
  }

  /** True when a socket is open or an answer has come from a poll. */
  get connected(): boolean {
    return this.connections.some((connection) => connection.connected) || this.pollers.answered;
  }

  /** What was tried and failed so far, newest last. */
  get tried(): readonly string[] {
    const sockets = this.connections
      .filter(({ lastError }) => lastError !== null)
      .map(({ url, lastError }) => `${safeUrl(url)}: ${lastError ?? ''}`);
    return [...new Set([...this.#failures, ...sockets])];
  }

  /** Loads instruments, retrying for ever, then opens the connections. Resolves when each was tried once. */
  async start(symbols: readonly string[], streams: readonly Stream[]): Promise<void> {
    await this.#loadInstruments();
    this.#nameAsAsked(symbols);
    this.#listing.follow(symbols, this.#instruments);
    this.#findNotTrading();
    const idle = new Set(this.#listing.notTrading().map(({ symbol }) => symbol));
    if (this.notTrading.length > 0) {
      // The default list names what some venues lack; what a person asked for should be there.
      const level = isDefaultList(symbols) ? 'info' : 'warn';
      const told = this.notTrading.map(({ symbol, listed }) => `${symbol} ${listed}`);
      this.#environment.log[level]('collect.symbols_not_trading', { market: this.key, symbols: told });
    }
    for (const symbol of symbols) if (!idle.has(symbol)) this.#selectAll(symbol, streams);
    for (const { symbol } of (await this.#roll.first(symbols, this.#instruments)).begin)
      this.#selectAll(symbol, streams);
    this.#streams = streams;
    await this.#hooks.onSelected(this, this.series());
    await this.#apply();
    await Promise.all(this.connections.map((connection) => connection.tried));
  }

  async stop(reason: string): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.pollers.set([]), ...this.connections.map((connection) => connection.stop(reason))]);
    for (const series of this.series()) this.#setState(series, 'stopped');
  }

  /** The series selected, whether they flow or not. */
  series(): readonly SeriesKey[] {
    const { exchange, market } = this.market;
    return [...this.#selected.values()].map((selected) => ({ exchange, market, ...selected }));
  }

  /** Throws InvalidInput when the market does not list the symbol or does not offer the stream. */
  async startStream(symbol: string, stream: Stream): Promise<void> {
    if (this.market.streams[stream] === undefined) throw new InvalidInput(`${this.key} has no stream '${stream}'`);
    this.#nameAsAsked([symbol]);
    if (!this.#instruments.some((i) => i.symbol === symbol)) {
      throw new InvalidInput(`${this.key} does not list '${symbol}'`);
    }
    this.#listing.follow([symbol], this.#instruments);
    this.#findNotTrading();
    this.#select(symbol, stream);
    const { exchange, market } = this.market;
    await this.#hooks.onSelected(this, [{ exchange, market, symbol, stream }]);
    await this.#apply();
  }

  async stopStream(key: SeriesKey): Promise<void> {
    this.#deselect(key);
    await this.#apply();
  }

  async setMode(mode: 'websocket' | 'rest'): Promise<void> {
    this.#forcedRest = mode === 'rest';
    await this.#apply();
  }

  async reconnect(reason: string): Promise<readonly string[]> {
    const ids = this.connections.map(({ id }) => id);
    await Promise.all(this.connections.map((connection) => connection.reconnect(reason)));
    return ids;
  }

  status(): readonly ConnectionStatus[] {
    const sockets = this.#running.map(({ connection, fallback }) => connection.status(fallback ? 'rest' : 'websocket'));
    return [...sockets, ...(this.pollers.calls.length === 0 ? [] : [this.#pollerStatus()])];
  }

  /** Keeps books and fallbacks in order; called every second. */
  check(): void {
    for (const { connection } of this.#running) this.resync.check(connection);
    if (this.#stopped || this.#reviewing) return;
    const [roll, list] = [this.#roll.isDue(), this.#listing.isDue()];
    if (!roll && !list) return;
    this.#reviewing = true;
    const done = this.#review(roll, list).finally(() => (this.#reviewing = false));
    this.#background(done, 'collect.review_failed');
  }

  /** Found when a list has come: status is asked for often, and lists of options are long. */
  #findNotTrading(): void {
    const { exchange, market } = this.market;
    this.#notTrading = this.#listing
      .notTrading()
      .filter(({ symbol }) => !this.#roll.brings(symbol, this.#instruments))
      .map((one) => ({ exchange, market, ...one }));
  }

  /** Looks at the instrument list, and at the choice of contracts that run out. */
  async #review(roll: boolean, list: boolean): Promise<void> {
    if (list || this.#roll.wantsList(this.#instruments)) {
      await this.#askInstruments();
      this.#instruments = this.#environment.pipeline.instruments(this.market.exchange, this.market.market);
      this.#nameAsAsked([]);
      const changes = this.#listing.next(this.#instruments);
      this.#findNotTrading();
      await this.#follow(changes);
    }
    if (!roll) return;
    const { begin, end } = await this.#roll.next(this.#instruments);
    await this.#change(
      begin.map(({ symbol }) => symbol),
      end,
      'not wanted any more',
    );
  }

  /** Begins what trades now and ends what is gone; what is halted stays connected: it may go on at any moment. */
  async #follow(changes: readonly ListingChange[]): Promise<void> {
    const { log, events } = this.#environment;
    const { exchange, market } = this.market;
    for (const { symbol, from, to } of changes) {
      log[to === 'trading' ? 'info' : 'warn']('collect.listing_changed', { market: this.key, symbol, from, to });
      events.emit('streaming.listing_changed', { exchange, market, symbol, from, to });
    }
    const collected = new Set(this.series().map(({ symbol }) => symbol));
    const begin = changes.filter(({ symbol, to }) => to === 'trading' && !collected.has(symbol));
    const end = changes.filter(({ symbol, to }) => (to === 'settled' || to === 'absent') && collected.has(symbol));
    const names = end.map(({ symbol }) => symbol);
    await this.#change(
      begin.map(({ symbol }) => symbol),
      names,
      names.length === 0 ? 'planned anew' : `the venue ended ${names.join(', ')}`,
    );
  }

  /** Begins and ends symbols; connections that are not wanted as they are close with the reason. */
  async #change(begin: readonly string[], end: readonly string[], reason: string): Promise<void> {
    if (this.#stopped || begin.length + end.length === 0) return;
    const gone = new Set(end);
    for (const key of this.series()) if (gone.has(key.symbol)) this.#deselect(key);
    for (const symbol of begin) this.#selectAll(symbol, this.#streams);
    const begun = new Set(begin);
    await this.#hooks.onSelected(
      this,
      this.series().filter(({ symbol }) => begun.has(symbol)),
    );
    await this.#apply(reason);
  }

  #pollerStatus(): ConnectionStatus {
    return {
      id: `${this.key}#rest`,
      exchange: this.market.exchange,
      market: this.market.market,
      url: safeUrl(Object.values(this.#addresses).find((address) => address.startsWith('http')) ?? 'http://unknown'),
      state: this.pollers.answered ? 'connected' : 'connecting',
      connected_at: null,
      last_frame_at: null,
      frames: this.pollers.requests,
      rejected: 0,
      reconnects: 0,
      latency_ms: null,
      last_error: this.pollers.lastError,
      next_attempt_at: null,
      mode: 'rest',
    };
  }

  async #loadInstruments(): Promise<void> {
    const { pipeline, clock, config, random, log, signal } = this.#environment;
    const { exchange, market } = this.market;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        await this.#askInstruments();
        this.#instruments = pipeline.instruments(exchange, market);
        if (this.#instruments.length > 0) return;
        this.#failures.push('the instrument list holds none');
      } catch (error) {
        signal.throwIfAborted();
        this.#failures.push(errorMessage(error));
        log.warn('collect.instruments_failed', { market: this.key, attempt, error: errorMessage(error) });
      }
      // The list on the tape, or as far as it came, serves when the venue does not answer for a while.
      this.#instruments = pipeline.instruments(exchange, market);
      if (this.#instruments.length > 0 && attempt >= INSTRUMENT_TRIES) return;
      await sleep(clock, backOffMs(attempt, config.reconnect_min_ms, config.reconnect_max_ms, random), signal);
    }
  }

  async #askInstruments(): Promise<void> {
    const nextPage = this.market.rest.instruments?.nextPage;
    // Whoever starts a desk is told that the venue shut us out; the list on the tape serves meanwhile.
    const patienceMs = this.#environment.config.request_timeout_ms;
    let args: RestArgs | undefined = {};
    while (args !== undefined) {
      const body: string = await this.rest.ask({ call: 'instruments', args, patienceMs });
      args = nextPage?.(args, body);
    }
  }

  /** Lets contracts stand for asked symbols; the names are on the tape, so that a replay gives the same tables. */
  #nameAsAsked(symbols: readonly string[]): void {
    for (const symbol of symbols) this.#asked.add(symbol);
    const named = underAskedNames(this.market, this.#instruments, this.#asked);
    if (named === this.#instruments || JSON.stringify(named) === JSON.stringify(this.#instruments)) return;
    const { intake, pipeline } = this.#environment;
    const { exchange, market } = this.market;
    intake.push({
      kind: 'note',
      recv_time: intake.recvTime(),
      connection: `${this.key}#instruments`,
      exchange,
      market,
      note: INSTRUMENTS_IN_FORCE,
      data: named,
    });
    this.#instruments = pipeline.instruments(exchange, market);
  }

  /** The streams of a symbol that its market offers, and that are wanted of its kind: only perpetuals pay funding. */
  #selectAll(symbol: string, streams: readonly Stream[]): void {
    const kind = this.#instruments.find((i) => i.symbol === symbol)?.kind;
    const ofOptions = this.#environment.config.expiring.option_streams;
    for (const stream of streams) {
      if (this.market.streams[stream] === undefined) continue;
      if (kind === 'dated' && stream === 'funding_rates') continue;
      if (kind === 'option' && !ofOptions.includes(stream)) continue;
      this.#select(symbol, stream);
    }
  }

  #deselect(key: SeriesKey): void {
    this.#selected.delete(`${key.symbol} ${key.stream}`);
    this.#setState(key, 'stopped');
  }

  #select(symbol: string, stream: Stream): void {
    const { exchange, market } = this.market;
    this.#selected.set(`${symbol} ${stream}`, { symbol, stream });
    const { intake, series } = this.#environment;
    const tracked = series.add(
      { exchange, market, symbol, stream },
      this.market.streams[stream]?.staleAfterMs ?? null,
      intake.recvTime(),
    );
    tracked.listedAs = this.#instruments.find((i) => i.symbol === symbol)?.stands_in_as ?? null;
  }

  #setState(key: SeriesKey, state: 'stopped'): void {
    const series = this.#environment.series.get(key);
    if (series !== undefined) series.state = state;
  }

  /** Brings connections and pollers in line with what is selected; what stays the same is not touched. */
  async #apply(reason = 'not wanted any more'): Promise<void> {
    if (this.#stopped) return;
    const plans = this.#forcedRest ? [] : this.#plans();
    const wanted = new Map(plans.map((plan) => [JSON.stringify([plan.address, plan.path, plan.subscribe]), plan]));
    const leaving = this.#running.filter(({ planKey }) => !wanted.has(planKey));
    this.#running = this.#running.filter(({ planKey }) => wanted.has(planKey));
    for (const [planKey, plan] of wanted) {
      if (this.#running.some((running) => running.planKey === planKey)) continue;
      const url = `${this.#addresses[plan.address] ?? ''}${plan.path}`;
      const { prepare } = this.market;
      const connection = new SupervisedConnection(
        this.#environment,
        this.market,
        { plan, url, prepare: prepare === undefined ? undefined : () => this.rest.prepare(prepare) },
        {
          onOpen: (link, _connection, hole) => this.#opened(running, link, hole),
          onLost: () => {
            running.lostAt = this.#environment.intake.recvTime();
          },
          onFallback: (_connection, on) => {
            running.fallback = on;
            this.#background(this.#setPollers(), 'collect.fallback_failed');
          },
          isComplete: (link, of) => link.frames > 0 && this.#booksValid(link, of),
        },
      );
      const running: Running = { planKey, connection, lostAt: undefined, fallback: false };
      this.#running.push(running);
      connection.start();
    }
    await Promise.all(leaving.map(({ connection }) => connection.stop(reason)));
    await this.#setPollers();
  }

  /** Streams by WebSocket, planned once for each set of streams that symbols have in common. */
  #plans(): readonly ConnectionPlan[] {
    const bySymbol = new Map<string, Stream[]>();
    for (const { symbol, stream } of this.#selected.values()) {
      if (this.market.streams[stream]?.via !== 'websocket') continue;
      bySymbol.set(symbol, [...(bySymbol.get(symbol) ?? []), stream]);
    }
    const groups = new Map<string, { readonly streams: readonly Stream[]; readonly instruments: Instrument[] }>();
    for (const [symbol, streams] of bySymbol) {
      const instrument = this.#instruments.find((i) => i.symbol === symbol);
      if (instrument === undefined) continue;
      const ordered = [...streams].sort();
      const group = groups.get(ordered.join()) ?? { streams: ordered, instruments: [] };
      group.instruments.push(instrument);
      groups.set(ordered.join(), group);
    }
    return [...groups.values()].flatMap(({ streams, instruments }) => this.market.plan(instruments, streams));
  }

  #setPollers(): Promise<void> {
    const polled = new Map<string, { readonly symbol: string; readonly stream: Stream }>();
    const lost = new Set(
      this.#running
        .filter(({ fallback }) => fallback)
        .flatMap(({ connection }) => connection.plan.series.map(({ symbol, stream }) => `${symbol} ${stream}`)),
    );
    for (const [key, selected] of this.#selected) {
      const viaRest = this.market.streams[selected.stream]?.via === 'rest';
      if (!viaRest && !this.#forcedRest && !lost.has(key)) continue;
      if (pollCall(this.market, selected.stream) !== undefined) polled.set(key, selected);
    }
    return this.#stopped ? Promise.resolve() : this.pollers.set([...polled.values()]);
  }

  #opened(running: Running, link: Link, hole: boolean): void {
    const { clock } = this.#environment;
    const { connection, lostAt } = running;
    const { exchange, market } = this.market;
    this.#hooks.onConnected();
    for (const { symbol, stream } of connection.plan.series) {
      const series = this.#environment.series.get({ exchange, market, symbol, stream });
      if (series !== undefined) series.since = this.#environment.intake.recvTime();
    }
    if (this.market.book.snapshot === 'rest') {
      clock.schedule(SNAPSHOT_DELAY_MS, () => {
        if (connection.link !== link) return;
        for (const symbol of bookSymbols(connection)) this.resync.request(connection, symbol);
      });
    }
    void link.ended.then(() => this.resync.forget(link.id));
    if (!hole || lostAt === undefined) return;
    running.lostAt = undefined;
    this.#hooks.onHole(
      this,
      connection.plan.series.map((series) => ({ exchange, market, ...series })),
      lostAt,
    );
  }

  #booksValid(link: Link, connection: SupervisedConnection): boolean {
    const { exchange, market } = this.market;
    return bookSymbols(connection).every(
      (symbol) => this.#environment.pipeline.bookOf(exchange, market, link.id, symbol)?.state === 'valid',
    );
  }

  #background(work: Promise<void>, event: string): void {
    work.catch((error: unknown) =>
      this.#environment.log.error(event, { market: this.key, error: errorMessage(error) }),
    );
  }
}
