import { describe, expect, it } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { pollCall } from '../../../../src/market/collect/polling.ts';
import type { RestArgs, RestCallName } from '../../../../src/market/domain/tape.ts';
import { marketOf } from '../recorded/data.ts';

const futures = marketOf('binance_futures');
const spot = marketOf('binance_spot');
const HOUR = 3_600_000;
const T = 1_780_000_000_000;

function decode(call: RestCallName, args: RestArgs, body: unknown, market = futures): MarketRecord[] {
  const records: MarketRecord[] = [];
  const decoder = market.createDecoder({ instruments: [] });
  const verdict = decoder.rest(call, args, JSON.stringify(body), (T + HOUR) * 1000, (record) => records.push(record));
  expect(verdict).toEqual({ kind: 'data', records: records.length });
  return records;
}

const pathOf = (call: RestCallName, args: RestArgs, market = futures): string =>
  market.rest[call]?.request(args, undefined).path ?? '';

const trade = (id: number, time: number) => ({ a: id, p: '10', q: '1', f: id, l: id, T: time, m: false });

describe('Binance trades over REST', () => {
  const args = { symbol: 'BTCUSDT', from: T, to: T + 3 * HOUR, limit: 2 };
  const next = (a: RestArgs, rows: unknown): RestArgs | undefined =>
    futures.rest.trades?.nextPage?.(a, JSON.stringify(rows));

  it('begin with an hour at most and go on by id', () => {
    expect(pathOf('trades', args)).toBe(
      `/fapi/v1/aggTrades?symbol=BTCUSDT&startTime=${T}&endTime=${T + HOUR - 1}&limit=2`,
    );
    const second = next(args, [trade(5, T), trade(6, T + 1)]);
    expect(second).toEqual({ ...args, cursor: '7' });
    expect(pathOf('trades', second ?? {})).toBe('/fapi/v1/aggTrades?symbol=BTCUSDT&fromId=7&limit=2');
  });

  it('go on over a short page when the window was cut, and stop at the end', () => {
    expect(next(args, [trade(5, T)])).toEqual({ ...args, cursor: '6' });
    expect(next({ ...args, cursor: '6' }, [trade(6, T + 1)])).toBeUndefined();
    expect(next({ ...args, cursor: '6' }, [trade(6, T), trade(7, T + 3 * HOUR)])).toBeUndefined();
    expect(next({ ...args, to: T + HOUR }, [trade(5, T)])).toBeUndefined();
  });

  it('look into the next hour when there is nothing in this one', () => {
    expect(next(args, [])).toEqual({ ...args, from: T + HOUR });
    expect(next({ ...args, from: T + 2 * HOUR }, [])).toBeUndefined();
    expect(next({ ...args, cursor: '9' }, [])).toBeUndefined();
  });

  it('leave out what lies beyond the bounds', () => {
    const rows = [trade(5, T - 1), trade(6, T), trade(7, T + 3 * HOUR)];
    const records = decode('trades', { ...args, cursor: '5' }, rows);
    expect(records).toMatchObject([{ stream: 'trades', trade_id: '6', origin: 'backfill', seq: 6 }]);
  });
});

describe('Binance best prices over REST', () => {
  it('come from the book ticker on futures, whose 24 h ticker has none', () => {
    expect(pathOf('prices', { symbol: 'BTCUSDT' })).toBe('/fapi/v1/ticker/bookTicker?symbol=BTCUSDT');
    const row = { symbol: 'BTCUSDT', bidPrice: '10', bidQty: '2', askPrice: '11', askQty: '3', time: T };
    expect(decode('prices', { symbol: 'BTCUSDT' }, row)).toMatchObject([
      { stream: 'prices', bid_price: 10, bid_qty: 2, ask_price: 11, ask_qty: 3, event_time: T * 1000, origin: 'live' },
    ]);
    expect(pollCall(futures, 'prices')).toBe('prices');
    expect(pollCall(spot, 'prices')).toBe('ticker_24h');
  });
});

describe('Binance history over REST', () => {
  it('reads candles, closed when their end has passed', () => {
    const row = (t: number) => [t, '1', '4', '0.5', '2', '10', t + 59_999, '20', 3, '4', '8', '0'];
    const records = decode('candles', { symbol: 'BTCUSDT', from: T, to: T + 2 * HOUR }, [row(T), row(T + HOUR)]);
    expect(records).toMatchObject([
      { open_time: T * 1000, close_time: (T + 60_000) * 1000, closed: true, event_time: (T + 60_000) * 1000 },
      { open_time: (T + HOUR) * 1000, closed: false, event_time: (T + HOUR) * 1000, trade_count: 3 },
    ]);
  });

  it('pages candles forward from the last, while pages come full', () => {
    const args = { symbol: 'BTCUSDT', from: T, to: T + HOUR, limit: 2 };
    const page = (rows: unknown) => spot.rest.candles?.nextPage?.(args, JSON.stringify(rows));
    expect(page([[T], [T + 60_000]])).toEqual({ ...args, from: T + 120_000 });
    expect(page([[T]])).toBeUndefined();
    expect(page([[T], [T + HOUR - 60_000]])).toBeUndefined();
  });

  it('takes the opening mark price of each minute, and invents no index', () => {
    const row = [T, '100', '104', '99', '102', '0', T + 59_999, '0', 60, '0', '0', '0'];
    expect(decode('mark_prices', { symbol: 'BTCUSDT' }, [row])).toMatchObject([
      { stream: 'mark_prices', mark_price: 100, index_price: null, funding_rate: null, event_time: T * 1000 },
    ]);
  });

  it('asks for the mark price of now when no time is given', () => {
    expect(pathOf('mark_prices', { symbol: 'BTCUSDT', limit: 3 })).toBe('/fapi/v1/premiumIndex?symbol=BTCUSDT');
    expect(pathOf('mark_prices', { symbol: 'BTCUSDT', from: T, to: T + 1 })).toContain('/fapi/v1/markPriceKlines?');
    const now = {
      symbol: 'BTCUSDT',
      markPrice: '101',
      indexPrice: '100',
      lastFundingRate: '0.0001',
      nextFundingTime: T + HOUR,
      time: T,
    };
    expect(decode('mark_prices', { symbol: 'BTCUSDT' }, now)).toMatchObject([
      { stream: 'mark_prices', mark_price: 101, index_price: 100, event_time: T * 1000 },
      { stream: 'funding_rates', funding_rate: 0.0001, next_funding_time: (T + HOUR) * 1000 },
    ]);
  });

  it('reads settled funding and open interest', () => {
    const funding = { symbol: 'BTCUSDT', fundingTime: T, fundingRate: '-0.0001', markPrice: '1' };
    expect(decode('funding_rates', { symbol: 'BTCUSDT' }, [funding])).toMatchObject([
      { funding_rate: -0.0001, next_funding_time: null, event_time: T * 1000, origin: 'backfill' },
    ]);
    const interest = { symbol: 'BTCUSDT', sumOpenInterest: '5', sumOpenInterestValue: '500', timestamp: T };
    expect(decode('open_interest_history', { symbol: 'BTCUSDT' }, [interest])).toMatchObject([
      { open_interest: 5, open_interest_usd: 500 },
    ]);
  });

  it('keeps calls without weight to limits of their own', () => {
    const weightOf = (call: RestCallName, of: RestArgs) => futures.rest[call]?.request(of, undefined).weight ?? NaN;
    const aMinute = (weight: number) => futures.limits.restWeightPerMinute / weight;
    expect(aMinute(weightOf('funding_rates', { symbol: 'BTCUSDT' }))).toBeLessThanOrEqual(500 / 5);
    expect(aMinute(weightOf('instruments', { cursor: 'funding' }))).toBeLessThanOrEqual(500 / 5);
    expect(aMinute(weightOf('open_interest_history', { symbol: 'BTCUSDT' }))).toBeLessThanOrEqual(1000 / 5);
  });

  it('asks for open interest in windows that fit a page', () => {
    const args = { symbol: 'BTCUSDT', from: T, to: T + 60 * HOUR };
    const window = 500 * 300_000;
    expect(pathOf('open_interest_history', args)).toContain(`endTime=${T + window - 1}`);
    const next = futures.rest.open_interest_history?.nextPage?.(args, '[]');
    expect(next).toEqual({ ...args, from: T + window });
    expect(futures.rest.open_interest_history?.nextPage?.(next ?? {}, '[]')).toBeUndefined();
  });
});

describe('Binance instruments', () => {
  const filters = [
    { filterType: 'PRICE_FILTER', tickSize: '0.10' },
    { filterType: 'LOT_SIZE', stepSize: '0.001' },
  ];
  const listed = (symbol: string, contractType: string, status = 'TRADING') => ({
    symbol,
    contractType,
    status,
    baseAsset: 'BTC',
    quoteAsset: 'USDT',
    filters,
  });

  it.each([
    ['CANCEL_ONLY', 'halted'],
    ['BREAK', 'halted'],
    ['TRADING_HALT', 'halted'],
    ['DELIVERED', 'settled'],
  ])('in %s are %s', (status, expected) => {
    const body = JSON.stringify({ symbols: [listed('BTCUSDT', 'PERPETUAL', status)] });
    expect(futures.parseInstruments(body)[0]?.status).toBe(expected);
  });

  const info = JSON.stringify({
    symbols: [
      listed('BTCUSDT', 'PERPETUAL'),
      listed('ETHUSDT', 'PERPETUAL', 'SETTLING'),
      listed('BTCUSDT_260925', 'CURRENT_QUARTER'),
      listed('TSLAUSDT', 'TRADIFI_PERPETUAL', 'PENDING_TRADING'),
      { symbol: 7 },
    ],
  });

  it('come in two answers: the list, then the funding intervals', () => {
    const calls = futures.rest.instruments;
    expect(calls?.request({}, undefined).path).toBe('/fapi/v1/exchangeInfo');
    const second = calls?.nextPage?.({}, info) ?? {};
    expect(calls?.request(second, undefined).path).toBe('/fapi/v1/fundingInfo');
    expect(calls?.nextPage?.(second, '[]')).toBeUndefined();
    const first = futures.parseInstruments(info);
    expect(first.map((i) => [i.symbol, i.kind, i.status])).toEqual([
      ['BTCUSDT', 'perpetual', 'trading'],
      ['ETHUSDT', 'perpetual', 'settled'],
      ['BTCUSDT_260925', 'dated', 'trading'],
      ['TSLAUSDT', 'perpetual', 'halted'],
    ]);
    expect(first[0]).toMatchObject({ tick_size: 0.1, lot_size: 0.001, contract_size: 1, funding_interval_hours: null });
    const both = futures.parseInstruments('[{"symbol":"BTCUSDT","fundingIntervalHours":4}]', first);
    expect(both.map((i) => i.funding_interval_hours)).toEqual([4, 8, null, 8]);
  });

  it('of spot have no contract', () => {
    const body = JSON.stringify({
      symbols: [{ symbol: 'BTCUSDT', status: 'BREAK', baseAsset: 'BTC', quoteAsset: 'USDT', filters }],
    });
    expect(spot.parseInstruments(body)).toMatchObject([
      { kind: 'spot', status: 'halted', funding_interval_hours: null },
    ]);
  });
});

describe('Binance errors', () => {
  it('have codes in the body', () => {
    expect(futures.restError(400, '{"code":-1121,"msg":"Invalid symbol."}')).toEqual({
      code: '-1121',
      message: 'Invalid symbol.',
      retryAfterMs: null,
      kind: 'unknown_symbol',
    });
    expect(spot.restError(429, '{"code":-1003,"msg":"Too many requests"}')?.kind).toBe('rate_limited');
  });
});

describe('the Binance book rule', () => {
  const change = (first: number, last: number, previous: number | null) => ({
    exchange: 'binance',
    market: 'futures' as const,
    symbol: 'BTCUSDT',
    event_time: 1,
    recv_time: 1,
    origin: 'live' as const,
    stream: 'book' as const,
    kind: 'delta' as const,
    bids: [],
    asks: [],
    seq: last,
    first_seq: first,
    prev_seq: previous,
  });
  const { next } = futures.book;
  const snapshot = { lastSeq: 100, fromSnapshot: true };
  const running = { lastSeq: 110, fromSnapshot: false };

  it('joins the first change to the snapshot', () => {
    expect(next({ lastSeq: null, fromSnapshot: false }, change(1, 2, 0))).toBe('gap');
    expect(next(snapshot, change(90, 99, 89))).toBe('skip');
    expect(next(snapshot, change(95, 105, 94))).toBe('apply');
    expect(next(snapshot, change(101, 105, 100))).toBe('apply');
    expect(next(snapshot, change(102, 105, 101))).toBe('gap');
    expect(next(snapshot, { ...change(0, 5, 0), kind: 'snapshot' })).toBe('apply');
  });

  it('follows predecessors on futures', () => {
    expect(next(running, change(115, 120, 110))).toBe('apply');
    expect(next(running, change(111, 120, 111))).toBe('gap');
    expect(next(running, change(100, 110, 99))).toBe('skip');
  });

  it('follows first ids on spot', () => {
    expect(next(running, change(111, 120, null))).toBe('apply');
    expect(next(running, change(112, 120, null))).toBe('gap');
    expect(next(running, change(105, 110, null))).toBe('skip');
    expect(next(running, change(105, 115, null))).toBe('apply');
  });
});
