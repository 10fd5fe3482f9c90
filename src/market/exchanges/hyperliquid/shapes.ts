import {
  anyNumber,
  ask,
  askSize,
  bid,
  bidSize,
  frame,
  numberedAsks,
  numberedBids,
  symbol,
  time,
  type Shape,
} from '../shared/fast/template.ts';

/** The frames that come most, as the venue writes them; everything else, and any change of them, is read as JSON. */

const head = frame`"data":{"coin":"${symbol}","time":${time}`;

export const HYPERLIQUID_SHAPES: readonly Shape[] = [
  {
    template: frame`{"channel":"l2Book",${head},"levels":[${numberedBids},${numberedAsks}]}}`,
    make: { record: 'book', kind: 'snapshot' },
  },
  {
    template: frame`{"channel":"bbo",${head},"bbo":[{"px":"${bid}","sz":"${bidSize}","n":${anyNumber}},{"px":"${ask}","sz":"${askSize}","n":${anyNumber}}]}}`,
    make: { record: 'prices' },
  },
];
