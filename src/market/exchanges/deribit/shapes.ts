import {
  actionAsks,
  actionBids,
  anyText,
  frame,
  object,
  prevSeq,
  seq,
  symbol,
  time,
  type Fields,
  type Shape,
  type Template,
} from '../shared/fast/template.ts';

/** Books and tickers, as the venue writes them; everything else, and any change of them, is read as JSON. */

const named = frame`"instrument_name":"${symbol}"`;
const change = frame`"change_id":${seq}`;
const before = frame`"prev_change_id":${prevSeq}`;

function book(type: string, fields: Template): Template {
  return frame`{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.${anyText}","data":{"type":"${[type]}","timestamp":${time},${fields},"bids":${actionBids},"asks":${actionAsks}}}}`;
}

export const BOOK_SHAPES: readonly Shape[] = [
  { template: book('snapshot', frame`${named},${change}`), make: { record: 'book', kind: 'snapshot' } },
  { template: book('change', frame`${named},${change},${before}`), make: { record: 'book', kind: 'delta' } },
  { template: book('change', frame`${before},${named},${change}`), make: { record: 'book', kind: 'delta' } },
];

/** A ticker; of options with what follows `funding`. The venue keeps no order. */
const TICKER: Fields = {
  timestamp: 'number',
  state: 'other',
  stats: {
    high: 'number',
    low: 'number',
    price_change: 'number',
    volume: 'number',
    volume_usd: 'number',
    volume_notional: 'number',
  },
  open_interest: 'number',
  settlement_price: 'other',
  min_price: 'other',
  max_price: 'other',
  mark_price: 'number',
  last_price: 'number',
  interest_value: 'other',
  instrument_name: 'symbol',
  index_price: 'number',
  funding_8h: 'other',
  estimated_delivery_price: 'other',
  current_funding: 'number',
  best_bid_price: 'number',
  best_bid_amount: 'number',
  best_ask_price: 'number',
  best_ask_amount: 'number',
  underlying_price: 'number',
  underlying_index: 'text',
  greeks: { vega: 'number', theta: 'number', rho: 'number', gamma: 'number', delta: 'number' },
  interest_rate: 'other',
  mark_iv: 'number',
  bid_iv: 'number',
  ask_iv: 'number',
};

export const TICKER_SHAPES: readonly Shape[] = [
  {
    template: frame`{"jsonrpc":"2.0","method":"subscription","params":{"channel":"ticker.${anyText}","data":${object(TICKER)}}}`,
    make: { record: 'objects', what: 'ticker' },
  },
];
