import { describe, expect, it } from 'vitest';
import { endpointData, endpointTool, simulatedDesk } from '../endpoint-desk.ts';

const desk = simulatedDesk('gateio');
const run = (name: string, input?: Record<string, unknown>) => endpointData('gateio', name, input);

describe('Gate.io endpoint tools', () => {
  it('count in base units and tell quote values', async () => {
    const book = await run('gateio_futures_orderbook', { contract: 'BTC_USDT', depth: 5 });
    const raw = await desk.ask('futures', {
      path: '/api/v4/futures/usdt/order_book',
      query: { contract: 'BTC_USDT', limit: 1 },
      weight: 1,
    });
    const [best] = (raw.body as { bids: { p: string; s: number }[] }).bids;
    expect(book.bids[0]).toEqual([Number(best?.p), Number(((best?.s ?? 0) / 10_000).toFixed(4))]);
    const { trades } = await run('gateio_futures_trades', { contract: 'BTC_USDT', limit: 20 });
    expect(trades).toHaveLength(20);
  });

  it('tell funding with its own interval', async () => {
    const { marks } = await run('gateio_all_funding_rates');
    expect(marks.find((m: any) => m.symbol === 'BTCUSDT')).toMatchObject({ funding_interval_hours: 8 });
  });

  it('know whose position a forced order closed', async () => {
    const { longs, shorts, liquidations } = await run('gateio_liquidations', { contract: 'BTC_USDT', limit: 50 });
    expect(Number(longs) + Number(shorts)).toBe(50);
    expect(liquidations.every((l: any) => l.size > 0)).toBe(true);
    const { body } = await desk.ask('futures', {
      path: '/api/v4/futures/usdt/liq_orders',
      query: { contract: 'BTC_USDT', limit: 50 },
      weight: 1,
    });
    expect((body as { order_size: number }[]).filter((l) => l.order_size < 0)).toHaveLength(longs);
  });

  it('refuse what is not listed and what is out of bounds', async () => {
    await expect(endpointTool('gateio_futures_ticker').run({ contract: 'NOPE_USDT' }, desk)).rejects.toThrow(
      /lists no/,
    );
    await expect(async () => endpointTool('gateio_futures_ticker').run({}, desk)).rejects.toThrow();
    await expect(async () =>
      endpointTool('gateio_futures_ticker').run({ contract: 'BTC_USDT', settle: 'btc' }, desk),
    ).rejects.toThrow();
    await expect(async () =>
      endpointTool('gateio_options_orderbook').run({ contract: '../x' }, desk),
    ).rejects.toThrow();
  });
});
