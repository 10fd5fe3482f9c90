import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Conflict, InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import { createVenueRest } from '../../../src/market/collect/venue-rest.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { connection, keyOf, openBench, START, status, type Bench } from '../jobs/bench.ts';
import { simulatedAddresses, simulatedHttp } from '../jobs/simulated-http.ts';
import { call } from './call.ts';

// Simulated markets of many venues are made on the way.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** The bench with other answers of the venues. */
function changed(change: (url: string, body: string) => string, symbols = ['BTCUSDT', 'USDCUSDT']): Bench {
  const { config, clock, events } = bench.services;
  const http = simulatedHttp(clock, symbols);
  const get: typeof http.get = async (url, options) => {
    const answer = await http.get(url, options);
    return { ...answer, body: change(url, answer.body) };
  };
  const asked = { ...http, get };
  const rest = createVenueRest({ venues, config, addresses: simulatedAddresses(), http: asked, events, clock });
  return { ...bench, services: { ...bench.services, rest } };
}

/** A Binance or Bybit book of one level a side. */
function book(url: string, body: string, of: string, bid: number, ask: number, size = 1): string {
  if (!url.includes(of)) return body;
  const level = (price: number) => [[String(price), String(size)]];
  const value = JSON.parse(body);
  if (url.includes('/depth')) return JSON.stringify({ ...value, bids: level(bid), asks: level(ask) });
  if (!url.includes('orderbook')) return body;
  return JSON.stringify({ ...value, result: { ...value.result, b: level(bid), a: level(ask) } });
}

const TWO = { exchange1: 'binance_futures', exchange2: 'bybit_futures', notional: 100 };

describe('what is compared', () => {
  test('both sides are walked after fees: a spread on top that fees eat is not worth it', async () => {
    const near = changed((url, body) =>
      book(url, book(url, body, 'bybit-futures', 100.05, 100.1), 'binance-futures', 99.9, 100),
    );
    const { data } = await call(near, 'compare_exchange_prices', TWO);
    const way = data.both_ways.find((p: { buy: string }) => p.buy === 'binance_futures');
    expect(way.top_bps).toBeCloseTo(5, 6);
    expect(way.break_even_bps).toBeCloseTo(10.5, 1);
    expect(way.net_bps).toBeCloseTo(5 - 10.5, 1);
    expect(data.worth_it).toBe(false);
    expect(way.best_base).toBe(0);
  });

  test('an opportunity says what it earns at the size, and how much the books hold', async () => {
    const wide = changed((url, body) =>
      book(url, book(url, body, 'bybit-futures', 101, 101.1, 2), 'binance-futures', 99.9, 100, 2),
    );
    const { data } = await call(wide, 'get_arbitrage_opportunities', {
      symbol: 'BTCUSDT',
      exchanges: ['binance_futures', 'bybit_futures'],
      notional: 100,
    });
    const [best] = data.opportunities;
    expect(best).toMatchObject({ buy: 'binance_futures', sell: 'bybit_futures', legs: 'same', base: 1, best_base: 2 });
    expect(best.net_profit).toBeCloseTo(1 - 0.05 - 101 * 0.00055, 9);
    const thin = await call(wide, 'get_arbitrage_opportunities', {
      symbol: 'BTCUSDT',
      exchanges: ['binance_futures', 'bybit_futures'],
      notional: 100_000,
    });
    expect(thin.data.opportunities[0]).toMatchObject({ filled: false, base: 2 });
  });

  test('a user’s own fees change the verdict', async () => {
    const near = changed((url, body) =>
      book(url, book(url, body, 'bybit-futures', 100.05, 100.1), 'binance-futures', 99.9, 100),
    );
    const config = marketConfigSchema.parse({
      fees: { binance_futures: { tier: 'VIP 9' }, bybit_futures: { maker_percent: 0, taker_percent: 0.01 } },
    });
    const own = { ...near, services: { ...near.services, config } };
    const { data } = await call(own, 'compare_exchange_prices', TWO);
    expect(data.worth_it).toBe(true);
    expect(data.markets[0]).toMatchObject({ taker_fee_percent: 0.017, fee_tier: 'VIP 9', fee_origin: 'schedule' });
    expect(data.markets[1]).toMatchObject({ taker_fee_percent: 0.01, fee_origin: 'configured' });
    const fees = await call(own, 'get_trading_fees');
    expect(fees.data.markets.find((m: { id: string }) => m.id === 'bybit_futures').applied.origin).toBe('configured');
  });

  test('a contract in USD is not one in USDT: without a rate it is not compared, and the answer says so', async () => {
    const { data, provenance } = await call(bench, 'get_crypto_spreads', {
      symbol: 'BTCUSDT',
      exchanges: ['okx_futures', 'kraken_futures', 'bybit_futures'],
    });
    const kraken = data.markets.find((m: { id: string }) => m.id === 'kraken_futures');
    expect(kraken).toMatchObject({ quote: 'USD', listed_as: 'BTCUSD', mid_common: null });
    expect(data.currency).toBe('USDT');
    expect(data.pairs.map((p: { buy: string }) => p.buy).sort()).toEqual(['bybit_futures', 'okx_futures']);
    expect(data.excluded_pairs.length).toBe(4);
    expect(data.excluded_pairs[0].reason).toMatch(/no rate between/);
    expect(provenance.complete).toBe(false);
    expect(provenance.notes?.join()).toMatch(/USD and USDT are not converted, and not compared/);
  });

  test('with a traded pair of the two currencies it is converted, at the worse side and its fee', async () => {
    const rates = changed((url, body) =>
      url.includes('USDC') ? book(url, body, 'binance-spot', 0.9998, 1.0002, 1e6) : body,
    );
    const { data } = await call(rates, 'get_crypto_spreads', {
      symbol: 'BTCUSDT',
      exchanges: ['okx_futures', 'hyperliquid_futures'],
    });
    expect(data.rates).toEqual([expect.objectContaining({ pair: 'USDCUSDT', exchange: 'binance', fee_percent: 0.1 })]);
    const hyper = data.markets.find((m: { id: string }) => m.id === 'hyperliquid_futures');
    expect(hyper.mid_common).toBeCloseTo(hyper.mid * 1, 6);
    const pair = data.pairs.find((p: { sell: string }) => p.sell === 'hyperliquid_futures');
    expect(pair.converted).toBe(true);
    expect(pair.break_even_bps).toBeGreaterThan(19);
    expect(pair.gross_bps).toBeLessThanOrEqual(Number(pair.top_bps) + 1e-9);
  });

  test('a book older than its bound is left out and named', async () => {
    const old = changed((url, body) =>
      url.includes('binance-futures') && url.includes('/depth')
        ? JSON.stringify({ ...JSON.parse(body), E: START - 60_000, T: START - 60_000 })
        : body,
    );
    const { data, provenance } = await call(old, 'get_crypto_spreads', {
      symbol: 'BTCUSDT',
      exchanges: ['binance_futures', 'okx_futures', 'bybit_futures'],
    });
    expect(data.missing).toEqual([expect.objectContaining({ exchange: 'binance', market: 'futures' })]);
    expect(data.missing[0].reason).toMatch(/60 s old, older than the 5 s allowed/);
    expect(data.markets.length).toBe(2);
    expect(provenance.complete).toBe(false);
    expect(provenance.notes?.join()).toMatch(/left out binance_futures/);
  });

  test('an oracle has a price and is no market', async () => {
    const { data } = await call(bench, 'get_crypto_prices', { symbol: 'BTCUSDT', exchanges: ['pyth', 'okx'] });
    const [only] = data.symbols;
    const oracle = only.prices.find((p: { exchange: string }) => p.exchange === 'pyth');
    expect(oracle).toMatchObject({ tradable: false, quote: 'USD', bid: null, price_common: null });
    const tradable = only.prices.filter((p: { tradable: boolean }) => p.tradable);
    expect(only.highest).toBe(Math.max(...tradable.map((p: { price: number }) => p.price)));
    await expect(call(bench, 'get_crypto_spreads', { exchanges: ['pyth'] })).rejects.toThrow(/none of the venues/);
  });
});

describe('sources and refusals', () => {
  test('a market without a REST call for prices tells the top of its book', async () => {
    const { data } = await call(bench, 'get_crypto_prices', { symbol: 'BTCUSDT', exchanges: ['bybit', 'hyperliquid'] });
    const [{ prices, missing }] = data.symbols;
    expect(missing).toEqual([]);
    expect(prices.map((p: { exchange: string; market: string }) => `${p.exchange}_${p.market}`).sort()).toEqual([
      'bybit_futures',
      'bybit_spot',
      'hyperliquid_futures',
    ]);
    for (const { price, bid, ask, via } of prices) {
      expect([via, bid < ask, (Number(bid) + Number(ask)) / 2]).toEqual(['rest', true, price]);
    }
  });

  test('a fresh live book is used and the answer says so; without one the venue is asked', async () => {
    const live = await openBench();
    live.collector.connections.push(connection('binance'));
    live.collector.series.push(status(keyOf('orderbooks')));
    const { data, provenance } = await call(live, 'compare_exchange_prices', TWO);
    expect(data.markets[0]).toMatchObject({ id: 'binance_futures', via: 'live', bid: 99.5, ask: 100.5, age_ms: 0 });
    expect(data.markets[1]).toMatchObject({ id: 'bybit_futures', via: 'rest' });
    expect(provenance.sources?.map((s) => s.via)).toEqual(['live', 'rest']);
    const health = await call(live, 'crypto_scanner_health');
    const row = health.data.markets.find((m: { id: string }) => m.id === 'binance_futures');
    expect(row).toMatchObject({ books: 1, books_fresh: 1, fee_origin: 'schedule' });
    await live[Symbol.asyncDispose]();
  });

  test('an unknown symbol or venue is named with the nearest; one market twice is refused', async () => {
    await expect(call(bench, 'get_crypto_prices', { symbol: 'BTCUSTD' })).rejects.toThrow(NotFound);
    await expect(call(bench, 'get_crypto_prices', { symbol: 'BTCUSTD' })).rejects.toThrow(/did you mean BTCUSDT/);
    await expect(call(bench, 'compare_exchange_prices', { exchange1: 'gate_futures' })).rejects.toThrow(
      /did you mean gateio_futures/,
    );
    const same = { exchange1: 'binance', exchange2: 'binance_futures' };
    await expect(call(bench, 'compare_exchange_prices', same)).rejects.toThrow(InvalidInput);
  });

  test('while trading signals are paused nothing that may be traded on is said', async () => {
    const paused = await openBench();
    await call(paused, 'pause_trading_signals', { reason: 'a venue is wrong' });
    for (const name of ['get_arbitrage_opportunities', 'get_crypto_spreads', 'analyze_crypto_arbitrage']) {
      await expect(call(paused, name, { symbol: 'BTCUSDT' })).rejects.toThrow(Conflict);
    }
    expect((await call(paused, 'crypto_scanner_health')).data.signals).toBe('paused');
    await paused[Symbol.asyncDispose]();
  });
});
