import { defineTable } from './contract.ts';

/** Forced closings; the side is the position's that was closed. */
export default defineTable({
  stream: 'liquidations',
  comment: 'Liquidations; side is the closed position (long, short), quantity in base units',
  identity: 'content',
  codes: { side: ['long', 'short'] },
});
