import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedAnswer, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import {
  barLength,
  barsOf,
  byVenueSymbol,
  contractsText,
  digitsOf,
  HOUR,
  limitOf,
  LISTED_AT,
  MINUTE,
  numberIn,
  plain,
  SECOND,
  ticks,
} from '../shared/simulated.ts';
import {
  deliveryContracts,
  deliveryTickers,
  expirations,
  forcedOrders,
  insurance,
  optionBook,
  optionContract,
  options,
  optionTicker,
  riskTiers,
  statsRow,
  underlyings,
} from './simulate-statistics.ts';
import { BOOK_LEVELS, candleFields, levelsText, tickerRow, tradeRow } from './simulate-frames.ts';

/* REST of the simulated Gate.io v4: https://www.gate.com/docs/developers/apiv4/en/. */

interface Request {
  readonly market: SimulatedMarket;
  readonly query: URLSearchParams;
  readonly now: Ms;
}

interface Asked extends Request {
  readonly instrument: Instrument;
}

type Call = (request: Request) => SimulatedAnswer;

/** The REST half of one Gate.io market. Both are served by one host, as the venue has it. */
export function restOf(kind: Market): VenueSimulator['rest'] {
  const calls = kind === 'spot' ? SPOT : FUTURES;
  return (market, { path, query }, now) => {
    if (!path.startsWith('/api/v4/')) return undefined;
    const asked = path.slice('/api/v4/'.length);
    const call = calls[asked] ?? (kind === 'spot' ? undefined : named(asked)?.call);
    return call?.({ market, query, now: Math.floor(now) });
  };
}

export function failure(label: string, message: string, status = 400): SimulatedAnswer {
  return { status, body: JSON.stringify({ label, message }), weight: 1 };
}

function ok(value: unknown): SimulatedAnswer {
  return { status: 200, body: JSON.stringify(value), weight: 1 };
}

/** For calls of one symbol, named by the parameter. */
function ofSymbol(key: string, run: (request: Asked) => SimulatedAnswer): Call {
  return (request) => {
    const asked = request.query.get(key);
    if (asked === null || asked === '') return failure('MISSING_REQUIRED_PARAM', `Missing required parameter: ${key}`);
    const instrument = byVenueSymbol(request.market, asked.replace(/^mark_/, ''));
    if (instrument !== undefined) return run({ ...request, instrument });
    return key === 'contract'
      ? failure('CONTRACT_NOT_FOUND', `contract ${asked} not found`)
      : failure('INVALID_CURRENCY_PAIR', `Invalid currency pair ${asked}`);
  };
}

function badLimit(): SimulatedAnswer {
  return failure('INVALID_PARAM_VALUE', 'Invalid request parameter `limit` value');
}

const time: Call = ({ now }) => ok({ server_time: now });

const contracts: Call = ({ market, now }) => ok(market.instruments.map((i) => contractRow(market, i, now)));

const pairs: Call = ({ market }) =>
  ok(
    market.instruments.map((i) => ({
      id: i.venue_symbol,
      base: i.base,
      quote: i.quote,
      fee: '0.2',
      min_base_amount: plain(i.lot_size ?? 0),
      min_quote_amount: '3',
      amount_precision: digitsOf(i.lot_size ?? 1),
      precision: digitsOf(i.tick_size ?? 1),
      trade_status: 'tradable',
      sell_start: LISTED_AT / SECOND,
      buy_start: LISTED_AT / SECOND,
    })),
  );

function contractRow(market: SimulatedMarket, i: Instrument, now: Ms): unknown {
  const m = market.mark(i.symbol, now);
  const d = market.decimals(i.symbol);
  return {
    name: i.venue_symbol,
    type: 'direct',
    quanto_multiplier: plain(i.contract_size ?? 1),
    order_price_round: plain(i.tick_size ?? 0),
    mark_price_round: plain(i.tick_size ?? 0),
    order_size_min: 1,
    order_size_max: 1_000_000,
    leverage_min: '1',
    leverage_max: '50',
    maintenance_rate: '0.005',
    funding_rate: plain(m.fundingRate),
    funding_interval: (i.funding_interval_hours ?? 8) * (HOUR / SECOND),
    funding_next_apply: m.nextFundingTime / SECOND,
    mark_price: m.mark.toFixed(d.mark),
    index_price: m.index.toFixed(d.mark),
    last_price: lastPrice(market, i.symbol, Math.floor(now / SECOND) * SECOND).toFixed(d.price),
    position_size: Number(contractsText(i, market.openInterest(i.symbol, now))),
    maker_fee_rate: '0.0002',
    taker_fee_rate: '0.0005',
    in_delisting: false,
    status: 'trading',
  };
}

/** Of the newest trade before `at`: the day's ticker knows it too, and adds up a day's trades of each symbol for it. */
function lastPrice(market: SimulatedMarket, symbol: string, at: Ms): number {
  const [trade] = market.tradesFrom(symbol, market.tradeIdAt(symbol, at) - 1, 1, at);
  return trade?.price ?? market.mark(symbol, at).mark;
}

const orderBook = (key: string): Call =>
  ofSymbol(key, ({ market, instrument, query, now }) => {
    const limit = limitOf(query, 'limit', 10, BOOK_LEVELS);
    if (limit === undefined) return badLimit();
    const book = market.book(instrument.symbol, now, limit);
    const unit = market.market === 'spot' ? 1 : SECOND;
    const id = query.get('with_id') === 'true' ? `"id":${book.seq},` : '';
    // The last change before now.
    const update = Math.ceil(now / 100) * 100 - 100;
    const asks = levelsText(market, instrument, book.asks);
    const bids = levelsText(market, instrument, book.bids);
    return {
      status: 200,
      weight: 1,
      body: `{${id}"current":${now / unit},"update":${update / unit},"asks":${asks},"bids":${bids}}`,
    };
  });

/** Newest first, of whole seconds; futures skip `offset` rows, spot whole pages. */
const trades = (key: string, paging: 'offset' | 'page'): Call =>
  ofSymbol(key, ({ market, instrument, query, now }) => {
    const limit = limitOf(query, 'limit', 100, 1000);
    if (limit === undefined) return badLimit();
    const { symbol } = instrument;
    const to = Math.min(now, ((numberIn(query, 'to') ?? Infinity) + 1) * SECOND);
    const first = market.tradeIdAt(symbol, Math.max(LISTED_AT, (numberIn(query, 'from') ?? 0) * SECOND));
    const at = numberIn(query, paging) ?? (paging === 'page' ? 1 : 0);
    const skip = paging === 'page' ? (at - 1) * limit : at;
    const end = market.tradeIdAt(symbol, to) - skip;
    const begin = Math.max(numberIn(query, 'from') === undefined ? end - limit : first, end - limit);
    if (end <= begin) return ok([]);
    const rows = market.tradesFrom(symbol, begin, end - begin, now).map((t) => tradeRow(market, instrument, t, true));
    return ok(rows.reverse());
  });

const candlesticks = (key: string, most: number): Call =>
  ofSymbol(key, (request) => {
    const { market, query, now } = request;
    const interval = query.get('interval') ?? '5m';
    if (interval !== '1m') return longBars(request, interval);
    const [from, to] = [numberIn(query, 'from'), numberIn(query, 'to')];
    const limit = limitOf(query, 'limit', 100, most);
    if (limit === undefined) return badLimit();
    if (from !== undefined && query.has('limit')) {
      return failure('INVALID_PARAM_VALUE', 'limit conflicts with from and to');
    }
    const last = Math.floor(Math.min(now, to === undefined ? now : to * SECOND) / MINUTE) * MINUTE;
    const first = from === undefined ? last - (limit - 1) * MINUTE : Math.ceil((from * SECOND) / MINUTE) * MINUTE;
    if ((last - first) / MINUTE >= most) {
      return failure('INVALID_PARAM_VALUE', `Candlestick range too broad. Maximum ${most} data points are allowed`);
    }
    const times = ticks(Math.max(first, LISTED_AT), last + 1, MINUTE);
    const mark = (query.get(key) ?? '').startsWith('mark_');
    return ok(times.flatMap((openTime) => (mark ? [markBar(request, openTime)] : tradeBar(market, request, openTime))));
  });

/** Bars of other lengths, the newest of them, without bounds. */
function longBars({ market, instrument, query, now }: Asked, interval: string): SimulatedAnswer {
  const step = barLength(interval);
  const limit = limitOf(query, 'limit', 100, 1000);
  if (step === undefined || step < MINUTE) return failure('INVALID_PARAM_VALUE', 'Invalid interval');
  if (limit === undefined) return badLimit();
  const d = market.decimals(instrument.symbol);
  return ok(
    barsOf(market, instrument.symbol, now, step, limit).map((bar) => {
      const [o, h, l, c] = [bar.open, bar.high, bar.low, bar.close].map((price) => price.toFixed(d.price));
      const [t, size] = [bar.openTime / SECOND, contractsText(instrument, bar.volume)];
      const quote = bar.quoteVolume.toFixed(d.price + d.quantity);
      return market.market === 'spot'
        ? [String(t), quote, c, h, l, o, size, String(bar.closed)]
        : { t, v: Number(size), o, h, l, c, sum: quote };
    }),
  );
}

function tradeBar(market: SimulatedMarket, { instrument, now }: Asked, openTime: Ms): readonly unknown[] {
  const closed = now >= openTime + MINUTE;
  const fields = candleFields(market, instrument, openTime, closed ? openTime + MINUTE : now);
  if (fields === undefined) return [];
  const { o, h, l, c, size, quote } = fields;
  const t = openTime / SECOND;
  return market.market === 'spot'
    ? [[String(t), quote, c, h, l, o, size, String(closed)]]
    : [{ t, v: Number(size), o, h, l, c, sum: quote }];
}

function markBar({ market, instrument, now }: Asked, openTime: Ms): unknown {
  const marks = ticks(openTime, Math.min(now + 1, openTime + MINUTE), 10_000).map(
    (at) => market.mark(instrument.symbol, at).mark,
  );
  const text = (value: number): string => value.toFixed(market.decimals(instrument.symbol).mark);
  return {
    t: openTime / SECOND,
    o: text(marks[0] ?? 0),
    h: text(Math.max(...marks)),
    l: text(Math.min(...marks)),
    c: text(marks.at(-1) ?? 0),
  };
}

const tickers =
  (key: string): Call =>
  (request) => {
    const { market, query, now } = request;
    if (query.get(key) !== null) {
      return ofSymbol(key, ({ instrument }) => ok([tickerRow(market, instrument, now)]))(request);
    }
    return ok(market.instruments.map((i) => tickerRow(market, i, now)));
  };

/** `{t, r}`, newest first. */
const fundingRate = ofSymbol('contract', ({ market, instrument, query, now }) => {
  const limit = limitOf(query, 'limit', 100, 1000);
  if (limit === undefined) return badLimit();
  const hours = instrument.funding_interval_hours ?? 8;
  const to = Math.min(now + 1, ((numberIn(query, 'to') ?? Infinity) + 1) * SECOND);
  const from = numberIn(query, 'from');
  const begin = Math.max(LISTED_AT, from === undefined ? to - limit * hours * HOUR : from * SECOND);
  const rows = market.funding(instrument.symbol, begin, to).map((f) => ({ t: f.at / SECOND, r: plain(f.rate) }));
  return ok(rows.reverse().slice(0, limit));
});

/** Oldest first from `from` on. */
const contractStats = ofSymbol('contract', ({ market, instrument, query, now }) => {
  const step = ['5m', '1h', '1d'].includes(query.get('interval') ?? '5m')
    ? barLength(query.get('interval') ?? '5m')
    : undefined;
  if (step === undefined) return failure('INVALID_PARAM_VALUE', 'Invalid interval');
  const limit = limitOf(query, 'limit', 30, 100);
  if (limit === undefined) return badLimit();
  const from = numberIn(query, 'from');
  const last = Math.floor(now / step) * step;
  const begin = from === undefined ? last - (limit - 1) * step : Math.max(LISTED_AT, from * SECOND);
  const times = ticks(begin, last + 1, step).slice(0, limit);
  return ok(times.map((at) => statsRow(market, instrument, at, step)));
});

const liquidations: Call = ({ market, query, now }) => {
  const limit = limitOf(query, 'limit', 100, 1000);
  if (limit === undefined) return badLimit();
  return ok(forcedOrders(market, query.get('contract'), now).slice(0, limit));
};

const fund: Call = ({ market, query, now }) => {
  const limit = limitOf(query, 'limit', 100, 100);
  return limit === undefined ? badLimit() : ok(insurance(market, now, limit));
};

const riskLimits = ofSymbol('contract', ({ instrument }) => ok(riskTiers(instrument)));

/** For calls about the options on one underlying. */
const ofUnderlying =
  (run: (chosen: ReturnType<typeof options>, request: Request) => unknown): Call =>
  (request) => {
    const { market, query, now } = request;
    const underlying = query.get('underlying');
    if (underlying === null) return failure('MISSING_REQUIRED_PARAM', 'Missing required parameter: underlying');
    const chosen = options(market, underlying, now);
    return chosen.length === 0
      ? failure('CONTRACT_NOT_FOUND', `underlying ${underlying} not found`)
      : ok(run(chosen, request));
  };

const optionOrderBook: Call = ({ market, query, now }) => {
  const name = query.get('contract') ?? '';
  const option = options(market, name.split('-')[0] ?? '', now).find((o) => o.name === name);
  return option === undefined
    ? failure('CONTRACT_NOT_FOUND', `contract ${name} not found`)
    : ok(optionBook(market, option, now));
};

/** Paths that end in a name. */
function named(path: string): { readonly call: Call; readonly name: string } | undefined {
  const match = /^(futures\/usdt\/contracts|options\/underlying\/tickers)\/([\w-]+)$/.exec(path);
  if (match === null) return undefined;
  const [, kind = '', name = ''] = match;
  const call: Call = ({ market, now }) => {
    const instrument = byVenueSymbol(market, name);
    if (instrument === undefined) return failure('CONTRACT_NOT_FOUND', `contract ${name} not found`);
    if (kind.startsWith('futures')) return ok(contractRow(market, instrument, now));
    const { index } = market.mark(instrument.symbol, Math.floor(now / SECOND) * SECOND);
    return ok({ trade_put: 1000, trade_call: 1200, index_price: index.toFixed(2) });
  };
  return { call, name };
}

const FUTURES: Readonly<Record<string, Call>> = {
  'spot/time': time,
  'futures/usdt/contracts': contracts,
  'futures/usdt/order_book': orderBook('contract'),
  'futures/usdt/trades': trades('contract', 'offset'),
  'futures/usdt/candlesticks': candlesticks('contract', 2000),
  'futures/usdt/tickers': tickers('contract'),
  'futures/usdt/funding_rate': fundingRate,
  'futures/usdt/contract_stats': contractStats,
  'futures/usdt/liq_orders': liquidations,
  'futures/usdt/insurance': fund,
  'futures/usdt/risk_limit_tiers': riskLimits,
  'delivery/usdt/contracts': ({ market, now }) => ok(deliveryContracts(market, now)),
  'delivery/usdt/tickers': ({ market, query, now }) => ok(deliveryTickers(market, query.get('contract'), now)),
  'options/underlyings': ({ market, now }) => ok(underlyings(market, now)),
  'options/expirations': ofUnderlying((_chosen, { now }) => expirations(now)),
  'options/contracts': ofUnderlying((chosen, { now }) => chosen.map((o) => optionContract(o, now))),
  'options/tickers': ofUnderlying((chosen, { market, now }) => chosen.map((o) => optionTicker(market, o, now))),
  'options/order_book': optionOrderBook,
};

const SPOT: Readonly<Record<string, Call>> = {
  'spot/time': time,
  'spot/currency_pairs': pairs,
  'spot/order_book': orderBook('currency_pair'),
  'spot/trades': trades('currency_pair', 'page'),
  'spot/candlesticks': candlesticks('currency_pair', 1000),
  'spot/tickers': tickers('currency_pair'),
};
