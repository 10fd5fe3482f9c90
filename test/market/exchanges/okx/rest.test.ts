import { describe, expect, it } from 'vitest';
import type { BookRecord, Stream } from '../../../../src/market/domain/records.ts';
import type { RestArgs, RestCallName } from '../../../../src/market/domain/tape.ts';
import { namedFacts } from '../../../../src/market/exchanges/okx/wire.ts';
import { marketOf } from '../recorded/data.ts';

const swap = marketOf('okx_futures');
const SWAP = { instId: 'BTC-USDT-SWAP', instType: 'SWAP', ctType: 'linear', ctVal: '0.01', state: 'live' };
const T = 1_780_000_000_000;
const args = { symbol: 'BTCUSDT', from: T, to: T + 3_600_000 };

const pathOf = (call: RestCallName, of: RestArgs): string => swap.rest[call]?.request(of, undefined).path ?? '';
const next = (call: RestCallName, of: RestArgs, data: unknown): RestArgs | undefined =>
  swap.rest[call]?.nextPage?.(of, JSON.stringify({ code: '0', data }));

describe('OKX history over REST', () => {
  it('reads trades backwards, by time first and then by id', () => {
    expect(pathOf('trades', args)).toBe(
      `/api/v5/market/history-trades?instId=BTCUSDT&type=2&after=${T + 3_600_000}&limit=100`,
    );
    const second = next('trades', args, [
      { tradeId: '9', ts: String(T + 2) },
      { tradeId: '8', ts: String(T) },
    ]);
    expect(second).toEqual({ ...args, cursor: '8' });
    expect(pathOf('trades', second ?? {})).toBe(
      '/api/v5/market/history-trades?instId=BTCUSDT&type=1&after=8&limit=100',
    );
    expect(next('trades', args, [{ tradeId: '7', ts: String(T - 1) }])).toBeUndefined();
    expect(next('trades', args, [])).toBeUndefined();
  });

  it('goes over to the archive where the recent bars end', () => {
    expect(pathOf('candles', args)).toBe(
      `/api/v5/market/candles?instId=BTCUSDT&bar=1m&after=${T + 3_600_000}&before=${T - 1}&limit=300`,
    );
    const archive = next('candles', args, [[String(T + 60_000)]]);
    expect(archive).toEqual({ ...args, to: T + 60_000, cursor: 'archive' });
    expect(pathOf('candles', archive ?? {})).toMatch(/\/market\/history-candles\?.*limit=300$/);
    expect(next('candles', args, [])).toEqual({ ...args, cursor: 'archive' });
    expect(next('candles', args, [[String(T)]])).toBeUndefined();
    expect(next('candles', { ...args, cursor: 'archive' }, [])).toBeUndefined();
  });

  it('takes the present mark price without bounds, history with them', () => {
    expect(pathOf('mark_prices', { symbol: 'BTCUSDT' })).toContain('/public/mark-price?instType=SWAP');
    expect(pathOf('mark_prices', { symbol: 'BTC-USDT-260327' })).toContain('?instType=FUTURES&');
    expect(pathOf('open_interest', { symbol: 'BTC-USDT-260327' })).toContain('?instType=FUTURES&');
    expect(pathOf('mark_prices', args)).toMatch(/\/market\/mark-price-candles\?.*limit=100$/);
  });

  it('pages funding and open interest while pages come full', () => {
    expect(pathOf('funding_rates', args)).toMatch(/limit=400$/);
    const rows = Array.from({ length: 400 }, (_, i) => ({ fundingTime: String(T + (500 - i) * 1000) }));
    expect(next('funding_rates', args, rows)).toEqual({ ...args, to: T + 101_000 });
    expect(next('funding_rates', args, rows.slice(1))).toBeUndefined();
    expect(next('open_interest_history', args, [[String(T)]])).toBeUndefined();
  });
});

describe('OKX instruments', () => {
  it('come in three answers: swaps, dated futures, then the rates that tell the intervals', () => {
    const first = swap.parseInstruments(
      JSON.stringify({
        code: '0',
        data: [
          {
            instId: 'DOGE-USDT-SWAP',
            instType: 'SWAP',
            ctType: 'linear',
            ctVal: '1000',
            ctMult: '1',
            tickSz: '0.00001',
            lotSz: '0.01',
            state: 'live',
          },
          { instId: 'BTC-USD-SWAP', instType: 'SWAP', ctType: 'inverse', ctVal: '100', ctMult: '1', state: 'suspend' },
          { instId: 'BTC-USD-220304-32000-P', instType: 'OPTION', state: 'live' },
        ],
      }),
    );
    expect(first).toMatchObject([
      { symbol: 'DOGEUSDT', base: 'DOGE', quote: 'USDT', contract_size: 1000, lot_size: 10, status: 'trading' },
      { symbol: 'BTCUSD', inverse: true, contract_size: 100, lot_size: null, status: 'halted' },
    ]);
    const funding = {
      instId: 'DOGE-USDT-SWAP',
      fundingRate: '0.0001',
      fundingTime: String(T),
      nextFundingTime: String(T + 14_400_000),
    };
    const both = swap.parseInstruments(JSON.stringify({ code: '0', data: [funding] }), first);
    expect(both.map((i) => i.funding_interval_hours)).toEqual([4, null]);
    expect(swap.rest.instruments?.nextPage?.({}, '')).toEqual({ cursor: 'dated' });
    expect(swap.rest.instruments?.nextPage?.({ cursor: 'dated' }, '')).toEqual({ cursor: 'funding' });
    expect(swap.rest.instruments?.nextPage?.({ cursor: 'funding' }, '')).toBeUndefined();
  });

  it('of dated futures have the end that the venue tells, and size by what a contract counts', () => {
    const of = (instId: string, ctType: string, ctVal: string, tickSz: string) => ({
      ...{ alias: 'quarter', baseCcy: '', ctMult: '1', ctType, ctVal, expTime: '1774598400000' },
      ...{ instId, instType: 'FUTURES', lotSz: '1', quoteCcy: '', state: 'live', tickSz },
    });
    const data = [of('BTC-USDT-260327', 'linear', '0.01', '0.1'), of('BTC-USD-260327', 'inverse', '100', '0.1')];
    const listed = swap.parseInstruments(JSON.stringify({ code: '0', data }));
    const expiry_time = Date.UTC(2026, 2, 27, 8) * 1000;
    expect(listed).toMatchObject([
      { symbol: 'BTCUSDT_260327', kind: 'dated', quote: 'USDT', contract_size: 0.01, lot_size: 0.01, expiry_time },
      { symbol: 'BTCUSD_260327', kind: 'dated', inverse: true, contract_size: 100, lot_size: null, expiry_time },
    ]);
    const on = (symbol: string) => swap.expiring?.on(symbol, listed).map((i) => i.symbol);
    expect([on('BTCUSDT'), on('BTCUSD'), on('BTCUSDC'), on('ETHUSDT')]).toEqual([
      ['BTCUSDT_260327'],
      ['BTCUSD_260327'],
      ['BTCUSD_260327'],
      [],
    ]);
    const both = [...swap.parseInstruments(JSON.stringify({ code: '0', data: [SWAP] })), ...listed.slice(0, 1)];
    const plans = swap.plan(both, ['funding_rates', 'liquidations', 'trades']);
    const args = plans.flatMap((plan) => plan.subscribe.flatMap((text) => JSON.parse(text).args));
    expect(args.filter((arg) => arg.channel === 'funding-rate')).toEqual([
      { channel: 'funding-rate', instId: 'BTC-USDT-SWAP' },
    ]);
    expect(args.flatMap((arg) => arg.instType ?? [])).toEqual(['SWAP', 'FUTURES']);
    expect(args).toHaveLength(plans.reduce((sum, plan) => sum + (plan.acknowledgements ?? 0), 0));
    const series = plans.flatMap((plan) => plan.series.map(({ symbol, stream }) => `${symbol} ${stream}`));
    expect(series).toEqual([
      'BTCUSDT funding_rates',
      'BTCUSDT liquidations',
      'BTCUSDT_260327 liquidations',
      'BTCUSDT trades',
      'BTCUSDT_260327 trades',
    ]);
    expect(swap.plan(listed, ['funding_rates'])).toEqual([]);
  });

  it('have names that tell base, quote and date', () => {
    expect(namedFacts('futures')('BTC-USDT-260327')).toEqual({
      symbol: 'BTCUSDT_260327',
      inverse: false,
      contractSize: null,
    });
    expect(namedFacts('futures')('ETH-USD-SWAP')).toEqual({ symbol: 'ETHUSD', inverse: true, contractSize: 10 });
    expect(namedFacts('spot')('BTC-USDT')).toEqual({ symbol: 'BTCUSDT', inverse: false, contractSize: 1 });
  });
});

describe('OKX errors', () => {
  it.each([
    ['50011', 'rate_limited'],
    ['51001', 'unknown_symbol'],
    ['50110', 'forbidden'],
    ['50121', 'blocked_region'],
    ['50024', 'bad_request'],
    ['50001', 'maintenance'],
  ])('%s is %s', (code, kind) => {
    expect(swap.restError(200, JSON.stringify({ code, msg: 'why', data: [] }))).toMatchObject({
      code,
      kind,
      message: 'why',
    });
  });
});

describe('the OKX book rule', () => {
  const change = (seq: number | null, previous: number | null, proof?: BookRecord['proof']): BookRecord => ({
    exchange: 'okx',
    market: 'futures',
    symbol: 'BTCUSDT',
    event_time: 1,
    recv_time: 1,
    origin: 'live',
    stream: 'book',
    kind: 'delta',
    bids: [],
    asks: [],
    seq,
    first_seq: null,
    prev_seq: previous,
    proof,
  });
  const { next: judge } = swap.book;
  const running = { lastSeq: 110, fromSnapshot: false };

  it('follows the predecessor, also where ids begin anew or nothing changed', () => {
    expect(judge(running, change(115, 110))).toBe('apply');
    expect(judge(running, change(110, 110))).toBe('apply');
    expect(judge(running, change(3, 110))).toBe('apply');
    expect(judge(running, change(120, 115))).toBe('gap');
    expect(judge(running, change(110, 105))).toBe('skip');
    expect(judge({ lastSeq: null, fromSnapshot: false }, change(2, 1))).toBe('gap');
    expect(judge(running, { ...change(9, -1), kind: 'snapshot' })).toBe('apply');
  });

  it('takes recorded changes without ids at their checksum', () => {
    const proof = { checksum: 1, bids: [], asks: [] };
    expect(judge({ lastSeq: null, fromSnapshot: true }, change(null, null, proof))).toBe('apply');
    expect(judge({ lastSeq: null, fromSnapshot: true }, change(null, null))).toBe('gap');
    expect(judge(running, change(null, null, proof))).toBe('gap');
  });
});

describe('OKX connections', () => {
  const listed = Array.from({ length: 3 }, (_, i) => ({
    exchange: 'okx',
    market: 'futures' as const,
    symbol: `A${i}USDT`,
    venue_symbol: `A${i}-USDT-SWAP`,
    base: `A${i}`,
    quote: 'USDT',
    kind: 'perpetual' as const,
    status: 'trading' as const,
    tick_size: 1,
    lot_size: 1,
    contract_size: 1,
    inverse: false,
    funding_interval_hours: null,
  }));

  it('ask for all liquidations once, after the instruments that they are wanted of', () => {
    const [plan, ...more] = swap.plan(listed, ['liquidations']);
    expect(more).toEqual([]);
    const { args: channels }: { args: { channel: string }[] } = JSON.parse(plan?.subscribe[0] ?? '');
    expect(channels.map(({ channel }) => channel)).toEqual([
      'price-limit',
      'price-limit',
      'price-limit',
      'liquidation-orders',
    ]);
    expect(plan?.ping).toEqual({ everyMs: 20_000, text: 'ping' });
  });

  it('share fewer than 30 books', () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      listed.map((one) => ({ ...one, symbol: `B${i}`, venue_symbol: `B${i}-USDT-SWAP` })).slice(0, 1),
    ).flat();
    const books = (streams: readonly Stream[]) =>
      swap.plan(many, streams).map((plan) => plan.subscribe.join('').split('"books"').length - 1);
    expect(books(['orderbooks', 'prices'])).toEqual([29, 29, 2]);
    expect(books(['prices'])).toEqual([0]);
  });

  it('get a book again without a new connection', () => {
    const [plan] = swap.plan(listed, ['orderbooks', 'trades']);
    expect(plan?.resubscribeBook?.('A1USDT')).toEqual([
      '{"op":"unsubscribe","args":[{"channel":"books","instId":"A1-USDT-SWAP"}]}',
      '{"op":"subscribe","args":[{"channel":"books","instId":"A1-USDT-SWAP"}]}',
    ]);
  });
});

describe('OKX options over REST', () => {
  const options = marketOf('okx_options');
  const pageOf = (of: RestArgs): string => options.rest.instruments?.request(of, undefined).path ?? '';
  const after = (of: RestArgs, data: unknown): RestArgs | undefined =>
    options.rest.instruments?.nextPage?.(of, JSON.stringify({ code: '0', data }));

  it('asks which families there are, then for each', () => {
    expect(pageOf({})).toBe('/api/v5/public/underlying?instType=OPTION');
    const first = after({}, [['BTC-USD', 'ETH-USD']]);
    expect(pageOf(first ?? {})).toBe('/api/v5/public/instruments?instType=OPTION&instFamily=BTC-USD');
    const second = after(first ?? {}, []);
    expect(pageOf(second ?? {})).toBe('/api/v5/public/instruments?instType=OPTION&instFamily=ETH-USD');
    expect(after(second ?? {}, [])).toBeUndefined();
    expect(after({}, [])).toBeUndefined();
  });

  it('asks for open interest with the family, and for the index that strikes are chosen about', () => {
    const name = 'BTC-USD-260626-50000-C';
    expect(options.rest.open_interest?.request({ symbol: name }, undefined).path).toBe(
      `/api/v5/public/open-interest?instType=OPTION&instId=${name}&instFamily=BTC-USD`,
    );
    const [option] = options.parseInstruments(
      JSON.stringify({ code: '0', data: [{ instId: name, instType: 'OPTION', settleCcy: 'BTC', state: 'live' }] }),
    );
    const { expiring } = options;
    expect(expiring?.on('BTCUSDT', option === undefined ? [] : [option])).toEqual([option]);
    expect(option && expiring?.price?.request(option).path).toBe('/api/v5/market/index-tickers?instId=BTC-USD');
    expect(expiring?.price?.read('{"code":"0","data":[{"instId":"BTC-USD","idxPx":"50123.4"}]}')).toBe(50_123.4);
    expect(expiring?.price?.read('{"code":"0","data":[]}')).toBeUndefined();
  });
});
