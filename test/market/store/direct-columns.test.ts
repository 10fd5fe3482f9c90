import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PriceRecord, StoredRecord, TradeRecord } from '../../../src/market/domain/records.ts';
import { Staging, type SeriesRef, type StagedBatch } from '../../../src/market/store/batch.ts';
import { seriesSeeds } from '../../../src/market/store/identity.ts';
import { tables } from '../../../src/market/store/tables/catalogue.generated.ts';
import type { TableDefinition } from '../../../src/market/store/tables/contract.ts';
import prices from '../../../src/market/store/tables/prices.ts';
import trades from '../../../src/market/store/tables/trades.ts';
import { T0 } from './fixtures.ts';

const number = fc.oneof(
  fc.constantFrom(0, -0, 1, 0.1, 60_000, -5, 1e308, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.double(),
  fc.integer({ min: 1, max: 9 }),
);
const orNull = fc.option(number, { nil: null });
const orNone = fc.option(number, { nil: undefined });
const time = fc.oneof(
  fc.integer({ min: 0, max: 20 }).map((n) => T0 + n * 6 * 3_600_000_000),
  number,
);
const base = {
  exchange: fc.constant('binance'),
  market: fc.constant('spot' as const),
  symbol: fc.constantFrom('BTCUSDT', 'ETHUSDT'),
  event_time: time,
  recv_time: time,
  seq: fc.option(fc.nat(3), { nil: null }),
  origin: fc.constantFrom('live' as const, 'backfill' as const),
};
const trade: fc.Arbitrary<TradeRecord> = fc.record({
  ...base,
  stream: fc.constant('trades' as const),
  trade_id: fc.oneof(fc.nat(9).map(String), fc.constantFrom('', '007', 'a1', '4000000000', '1234567890123456')),
  price: number,
  quantity: number,
  side: fc.constantFrom('buy' as const, 'sell' as const),
});
const price: fc.Arbitrary<PriceRecord> = fc.record({
  ...base,
  stream: fc.constant('prices' as const),
  bid_price: orNull,
  ask_price: orNull,
  bid_qty: orNull,
  ask_qty: orNull,
  last_price: orNull,
  mid_price: orNone,
  confidence: orNone,
});

function staged(table: TableDefinition, records: readonly StoredRecord[]): StagedBatch {
  const staging = new Staging(table, 0);
  const series = new Map<string, SeriesRef>();
  for (const record of records) {
    const held = series.get(record.symbol) ?? { id: 300 + series.size, seeds: seriesSeeds(record) };
    series.set(record.symbol, held);
    staging.take(record, held);
  }
  return staging.finish();
}

for (const [table, records] of [
  [trades, fc.array(trade, { maxLength: 60 })],
  [prices, fc.array(price, { maxLength: 60 })],
] as const) {
  it(`writes the columns of ${table.stream} as rows do, with the same ids, doubles, rivals and refusals`, () => {
    fc.assert(
      fc.property(records, (given: readonly StoredRecord[]) => {
        const [direct, byRow] = [staged(table, given), staged({ ...table, direct: null }, given)];
        expect({ ...direct, table: null }).toEqual({ ...byRow, table: null });
      }),
      { seed: 7, numRuns: 500 },
    );
  });
}

it('tells rows apart by their numbers only where nothing else tells them apart', () => {
  const byNumbers = tables.filter(({ direct, key }) => direct !== null && key === null);
  expect(byNumbers.map(({ stream }) => stream)).toEqual(['prices']);
  for (const { stored } of byNumbers) expect(new Set(stored.map(({ type }) => type))).toEqual(new Set(['double']));
});
