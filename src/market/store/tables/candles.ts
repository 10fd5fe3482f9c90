import { defineTable } from './contract.ts';

/** One-minute candles, one row an interval. */
export default defineTable({
  stream: 'candles',
  comment: 'Candles over [open_time, close_time); replaced until closed',
  identity: 'slot',
  time: 'open_time',
  codes: { interval: ['1m'] },
  said: ['open', 'high', 'low', 'close', 'volume'],
  key: (record, hash) => {
    hash.add(record.interval);
    hash.add(record.open_time);
  },
});
