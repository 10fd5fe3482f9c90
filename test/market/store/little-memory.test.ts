import { expect, it } from 'vitest';
import { marketConfigSchema } from '../../../src/market/config.ts';
import type { TradeRecord } from '../../../src/market/domain/records.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { DAY, HOUR, T0, open, temporaryFolder, trade } from './fixtures.ts';

const ROWS = 120_000;
const BATCH = 20_000;
/** Less than the rows take: what reads them all has to work on disk, or is given more for as long as it lasts. */
const config = { ...marketConfigSchema.parse({}).storage, memory_mb: 12, most_memory_mb: 256 };
const trades = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' } as const;

/** A day of trades, of which every number and key is another. */
function* batches(): Generator<TradeRecord[]> {
  for (let from = 0; from < ROWS; from += BATCH) {
    yield Array.from({ length: BATCH }, (_, i) => {
      const n = from + i;
      const changes = { price: 60_000 + ((n * 7919) % ROWS) / 100, quantity: ((n * 104_729) % ROWS) / 1000 + 0.001 };
      return trade(`${(n * 7919) % ROWS}-of-a-venue-that-gives-long-ids`, T0 + n * (DAY / ROWS), changes);
    });
  }
}

async function countOf(store: MarketStore, sql: string): Promise<unknown> {
  return (await store.query(sql, { maxRows: 1, timeoutMs: 60_000 })).rows[0]?.['n'];
}

const SORTED = 'SELECT count(*) AS n FROM (SELECT row_number() OVER (ORDER BY price, trade_id) AS r, * FROM trades)';
const JOINED = 'SELECT count(*) AS n FROM trades a JOIN trades b USING (trade_id)';
const GROUPED = 'SELECT count(*) AS n FROM (SELECT trade_id, list(price), max(recv_time) FROM trades GROUP BY ALL)';

it('does all it does with less memory than its rows take', { timeout: 180_000 }, async () => {
  const folder = temporaryFolder();
  const { store } = await open(folder, { config });
  await using _ = store;
  for (const batch of batches()) await store.ingest(batch, null);
  for (const sql of [SORTED, JOINED, GROUPED]) expect(await countOf(store, sql)).toBe(ROWS);
  expect(await store.writeNormalized(trades, T0, T0 + DAY)).toBe(ROWS);

  const now = T0 + 10 * DAY;
  const { days_written: written, rewritten } = await store.compact({ now, minimumGain: 0 });
  expect({ rows: written.find((day) => day.table.endsWith('trades'))?.rows, rewritten }).toEqual({
    rows: ROWS,
    rewritten: true,
  });
  for (const sql of [SORTED, JOINED, GROUPED]) expect(await countOf(store, sql)).toBe(ROWS);
  const again = await store.ingest([...batches()].flat().slice(0, BATCH), null);
  expect(again.tables[0]).toMatchObject({ rows: 0, duplicates: BATCH });

  // Brings the day back among the rows that change.
  const deletion = await store.delete({ ...trades, from: T0 + HOUR, to: T0 + 2 * HOUR, id: 'd1' });
  expect(deletion).toEqual({ rows: ROWS / 24, copies: ROWS / 24 });
  expect(await countOf(store, 'SELECT count(*) AS n FROM trades')).toBe(ROWS - ROWS / 24);
});
