import { describe, expect, it, test } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import type { RestArgs, RestCallName } from '../../../../src/market/domain/tape.ts';
import { marketOf } from '../recorded/data.ts';

const RECEIVED = 1_780_000_090_000_000;
const spot = marketOf('kraken_spot');
const futures = marketOf('kraken_futures');

const pairs = JSON.stringify({
  error: [],
  result: {
    XXBTZUSD: {
      altname: 'XBTUSD',
      wsname: 'XBT/USD',
      pair_decimals: 1,
      lot_decimals: 8,
      tick_size: '0.1',
      status: 'online',
    },
    XDGUSD: { altname: 'XDGUSD', wsname: 'XDG/USD', pair_decimals: 7, lot_decimals: 8, status: 'cancel_only' },
    'XBTUSD.d': { altname: 'XBTUSD.d', pair_decimals: 1, lot_decimals: 8 },
  },
});
const contracts = JSON.stringify({
  result: 'success',
  instruments: [
    {
      symbol: 'PF_XBTUSD',
      type: 'flexible_futures',
      tickSize: 1,
      contractSize: 1,
      tradeable: true,
      contractValueTradePrecision: 4,
      base: 'BTC',
      quote: 'USD',
    },
    { symbol: 'PI_XBTUSD', type: 'futures_inverse', tickSize: 0.5, contractSize: 1, tradeable: true },
    { symbol: 'FI_XBTUSD_260925', type: 'futures_inverse', tickSize: 0.5, contractSize: 1, tradeable: false },
    {
      symbol: 'FF_ETHUSD_260925',
      type: 'flexible_futures',
      tickSize: 0.1,
      contractSize: 1,
      tradeable: true,
      contractValueTradePrecision: 3,
    },
    {
      symbol: 'PF_PEPEUSD',
      type: 'flexible_futures',
      tickSize: 1e-10,
      contractSize: 1,
      tradeable: true,
      contractValueTradePrecision: -3,
    },
    { symbol: 'in_xbtusd', type: 'spot index', tradeable: false },
  ],
});
test.each([
  ['online', 'trading'],
  ['limit_only', 'trading'],
  ['reduce_only', 'trading'],
  ['post_only', 'halted'],
  ['cancel_only', 'halted'],
  ['maintenance', 'halted'],
  ['delisted', 'settled'],
])('a spot pair that is %s is %s', (status, expected) => {
  const result = { AB: { wsname: 'A/B', pair_decimals: 1, lot_decimals: 8, status } };
  expect(spot.parseInstruments(JSON.stringify({ error: [], result }))[0]?.status).toBe(expected);
});

test.each([
  [{}, 'trading'],
  [{ postOnly: true }, 'halted'],
  [{ isExpired: true }, 'settled'],
  [{ tradeable: false }, 'halted'],
])('a contract with %o is %s', (told, expected) => {
  const instruments = [{ symbol: 'PF_XBTUSD', type: 'flexible_futures', tradeable: true, ...told }];
  expect(futures.parseInstruments(JSON.stringify({ result: 'success', instruments }))[0]?.status).toBe(expected);
});

const listed = { spot: spot.parseInstruments(pairs), futures: futures.parseInstruments(contracts) };

function path(market: 'spot' | 'futures', call: RestCallName, args: RestArgs): string | undefined {
  const of = market === 'spot' ? spot : futures;
  return of.rest[call]?.request(
    args,
    listed[market].find((i) => i.symbol === args.symbol),
  ).path;
}

function decode(market: 'spot' | 'futures', call: RestCallName, body: unknown, args: RestArgs = {}) {
  const records: MarketRecord[] = [];
  const of = market === 'spot' ? spot : futures;
  const options = { instruments: listed[market] };
  const verdict = of.rest[call]?.decode(JSON.stringify(body), args, RECEIVED, options, (r) => records.push(r));
  return { records, verdict };
}

describe('instruments', () => {
  it('spot: names of WebSocket v2, steps, halted pairs; dark pools are left out', () => {
    expect(listed.spot).toMatchObject([
      {
        symbol: 'BTCUSD',
        venue_symbol: 'BTC/USD',
        base: 'BTC',
        quote: 'USD',
        tick_size: 0.1,
        lot_size: 1e-8,
        status: 'trading',
      },
      { symbol: 'DOGEUSD', venue_symbol: 'DOGE/USD', tick_size: 1e-7, status: 'halted' },
    ]);
    expect(listed.spot).toHaveLength(2);
  });

  it('futures: linear, inverse and dated, each with a name of its own; indices are left out', () => {
    expect(
      listed.futures.map((i) => [i.symbol, i.kind, i.inverse, i.lot_size, i.funding_interval_hours, i.status]),
    ).toEqual([
      ['BTCUSD', 'perpetual', false, 0.0001, 1, 'trading'],
      ['BTCUSD_PI', 'perpetual', true, null, 1, 'trading'],
      ['BTCUSD_FI_260925', 'dated', true, null, null, 'halted'],
      ['ETHUSD_260925', 'dated', false, 0.001, null, 'trading'],
      ['PEPEUSD', 'perpetual', false, 1000, 1, 'trading'],
    ]);
  });
});

describe('requests and pages', () => {
  it('spot: old coin names, exclusive starts, and on from `last` until the end', () => {
    expect(path('spot', 'trades', { symbol: 'BTCUSD', from: 1_780_000_000_000 })).toBe(
      '/0/public/Trades?pair=XBTUSD&since=1779999999999999999&count=1000',
    );
    expect(path('spot', 'candles', { symbol: 'DOGEUSD', from: 1_780_000_020_000 })).toBe(
      '/0/public/OHLC?pair=XDGUSD&interval=1&since=1780000019',
    );
    const rows = Array.from({ length: 1000 }, (_, i) => ['1', '1', 1_780_000_000 + i, 'b', 'm', '', i]);
    const body = JSON.stringify({ error: [], result: { XXBTZUSD: rows, last: '1780000999000000000' } });
    const next = spot.rest.trades?.nextPage;
    expect(next?.({ symbol: 'BTCUSD', to: 1_780_001_000_000 }, body)).toMatchObject({ cursor: '1780000999000000000' });
    expect(next?.({ symbol: 'BTCUSD', to: 1_780_000_999_000 }, body)).toBeUndefined();
    expect(next?.({ symbol: 'BTCUSD', limit: 1000 }, '{"error":[],"result":{"X":[],"last":"1"}}')).toBeUndefined();
    expect(path('spot', 'trades', { symbol: 'BTCUSD', from: 1, cursor: '1780000999000000000' })).toContain(
      'since=1780000999000000000',
    );
  });

  it('futures: history backwards by time, charts forwards while there is more', () => {
    expect(path('futures', 'trades', { symbol: 'BTCUSD', to: 1_780_000_000_000 })).toBe(
      '/derivatives/api/v3/history?symbol=PF_XBTUSD&lastTime=2026-05-28T20%3A26%3A40.000Z',
    );
    expect(path('futures', 'candles', { symbol: 'BTCUSD', from: 1_780_000_020_000, to: 1_780_000_140_000 })).toBe(
      '/api/charts/v1/trade/PF_XBTUSD/1m?from=1780000020&to=1780000139',
    );
    expect(path('futures', 'mark_prices', { symbol: 'BTCUSD', limit: 3 })).toBe(
      '/api/charts/v1/mark/PF_XBTUSD/1m?count=3',
    );
    const history = Array.from({ length: 100 }, (_, i) => ({ time: new Date(1_780_000_000_000 - i).toISOString() }));
    const older = futures.rest.trades?.nextPage;
    const body = JSON.stringify({ result: 'success', history });
    expect(older?.({ symbol: 'BTCUSD', from: 1 }, body)).toMatchObject({ to: 1_779_999_999_902 });
    // A ms with more trades than a page holds does not stop the way back.
    expect(older?.({ symbol: 'BTCUSD', to: 1_779_999_999_902 }, body)).toMatchObject({ to: 1_779_999_999_901 });
    expect(older?.({ symbol: 'BTCUSD', from: 1_780_000_000_000 }, body)).toBeUndefined();
    expect(older?.({ symbol: 'BTCUSD' }, JSON.stringify({ history: history.slice(1) }))).toBeUndefined();
    const newer = futures.rest.candles?.nextPage;
    const candles = (more: boolean): string =>
      JSON.stringify({ candles: [{ time: 1_780_000_020_000 }], more_candles: more });
    expect(newer?.({ from: 0, to: 1_780_000_200_000 }, candles(true))).toEqual({
      from: 1_780_000_080_000,
      to: 1_780_000_200_000,
    });
    expect(newer?.({ from: 0 }, candles(false))).toBeUndefined();
    expect(newer?.({ from: 0, to: 1_780_000_080_000 }, candles(true))).toBeUndefined();
  });
});

describe('rows', () => {
  it('spot candles: all but the running one are closed', () => {
    const row = (at: number): unknown[] => [at, '1', '3', '0.5', '2', '1.5', '10.5', 4];
    const body = { error: [], result: { XXBTZUSD: [row(1_780_000_020), row(1_780_000_080)], last: 1_780_000_020 } };
    const { records } = decode('spot', 'candles', body, { symbol: 'BTCUSD' });
    expect(records).toMatchObject([
      {
        symbol: 'BTCUSD',
        open_time: 1_780_000_020_000_000,
        closed: true,
        volume: 10.5,
        trade_count: 4,
        quote_volume: null,
      },
      { open_time: 1_780_000_080_000_000, closed: false, event_time: RECEIVED },
    ]);
    expect(decode('spot', 'candles', body, { symbol: 'BTCUSD', limit: 1 }).records).toHaveLength(1);
  });

  it('an asked name: rows bear it', () => {
    const instruments = [{ ...listed.spot[0]!, symbol: 'BTCUSDT', stands_in_as: 'BTCUSD' }];
    const records: MarketRecord[] = [];
    const body = JSON.stringify({
      error: [],
      result: { XXBTZUSD: [['5', '1', 1_780_000_000.5, 's', 'm', '', 9]], last: '1' },
    });
    spot.rest.trades?.decode(body, { symbol: 'BTCUSDT' }, RECEIVED, { instruments }, (r) => records.push(r));
    expect(records).toMatchObject([
      { symbol: 'BTCUSDT', trade_id: '9', side: 'sell', event_time: 1_780_000_000_500_000 },
    ]);
  });

  it('futures tickers: what is no contract is left out; inverse interest becomes base units', () => {
    const row = {
      last: 50_000,
      markPrice: 50_000,
      bid: 49_999,
      bidSize: 49_999,
      ask: 50_001,
      askSize: 1,
      openInterest: 100_000,
      vol24h: 7,
    };
    const body = {
      result: 'success',
      serverTime: '2026-05-28T20:26:40.5Z',
      tickers: [
        { symbol: 'PI_XBTUSD', ...row },
        { symbol: 'in_xbtusd', last: 1 },
        { symbol: 'PF_XBTUSD', ...row },
      ],
    };
    const { records } = decode('futures', 'ticker_24h', body);
    const interest = records.filter((r) => r.stream === 'open_interest');
    expect(interest).toMatchObject([
      { symbol: 'BTCUSD_PI', open_interest: 2, open_interest_usd: 100_000, event_time: 1_780_000_000_500_000 },
      { symbol: 'BTCUSD', open_interest: 100_000, open_interest_usd: 5e9 },
    ]);
    expect(records.some((r) => r.stream === 'funding_rates')).toBe(false);
  });

  it('inverse candles are refused: their volume is in USD', () => {
    const candles = [{ time: 1_780_000_020_000, open: '1', high: '1', low: '1', close: '1', volume: 5 }];
    expect(decode('futures', 'candles', { candles }, { symbol: 'BTCUSD_PI' }).verdict?.kind).toBe('rejected');
    expect(decode('futures', 'candles', { candles }, { symbol: 'BTCUSD' }).records).toMatchObject([
      { volume: 5, closed: true },
    ]);
  });

  it('funding is the relative rate, per hour', () => {
    const rates = [{ timestamp: '2026-05-28T20:00:00.000Z', fundingRate: 1.9, relativeFundingRate: 0.00002 }];
    expect(
      decode('futures', 'funding_rates', { result: 'success', rates }, { symbol: 'BTCUSD' }).records,
    ).toMatchObject([
      { funding_rate: 0.00002, funding_interval_hours: 1, event_time: 1_779_998_400_000_000, next_funding_time: null },
    ]);
  });
});

describe('errors', () => {
  it.each([
    ['EQuery:Unknown asset pair', 'unknown_symbol', 'EQuery:Unknown asset pair'],
    ['EAPI:Rate limit exceeded', 'rate_limited', 'EAPI:Rate limit exceeded'],
    ['EGeneral:Temporary lockout', 'rate_limited', 'EGeneral:Temporary lockout'],
    ['EService:Unavailable', 'unavailable', 'EService:Unavailable'],
    ['EService: Throttled: 1780000000', 'rate_limited', 'EService: Throttled'],
    ['EGeneral:Permission denied', 'forbidden', 'EGeneral:Permission denied'],
  ])('spot %s', (text, kind, code) => {
    expect(spot.restError(200, JSON.stringify({ error: [text] }))).toMatchObject({ kind, code, message: text });
    expect(decode('spot', 'trades', { error: [text] }).verdict).toEqual({ kind: 'error', message: text });
  });

  it('a warning beside a result is none', () => {
    expect(spot.restError(200, '{"error":["WGeneral:Danger"],"result":{}}')).toBeUndefined();
  });

  it.each([
    ['{"result":"error","error":"apiLimitExceeded"}', 'rate_limited', 'apiLimitExceeded'],
    ['{"result":"error","error":"notFound"}', 'unknown_symbol', 'notFound'],
    ['{"result":"error","error":"invalidArgument: symbol"}', 'bad_request', 'invalidArgument'],
    ['{"result":"error","errors":[{"code":11,"message":"Unavailable"}]}', 'unavailable', 'Unavailable'],
    ['{"errors":[{"severity":"ERROR","message":"invalid market"}]}', 'bad_request', 'invalid market'],
  ])('futures %s', (body, kind, code) => {
    expect(futures.restError(200, body)).toMatchObject({ kind, code });
  });
});
