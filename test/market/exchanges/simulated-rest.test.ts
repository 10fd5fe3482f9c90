import { describe, expect, it } from 'vitest';
import { simulators } from '../../../src/market/simulator/catalogue.generated.ts';
import { createSimulatedMarkets } from '../../../src/market/simulator/model/market.ts';
import { marketOf } from './recorded/data.ts';

/** REST calls beyond those that the collector needs: each is answered, with rows, and refuses what is not listed. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  okx_futures: [
    '/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=1H&limit=20',
    '/api/v5/market/trades?instId=BTC-USDT-SWAP&limit=20',
    '/api/v5/public/instruments?instType=FUTURES',
    '/api/v5/market/tickers?instType=FUTURES',
    '/api/v5/public/mark-price?instType=FUTURES&instId=BTC-USDT-260626',
    '/api/v5/public/open-interest?instType=FUTURES',
    '/api/v5/market/books?instId=BTC-USDT-260626&sz=5',
    '/api/v5/market/index-tickers?instId=BTC-USDT',
    '/api/v5/market/platform-24-volume',
    '/api/v5/public/insurance-fund?instType=SWAP&instFamily=BTC-USDT',
    '/api/v5/public/open-interest?instType=OPTION&instFamily=BTC-USD',
    '/api/v5/market/tickers?instType=OPTION&instFamily=BTC-USD',
    '/api/v5/rubik/stat/contracts/open-interest-volume?ccy=BTC&period=1H',
    '/api/v5/rubik/stat/contracts/long-short-account-ratio?ccy=BTC&period=5m',
    '/api/v5/rubik/stat/taker-volume?ccy=BTC&instType=CONTRACTS&period=1H',
  ],
  gateio_futures: [
    '/api/v4/futures/usdt/contracts/BTC_USDT',
    '/api/v4/futures/usdt/candlesticks?contract=BTC_USDT&interval=1h&limit=20',
    '/api/v4/futures/usdt/contract_stats?contract=BTC_USDT&interval=1h&limit=5',
    '/api/v4/futures/usdt/liq_orders?contract=BTC_USDT&limit=5',
    '/api/v4/futures/usdt/insurance?limit=5',
    '/api/v4/futures/usdt/risk_limit_tiers?contract=BTC_USDT',
    '/api/v4/delivery/usdt/contracts',
    '/api/v4/delivery/usdt/tickers',
    '/api/v4/options/underlyings',
    '/api/v4/options/expirations?underlying=BTC_USDT',
    '/api/v4/options/contracts?underlying=BTC_USDT',
    '/api/v4/options/tickers?underlying=BTC_USDT',
    '/api/v4/options/underlying/tickers/BTC_USDT',
  ],
};

const NOW = Date.UTC(2026, 4, 5, 11, 58, 12, 300);
const MARKETS = createSimulatedMarkets({ seed: 3, symbols: ['BTCUSDT'], at: Date.UTC(2026, 4, 5) });

function ask(key: string, path: string): { readonly status: number; readonly body: string } {
  const venue = simulators.flat().find((s) => `${s.exchange}_${s.market}` === key);
  const market = MARKETS.get(key);
  const url = new URL(path, 'http://127.0.0.1');
  const request = { path: url.pathname, query: url.searchParams, host: url.host };
  const answer = market === undefined ? undefined : venue?.rest(market, request, NOW);
  if (answer === undefined) throw new Error(`${path} is not served`);
  return answer;
}

describe.each(Object.keys(CALLS))('%s', (key) => {
  it.each([...(CALLS[key] ?? [])])('%s', (path) => {
    const { status, body } = ask(key, path);
    expect(marketOf(key).restError(status, body)).toBeUndefined();
    const value = JSON.parse(body);
    const rows = Array.isArray(value) ? value : Array.isArray(value.data) ? value.data : [value];
    expect(rows.length).toBeGreaterThan(0);
    expect(body).not.toMatch(/NaN|undefined|null/);
    expect(ask(key, path).body).toBe(body);
  });

  it.each([...(CALLS[key] ?? [])].filter((path) => path.includes('BTC')))('%s of nothing listed', (path) => {
    const { status, body } = ask(key, path.replaceAll('BTC', 'NOPE'));
    const rows = JSON.parse(body);
    const refused = marketOf(key).restError(status, body)?.kind;
    const isRefused = refused === 'unknown_symbol' || refused === 'bad_request';
    expect(isRefused || (Array.isArray(rows) && rows.length === 0)).toBe(true);
  });
});

it('an option is quoted and its book answers by its name', () => {
  const [option] = JSON.parse(ask('gateio_futures', '/api/v4/options/tickers?underlying=BTC_USDT').body);
  const book = JSON.parse(ask('gateio_futures', `/api/v4/options/order_book?contract=${String(option.name)}`).body);
  expect(Number(book.bids[0].p)).toBeLessThan(Number(book.asks[0].p));
});
