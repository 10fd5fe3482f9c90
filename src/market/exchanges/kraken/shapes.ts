import { frame, price, seq, size, symbol, takerSide, time, type Shape } from '../shared/fast/template.ts';

/** One level of a futures book: of this venue's frames by far the most. All others are read as JSON. */
export const FUTURES_SHAPES: readonly Shape[] = [
  {
    template: frame`{"feed":"book","product_id":"${symbol}","side":"${takerSide('buy', 'sell')}","seq":${seq},"price":${price},"qty":${size},"timestamp":${time}}`,
    make: { record: 'book', kind: 'delta' },
  },
];
