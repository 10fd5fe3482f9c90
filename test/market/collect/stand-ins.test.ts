import { expect, test } from 'vitest';
import { INSTRUMENTS_IN_FORCE } from '../../../src/market/collect/keyframe.ts';
import { marketsOf } from '../../../src/market/collect/markets.ts';
import { Pipeline } from '../../../src/market/collect/pipeline.ts';
import { underAskedNames } from '../../../src/market/collect/stand-ins.ts';
import type { Instrument } from '../../../src/market/domain/instrument.ts';
import type { StoredRecord } from '../../../src/market/domain/records.ts';
import type { TapeItem } from '../../../src/market/domain/tape.ts';
import binance from '../../../src/market/exchanges/binance/index.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';

const market = { standsFor: { USDT: 'USD' } };

function instrument(symbol: string, change: Partial<Instrument> = {}): Instrument {
  return {
    exchange: 'binance',
    market: 'futures',
    symbol,
    venue_symbol: symbol,
    base: 'BTC',
    quote: 'USD',
    kind: 'perpetual',
    status: 'trading',
    tick_size: 0.1,
    lot_size: 0.001,
    contract_size: 1,
    inverse: false,
    funding_interval_hours: 8,
    ...change,
  };
}

const names = (list: readonly Instrument[]): string[] => list.map((i) => `${i.symbol} ${i.stands_in_as ?? '-'}`);

test('a contract of the declared quote takes the asked name, the linear one first', () => {
  const list = [instrument('BTCUSD_PI', { inverse: true }), instrument('BTCUSD')];
  expect(names(underAskedNames(market, list, ['BTCUSDT']))).toEqual(['BTCUSD_PI -', 'BTCUSDT BTCUSD']);
  expect(names(underAskedNames(market, list.slice(0, 1), ['BTCUSDT']))).toEqual(['BTCUSDT BTCUSD_PI']);
});

test('an exact listing wins, and a contract asked for by its own name keeps it', () => {
  const both = [instrument('BTCUSD'), instrument('BTCUSDT', { quote: 'USDT' })];
  expect(names(underAskedNames(market, both, ['BTCUSDT']))).toEqual(['BTCUSD -', 'BTCUSDT -']);
  expect(names(underAskedNames(market, both.slice(0, 1), ['BTCUSDT', 'BTCUSD']))).toEqual(['BTCUSD -']);
});

test('nothing stands for what is not declared, not trading, dated or of another base', () => {
  const unfit = [
    instrument('BTCUSD', { status: 'halted' }),
    instrument('BTCUSD_260327', { kind: 'dated' }),
    instrument('ETHUSD', { base: 'ETH' }),
  ];
  expect(underAskedNames(market, unfit, ['BTCUSDT', 'BTCEUR'])).toEqual(unfit);
  expect(underAskedNames({}, unfit, ['BTCUSDT'])).toBe(unfit);
});

test('names given before are taken back before new ones are given', () => {
  const named = underAskedNames(market, [instrument('BTCUSD')], ['BTCUSDT']);
  expect(names(underAskedNames(market, named, ['BTCUSDT']))).toEqual(['BTCUSDT BTCUSD']);
  expect(underAskedNames(market, named, ['ETHUSDT'])).toEqual([instrument('BTCUSD')]);
});

test('the names on the tape are those of the records, whatever the configuration says later', () => {
  const records: StoredRecord[] = [];
  const pipeline = new Pipeline({
    markets: binance.markets,
    bookIntervalMs: 0,
    sink: (record) => records.push(record),
  });
  const base = { recv_time: 1, connection: 'binance_futures#1.1', exchange: 'binance', market: 'futures' } as const;
  const trade = (id: number): TapeItem => ({
    kind: 'frame',
    ...base,
    bytes: Buffer.from(`{"e":"aggTrade","E":2,"a":${id},"s":"BTCUSD","p":"1","q":"2","T":1,"m":false}`),
  });
  const named = underAskedNames(market, [instrument('BTCUSD')], ['BTCUSDT']);
  pipeline.process(trade(1));
  pipeline.process({ kind: 'note', ...base, note: INSTRUMENTS_IN_FORCE, data: named });
  pipeline.process(trade(2));
  expect(records.map((r) => r.symbol)).toEqual(['BTCUSD', 'BTCUSDT']);
  expect(pipeline.instruments('binance', 'futures')).toEqual(named);
});

test('all is every market there is', () => {
  expect(marketsOf(venues, ['all'])).toEqual(venues.flatMap((venue) => venue.markets));
  expect(() => marketsOf(venues, ['al'])).toThrow("no venue or market is called 'al' (did you mean all?)");
});
