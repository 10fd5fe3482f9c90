import { describe, expect, it } from 'vitest';
import { endpointData, endpointTool, simulatedDesk } from '../endpoint-desk.ts';

const desk = simulatedDesk('okx');
const run = (name: string, input?: Record<string, unknown>) => endpointData('okx', name, input);

describe('OKX endpoint tools', () => {
  it('count in base units and tell quote values', async () => {
    const book = await run('okx_orderbook_tool', { inst_id: 'BTC-USDT-SWAP', depth: 5 });
    const ticker = await run('okx_ticker_tool', { inst_id: 'BTC-USDT-SWAP' });
    expect([book.best_bid, book.bids[0][1]]).toEqual([ticker.bid, ticker.bid_size]);
    expect(ticker.quote).toBe('USDT');
    const spot = await run('okx_ticker_tool', { inst_id: 'BTC-USDT' });
    expect(spot).toMatchObject({ venue_symbol: 'BTC-USDT', symbol: 'BTCUSDT' });
    expect(Math.abs(spot.last / ticker.last - 1)).toBeLessThan(0.01);
  });

  it('tell funding with its own interval', async () => {
    const { marks } = await run('okx_funding_rate_tool', { inst_id: 'BTC-USDT-SWAP' });
    expect(marks[0]).toMatchObject({ symbol: 'BTCUSDT', funding_interval_hours: 8 });
  });

  it('read the rows of taker volume as sell, then buy', async () => {
    const { body } = await desk.ask('futures', {
      path: '/api/v5/rubik/stat/taker-volume',
      query: { ccy: 'BTC', instType: 'CONTRACTS', period: '1H' },
      weight: 1,
    });
    const [, sell, buy] = (body as { data: string[][] }).data[0] ?? [];
    const taker = await run('okx_taker_volume_tool', { ccy: 'BTC', period: '1H' });
    expect(taker.latest_ratio).toBeCloseTo(Number(buy) / Number(sell), 9);
  });

  it('add up calls and puts', async () => {
    const options = await run('okx_options_summary_tool', { uly: 'BTC-USD' });
    expect(options.options).toBe(10);
    expect(options.put_call_open_interest).toBeCloseTo(options.put_open_interest / options.call_open_interest, 12);
    expect(options.call_open_interest).toBeGreaterThan(0);
  });

  it('refuse what is not listed and what is out of bounds', async () => {
    await expect(endpointTool('okx_ticker_tool').run({ inst_id: 'NOPE-USDT-SWAP' }, desk)).rejects.toThrow(/lists no/);
    await expect(async () => endpointTool('okx_orderbook_tool').run({ depth: 401 }, desk)).rejects.toThrow();
    await expect(async () => endpointTool('okx_klines_tool').run({ interval: '7m' }, desk)).rejects.toThrow();
    await expect(async () => endpointTool('okx_options_summary_tool').run({ uly: "'; --" }, desk)).rejects.toThrow();
  });
});
