import { z } from 'zod';
import { expiryOfDate, type OptionTerms } from '../shared/expiry-names.ts';
import { pushSummary, volatilityOf } from '../shared/option-summary.ts';
import {
  pushBook,
  pushInterest,
  pushPrices,
  pushTicker,
  pushTrade,
  type ReadContext as SharedContext,
} from '../shared/reading.ts';
import {
  isObject,
  levelsOf,
  optional,
  optionalPrice,
  optionalSize,
  priceOf,
  sequenceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import { control, readRows, verdictOf, type Reading } from '../shared/verdicts.ts';
import type { FrameVerdict } from '../contract.ts';
import { EXCHANGE, type ReadContext } from './context.ts';
import { readKline } from './statistics.ts';
import { depthKind } from './wire.ts';

/**
 * European options, of which quantities are base units and prices USDT. Their events of 2023 (nbstream.binance.com/eoptions)
 * and those since the end of 2025, which are named as those of futures:
 * https://developers.binance.com/docs/derivatives/option/websocket-market-streams. Documented there, not verified; checked
 * against recorded frames of both. What the market tells of an option comes by several events: a summary (the ticker of
 * 2023, the mark price of 2025) is told with what the others told before it.
 */
const OPTION = /^[A-Z0-9]+-(\d{6})-(\d+(?:\.\d+)?)-([CP])$/;

/** Events that only the options' market has. */
const OWN_EVENTS: ReadonlySet<unknown> = new Set([
  'depth',
  'index',
  'markPrice',
  'openInterest',
  'ticker_all',
  'trade_all',
]);

/** Damaged frames make names up: what is held of them may not fill the memory. */
const MOST_NAMES = 20_000;

const pricesSchema = z.record(z.string(), z.number());
const stateSchema = z.object({ index: pricesSchema, last: pricesSchema, interest: pricesSchema });

/** BTC-251219-89000-C, in any case: the only names with dashes. */
export function isOption(symbol: unknown): boolean {
  return typeof symbol === 'string' && symbol.includes('-') && OPTION.test(symbol.toUpperCase());
}

/** Whether an event is of the options' market. */
export function isOptionEvent(event: WireObject): boolean {
  return OWN_EVENTS.has(event['e']) || isOption(event['s']);
}

function termsOf(symbol: string): OptionTerms | undefined {
  const [, day = '', strike = '', type] = OPTION.exec(symbol.toUpperCase()) ?? [];
  const expiry = expiryOfDate(day);
  return expiry === undefined ? undefined : { type: type === 'C' ? 'call' : 'put', strike: Number(strike), expiry };
}

/** Reads the events of options, and remembers what summaries are told with. */
export class BinanceOptions {
  readonly #index = new Map<string, number>();
  readonly #last = new Map<string, number>();
  readonly #interest = new Map<string, number>();

  read(event: WireObject, stream: string, given: ReadContext): FrameVerdict {
    const context: SharedContext = { ...given, exchange: EXCHANGE, market: 'options' };
    const reading = this.#event(event, stream, context);
    return reading === undefined ? control(`${String(event['e'])} of options`) : verdictOf(reading);
  }

  state(): unknown {
    const [index, last, interest] = [this.#index, this.#last, this.#interest].map((map) => Object.fromEntries(map));
    return { index, last, interest };
  }

  restore(state: unknown): void {
    const { index, last, interest } = stateSchema.parse(state);
    for (const [map, told] of [
      [this.#index, index],
      [this.#last, last],
      [this.#interest, interest],
    ] as const) {
      map.clear();
      for (const [name, value] of Object.entries(told)) map.set(name, value);
    }
  }

  #event(event: WireObject, stream: string, context: SharedContext): Reading | undefined {
    switch (event['e']) {
      case 'trade':
        return readTrade(event, event['s'], event['S'], context);
      case 'trade_all':
        return Array.isArray(event['t'])
          ? readRows(event['t'], (row) => readRow(row, context))
          : 'trades without a list';
      case 'depth':
        return readBook(event, true, event['E'], context);
      case 'depthUpdate':
        return depthKind(stream) === 'other'
          ? 0
          : readBook(event, depthKind(stream) === 'whole', event['T'] ?? event['E'], context);
      case 'bookTicker':
        return readBest(event, { bid: 'b', bidSize: 'B', ask: 'a', askSize: 'A' }, context);
      case 'kline':
        return readKline(event, context);
      case 'index':
        return this.#remember(this.#index, event['s'], priceOf(event['p']), 'index price cannot be read');
      case 'openInterest':
        return this.#openInterest(event, context);
      case 'markPrice':
        // Before 2025 it told the mark price alone, which the ticker tells too.
        return event['i'] === undefined && event['d'] === undefined ? undefined : this.#markPrice(event, context);
      case '24hrTicker':
        return event['bo'] === undefined ? this.#day(event, context) : this.#ticker(event, context);
      default:
        return undefined;
    }
  }

  #remember(map: Map<string, number>, name: unknown, value: number, why: string): Reading {
    if (typeof name !== 'string' || Number.isNaN(value)) return why;
    if (map.size >= MOST_NAMES && !map.has(name)) map.clear();
    map.set(name, value);
    return 0;
  }

  #openInterest(event: WireObject, context: SharedContext): Reading {
    const { s: symbol, o, h, E } = event;
    const interest = sizeOf(o);
    const usd = optionalSize(h);
    // Some say how much but not what it is worth, by a 0.
    const worth = usd === 0 && interest > 0 ? null : usd;
    const reading = pushInterest(context.symbols.facts(symbol), { interest, usd: worth, time: timeOf(E) }, context);
    if (typeof reading === 'number') this.#remember(this.#interest, symbol, interest, '');
    return reading;
  }

  /** Since 2025: best prices, volatilities and greeks with the mark price, once a second. */
  #markPrice(event: WireObject, context: SharedContext): Reading {
    const index = optionalPrice(event['i']);
    const summary = this.#summary(event, { index, markVolatility: event['vo'] }, context);
    return typeof summary === 'string' ? summary : add(summary, bestOf(event, context));
  }

  /**
   * Of 2023: the day, best prices, volatilities and greeks; the index comes by an event of its own. Of which price `vo` is
   * the volatility, and whether `P` is percent, the frames do not show.
   */
  #ticker(event: WireObject, context: SharedContext): Reading {
    const { s: symbol, o, h, l, c, V, A, p, E } = event;
    const last = optionalPrice(c);
    if (typeof symbol === 'string' && last !== null && !Number.isNaN(last))
      this.#remember(this.#last, symbol, last, '');
    const index = this.#index.get(underlyingOf(symbol)) ?? null;
    const day = {
      last_price: last,
      open_24h: optionalPrice(o),
      high_24h: optionalPrice(h),
      low_24h: optionalPrice(l),
      volume_24h: optionalSize(V),
      quote_volume_24h: optionalSize(A),
      price_change: optional(p),
    };
    const summary = this.#summary(event, { index, markVolatility: undefined }, context);
    if (typeof summary === 'string') return summary;
    return add(
      summary,
      add(bestOf(event, context), pushTicker(context.symbols.facts(symbol), timeOf(E), day, context)),
    );
  }

  /** Since 2025: the day alone. */
  #day(event: WireObject, context: SharedContext): Reading {
    const { s: symbol, o, h, l, c, v, q, p, P, E } = event;
    const last = optionalPrice(c);
    if (last !== null && !Number.isNaN(last)) this.#remember(this.#last, symbol, last, '');
    const day = {
      last_price: last,
      open_24h: optionalPrice(o),
      high_24h: optionalPrice(h),
      low_24h: optionalPrice(l),
      volume_24h: optionalSize(v),
      quote_volume_24h: optionalSize(q),
      price_change: optional(p),
      price_change_pct: optional(P),
    };
    return pushTicker(context.symbols.facts(symbol), timeOf(E), day, context);
  }

  #summary(
    event: WireObject,
    { index, markVolatility }: { readonly index: number | null; readonly markVolatility: unknown },
    context: SharedContext,
  ): Reading {
    const { s: symbol, E, mp, bo, bq, ao, aq, b, a, d, g, v, t } = event;
    const name = String(symbol);
    const told = {
      underlying_price: index,
      underlying: underlyingOf(symbol),
      mark_price: optionalSize(mp),
      mark_iv: volatilityOf(markVolatility),
      bid_price: optionalPrice(bo),
      bid_qty: optionalSize(bq),
      bid_iv: volatilityOf(b),
      ask_price: optionalPrice(ao),
      ask_qty: optionalSize(aq),
      ask_iv: volatilityOf(a),
      last_price: this.#last.get(name) ?? null,
      open_interest: this.#interest.get(name) ?? null,
      delta: optional(d),
      gamma: optionalSize(g),
      vega: optionalSize(v),
      theta: optional(t),
    };
    return pushSummary(context.symbols.facts(symbol), { time: timeOf(E), terms: termsOf(name), told }, context);
  }
}

/** BTCUSDT of BTC-251219-89000-C: all are on the index of the coin in USDT. */
function underlyingOf(symbol: unknown): string {
  return `${String(symbol).split('-', 1)[0] ?? ''}USDT`;
}

function add(a: Reading, b: Reading): Reading {
  if (typeof a === 'string') return a;
  return typeof b === 'string' ? b : a + b;
}

/** A row of `trade_all`, whose symbol is in `S` and side in `s`. */
function readRow(row: unknown, context: SharedContext): Reading {
  return isObject(row) ? readTrade(row, row['S'], row['s'], context) : 'no trade';
}

/** The side is the taker's: 1 or BUY, −1 or SELL. */
function readTrade(row: WireObject, symbol: unknown, side: unknown, context: SharedContext): Reading {
  const { t: id, p: price, q: size, T } = row;
  const taker = side === '1' || side === 'BUY' ? 'buy' : side === '-1' || side === 'SELL' ? 'sell' : undefined;
  return pushTrade(context.symbols.facts(symbol), { id, price, size, time: timeOf(T), side: taker, seq: id }, context);
}

function readBook(event: WireObject, whole: boolean, time: unknown, context: SharedContext): Reading {
  const { s, u, U, pu, b, a } = event;
  const seq = sequenceOf(u);
  if (seq === null) return 'book without an update id';
  const wire = {
    snapshot: whole,
    bids: levelsOf(b),
    asks: levelsOf(a),
    time: timeOf(time),
    seq,
    first: whole ? null : sequenceOf(U),
    previous: whole ? null : sequenceOf(pu),
  };
  return pushBook(context.symbols.facts(s), wire, context);
}

/** Best prices of a summary. */
function bestOf(event: WireObject, context: SharedContext): Reading {
  return readBest(event, { bid: 'bo', bidSize: 'bq', ask: 'ao', askSize: 'aq' }, context);
}

function readBest(
  event: WireObject,
  names: { readonly bid: string; readonly bidSize: string; readonly ask: string; readonly askSize: string },
  context: SharedContext,
): Reading {
  const wire = {
    bid: event[names.bid],
    bidSize: event[names.bidSize],
    ask: event[names.ask],
    askSize: event[names.askSize],
    time: timeOf(event['E'] ?? event['T']),
    seq: event['u'],
  };
  return pushPrices(context.symbols.facts(event['s']), wire, context);
}
