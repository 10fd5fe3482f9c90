import { describe, expect, it } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { marketOf } from '../recorded/data.ts';

const market = marketOf('pyth_oracle');
const BTC = 'e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43';
const OTHER = 'ab'.repeat(32);
const T = 1_780_000_000;

const feed = (id: string, symbol: string, more: Record<string, string> = {}) => ({
  id,
  attributes: { asset_type: 'Crypto', symbol, ...more },
});

describe('the list of feeds', () => {
  it('has crypto pairs once, named by their ids', () => {
    const listed = market.parseInstruments(
      JSON.stringify([
        feed('cd'.repeat(32), 'Crypto.BTC/USD', { description: 'DEPRECATED FEED - BITCOIN' }),
        feed(`0x${BTC.toUpperCase()}`, 'Crypto.BTC/USD'),
        feed('ef'.repeat(32), 'Crypto.BTC/USD'),
        feed(OTHER, 'Crypto.wstETH/ETH'),
        feed('01'.repeat(32), 'Crypto.STETH/ETH.RR'),
        feed('02'.repeat(32), 'Crypto.Index.SILV/USD'),
        feed('03'.repeat(32), 'FX.EUR/USD', { asset_type: 'FX' }),
        feed('no id', 'Crypto.ETH/USD'),
      ]),
    );
    expect(listed.map((i) => [i.symbol, i.venue_symbol, i.base, i.quote])).toEqual([
      ['BTCUSD', BTC, 'BTC', 'USD'],
      ['WSTETHETH', OTHER, 'WSTETH', 'ETH'],
    ]);
  });

  it('names the feeds that have no name of their own, asked names too', () => {
    const [instrument] = market.parseInstruments(JSON.stringify([feed(OTHER, 'Crypto.WIF/USD')]));
    const instruments = instrument === undefined ? [] : [{ ...instrument, symbol: 'WIFUSDT' }];
    const records: MarketRecord[] = [];
    const price = { price: '110000000', conf: '50000', expo: -8, publish_time: T };
    const frame = JSON.stringify({ type: 'price_update', price_feed: { id: OTHER, price, ema_price: price } });
    market.createDecoder({ instruments }).frame(frame, T * 1e6 + 5, (record) => records.push(record));
    expect(records).toMatchObject([
      { symbol: 'WIFUSDT', mid_price: 1.1, confidence: 0.0005, event_time: T * 1e6, recv_time: T * 1e6 + 5 },
    ]);
    expect(market.createDecoder({ instruments: [] }).frame(frame, T * 1e6, () => undefined)).toEqual({
      kind: 'rejected',
      reason: 'feed not known: give the instrument list',
    });
  });
});

it('asks for each feed in a subscription of its own, and stands in for USDT', () => {
  const instruments = market.parseInstruments(
    JSON.stringify([feed(BTC, 'Crypto.BTC/USD'), feed(OTHER, 'Crypto.WIF/USD')]),
  );
  expect(market.plan(instruments, ['prices', 'trades'])).toMatchObject([
    {
      address: 'stream',
      subscribe: [`{"type":"subscribe","ids":["${BTC}"]}`, `{"type":"subscribe","ids":["${OTHER}"]}`],
      ping: null,
    },
  ]);
  expect(market.standsFor).toEqual({ USDT: 'USD' });
  expect(Object.keys(market.streams)).toEqual(['prices']);
});

it.each([
  ['price', '1.5', 'price cannot be read'],
  ['price', '-1', 'price cannot be read'],
  ['price', 5, 'price cannot be read'],
  ['expo', -99, 'price cannot be read'],
  ['expo', '-8', 'price cannot be read'],
  ['conf', '', 'confidence cannot be read'],
  ['publish_time', 0, 'price without time'],
  ['publish_time', T * 1000, 'price without time'],
  ['publish_time', null, 'price without time'],
])('%s %s: %s', (name, value, reason) => {
  const price = { price: '110000000', conf: '50000', expo: -8, publish_time: T, [name]: value };
  const frame = JSON.stringify({ type: 'price_update', price_feed: { id: BTC, price } });
  const sink = (): void => expect.fail('gave a record');
  expect(market.createDecoder({ instruments: [] }).frame(frame, T * 1e6, sink)).toEqual({ kind: 'rejected', reason });
});

it('reads the latest prices over REST', () => {
  const [instrument] = market.parseInstruments(JSON.stringify([feed(BTC, 'Crypto.BTC/USD')]));
  const call = market.rest.prices;
  expect(call?.request({ symbol: 'BTCUSD' }, instrument).path).toBe(
    `/v2/updates/price/latest?ids%5B%5D=${BTC}&parsed=true`,
  );
  const records: MarketRecord[] = [];
  const price = { price: '9512345678901', conf: '2512345678', expo: -8, publish_time: T };
  const body = JSON.stringify({ binary: { encoding: 'hex', data: [] }, parsed: [{ id: BTC, price }] });
  call?.decode(body, {}, T * 1e6, { instruments: [] }, (record) => records.push(record));
  expect(records).toMatchObject([{ stream: 'prices', symbol: 'BTCUSD', mid_price: 95123.45678901 }]);
});

it.each([
  [401, 'Unauthorized', 'forbidden', 'no_api_key'],
  [404, 'Price ids not found: abab', 'unknown_symbol', 'price_ids_not_found'],
  [400, 'Failed to deserialize query string', 'bad_request', 'invalid_request'],
  [429, 'Too Many Requests', 'rate_limited', '429'],
])('%s %s is %s', (status, body, kind, code) => {
  expect(market.restError(status, body)).toMatchObject({ kind, code });
});

it('says what to do without an API key', () => {
  expect(market.restError(401, '')?.message).toContain('PYTH_API_KEY');
});
