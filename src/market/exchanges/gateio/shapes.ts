import {
  anyNumber,
  anyText,
  ask,
  asks,
  askSize,
  bid,
  bids,
  bidSize,
  firstSeq,
  frame,
  objectAsks,
  objectBids,
  seq,
  symbol,
  time,
  type RecordMaker,
  type Shape,
  type Template,
} from '../shared/fast/template.ts';

/** The frames that come most, as the venue writes them; everything else, and any change of them, is read as JSON. */

/** Times of other units have the reader of JSON. */
const PRICES: RecordMaker = { record: 'prices', timeInMs: true };
const CHANGE: RecordMaker = { record: 'book', kind: 'delta', timeInMs: true };

function message(channel: string, result: Template): Template {
  return frame`{"time":${anyNumber},"time_ms":${anyNumber},"channel":"${[channel]}","event":"update","result":${result}}`;
}

const updates = frame`"s":"${symbol}","U":${firstSeq},"u":${seq},"l":"${anyText}"`;
const best = frame`{"t":${time},"u":${seq},"s":"${symbol}"`;

export const FUTURES_SHAPES: readonly Shape[] = [
  {
    template: message('futures.order_book_update', frame`{"t":${time},${updates},"b":${objectBids},"a":${objectAsks}}`),
    make: CHANGE,
  },
  {
    template: message('futures.book_ticker', frame`${best},"b":"${bid}","B":${bidSize},"a":"${ask}","A":${askSize}}`),
    make: PRICES,
  },
];

export const SPOT_SHAPES: readonly Shape[] = [
  {
    template: message(
      'spot.order_book_update',
      frame`{"t":${time},"e":"depthUpdate","E":${anyNumber},${updates},"b":${bids},"a":${asks}}`,
    ),
    make: CHANGE,
  },
  {
    template: message('spot.book_ticker', frame`${best},"b":"${bid}","B":"${bidSize}","a":"${ask}","A":"${askSize}"}`),
    make: PRICES,
  },
];
