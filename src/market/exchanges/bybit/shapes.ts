import {
  anyNumber,
  anyText,
  asks,
  bids,
  frame,
  oneOf,
  price,
  rows,
  seq,
  size,
  symbol,
  takerSide,
  textId,
  time,
  type RecordMaker,
  type Shape,
} from '../shared/fast/template.ts';

/** The frames that come most, as the venue writes them; everything else, and any change of them, is read as JSON. */

const TRADE: RecordMaker = { record: 'trades' };
const flag = oneOf('true', 'false');

const trade = frame`{"T":${time},"s":"${symbol}","S":"${takerSide('Buy', 'Sell')}","v":"${size}","p":"${price}","L":"${anyText}","i":"${textId}","BT":${flag}`;
/** The wire grew fields over time: none, `RPI`, then `seq`. */
const tradeRows = rows(
  { template: frame`${trade}}`, make: TRADE },
  { template: frame`${trade},"RPI":${flag}}`, make: TRADE },
  { template: frame`${trade},"RPI":${flag},"seq":${seq}}`, make: TRADE },
  { template: frame`${trade},"seq":${seq}}`, make: TRADE },
);

/** `orderbook.1` is merged into best prices, so it is not among these. */
const depth = oneOf('50', '200', '500', '1000');

function book(kind: 'snapshot' | 'delta'): Shape[] {
  const data = frame`{"s":"${symbol}","b":${bids},"a":${asks},"u":${seq},"seq":${anyNumber}}`;
  const head = frame`{"topic":"orderbook.${depth}.${anyText}","type":"`;
  const message = frame`${head}${[kind]}","ts":${time},"data":${data}`;
  const make: RecordMaker = { record: 'book', kind };
  return [
    { template: frame`${message}}`, make },
    { template: frame`${message},"cts":${anyNumber}}`, make },
  ];
}

export const BYBIT_SHAPES: readonly Shape[] = [
  {
    template: frame`{"topic":"publicTrade.${anyText}","type":"snapshot","ts":${anyNumber},"data":${tradeRows}}`,
    make: TRADE,
  },
  ...book('snapshot'),
  ...book('delta'),
];
