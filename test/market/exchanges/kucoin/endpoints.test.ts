import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Unsupported } from '../../../../src/kit/errors.ts';
import kucoin from '../../../../src/market/exchanges/kucoin/index.ts';
import { endpointData, endpointTool, recordedData, simulatedDesk } from '../endpoint-desk.ts';
import { DATA, jsonLines } from '../recorded/data.ts';

const desk = simulatedDesk('kucoin');
const run = (name: string, input?: Record<string, unknown>) => endpointData('kucoin', name, input);

describe('KuCoin endpoint tools', () => {
  it('count contracts in base units', async () => {
    const { body } = await desk.ask('futures', { path: '/api/v1/ticker', query: { symbol: 'XBTUSDTM' }, weight: 2 });
    const raw = (body as { data: Record<string, string> }).data;
    const multiplier = (await desk.instrument('futures', 'XBTUSDTM')).contract_size ?? NaN;
    const ticker = await run('kucoin_futures_ticker_tool', { symbol: 'BTCUSDT' });
    expect(ticker).toMatchObject({ symbol: 'BTCUSDT', venue_symbol: 'XBTUSDTM', funding_interval_hours: 8 });
    expect([ticker.bid, ticker.bid_size]).toEqual([
      Number(raw['bestBidPrice']),
      expect.closeTo(Number(raw['bestBidSize']) * multiplier, 9),
    ]);
    expect(ticker.open_interest_quote).toBeCloseTo(ticker.open_interest * ticker.mark, 4);
    const { open_interest: all } = await run('kucoin_open_interest_tool');
    expect(all.find((i: any) => i.symbol === 'BTCUSDT').open_interest).toBeCloseTo(ticker.open_interest, 9);
  });

  it('join the running rate with mark and index', async () => {
    const { marks } = await run('kucoin_funding_rate_tool', { symbol: 'XBTUSDTM' });
    expect(marks).toHaveLength(1);
    expect(marks[0].premium_bps).toBeCloseTo((marks[0].mark / marks[0].index - 1) * 10_000, 9);
    expect(Date.parse(marks[0].next_funding_time)).toBeGreaterThan(desk.now());
  });

  it('ask for as many candles and payments as wanted', async () => {
    const { candles, count } = await run('kucoin_futures_klines_tool', { interval: '15', limit: 20 });
    expect([count, candles[0].closed, candles[1].closed]).toEqual([20, false, true]);
    const funding = await run('kucoin_funding_rate_history_tool', { limit: 6 });
    expect([funding.count, funding.interval_hours]).toEqual([6, 8]);
  });

  it('say which venues make an index, with weights that add up', async () => {
    const { index_name, components } = await run('kucoin_index_price_tool', { symbol: 'XBTUSDTM' });
    expect(index_name).toBe('.KXBTUSDT');
    expect(components.reduce((sum: number, c: any) => sum + Number(c.weight), 0)).toBeCloseTo(1, 9);
  });

  it('refuse what is not listed, with the remedy', async () => {
    const asked = endpointTool('kucoin_spot_ticker_tool').run({ symbol: 'NOPE-USDT' }, desk);
    await expect(asked).rejects.toThrow(/lists no 'NOPE-USDT'/);
  });
});

describe.runIf(existsSync(path.join(DATA, 'docs_examples', 'kucoin_spec.jsonl')))(
  'examples of KuCoin’s documentation',
  () => {
    const examples = new Map<string, any>(
      jsonLines('docs_examples/kucoin_spec.jsonl')
        .filter((line) => line.role === 'x-response-example' && line.method === 'get')
        .map((line) => [`${line.spec} ${line.topic_or_path}`, line.json]),
    );
    const example = (key: string): any => {
      const found = examples.get(key);
      if (found === undefined) throw new Error(`no example ${key}`);
      return found;
    };
    const listed = (market: 'futures' | 'spot') =>
      kucoin.markets
        .find((m) => m.market === market)
        ?.parseInstruments(
          JSON.stringify(
            example(
              market === 'spot'
                ? 'openapi-spot-market.json /api/v2/symbols'
                : 'openapi-futures-market.json /api/v1/contracts/active',
            ),
          ),
        ) ?? [];
    const spot = (name: string, page: string, input = {}) =>
      recordedData('kucoin', name, input, { body: example(`openapi-spot-market.json ${page}`), list: listed('spot') });
    const futures = (name: string, page: string, input = {}, spec = 'market') =>
      recordedData('kucoin', name, input, {
        body: example(`openapi-futures-${spec}.json ${page}`),
        list: listed('futures'),
      });

    it('spot: statistics, tickers, best prices, book, trades, candles, currencies', async () => {
      expect(await spot('kucoin_spot_ticker_tool', '/api/v1/market/stats')).toMatchObject({
        symbol: 'BTCUSDT',
        last: 66_981.5,
        bid: 66_982.4,
        change_24h_pct: -1.14,
        volume_24h: 1738.02898182,
      });
      const { tickers } = await spot('kucoin_all_spot_tickers_tool', '/api/v1/market/allTickers');
      expect(tickers[0]).toMatchObject({ symbol: 'BTCUSDT', quote: 'USDT', bid_size: 0.000025 });
      const { quotes } = await spot('kucoin_spot_best_prices_tool', '/api/v1/market/orderbook/level1');
      expect(quotes[0]).toMatchObject({ bid: 67_267.5, ask_size: 1.24808993 });
      const book = await spot('kucoin_spot_orderbook_tool', '/api/v1/market/orderbook/level2_{size}');
      expect(book).toMatchObject({ best_bid: 66_976.4, best_ask: 66_976.5, seq: 14_610_502_970 });
      const trades = await spot('kucoin_spot_trades_tool', '/api/v1/market/histories');
      expect(trades.trades[0]).toMatchObject({ side: 'buy', time: '2024-10-17T14:58:37.877Z' });
      const { candles } = await spot('kucoin_spot_klines_tool', '/api/v1/market/candles', { interval: '1min' });
      expect(candles[0]).toMatchObject({
        open: 10_411.5,
        close: 10_401.9,
        high: 10_411.5,
        low: 10_396.3,
        closed: true,
      });
      const { assets } = await spot('kucoin_currencies_tool', '/api/v3/currencies');
      expect(assets.find((a: any) => a.asset === 'BTC')).toMatchObject({ full_name: 'Bitcoin', decimals: 8 });
      expect((await spot('kucoin_market_list_tool', '/api/v1/markets')).markets).toContain('DeFi');
    });

    it('futures: contract, book, mark, funding, premium, index', async () => {
      const { open_interest } = await futures('kucoin_open_interest_tool', '/api/v1/contracts/active');
      const raw = example('openapi-futures-market.json /api/v1/contracts/active').data[0];
      expect(open_interest[0].open_interest).toBeCloseTo(Number(raw.openInterest) * raw.multiplier, 6);
      expect(await futures('kucoin_risk_limits_tool', '/api/v1/contracts/{symbol}')).toMatchObject({
        symbol: 'BTCUSDT',
        max_leverage: 125,
        initial_margin: 0.008,
        maintenance_margin: 0.004,
      });
      const book = await futures('kucoin_futures_orderbook_tool', '/api/v1/level2/snapshot');
      expect(book.bids[0]).toEqual([66_968, 0.002]);
      const { marks } = await futures('kucoin_mark_price_tool', '/api/v1/mark-price/{symbol}/current');
      expect(marks[0]).toMatchObject({ mark: 67_687.08, index: 67_683.58 });
      const paid = await futures(
        'kucoin_funding_rate_history_tool',
        '/api/v1/contract/funding-rates',
        {},
        'fundingfees',
      );
      expect([paid.last_rate, paid.last_rate_8h]).toEqual([0.00021, 0.00021]);
      const premium = await futures('kucoin_premium_index_tool', '/api/v1/premium/query');
      expect(premium.latest).toBeCloseTo(0.6, 9);
      const index = await futures('kucoin_index_price_tool', '/api/v1/index/query');
      expect(index).toMatchObject({ index: 69_202.94, index_name: '.KXBTUSDT' });
      expect(index.components[0]).toEqual({ exchange: 'gateio', price: 69_209.27, weight: 0.0533 });
    });

    it('an index of an inverse contract is refused: it is named otherwise', async () => {
      const [linear] = listed('futures');
      if (linear === undefined) throw new Error('no contract');
      const list = [{ ...linear, inverse: true, venue_symbol: 'XBTUSDM' }];
      await expect(recordedData('kucoin', 'kucoin_index_price_tool', {}, { body: {}, list })).rejects.toThrow(
        Unsupported,
      );
    });
  },
);
