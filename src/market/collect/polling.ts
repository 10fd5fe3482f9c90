import { sleep, type Ms } from '../../kit/clock.ts';
import { RateLimited, Unsupported, errorMessage, isAbort } from '../../kit/errors.ts';
import { STREAMS, type SeriesKey, type Stream } from '../domain/records.ts';
import type { RestCallName } from '../domain/tape.ts';
import type { VenueMarket } from '../exchanges/contract.ts';
import type { CollectEnvironment } from './environment.ts';
import type { RestClient } from './rest-client.ts';

/** Calls that give the present state of a stream, the best first. Some venues' tickers bring best prices as well. */
const CALLS_OF: Readonly<Partial<Record<Stream, readonly RestCallName[]>>> = {
  trades: ['trades'],
  orderbooks: ['book_snapshot'],
  mark_prices: ['mark_prices'],
  funding_rates: ['ticker_24h'],
  prices: ['prices', 'ticker_24h'],
  open_interest: ['open_interest'],
  ticker_24h: ['ticker_24h'],
  candles: ['candles'],
  option_summaries: ['ticker_24h'],
};

/** How often a call is made when the venue's description does not say, ms. */
const DEFAULT_POLL_MS: Readonly<Partial<Record<RestCallName, Ms>>> = {
  candles: 20_000,
  mark_prices: 20_000,
  open_interest: 60_000,
};
const OTHERWISE_POLL_MS = 5_000;

/** Newest rows asked for where the call gives history. */
const POLLED_ROWS = 3;

/** The REST call that serves a stream's present state; undefined when the market has none. */
export function pollCall(market: VenueMarket, stream: Stream): RestCallName | undefined {
  return CALLS_OF[stream]?.find((call) => market.rest[call] !== undefined);
}

/** Polls within the shortest time after which a stream that the call serves counts as stale. */
const POLLS_A_BOUND = 3;

/**
 * How often a market's call is made unless somebody says otherwise, ms: as the venue's description says, else as is usual
 * for the call; in any case often enough that no stream it serves goes stale between two answers.
 */
export function usualPollMs(market: VenueMarket, call: RestCallName): Ms {
  const served = STREAMS.filter((stream) => pollCall(market, stream) === call).flatMap((s) => market.streams[s] ?? []);
  const declared = served.flatMap(({ pollMs }) => pollMs ?? []);
  const usual = declared.length > 0 ? Math.min(...declared) : (DEFAULT_POLL_MS[call] ?? OTHERWISE_POLL_MS);
  const bounds = served.flatMap(({ staleAfterMs }) => staleAfterMs ?? []);
  return Math.min(usual, ...bounds.map((bound) => bound / POLLS_A_BOUND));
}

interface Loop {
  readonly symbols: readonly string[];
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Asks a market's REST interface in rounds, one loop a call. The rate limiter paces; a failure is told and passed. */
export class Pollers {
  readonly #environment: CollectEnvironment;
  readonly #market: VenueMarket;
  readonly #rest: RestClient;
  readonly #loops = new Map<RestCallName, Loop>();
  readonly #everyMs = new Map<RestCallName, Ms>();
  #requests = 0;
  #answered = false;
  #lastError: string | null = null;
  readonly #failing = new Set<RestCallName>();
  #changing: Promise<void> = Promise.resolve();

  constructor(environment: CollectEnvironment, market: VenueMarket, rest: RestClient) {
    this.#environment = environment;
    this.#market = market;
    this.#rest = rest;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Whether the last request was answered. */
  get answered(): boolean {
    return this.#answered;
  }

  get lastError(): string | null {
    return this.#lastError;
  }

  /** Calls made now. */
  get calls(): readonly RestCallName[] {
    return [...this.#loops.keys()];
  }

  /** Takes effect with the next round. Throws Unsupported when the market has no call for the stream. */
  setEvery(stream: Stream, everyMs: Ms): void {
    const call = pollCall(this.#market, stream);
    if (call === undefined) {
      throw new Unsupported(`${this.#market.exchange} ${this.#market.market} has no REST call for '${stream}'`);
    }
    this.#everyMs.set(call, everyMs);
  }

  /** Polls exactly these series from now on; loops whose symbols stay go on undisturbed. */
  set(series: readonly Pick<SeriesKey, 'symbol' | 'stream'>[]): Promise<void> {
    this.#changing = this.#changing.then(() => this.#change(series));
    return this.#changing;
  }

  async #change(series: readonly Pick<SeriesKey, 'symbol' | 'stream'>[]): Promise<void> {
    const wanted = new Map<RestCallName, Set<string>>();
    for (const { symbol, stream } of series) {
      const call = pollCall(this.#market, stream);
      if (call !== undefined) wanted.set(call, (wanted.get(call) ?? new Set()).add(symbol));
    }
    const ending: Promise<void>[] = [];
    for (const [call, loop] of this.#loops) {
      if (sameSymbols(loop.symbols, wanted.get(call))) continue;
      loop.stop.abort();
      ending.push(loop.done);
      this.#loops.delete(call);
    }
    await Promise.all(ending);
    for (const [call, symbols] of wanted) if (!this.#loops.has(call)) this.#begin(call, [...symbols]);
  }

  #begin(call: RestCallName, symbols: readonly string[]): void {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#environment.signal]);
    const done = this.#poll(call, symbols, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    this.#loops.set(call, { symbols, stop, done });
  }

  async #poll(call: RestCallName, symbols: readonly string[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#environment;
    const usual = usualPollMs(this.#market, call);
    while (!signal.aborted) {
      const started = clock.monotonicMs();
      for (const symbol of symbols) {
        signal.throwIfAborted();
        await this.#ask(call, symbol, signal);
      }
      const every = (this.#everyMs.get(call) ?? usual) * (this.#rest.isHalved(call) ? 2 : 1);
      await sleep(clock, Math.max(50, every - (clock.monotonicMs() - started)), signal);
    }
  }

  async #ask(call: RestCallName, symbol: string, signal: AbortSignal): Promise<void> {
    this.#requests += 1;
    try {
      await this.#rest.ask({ call, args: { symbol, ...this.#limit(call) }, signal });
      this.#answered = true;
      this.#failing.delete(call);
    } catch (error) {
      if (isAbort(error) || signal.aborted) throw error;
      this.#lastError = errorMessage(error);
      this.#answered = false;
      const { log, events, clock } = this.#environment;
      const { exchange, market } = this.#market;
      log.warn('collect.poll_failed', { exchange, market, call, symbol, error: this.#lastError });
      if (!this.#failing.has(call)) {
        this.#failing.add(call);
        const connection_id = `${exchange}_${market}#rest`;
        events.emit('streaming.error', { exchange, market, connection_id, reason: this.#lastError, streams: [call] });
      }
      if (!(error instanceof RateLimited)) await sleep(clock, 250, signal);
    }
  }

  #limit(call: RestCallName): { readonly limit?: number } {
    if (call === 'book_snapshot') return { limit: this.#market.book.depth };
    return call === 'candles' || call === 'mark_prices' ? { limit: POLLED_ROWS } : {};
  }
}

function sameSymbols(a: readonly string[], b: ReadonlySet<string> | undefined): boolean {
  return b !== undefined && a.length === b.size && a.every((symbol) => b.has(symbol));
}
