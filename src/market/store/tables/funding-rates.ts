import { defineTable } from './contract.ts';

/** Funding rates as a fraction per interval, with the interval. */
export default defineTable({
  stream: 'funding_rates',
  comment: 'Funding rate as a fraction per funding_interval_hours; settled history has no next_funding_time',
  identity: 'content',
});
