import { defineTable } from './contract.ts';

const HOUR = 'INTERVAL 1 HOUR';
const OLDEST = 'INTERVAL 70 MINUTE';

/** Open interest in base units; the change over an hour is computed from the table's own history. */
export default defineTable({
  stream: 'open_interest',
  comment: 'Open interest in base units; oi_change_1h is against the newest value 60 to 70 minutes back, else null',
  identity: 'content',
  lookbackUs: 70 * 60 * 1_000_000,
  computed: (partition) => {
    const frame = `RANGE BETWEEN ${OLDEST} PRECEDING AND ${HOUR} PRECEDING`;
    const before = `last_value(open_interest) OVER (${partition} ORDER BY event_time ${frame})`;
    return {
      oi_change_1h: `open_interest - ${before}`,
      oi_change_pct_1h: `(open_interest - ${before}) / nullif(${before}, 0) * 100`,
    };
  },
});
