import {
  anyName,
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
  id,
  object,
  oneOf,
  prevSeq,
  price,
  seq,
  size,
  symbol,
  takerSide,
  time,
  type RecordMaker,
  type Shape,
  type Template,
} from '../shared/fast/template.ts';

/** The frames that come most, as the venue writes them; everything else, and any change of them, is read as JSON. */

const TRADE: RecordMaker = { record: 'trades', idIsSeq: true };
const PRICES: RecordMaker = { record: 'prices' };
const CHANGE: RecordMaker = { record: 'book', kind: 'delta' };

/** `m` tells whether the buyer made, so that the taker sold. */
const maker = takerSide('false', 'true');
const flag = oneOf('true', 'false');

/** Bare, and as combined streams wrap it: the stream's name ends in one of `suffixes`. */
function both(event: Template, make: RecordMaker, ...suffixes: readonly Template[]): Shape[] {
  const wrapped = suffixes.map((suffix) => frame`{"stream":"${anyName}${suffix}","data":${event}}`);
  return [event, ...wrapped].map((template) => ({ template, make }));
}

const trade = frame`"p":"${price}","q":"${size}"`;
const best = frame`"s":"${symbol}","b":"${bid}","B":"${bidSize}","a":"${ask}","A":"${askSize}"`;
const levels = frame`"b":${bids},"a":${asks}`;
const depth = [frame`@depth`, frame`@depth@${anyText}`];

/** A candle, whose fields the reader of JSON takes. */
const candles = both(
  frame`{"e":"kline","E":${time},"s":"${symbol}","k":${object({
    t: 'number',
    T: 'number',
    s: 'other',
    i: 'text',
    f: 'other',
    L: 'other',
    o: 'quoted',
    c: 'quoted',
    h: 'quoted',
    l: 'quoted',
    v: 'quoted',
    n: 'number',
    x: 'flag',
    q: 'quoted',
    V: 'quoted',
    Q: 'quoted',
    B: 'other',
  })}}`,
  { record: 'objects', what: 'kline', timeInMs: true },
  frame`@kline_${anyName}`,
);

export const FUTURES_SHAPES: readonly Shape[] = [
  // Recorded frames have the id first, the documentation the symbol.
  ...[frame`"a":${id},"s":"${symbol}"`, frame`"s":"${symbol}","a":${id}`].flatMap((named) =>
    both(
      frame`{"e":"aggTrade","E":${anyNumber},${named},${trade},"f":${anyNumber},"l":${anyNumber},"T":${time},"m":${maker}}`,
      TRADE,
      frame`@aggTrade`,
    ),
  ),
  ...both(
    frame`{"e":"trade","E":${anyNumber},"T":${time},"s":"${symbol}","t":${id},${trade},"X":"MARKET","m":${maker}}`,
    TRADE,
    frame`@trade`,
  ),
  ...candles,
  ...both(frame`{"e":"bookTicker","u":${seq},${best},"T":${anyNumber},"E":${time}}`, PRICES, frame`@bookTicker`),
  ...both(
    frame`{"e":"depthUpdate","E":${time},"T":${anyNumber},"s":"${symbol}","U":${firstSeq},"u":${seq},"pu":${prevSeq},${levels}}`,
    CHANGE,
    ...depth,
  ),
];

export const SPOT_SHAPES: readonly Shape[] = [
  ...both(
    frame`{"e":"aggTrade","E":${anyNumber},"s":"${symbol}","a":${id},${trade},"f":${anyNumber},"l":${anyNumber},"T":${time},"m":${maker},"M":${flag}}`,
    TRADE,
    frame`@aggTrade`,
  ),
  ...both(
    frame`{"e":"trade","E":${anyNumber},"s":"${symbol}","t":${id},${trade},"T":${time},"m":${maker},"M":${flag}}`,
    TRADE,
    frame`@trade`,
  ),
  ...candles,
  // Without a time: the receive time stands in.
  ...both(frame`{"u":${seq},${best}}`, PRICES, frame`@bookTicker`),
  ...both(
    frame`{"e":"depthUpdate","E":${time},"s":"${symbol}","U":${firstSeq},"u":${seq},${levels}}`,
    CHANGE,
    ...depth,
  ),
];
