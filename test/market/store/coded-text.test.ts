import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../../src/infra/duckdb/database.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { DATABASE_FILE } from '../../../src/market/store/names.ts';
import { DAY, HOUR, T0, candle, everyStream, open, temporaryFolder, trade } from './fixtures.ts';

const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;
const all = { from: 0, to: T0 * 2, limit: 1000 };

/** The tables as databases had them whose text was all VARCHAR. */
async function asText(folder: string): Promise<void> {
  await using db = await Database.open({ path: join(folder, DATABASE_FILE) });
  const columns = await db.all(
    `SELECT schema_name || '.' || table_name AS name, column_name FROM duckdb_columns() WHERE data_type LIKE 'ENUM%'`,
  );
  expect(columns.length).toBeGreaterThan(30);
  for (const { name, column_name: column } of columns)
    await db.run(`ALTER TABLE ${String(name)} ALTER "${String(column)}" TYPE VARCHAR`);
}

/** Rows, doubles, rivals, a quarantine and its release, a finished day and what comes late to it. */
async function use(store: MarketStore): Promise<unknown> {
  const first = await store.ingest([...everyStream(T0), trade(1, T0), trade(2, T0 + DAY, { side: 'sell' })], null);
  const second = await store.ingest([trade(1, T0), trade(2, T0 + DAY), candle(T0, { close: 7 })], null);
  await store.quarantine({ ...series, stream: 'trades', id: 'q', reason: 'r', keys: null, from: T0 + DAY, to: all.to });
  const promoted = await store.seriesRows({ ...series, stream: 'trades', ...all });
  await store.release('q');
  await store.compact({ now: T0 + DAY + HOUR, minimumGain: 0 });
  const late = await store.ingest([trade(1, T0), trade(9, T0), candle(T0, { close: 8 })], null);
  const rows = [];
  for (const key of await store.series()) rows.push(await store.seriesRows({ ...key, ...all }));
  const sides = await store.query('SELECT side, origin, count(*) AS n FROM trades GROUP BY ALL ORDER BY ALL', {
    maxRows: 9,
    timeoutMs: 5000,
  });
  const checksums = await store.read('SELECT table_name, day, rows, checksum FROM _days ORDER BY ALL');
  return { first, second, promoted, late, rows, sides, checksums };
}

describe('text with few values', () => {
  it('is text for readers, in databases that hold it as ENUM and in older ones', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const older = temporaryFolder();
    await (await open(older)).store.close();
    await asText(older);
    const { store: other } = await open(older);
    await using _other = other;
    const used = await use(store);
    expect(await use(other)).toEqual(used);
    expect(used).toMatchObject({
      first: { tables: expect.arrayContaining([expect.objectContaining({ stream: 'trades', rows: 3 })]) },
      sides: {
        columns: [{ type: 'VARCHAR' }, { type: 'VARCHAR' }, { type: 'BIGINT' }],
        rows: [
          { side: 'buy', origin: 'live' },
          { side: 'sell', origin: 'live' },
        ],
      },
    });
  });
});
