import type { Us } from '../../../../kit/clock.ts';
import type { BookProof, BookRecord, FlatLevels, Market, MarketRecord, PriceLevel } from '../../../domain/records.ts';
import { baseSize, type SymbolFacts } from '../symbols.ts';
import { timeOf } from '../values.ts';
import type { Leaf } from './program.ts';
import { HELPERS, type Scan } from './scan.ts';
import { AT } from './template.ts';

/** What every record of a frame has. */
export interface FrameFacts {
  readonly exchange: string;
  readonly market: Market;
  readonly recvTime: Us;
}

/** The record of what the scanner read; undefined when a value is not possible, which the reader of JSON then words. */
export function recordOf(leaf: Leaf, scanner: Scan, frame: FrameFacts): MarketRecord | undefined {
  const { facts } = scanner;
  if (facts === undefined) return undefined;
  const time = leaf.has.time ? timeOf(scanner.numbers[AT.time]) : frame.recvTime;
  if (Number.isNaN(time)) return undefined;
  if (leaf.make.timeInMs === true && !isMs(numberAt(scanner, AT.time))) return undefined;
  switch (leaf.make.record) {
    case 'book':
      return bookOf(leaf, scanner, facts, frame, time);
    case 'trades':
      return tradeOf(leaf, scanner, facts, frame, time);
    case 'prices':
      return pricesOf(leaf, scanner, facts, frame, time);
    case 'objects':
      return undefined;
  }
}

/** A time of 2001 to 2286. */
export function isMs(time: number): boolean {
  return time >= 1e12 && time < 1e13;
}

function numberAt(scanner: Scan, place: number): number {
  return scanner.numbers[place] ?? Number.NaN;
}

function tradeOf(
  { has, make }: Leaf,
  scanner: Scan,
  facts: SymbolFacts,
  { exchange, market, recvTime }: FrameFacts,
  time: Us,
): MarketRecord | undefined {
  const price = numberAt(scanner, AT.price);
  const size = numberAt(scanner, AT.size);
  if (!(price > 0)) return undefined;
  const quantity = baseSize(facts, size, price);
  if (!(quantity > 0 && quantity < Infinity)) return undefined;
  const id = numberAt(scanner, AT.id);
  return {
    stream: 'trades',
    exchange,
    market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: recvTime,
    seq: make.idIsSeq === true ? id : has.seq ? numberAt(scanner, AT.seq) : null,
    origin: 'live',
    trade_id: has.textId ? scanner.text : scanner.ids.text(id),
    price,
    quantity,
    side: scanner.numbers[AT.side] === 1 ? 'buy' : 'sell',
  };
}

function pricesOf(
  { has }: Leaf,
  scanner: Scan,
  facts: SymbolFacts,
  { exchange, market, recvTime }: FrameFacts,
  time: Us,
): MarketRecord | undefined {
  const bid = numberAt(scanner, AT.bid);
  const ask = numberAt(scanner, AT.ask);
  const bidSize = numberAt(scanner, AT.bidSize);
  const askSize = numberAt(scanner, AT.askSize);
  if (!(bid > 0 && ask > 0)) return undefined;
  const bidBase = baseSize(facts, bidSize, bid);
  const askBase = baseSize(facts, askSize, ask);
  if (Number.isNaN(bidBase) || Number.isNaN(askBase)) return undefined;
  return {
    stream: 'prices',
    exchange,
    market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: recvTime,
    seq: has.seq ? numberAt(scanner, AT.seq) : null,
    origin: 'live',
    bid_price: bid,
    ask_price: ask,
    bid_qty: bidBase,
    ask_qty: askBase,
    last_price: null,
  };
}

function bookOf(
  { has, make }: Leaf,
  scanner: Scan,
  facts: SymbolFacts,
  frame: FrameFacts,
  time: Us,
): MarketRecord | undefined {
  if (has.level && !putLevel(scanner)) return undefined;
  const { values, bounds } = scanner;
  const prev = has.prev ? numberAt(scanner, AT.prev) : null;
  // A change of nothing begins anew where the venue says so; that is for who knows the venue.
  if (prev === 0) return undefined;
  if (!facts.plain && !toBase(values, scanner.kept, scanner.used, facts)) return undefined;
  scanner.kept = scanner.used;
  const snapshot = make.kind === 'snapshot';
  const seq = has.seq ? numberAt(scanner, AT.seq) : null;
  return new FlatBookRecord(frame, facts.symbol, time, {
    kind: snapshot ? 'snapshot' : 'delta',
    seq,
    first_seq: snapshot ? null : has.first ? numberAt(scanner, AT.first) : make.firstIsSeq === true ? seq : null,
    prev_seq: snapshot ? null : prev,
    proof: has.checksum ? proofOf(scanner) : undefined,
    flat: {
      values,
      bidsStart: bounds[0] ?? 0,
      bidsEnd: bounds[1] ?? 0,
      asksStart: bounds[2] ?? 0,
      asksEnd: bounds[3] ?? 0,
    },
  });
}

function proofOf(scanner: Scan): BookProof {
  return { checksum: numberAt(scanner, AT.checksum), bids: scanner.bidTexts, asks: scanner.askTexts };
}

/** The one level of a change, on its side; false when it cannot be. */
function putLevel(scanner: Scan): boolean {
  const { bounds, numbers, used } = scanner;
  const [price = 0, size = Number.NaN] = [numbers[AT.price], numbers[AT.size]];
  if (!(price > 0)) return false;
  const at = used + 2 > scanner.values.length ? HELPERS.more(scanner, used) : used;
  scanner.values[at] = price;
  scanner.values[at + 1] = size;
  scanner.used = at + 2;
  const isBid = numbers[AT.side] === 1;
  bounds[0] = bounds[2] = at;
  bounds[1] = isBid ? at + 2 : at;
  bounds[3] = isBid ? at : at + 2;
  return true;
}

/** Makes sizes base units; false when one cannot be. */
function toBase(values: Float64Array, start: number, end: number, facts: SymbolFacts): boolean {
  for (let i = start; i < end; i += 2) {
    const base = baseSize(facts, values[i + 1] ?? Number.NaN, values[i] ?? Number.NaN);
    if (Number.isNaN(base)) return false;
    values[i + 1] = base;
  }
  return true;
}

interface BookFields {
  readonly kind: 'snapshot' | 'delta';
  readonly seq: number | null;
  readonly first_seq: number | null;
  readonly prev_seq: number | null;
  readonly proof: BookProof | undefined;
  readonly flat: FlatLevels;
}

/** A book change whose levels are flat numbers; `bids` and `asks` make pairs of them for who needs pairs. */
class FlatBookRecord implements BookRecord {
  readonly stream = 'book';
  readonly origin = 'live';
  readonly exchange: string;
  readonly market: Market;
  readonly symbol: string;
  readonly event_time: Us;
  readonly recv_time: Us;
  readonly seq: number | null;
  readonly kind: 'snapshot' | 'delta';
  readonly first_seq: number | null;
  readonly prev_seq: number | null;
  readonly proof: BookProof | undefined;
  readonly flat: FlatLevels;

  constructor(frame: FrameFacts, symbol: string, time: Us, fields: BookFields) {
    this.exchange = frame.exchange;
    this.market = frame.market;
    this.symbol = symbol;
    this.event_time = time;
    this.recv_time = frame.recvTime;
    this.seq = fields.seq;
    this.kind = fields.kind;
    this.first_seq = fields.first_seq;
    this.prev_seq = fields.prev_seq;
    this.proof = fields.proof;
    this.flat = fields.flat;
  }

  get bids(): PriceLevel[] {
    return pairs(this.flat.values, this.flat.bidsStart, this.flat.bidsEnd);
  }

  get asks(): PriceLevel[] {
    return pairs(this.flat.values, this.flat.asksStart, this.flat.asksEnd);
  }

  /** A plain object, as the reader of JSON makes it. */
  toJSON(): BookRecord {
    return plainBook(this);
  }
}

/** The change as a plain object of pairs alone, to be copied, kept or written. */
export function plainBook(change: BookRecord): BookRecord {
  const { stream, exchange, market, symbol, event_time, recv_time, seq, origin } = change;
  const { kind, bids, asks, first_seq, prev_seq, proof } = change;
  return {
    stream,
    exchange,
    market,
    symbol,
    event_time,
    recv_time,
    seq,
    origin,
    kind,
    bids,
    asks,
    first_seq,
    prev_seq,
    ...(proof === undefined ? {} : { proof }),
  };
}

function pairs(values: Float64Array, start: number, end: number): PriceLevel[] {
  return Array.from({ length: (end - start) / 2 }, (_, i): PriceLevel => {
    const at = start + 2 * i;
    return [values[at] ?? Number.NaN, values[at + 1] ?? Number.NaN];
  });
}
