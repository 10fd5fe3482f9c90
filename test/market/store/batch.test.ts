import { expect, it } from 'vitest';
import { rowOf } from '../../../src/market/domain/columns.ts';
import type { PriceRecord, TradeRecord } from '../../../src/market/domain/records.ts';
import { stageBatch, Staging, type SeriesRef, type StagedBatch } from '../../../src/market/store/batch.ts';
import { seriesSeeds } from '../../../src/market/store/identity.ts';
import prices from '../../../src/market/store/tables/prices.ts';
import trades from '../../../src/market/store/tables/trades.ts';

const T0 = Date.UTC(2026, 0, 2, 23, 59) * 1000;
const base = { exchange: 'binance', market: 'spot', symbol: 'BTCUSDT', origin: 'live' } as const;
const series = { id: 7, seeds: seriesSeeds({ ...base, stream: 'trades' }) } satisfies SeriesRef;

function trade(n: number, changed: Partial<TradeRecord> = {}): TradeRecord {
  const price = 100 + (n % 13);
  const times = { event_time: T0 + n * 100_000, recv_time: T0 + n * 100_000 + 50, seq: n };
  return { ...base, ...times, stream: 'trades', trade_id: `t${n}`, price, quantity: 0.5, side: 'buy', ...changed };
}

const values = (batch: StagedBatch, name: string): readonly unknown[] =>
  Array.from<unknown>(batch.offer.columns.find((held) => held.name === name)?.values ?? []);
const column = (batch: StagedBatch, name: string): number[] => values(batch, name).map(Number);

it('stages a row for every id, in order; doubles go, rivals follow, what cannot be a row is rejected', async () => {
  const many = Array.from({ length: 3000 }, (_, n) => trade(n));
  const bad = trade(9001, { price: Number.NaN });
  const timeless = trade(9002, { event_time: -1 });
  const double = trade(17, { recv_time: T0 });
  const rival = trade(18, { price: 1, event_time: T0 - 5 });
  const batch = await stageBatch(trades, [...many, bad, double, timeless, rival], () => series);
  expect(batch).toMatchObject({ staged: 3001, firsts: 3000, rejected: [bad, timeless], minTime: T0 - 5, slots: [] });
  expect(batch).toMatchObject({ firstEventTime: T0 - 5, lastEventTime: many.at(-1)?.event_time });
  expect([...(batch.days.get(7) ?? [])].sort()).toEqual([20455, 20456]);
  expect(batch.offer.rows).toBe(3001);
  expect(column(batch, 'event_time')).toEqual([...many, rival].map((record) => record.event_time));
  expect(column(batch, 'recv_time')).toEqual([...many, rival].map((record) => record.recv_time));
  expect(column(batch, 'ord')).toEqual(Array.from({ length: 3001 }, (_, n) => n));
  expect(column(batch, 'repeated')).toEqual(Array.from({ length: 3001 }, (_, n) => Number(n === 3000)));
  expect(new Set(column(batch, 'id')).size).toBe(3000);
  expect(column(batch, 'id')[3000]).toBe(column(batch, 'id')[18]);
  // trade_id is the one text; price, quantity, quote_value, side and is_buyer_maker travel as numbers.
  expect(values(batch, 'trade_id')).toEqual([...many, rival].map((record) => record.trade_id));
  expect(values(batch, 'price')).toEqual([...many, rival].map((record) => record.price));
  expect(new Set(values(batch, 'side'))).toEqual(new Set([0]));
  expect(new Set(values(batch, 'is_buyer_maker'))).toEqual(new Set([0]));
});

it('takes the same content once, writes NaN for what is not known, and says of nothing that there is nothing', async () => {
  const price: PriceRecord = {
    ...base,
    stream: 'prices',
    event_time: T0,
    recv_time: T0,
    seq: null,
    bid_price: 100,
    ask_price: 101,
    bid_qty: 1,
    ask_qty: null,
    last_price: null,
  };
  const batch = await stageBatch(prices, [price, { ...price, recv_time: T0 + 9 }], () => series);
  expect(batch).toMatchObject({ staged: 1, firsts: 1 });
  const stored = prices.sources.map((source) => rowOf(price)[source] ?? Number.NaN);
  expect(prices.stored.map(({ name }) => column(batch, name)[0])).toEqual(stored);
  expect(column(batch, 'seq')).toEqual([Number.NaN]);
  expect(await stageBatch(prices, [], () => series)).toMatchObject({
    staged: 0,
    firstEventTime: null,
    lastEventTime: null,
  });
});

it('stages more than it was told of, in rows that are the same', async () => {
  const many = Array.from({ length: 2000 }, (_, n) => trade(n, { trade_id: n < 1500 ? String(n) : `t${n}` }));
  const records = [...many, trade(3, { trade_id: '3', price: 1 }), ...many];
  const staging = new Staging(trades, 0);
  for (const record of records) staging.take(record, series);
  expect(staging.rows).toBe(2000);
  expect(staging.bytes).toBe(2000 * (8 + trades.stored.length) * 8);
  const [grown, whole] = [staging.finish(), await stageBatch(trades, records, () => series)];
  expect(grown.staged).toBe(2001);
  for (const { name } of whole.offer.columns) expect(values(grown, name)).toEqual(values(whole, name));
  expect({ ...grown, offer: null }).toEqual({ ...whole, offer: null });
});

it('lets other work have its turn between many records', async () => {
  const order: string[] = [];
  const staged = stageBatch(
    trades,
    Array.from({ length: 2000 }, (_, n) => trade(n)),
    () => series,
  ).then(() => order.push('staged'));
  setImmediate(() => order.push('other'));
  await staged;
  expect(order).toEqual(['other', 'staged']);
});

it('refuses a text that its column cannot be', async () => {
  const odd = { ...trade(1), side: 'neither' } as unknown as TradeRecord; // what no decoder gives
  await expect(stageBatch(trades, [odd], () => series)).rejects.toThrow(
    "trades.side is 'neither': not one of buy, sell",
  );
});

it('lets ids travel as numbers while each is a whole number as a number is written, and as text from the first other', async () => {
  const ids = ['0', '7', '4000000000', '999999999999999'];
  const whole = await stageBatch(
    trades,
    ids.map((trade_id, n) => trade(n, { trade_id })),
    () => series,
  );
  expect(whole.offer.columns.at(-1)).toMatchObject({ name: 'trade_id', type: 'bigint' });
  expect(values(whole, 'trade_id')).toEqual(ids.map(Number));
  for (const odd of ['007', '', '-1', '1.5', '1e3', '１', '1000000000000000', 'a1']) {
    const mixed = await stageBatch(
      trades,
      [...ids, odd, '8'].map((trade_id, n) => trade(n, { trade_id })),
      () => series,
    );
    expect(mixed.offer.columns.at(-1)).toMatchObject({ name: 'trade_id', type: 'varchar' });
    expect(values(mixed, 'trade_id')).toEqual([...ids, odd, '8']);
  }
});
