import { AppError, NotFound, Stale, Unavailable, Unsupported } from '../../../../kit/errors.ts';
import type { Ms } from '../../../../kit/clock.ts';
import type { ProvenanceSource, ToolContext } from '../../../../kit/tool.ts';
import { askRecords } from '../../../collect/venue-records.ts';
import { underAskedNames } from '../../../collect/stand-ins.ts';
import { columnsOf } from '../../../domain/columns.ts';
import type { Instrument } from '../../../domain/instrument.ts';
import { marketKey, viewName, type PriceLevel, type SeriesKey, type Stream } from '../../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../../domain/tape.ts';
import type { VenueMarket } from '../../../exchanges/contract.ts';
import type { LiveRow } from '../../../exchanges/endpoint.ts';
import type { MarketServices } from '../../../services.ts';
import { numberOf } from '../../../jobs/row.ts';
import { liveDesk } from '../exchange/live.ts';

type Context = ToolContext<MarketServices>;

/** A market and the contract or pair that it lists under the asked name. */
export interface Target {
  /** `binance_futures`. */
  readonly id: string;
  readonly market: VenueMarket;
  readonly instrument: Instrument;
}

/** A value with where it comes from and how old it is. */
export interface Sourced<T> {
  readonly value: T;
  readonly source: ProvenanceSource;
}

export interface Book {
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  readonly seq: number | null;
}

/** REST calls that bring a stream's present state, the best first; what is asked for beyond, and how far back. */
const CALLS: Readonly<Partial<Record<Stream, readonly RestCallName[]>>> = {
  prices: ['prices', 'ticker_24h'],
  mark_prices: ['mark_prices', 'ticker_24h'],
  funding_rates: ['ticker_24h', 'mark_prices', 'funding_rates'],
  open_interest: ['open_interest', 'ticker_24h'],
  ticker_24h: ['ticker_24h'],
};

/** Payments may be 8 h apart, and a venue may settle late. */
const FUNDING_REACH_MS = 72 * 3_600_000;
/** Trades older than this are not the newest ones: a venue that gives its oldest first is asked again for so long. */
const NEWEST_TRADES_MS = 60_000;

/** What one market lists under a name; undefined when it lists neither it nor what may stand for it. */
export async function listedAs(context: Context, market: VenueMarket, symbol: string): Promise<Instrument | undefined> {
  const { collector, rest } = context.services;
  const { exchange, market: kind } = market;
  const collected = collector.status().running ? collector.instruments(exchange, kind) : [];
  const list = collected.length > 0 ? collected : await rest.instruments(exchange, kind, context.signal);
  return underAskedNames(market, list, [symbol]).find((i) => i.symbol === symbol && i.status === 'trading');
}

/**
 * Reads the newest values of single instruments: from the running collector where its series is live and the value not
 * older than allowed, else over REST. The source of each says which.
 */
export class VenueReader {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  get now(): Ms {
    return this.#context.clock.now();
  }

  /**
   * The newest row of a stream, in its columns; of prices without a REST call of their own the top of the book. Throws
   * Unsupported where the market does not offer the stream.
   */
  async newest({ market, instrument }: Target, stream: Stream, maxAgeMs: Ms): Promise<Sourced<LiveRow>> {
    const live = await this.#live(market).newest(instrument, stream);
    if (live !== undefined && this.#ageOf(live) <= maxAgeMs) return this.#liveSource(instrument, stream, live);
    const calls = (CALLS[stream] ?? []).filter((call) => market.rest[call] !== undefined);
    for (const call of calls) {
      const reach = call === 'funding_rates' ? { from: this.now - FUNDING_REACH_MS, to: this.now } : {};
      const found = await this.#ask({ market, instrument }, call, reach, stream);
      if (found !== undefined) return found;
    }
    if (stream === 'prices' && market.rest.book_snapshot !== undefined) {
      return topOf(await this.#snapshot({ market, instrument }, 1));
    }
    throw new Unsupported(`${marketKey(market.exchange, market.market)} does not tell ${stream} over REST`);
  }

  /** The book: the maintained one when it is valid and fresh, else a snapshot. Levels best first. */
  async book(target: Target, depth: number, maxAgeMs: Ms): Promise<Sourced<Book>> {
    const live = this.#liveBook(target.instrument, depth);
    return live !== undefined && live.source.stale_ms <= maxAgeMs ? live : await this.#snapshot(target, depth);
  }

  async #snapshot(
    { market, instrument }: Pick<Target, 'market' | 'instrument'>,
    depth: number,
  ): Promise<Sourced<Book>> {
    const { records, answer } = await askRecords(
      this.#context.services.rest,
      market,
      { call: 'book_snapshot', args: { limit: Math.max(depth, 20) }, instrument },
      this.#context.signal,
    );
    const book = records.find((r) => r.stream === 'book');
    if (book === undefined)
      throw new Unavailable(`${marketKey(market.exchange, market.market)} answered no book of ${instrument.symbol}`);
    const value = { bids: book.bids.slice(0, depth), asks: book.asks.slice(0, depth), seq: book.seq };
    return { value, source: this.#source(market, 'rest', answer.host, answer.path, book.event_time / 1000) };
  }

  /** The newest trades, oldest first: collected where there are so many without a gap, else over REST. */
  async trades(target: Target, limit: number, maxAgeMs: Ms): Promise<Sourced<readonly LiveRow[]>> {
    const { market, instrument } = target;
    const live = await this.#live(market).recent(instrument, 'trades', limit);
    const last = live?.at(-1);
    if (live !== undefined && last !== undefined && this.#ageOf(last) <= maxAgeMs) {
      return { value: live, source: this.#liveSource(instrument, 'trades', last).source };
    }
    const newest = await this.#restTrades(target, { limit });
    if (newest !== undefined && newest.source.stale_ms <= NEWEST_TRADES_MS) return newest;
    const again = await this.#restTrades(target, { from: this.now - NEWEST_TRADES_MS, to: this.now + 1, limit });
    const found = again ?? newest;
    if (found === undefined) throw new Unavailable(`${target.id} answered no trades of ${instrument.symbol}`);
    return found;
  }

  async #restTrades({ market, instrument }: Target, args: RestArgs): Promise<Sourced<readonly LiveRow[]> | undefined> {
    const { rest } = this.#context.services;
    const asked = { call: 'trades' as const, args, instrument };
    const { records, answer } = await askRecords(rest, market, asked, this.#context.signal);
    const rows = records
      .flatMap((r) => (r.stream === 'trades' ? [{ ...columnsOf(r), event_time: r.event_time }] : []))
      .sort((a, b) => a.event_time - b.event_time)
      .slice(-(args.limit ?? records.length));
    const last = rows.at(-1);
    if (last === undefined) return undefined;
    return { value: rows, source: this.#source(market, 'rest', answer.host, answer.path, last.event_time / 1000) };
  }

  async #ask(
    { market, instrument }: Pick<Target, 'market' | 'instrument'>,
    call: RestCallName,
    args: RestArgs,
    stream: Stream,
  ): Promise<Sourced<LiveRow> | undefined> {
    const { records, answer } = await askRecords(
      this.#context.services.rest,
      market,
      { call, args, instrument },
      this.#context.signal,
    );
    const rows = records.flatMap((r) =>
      r.stream !== 'book' && r.stream === stream ? [{ ...columnsOf(r), event_time: r.event_time }] : [],
    );
    const [newest] = rows.sort((a, b) => b.event_time - a.event_time);
    if (newest === undefined) return undefined;
    // A rate that was paid already is not the one that runs.
    const value = call === 'funding_rates' ? { ...newest, settled: true } : newest;
    return { value, source: this.#source(market, 'rest', answer.host, answer.path, newest.event_time / 1000) };
  }

  #liveBook(instrument: Instrument, depth: number): Sourced<Book> | undefined {
    const { exchange, market, symbol } = instrument;
    const status = this.#context.services.collector.status();
    const key = { exchange, market, symbol, stream: 'orderbooks' } as const;
    const table = viewName(key);
    if (!status.running || !status.series.some((s) => s.table === table && s.state === 'live')) return undefined;
    try {
      const {
        bids,
        asks,
        seq,
        event_time: time,
      } = this.#context.services.collector.book(exchange, market, symbol, depth);
      return { value: { bids, asks, seq }, source: this.#sourceOf(key, `book of ${table}`, time / 1000) };
    } catch (error) {
      // Not valid now: the venue is asked instead, and the answer says so.
      if (error instanceof Stale || error instanceof NotFound || error instanceof Unavailable) return undefined;
      throw error;
    }
  }

  #live(market: VenueMarket) {
    return liveDesk(this.#context.services, market.exchange, this.#context.clock);
  }

  #ageOf(row: LiveRow): Ms {
    return this.now - (numberOf(row, 'event_time') ?? 0) / 1000;
  }

  #liveSource(instrument: Instrument, stream: Stream, row: LiveRow): Sourced<LiveRow> {
    const { exchange, market, symbol } = instrument;
    const key = { exchange, market, symbol, stream };
    return { value: row, source: this.#sourceOf(key, viewName(key), (numberOf(row, 'event_time') ?? 0) / 1000) };
  }

  #sourceOf(key: Pick<SeriesKey, 'exchange' | 'market'>, path: string, at: Ms): ProvenanceSource {
    return this.#source(key, 'live', null, path, at);
  }

  #source(
    { exchange, market }: Pick<SeriesKey, 'exchange' | 'market'>,
    via: ProvenanceSource['via'],
    host: string | null,
    path: string,
    at: Ms,
  ): ProvenanceSource {
    const stale = Math.max(0, Math.round(this.now - at));
    return { via, exchange, market, host, path, as_of: new Date(at).toISOString(), stale_ms: stale };
  }
}

/** Best bid and ask of a book, in the columns of prices: what a market without a REST call for them has. */
function topOf({ value: { bids, asks }, source }: Sourced<Book>): Sourced<LiveRow> {
  const [bid, ask] = [bids[0], asks[0]];
  const row = { bid_price: bid?.[0], bid_qty: bid?.[1], ask_price: ask?.[0], ask_qty: ask?.[1] };
  return { value: { ...row, event_time: Date.parse(source.as_of) * 1000 }, source };
}

/** Throws Stale when a value is older than allowed, saying both. */
export function requireFresh(what: string, source: ProvenanceSource, maxAgeMs: Ms): void {
  if (source.stale_ms <= maxAgeMs) return;
  throw new Stale(
    `${what} is ${source.stale_ms / 1000} s old, older than the ${maxAgeMs / 1000} s allowed (max_age_ms)`,
  );
}

/** An expected failure; anything else is thrown. */
export function expected(error: unknown): AppError {
  if (error instanceof AppError) return error;
  throw error;
}
