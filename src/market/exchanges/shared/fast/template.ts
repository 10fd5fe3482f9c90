/** What a hole in a frame's template is read as. */
export const CODE = {
  skipText: 1,
  skipName: 2,
  skipNumber: 3,
  whole: 4,
  decimal: 5,
  symbol: 6,
  text: 7,
  choice: 8,
  levels: 9,
  rows: 10,
  objectLevels: 11,
  actionLevels: 12,
  object: 13,
  countedLevels: 14,
  skipInteger: 15,
  isoTime: 16,
  namedLevels: 17,
  numberedLevels: 18,
} as const;

/** Places in the reader's numbers. */
export const AT = {
  time: 0,
  seq: 1,
  first: 2,
  prev: 3,
  price: 4,
  size: 5,
  bid: 6,
  bidSize: 7,
  ask: 8,
  askSize: 9,
  id: 10,
  side: 11,
  value: 12,
  checksum: 13,
} as const;
export type Place = (typeof AT)[keyof typeof AT];
export const PLACES = 14;

/** A hole of a template. Two of the same `key` are the same. */
export interface Slot {
  readonly key: string;
  readonly code: number;
  readonly target: number;
  readonly choices?: readonly string[] | undefined;
  readonly rows?: readonly RowTemplate[] | undefined;
  readonly fields?: Fields | undefined;
}

/**
 * How the value of a field is written: a plain decimal, with a sign or not, within quotes (which may be empty) or without
 * (or null); the name of an instrument; any text; true or false; or another object. `other` is one that is not wanted but comes in every frame.
 */
export type Field = 'quoted' | 'number' | 'symbol' | 'text' | 'flag' | 'other' | Fields;
/** The fields of an object that are wanted, by their names. */
export interface Fields {
  readonly [name: string]: Field;
}

/** The parts of a frame in order: text that must be there byte for byte, and holes. */
export type Template = readonly (string | Slot)[];

/** A template and what is made of it. */
export interface Shape {
  readonly template: Template;
  readonly make: RecordMaker;
}

/** A row of a list, each of which makes a record. */
export type RowTemplate = Shape;

/** Named here, defined by `records.ts`: what turns what was read into a record. */
export interface RecordMaker {
  readonly record: 'book' | 'trades' | 'prices' | 'objects';
  /** Objects: what the decoder is told of them, to read them as it does those that were JSON. */
  readonly what?: string | undefined;
  /** Books: what the frame is. */
  readonly kind?: 'snapshot' | 'delta' | undefined;
  /** Books: a change is one update and follows the one before it: its first sequence number is its last. */
  readonly firstIsSeq?: boolean | undefined;
  /** Trades: the number that identifies the trade is its sequence number too. */
  readonly idIsSeq?: boolean | undefined;
  /** The wire's times are ms; a number that is not one of this century is left to the reader of JSON. */
  readonly timeInMs?: boolean | undefined;
}

/** A frame as the venue writes it, with slots in the place of values: frame`{"s":"${symbol}","u":${seq}}`. */
export function frame(texts: TemplateStringsArray, ...holes: readonly (Slot | Template)[]): Template {
  const parts: (string | Slot)[] = [];
  const add = (part: string | Slot): void => {
    const last = parts.at(-1);
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
    else if (part !== '') parts.push(part);
  };
  texts.forEach((text, i) => {
    add(text);
    const hole = holes[i];
    if (hole === undefined) return;
    if ('code' in hole) add(hole);
    else hole.forEach(add);
  });
  return parts;
}

function slot(key: string, code: number, target = -1): Slot {
  return Object.freeze({ key, code, target });
}

/** The content of a text that says nothing to us: printable ASCII without escapes. */
export const anyText = slot('anyText', CODE.skipText);
/** Letters, digits and `_`, such as a stream's name before `@`. */
export const anyName = slot('anyName', CODE.skipName);
/** A whole number that says nothing to us. */
export const anyNumber = slot('anyNumber', CODE.skipNumber);
/** The same with or without a sign. */
export const anyInteger = slot('anyInteger', CODE.skipInteger);
/** The content of a text that names the instrument. */
export const symbol = slot('symbol', CODE.symbol);
/** The venue's time, ms or µs (`timeOf`). Without one a record has the receive time. */
export const time = slot('time', CODE.whole, AT.time);
/** The same as ISO text, up to ns: `2026-11-30T08:00:00.123456Z`. */
export const isoTime = slot('time', CODE.isoTime, AT.time);
export const seq = slot('seq', CODE.whole, AT.seq);
export const firstSeq = slot('firstSeq', CODE.whole, AT.first);
export const prevSeq = slot('prevSeq', CODE.whole, AT.prev);
/** A number that identifies a trade. */
export const id = slot('id', CODE.whole, AT.id);
/** The content of a text that identifies a trade. */
export const textId = slot('textId', CODE.text);
/** Plain decimals, as numbers or within quotes that the template has. */
export const price = slot('price', CODE.decimal, AT.price);
export const size = slot('size', CODE.decimal, AT.size);
export const bid = slot('bid', CODE.decimal, AT.bid);
export const bidSize = slot('bidSize', CODE.decimal, AT.bidSize);
export const ask = slot('ask', CODE.decimal, AT.ask);
export const askSize = slot('askSize', CODE.decimal, AT.askSize);
/** `[["price","size"],…]`, quotes or not. */
export const bids = slot('bids', CODE.levels, 0);
export const asks = slot('asks', CODE.levels, 2);
/** A checksum of the digits of levels, which `namedBids` and `namedAsks` keep: `[{"price":1,"qty":2},…]`. */
export const checksum = slot('checksum', CODE.whole, AT.checksum);
export const namedBids = slot('namedBids', CODE.namedLevels, 0);
export const namedAsks = slot('namedAsks', CODE.namedLevels, 2);
/** `[["price","size","0","1"],…]`: what follows the size is a count. */
export const countedBids = slot('countedBids', CODE.countedLevels, 0);
export const countedAsks = slot('countedAsks', CODE.countedLevels, 2);
/** `[{"p":"price","s":size},…]`. */
export const objectBids = slot('objectBids', CODE.objectLevels, 0);
export const objectAsks = slot('objectAsks', CODE.objectLevels, 2);
/** `[{"px":"price","sz":"size","n":2},…]`: `n` is a count. */
export const numberedBids = slot('numberedBids', CODE.numberedLevels, 0);
export const numberedAsks = slot('numberedAsks', CODE.numberedLevels, 2);
/** `[["new",price,size],["change",price,size],["delete",price,size],…]`: what is deleted has the size 0. */
export const actionBids = slot('actionBids', CODE.actionLevels, 0);
export const actionAsks = slot('actionAsks', CODE.actionLevels, 2);

/** One of these texts; none may begin another. It says nothing to us. */
export function oneOf(...texts: readonly string[]): Slot {
  return Object.freeze({ ...slot(`oneOf ${texts.join(' ')}`, CODE.choice), choices: texts });
}

/** How the wire says that the taker bought and sold: side('"Buy"', '"Sell"'). */
export function takerSide(buy: string, sell: string): Slot {
  return Object.freeze({ ...slot(`side ${buy} ${sell}`, CODE.choice, AT.side), choices: [sell, buy] });
}

/**
 * An object of which these fields are wanted, in whatever order, with or without others. What is read is an object as
 * `JSON.parse` gives it, of these fields alone and with numbers in place of texts of numbers that are not empty.
 */
export function object(fields: Fields): Slot {
  return Object.freeze({ ...slot(`object ${JSON.stringify(fields)}`, CODE.object), fields });
}

/** A list of at least one row, each with one of these shapes. */
export function rows(...shapes: readonly RowTemplate[]): Slot {
  return Object.freeze({ ...slot(`rows ${shapes.map(keyOf).join(' | ')}`, CODE.rows), rows: shapes });
}

function keyOf({ template, make }: Shape): string {
  return JSON.stringify([template.map((part) => (typeof part === 'string' ? part : [part.key])), make]);
}
