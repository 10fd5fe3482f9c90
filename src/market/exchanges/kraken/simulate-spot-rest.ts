import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedAnswer, SimulatedMarket, SimulatedRequest } from '../simulator-contract.ts';
import { barsOf } from '../shared/simulated.ts';
import { every, MINUTE, precisionOf, SECOND } from './simulate-shared.ts';
import { restPair, oldCoin } from './wire.ts';

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
    const named = request.query.get('pair');
    const listed = market.instruments.filter((i) => named === null || restPair(i.venue_symbol) === named);
    if (listed.length === 0) return failure(['EQuery:Unknown asset pair']);
    return ok(Object.fromEntries(listed.map((i) => [restPair(i.venue_symbol), pair(market, i.symbol)])));
  }
  if (call === 'SystemStatus') {
    return ok({ status: 'online', timestamp: new Date(Math.floor(now / SECOND) * SECOND).toISOString() });
  }
  if (call === 'Assets') return ok(assets(market));
  const answer = CALLS[call];
  if (answer === undefined) return undefined;
  const asked = (request.query.get('pair') ?? '').split(',');
  // Tickers alone can be asked of several pairs.
  if (asked.length > 1 && call !== 'Ticker') return failure(['EQuery:Unknown asset pair']);
  const result: Record<string, unknown> = {};
  for (const name of asked) {
    const instrument = market.instruments.find((i) => restPair(i.venue_symbol) === name);
    if (instrument === undefined) return failure(['EQuery:Unknown asset pair']);
    const value = answer(market, instrument.symbol, request.query, now);
    if (value === undefined) return failure(['EGeneral:Invalid arguments']);
    if (Array.isArray(value)) [result[name], result['last']] = value as readonly unknown[];
    else result[name] = value;
  }
  return ok(result);
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
  /** The newest 720 bars at most, those after `since` (s), the running one last. */
  OHLC(market, symbol, query, now) {
    const minutes = Number(query.get('interval') ?? 1);
    if (!LENGTHS.includes(minutes)) return undefined;
    const step = minutes * MINUTE;
    const d = market.decimals(symbol);
    const since = query.get('since');
    const asked = since === null ? 0 : Number(since) * SECOND + 1;
    const newest = Math.floor(now / step) * step;
    const wanted = Math.min(MOST_CANDLES, Math.floor((newest - asked) / step) + 1);
    const rows = barsOf(market, symbol, now, step, wanted)
      .filter((bar) => bar.openTime >= asked)
      .map((bar) => {
        const prices = [bar.open, bar.high, bar.low, bar.close, bar.volume === 0 ? 0 : bar.quoteVolume / bar.volume];
        return [
          bar.openTime / SECOND,
          ...prices.map((p) => p.toFixed(d.price)),
          bar.volume.toFixed(d.quantity),
          bar.count,
        ];
      });
    return [rows, (newest - step) / SECOND];
  },
  /** Best prices of the last minute, each second. */
  Spread(market, symbol, _query, now) {
    const d = market.decimals(symbol);
    const last = Math.floor(now / SECOND) * SECOND;
    const rows = every(SECOND, last - 59 * SECOND, last + 1).map((at) => {
      const { bids, asks } = market.book(symbol, at, 1);
      return [at / SECOND, ...[bids[0], asks[0]].map((best) => (best?.[0] ?? 0).toFixed(d.price))];
    });
    return [rows, last / SECOND];
  },
};

const LENGTHS = [1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600];

/** Bases and quotes, by their old names. */
function assets(market: SimulatedMarket): Readonly<Record<string, unknown>> {
  const coins = new Set(market.instruments.flatMap((i) => [i.base, i.quote]));
  return Object.fromEntries(
    [...coins].map((coin) => [
      oldCoin(coin),
      { aclass: 'currency', altname: oldCoin(coin), decimals: 10, display_decimals: 5, status: 'enabled' },
    ]),
  );
}

function pair(market: SimulatedMarket, symbol: string): unknown {
  const i = market.instruments.find((one) => one.symbol === symbol);
  const decimals = market.decimals(symbol);
  return {
    altname: restPair(i?.venue_symbol ?? ''),
    wsname: `${oldCoin(i?.base ?? '')}/${oldCoin(i?.quote ?? '')}`,
    aclass_base: 'currency',
    base: oldCoin(i?.base ?? ''),
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
    leverage_buy: [2, 3, 4, 5],
    leverage_sell: [2, 3, 4, 5],
    fees: [
      [0, 0.4],
      [10_000, 0.35],
    ],
    fees_maker: [
      [0, 0.25],
      [10_000, 0.2],
    ],
    margin_call: 80,
    margin_stop: 40,
    status: 'online',
  };
}

function ok(result: unknown): SimulatedAnswer {
  return { status: 200, body: JSON.stringify({ error: [], result }), weight: 1 };
}

function failure(error: readonly string[]): SimulatedAnswer {
  return { status: 200, body: JSON.stringify({ error }), weight: 1 };
}
