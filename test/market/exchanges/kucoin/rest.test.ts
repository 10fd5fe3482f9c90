import { describe, expect, it } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import type { RestArgs, RestCallName } from '../../../../src/market/domain/tape.ts';
import { fixtureInstruments } from '../fixtures.ts';
import { marketOf } from '../recorded/data.ts';

const RECEIVED = 1_780_000_090_000_000;
const spot = marketOf('kucoin_spot');
const futures = marketOf('kucoin_futures');
const listed = futures.parseInstruments(fixtureInstruments('kucoin', 'futures') ?? '');

function decode(call: RestCallName, data: unknown, args: RestArgs, market = futures): MarketRecord[] {
  const records: MarketRecord[] = [];
  const body = JSON.stringify({ code: '200000', data });
  market.rest[call]?.decode(body, args, RECEIVED, { instruments: listed }, (record) => records.push(record));
  return records;
}

describe('preparation', () => {
  const body = (server: object, token: unknown = 'abc'): string =>
    JSON.stringify({ code: '200000', data: { token, instanceServers: [server] } });

  it('posts for a token and gives endpoint and ping interval', () => {
    expect(spot.prepare?.request()).toMatchObject({ path: '/api/v1/bullet-public', body: '' });
    const server = { endpoint: 'wss://ws-api-spot.kucoin.com/', pingInterval: 18_000, pingTimeout: 10_000 };
    expect(spot.prepare?.read(body(server))).toEqual({
      url: 'wss://ws-api-spot.kucoin.com/?token=abc',
      pingMs: 18_000,
    });
    expect(spot.prepare?.read(body({ endpoint: 'wss://x/endpoint' }))?.pingMs).toBeNull();
  });

  it.each([['no'], ['{}'], [body({ endpoint: 'x' })], [body({ endpoint: 'wss://x/' }, 5)], ['{"data":{"token":"a"}}']])(
    'reads nothing in %s',
    (text) => {
      expect(spot.prepare?.read(text)).toBeUndefined();
    },
  );
});

describe('instruments', () => {
  it('futures: names, multipliers, inverse contracts, funding intervals', () => {
    expect(listed).toMatchObject([
      {
        symbol: 'BTCUSDT',
        venue_symbol: 'XBTUSDTM',
        base: 'BTC',
        contract_size: 0.001,
        lot_size: 0.001,
        inverse: false,
        funding_interval_hours: 8,
      },
      { symbol: 'BTCUSD', venue_symbol: 'XBTUSDM', contract_size: 1, lot_size: null, inverse: true, quote: 'USD' },
    ]);
  });

  it.each([
    ['Open', 'trading'],
    ['Paused', 'halted'],
    ['CancelOnly', 'halted'],
    ['BeingSettled', 'settled'],
    ['Closed', 'settled'],
  ])('a contract that is %s is %s', (status, expected) => {
    const row = {
      ...{ symbol: 'XBTUSDTM', baseCurrency: 'XBT', quoteCurrency: 'USDT', lotSize: 1, tickSize: 0.1 },
      ...{ multiplier: 0.001, isInverse: false, status },
    };
    expect(futures.parseInstruments(JSON.stringify({ data: [row] }))[0]?.status).toBe(expected);
  });

  it('spot: pairs without dashes, halted ones', () => {
    const row = {
      symbol: 'ETH-USDT',
      baseCurrency: 'ETH',
      quoteCurrency: 'USDT',
      baseIncrement: '0.0001',
      priceIncrement: '0.01',
      enableTrading: false,
    };
    expect(spot.parseInstruments(JSON.stringify({ data: [row] }))).toMatchObject([
      { symbol: 'ETHUSDT', venue_symbol: 'ETH-USDT', tick_size: 0.01, lot_size: 0.0001, status: 'halted' },
    ]);
  });
});

describe('requests and pages', () => {
  const btc = listed[0];

  it('asks with the venue’s bounds and weights', () => {
    const args = { symbol: 'BTCUSDT', from: 1_780_000_020_000, to: 1_780_000_140_000 };
    expect(spot.rest.candles?.request(args, { ...btc!, venue_symbol: 'BTC-USDT' })).toMatchObject({
      path: '/api/v1/market/candles?symbol=BTC-USDT&type=1min&startAt=1780000020&endAt=1780000140',
      weight: 3,
    });
    expect(futures.rest.candles?.request(args, btc).path).toBe(
      '/api/v1/kline/query?symbol=XBTUSDTM&granularity=1&from=1780000020000&to=1780000139999',
    );
    expect(futures.rest.open_interest?.request(args, btc).path).toBe('/api/v1/contracts/XBTUSDTM');
  });

  it('reads spot candles backwards and futures candles forwards while pages come full', () => {
    const older = spot.rest.candles?.nextPage;
    const rows = (count: number): string =>
      JSON.stringify({
        code: '200000',
        data: Array.from({ length: count }, (_, i) => [String(1_780_000_020 - i * 60)]),
      });
    expect(older?.({ symbol: 'A', from: 0 }, rows(1500))).toMatchObject({ to: (1_780_000_020 - 1499 * 60) * 1000 });
    expect(older?.({ symbol: 'A', from: 0 }, rows(1499))).toBeUndefined();
    expect(older?.({ symbol: 'A', from: 1_780_000_000_000 }, rows(1500))).toBeUndefined();
    const newer = futures.rest.candles?.nextPage;
    const ms = (count: number): string =>
      JSON.stringify({
        code: '200000',
        data: Array.from({ length: count }, (_, i) => [1_780_000_020_000 + i * 60_000]),
      });
    expect(newer?.({ from: 0 }, ms(500))).toMatchObject({ from: 1_780_000_020_000 + 500 * 60_000 });
    expect(newer?.({ from: 0 }, ms(499))).toBeUndefined();
  });
});

describe('rows', () => {
  it('contracts become base units; the running candle is not closed', () => {
    const row = (at: number): unknown[] => [at, 95_000, 95_010, 94_990, 95_005, 2500];
    expect(decode('candles', [row(1_780_000_020_000), row(1_780_000_080_000)], { symbol: 'BTCUSDT' })).toMatchObject([
      { open: 95_000, high: 95_010, low: 94_990, close: 95_005, volume: 2.5, closed: true },
      { volume: 2.5, closed: false, event_time: RECEIVED },
    ]);
    expect(decode('candles', [row(1_780_000_020_000)], { symbol: 'BTCUSD' })).toEqual([]);
    const data = { symbol: 'XBTUSDM', openInterest: '100000', markPrice: 50_000 };
    expect(decode('open_interest', data, { symbol: 'BTCUSD' })).toMatchObject([
      { open_interest: 2, open_interest_usd: 100_000 },
    ]);
  });

  it('a contract tells its day, mark, funding and interest; history is backfill, oldest first', () => {
    const data = {
      symbol: 'XBTUSDTM',
      openInterest: '2000',
      markPrice: 95_000,
      indexPrice: 95_001,
      fundingFeeRate: 0.0001,
      volumeOf24h: 10,
      turnoverOf24h: 950_000,
      lastTradePrice: 95_000.5,
    };
    expect(decode('ticker_24h', data, { symbol: 'BTCUSDT' }).map((r) => r.stream)).toEqual([
      'ticker_24h',
      'mark_prices',
      'funding_rates',
      'open_interest',
    ]);
    const trade = (id: number): unknown => ({
      sequence: id,
      tradeId: String(id),
      price: '95000',
      size: 3,
      side: 'sell',
      ts: 1_780_000_000_000_000_000 + id * 1e6,
    });
    expect(decode('trades', [trade(2), trade(1)], { symbol: 'BTCUSDT' })).toMatchObject([
      { trade_id: '1', quantity: 0.003, side: 'sell', origin: 'backfill' },
      { trade_id: '2' },
    ]);
  });
});

describe('errors', () => {
  it.each([
    ['429000', 'rate_limited'],
    ['900001', 'unknown_symbol'],
    ['400003', 'forbidden'],
    ['500000', 'unavailable'],
    ['400302', 'blocked_region'],
  ])('%s is %s', (code, kind) => {
    expect(spot.restError(200, JSON.stringify({ code, msg: 'why' }))).toMatchObject({ code, kind, message: 'why' });
  });

  it.each([
    ['200003', 'Invalid symbol.', 'unknown_symbol'],
    ['404000', 'The contract information you requested does not exist.', 'unknown_symbol'],
    ['415000', 'mark price is not supported', 'unknown_symbol'],
    ['404000', 'Url Not Found -- The requested resource could not be found', 'bad_request'],
  ])('%s, %s is %s', (code, msg, kind) => {
    expect(spot.restError(200, JSON.stringify({ code, msg }))).toMatchObject({ code, kind });
  });

  it('data is no error', () => {
    expect(spot.restError(200, '{"code":"200000","data":1}')).toBeUndefined();
  });
});
