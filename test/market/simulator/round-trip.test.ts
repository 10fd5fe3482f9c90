import { describe, expect, it } from 'vitest';
import type { Instrument } from '../../../src/market/domain/instrument.ts';
import { valueOption } from '../../../src/market/domain/option-pricing.ts';
import {
  type BookRecord,
  type MarketRecord,
  marketKey,
  type Stream,
  STREAMS,
} from '../../../src/market/domain/records.ts';
import type { RestArgs, RestCallName } from '../../../src/market/domain/tape.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import type { VenueMarket } from '../../../src/market/exchanges/contract.ts';
import type { VenueSimulator } from '../../../src/market/exchanges/simulator-contract.ts';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { createSimulatedMarkets, type ModelMarket } from '../../../src/market/simulator/model/market.ts';

const NOW = Date.UTC(2026, 4, 5, 11, 58, 12, 300);
const MINUTE = 60_000;
const SYMBOLS = ['WIFUSDT', 'BRETTUSDT'];

interface Desk {
  readonly key: string;
  readonly venue: VenueSimulator;
  readonly adapter: VenueMarket;
  readonly market: ModelMarket;
}

/** The adapters in front of the simulators, as the collector would have them. */
const desks: readonly Desk[] = [
  ...createSimulatedMarkets({ seed: 11, symbols: SYMBOLS, at: Date.UTC(2026, 4, 5) }),
].map(([key, market]) => {
  const same = (m: { exchange: string; market: Desk['market']['market'] }): boolean =>
    marketKey(m.exchange, m.market) === key;
  const venue = simulators.flat().find(same);
  const adapter = venues.flatMap((v) => v.markets).find(same);
  if (venue === undefined || adapter === undefined) throw new Error(`nobody speaks for ${key}`);
  // Options are too many to be read one by one here: some of each expiry.
  const instruments = market.instruments.filter((i, n) => i.kind !== 'option' || n % 4 === 0);
  return { key, venue, adapter, market: { ...market, instruments } };
});

/** Asks for all streams as the adapter plans it, and decodes what comes in [from, to). */
function listen({ venue, adapter, market }: Desk, from: number, to: number) {
  const records: MarketRecord[] = [];
  const verdicts: Record<string, number> = {};
  const offered = STREAMS.filter((stream) => adapter.streams[stream] !== undefined);
  for (const plan of adapter.plan(market.instruments, offered)) {
    const decoder = adapter.createDecoder({ instruments: market.instruments });
    const path = new URL(adapter.addresses[plan.address] ?? '').pathname.replace(/\/$/, '') + plan.path;
    expect(venue.acceptsPath(path), path).toBe(true);
    const channels = new Set(venue.channelsOfPath(path));
    const texts: { readonly text: string; readonly at: number }[] = [];
    const now = (text: string) => ({ text, at: from });
    for (const frame of plan.subscribe) {
      const answer = venue.onFrame(market, frame, channels);
      texts.push(...answer.reply.map(now));
      for (const channel of answer.subscribe) channels.add(channel);
    }
    const frames = [...venue.onSubscribe(market, [...channels], from), ...venue.frames(market, channels, from, to)];
    texts.push(...frames.map((frame) => ({ text: venue.envelope(path, frame), at: frame.at })));
    if (plan.ping !== null) texts.push(...venue.onFrame(market, plan.ping.text, channels).reply.map(now));
    for (const { text, at } of texts) {
      const verdict = decoder.frame(text, at * 1000, (record) => records.push(record));
      const what = verdict.kind === 'rejected' ? `rejected: ${verdict.reason} ${text.slice(0, 120)}` : verdict.kind;
      verdicts[what] = (verdicts[what] ?? 0) + 1;
    }
  }
  return { records, verdicts };
}

function ask({ venue, adapter, market }: Desk, call: RestCallName, args: RestArgs, now = NOW) {
  const rest = adapter.rest[call];
  if (rest === undefined) throw new Error(`no call ${call}`);
  const instrument = market.instruments.find((i) => i.symbol === args.symbol);
  const { path, body } = rest.request(args, instrument);
  const url = new URL(path, 'http://127.0.0.1');
  const answer = venue.rest(market, { path: url.pathname, query: url.searchParams, body, host: url.host }, now);
  if (answer === undefined) throw new Error(`${url.pathname} is not served`);
  return { rest, answer };
}

/** All pages of a call, decoded. */
function history(desk: Desk, call: RestCallName, first: RestArgs, now = NOW): MarketRecord[] {
  const records: MarketRecord[] = [];
  let args: RestArgs | undefined = first;
  for (let page = 0; args !== undefined && page < 60; page++) {
    const { rest, answer } = ask(desk, call, args, now);
    expect(desk.adapter.restError(answer.status, answer.body), answer.body.slice(0, 200)).toBeUndefined();
    const options = { instruments: desk.market.instruments };
    const verdict = rest.decode(answer.body, args, now * 1000, options, (record) => records.push(record));
    expect(verdict.kind, JSON.stringify(verdict)).toBe('data');
    args = rest.nextPage?.(args, answer.body);
  }
  return records.sort((a, b) => a.event_time - b.event_time);
}

function of<S extends MarketRecord['stream']>(
  records: readonly MarketRecord[],
  stream: S,
  symbol: string,
): Extract<MarketRecord, { stream: S }>[] {
  return records.filter((r): r is Extract<MarketRecord, { stream: S }> => r.stream === stream && r.symbol === symbol);
}

describe.each(desks)('$key: the real adapter in front of the simulator', (desk) => {
  const { adapter, market } = desk;
  const futures = market.market === 'futures';
  const options = market.market === 'options';
  const symbols = market.instruments.map((i) => i.symbol);

  it('reads the instrument list as it is', () => {
    let list: readonly Instrument[] = [];
    let args: RestArgs | undefined = {};
    while (args !== undefined) {
      const { rest, answer } = ask(desk, 'instruments', args);
      list = adapter.parseInstruments(answer.body, list);
      args = rest.nextPage?.(args, answer.body);
    }
    expect(list).toEqual(market.instruments);
  });

  it('reads every frame, and reads what is true', () => {
    const to = NOW + 70_000;
    const { records, verdicts } = listen(desk, NOW, to);
    expect(Object.keys(verdicts).filter((v) => v !== 'data' && v !== 'control')).toEqual([]);
    for (const symbol of symbols) {
      // Some venues begin with trades of before.
      const trades = market.trades(symbol, NOW - 10 * MINUTE, to);
      const read = of(records, 'trades', symbol);
      const byId = new Map(trades.map((t) => [desk.venue.tradeId(market, symbol, t.id), t]));
      expect(new Set(read.map((r) => r.trade_id)).size).toBe(read.length);
      // Bybit sends trades 20 ms at a time: the last ones are still on their way.
      const due = trades
        .filter((t) => adapter.streams.trades !== undefined && t.at >= NOW && t.at < to - 20)
        .map((t) => desk.venue.tradeId(market, symbol, t.id));
      expect(read.map((r) => r.trade_id)).toEqual(expect.arrayContaining(due));
      const truth = read.map((r) => byId.get(r.trade_id));
      expect(read.map((r) => [r.event_time, r.price, r.quantity, r.side])).toEqual(
        truth.map((t) => [(t?.at ?? 0) * 1000, t?.price, t?.quantity, t?.side]),
      );
      if (adapter.streams.candles?.via === 'websocket') checkCandle(desk, symbol, of(records, 'candles', symbol));
      const prices = of(records, 'prices', symbol);
      if (market.market === 'oracle') {
        checkOracle(desk, prices);
        expect(records.every(({ stream }) => stream === 'prices')).toBe(true);
        continue;
      }
      checkBook(desk, symbol, of(records, 'book', symbol));
      checkPrices(desk, prices, to);
      const ticker = of(records, 'ticker_24h', symbol).at(-1);
      if (options) {
        expect(ticker?.volume_24h).toBeNull();
        checkSummaries(desk, symbol, of(records, 'option_summaries', symbol));
        continue;
      }
      const second = Math.floor((ticker?.event_time ?? 0) / 1e6) * 1000;
      const true24 = market.ticker(symbol, second);
      // Not every venue tells all of the day.
      expect([null, true24.last]).toContain(ticker?.last_price);
      expect([null, true24.high]).toContain(ticker?.high_24h);
      expect([null, true24.low]).toContain(ticker?.low_24h);
      expect([null, true24.open]).toContain(ticker?.open_24h);
      expect(ticker?.volume_24h).toBe(true24.volume);
      if (futures) checkDerivatives(desk, symbol, records, to);
    }
  });

  it.runIf(adapter.streams.trades !== undefined)(
    'fills a gap over REST with exactly the trades that were streamed',
    () => {
      for (const symbol of symbols) {
        const support = adapter.streams.trades?.history;
        const ids = (records: readonly MarketRecord[]): string[] =>
          of(records, 'trades', symbol).map((r) => r.trade_id);
        if (support?.paged === true) {
          const [from, to] = [NOW - 25 * MINUTE, NOW - 5 * MINUTE];
          const filled = history(desk, 'trades', { symbol, from, to });
          // Pages may overlap; the store drops what it holds.
          expect([...new Set(ids(filled))].sort()).toEqual(
            market
              .trades(symbol, from, to)
              .map((t) => desk.venue.tradeId(market, symbol, t.id))
              .sort(),
          );
        } else {
          const filled = history(desk, 'trades', { symbol });
          const reach = filled.length;
          expect(reach).toBeGreaterThan(0);
          const next = market.tradeIdAt(symbol, NOW);
          const expected = market
            .tradesFrom(symbol, next - reach, reach, NOW)
            .map((t) => desk.venue.tradeId(market, symbol, t.id));
          expect(ids(filled).sort()).toEqual(expected.sort());
        }
      }
    },
  );

  it.runIf(adapter.streams.candles !== undefined)('serves candles and mark prices that agree with the stream', () => {
    const symbol = symbols[0] ?? '';
    const from = Math.floor(NOW / MINUTE) * MINUTE - 30 * MINUTE;
    const candles = of(history(desk, 'candles', { symbol, from, to: NOW }), 'candles', symbol);
    expect(candles).toHaveLength(31);
    for (const [i, c] of candles.entries()) {
      const open = from + i * MINUTE;
      const truth = market.candle(symbol, open, NOW);
      expect([c.open_time, c.close_time, c.closed]).toEqual([open * 1000, (open + MINUTE) * 1000, i < 30]);
      expect([c.open, c.high, c.low, c.close, c.volume]).toEqual([
        truth?.open,
        truth?.high,
        truth?.low,
        truth?.close,
        truth?.volume,
      ]);
      expect([null, truth?.quoteVolume]).toContain(c.quote_volume);
    }
    if (!futures || adapter.streams.mark_prices?.history === undefined) return;
    const marks = of(history(desk, 'mark_prices', { symbol, from, to: NOW }), 'mark_prices', symbol);
    expect(marks).toHaveLength(31);
    for (const r of marks) expect(r.mark_price).toBe(market.mark(symbol, r.event_time / 1000).mark);
  });

  it.runIf(futures)('serves settled funding and open interest', () => {
    const symbol = market.instruments.filter((i) => i.kind === 'perpetual').at(-1)?.symbol ?? '';
    const hours = market.instruments.find((i) => i.symbol === symbol)?.funding_interval_hours;
    const from = NOW - 3 * 86_400_000;
    const settled = of(history(desk, 'funding_rates', { symbol, from, to: NOW }), 'funding_rates', symbol);
    expect(settled.map((f) => [f.event_time / 1000, f.funding_rate, f.funding_interval_hours])).toEqual(
      market.funding(symbol, from, NOW).map((f) => [f.at, f.rate, hours]),
    );
    const now = of(history(desk, 'open_interest', { symbol }), 'open_interest', symbol)[0];
    const at = (now?.event_time ?? 0) / 1000;
    const truths = [at, Math.floor(at / 1000) * 1000].map((time) => market.openInterest(symbol, time));
    expect(truths).toContain(now?.open_interest);
    if (adapter.streams.open_interest?.history === undefined) return;
    const past = of(history(desk, 'open_interest_history', { symbol, from, to: NOW }), 'open_interest', symbol);
    expect(past).toHaveLength(3 * 288);
    for (const r of past) expect(r.open_interest).toBe(market.openInterest(symbol, r.event_time / 1000));
  });

  it('answers mistakes in the words of the venue', () => {
    const call = adapter.rest.candles === undefined ? 'prices' : 'candles';
    const { answer } = ask({ ...desk, market: { ...market, instruments: [] } }, call, { symbol: 'NOPEUSDT' });
    const error = adapter.restError(answer.status, answer.body);
    expect(['unknown_symbol', 'bad_request']).toContain(error?.kind);
    // The venue's own code, not only the status of HTTP.
    expect(error?.code).toMatch(/./);
    expect(error?.code).not.toBe(String(answer.status));
    const limited = desk.venue.limit.refuse(429, 7);
    expect(adapter.restError(limited.status, limited.body)?.kind).toBe('rate_limited');
    const banned = desk.venue.limit.refuse(418, 120);
    expect(['banned', 'rate_limited', 'forbidden']).toContain(adapter.restError(banned.status, banned.body)?.kind);
  });

  it('shows every stream within 10 s of any start', () => {
    const offered = STREAMS.filter((s): s is Stream => adapter.streams[s]?.via === 'websocket');
    for (const start of [NOW, NOW + 17_000, NOW + 61_234]) {
      const { records } = listen(desk, start, start + 9000);
      const seen = new Set(records.map((r) => `${r.symbol} ${r.stream === 'book' ? 'orderbooks' : r.stream}`));
      // Only contracts without end pay funding.
      const wanted = market.instruments.flatMap(({ symbol, kind }) =>
        offered
          .filter((stream) => kind !== 'dated' || stream !== 'funding_rates')
          .map((stream) => `${symbol} ${stream}`),
      );
      expect(wanted.filter((name) => !seen.has(name))).toEqual([]);
    }
  });
});

function checkCandle({ market }: Desk, symbol: string, read: Extract<MarketRecord, { stream: 'candles' }>[]): void {
  const close = (Math.floor(NOW / MINUTE) + 1) * MINUTE;
  const closed = read.filter((c) => c.closed);
  expect(closed.map((c) => c.close_time)).toEqual([close * 1000]);
  for (const c of read) {
    const truth = market.candle(symbol, c.open_time / 1000, Math.min(c.event_time, c.close_time) / 1000);
    expect([c.open, c.high, c.low, c.close, c.volume]).toEqual([
      truth?.open,
      truth?.high,
      truth?.low,
      truth?.close,
      truth?.volume,
    ]);
    expect([null, truth?.quoteVolume]).toContain(c.quote_volume);
    if (c.trade_count !== null) {
      expect(c.trade_count).toBe(truth?.count);
      expect([null, truth?.takerBuyVolume]).toContain(c.taker_buy_volume);
      expect([null, truth?.takerBuyQuote]).toContain(c.taker_buy_quote);
    }
  }
}

/** Best bid and ask of the messages that say when they are; where none does, all have the receive time. */
function checkPrices({ market }: Desk, read: readonly Extract<MarketRecord, { stream: 'prices' }>[], to: number): void {
  expect(read.length).toBeGreaterThan(50);
  const told = read.filter((r) => r.event_time < to * 1000 && r.event_time % 100_000 === 0);
  expect(told.length > 50 || read.every((r) => r.event_time === r.recv_time)).toBe(true);
  const truth = told.map((r) => market.book(r.symbol, r.event_time / 1000 + 1, 1));
  expect(told.map((r) => [r.bid_price, r.bid_qty, r.ask_price, r.ask_qty])).toEqual(
    truth.map((book) => [...(book.bids[0] ?? []), ...(book.asks[0] ?? [])]),
  );
}

/** One price each second: the index, no sides, and how far the truth may lie from it. */
function checkOracle({ market }: Desk, read: readonly Extract<MarketRecord, { stream: 'prices' }>[]): void {
  expect(read).toHaveLength(70);
  for (const r of read) {
    expect([r.mid_price, r.bid_price, r.ask_price]).toEqual([
      market.mark(r.symbol, r.event_time / 1000).index,
      null,
      null,
    ]);
    expect(r.confidence).toBeGreaterThan(0);
    expect(r.confidence).toBeLessThan((r.mid_price ?? 0) * 0.01);
  }
}

/** Builds the book by the venue's own rule and compares it with the model's at the end. */
function checkBook(desk: Desk, symbol: string, changes: readonly BookRecord[]): void {
  const { adapter, market } = desk;
  const first =
    adapter.book.snapshot === 'rest'
      ? history(desk, 'book_snapshot', { symbol, limit: adapter.book.depth }, NOW + 1250)
      : [];
  const sides = { bids: new Map<number, number>(), asks: new Map<number, number>() };
  let lastSeq: number | null = null;
  let fromSnapshot = false;
  for (const change of [...of(first, 'book', symbol), ...changes]) {
    const verdict = adapter.book.next({ lastSeq, fromSnapshot }, change);
    if (verdict === 'skip') continue;
    expect(verdict, `${symbol} ${change.first_seq}..${change.seq} after ${lastSeq}`).toBe('apply');
    fromSnapshot = change.kind === 'snapshot';
    lastSeq = change.seq;
    for (const side of ['bids', 'asks'] as const) {
      if (fromSnapshot) sides[side].clear();
      for (const [price, quantity] of change[side]) {
        if (quantity === 0) sides[side].delete(price);
        else sides[side].set(price, quantity);
      }
    }
  }
  // Books of one level a message change less often and are less deep.
  const last = (changes.at(-1)?.event_time ?? 0) / 1000;
  const depth = adapter.book.keep ?? Math.max(sides.bids.size, sides.asks.size);
  // Nobody bids ten prices for an option that costs less than ten steps: its sides differ.
  if (market.market !== 'options') expect(sides.bids.size).toBeGreaterThanOrEqual(10);
  const truth = market.book(symbol, last + 1, depth);
  expect([...sides.bids].sort((a, b) => b[0] - a[0])).toEqual(truth.bids);
  expect([...sides.asks].sort((a, b) => a[0] - b[0])).toEqual(truth.asks);
}

/** What the venue says of an option agrees with the formula, for the volatility and the underlying that it tells. */
function checkSummaries(
  { market }: Desk,
  symbol: string,
  read: readonly Extract<MarketRecord, { stream: 'option_summaries' }>[],
): void {
  const listed = market.instruments.find((i) => i.symbol === symbol);
  expect(read.length).toBeGreaterThan(50);
  for (const r of read) {
    expect([r.option_type, r.strike_price, r.expiry_time]).toEqual([
      listed?.option_type,
      listed?.strike_price,
      listed?.expiry_time,
    ]);
    const forward = r.underlying_price ?? NaN;
    const years = (r.expiry_time - r.event_time) / 1e6 / (365 * 86_400);
    const value = valueOption({
      type: r.option_type,
      strike: r.strike_price,
      forward,
      years,
      volatility: r.mark_iv ?? NaN,
    });
    const dollars = listed?.quote === listed?.base ? forward : 1;
    expect(Math.abs((r.mark_price ?? NaN) * dollars - value.value)).toBeLessThan(forward * 5e-5);
    // Some tell the delta of the price in the coin, which is less by that price.
    const deltas = [value.delta, value.delta - value.value / forward];
    expect(Math.min(...deltas.map((delta) => Math.abs((r.delta ?? NaN) - delta)))).toBeLessThan(5e-4);
    expect((r.bid_iv ?? 0) <= (r.ask_iv ?? Infinity)).toBe(true);
  }
}

function checkDerivatives(
  { venue, adapter, market }: Desk,
  symbol: string,
  records: readonly MarketRecord[],
  to: number,
): void {
  const marks = of(records, 'mark_prices', symbol);
  expect(marks.length).toBeGreaterThan(15);
  for (const r of marks) {
    const truth = market.mark(symbol, Math.floor(r.event_time / 1e6) * 1000);
    expect(r.mark_price).toBe(truth.mark);
    // Venues tell these apart from the mark price: not known before they were heard.
    expect([null, truth.index]).toContain(r.index_price);
    if (r.funding_rate !== null) expect(r.funding_rate).toBeCloseTo(truth.fundingRate, 6);
  }
  expect(marks.some((r) => r.index_price !== null)).toBe(true);
  for (const r of of(records, 'funding_rates', symbol)) {
    const truth = market.mark(symbol, Math.floor(r.event_time / 1e6) * 1000);
    expect(r.funding_rate).toBe(truth.fundingRate);
    expect([null, truth.nextFundingTime * 1000]).toContain(r.next_funding_time);
  }
  for (const r of of(records, 'open_interest', symbol)) {
    expect(r.open_interest).toBe(market.openInterest(symbol, Math.floor(r.event_time / 1e6) * 1000));
  }
  const forced = of(records, 'liquidations', symbol).filter(
    (r) => r.event_time < (to - 500) * 1000 && r.event_time >= NOW * 1000,
  );
  if (adapter.streams.liquidations === undefined) return;
  expect(forced.map((r) => [r.event_time / 1000, r.side, r.price, r.quantity])).toEqual(
    (venue.liquidations?.(market, symbol, NOW, to - 500) ?? market.liquidations(symbol, NOW, to - 500)).map((l) => [
      l.at,
      l.side,
      l.price,
      l.quantity,
    ]),
  );
}
