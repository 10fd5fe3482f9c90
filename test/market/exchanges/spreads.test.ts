import { describe, expect, it } from 'vitest';
import { columnsOf } from '../../../src/market/domain/columns.ts';
import type { MarketRecord } from '../../../src/market/domain/records.ts';
import { decodeBytes } from '../../../src/market/exchanges/shared/fast/reader.ts';
import { decodeFrame, marketOf } from './recorded/data.ts';

/** Differences of prices: below 0, and 0 where something is offered at it. Sizes that no difference converts are null. */
const RECEIVED = 1_780_000_000_000_000;

function read(key: string, frame: unknown): MarketRecord[] {
  const text = JSON.stringify(frame);
  const make = () => marketOf(key).createDecoder({ instruments: [], sizeless: true });
  const { verdict, records } = decodeFrame(make(), text, RECEIVED);
  expect(verdict).toEqual({ kind: 'data', records: records.length });
  const ofBytes: MarketRecord[] = [];
  decodeBytes(make(), new TextEncoder().encode(text), RECEIVED, (record) => ofBytes.push(record));
  expect(ofBytes).toEqual(records);
  return records;
}

describe('spreads of OKX', () => {
  const linear = 'BTC-USDT_BTC-USDT-SWAP';
  const row = { sprdId: linear, tradeId: '21', px: '-12.5', sz: '0.3', side: 'sell', ts: '1780000000001' };

  it('have prices below 0, and sizes in coins where the legs are linear', () => {
    const [trade] = read('okx_futures', { arg: { channel: 'sprd-public-trades', sprdId: linear }, data: [row] });
    expect(trade).toMatchObject({ symbol: 'BTC_USDT_BTC_USDT_SWAP', price: -12.5, quantity: 0.3, side: 'sell' });
    const levels = { bids: [['-1', '2', '1']], asks: [['0', '3', '1']], ts: '1780000000002' };
    const arg = { channel: 'sprd-books5', sprdId: linear };
    expect(read('okx_futures', { arg, data: [levels] })[0]).toMatchObject({
      kind: 'snapshot',
      bids: [[-1, 2]],
      asks: [[0, 3]],
    });
    expect(read('okx_futures', { arg: { ...arg, channel: 'sprd-bbo-tbt' }, data: [levels] })[0]).toMatchObject({
      bid_price: -1,
      ask_price: 0,
      ask_qty: 3,
    });
    const ticker = { sprdId: linear, last: '0', bidPx: '-1', bidSz: '2', askPx: '', askSz: '', ts: '1780000000003' };
    expect(read('okx_futures', { arg: { ...arg, channel: 'sprd-tickers' }, data: [ticker] })[0]).toMatchObject({
      bid_price: -1,
      ask_price: null,
      last_price: 0,
    });
  });

  it('have no known sizes where a leg is inverse, and no trade without a price', () => {
    const inverse = 'ETH-USD-SWAP_ETH-USD-240329';
    const frame = { arg: { channel: 'sprd-public-trades', sprdId: inverse }, data: [{ ...row, sprdId: inverse }] };
    expect(read('okx_futures', frame)[0]).toMatchObject({ price: -12.5, quantity: NaN });
    const decoder = marketOf('okx_futures').createDecoder({ instruments: [], sizeless: true });
    const bad = JSON.stringify({ ...frame, data: [{ ...row, px: '' }] });
    expect(decodeFrame(decoder, bad, RECEIVED).verdict.kind).toBe('rejected');
    const other = decodeFrame(marketOf('okx_spot').createDecoder({ instruments: [] }), JSON.stringify(frame), RECEIVED);
    expect(other.verdict).toMatchObject({ kind: 'control' });
  });
});

describe('a middle below 0', () => {
  it('has a spread, but no part of it', () => {
    const arg = { channel: 'sprd-bbo-tbt', sprdId: 'BTC-USDT_BTC-USDT-SWAP' };
    const levels = { bids: [['-7', '2', '1']], asks: [['-5', '3', '1']], ts: '1780000000002' };
    const [prices] = read('okx_futures', { arg, data: [levels] });
    expect(prices && prices.stream !== 'book' && columnsOf(prices)).toMatchObject({
      mid_price: -6,
      spread: 2,
      spread_bps: null,
    });
  });
});

describe('combinations of Deribit', () => {
  const message = (channel: string, data: unknown) => ({
    jsonrpc: '2.0',
    method: 'subscription',
    params: { channel, data },
  });

  it('of futures are read among futures: prices below 0, USD amounts not converted', () => {
    const name = 'BTC-FS-30SEP22_PERP';
    const book = { type: 'snapshot', timestamp: 1_780_000_000_001, instrument_name: name, change_id: 5 };
    const sides = { bids: [['new', -7, 300_000]], asks: [['new', 0, 10]] };
    const [record] = read('deribit_futures', message(`book.${name}.100ms`, { ...book, ...sides }));
    expect(record).toMatchObject({ symbol: 'BTC_FS_30SEP22_PERP', bids: [[-7, NaN]], asks: [[0, NaN]] });
    const quote = { instrument_name: name, timestamp: 1_780_000_000_002, best_bid_price: -7, best_bid_amount: 30 };
    const best = { ...quote, best_ask_price: 0, best_ask_amount: 0 };
    expect(read('deribit_futures', message(`quote.${name}`, best))[0]).toMatchObject({
      bid_price: -7,
      ask_price: null,
    });
  });

  it('of options are read among options, in base units', () => {
    const trade = { trade_id: '9', trade_seq: 3, price: -0.002, amount: 18, direction: 'buy' };
    const data = [{ ...trade, instrument_name: 'BTC-CSR12-16SEP22-21000_23000', timestamp: 1_780_000_000_003 }];
    const frame = message('trades.option_combo.BTC.100ms', data);
    expect(read('deribit_options', frame)[0]).toMatchObject({ price: -0.002, quantity: 18, side: 'buy' });
    const decoder = marketOf('deribit_futures').createDecoder({ instruments: [] });
    expect(decodeFrame(decoder, JSON.stringify(frame), RECEIVED).records).toEqual([]);
  });
});
