import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedAnswer, SimulatedMarket } from '../contract.ts';
import { byVenueSymbol, LISTED_AT, limitOf, MINUTE, numberIn, SECOND } from '../shared/simulated.ts';
import { msToUs } from '../../domain/records.ts';
import { BOOK_LEVELS, candleRow, tickerData, tradeRow } from './simulate-frames.ts';

/* REST of the simulated Deribit, /api/v2/public. */

interface Request {
  readonly market: SimulatedMarket;
  readonly query: URLSearchParams;
  readonly now: Ms;
}

type Call = (request: Request) => SimulatedAnswer;

const MOST_CANDLES = 5000;

/** Answers a method; undefined when there is none of the name. */
export function answerPublic(
  market: SimulatedMarket,
  path: string,
  query: URLSearchParams,
  now: Ms,
): SimulatedAnswer | undefined {
  const method = /^\/api\/v2\/public\/(\w+)$/.exec(path)?.[1] ?? '';
  return Object.hasOwn(CALLS, method) ? CALLS[method]?.({ market, query, now: Math.floor(now) }) : undefined;
}

export function failure(code: number, message: string, status = 400): SimulatedAnswer {
  return { status, body: JSON.stringify({ jsonrpc: '2.0', error: { code, message }, testnet: false }), weight: 1 };
}

function ok(result: unknown, weight = 1): SimulatedAnswer {
  return { status: 200, body: JSON.stringify({ jsonrpc: '2.0', result, testnet: false }), weight };
}

function ofInstrument(run: (request: Request, instrument: Instrument) => SimulatedAnswer): Call {
  return (request) => {
    const instrument = byVenueSymbol(request.market, request.query.get('instrument_name'));
    return instrument === undefined ? failure(13020, 'not_found') : run(request, instrument);
  };
}

/** [from, to) of the inclusive bounds. */
function spanOf({ query, now }: Request): { readonly from: Ms; readonly to: Ms } {
  const end = numberIn(query, 'end_timestamp');
  return {
    from: Math.max(LISTED_AT, numberIn(query, 'start_timestamp') ?? 0),
    to: Math.min(now, end === undefined ? now : end + 1),
  };
}

function trades(request: Request, instrument: Instrument, first: number, to: Ms): SimulatedAnswer {
  const { market, query } = request;
  const count = limitOf(query, 'count', 10, 1000);
  if (count === undefined) return failure(-32602, 'Invalid params');
  const found = market.tradesFrom(instrument.symbol, first, count, to);
  const more = market.tradeIdAt(instrument.symbol, to) > first + found.length;
  return ok({ trades: found.map((t) => tradeRow(market, instrument, t)), has_more: more });
}

const CALLS: Readonly<Record<string, Call>> = {
  get_time: ({ now }) => ok(now),
  test: () => ok({ version: '1.2.26' }),
  get_instruments: ({ market, query, now }) => {
    const [kind, currency] = [query.get('kind'), query.get('currency') ?? 'any'];
    const wanted = kind === null || kind === kindOf(market) ? market.instruments : [];
    const alive = wanted.filter((i) => (i.expiry_time ?? Infinity) > msToUs(now));
    const rows = alive.filter(({ base, quote }) => currency === 'any' || [base, quote].includes(currency));
    return ok(rows.map(listed), 20);
  },
  get_index_price: ({ market, query, now }) => {
    const base = (query.get('index_name') ?? '').split('_')[0]?.toUpperCase();
    const instrument = market.instruments.find((i) => i.base === base);
    if (instrument === undefined) return failure(-32602, 'Invalid params');
    const { index } = market.mark(instrument.symbol, Math.floor(now / SECOND) * SECOND);
    return ok({ index_price: index, estimated_delivery_price: index });
  },
  get_order_book: ofInstrument((request, instrument) => {
    const { market, now, query } = request;
    const depth = limitOf(query, 'depth', 5, BOOK_LEVELS) ?? 5;
    const book = market.book(instrument.symbol, now, depth);
    const sides = [book.bids, book.asks].map((levels) =>
      levels.map(([price, quantity]) => [price, instrument.inverse ? quantity * price : quantity]),
    );
    const [bids, asks] = sides;
    return ok({ ...tickerData(market, instrument, now), change_id: book.seq, bids, asks });
  }),
  ticker: ofInstrument(({ market, now }, instrument) => ok(tickerData(market, instrument, now))),
  get_last_trades_by_instrument_and_time: ofInstrument((request, instrument) => {
    const { from, to } = spanOf(request);
    return trades(request, instrument, request.market.tradeIdAt(instrument.symbol, from), to);
  }),
  get_last_trades_by_instrument: ofInstrument((request, instrument) => {
    const first = numberIn(request.query, 'start_seq') ?? 0;
    return trades(request, instrument, first, request.now);
  }),
  get_tradingview_chart_data: ofInstrument((request, instrument) => {
    if (request.query.get('resolution') !== '1') return failure(-32602, 'Invalid params');
    const { from, to } = spanOf(request);
    const columns: Record<string, number[]> = {
      ticks: [],
      open: [],
      high: [],
      low: [],
      close: [],
      volume: [],
      cost: [],
    };
    const first = Math.ceil(from / MINUTE) * MINUTE;
    for (let at = first; at < to && (at - first) / MINUTE < MOST_CANDLES; at += MINUTE) {
      const row = candleRow(request.market, instrument, at, request.now);
      for (const [name, value] of Object.entries(row ?? {})) columns[name === 'tick' ? 'ticks' : name]?.push(value);
    }
    return ok({ ...columns, status: columns['ticks']?.length === 0 ? 'no_data' : 'ok' });
  }),
  get_funding_rate_history: ofInstrument((request, { symbol }) => {
    const { from, to } = spanOf(request);
    const rows = request.market.funding(symbol, from, to).map(({ at, rate }) => {
      const { index } = request.market.mark(symbol, at);
      return { timestamp: at, index_price: index, prev_index_price: index, interest_8h: rate, interest_1h: rate / 8 };
    });
    return ok(rows);
  }),
};

function kindOf({ market }: SimulatedMarket): string {
  return market === 'options' ? 'option' : 'future';
}

const PERPETUAL_UNTIL = 32_503_708_800_000;

function listed(instrument: Instrument): unknown {
  const { venue_symbol, base, quote, inverse, option_type, strike_price, expiry_time } = instrument;
  const reversed = inverse || quote === base;
  return {
    instrument_name: venue_symbol,
    kind: instrument.kind === 'option' ? 'option' : 'future',
    ...(option_type === undefined ? {} : { option_type, strike: strike_price }),
    is_active: true,
    base_currency: base,
    quote_currency: quote,
    counter_currency: reversed ? 'USD' : quote,
    settlement_currency: instrument.settlement_currency,
    instrument_type: reversed ? 'reversed' : 'linear',
    ...(instrument.kind === 'option' ? {} : { future_type: reversed ? 'reversed' : 'linear' }),
    settlement_period: expiry_time === undefined ? 'perpetual' : 'month',
    tick_size: instrument.tick_size,
    tick_size_steps: [],
    min_trade_amount: inverse ? 10 : instrument.lot_size,
    contract_size: inverse ? 10 : instrument.lot_size,
    price_index: `${base.toLowerCase()}_usd`,
    max_leverage: 50,
    maker_commission: 0,
    taker_commission: 0.0005,
    creation_timestamp: LISTED_AT,
    expiration_timestamp: expiry_time === undefined ? PERPETUAL_UNTIL : expiry_time / 1000,
  };
}
