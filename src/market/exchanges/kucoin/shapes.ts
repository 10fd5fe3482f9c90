import {
  anyNumber,
  asks,
  bids,
  frame,
  price,
  seq,
  size,
  symbol,
  takerSide,
  time,
  type Shape,
  type Template,
} from '../shared/fast/template.ts';

/** The frames that come most, as the venue writes them; everything else, and any change of them, is read as JSON. */

/** The wire has had either order. */
function message(topic: Template, data: Template): Template[] {
  const named = frame`"topic":"${topic}:${symbol}"`;
  return [
    frame`{"type":"message",${named},"subject":"level2","data":${data}}`,
    frame`{${named},"type":"message","subject":"level2","data":${data}}`,
    frame`{${named},"type":"message","subject":"level2","sn":${anyNumber},"data":${data}}`,
  ];
}

export const SPOT_SHAPES: readonly Shape[] = message(
  frame`/spotMarket/level2Depth50`,
  frame`{"asks":${asks},"bids":${bids},"timestamp":${time}}`,
).map((template) => ({ template, make: { record: 'book', kind: 'snapshot' } }));

export const FUTURES_SHAPES: readonly Shape[] = message(
  frame`/contractMarket/level2`,
  frame`{"sequence":${seq},"change":"${price},${takerSide('buy', 'sell')},${size}","timestamp":${time}}`,
).map((template) => ({ template, make: { record: 'book', kind: 'delta', firstIsSeq: true } }));
