import { defineTable, stagedNumber } from './contract.ts';

/** Best bid and ask; venues send no id that is unique over reconnects, so the content identifies. */
export default defineTable({
  stream: 'prices',
  comment: 'Best bid and ask of a series, sizes in base units',
  identity: 'content',
  direct: {
    numbers: (record, into) => {
      const bid = stagedNumber(record.bid_price);
      const ask = stagedNumber(record.ask_price);
      // What is not known makes what is reckoned from it not known.
      const { mid_price: told } = record;
      const mid = told === undefined ? (bid + ask) / 2 : stagedNumber(told);
      const spread = ask - bid;
      into[0] = mid;
      into[1] = bid;
      into[2] = ask;
      into[3] = spread;
      into[4] = mid > 0 ? (spread / mid) * 1e4 : Number.NaN;
      into[5] = stagedNumber(record.bid_qty);
      into[6] = stagedNumber(record.ask_qty);
      into[7] = stagedNumber(record.last_price);
      into[8] = stagedNumber(record.confidence);
    },
    text: null,
  },
});
