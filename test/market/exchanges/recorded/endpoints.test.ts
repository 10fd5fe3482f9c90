import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Instrument } from '../../../../src/market/domain/instrument.ts';
import { recordedData } from '../endpoint-desk.ts';
import { DATA } from './data.ts';

const btc = (exchange: string, market: Instrument['market']): Instrument => ({
  exchange,
  market,
  symbol: 'BTCUSDT',
  venue_symbol: 'BTCUSDT',
  base: 'BTC',
  quote: 'USDT',
  kind: market === 'spot' ? 'spot' : 'perpetual',
  status: 'trading',
  tick_size: null,
  lot_size: null,
  contract_size: 1,
  inverse: false,
  funding_interval_hours: 8,
});

const read = (exchange: string, name: string, input: Record<string, unknown>, body: unknown): Promise<any> =>
  recordedData(exchange, name, input, { body, list: [btc(exchange, name.includes('spot') ? 'spot' : 'futures')] });

const oracle = (exchange: string, file: string): any =>
  JSON.parse(readFileSync(path.join(DATA, 'oracle_ccxt_captured', exchange, file), 'utf8'));

const TICKER = {
  high_24h: 'high',
  low_24h: 'low',
  bid: 'bid',
  ask: 'ask',
  bid_size: 'bidVolume',
  ask_size: 'askVolume',
  open_24h: 'open',
  last: 'last',
  volume_24h: 'baseVolume',
  quote_volume_24h: 'quoteVolume',
  change_24h_pct: 'percentage',
  vwap_24h: 'vwap',
} as const;

describe.runIf(existsSync(path.join(DATA, 'oracle_ccxt_captured')))(
  'captured bodies, against the values of CCXT',
  () => {
    test.each([
      ['binance', 'binance_spot_ticker_tool'],
      ['bybit', 'bybit_spot_ticker_tool'],
    ])('24 h ticker of %s', async (exchange, name) => {
      const { http_response: body, parsed_response: expected } = oracle(exchange, 'fetch_ticker_BTC_USDT.json');
      const data = await read(exchange, name, { symbol: 'BTCUSDT' }, { time: 1_770_531_563_000, ...body });
      for (const [field, theirs] of Object.entries(TICKER)) {
        expect([field, data[field]]).toEqual([field, expect.closeTo(expected[theirs], 6)]);
      }
    });

    test('trades and candles of Binance spot', async () => {
      const trades = oracle('binance', 'fetch_trades_BTC_USDT.json');
      const data = await read('binance', 'binance_spot_agg_trades_tool', {}, trades.http_response);
      const ours = new Map(data.trades.map((t: any) => [t.id, t]));
      expect(data.count).toBe(trades.parsed_response.length);
      for (const t of trades.parsed_response) {
        expect(ours.get(t.id)).toMatchObject({ price: t.price, size: t.amount, side: t.side, time: t.datetime });
      }
      const bars = oracle('binance', 'fetch_ohlcv_BTC_USDT.json');
      const candles = await read('binance', 'binance_spot_klines_tool', {}, bars.http_response);
      const rows = [...candles.candles]
        .reverse()
        .map((c: any) => [Date.parse(c.open_time), c.open, c.high, c.low, c.close, c.volume]);
      expect(rows).toEqual(bars.parsed_response);
    });

    test('order book of Bybit spot', async () => {
      const { http_response: body, parsed_response: expected } = oracle('bybit', 'fetch_order_book_BTC_USDT.json');
      const data = await read('bybit', 'bybit_spot_orderbook_tool', {}, body);
      expect({ bids: data.bids, asks: data.asks }).toEqual({ bids: expected.bids, asks: expected.asks });
    });
  },
);

/** Path in the mock → a tool that asks it. */
const MOCKED = {
  '/fapi/v1/depth': 'binance_orderbook_tool',
  '/fapi/v1/aggTrades': 'binance_trades_tool',
  '/fapi/v1/klines': 'binance_klines_tool',
  '/fapi/v1/openInterest': 'binance_open_interest_tool',
  '/fapi/v1/fundingRate': 'binance_funding_rate_tool',
  '/fapi/v1/premiumIndex': 'binance_premium_index_tool',
  '/fapi/v1/ticker/price': 'binance_get_prices',
  '/futures/data/openInterestHist': 'binance_open_interest_history_tool',
  '/futures/data/takerlongshortRatio': 'binance_taker_volume_tool',
  '/futures/data/globalLongShortAccountRatio': 'binance_long_short_ratio_tool',
  '/api/v3/depth': 'binance_spot_orderbook_tool',
  '/api/v3/trades': 'binance_spot_trades_tool',
  '/api/v3/aggTrades': 'binance_spot_agg_trades_tool',
  '/api/v3/klines': 'binance_spot_klines_tool',
  '/api/v3/avgPrice': 'binance_spot_avg_price_tool',
  '/api/v3/ticker/bookTicker': 'binance_spot_book_ticker_tool',
  '/api/v3/ticker/price': 'binance_spot_price_tool',
  '/api/v3/exchangeInfo': 'binance_spot_exchange_info_tool',
} as const;
const MOCK = path.join(DATA, 'fixtures_gocryptotrader', 'binance_http.json.gz');

describe.runIf(existsSync(MOCK))('recorded REST mocks of Binance', () => {
  test.each(Object.entries(MOCKED))('%s is read by %s', async (route, name) => {
    const { routes } = JSON.parse(gunzipSync(readFileSync(MOCK)).toString('utf8'));
    for (const { data: body } of routes[route].GET) {
      if (body === null || (Array.isArray(body) && body.length === 0) || body.code !== undefined) continue;
      if (route.endsWith('aggTrades') && body[0].m === undefined) {
        // Cut by hand: a trade without its side is refused, not guessed.
        await expect(read('binance', name, {}, body)).rejects.toThrow(/0\.m/);
        continue;
      }
      const data = await read('binance', name, { symbol: 'BTCUSDT' }, body);
      expect(JSON.stringify(data)).not.toContain('NaN');
      const rows = data.count ?? data.levels?.bids ?? data.series?.[0]?.count ?? data.minutes;
      expect(rows).toBeGreaterThan(0);
    }
  });
});

/** Page of the documentation → a tool of Bybit. */
const PAGES = {
  'docs/v5/market/insurance.mdx': ['bybit_insurance_fund_tool', {}],
  'docs/v5/market/iv.mdx': ['bybit_historical_volatility_tool', {}],
  'docs/v5/market/long-short-ratio.mdx': ['bybit_long_short_ratio_tool', {}],
  'docs/v5/market/open-interest.mdx': ['bybit_open_interest_tool', {}],
  'docs/v5/market/recent-trade.mdx': ['bybit_spot_trades_tool', {}],
  'docs/v5/market/tickers.mdx': ['bybit_futures_ticker_tool', {}],
} as const;
const DOCUMENTED = path.join(DATA, 'docs_examples', 'bybit_v5_public.jsonl');

describe.runIf(existsSync(DOCUMENTED))('examples of Bybit’s documentation', () => {
  test.each(Object.entries(PAGES))('%s', async (page, [name, input]) => {
    const lines = readFileSync(DOCUMENTED, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const bodies = lines.filter((l) => l.path === page && l.json.retCode === 0);
    expect(bodies.length).toBeGreaterThan(0);
    for (const { json } of bodies) {
      if (json.result.category === 'option') continue;
      expect(await read('bybit', name, input, json)).toBeDefined();
    }
  });
});
