import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedAnswer, SimulatedMarket, SimulatedRequest } from '../contract.ts';
import { MINUTE, oldName, precisionOf, SECOND } from './simulate-shared.ts';
import { restPair } from './wire.ts';

/* REST of simulated Kraken spot: https://docs.kraken.com/api/docs/rest-api/get-ticker-information and beside it. */

const PUBLIC = '/0/public/';
const MOST_CANDLES = 720;
const MOST_TRADES = 1000;

type PairCall = (market: SimulatedMarket, symbol: string, query: URLSearchParams, now: Ms) => unknown;

/** Answers a request of this market; every answer is HTTP 200 with `error` and `result`. */
export function spotAnswer(market: SimulatedMarket, request: SimulatedRequest, now: Ms): SimulatedAnswer | undefined {
  if (!request.path.startsWith(PUBLIC)) return undefined;
  const call = request.path.slice(PUBLIC.length);
  if (call === 'Time') {
    return ok({ unixtime: Math.floor(now / SECOND), rfc1123: new Date(Math.floor(now)).toUTCString() });
  }
  if (call === 'AssetPairs') {
    return ok(Object.fromEntries(market.instruments.map((i) => [restPair(i.venue_symbol), pair(market, i.symbol)])));
  }
  const answer = CALLS[call];
  if (answer === undefined) return undefined;
  const asked = request.query.get('pair') ?? '';
  const instrument = market.instruments.find((i) => restPair(i.venue_symbol) === asked);
  if (instrument === undefined) return failure(['EQuery:Unknown asset pair']);
  const value = answer(market, instrument.symbol, request.query, now);
  return ok(Array.isArray(value) ? { [asked]: value[0] as unknown, last: value[1] as unknown } : { [asked]: value });
}

/** Refusals of too many requests. */
export function refuseSpot(status: 429 | 418, seconds: number): SimulatedAnswer {
  return {
    status: 429,
    body: JSON.stringify({ error: [status === 418 ? 'EGeneral:Temporary lockout' : 'EGeneral:Too many requests'] }),
    weight: 1,
    headers: { 'retry-after': String(seconds) },
  };
}

const CALLS: Readonly<Record<string, PairCall>> = {
  Depth(market, symbol, query, now) {
    const d = market.decimals(symbol);
    const book = market.book(symbol, now, Math.min(Number(query.get('count') ?? 100), 500));
    const side = (levels: readonly (readonly [number, number])[]): unknown[] =>
      levels.map(([p, q]) => [p.toFixed(d.price), q.toFixed(d.quantity), Math.floor(now / SECOND)]);
    return { asks: side(book.asks), bids: side(book.bids) };
  },
  Ticker(market, symbol, _query, now) {
    const d = market.decimals(symbol);
    const t = market.ticker(symbol, Math.floor(now / SECOND) * SECOND);
    const book = market.book(symbol, now, 1);
    const best = ([p, q]: readonly [number, number]): string[] => [
      p.toFixed(d.price),
      String(Math.max(1, Math.floor(q))),
      q.toFixed(d.quantity),
    ];
    const twice = (text: string): string[] => [text, text];
    return {
      a: best(book.asks[0] ?? [0, 0]),
      b: best(book.bids[0] ?? [0, 0]),
      c: [t.last.toFixed(d.price), t.lastQuantity.toFixed(d.quantity)],
      v: twice(t.volume.toFixed(d.quantity)),
      p: twice((t.quoteVolume / t.volume).toFixed(d.price)),
      t: [t.count, t.count],
      l: twice(t.low.toFixed(d.price)),
      h: twice(t.high.toFixed(d.price)),
      o: t.open.toFixed(d.price),
    };
  },
  /** From after `since` (ns), oldest first. */
  Trades(market, symbol, query, now) {
    const d = market.decimals(symbol);
    const count = Math.min(Number(query.get('count') ?? MOST_TRADES), MOST_TRADES);
    const since = query.get('since');
    // Trades have whole ms: the first after `since` is in the ms that follows it.
    const from = since === null ? undefined : Number(BigInt(since) / 1_000_000n) + 1;
    const next = market.tradeIdAt(symbol, now);
    const first = from === undefined ? next - count : market.tradeIdAt(symbol, from);
    const trades = market.tradesFrom(symbol, first, count, now);
    // What shares its ms with the last of a full page would be lost behind `last`.
    const end = trades.length < count ? Infinity : (trades.at(-1)?.at ?? 0);
    const whole = trades.length < count ? trades : trades.filter((t) => t.at < end);
    const kept = whole.length === 0 ? trades : whole;
    const rows = kept.map((t) => [
      t.price.toFixed(d.price),
      t.quantity.toFixed(d.quantity),
      t.at / SECOND,
      t.side === 'buy' ? 'b' : 's',
      'm',
      '',
      t.id,
    ]);
    return [rows, `${kept.at(-1)?.at ?? Math.floor(now)}000000`];
  },
  /** The newest 720 minutes at most, those after `since` (s), the running one last. */
  OHLC(market, symbol, query, now) {
    const d = market.decimals(symbol);
    const newest = Math.floor(now / MINUTE) * MINUTE;
    const since = query.get('since');
    const asked = since === null ? 0 : Number(since) * SECOND + 1;
    const rows: unknown[] = [];
    for (let at = newest - (MOST_CANDLES - 1) * MINUTE; at <= newest; at += MINUTE) {
      const c = at < asked ? undefined : market.candle(symbol, at, now);
      if (c === undefined) continue;
      const prices = [c.open, c.high, c.low, c.close, c.volume === 0 ? 0 : c.quoteVolume / c.volume];
      rows.push([at / SECOND, ...prices.map((p) => p.toFixed(d.price)), c.volume.toFixed(d.quantity), c.count]);
    }
    return [rows, (newest - MINUTE) / SECOND];
  },
};

function pair(market: SimulatedMarket, symbol: string): unknown {
  const i = market.instruments.find((one) => one.symbol === symbol);
  const decimals = market.decimals(symbol);
  return {
    altname: restPair(i?.venue_symbol ?? ''),
    wsname: `${oldName(i?.base ?? '')}/${oldName(i?.quote ?? '')}`,
    aclass_base: 'currency',
    base: oldName(i?.base ?? ''),
    aclass_quote: 'currency',
    quote: i?.quote,
    lot: 'unit',
    cost_decimals: 5,
    pair_decimals: decimals.price,
    lot_decimals: precisionOf(i?.lot_size ?? 1),
    lot_multiplier: 1,
    ordermin: '0.00005',
    costmin: '0.5',
    tick_size: (i?.tick_size ?? 0).toFixed(decimals.price),
    status: 'online',
  };
}

function ok(result: unknown): SimulatedAnswer {
  return { status: 200, body: JSON.stringify({ error: [], result }), weight: 1 };
}

function failure(error: readonly string[]): SimulatedAnswer {
  return { status: 200, body: JSON.stringify({ error }), weight: 1 };
}
