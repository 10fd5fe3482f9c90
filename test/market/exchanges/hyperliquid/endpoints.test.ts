import { describe, expect, it } from 'vitest';
import { Unavailable } from '../../../../src/kit/errors.ts';
import type { EndpointDesk } from '../../../../src/market/exchanges/endpoint.ts';
import { deskNow, endpointData, endpointTool, simulatedDesk } from '../endpoint-desk.ts';
import { hasData, json } from '../recorded/data.ts';

const desk = simulatedDesk('hyperliquid');
const run = (name: string, input?: Record<string, unknown>) => endpointData('hyperliquid', name, input);

describe('Hyperliquid endpoint tools', () => {
  it('tell funding on its own hour, and open interest in USDC at the mark', async () => {
    const ticker = await run('hyperliquid_ticker', { coin: 'BTC' });
    expect(ticker).toMatchObject({
      symbol: 'BTCUSDC',
      quote: 'USDC',
      last: null,
      bid: null,
      funding_interval_hours: 1,
    });
    expect(ticker.open_interest_quote).toBeCloseTo(ticker.open_interest * ticker.mark, 6);
    expect(ticker.funding_rate_8h).toBeCloseTo(ticker.funding_rate * 8, 12);
    const { marks } = await run('hyperliquid_all_funding_rates');
    expect(marks.find((m: any) => m.symbol === 'BTCUSDC').funding_rate).toBe(ticker.funding_rate);
  });

  it('add up the whole from the parts', async () => {
    const stats = await run('hyperliquid_exchange_stats');
    const { open_interest } = await run('hyperliquid_open_interest');
    const total = open_interest.reduce((sum: number, i: any) => sum + Number(i.open_interest_quote), 0);
    expect(stats.open_interest_usdc).toBeCloseTo(total, 4);
    const signs = [stats.funding_positive, stats.funding_negative, stats.funding_zero].map(Number);
    expect(signs.reduce((a, b) => a + b, 0)).toBe(stats.perpetuals);
    expect(stats.largest.reduce((sum: number, l: any) => sum + Number(l.share_pct), 0)).toBeCloseTo(100, 8);
  });

  it('give as many candles as asked for, the last one running', async () => {
    const { candles, count } = await run('hyperliquid_klines', { coin: 'BTC', interval: '15m', limit: 20 });
    expect(count).toBe(20);
    expect(candles[0].closed).toBe(false);
    expect(candles.slice(1).every((c: any) => c.closed)).toBe(true);
    expect(Date.parse(candles[0].open_time)).toBe(Math.floor(deskNow() / 900_000) * 900_000);
  });

  it('give trades, where the original gave a book and a note', async () => {
    const { trades } = await run('hyperliquid_recent_trades', { coin: 'BTC', limit: 5 });
    expect(trades).toHaveLength(5);
    const result = await endpointTool('hyperliquid_recent_trades').run({ coin: 'BTC', limit: 50 }, desk);
    expect(result.notes).toContainEqual(expect.stringMatching(/last \d+ trades alone/));
  });

  it('name the tokens of spot pairs', async () => {
    const { pairs } = await run('hyperliquid_spot_meta_and_ctxs');
    expect(pairs.find((p: any) => p.base === 'BTC')).toMatchObject({
      name: expect.stringMatching(/^@\d+$/),
      quote: 'USDC',
    });
  });

  it('refuse what is not listed and what is out of bounds', async () => {
    await expect(endpointTool('hyperliquid_ticker').run({ coin: 'NOPE' }, desk)).rejects.toThrow(/lists no/);
    await expect(async () => endpointTool('hyperliquid_orderbook').run({ depth: 21 }, desk)).rejects.toThrow();
    await expect(async () => endpointTool('hyperliquid_klines').run({ interval: '7m' }, desk)).rejects.toThrow();
  });

  it('read every instrument that trades, and say when a context is missing', async () => {
    const short: EndpointDesk = {
      ...desk,
      ask: (...args) => desk.ask(...args).then((got) => ({ ...got, body: [{ universe: [] }, []] })),
    };
    await expect(endpointTool('hyperliquid_ticker').run({ coin: 'BTC' }, short)).rejects.toThrow(Unavailable);
    const uneven: EndpointDesk = {
      ...desk,
      ask: (...args) => desk.ask(...args).then((got) => ({ ...got, body: [{ universe: [] }, [{}]] })),
    };
    await expect(endpointTool('hyperliquid_all_tickers').run({}, uneven)).rejects.toThrow(/as many contexts/);
  });
});

/** The venue's own SDK records what it asked and what came, by the type of the question. */
function recorded(file: string, type: string): unknown {
  const all = json(`rest_hyperliquid_sdk/${file}.json`);
  return all.find((one: any) => one.request.body.type === type)?.response;
}

describe.runIf(hasData('rest_hyperliquid_sdk'))('recorded answers', () => {
  const read = async (name: string, input: Record<string, unknown>, body: unknown): Promise<any> => {
    const replayed: EndpointDesk = {
      ...desk,
      ask: (...args) => desk.ask(...args).then((got) => ({ ...got, body })),
    };
    const tool = endpointTool(name);
    return tool.output.parse((await tool.run(input, replayed)).data);
  };

  it('of the universe', async () => {
    const body: any = recorded('test_get_info', 'meta') ?? json('rest_hyperliquid_sdk/test_get_info.json')[0].response;
    const got = await read('hyperliquid_meta', {}, body);
    expect(got.count).toBe(body.universe.length);
    const btc = got.instruments.find((i: any) => i.venue_symbol === 'BTC');
    expect(btc).toMatchObject({ symbol: 'BTCUSDC', lot_size: 1e-5, max_leverage: 50, funding_interval_hours: 1 });
  });

  it('of the mids', async () => {
    const body: any = recorded('test_get_all_mids', 'allMids');
    const { mids, count } = await read('hyperliquid_all_mids', {}, body);
    expect(count).toBe(Object.keys(body).length);
    for (const { name, mid } of mids) expect(mid).toBe(Number(body[name]));
  });

  it('of candles', async () => {
    const body: any = recorded('test_get_candles_snapshot', 'candleSnapshot');
    const got = await read('hyperliquid_klines', { coin: 'BTC', interval: '1h' }, body);
    expect(got.count).toBe(body.length);
    const last = body.reduce((a: any, b: any) => (b.t > a.t ? b : a));
    expect(got.candles[0]).toMatchObject({
      open_time: new Date(last.t).toISOString(),
      open: Number(last.o),
      high: Number(last.h),
      low: Number(last.l),
      close: Number(last.c),
      volume: Number(last.v),
      trades: last.n,
      closed: true,
    });
  });

  it('of paid funding', async () => {
    const body: any = recorded('test_get_funding_history_None_', 'fundingHistory');
    const got = await read('hyperliquid_funding_rate', { coin: 'BTC' }, body);
    expect(got).toMatchObject({ count: body.length, interval_hours: 1, last_rate: Number(body.at(-1).fundingRate) });
  });
});
