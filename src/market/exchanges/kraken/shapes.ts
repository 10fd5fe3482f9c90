import {
  anyText,
  checksum,
  frame,
  id,
  isoTime,
  namedAsks,
  namedBids,
  object,
  price,
  rows,
  seq,
  size,
  symbol,
  takerSide,
  time,
  type Shape,
} from '../shared/fast/template.ts';

/** One level of a futures book: of this venue's frames by far the most. */
export const FUTURES_SHAPES: readonly Shape[] = [
  {
    template: frame`{"feed":"book","product_id":"${symbol}","side":"${takerSide('buy', 'sell')}","seq":${seq},"price":${price},"qty":${size},"timestamp":${time}}`,
    make: { record: 'book', kind: 'delta' },
  },
];

const TRADE = { record: 'trades', idIsSeq: true } as const;

/** The book, tickers and trades of spot's WebSocket v2. */
export const SPOT_SHAPES: readonly Shape[] = [
  ...(['update', 'snapshot'] as const).map(
    (type): Shape => ({
      template: frame`{"channel":"book","type":"${[type]}","data":[{"symbol":"${symbol}","bids":${namedBids},"asks":${namedAsks},"checksum":${checksum},"timestamp":"${isoTime}"}]}`,
      make: { record: 'book', kind: type === 'update' ? 'delta' : 'snapshot' },
    }),
  ),
  ...['update', 'snapshot'].map(
    (type): Shape => ({
      template: frame`{"channel":"ticker","type":"${[type]}","data":[${object({
        symbol: 'symbol',
        bid: 'number',
        bid_qty: 'number',
        ask: 'number',
        ask_qty: 'number',
        last: 'number',
        volume: 'number',
        vwap: 'number',
        low: 'number',
        high: 'number',
        change: 'number',
        change_pct: 'number',
        timestamp: 'text',
      })}]}`,
      make: { record: 'objects', what: 'ticker' },
    }),
  ),
  {
    template: frame`{"channel":"trade","type":"update","data":${rows({
      template: frame`{"symbol":"${symbol}","side":"${takerSide('buy', 'sell')}","price":${price},"qty":${size},"ord_type":"${anyText}","trade_id":${id},"timestamp":"${isoTime}"}`,
      make: TRADE,
    })}}`,
    make: TRADE,
  },
];
