import {
  actionAsks,
  actionBids,
  anyText,
  frame,
  prevSeq,
  seq,
  symbol,
  time,
  type Shape,
  type Template,
} from '../shared/fast/template.ts';

/** Books, as the venue writes them; everything else, and any change of them, is read as JSON. */

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
