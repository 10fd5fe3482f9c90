import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { Ms } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { columnsOf } from '../domain/columns.ts';
import { DEFAULT_SYMBOLS } from '../domain/instrument.ts';
import { type MarketRecord, marketKey, msToUs, STREAMS } from '../domain/records.ts';
import { venues } from '../exchanges/catalogue.generated.ts';
import type { VenueMarket } from '../exchanges/contract.ts';
import type { SimulatedMarket, VenueSimulator } from '../exchanges/simulator-contract.ts';
import { simulators } from './catalogue.generated.ts';
import { createSimulatedMarkets } from './model/market.ts';

/**
 * One line of an export: what `crew decode` prints of a record, `stream`, `exchange`, `market`, `symbol`,
 * `event_time` (UTC µs) and the columns of the stream (of a book change: `kind`, `bids`, `asks`, `seq`).
 */
export type TruthObject = Readonly<Record<string, unknown>>;

export interface ExportOptions {
  readonly seed: number;
  /** Begin, UTC ms. */
  readonly from: Ms;
  readonly durationMs: Ms;
  /** Made when absent. */
  readonly dir: string;
  /** Markets (`binance_futures`) or venues (`bybit`); default all. */
  readonly markets?: readonly string[] | undefined;
  readonly symbols?: readonly string[] | undefined;
  /** Ends the export between two pieces; the files hold what was written until then. */
  readonly signal?: AbortSignal | undefined;
}

export interface ExportedFile {
  readonly path: string;
  readonly market: string;
  /** A stream of the tables, or `book` for the changes that order books are built from. */
  readonly stream: string;
  readonly records: number;
}

const MINUTE = 60_000;
const CHUNK_MS = 5000;
/** Open interest that only REST gives is told this often. */
const OPEN_INTEREST_MS = 10_000;

/** Streams whose truth comes from the model alone; the rest is what an undisturbed client would read off the wire. */
const FROM_MODEL: ReadonlySet<string> = new Set(['trades', 'candles', 'liquidations']);

/**
 * Writes what is true in [from, from + durationMs) as JSON lines, one file a market and stream, named
 * `{exchange}_{market}_{stream}.jsonl` (`binance_futures_trades.jsonl`; book changes are `…_book.jsonl`), each in
 * order of time. Candles are those that close in the interval (from, to], and the one that runs at its end, of the
 * trades before it. Throws InvalidInput for a market that is not simulated.
 */
export async function exportTruth(options: ExportOptions): Promise<readonly ExportedFile[]> {
  const { from, dir } = options;
  const markets = createSimulatedMarkets({
    seed: options.seed,
    symbols: options.symbols ?? [...DEFAULT_SYMBOLS],
    at: from,
  });
  const keys = options.markets?.flatMap((name) => marketsNamed(name, [...markets.keys()])) ?? [...markets.keys()];
  await mkdir(dir, { recursive: true });
  const written: ExportedFile[] = [];
  for (const key of new Set(keys)) {
    const market = markets.get(key);
    if (market !== undefined) written.push(...(await exportMarket(key, market, options)));
  }
  return written;
}

function marketsNamed(name: string, keys: readonly string[]): readonly string[] {
  const named = keys.filter((key) => key === name || key.startsWith(`${name}_`));
  if (named.length > 0) return named;
  const valid = [...new Set(keys.map((key) => key.slice(0, key.indexOf('_')))), ...keys];
  throw new InvalidInput(
    `'${name}' is not a simulated market${didYouMean(name, valid)}; there are ${valid.join(', ')}`,
  );
}

async function exportMarket(
  key: string,
  market: SimulatedMarket,
  { from, durationMs, dir, signal }: ExportOptions,
): Promise<readonly ExportedFile[]> {
  const to = from + durationMs;
  const truth = createTruth(market, from);
  const files = new Map(
    truth.streams.map((stream) => {
      const path = join(dir, `${key}_${stream}.jsonl`);
      const file = { path, output: createWriteStream(path), records: 0 };
      return [stream, file] as const;
    }),
  );
  for (let at = from; at < to; at += CHUNK_MS) {
    // A turn for Ctrl-C to be heard.
    await setImmediate();
    if (signal?.aborted === true) break;
    const lines = new Map<string, string[]>();
    for (const record of truth.next(Math.min(to, at + CHUNK_MS), at + CHUNK_MS >= to)) {
      const list = lines.get(record.stream) ?? [];
      lines.set(record.stream, list);
      list.push(`${JSON.stringify(objectOf(record))}\n`);
    }
    for (const [stream, list] of lines) {
      const file = files.get(stream);
      if (file === undefined) continue;
      file.records += list.length;
      if (!file.output.write(list.join(''))) await once(file.output, 'drain');
    }
  }
  const ended = await Promise.all(
    [...files].map(async ([stream, { path, output, records }]) => {
      output.end();
      await once(output, 'close');
      return { path, market: key, stream, records };
    }),
  );
  signal?.throwIfAborted();
  return ended;
}

/** The true records of one market from `from` on, in pieces. */
export interface Truth {
  /** Streams that it tells of; `book` among them. */
  readonly streams: readonly string[];
  /** Records of the time since the piece before up to `to`; the last piece also has the running candles. */
  next(to: Ms, last: boolean): readonly MarketRecord[];
}

/** Throws InvalidInput for a market that no venue speaks for. */
export function createTruth(market: SimulatedMarket, begin: Ms): Truth {
  const { venue, venueMarket } = speakersOf(market);
  const decoder = venueMarket.createDecoder({ instruments: market.instruments });
  const offered = STREAMS.filter((stream) => venueMarket.streams[stream] !== undefined);
  const streams = offered.map((stream) => (stream === 'orderbooks' ? 'book' : stream));
  const channels = channelsOf(venue, venueMarket, market, offered);
  let from = begin;
  let begun = false;

  const wire = (to: Ms): MarketRecord[] => {
    const records: MarketRecord[] = [];
    const sink = (record: MarketRecord): void => {
      if (!FROM_MODEL.has(record.stream)) records.push(record);
    };
    const frames = begun ? [] : venue.onSubscribe(market, [...channels], from);
    if (!begun) records.push(...bookSnapshots(venue, venueMarket, market, from, decoder));
    begun = true;
    for (const frame of [...frames, ...venue.frames(market, channels, from, to)]) {
      decoder.frame(frame.text, msToUs(frame.at), sink);
    }
    return records;
  };
  return {
    streams,
    next(to, last) {
      const records = [...wire(to), ...modelRecords(venue, market, from, to, last)];
      if (venueMarket.streams.open_interest?.via === 'rest') records.push(...interest(market, from, to));
      from = to;
      return records.filter(({ stream }) => streams.includes(stream)).sort((a, b) => a.event_time - b.event_time);
    },
  };
}

function speakersOf(market: SimulatedMarket): { readonly venue: VenueSimulator; readonly venueMarket: VenueMarket } {
  const key = marketKey(market.exchange, market.market);
  const venue = simulators.flat().find((s) => marketKey(s.exchange, s.market) === key);
  const venueMarket = venues.flatMap((v) => v.markets).find((m) => marketKey(m.exchange, m.market) === key);
  if (venue === undefined || venueMarket === undefined) throw new InvalidInput(`'${key}' is not a simulated market`);
  return { venue, venueMarket };
}

/** The channels that a client of all streams subscribes to, learned from its own plan. */
function channelsOf(
  venue: VenueSimulator,
  venueMarket: VenueMarket,
  market: SimulatedMarket,
  streams: readonly (typeof STREAMS)[number][],
): ReadonlySet<string> {
  const plans = venueMarket.plan(market.instruments, streams);
  return new Set(
    plans.flatMap((plan) => {
      const path = `${new URL(venueMarket.addresses[plan.address] ?? 'ws://127.0.0.1').pathname.replace(/\/$/, '')}${plan.path}`;
      const asked = plan.subscribe.flatMap((text) => venue.onFrame(market, text, new Set()).subscribe);
      return [...venue.channelsOfPath(path), ...asked];
    }),
  );
}

/** Books that begin with a REST snapshot have it as their first record. */
function bookSnapshots(
  venue: VenueSimulator,
  venueMarket: VenueMarket,
  market: SimulatedMarket,
  at: Ms,
  decoder: ReturnType<VenueMarket['createDecoder']>,
): MarketRecord[] {
  const records: MarketRecord[] = [];
  if (venueMarket.book.snapshot !== 'rest') return records;
  for (const instrument of market.instruments) {
    const args = { symbol: instrument.symbol, limit: venueMarket.book.depth };
    const request = venueMarket.rest.book_snapshot?.request(args, instrument);
    if (request === undefined) continue;
    const url = new URL(request.path, 'http://127.0.0.1');
    const answer = venue.rest(
      market,
      { path: url.pathname, query: url.searchParams, body: request.body, host: url.host },
      at,
    );
    if (answer === undefined) continue;
    decoder.rest('book_snapshot', args, answer.body, msToUs(at), (record) => records.push(record));
  }
  return records;
}

function modelRecords(venue: VenueSimulator, market: SimulatedMarket, from: Ms, to: Ms, last: boolean): MarketRecord[] {
  return market.instruments.flatMap(({ symbol }) => [
    ...tradeRecords(venue, market, symbol, from, to),
    ...candleRecords(venue, market, symbol, from, to, last),
    ...(market.market === 'futures' ? liquidationRecords(venue, market, symbol, from, to) : []),
  ]);
}

function baseOf(
  market: SimulatedMarket,
  symbol: string,
  at: Ms,
): Pick<MarketRecord, 'exchange' | 'market' | 'symbol' | 'event_time' | 'recv_time' | 'seq' | 'origin'> {
  const time = msToUs(at);
  const { exchange } = market;
  return { exchange, market: market.market, symbol, event_time: time, recv_time: time, seq: null, origin: 'live' };
}

function tradeRecords(
  venue: VenueSimulator,
  market: SimulatedMarket,
  symbol: string,
  from: Ms,
  to: Ms,
): MarketRecord[] {
  return market.trades(symbol, from, to).map((t) => ({
    stream: 'trades',
    ...baseOf(market, symbol, t.at),
    trade_id: venue.tradeId(market, symbol, t.id),
    price: t.price,
    quantity: t.quantity,
    side: t.side,
  }));
}

function candleRecords(
  venue: VenueSimulator,
  market: SimulatedMarket,
  symbol: string,
  from: Ms,
  to: Ms,
  last: boolean,
): MarketRecord[] {
  const records: MarketRecord[] = [];
  for (let close = (Math.floor(from / MINUTE) + 1) * MINUTE; close < to + MINUTE; close += MINUTE) {
    const closed = close <= to;
    if (!closed && !last) break;
    const c = market.candle(symbol, close - MINUTE, Math.min(close, to));
    if (c === undefined) continue;
    const tells = venue.candlesTellTakers;
    records.push({
      stream: 'candles',
      ...baseOf(market, symbol, Math.min(close, to)),
      interval: '1m',
      open_time: msToUs(c.openTime),
      close_time: msToUs(close),
      open: c.open,
      high: c.high,
      low: c.low,
      close: c.close,
      volume: c.volume,
      quote_volume: venue.candlesTellQuote === false ? null : c.quoteVolume,
      trade_count: tells || venue.candlesTellCounts === true ? c.count : null,
      taker_buy_volume: tells ? c.takerBuyVolume : null,
      taker_buy_quote: tells ? c.takerBuyQuote : null,
      closed,
    });
  }
  return records;
}

function liquidationRecords(
  venue: VenueSimulator,
  market: SimulatedMarket,
  symbol: string,
  from: Ms,
  to: Ms,
): MarketRecord[] {
  const forced = venue.liquidations?.(market, symbol, from, to) ?? market.liquidations(symbol, from, to);
  return forced.map((l) => ({
    stream: 'liquidations',
    ...baseOf(market, symbol, l.at),
    side: l.side,
    price: l.price,
    quantity: l.quantity,
  }));
}

function interest(market: SimulatedMarket, from: Ms, to: Ms): MarketRecord[] {
  const records: MarketRecord[] = [];
  for (let at = Math.ceil(from / OPEN_INTEREST_MS) * OPEN_INTEREST_MS; at < to; at += OPEN_INTEREST_MS) {
    for (const { symbol } of market.instruments) {
      records.push({
        stream: 'open_interest',
        ...baseOf(market, symbol, at),
        open_interest: market.openInterest(symbol, at),
        open_interest_usd: null,
      });
    }
  }
  return records;
}

function objectOf(record: MarketRecord): TruthObject {
  const { stream, exchange, market, symbol, event_time } = record;
  if (record.stream !== 'book') return { stream, exchange, market, symbol, event_time, ...columnsOf(record) };
  const { kind, bids, asks, seq, first_seq, prev_seq } = record;
  return { stream, exchange, market, symbol, event_time, kind, bids, asks, seq, first_seq, prev_seq };
}
