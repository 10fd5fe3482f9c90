import { describe, expect, it } from 'vitest';
import { decodeFrame, marketOf } from '../recorded/data.ts';

const market = marketOf('deribit_futures');
const T = 1_780_000_000_000;
const MINUTE = 60_000;
const trade = (seq: number, timestamp: number) => ({
  trade_seq: seq,
  trade_id: String(seq),
  timestamp,
  price: 50_000,
  amount: 10,
  direction: 'buy',
  instrument_name: 'BTC-PERPETUAL',
});
const body = (result: unknown): string => JSON.stringify({ jsonrpc: '2.0', result });

describe('Deribit history over REST', () => {
  it('reads trades by time and then on by their number', () => {
    const args = { symbol: 'BTC_PERPETUAL', from: T, to: T + 10 * MINUTE };
    const call = market.rest.trades;
    expect(call?.request(args, undefined).path).toContain(`start_timestamp=${T}&end_timestamp=${T + 10 * MINUTE - 1}`);
    const page = body({ trades: [trade(5, T), trade(6, T)], has_more: true });
    const next = call?.nextPage?.(args, page);
    expect(next).toEqual({ ...args, cursor: '7' });
    expect(call?.request(next ?? {}, undefined).path).toMatch(/get_last_trades_by_instrument\?.*start_seq=7/);
    expect(call?.nextPage?.(args, body({ trades: [trade(5, T + 10 * MINUTE)], has_more: true }))).toBeUndefined();
    expect(call?.nextPage?.(args, body({ trades: [trade(5, T)], has_more: false }))).toBeUndefined();
  });

  it('reads the newest trades where no beginning is given, once', () => {
    const call = market.rest.trades;
    const of = { symbol: 'BTC_PERPETUAL' };
    const newest = '/api/v2/public/get_last_trades_by_instrument?instrument_name=BTC_PERPETUAL';
    expect(call?.request(of, undefined).path).toBe(`${newest}&count=100&sorting=desc`);
    expect(call?.request({ ...of, limit: 5 }, undefined).path).toBe(`${newest}&count=5&sorting=desc`);
    const page = body({ trades: [trade(6, T + 1), trade(5, T)], has_more: true });
    expect(call?.nextPage?.(of, page)).toBeUndefined();
    const records: unknown[] = [];
    market.createDecoder({ instruments: [] }).rest('trades', of, page, T * 1000, (record) => records.push(record));
    expect(records).toMatchObject([{ trade_id: '6' }, { trade_id: '5' }]);
  });

  it('reads candles and funding in spans of time', () => {
    const args = { symbol: 'BTC_PERPETUAL', from: T, to: T + 1500 * MINUTE };
    expect(market.rest.candles?.request(args, undefined).path).toContain(`end_timestamp=${T + 1000 * MINUTE - 1}`);
    const next = market.rest.candles?.nextPage?.(args, body({}));
    expect(next).toEqual({ ...args, from: T + 1000 * MINUTE });
    expect(market.rest.candles?.nextPage?.(next ?? {}, body({}))).toBeUndefined();
    const columns = { ticks: [T], open: [1], high: [3], low: [1], close: [2], volume: [5], cost: [10], status: 'ok' };
    const records: unknown[] = [];
    const decoder = market.createDecoder({ instruments: [] });
    decoder.rest('candles', args, body(columns), (T + 2 * MINUTE) * 1000, (record) => records.push(record));
    const funding = body([{ timestamp: T, interest_8h: 0.00001, interest_1h: 0.000001 }]);
    decoder.rest('funding_rates', args, funding, T * 1000, (record) => records.push(record));
    expect(records).toMatchObject([
      { stream: 'candles', open_time: T * 1000, close: 2, volume: 5, quote_volume: 10, closed: true },
      { stream: 'funding_rates', funding_rate: 0.00001, funding_interval_hours: 8, next_funding_time: null },
    ]);
  });

  it.each([
    [400, '{"error":{"code":10028,"message":"too_many_requests"}}', 'rate_limited', '10028'],
    [400, '{"error":{"code":13020,"message":"not_found"}}', 'unknown_symbol', '13020'],
    [400, '{"error":{"code":13021,"message":"forbidden"}}', 'forbidden', '13021'],
    [503, '{"error":{"code":11051,"message":"system_maintenance"}}', 'maintenance', '11051'],
  ])('%s %s is %s', (status, text, kind, code) => {
    expect(market.restError(status, text)).toMatchObject({ kind, code });
  });
});

describe('Deribit instruments', () => {
  it.each([
    [true, undefined, 'trading'],
    [true, 'open', 'trading'],
    [true, 'locked', 'halted'],
    [false, 'inactive', 'halted'],
    [false, 'delivered', 'settled'],
    [false, undefined, 'settled'],
  ])('active %s, in state %s: %s', (is_active, state, expected) => {
    const row = {
      ...{ instrument_name: 'BTC-PERPETUAL', kind: 'future', is_active, state, base_currency: 'BTC' },
      ...{ quote_currency: 'USD', settlement_period: 'perpetual', tick_size: 0.5, min_trade_amount: 10 },
    };
    expect(market.parseInstruments(body([row]))[0]?.status).toBe(expected);
  });
});

describe('a Deribit connection', () => {
  const [instrument] = market.parseInstruments(
    body([
      {
        instrument_name: 'BTC-PERPETUAL',
        kind: 'future',
        is_active: true,
        base_currency: 'BTC',
        quote_currency: 'USD',
        instrument_type: 'reversed',
        settlement_period: 'perpetual',
        tick_size: 0.5,
        min_trade_amount: 10,
      },
    ]),
  );

  it('sets a heartbeat, and answers the test request', () => {
    const [plan] = market.plan(instrument === undefined ? [] : [instrument], ['orderbooks', 'trades']);
    expect(plan?.subscribe.map((text) => JSON.parse(text))).toMatchObject([
      { method: 'public/set_heartbeat', params: { interval: 30 } },
      { method: 'public/subscribe', params: { channels: ['book.BTC-PERPETUAL.100ms', 'trades.BTC-PERPETUAL.100ms'] } },
    ]);
    expect(plan?.resubscribeBook?.('BTC_PERPETUAL')).toHaveLength(2);
    const ask = '{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}';
    const { verdict } = decodeFrame(market.createDecoder({ instruments: [] }), ask, 1);
    expect(verdict).toMatchObject({ kind: 'control', reply: expect.stringContaining('"public/test"') });
  });

  it('follows books by the change before', () => {
    const change = (kind: 'snapshot' | 'delta', seq: number, prev_seq: number | null) => ({
      exchange: 'deribit',
      market: 'futures' as const,
      symbol: 'BTC_PERPETUAL',
      event_time: 1,
      recv_time: 1,
      origin: 'live' as const,
      stream: 'book' as const,
      bids: [],
      asks: [],
      first_seq: null,
      kind,
      seq,
      prev_seq,
    });
    const held = { lastSeq: 20, fromSnapshot: false };
    const { next } = market.book;
    expect(next({ lastSeq: null, fromSnapshot: false }, change('delta', 21, 20))).toBe('gap');
    expect(next(held, change('delta', 27, 20))).toBe('apply');
    expect(next(held, change('delta', 27, 23))).toBe('gap');
    expect(next(held, change('delta', 20, 13))).toBe('skip');
    expect(next(held, change('snapshot', 5, null))).toBe('apply');
  });

  it('remembers running candles through JSON and back', () => {
    const candle = (tick: number): string =>
      JSON.stringify({
        method: 'subscription',
        params: {
          channel: 'chart.trades.BTC-PERPETUAL.1',
          data: { tick, open: 1, high: 1, low: 1, close: 1, volume: 1, cost: 1 },
        },
      });
    const first = market.createDecoder({ instruments: [] });
    expect(decodeFrame(first, candle(T), T * 1000).records).toHaveLength(1);
    const second = market.createDecoder({ instruments: [] });
    second.restore(JSON.parse(JSON.stringify(first.state())));
    expect(decodeFrame(second, candle(T + MINUTE), (T + MINUTE) * 1000).records).toMatchObject([
      { closed: true, open_time: T * 1000 },
      { closed: false },
    ]);
  });
});
