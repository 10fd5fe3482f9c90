import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import type { RestArgs, RestCallName } from '../../../../src/market/domain/tape.ts';
import { decodeFrame, marketOf } from '../recorded/data.ts';

const futures = marketOf('bybit_futures');
const spot = marketOf('bybit_spot');
const T = 1_780_000_000_000;
const MINUTE = 60_000;

const answer = (result: Record<string, unknown>, time = T + 10 * MINUTE): string =>
  JSON.stringify({ retCode: 0, retMsg: 'OK', result, time });

function decode(call: RestCallName, args: RestArgs, body: string, market = futures): MarketRecord[] {
  const records: MarketRecord[] = [];
  const decoder = market.createDecoder({ instruments: [] });
  const verdict = decoder.rest(call, args, body, T * 1000, (record) => records.push(record));
  expect(verdict).toEqual({ kind: 'data', records: records.length });
  return records;
}

describe('Bybit history over REST', () => {
  it('is read backwards, oldest first within a page', () => {
    const rows = [
      [String(T + MINUTE), '3', '4', '2', '3.5', '10', '30'],
      [String(T), '1', '2', '1', '2', '5', '6'],
    ];
    const args = { symbol: 'BTCUSDT', from: T, to: T + 10 * MINUTE, limit: 2 };
    const body = answer({ category: 'linear', symbol: 'BTCUSDT', list: rows });
    const candles = decode('candles', args, body);
    expect(candles.map((c) => (c.stream === 'candles' ? [c.open_time, c.close, c.quote_volume] : []))).toEqual([
      [T * 1000, 2, 6],
      [(T + MINUTE) * 1000, 3.5, 30],
    ]);
    expect(futures.rest.candles?.request(args, undefined).path).toBe(
      `/v5/market/kline?category=linear&symbol=BTCUSDT&interval=1&start=${T}&end=${T + 10 * MINUTE - 1}&limit=2`,
    );
    expect(futures.rest.candles?.nextPage?.(args, body)).toBeUndefined();
    const earlier = { ...args, from: T - 10 * MINUTE };
    expect(futures.rest.candles?.nextPage?.(earlier, body)).toEqual({ ...earlier, to: T });
    expect(futures.rest.candles?.nextPage?.({ ...earlier, limit: 3 }, body)).toBeUndefined();
  });

  it('reads funding, open interest and opening mark prices', () => {
    const funding = [{ symbol: 'BTCUSDT', fundingRate: '0.0001', fundingRateTimestamp: String(T) }];
    expect(decode('funding_rates', {}, answer({ category: 'linear', list: funding }))).toMatchObject([
      { funding_rate: 0.0001, next_funding_time: null, event_time: T * 1000 },
    ]);
    const interest = [{ openInterest: '5', timestamp: String(T) }];
    const body = answer({ symbol: 'BTCUSDT', category: 'linear', list: interest });
    expect(decode('open_interest_history', { symbol: 'BTCUSDT' }, body)).toMatchObject([
      { symbol: 'BTCUSDT', open_interest: 5, open_interest_usd: null },
    ]);
    const mark = answer({ category: 'linear', list: [[String(T), '100', '104', '99', '102']] });
    expect(decode('mark_prices', { symbol: 'BTCUSDT' }, mark)).toMatchObject([{ mark_price: 100, index_price: null }]);
  });

  it('has the newest trades only, in as many rows as the market gives', () => {
    const row = (id: string, time: number) => ({
      execId: id,
      symbol: 'BTCUSDT',
      price: '10',
      size: '1',
      side: 'Buy',
      time: String(time),
      isBlockTrade: false,
    });
    const body = answer({ category: 'spot', list: [row('c', T + 5), row('b', T + 1), row('a', T - 1)] });
    const trades = decode('trades', { symbol: 'BTCUSDT', from: T, to: T + 5 }, body, spot);
    expect(trades).toMatchObject([{ trade_id: 'b', side: 'buy', origin: 'backfill' }]);
    expect(spot.rest.trades?.request({ symbol: 'BTCUSDT' }, undefined).path).toContain('limit=60');
    expect(futures.rest.trades?.request({ symbol: 'BTCUSDT' }, undefined).path).toContain('limit=1000');
    expect(spot.rest.trades?.nextPage).toBeUndefined();
  });

  it('does not take the answer of another market', () => {
    const decoder = futures.createDecoder({ instruments: [] });
    const body = answer({ category: 'spot', list: [] });
    expect(decoder.rest('trades', {}, body, 1, () => undefined)).toEqual({
      kind: 'rejected',
      reason: 'answer of category ‹spot›',
    });
    const refused = '{"retCode":10001,"retMsg":"params error","result":{}}';
    expect(decoder.rest('trades', {}, refused, 1, () => undefined)).toEqual({
      kind: 'error',
      message: '10001: params error',
    });
  });
});

describe('Bybit instruments', () => {
  const listed = (symbol: string, type: string | undefined, fundingInterval: number | undefined) => ({
    symbol,
    contractType: type,
    status: 'Trading',
    baseCoin: 'BTC',
    quoteCoin: 'USDT',
    fundingInterval,
    priceFilter: { tickSize: '0.10' },
    lotSizeFilter: type === undefined ? { basePrecision: '0.000001' } : { qtyStep: '0.001' },
  });

  it('come in pages, with funding intervals in minutes', () => {
    const page = answer({
      category: 'linear',
      nextPageCursor: 'a%3Db',
      list: [listed('BTCUSDT', 'LinearPerpetual', 480), listed('BTCUSDT-26JUN26', 'LinearFutures', 0)],
    });
    expect(futures.rest.instruments?.nextPage?.({}, page)).toEqual({ cursor: 'a=b' });
    expect(futures.rest.instruments?.request({ cursor: 'a=b' }, undefined).path).toContain('cursor=a%3Db');
    const first = futures.parseInstruments(page);
    const all = futures.parseInstruments(answer({ list: [listed('ETHUSDT', 'LinearPerpetual', 60)] }), first);
    expect(all.map((i) => [i.symbol, i.venue_symbol, i.kind, i.funding_interval_hours])).toEqual([
      ['BTCUSDT', 'BTCUSDT', 'perpetual', 8],
      ['BTCUSDT_26JUN26', 'BTCUSDT-26JUN26', 'dated', null],
      ['ETHUSDT', 'ETHUSDT', 'perpetual', 1],
    ]);
    expect(spot.parseInstruments(answer({ list: [listed('BTCUSDT', undefined, undefined)] }))).toMatchObject([
      { kind: 'spot', tick_size: 0.1, lot_size: 0.000001 },
    ]);
  });

  it('name dated contracts on the wire as the venue does, in records as we do', () => {
    const dated = futures.parseInstruments(answer({ list: [listed('BTCUSDT-26JUN26', 'LinearFutures', 0)] }));
    const [plan] = futures.plan(dated, ['trades']);
    expect(plan?.subscribe).toEqual(['{"op":"subscribe","req_id":"1","args":["publicTrade.BTCUSDT-26JUN26"]}']);
    expect(plan?.series).toEqual([{ symbol: 'BTCUSDT_26JUN26', stream: 'trades' }]);
    expect(plan?.resubscribeBook?.('BTCUSDT_26JUN26')).toEqual([
      '{"op":"unsubscribe","args":["orderbook.50.BTCUSDT-26JUN26"]}',
      '{"op":"subscribe","args":["orderbook.50.BTCUSDT-26JUN26"]}',
    ]);
    expect(plan?.ping).toEqual({ everyMs: 20_000, text: '{"op":"ping"}' });
  });
});

describe('Bybit errors', () => {
  it.each([
    [200, '{"retCode":10006,"retMsg":"Too many visits!"}', 'rate_limited'],
    [200, '{"retCode":10001,"retMsg":"params error"}', 'bad_request'],
    [200, '{"retCode":10016,"retMsg":"Server error"}', 'unavailable'],
    [403, '{"retCode":10009,"retMsg":"IP banned"}', 'banned'],
    [403, 'access too frequent', 'rate_limited'],
    [403, 'configured to block access from your country', 'blocked_region'],
  ])('%s %s is %s', (status, body, kind) => {
    expect(futures.restError(status, body)?.kind).toBe(kind);
  });
});

describe('best prices of Bybit spot, from the bytes of orderbook.1', () => {
  const level = fc.tuple(fc.integer({ min: 90, max: 110 }), fc.constantFrom('0', '0.5', '12', '3.00100')).map(String);
  const levels = fc.array(
    level.map((text) => text.split(',')),
    { maxLength: 2 },
  );
  const message = fc.record({
    symbol: fc.constantFrom('BTCUSDT', 'ETHUSDT'),
    type: fc.constantFrom('snapshot', 'delta'),
    b: levels,
    a: levels,
    late: fc.boolean(),
    cts: fc.boolean(),
    odd: fc.boolean(),
  });

  it('are what the reader of JSON gives, whichever of both reads which frame', () => {
    let fast = 0;
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const [mixed, plain] = [spot.createDecoder({ instruments: [] }), spot.createDecoder({ instruments: [] })];
        messages.forEach(({ symbol, type, b, a, late, cts, odd }, i) => {
          const when = late ? { type, ts: T + i } : { ts: T + i, type };
          const data = { s: symbol, b, a, u: i + 1, seq: i + 7 };
          const more = { ...(cts ? { cts: T } : {}), ...(odd ? { more: 1 } : {}) };
          const text = JSON.stringify({ topic: `orderbook.1.${symbol}`, ...when, data, ...more });
          const [read, wanted]: MarketRecord[][] = [[], []];
          const bytes = mixed.bytes?.(Buffer.from(text), 9, (record) => read?.push(record));
          if (bytes !== undefined) fast++;
          expect(bytes === undefined).toBe(odd);
          const verdict = bytes ?? mixed.frame(text, 9, (record) => read?.push(record));
          expect(verdict).toEqual(plain.frame(text, 9, (record) => wanted?.push(record)));
          expect(read).toEqual(wanted);
        });
        expect(mixed.state()).toEqual(plain.state());
      }),
      { numRuns: 300, seed: 20_261_129 },
    );
    expect(fast).toBeGreaterThan(500);
  });

  it('of contracts whose sizes are USD are left to the reader of JSON', () => {
    const futures = marketOf('bybit_futures').createDecoder({ instruments: [] });
    const data = '"data":{"s":"BTCUSD","b":[["5","6"]],"a":[["7","8"]],"u":1,"seq":2}';
    const text = `{"topic":"orderbook.1.BTCUSD","type":"snapshot","ts":${T},${data}}`;
    expect(futures.bytes?.(Buffer.from(text), 9, () => undefined)).toBeUndefined();
  });
});

describe('what a Bybit decoder remembers', () => {
  const ticker = (type: string, data: Record<string, unknown>): string =>
    JSON.stringify({ topic: 'tickers.BTCUSDT', type, ts: T, data: { symbol: 'BTCUSDT', ...data } });
  const whole = ticker('snapshot', { lastPrice: '9', bid1Price: '1', bid1Size: '2', ask1Price: '3', ask1Size: '4' });
  const best = JSON.stringify({
    topic: 'orderbook.1.ETHUSDT',
    type: 'snapshot',
    ts: T,
    data: { s: 'ETHUSDT', b: [['5', '6']], a: [['7', '8']], u: 1 },
  });
  const deltas = [
    ticker('delta', { bid1Price: '1.5' }),
    '{"topic":"orderbook.1.ETHUSDT","type":"delta","ts":1780000000001,"data":{"s":"ETHUSDT","b":[["5","0"]],"a":[],"u":2}}',
  ];

  it('goes through JSON and back', () => {
    const first = futures.createDecoder({ instruments: [] });
    for (const frame of [whole, best]) decodeFrame(first, frame, 1);
    const second = futures.createDecoder({ instruments: [] });
    second.restore(JSON.parse(JSON.stringify(first.state())));
    expect(second.state()).toEqual(first.state());
    for (const frame of deltas) expect(decodeFrame(second, frame, 1)).toEqual(decodeFrame(first, frame, 1));
    expect(decodeFrame(second, deltas[0] ?? '', 1).records).toMatchObject([
      { bid_price: 1.5, bid_qty: 2, ask_price: 3, ask_qty: 4, last_price: 9 },
    ]);
  });

  it('is begun anew by a snapshot', () => {
    const decoder = futures.createDecoder({ instruments: [] });
    decodeFrame(decoder, whole, 1);
    const { records } = decodeFrame(decoder, ticker('snapshot', { bid1Price: '2' }), 1);
    expect(records).toMatchObject([{ bid_price: 2, bid_qty: null, ask_price: null, last_price: null }]);
  });
});

describe('the Bybit book rule', () => {
  const change = (kind: 'snapshot' | 'delta', seq: number) => ({
    exchange: 'bybit',
    market: 'futures' as const,
    symbol: 'BTCUSDT',
    event_time: 1,
    recv_time: 1,
    origin: 'live' as const,
    stream: 'book' as const,
    kind,
    bids: [],
    asks: [],
    seq,
    first_seq: null,
    prev_seq: null,
  });

  it('counts by one from each snapshot', () => {
    const { next } = futures.book;
    const held = { lastSeq: 10, fromSnapshot: false };
    expect(next({ lastSeq: null, fromSnapshot: false }, change('delta', 11))).toBe('gap');
    expect(next(held, change('delta', 11))).toBe('apply');
    expect(next(held, change('delta', 10))).toBe('skip');
    expect(next(held, change('delta', 12))).toBe('gap');
    expect(next(held, change('delta', 1))).toBe('gap');
    expect(next(held, change('snapshot', 1))).toBe('apply');
  });
});
