import { describe, expect, it } from 'vitest';
import type { BookRecord } from '../../../../src/market/domain/records.ts';
import type { RestArgs, RestCallName } from '../../../../src/market/domain/tape.ts';
import { stamped } from '../../../../src/market/exchanges/gateio/streams.ts';
import { candleName, gateTime, namedFacts } from '../../../../src/market/exchanges/gateio/wire.ts';
import { marketOf } from '../recorded/data.ts';

const futures = marketOf('gateio_futures');
const spot = marketOf('gateio_spot');
const T = 1_780_000_020_000;
const args = { symbol: 'BTCUSDT', from: T, to: T + 3_600_000 };

const pathOf = (call: RestCallName, of: RestArgs, market = futures): string =>
  market.rest[call]?.request(of, undefined).path ?? '';
const next = (call: RestCallName, of: RestArgs, rows: unknown, market = futures): RestArgs | undefined =>
  market.rest[call]?.nextPage?.(of, JSON.stringify(rows));

describe('Gate.io times', () => {
  it.each([
    [1_780_000_000, 1_780_000_000_000_000],
    ['1780000000', 1_780_000_000_000_000],
    [1_780_000_000.123, 1_780_000_000_123_000],
    [1_780_000_000_123, 1_780_000_000_123_000],
    ['1780000000123.4567', 1_780_000_000_123_456],
  ])('%s is %s µs', (wire, us) => expect(gateTime(wire)).toBe(us));

  it.each([0, -1, '', 'x', null, undefined])('%s is none', (wire) => expect(gateTime(wire)).toBeNaN());
});

describe('Gate.io history over REST', () => {
  it('pages trades by offset on futures, by page on spot', () => {
    expect(pathOf('trades', args)).toBe(
      `/api/v4/futures/usdt/trades?contract=BTCUSDT&limit=1000&from=1780000020&to=1780003619`,
    );
    const full = Array.from({ length: 1000 }, () => ({}));
    expect(next('trades', args, full)).toEqual({ ...args, cursor: '1000' });
    expect(next('trades', { ...args, cursor: '1000' }, full)).toEqual({ ...args, cursor: '2000' });
    expect(next('trades', args, full.slice(1))).toBeUndefined();
    expect(next('trades', args, full, spot)).toEqual({ ...args, cursor: '2' });
    expect(pathOf('trades', { ...args, cursor: '2' }, spot)).toContain('&page=2');
  });

  it('asks for bars in windows that an answer can hold', () => {
    const long = { ...args, to: T + 40 * 3_600_000 };
    expect(pathOf('candles', long, spot)).toContain(`from=1780000020&to=${1_780_000_020 + 999 * 60 - 1}`);
    const second = next('candles', long, [], spot);
    expect(second).toEqual({ ...long, from: T + 999 * 60_000 });
    expect(next('candles', args, [])).toBeUndefined();
    expect(pathOf('candles', { symbol: 'BTCUSDT', limit: 3 })).toContain('interval=1m&limit=3');
    expect(pathOf('mark_prices', args)).toContain('contract=mark_BTCUSDT&');
    expect(pathOf('mark_prices', { symbol: 'BTCUSDT' })).toContain('/futures/usdt/tickers?contract=BTCUSDT');
  });

  it('goes on through funding backwards and through statistics forwards', () => {
    const paid = Array.from({ length: 1000 }, (_, i) => ({ t: 1_780_003_000 - i, r: '0.0001' }));
    expect(next('funding_rates', args, paid)).toEqual({ ...args, to: 1_780_002_001_000 });
    expect(next('funding_rates', args, paid.slice(1))).toBeUndefined();
    const stats = Array.from({ length: 100 }, (_, i) => ({ time: 1_780_000_200 + i * 300 }));
    expect(next('open_interest_history', { ...args, to: T + 40 * 3_600_000 }, stats)?.from).toBe(1_780_030_200_000);
    expect(next('open_interest_history', args, stats)).toBeUndefined();
  });
});

describe('Gate.io instruments', () => {
  it('of futures have contracts and intervals', () => {
    const contract = { order_price_round: '0.1', order_size_min: 1, type: 'direct', status: 'trading' };
    const list = futures.parseInstruments(
      JSON.stringify([
        { ...contract, name: 'BTC_USDT', quanto_multiplier: '0.0001', funding_interval: 28_800 },
        { ...contract, name: 'LAB_USDT', quanto_multiplier: '100', order_size_min: '0.1', funding_interval: 3600 },
        { ...contract, name: 'OLD_USDT', quanto_multiplier: '1', in_delisting: true },
        { ...contract, name: 'BTC_USD', quanto_multiplier: '0', type: 'inverse' },
        { name: 7 },
      ]),
    );
    expect(list).toMatchObject([
      { symbol: 'BTCUSDT', contract_size: 0.0001, lot_size: 0.0001, tick_size: 0.1, funding_interval_hours: 8 },
      { symbol: 'LABUSDT', contract_size: 100, lot_size: 10, funding_interval_hours: 1 },
      { symbol: 'OLDUSDT', status: 'trading', funding_interval_hours: null },
      { symbol: 'BTCUSD', inverse: true, contract_size: 1, lot_size: null },
    ]);
  });

  it.each([
    [{ status: 'prelaunch' }, 'halted'],
    [{ status: 'circuit_breaker' }, 'halted'],
    [{ status: 'delisting', in_delisting: true, position_size: 7 }, 'trading'],
    [{ status: 'trading', in_delisting: true, position_size: 0 }, 'settled'],
    [{ status: 'delisted' }, 'settled'],
  ])('%o is %s', (told, expected) => {
    const contract = { name: 'A_USDT', order_price_round: '0.1', quanto_multiplier: '1', ...told };
    expect(futures.parseInstruments(JSON.stringify([contract]))[0]?.status).toBe(expected);
  });

  it('of spot have decimals', () => {
    const pair = { id: 'ETH_USDT', base: 'ETH', quote: 'USDT', amount_precision: 4, precision: 2 };
    expect(
      spot.parseInstruments(
        JSON.stringify([
          { ...pair, trade_status: 'tradable' },
          { ...pair, id: 'A_B', trade_status: 'untradable' },
          { ...pair, id: 'C_D', trade_status: 'sellable' },
        ]),
      ),
    ).toMatchObject([
      { symbol: 'ETHUSDT', tick_size: 0.01, lot_size: 0.0001, status: 'trading' },
      { symbol: 'AB', status: 'halted' },
      { symbol: 'CD', status: 'trading' },
    ]);
  });

  it('have names that tell base, quote and date', () => {
    expect(namedFacts('futures')('BTC_USDT_20260327')?.symbol).toBe('BTCUSDT_20260327');
    expect(namedFacts('futures')('BTC_USD')).toEqual({ symbol: 'BTCUSD', inverse: true, contractSize: 1 });
    expect(namedFacts('futures')('ETH_USD')).toEqual({ symbol: 'ETHUSD', inverse: false, contractSize: null });
    expect(candleName('5m_BTC_USDT_20220930')).toEqual({ interval: '5m', symbol: 'BTC_USDT_20220930' });
    expect(candleName('BTC_USDT')).toBeUndefined();
  });
});

describe('Gate.io errors', () => {
  it.each([
    [400, 'CONTRACT_NOT_FOUND', 'unknown_symbol'],
    [429, 'TOO_MANY_REQUESTS', 'rate_limited'],
    [500, 'SERVER_ERROR', 'unavailable'],
    [403, 'FORBIDDEN', 'forbidden'],
  ])('%i %s is %s', (status, label, kind) => {
    expect(futures.restError(status, JSON.stringify({ label, message: 'why' }))).toMatchObject({
      code: label,
      message: 'why',
      kind,
    });
  });
});

describe('Gate.io connections', () => {
  it('bear the time of sending', () => {
    const text = '{"time":0,"channel":"futures.ping"}';
    expect(stamped(text, 1_780_000_000_999)).toBe('{"time":1780000000,"channel":"futures.ping"}');
    expect(stamped('no message', 5000)).toBe('no message');
  });
});

describe('the Gate.io book rule', () => {
  const change = (first: number, last: number): BookRecord => ({
    exchange: 'gateio',
    market: 'futures',
    symbol: 'BTCUSDT',
    event_time: 1,
    recv_time: 1,
    origin: 'live',
    stream: 'book',
    kind: 'delta',
    bids: [],
    asks: [],
    seq: last,
    first_seq: first,
    prev_seq: null,
  });
  const { next: judge } = futures.book;

  it('joins the first change to the snapshot, and each to the one before', () => {
    const snapshot = { lastSeq: 100, fromSnapshot: true };
    expect(judge(snapshot, change(90, 100))).toBe('skip');
    expect(judge(snapshot, change(95, 105))).toBe('apply');
    expect(judge(snapshot, change(101, 101))).toBe('apply');
    expect(judge(snapshot, change(102, 105))).toBe('gap');
    expect(judge({ lastSeq: null, fromSnapshot: false }, change(1, 2))).toBe('gap');
    expect(judge({ lastSeq: 105, fromSnapshot: false }, change(106, 110))).toBe('apply');
    expect(judge({ lastSeq: 105, fromSnapshot: false }, change(107, 110))).toBe('gap');
    expect(judge(snapshot, { ...change(1, 5), kind: 'snapshot' })).toBe('apply');
  });
});
