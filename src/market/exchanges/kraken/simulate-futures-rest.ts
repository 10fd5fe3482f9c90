import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedAnswer, SimulatedMarket, SimulatedRequest } from '../simulator-contract.ts';
import { barLength, barsOf } from '../shared/simulated.ts';
import { MINUTE, precisionOf, SECOND, symbolsOf } from './simulate-shared.ts';
import { oldCoin } from './wire.ts';

/* REST of simulated Kraken futures: https://docs.kraken.com/api/docs/futures-api/trading/get-tickers and beside it. */

const DERIVATIVES = '/derivatives/api/v3/';
const CHARTS = '/api/charts/v1/';
const HISTORY = 100;
const MOST_CANDLES = 2000;
const RESOLUTIONS = ['1m', '5m', '15m', '30m', '1h', '4h', '12h', '1d', '1w'];
const USUAL_BARS = 100;
/** How far back funding rates are listed. */
const FUNDING_MS = 30 * 86_400_000;

/** Answers a request of this market; every answer under /derivatives is HTTP 200 with a `result`. */
export function futuresAnswer(
  market: SimulatedMarket,
  request: SimulatedRequest,
  now: Ms,
): SimulatedAnswer | undefined {
  const { path, query } = request;
  if (path.startsWith(CHARTS)) return charts(market, path.slice(CHARTS.length).split('/'), query, now);
  if (!path.startsWith(DERIVATIVES)) return undefined;
  const [call = '', named] = path.slice(DERIVATIVES.length).split('/');
  if (call === 'instruments')
    return ok({ instruments: market.instruments.map((i) => contract(market, i.symbol)) }, now);
  if (call === 'tickers' && named === undefined) {
    return ok({ tickers: market.instruments.map((i) => tickerAnswer(market, i.symbol, now)) }, now);
  }
  const asked = named ?? query.get('symbol') ?? '';
  // A market of a few symbols may not list the one that is asked for the time.
  const symbol = symbolsOf(market).get(asked) ?? (named === 'PF_XBTUSD' ? market.instruments[0]?.symbol : undefined);
  if (symbol === undefined) return failure('invalidArgument: symbol', now);
  switch (call) {
    case 'tickers':
      return ok({ ticker: tickerAnswer(market, symbol, now) }, now);
    case 'orderbook': {
      const book = market.book(symbol, now);
      return ok({ orderBook: { bids: book.bids, asks: book.asks } }, now);
    }
    case 'history':
      return history(market, symbol, query, now);
    case 'historical-funding-rates':
      return ok({ rates: fundingRates(market, symbol, now) }, now);
    default:
      return undefined;
  }
}

/** Refusals of too many requests. */
export function refuseFutures(status: 429 | 418, seconds: number): SimulatedAnswer {
  return {
    status: status === 418 ? 403 : 429,
    body: status === 418 ? 'Too many requests' : '{"result":"error","error":"apiLimitExceeded"}',
    weight: 1,
    headers: { 'retry-after': String(seconds) },
  };
}

/** A ticker's numbers as they stand at `at`, as JSON texts. */
export function tickerRow(market: SimulatedMarket, symbol: string, at: Ms) {
  const d = market.decimals(symbol);
  const second = Math.floor(at / SECOND) * SECOND;
  const t = market.ticker(symbol, second);
  const m = market.mark(symbol, second);
  const book = market.book(symbol, at + 1, 1);
  const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
  const instrument = market.instruments.find((i) => i.symbol === symbol);
  return {
    bid: bid[0].toFixed(d.price),
    ask: ask[0].toFixed(d.price),
    bidSize: bid[1].toFixed(d.quantity),
    askSize: ask[1].toFixed(d.quantity),
    last: t.last.toFixed(d.price),
    open: t.open.toFixed(d.price),
    high: t.high.toFixed(d.price),
    low: t.low.toFixed(d.price),
    volume: t.volume.toFixed(d.quantity),
    volumeQuote: t.quoteVolume.toFixed(4),
    change: (((t.last - t.open) / t.open) * 100).toFixed(2),
    mark: m.mark.toFixed(d.mark),
    index: m.index.toFixed(d.mark),
    openInterest: market.openInterest(symbol, second).toFixed(d.quantity),
    pair: `${oldCoin(instrument?.base ?? '')}:${instrument?.quote ?? ''}`,
  };
}

function tickerAnswer(market: SimulatedMarket, symbol: string, now: Ms): unknown {
  const row = tickerRow(market, symbol, Math.floor(now));
  const m = market.mark(symbol, Math.floor(now / SECOND) * SECOND);
  const t = market.ticker(symbol, Math.floor(now / SECOND) * SECOND);
  const rate = m.fundingRate * m.index;
  return {
    symbol: nameOf(market, symbol),
    last: Number(row.last),
    lastTime: new Date(Math.floor(now)).toISOString(),
    tag: 'perpetual',
    pair: row.pair,
    markPrice: Number(row.mark),
    bid: Number(row.bid),
    bidSize: Number(row.bidSize),
    ask: Number(row.ask),
    askSize: Number(row.askSize),
    vol24h: Number(row.volume),
    volumeQuote: Number(row.volumeQuote),
    openInterest: Number(row.openInterest),
    open24h: Number(row.open),
    high24h: Number(row.high),
    low24h: Number(row.low),
    lastSize: t.lastQuantity,
    fundingRate: rate,
    fundingRatePrediction: rate,
    suspended: false,
    indexPrice: Number(row.index),
    postOnly: false,
    isExpired: false,
    change24h: Number(row.change),
  };
}

/** Newest first, at most 100 that happened before `lastTime`. */
function history(market: SimulatedMarket, symbol: string, query: URLSearchParams, now: Ms): SimulatedAnswer {
  const given = query.get('lastTime');
  const before = given === null ? now : Date.parse(given);
  if (Number.isNaN(before)) return failure('invalidArgument: lastTime', now);
  const end = Math.min(before, now);
  const next = market.tradeIdAt(symbol, end);
  const trades = market.tradesFrom(symbol, next - HISTORY, HISTORY, end);
  const first = trades[0];
  const forced = new Set(first === undefined ? [] : market.liquidations(symbol, first.at, end).map((l) => l.tradeId));
  const rows = trades.map((t) => ({
    time: new Date(t.at).toISOString(),
    trade_id: t.id,
    price: t.price,
    size: t.quantity,
    side: t.side,
    type: forced.has(t.id) ? 'liquidation' : 'fill',
    uid: executionId(market, symbol, t.id),
  }));
  return ok({ history: rows.reverse() }, now);
}

function fundingRates(market: SimulatedMarket, symbol: string, now: Ms): readonly unknown[] {
  return market.funding(symbol, now - FUNDING_MS, now).map(({ at, rate }) => ({
    timestamp: new Date(at).toISOString(),
    fundingRate: rate * market.mark(symbol, at).index,
    relativeFundingRate: rate,
  }));
}

/** `{trade|mark|spot}/{symbol}/{resolution}`, oldest first; `from` and `to` in s, inclusive. */
function charts(market: SimulatedMarket, parts: readonly string[], query: URLSearchParams, now: Ms): SimulatedAnswer {
  const [kind = '', named = '', resolution = ''] = parts;
  const symbol = symbolsOf(market).get(named);
  const bad = (message: string): SimulatedAnswer => ({
    status: 400,
    body: JSON.stringify({ errors: [{ severity: 'ERROR', type: 'VALIDATION', message }] }),
    weight: 1,
  });
  if (symbol === undefined) return bad('invalid market');
  const step = RESOLUTIONS.includes(resolution) ? barLength(resolution) : undefined;
  if (step === undefined || !['trade', 'mark'].includes(kind)) return bad('invalid resolution or tick type');
  const given = (name: string): number | undefined => {
    const text = query.get(name);
    return text === null ? undefined : Number(text);
  };
  const count = Math.min(given('count') ?? MOST_CANDLES, MOST_CANDLES);
  if (step !== MINUTE) {
    if (kind !== 'trade') return bad('the simulator has marks by the minute alone');
    const d = market.decimals(symbol);
    const bars = barsOf(market, symbol, now, step, Math.min(count, USUAL_BARS)).map((bar) => ({
      time: bar.openTime,
      ...priceTexts(bar, d.price),
      volume: bar.volume.toFixed(d.quantity),
    }));
    return { status: 200, body: JSON.stringify({ candles: bars, more_candles: false }), weight: 1 };
  }
  const newest = Math.floor(Math.min(now, (given('to') ?? Infinity) * 1000) / MINUTE) * MINUTE;
  const from = given('from');
  const oldest = from === undefined ? newest - (count - 1) * MINUTE : Math.ceil((from * 1000) / MINUTE) * MINUTE;
  const candles: unknown[] = [];
  let at = oldest;
  for (; at <= newest && candles.length < count; at += MINUTE) candles.push(candle(market, symbol, kind, at, now));
  const body = JSON.stringify({ candles: candles.filter((c) => c !== undefined), more_candles: at <= newest });
  return { status: 200, body, weight: 1 };
}

function candle(market: SimulatedMarket, symbol: string, kind: string, at: Ms, now: Ms): unknown {
  const d = market.decimals(symbol);
  if (kind === 'mark') {
    const marks = [0, 10, 20, 30, 40, 50, 59].map((s) => at + s * SECOND).filter((time) => time <= now);
    const values = marks.map((time) => market.mark(symbol, time).mark);
    const [open, close] = [values[0] ?? 0, values.at(-1) ?? 0];
    const texts = [open, Math.max(...values), Math.min(...values), close].map((value) => value.toFixed(d.mark));
    return { time: at, open: texts[0], high: texts[1], low: texts[2], close: texts[3], volume: '0' };
  }
  const c = market.candle(symbol, at, now);
  if (c === undefined) return undefined;
  return { time: at, ...priceTexts(c, d.price), volume: c.volume.toFixed(d.quantity) };
}

type Prices = Readonly<Record<'open' | 'high' | 'low' | 'close', number>>;

function priceTexts({ open, high, low, close }: Prices, digits: number): Readonly<Record<keyof Prices, string>> {
  const text = (value: number): string => value.toFixed(digits);
  return { open: text(open), high: text(high), low: text(low), close: text(close) };
}

function contract(market: SimulatedMarket, symbol: string): unknown {
  const i = market.instruments.find((one) => one.symbol === symbol);
  return {
    symbol: i?.venue_symbol,
    type: 'flexible_futures',
    tickSize: i?.tick_size,
    contractSize: 1,
    tradeable: true,
    impactMidSize: 1,
    maxPositionSize: 1_000_000,
    openingDate: '2022-03-22T13:18:45Z',
    fundingRateCoefficient: 24,
    maxRelativeFundingRate: 0.0025,
    marginLevels: [{ numNonContractUnits: 0, initialMargin: 0.02, maintenanceMargin: 0.01 }],
    contractValueTradePrecision: precisionOf(i?.lot_size ?? 1),
    postOnly: false,
    base: i?.base,
    quote: i?.quote,
    pair: `${i?.base ?? ''}:${i?.quote ?? ''}`,
  };
}

function nameOf(market: SimulatedMarket, symbol: string): string {
  return market.instruments.find((i) => i.symbol === symbol)?.venue_symbol ?? symbol;
}

function ok(content: Readonly<Record<string, unknown>>, now: Ms): SimulatedAnswer {
  const body = JSON.stringify({ result: 'success', ...content, serverTime: new Date(Math.floor(now)).toISOString() });
  return { status: 200, body, weight: 1 };
}

function failure(error: string, now: Ms): SimulatedAnswer {
  const body = JSON.stringify({ result: 'error', error, serverTime: new Date(Math.floor(now)).toISOString() });
  return { status: 200, body, weight: 1 };
}

/** A trade's id: a UUID of its symbol and number. */
export function executionId(_market: SimulatedMarket, symbol: string, id: number): string {
  let code = 7;
  for (let i = 0; i < symbol.length; i++) code = Math.imul(code, 31) + symbol.charCodeAt(i);
  const head = (code >>> 0).toString(16).padStart(8, '0');
  const mixed = (Math.imul(id | 0, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
  return `${head}-${mixed.slice(0, 4)}-4${mixed.slice(4, 7)}-8${mixed.slice(5)}-${id.toString(16).padStart(12, '0').slice(-12)}`;
}
