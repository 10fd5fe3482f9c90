import { afterAll, beforeAll, expect, test } from 'vitest';
import { InvalidInput, NotFound, Unavailable, Unsupported } from '../../../src/kit/errors.ts';
import { resolveInstrument } from '../../../src/market/tools/shared/exchange/instrument.ts';
import { parseBinanceInstruments } from '../../../src/market/exchanges/binance/instruments.ts';
import type { Kind } from '../../../src/market/exchanges/endpoint.ts';
import { answer, endpoint } from '../../../src/market/exchanges/shared/question.ts';
import { endpointDesk } from '../../../src/market/tools/shared/exchange/tool.ts';
import { decimal } from '../../../src/market/exchanges/shared/shapes.ts';
import { z } from 'zod';
import { fillBench, keyOf, openBench, status, type Bench, START } from '../jobs/bench.ts';
import { call, contextOf } from './call.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  await fillBench(bench);
});
afterAll(() => bench[Symbol.asyncDispose]());

test('a REST answer says host, path, time and age, and its figures agree', async () => {
  const { data, provenance } = await call(bench, 'binance_spot_orderbook_tool', { symbol: 'btcusdt', depth: 20 });
  expect(provenance).toMatchObject({
    source: 'rest binance spot binance-spot.test/api/v3/depth',
    complete: true,
    as_of: new Date(START).toISOString(),
    sources: [{ via: 'rest', host: 'binance-spot.test', path: '/api/v3/depth' }],
  });
  expect(data.symbol).toBe('BTCUSDT');
  expect(data.best_bid).toBeLessThan(data.best_ask);
  expect(data.mid).toBeCloseTo((Number(data.best_bid) + Number(data.best_ask)) / 2, 8);
  const [band] = data.bands;
  expect(band.bid_size).toBeCloseTo(
    data.bids.slice(0, 5).reduce((sum: number, [, size]: [number, number]) => sum + size, 0),
    8,
  );
});

test('a live book that reaches as deep is used, and says so; a deeper one is asked of the venue', async () => {
  bench.collector.series.push(status(keyOf('orderbooks')));
  const live = await call(bench, 'binance_orderbook_tool', { symbol: 'BTCUSDT', depth: 3 });
  expect(live.provenance.sources?.[0]).toMatchObject({ via: 'live', host: null });
  expect(live.data).toMatchObject({ best_bid: 99.5, best_ask: 100.5, seq: 7 });
  const asked = await call(bench, 'binance_orderbook_tool', { symbol: 'BTCUSDT', depth: 50 });
  expect(asked.provenance.sources?.[0]?.via).toBe('rest');
  bench.collector.bookValid = false;
  const stale = await call(bench, 'binance_orderbook_tool', { symbol: 'BTCUSDT', depth: 3 });
  expect(stale.provenance.sources?.[0]?.via).toBe('rest');
});

test('several groups, several symbols: one answer, what fails is named and makes it incomplete', async () => {
  const ratios = await call(bench, 'binance_long_short_ratio_tool', { symbol: 'BTCUSDT', limit: 5 });
  expect(ratios.data.series.map((s: { group: string }) => s.group)).toEqual([
    'accounts',
    'top_accounts',
    'top_positions',
  ]);
  const interest = await call(bench, 'binance_open_interest_tool', {});
  expect(interest.provenance.complete).toBe(false);
  expect(interest.provenance.notes?.some((note) => note.includes('SOLUSDT'))).toBe(true);
  expect(interest.data.open_interest.length).toBe(2);
});

test('symbols: canonical, the venue’s own, a base coin; unknown ones name the nearest', async () => {
  const list = parseBinanceInstruments(
    'futures',
    JSON.stringify({
      symbols: ['BTCUSDC', 'BTCUSDT', 'BTCUSDT_260327'].map((symbol) => ({
        symbol,
        contractType: symbol.includes('_') ? 'CURRENT_QUARTER' : 'PERPETUAL',
        baseAsset: 'BTC',
        quoteAsset: symbol.slice(3, 7),
        status: 'TRADING',
      })),
    }),
  );
  expect(resolveInstrument(list, 'btc', 'x').symbol).toBe('BTCUSDT');
  expect(resolveInstrument(list, 'btcusdt-260327', 'x').symbol).toBe('BTCUSDT_260327');
  expect(() => resolveInstrument(list, 'BTCUSTD', 'binance futures')).toThrow(NotFound);
  expect(() => resolveInstrument(list, 'BTCUSTD', 'binance futures')).toThrow(/did you mean BTCUSD/);
});

test('liquidations that nobody collects are unsupported, with the remedy; collected ones come from the store', async () => {
  await expect(call(bench, 'binance_liquidations_tool', {})).rejects.toThrow(Unsupported);
  await expect(call(bench, 'binance_liquidations_tool', {})).rejects.toThrow(/stream 'liquidations'/);
});

test('a refusal of the venue keeps its code; a body that is not as documented names the field', async () => {
  const error = await call(bench, 'binance_spot_rolling_ticker_tool', { symbol: 'BTCUSDT', window: '7d' }).catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(InvalidInput);
  expect((error as InvalidInput).details).toMatchObject({ code: '-1130' });
  const odd = endpoint({
    market: 'spot',
    docs: 'page',
    request: () => ({ path: '/', weight: 1 }),
    shape: z.array(z.looseObject({ price: decimal })),
    read: () => ({ value: 1, time: null }),
  });
  const facts = {
    exchange: 'toy',
    market: 'spot' as const,
    now: 0,
    instrument: undefined,
    instrumentOf: () => undefined,
  };
  expect(() => odd.read([{ price: 'NaN' }], facts, {})).toThrow(Unavailable);
  expect(() => odd.read([{ price: 'NaN' }], facts, {})).toThrow(/0\.price/);
});

test('a pair that a venue has in another quote alone is what stands for it, and the answer says so', async () => {
  const desk = endpointDesk('deribit', contextOf(bench));
  const stand = await desk.instrument('futures', 'BTCUSDT');
  expect(stand).toMatchObject({ symbol: 'BTCUSDT', venue_symbol: 'BTC-PERPETUAL', stands_in_as: 'BTC_PERPETUAL' });
  expect((await desk.instrument('futures', 'BTC-PERPETUAL')).stands_in_as).toBeUndefined();
  const asked = { kind: symbolKind, endpoint: bookOf } as const;
  const told = await answer(asked, desk, {}, 'BTCUSDT');
  expect(told.notes).toContain(
    'deribit futures does not list BTCUSDT: BTC-PERPETUAL, which is quoted in USD, stands for it',
  );
  expect((await answer(asked, desk, {}, 'BTC-PERPETUAL')).notes.join()).not.toMatch(/stands for/);

  // Collected under the asked name, it has its own in lists, as before it was collected.
  const { services, ...context } = contextOf(bench);
  const collector = {
    status: () => ({ ...services.collector.status(), running: true }),
    instruments: () => [stand],
    book: services.collector.book.bind(services.collector),
  };
  const collecting = endpointDesk('deribit', { ...context, services: { ...services, collector } });
  expect(await collecting.instruments('futures')).toEqual([await desk.instrument('futures', 'BTC-PERPETUAL')]);
  expect(await collecting.instrument('futures', 'BTCUSDT')).toEqual(stand);
});

const symbolKind: Kind<string> = {
  name: 'symbol',
  about: 'the symbol',
  output: z.string(),
  derive: (value) => value,
  summary: (value) => value,
};
const bookOf = endpoint({
  market: 'futures',
  docs: 'page',
  request: (_args: object, instrument) => ({
    path: '/api/v2/public/get_order_book',
    query: { instrument_name: instrument?.venue_symbol, depth: 5 },
    weight: 1,
  }),
  shape: z.looseObject({ result: z.looseObject({ timestamp: z.number() }) }),
  read: (wire, facts) => ({ value: facts.instrument?.symbol ?? '', time: wire.result.timestamp }),
});
