import {
  anyInteger,
  anyText,
  countedAsks,
  countedBids,
  frame,
  object,
  prevSeq,
  price,
  rows,
  seq,
  size,
  symbol,
  takerSide,
  textId,
  time,
  type Fields,
  type Shape,
  type Template,
} from '../shared/fast/template.ts';

/** The frames that come most, as the venue writes them; everything else, and any change of them, is read as JSON. */

function push(channel: string, name: Template, data: Template): Template {
  return frame`{"arg":{"channel":"${[channel]}","instId":"${name}"},${data}}`;
}

const own = frame`${symbol}`;
const sides = frame`"asks":${countedAsks},"bids":${countedBids},"ts":"${time}","checksum":${anyInteger}`;

/** `trades-all`, and `trades`, of which one may be of several matches. */
const trade = frame`{"instId":"${symbol}","tradeId":"${textId}","px":"${price}","sz":"${size}","side":"${takerSide('buy', 'sell')}"`;
const TRADE = { record: 'trades' } as const;
const tradeRows = rows(
  { template: frame`${trade},"source":"${anyText}","ts":"${time}"}`, make: TRADE },
  { template: frame`${trade},"ts":"${time}"}`, make: TRADE },
  { template: frame`${trade},"ts":"${time}","count":"${anyText}","source":"${anyText}","seqId":${seq}}`, make: TRADE },
);

/** Channels that tell of instruments by objects, with the fields that are read of them. */
const OBJECTS: Readonly<Record<string, Fields>> = {
  tickers: {
    instType: 'other',
    instId: 'symbol',
    last: 'quoted',
    lastSz: 'other',
    askPx: 'quoted',
    askSz: 'quoted',
    bidPx: 'quoted',
    bidSz: 'quoted',
    open24h: 'quoted',
    high24h: 'quoted',
    low24h: 'quoted',
    sodUtc0: 'other',
    sodUtc8: 'other',
    volCcy24h: 'quoted',
    vol24h: 'quoted',
    ts: 'quoted',
  },
  'mark-price': { instId: 'symbol', instType: 'other', markPx: 'quoted', ts: 'quoted' },
  'open-interest': {
    instId: 'symbol',
    instType: 'other',
    oi: 'quoted',
    oiCcy: 'quoted',
    oiUsd: 'quoted',
    ts: 'quoted',
  },
};

const SUMMARY: Fields = {
  instType: 'other',
  instId: 'symbol',
  uly: 'text',
  delta: 'quoted',
  gamma: 'quoted',
  vega: 'quoted',
  theta: 'quoted',
  deltaBS: 'other',
  gammaBS: 'other',
  vegaBS: 'other',
  thetaBS: 'other',
  lever: 'other',
  markVol: 'quoted',
  bidVol: 'quoted',
  askVol: 'quoted',
  realVol: 'other',
  volLv: 'other',
  fwdPx: 'quoted',
  ts: 'quoted',
};

const objects = (what: string): Shape['make'] => ({ record: 'objects', what });

export const OKX_SHAPES: readonly Shape[] = [
  {
    template: push('books', own, frame`"action":"update","data":[{${sides},"prevSeqId":${prevSeq},"seqId":${seq}}]`),
    make: { record: 'book', kind: 'delta' },
  },
  {
    template: push('books', own, frame`"action":"snapshot","data":[{${sides},"prevSeqId":-1,"seqId":${seq}}]`),
    make: { record: 'book', kind: 'snapshot' },
  },
  ...['trades', 'trades-all'].map((channel) => ({
    template: push(channel, own, frame`"data":${tradeRows}`),
    make: TRADE,
  })),
  ...Object.entries(OBJECTS).map(([channel, fields]) => ({
    template: push(channel, own, frame`"data":[${object(fields)}]`),
    make: objects(channel),
  })),
  {
    template: push('index-tickers', frame`${anyText}`, frame`"data":[${object({ instId: 'text', idxPx: 'quoted' })}]`),
    make: objects('index-tickers'),
  },
  {
    template: frame`{"arg":{"channel":"opt-summary","instFamily":"${anyText}"},"data":${rows({
      template: frame`${object(SUMMARY)}`,
      make: objects('opt-summary'),
    })}}`,
    make: objects('opt-summary'),
  },
];
