import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { DATA, decodeAny, hasData, json, marketOf } from './data.ts';

/** Reference: REST captures of 2026-02-08 and what CCXT made of them. Its symbols are BASE/QUOTE, times ms. */
const RECEIVED = 1_770_600_000_000_000;

const files = (exchange: string): string[] =>
  hasData('oracle_ccxt_captured')
    ? readdirSync(path.join(DATA, 'oracle_ccxt_captured', exchange)).map(
        (file) => `oracle_ccxt_captured/${exchange}/${file}`,
      )
    : [];

const only = <S extends MarketRecord['stream']>(records: readonly MarketRecord[], stream: S) =>
  records.filter((record): record is Extract<MarketRecord, { stream: S }> => record.stream === stream);

function checkTicker(expected: any, records: readonly MarketRecord[]): void {
  const symbol = expected.symbol.replace('/', '');
  const ticker = only(records, 'ticker_24h').find((record) => record.symbol === symbol);
  const price = only(records, 'prices').find((record) => record.symbol === symbol);
  expect(ticker).toMatchObject({
    high_24h: expected.high,
    low_24h: expected.low,
    open_24h: expected.open,
    last_price: expected.last,
    volume_24h: expected.baseVolume,
    quote_volume_24h: expected.quoteVolume,
    price_change: expected.change,
    price_change_pct: expected.percentage,
  });
  expect(ticker!.vwap_24h! / expected.vwap).toBeCloseTo(1, 12);
  if (expected.timestamp !== null) expect(ticker?.event_time).toBe(expected.timestamp * 1000);
  expect([price?.bid_price, price?.bid_qty, price?.ask_price, price?.ask_qty]).toEqual([
    expected.bid,
    expected.bidVolume,
    expected.ask,
    expected.askVolume,
  ]);
}

const bodyText = (response: unknown): string => JSON.stringify(response);

describe.runIf(hasData('oracle_ccxt_captured'))('CCXT captures', () => {
  it.each(['binance', 'bybit'])('%s answers decode to what CCXT parsed', (exchange) => {
    const market = marketOf(`${exchange}_spot`);
    const decoder = market.createDecoder({ instruments: [] });
    let compared = 0;
    for (const file of files(exchange)) {
      const { method, http_response: response, parsed_response: parsed } = json(file);
      if (method === 'fetch_markets') continue;
      const { verdict, records } = decodeAny(market, decoder, bodyText(response), RECEIVED);
      expect(verdict.kind, `${file} ${JSON.stringify(verdict)}`).toBe('data');
      if (method === 'fetch_ticker') checkTicker(parsed, records);
      if (method === 'fetch_tickers') for (const one of Object.values(parsed)) checkTicker(one, records);
      if (method === 'fetch_order_book') {
        const [book] = only(records, 'book');
        expect([book?.bids, book?.asks, book?.kind]).toEqual([parsed.bids, parsed.asks, 'snapshot']);
        expect(book?.event_time).toBe(parsed.timestamp * 1000);
      }
      if (method === 'fetch_trades') {
        expect(only(records, 'trades').map((t) => [t.trade_id, t.event_time, t.side, t.price, t.quantity])).toEqual(
          parsed.map((t: any) => [t.id, t.timestamp * 1000, t.side, t.price, t.amount]),
        );
      }
      if (method === 'fetch_ohlcv') {
        const candles = only(records, 'candles');
        expect(candles.map((c) => [c.open_time / 1000, c.open, c.high, c.low, c.close, c.volume])).toEqual(parsed);
        expect(new Set(candles.map((c) => c.interval))).toEqual(new Set(['1h']));
      }
      compared++;
    }
    expect(compared).toBeGreaterThan(3);
  });

  it.each(['binance', 'bybit'])('%s spot instruments agree with what CCXT parsed', (exchange) => {
    const file = `oracle_ccxt_captured/${exchange}/fetch_markets.json.gz`;
    const { parsed_response: parsed } = json(file);
    const market = marketOf(`${exchange}_spot`);
    const wanted = parsed.filter((one: any) => one.spot);
    const body =
      exchange === 'binance'
        ? { symbols: wanted.map((one: any) => one.info) }
        : { retCode: 0, result: { list: wanted.map((one: any) => one.info) } };
    const instruments = market.parseInstruments(JSON.stringify(body));
    expect(wanted.length).toBeGreaterThan(0);
    expect(instruments).toHaveLength(wanted.length);
    instruments.forEach((instrument, i) => {
      const reference = wanted[i];
      expect(instrument.venue_symbol).toBe(reference.id);
      expect([instrument.base, instrument.quote]).toEqual([reference.base, reference.quote]);
      expect(instrument.tick_size).toBe(reference.precision.price);
      expect(instrument.lot_size).toBe(reference.precision.amount);
      expect(instrument.status === 'trading').toBe(reference.active);
    });
  });
});
