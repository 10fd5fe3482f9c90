import { expect, it } from 'vitest';
import type { CandleRecord } from '../../../src/market/domain/records.ts';
import { stageBatch } from '../../../src/market/store/batch.ts';
import { seriesSeeds } from '../../../src/market/store/identity.ts';
import { planIngest, type IngestPlan } from '../../../src/market/store/ingest.ts';
import candles from '../../../src/market/store/tables/candles.ts';
import { candle } from './fixtures.ts';

const OPEN = Date.UTC(2026, 0, 2, 12, 0) * 1000;

async function plan(...records: readonly CandleRecord[]): Promise<IngestPlan> {
  const batch = await stageBatch(candles, records, (record) => ({ id: 1, seeds: seriesSeeds(record) }));
  return planIngest(batch, { days: null, quarantined: false }, 0);
}

function verbs({ statements }: IngestPlan): string[] {
  return statements.map(
    (statement) => ('sql' in statement ? statement.sql.split(' (')[0]?.slice(0, 24) : 'offer') ?? '',
  );
}

it('looks for rivals only when a candle is closed: an open one is neither a rival nor outdoes a closed one', async () => {
  const open = await plan(candle(OPEN, { closed: false }), candle(OPEN + 60_000_000, { closed: false }));
  expect(verbs(open)).toEqual(['offer', 'DELETE FROM hot.candles ', 'INSERT INTO hot.candles']);
  expect(open).toMatchObject({ stored: 2, repeats: null });
  const closed = await plan(candle(OPEN, { closed: true }), candle(OPEN + 60_000_000, { closed: false }));
  expect(verbs(closed)).toEqual([
    'offer',
    'INSERT INTO rival.candle',
    'DELETE FROM hot.candles ',
    'INSERT INTO hot.candles',
    'INSERT INTO rival.candle',
  ]);
  expect(closed).toMatchObject({ stored: 3, repeats: null });
  // A closed candle gave way within the batch: it is a rival of the one that stays.
  const replaced = await plan(
    candle(OPEN, { closed: true }),
    candle(OPEN, { closed: true, event_time: OPEN + 70_000_000, high: 1e6 }),
  );
  expect(verbs(replaced)).toHaveLength(5);
});
