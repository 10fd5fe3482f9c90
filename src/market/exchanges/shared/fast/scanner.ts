import type { SymbolFacts, SymbolTable } from '../symbols.ts';
import type { Leaf, Literal, Step } from './program.ts';
import { CODE, PLACES } from './template.ts';

/** So many digits always fit into 32 bits. */
const INTEGER_DIGITS = 9;
/** Powers of ten are exact up to 22; with 18 every number above zero is a possible price and size. */
const MOST_DECIMALS = 18;
const POWERS = Float64Array.from({ length: MOST_DECIMALS + 1 }, (_, exponent) => 10 ** exponent);
const ZERO = 0x30;
const QUOTE = 0x22;
const COMMA = 0x2c;
const POINT = 0x2e;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;

/** Symbols remembered by their bytes; a power of two. */
const SYMBOL_SLOTS = 4096;
const LONGEST_SYMBOL = 40;

interface KnownSymbol {
  readonly bytes: Uint8Array;
  readonly facts: SymbolFacts;
}

/**
 * What was read of a frame, and where reading stands: plain fields and functions beside them, since a private method
 * costs a check at every call and there are dozens a frame. Valid until the next frame or row.
 */
export class Scan {
  readonly numbers = new Float64Array(PLACES);
  facts: SymbolFacts | undefined = undefined;
  text = '';
  /** price, size, price, size …; `counts` of each side tell how many numbers count. */
  readonly levels: readonly [number[], number[]] = [[0.5], [0.5]];
  readonly counts = new Int32Array(2);
  readonly symbols: SymbolTable;
  readonly known: (KnownSymbol | undefined)[] = new Array<KnownSymbol | undefined>(SYMBOL_SLOTS).fill(undefined);
  readonly onRow: (leaf: Leaf) => boolean;
  /** The memory that the frame is part of, as a socket's read or a block of the tape brings many of them. */
  memory: ArrayBufferLike = new ArrayBuffer(0);
  bytes = Buffer.from(this.memory);
  view = new DataView(this.memory);
  limit = 0;
  at = 0;
  end = 0;

  /** `onRow` is told of each row read, and gives false when it does not fit after all. */
  constructor(symbols: SymbolTable, onRow: (leaf: Leaf) => boolean) {
    this.symbols = symbols;
    this.onRow = onRow;
  }
}

/**
 * Reads a frame by a tree of steps, straight from its bytes. Gives the leaf that the whole frame fits. What fits none
 * is not judged here: undefined, and the frame is to be read as JSON.
 */
export function scan(s: Scan, program: Step, frame: Uint8Array): Leaf | undefined {
  if (frame.buffer !== s.memory) {
    s.memory = frame.buffer;
    s.bytes = Buffer.from(frame.buffer);
    s.view = new DataView(frame.buffer);
    s.limit = frame.buffer.byteLength;
  }
  s.at = frame.byteOffset;
  s.end = s.at + frame.byteLength;
  const leaf = run(s, program);
  return leaf !== undefined && s.at === s.end ? leaf : undefined;
}

function run(s: Scan, program: Step): Leaf | undefined {
  let step: Step | undefined = program;
  while (step !== undefined) {
    switch (step.code) {
      case CODE.literal:
        if (!literal(s, step.literal)) return undefined;
        break;
      case CODE.whole:
        if ((s.numbers[step.target] = whole(s)) < 0) return undefined;
        break;
      case CODE.decimal:
        if ((s.numbers[step.target] = decimal(s)) < 0) return undefined;
        break;
      case CODE.branch:
        step = step.branch[s.bytes[s.at] ?? 0];
        continue;
      case CODE.leaf:
        return step.leaf;
      default:
        if (!slot(s, step)) return undefined;
    }
    step = step.next;
  }
  return undefined;
}

function slot(s: Scan, step: Step): boolean {
  switch (step.code) {
    case CODE.levels:
      return levelList(s, step.target);
    case CODE.symbol:
      return symbol(s);
    case CODE.skipText:
      return skipText(s);
    case CODE.skipName:
      return skipName(s);
    case CODE.skipNumber:
      return skipNumber(s);
    case CODE.choice:
      return choice(s, step);
    case CODE.text:
      return text(s);
    case CODE.rows:
      return step.row !== undefined && rowList(s, step.row);
    default:
      return false;
  }
}

function literal(s: Scan, { words, length, mask }: Literal): boolean {
  const { view, at } = s;
  const last = words.length - 1;
  if (at + length > s.end) return false;
  // The last word may reach beyond the frame, but not beyond the memory.
  if (at + words.length * 4 > s.limit) return shortLiteral(s, words, length);
  for (let i = 0; i < last; i++) if (view.getInt32(at + i * 4, true) !== words[i]) return false;
  if ((view.getInt32(at + last * 4, true) & mask) !== words[last]) return false;
  s.at = at + length;
  return true;
}

function shortLiteral(s: Scan, words: Int32Array, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (s.bytes[s.at + i] !== (((words[i >> 2] ?? 0) >> ((i & 3) * 8)) & 0xff)) return false;
  }
  s.at += length;
  return true;
}

/** A whole number; -1 when there is none, when it begins with an idle 0, or is too long to be exact. */
function whole(s: Scan): number {
  const start = s.at;
  const value = gather(s, 0);
  const count = s.at - start;
  if (count === 0 || (count > 1 && s.bytes[start] === ZERO) || value > Number.MAX_SAFE_INTEGER) return -1;
  return value;
}

/** `61800.20`: digits and power are exact, so that their quotient is rounded once, as `Number(text)` is. */
function decimal(s: Scan): number {
  const integer = whole(s);
  if (integer < 0 || s.bytes[s.at] !== POINT) return integer;
  const start = ++s.at;
  const value = gather(s, integer);
  const count = s.at - start;
  if (count === 0 || count > MOST_DECIMALS || value > Number.MAX_SAFE_INTEGER) return -1;
  return value / (POWERS[count] ?? 1);
}

/** Appends the digits that follow to `value`, nine at a time. Inexact beyond 2 ** 53, which callers refuse. */
function gather(s: Scan, value: number): number {
  const { bytes } = s;
  let { at } = s;
  for (;;) {
    const start = at;
    const most = start + INTEGER_DIGITS;
    let part = 0;
    let digit = (bytes[at] ?? 0) - ZERO;
    while (digit >= 0 && digit <= 9 && at < most) {
      part = (Math.imul(part, 10) + digit) | 0;
      digit = (bytes[++at] ?? 0) - ZERO;
    }
    value = value === 0 ? part : value * (POWERS[at - start] ?? 1) + part;
    if (at < most) break;
  }
  s.at = at;
  return value;
}

/**
 * `[["price","size"],…]`. The digits are read here and not by `decimal`: nine in ten numbers of a feed are in books,
 * and a call for each would double their time.
 */
function levelList(s: Scan, side: number): boolean {
  const { bytes } = s;
  const levels = s.levels[side === 0 ? 0 : 1];
  let { at } = s;
  let count = 0;
  s.counts[side] = 0;
  if (bytes[at++] !== OPEN) return false;
  if (bytes[at] === CLOSE) {
    s.at = at + 1;
    return true;
  }
  const quoted = bytes[at + 1] === QUOTE;
  for (;;) {
    if (bytes[at++] !== OPEN) return false;
    for (let second = 0; second < 2; second++) {
      if (quoted && bytes[at++] !== QUOTE) return false;
      const start = at;
      let integer = 0;
      let digit = (bytes[at] ?? 0) - ZERO;
      while (digit >= 0 && digit <= 9) {
        integer = (Math.imul(integer, 10) + digit) | 0;
        digit = (bytes[++at] ?? 0) - ZERO;
      }
      const point = at;
      let fraction = 0;
      if (digit === POINT - ZERO) {
        digit = (bytes[++at] ?? 0) - ZERO;
        while (digit >= 0 && digit <= 9) {
          fraction = (Math.imul(fraction, 10) + digit) | 0;
          digit = (bytes[++at] ?? 0) - ZERO;
        }
      }
      const decimals = at - point - 1;
      let value = integer;
      if (
        point - start > INTEGER_DIGITS ||
        decimals > INTEGER_DIGITS - 1 ||
        (bytes[start] === ZERO && point - start > 1)
      ) {
        s.at = start;
        value = decimal(s);
        if (value < 0) return false;
        at = s.at;
      } else if (point === start || decimals === 0) return false;
      else if (decimals > 0) {
        const power = POWERS[decimals] ?? 1;
        value = integer * power + fraction;
        if (value > Number.MAX_SAFE_INTEGER) return false;
        value /= power;
      }
      // A price is above zero, a size may be zero.
      if (value === 0 && second === 0) return false;
      levels[count++] = value;
      if (quoted && bytes[at++] !== QUOTE) return false;
      if (bytes[at++] !== (second === 0 ? COMMA : CLOSE)) return false;
    }
    const next = bytes[at++];
    if (next === COMMA) continue;
    s.at = at;
    s.counts[side] = count;
    return next === CLOSE;
  }
}

function rowList(s: Scan, row: Step): boolean {
  if (s.bytes[s.at++] !== OPEN) return false;
  for (;;) {
    const leaf = run(s, row);
    if (leaf === undefined || !s.onRow(leaf)) return false;
    const next = s.bytes[s.at++];
    if (next !== COMMA) return next === CLOSE;
  }
}

function choice(s: Scan, { choices, target }: Step): boolean {
  for (let i = 0; i < choices.length; i++) {
    const one = choices[i];
    if (one === undefined || !literal(s, one)) continue;
    if (target >= 0) s.numbers[target] = i;
    return true;
  }
  return false;
}

function text(s: Scan): boolean {
  const start = s.at;
  if (!skipText(s) || s.at === start) return false;
  s.text = asciiOf(s, start, s.at);
  return true;
}

function skipNumber(s: Scan): boolean {
  const start = s.at;
  let { at } = s;
  let digit = (s.bytes[at] ?? 0) - ZERO;
  while (digit >= 0 && digit <= 9) digit = (s.bytes[++at] ?? 0) - ZERO;
  s.at = at;
  return at === start + 1 || (at > start && s.bytes[start] !== ZERO);
}

function skipText(s: Scan): boolean {
  const { bytes, end } = s;
  let { at } = s;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) break;
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return false;
  }
  s.at = at;
  return at < end;
}

function skipName(s: Scan): boolean {
  const { bytes, at: start } = s;
  let at = start;
  for (; ; at++) {
    const byte = bytes[at] ?? 0;
    // 0-9, A-Z, a-z and _
    const isName =
      (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || byte === 95;
    if (!isName) break;
  }
  s.at = at;
  return at > start;
}

function symbol(s: Scan): boolean {
  const { bytes, end, at: start } = s;
  let hash = 0;
  let at = start;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) break;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  s.at = at;
  const known = s.known[hash & (SYMBOL_SLOTS - 1)];
  if (known === undefined || !sameBytes(known.bytes, bytes, start, at)) return meetSymbol(s, start, at, hash);
  s.facts = known.facts;
  return true;
}

function sameBytes(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}

function meetSymbol(s: Scan, start: number, end: number, hash: number): boolean {
  s.at = start;
  if (end - start > LONGEST_SYMBOL || !skipText(s)) return false;
  const facts = s.symbols.facts(asciiOf(s, start, end));
  if (facts === undefined) return false;
  s.facts = facts;
  s.known[hash & (SYMBOL_SLOTS - 1)] = { bytes: Uint8Array.from(s.bytes.subarray(start, end)), facts };
  return true;
}

function asciiOf(s: Scan, start: number, end: number): string {
  return s.bytes.toString('latin1', start, end);
}
