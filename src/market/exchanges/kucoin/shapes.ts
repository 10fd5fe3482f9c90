import {
  anyNumber,
  asks,
  bids,
  frame,
  object,
  price,
  seq,
  size,
  symbol,
  takerSide,
  time,
  type Fields,
  type Shape,
  type Template,
} from '../shared/fast/template.ts';

/** The frames that come most, as the venue writes them; everything else, and any change of them, is read as JSON. */

/** The wire has had either order. */
function message(topic: Template, subject: Template, data: Template): Template[] {
  const named = frame`"topic":"${topic}:${symbol}"`;
  return [
    frame`{"type":"message",${named},"subject":"${subject}","data":${data}}`,
    frame`{${named},"type":"message","subject":"${subject}","data":${data}}`,
    frame`{${named},"type":"message","subject":"${subject}","sn":${anyNumber},"data":${data}}`,
  ];
}

/** Data that the readers of JSON take; `topic` is what it came under. */
function objects(topic: string, subject: string, fields: Fields): Shape[] {
  return message([topic], [subject], frame`${object(fields)}`).map((template) => ({
    template,
    make: { record: 'objects', what: topic },
  }));
}

export const SPOT_SHAPES: readonly Shape[] = [
  ...message(
    frame`/spotMarket/level2Depth50`,
    frame`level2`,
    frame`{"asks":${asks},"bids":${bids},"timestamp":${time}}`,
  ).map((template): Shape => ({ template, make: { record: 'book', kind: 'snapshot' } })),
  ...objects('/market/ticker', 'trade.ticker', {
    bestAsk: 'quoted',
    bestAskSize: 'quoted',
    bestBid: 'quoted',
    bestBidSize: 'quoted',
    price: 'quoted',
    sequence: 'text',
    size: 'other',
    time: 'number',
  }),
  ...objects('/market/match', 'trade.l3match', {
    makerOrderId: 'other',
    price: 'quoted',
    sequence: 'text',
    side: 'text',
    size: 'quoted',
    symbol: 'symbol',
    takerOrderId: 'other',
    time: 'text',
    tradeId: 'text',
    type: 'other',
  }),
];

export const FUTURES_SHAPES: readonly Shape[] = [
  ...message(
    frame`/contractMarket/level2`,
    frame`level2`,
    frame`{"sequence":${seq},"change":"${price},${takerSide('buy', 'sell')},${size}","timestamp":${time}}`,
  ).map((template): Shape => ({ template, make: { record: 'book', kind: 'delta', firstIsSeq: true } })),
  ...objects('/contractMarket/tickerV2', 'tickerV2', {
    symbol: 'symbol',
    sequence: 'number',
    bestBidSize: 'number',
    bestBidPrice: 'quoted',
    bestAskPrice: 'quoted',
    bestAskSize: 'number',
    ts: 'number',
  }),
  ...objects('/contractMarket/execution', 'match', {
    symbol: 'symbol',
    sequence: 'number',
    side: 'text',
    size: 'number',
    price: 'quoted',
    takerOrderId: 'other',
    makerOrderId: 'other',
    tradeId: 'text',
    ts: 'number',
  }),
];
