import { describe, expect, it } from 'vitest';
import { marketOf } from '../recorded/data.ts';

const market = marketOf('hyperliquid_futures');
const T = 1_780_000_000_000;

describe('Hyperliquid over REST', () => {
  it('asks by POST, half-open bounds made inclusive', () => {
    const args = { symbol: 'BTCUSDC', from: T, to: T + 60_000 };
    const [instrument] = market.parseInstruments('{"universe":[{"name":"BTC","szDecimals":5}]}');
    const target = market.rest.candles?.request(args, instrument);
    expect([target?.path, JSON.parse(target?.body ?? '')]).toEqual([
      '/info',
      { type: 'candleSnapshot', req: { coin: 'BTC', interval: '1m', startTime: T, endTime: T + 59_999 } },
    ]);
  });

  it('weighs candles by how many there may be', () => {
    const weightOf = (minutes: number | undefined) =>
      market.rest.candles?.request({ from: T, to: minutes && T + minutes * 60_000 }, undefined).weight;
    expect([1, 60, 61, 9000, undefined].map(weightOf)).toEqual([21, 21, 22, 104, 104]);
  });

  it('reads on while pages come full', () => {
    const rows = Array.from({ length: 500 }, (_, i) => ({
      coin: 'BTC',
      fundingRate: '0.00001',
      time: T + i * 3_600_000,
    }));
    const args = { symbol: 'BTCUSDC', from: T, to: T + 600 * 3_600_000 };
    const next = market.rest.funding_rates?.nextPage?.(args, JSON.stringify(rows));
    expect(next).toEqual({ ...args, from: T + 499 * 3_600_000 + 1 });
    expect(market.rest.funding_rates?.nextPage?.(args, JSON.stringify(rows.slice(1)))).toBeUndefined();
  });

  it.each([
    [422, 'Failed to deserialize the JSON body into the target type', 'bad_request', 'invalid_request'],
    [500, 'null', 'unknown_symbol', 'unknown_coin'],
    [429, 'Too many requests', 'rate_limited', '429'],
  ])('%s %s is %s', (status, body, kind, code) => {
    expect(market.restError(status, body)).toMatchObject({ kind, code });
  });

  it('asks again for a book by its own subscription', () => {
    const [instrument] = market.parseInstruments('{"universe":[{"name":"kPEPE","szDecimals":0}]}');
    const [plan] = market.plan(instrument === undefined ? [] : [instrument], ['orderbooks', 'candles']);
    expect(plan?.subscribe.map((text) => JSON.parse(text).subscription)).toEqual([
      { type: 'l2Book', coin: 'kPEPE' },
      { type: 'candle', coin: 'kPEPE', interval: '1m' },
    ]);
    expect(plan?.resubscribeBook?.('KPEPEUSDC').map((text) => JSON.parse(text).method)).toEqual([
      'unsubscribe',
      'subscribe',
    ]);
    expect(plan?.ping).toEqual({ everyMs: 30_000, text: '{"method":"ping"}' });
  });
});

it('what a Hyperliquid decoder remembers goes through JSON and back', () => {
  const decoder = market.createDecoder({ instruments: [] });
  const push = (frame: unknown, to = decoder): string[] => {
    const streams: string[] = [];
    to.frame(JSON.stringify(frame), T * 1000, (record) => streams.push(record.stream));
    return streams;
  };
  const trade = { channel: 'trades', data: [{ coin: 'BTC', side: 'B', px: '1', sz: '1', time: T, tid: 1 }] };
  const candle = (t: number) => ({
    channel: 'candle',
    data: { t, T: t + 59_999, s: 'BTC', i: '1m', o: '1', c: '1', h: '1', l: '1', v: '1', n: 1 },
  });
  expect([push(trade), push(trade), push(candle(T))]).toEqual([[], ['trades'], ['candles']]);
  const again = market.createDecoder({ instruments: [] });
  again.restore(JSON.parse(JSON.stringify(decoder.state())));
  expect([push(trade, again), push(candle(T + 60_000), again)]).toEqual([['trades'], ['candles', 'candles']]);
});
