import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedAnswer, SimulatedMarket } from '../simulator-contract.ts';
import { barsOf, byVenueSymbol, LISTED_AT, limitOf, MINUTE, numberIn, SECOND } from '../shared/simulated.ts';
import { msToUs } from '../../domain/records.ts';
import { coinTrades, historicalVolatility, settlements, summaries, volatilityIndex } from './simulate-endpoints.ts';
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

/** Answers about a coin; `Invalid params` when there is none of the name. */
function ofCoin(read: (request: Request) => unknown, weight = 1): Call {
  return (request) => {
    const result = read(request);
    return result === undefined ? failure(-32602, 'Invalid params') : ok(result, weight);
  };
}

const CALLS: Readonly<Record<string, Call>> = {
  get_book_summary_by_currency: ofCoin((request) =>
    (request.query.get('kind') ?? kindOf(request.market)) === kindOf(request.market) ? summaries(request) : [],
  ),
  get_last_trades_by_currency: ofCoin(coinTrades),
  get_historical_volatility: ofCoin(historicalVolatility),
  get_volatility_index_data: ofCoin(volatilityIndex),
  get_last_settlements_by_currency: ofCoin(settlements),
  get_index_price_names: ({ market }) => ok([...new Set(market.instruments.map(indexName))]),
  get_currencies: ({ market }) =>
    ok([...new Set(market.instruments.map((i) => i.base))].map((base) => ({ currency: base, currency_long: base }))),
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
    const first = numberIn(request.query, 'start_seq');
    if (first !== undefined) return trades(request, instrument, first, request.now);
    const { market, query, now } = request;
    const count = limitOf(query, 'count', 10, 1000);
    if (count === undefined) return failure(-32602, 'Invalid params');
    const next = market.tradeIdAt(instrument.symbol, now);
    const newest = market.tradesFrom(instrument.symbol, next - count, count, now).toReversed();
    return ok({ trades: newest.map((t) => tradeRow(market, instrument, t)), has_more: true });
  }),
  get_tradingview_chart_data: ofInstrument((request, instrument) => {
    const resolution = request.query.get('resolution') ?? '';
    if (resolution !== '1') return bars(request, instrument, resolution);
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

function indexName({ base, quote }: Instrument): string {
  return `${base}_${quote === 'USDC' ? 'usdc' : 'usd'}`.toLowerCase();
}

/** Candles of more than a minute, in columns. */
function bars({ market, query, now }: Request, { symbol }: Instrument, resolution: string): SimulatedAnswer {
  const step = resolution === '1D' ? 1440 * MINUTE : Number(resolution) * MINUTE;
  const from = numberIn(query, 'start_timestamp');
  if (!(step > 0) || from === undefined) return failure(-32602, 'Invalid params');
  const rows = barsOf(market, symbol, now, step, Math.ceil((now - from) / step)).filter((bar) => bar.openTime >= from);
  return ok({
    ticks: rows.map((bar) => bar.openTime),
    open: rows.map((bar) => bar.open),
    high: rows.map((bar) => bar.high),
    low: rows.map((bar) => bar.low),
    close: rows.map((bar) => bar.close),
    volume: rows.map((bar) => bar.volume),
    cost: rows.map((bar) => bar.quoteVolume),
    status: rows.length === 0 ? 'no_data' : 'ok',
  });
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
    price_index: indexName(instrument),
    max_leverage: 50,
    maker_commission: 0,
    taker_commission: 0.0005,
    creation_timestamp: LISTED_AT,
    expiration_timestamp: expiry_time === undefined ? PERPETUAL_UNTIL : expiry_time / 1000,
  };
}
