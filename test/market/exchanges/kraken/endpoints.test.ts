import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import kraken from '../../../../src/market/exchanges/kraken/index.ts';
import { endpointData, endpointTool, recordedData, simulatedDesk } from '../endpoint-desk.ts';
import { DATA } from '../recorded/data.ts';

const desk = simulatedDesk('kraken');
const run = (name: string, input?: Record<string, unknown>) => endpointData('kraken', name, input);

describe('Kraken endpoint tools', () => {
  it.each(['XBTUSD', 'xxbtzusd', 'BTC/USD', 'XBT/USD', 'BTCUSD'])('take the pair as %s', async (pair) => {
    expect(await run('kraken_spot_ticker_tool', { pair })).toMatchObject({ symbol: 'BTCUSD', venue_symbol: 'BTC/USD' });
  });

  it('read several pairs in one question, and say which the venue refuses', async () => {
    const { tickers } = await run('kraken_all_spot_tickers_tool', { pairs: 'BTC/USD,ETHUSD' });
    expect(tickers.map((t: any) => [t.symbol, t.quote])).toEqual(
      expect.arrayContaining([
        ['BTCUSD', 'USD'],
        ['ETHUSD', 'USD'],
      ]),
    );
    await expect(run('kraken_all_spot_tickers_tool', { pairs: 'XBTUSD,NOPEUSD' })).rejects.toThrow(
      /EQuery:Unknown asset pair.*choose a symbol that the venue lists/,
    );
    expect(() => endpointTool('kraken_all_spot_tickers_tool').input.parse({ pairs: 'XBTUSD,,ETHUSD' })).toThrow();
  });

  it('tell funding as a fraction an hour, near what was paid', async () => {
    const now = await run('kraken_futures_ticker_tool', { symbol: 'PF_XBTUSD' });
    const { funding_history: paid } = await run('kraken_full_analysis_tool', { symbol: 'BTC' });
    expect(now.funding_interval_hours).toBe(1);
    expect(paid.interval_hours).toBe(1);
    expect(Math.abs(now.funding_rate - paid.last_rate)).toBeLessThan(1e-4);
    expect(now.funding_rate_8h).toBeCloseTo(now.funding_rate * 8, 15);
  });

  it('tell the basis of the perpetual against the pair', async () => {
    const { spot, perpetual, basis_bps } = await run('kraken_market_snapshot_tool', { symbol: 'ETH' });
    expect(basis_bps).toBeCloseTo((perpetual.last / spot.last - 1) * 10_000, 9);
  });

  it('give the last candle as running, and the length asked for', async () => {
    const { candles } = await run('kraken_spot_klines_tool', { interval: '15m' });
    expect([candles[0].closed, candles[1].closed]).toEqual([false, true]);
    expect(Date.parse(candles[0].open_time) - Date.parse(candles[1].open_time)).toBe(900_000);
  });

  it('refuse what is not listed', async () => {
    await expect(endpointTool('kraken_spot_ticker_tool').run({ pair: 'NOPEUSD' }, desk)).rejects.toThrow(/lists no/);
    await expect(endpointTool('kraken_futures_trades_tool').run({ symbol: 'PF_NOPEUSD' }, desk)).rejects.toThrow(
      /lists no/,
    );
  });
});

const NAUTILUS = path.join(DATA, 'fixtures_nautilus', 'kraken');
const XCHANGE = path.join(DATA, 'fixtures_xchange', 'kraken', 'dto', 'marketdata');

describe.runIf(existsSync(NAUTILUS) && existsSync(XCHANGE))('bodies that Kraken sent', () => {
  const body = (folder: string, file: string): any => JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
  const list = (market: 'futures' | 'spot', file: string) =>
    kraken.markets
      .find((m) => m.market === market)
      ?.parseInstruments(readFileSync(path.join(NAUTILUS, file), 'utf8')) ?? [];
  const spot = list('spot', 'http_asset_pairs.json').filter((i) => i.symbol === 'BTCUSDT');
  const futures = list('futures', 'http_futures_instruments.json');

  it('spot: ticker, trades, candles, spread, assets', async () => {
    const pair = { pair: 'XBTUSDT' };
    const read = (name: string, folder: string, file: string) =>
      recordedData('kraken', name, name === 'kraken_assets_tool' ? {} : pair, { body: body(folder, file), list: spot });
    expect(await read('kraken_spot_ticker_tool', NAUTILUS, 'http_ticker.json')).toMatchObject({
      last: 105_899.4,
      bid: 105_944.2,
      ask: 105_944.3,
      bid_size: 1,
      volume_24h: 163.28908096,
      vwap_24h: 105_904.39279,
      high_24h: 106_613.1,
      trades_24h: 3276,
      open_24h: null,
    });
    const trades = await read('kraken_spot_trades_tool', NAUTILUS, 'http_trades.json');
    expect(trades.count).toBe(body(NAUTILUS, 'http_trades.json').result.XBTUSDT.length);
    const candles = await read('kraken_spot_klines_tool', NAUTILUS, 'http_ohlc.json');
    expect(candles.count).toBe(body(NAUTILUS, 'http_ohlc.json').result.XBTUSDT.length);
    const { spread, liquidity } = await read('kraken_spread_tool', XCHANGE, 'example-spreads-data.json');
    const [, bid = NaN, ask = NaN]: number[] = body(XCHANGE, 'example-spreads-data.json')
      .result.XXBTZUSD.at(-1)
      .map(Number);
    expect(spread.latest).toBeCloseTo(((ask - bid) / ((ask + bid) / 2)) * 10_000, 6);
    expect(liquidity).toBe('low');
    const { assets } = await read('kraken_assets_tool', XCHANGE, 'example-assets-data.json');
    expect(assets.find((a: any) => a.venue_asset === 'XXBT')).toMatchObject({ asset: 'BTC', deposits: null });
  });

  it('futures: inverse contracts in base units at the price of their row, funding as a fraction', async () => {
    const recorded = body(NAUTILUS, 'http_futures_tickers.json');
    const read = (name: string) => recordedData('kraken', name, {}, { body: recorded, list: futures });
    const raw = recorded.tickers[0];
    const { tickers } = await read('kraken_all_futures_tickers_tool');
    const inverse = tickers.find((t: any) => t.venue_symbol === 'PI_XBTUSD');
    expect(inverse).toMatchObject({ symbol: 'BTCUSD_PI', volume_24h: null, quote_volume_24h: raw.vol24h });
    expect(inverse.open_interest).toBeCloseTo(raw.openInterest / raw.markPrice, 6);
    expect(inverse.open_interest_quote).toBe(raw.openInterest);
    expect(inverse.bid_size).toBeCloseTo(raw.bidSize / raw.bid, 9);
    expect(inverse.funding_rate).toBeCloseTo(raw.fundingRate * raw.indexPrice, 12);
    const linear = tickers.find((t: any) => t.venue_symbol === 'PF_ETHUSD');
    expect(linear.open_interest).toBe(recorded.tickers[1].openInterest);
    const { open_interest: interest } = await read('kraken_open_interest_tool');
    expect(interest.map((i: any) => i.symbol)).toEqual(expect.arrayContaining(['BTCUSD_PI', 'ETHUSD']));
  });

  it('futures: contracts, book and candles', async () => {
    const read = (name: string, file: string) =>
      recordedData('kraken', name, {}, { body: body(NAUTILUS, file), list: futures.filter((i) => !i.inverse) });
    const listed = await recordedData(
      'kraken',
      'kraken_futures_instruments_tool',
      {},
      {
        body: body(NAUTILUS, 'http_futures_instruments.json'),
        list: futures,
      },
    );
    expect(listed.instruments.find((i: any) => i.venue_symbol === 'PF_ETHUSD')).toMatchObject({
      max_leverage: 50,
      max_size: 16_000,
      inverse: false,
    });
    const book = await read('kraken_futures_orderbook_tool', 'http_futures_orderbook.json');
    expect(book).toMatchObject({ best_bid: 105_900, best_ask: 105_950, levels: { bids: 3, asks: 3 } });
    const candles = await read('kraken_futures_klines_tool', 'http_futures_candles_trade.json');
    expect(candles.candles[0]).toMatchObject({ close: 91_490.5, volume: 4995, closed: true });
  });
});
