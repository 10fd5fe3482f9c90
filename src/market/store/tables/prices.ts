import { defineTable } from './contract.ts';

/** Best bid and ask; venues send no id that is unique over reconnects, so the content identifies. */
export default defineTable({
  stream: 'prices',
  comment: 'Best bid and ask of a series, sizes in base units',
  identity: 'content',
});
