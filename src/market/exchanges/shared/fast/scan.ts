import type { ByteRange } from '../../../domain/tape.ts';
import type { SymbolFacts, SymbolTable } from '../symbols.ts';
import { IdTexts } from './id-texts.ts';
import { AT, PLACES } from './template.ts';

/** So many digits always fit into 32 bits. */
export const INTEGER_DIGITS = 9;
/** Powers of ten are exact up to 22; with 18 every number above zero is a possible price and size. */
const MOST_DECIMALS = 18;
const POWERS = Float64Array.from({ length: MOST_DECIMALS + 1 }, (_, exponent) => 10 ** exponent);
/** No price and no size is as large. */
const LARGEST = 1e18;
const ZERO = 0x30;
const QUOTE = 0x22;
const POINT = 0x2e;
const BACKSLASH = 0x5c;

/** Symbols remembered by their bytes; a power of two. */
const SYMBOL_SLOTS = 4096;
const LONGEST_SYMBOL = 40;
/** Numbers of one piece of memory for levels. A book that is kept keeps its whole piece. */
const VALUES = 2048;

interface KnownSymbol {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Its bytes and the quote behind it, four at a time; the last four overlap. */
  readonly words: Int32Array;
  readonly facts: SymbolFacts;
}

/** What was read of a frame. Valid until the next frame or row. */
export class Scan {
  readonly numbers = new Float64Array(PLACES);
  facts: SymbolFacts | undefined = undefined;
  /** What the instrument read last is called on the wire. */
  name = '';
  text = '';
  /** The instrument read last, where it was looked up by its bytes. */
  last: KnownSymbol | undefined = undefined;
  /** The object read last. */
  object: Readonly<Record<string, unknown>> = {};
  readonly ids = new IdTexts();
  /** Where bids begin and end in `values`, then asks. */
  readonly bounds = new Int32Array(4);
  /** price, size, price, size … of this frame's books and of those before it: books refer to it and nothing is copied. */
  values = new Float64Array(VALUES);
  /** So many of them belong to books made; of this frame, so many are read. */
  kept = 0;
  used = 0;
  /** Digits of each level of the side being read, then of the sides that were, where a proof needs them. */
  texts: string[] = [];
  bidTexts: string[] = [];
  askTexts: string[] = [];
  /** Which of the program's leaves the frame or row fits. */
  leaf = 0;
  /** Where a helper's reading ended. */
  at = 0;
  /** Whether a run of levels ended with the last of its side. */
  isLast = false;
  readonly symbols: SymbolTable;
  readonly known: (KnownSymbol | undefined)[] = new Array<KnownSymbol | undefined>(SYMBOL_SLOTS).fill(undefined);
  /** The same by the eight bytes that began where they did: what was read there last. */
  readonly recent: (KnownSymbol | undefined)[] = new Array<KnownSymbol | undefined>(SYMBOL_SLOTS).fill(undefined);
  readonly onRow: (leaf: number) => boolean;
  /** The memory that the frame is part of, as a socket's read or a block of the tape brings many of them. */
  memory: ArrayBufferLike = new ArrayBuffer(0);
  bytes = Buffer.from(this.memory);
  view = new DataView(this.memory);

  /** `onRow` is told of each row read, and gives false when it does not fit after all. */
  constructor(symbols: SymbolTable, onRow: (leaf: number) => boolean) {
    this.symbols = symbols;
    this.onRow = onRow;
  }

  /** Looks at a frame's memory. */
  show({ buffer }: ByteRange): void {
    this.used = this.kept;
    const { bounds } = this;
    bounds[0] = bounds[1] = bounds[2] = bounds[3] = 0;
    if (buffer === this.memory) return;
    this.memory = buffer;
    this.bytes = Buffer.from(buffer);
    this.view = new DataView(buffer);
  }
}

/** What the generated code calls; the names are those it uses. */
export const HELPERS = Object.freeze({
  POWERS,
  /** Printable ASCII but quotes and backslashes: 1. */
  TEXT: Uint8Array.from({ length: 256 }, (_, c) => Number(c >= 0x20 && c <= 0x7e && c !== QUOTE && c !== BACKSLASH)),
  /** 0-9, A-Z, a-z and _: 1. */
  NAME: Uint8Array.from({ length: 256 }, (_, c) => Number(/\w/.test(String.fromCharCode(c)))),
  decimal,
  more,
  symbol,
  text,
  exponential,
  longWhole,
  isoTime,
  digitsOf,
});
export type Helpers = typeof HELPERS;

/**
 * `61800.20` of any length: digits and power are exact, so that their quotient is rounded once, as `Number(text)` is,
 * which has those that are too long for that; `at` tells its end. -1 when there is no number, when it begins with an idle
 * 0, is a whole number that a double does not hold, or is beyond what a price or a size may be.
 */
function decimal(s: Scan, bytes: Uint8Array, start: number): number {
  let value = 0;
  let at = start;
  let digit = (bytes[at] ?? 0) - ZERO;
  for (; digit >= 0 && digit <= 9; digit = (bytes[++at] ?? 0) - ZERO) value = value * 10 + digit;
  const point = at;
  if (point === start || (point > start + 1 && bytes[start] === ZERO)) return -1;
  if (bytes[at] === POINT) {
    digit = (bytes[++at] ?? 0) - ZERO;
    for (; digit >= 0 && digit <= 9; digit = (bytes[++at] ?? 0) - ZERO) value = value * 10 + digit;
    if (at === point + 1) return -1;
  }
  const decimals = at === point ? 0 : at - point - 1;
  if (decimals > MOST_DECIMALS) return -1;
  s.at = at;
  if (value > Number.MAX_SAFE_INTEGER) {
    const long = decimals === 0 ? LARGEST : Number(Buffer.from(bytes.buffer, start, at - start).toString('latin1'));
    return long < LARGEST ? long : -1;
  }
  return value / (POWERS[decimals] ?? 1);
}

/** Goes on with new memory for levels, which takes over what was read of this frame up to `to`; gives its end there. */
function more(s: Scan, to: number): number {
  const { values, kept } = s;
  s.values = new Float64Array(Math.max(VALUES, 2 * (to - kept)));
  s.values.set(values.subarray(kept, to));
  for (let i = 0; i < s.bounds.length; i++) s.bounds[i] = Math.max(0, (s.bounds[i] ?? 0) - kept);
  s.kept = 0;
  return to - kept;
}

/** The instrument that the text names; its end, -1 when it names none. */
function symbol(s: Scan, bytes: Buffer, start: number, end: number): number {
  const { view } = s;
  if (start + 8 > end) return symbolByBytes(s, bytes, start, end);
  const hash = Math.imul(view.getInt32(start, true) ^ Math.imul(view.getInt32(start + 4, true), 31), 0x9e3779b1) >>> 20;
  const recent = s.recent[hash];
  if (recent !== undefined && isHere(recent.words, view, start, start + recent.bytes.length - 3, end)) {
    s.facts = recent.facts;
    s.name = recent.name;
    return start + recent.bytes.length;
  }
  const to = symbolByBytes(s, bytes, start, end);
  if (to - start >= 3) s.recent[hash] = s.last;
  return to;
}

/** Whether the words are at `start`, the last of them at `last`. */
function isHere(words: Int32Array, view: DataView, start: number, last: number, end: number): boolean {
  if (last + 4 > end || view.getInt32(last, true) !== words[words.length - 1]) return false;
  for (let i = 0; i < words.length - 1; i++) if (view.getInt32(start + 4 * i, true) !== words[i]) return false;
  return true;
}

function symbolByBytes(s: Scan, bytes: Buffer, start: number, end: number): number {
  let hash = 0;
  let at = start;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) break;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const known = s.known[hash & (SYMBOL_SLOTS - 1)];
  if (known === undefined || !sameBytes(known.bytes, bytes, start, at)) return meetSymbol(s, bytes, start, at, hash);
  s.facts = known.facts;
  s.name = known.name;
  s.last = known;
  return at;
}

function sameBytes(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}

function meetSymbol(s: Scan, bytes: Buffer, start: number, end: number, hash: number): number {
  if (end - start > LONGEST_SYMBOL || bytes[end] !== QUOTE) return -1;
  for (let at = start; at < end; at++) if (HELPERS.TEXT[bytes[at] ?? 0] !== 1) return -1;
  const name = bytes.toString('latin1', start, end);
  const facts = s.symbols.facts(name);
  if (facts === undefined) return -1;
  s.facts = facts;
  s.name = name;
  s.last = { name, bytes: Uint8Array.from(bytes.subarray(start, end)), words: wordsOf(`${name}"`), facts };
  s.known[hash & (SYMBOL_SLOTS - 1)] = s.last;
  return end;
}

function wordsOf(text: string): Int32Array {
  const bytes = Buffer.from(text, 'latin1');
  const starts = Array.from({ length: bytes.length >> 2 }, (_, i) => 4 * i);
  if (bytes.length > 4 && bytes.length % 4 > 0) starts.push(bytes.length - 4);
  return Int32Array.from(starts, (at) => bytes.readInt32LE(at));
}

/** The end of a text that is not empty, which is kept; else -1. */
function text(s: Scan, bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (HELPERS.TEXT[bytes[at] ?? 0] === 1) at++;
  if (at === start || at >= end || bytes[at] !== QUOTE) return -1;
  s.text = bytes.toString('latin1', start, at);
  return at;
}

const LONGEST_NUMBER = 40;
const EXPONENTIAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?[eE][+-]?\d+/;

/** The end of a number with an exponent, which becomes the value; else -1. */
function exponential(s: Scan, bytes: Buffer, start: number, end: number): number {
  const digits = EXPONENTIAL.exec(bytes.toString('latin1', start, Math.min(end, start + LONGEST_NUMBER)))?.[0];
  if (digits === undefined || digits.length === LONGEST_NUMBER) return -1;
  s.numbers[AT.value] = Number(digits);
  return start + digits.length;
}

/** The end of a whole number that a double does not hold, whose digits become the text, as `parseJson` has it; else -1. */
function longWhole(s: Scan, bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (((bytes[at] ?? 0) - ZERO) >>> 0 <= 9) at++;
  const length = at - start;
  if (length < 16 || length > LONGEST_NUMBER || at >= end || bytes[start] === ZERO) return -1;
  if (bytes[at] === POINT || bytes[at] === 0x65 || bytes[at] === 0x45) return -1;
  s.text = bytes.toString('latin1', start, at);
  return Number.isSafeInteger(Number(s.text)) ? -1 : at;
}

const DAY_SECONDS = 86_400;
/** µs of 2001: what is earlier is for the reader of JSON. */
const EARLIEST = 1e15;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The end of `2026-11-30T08:00:00.123456Z`, with up to nine digits of a second, whose µs become the time; else -1. */
function isoTime(s: Scan, bytes: Buffer, start: number): number {
  const [year, month, day] = [number(bytes, start, 4), number(bytes, start + 5, 2), number(bytes, start + 8, 2)];
  const [hour, minute, second] = [
    number(bytes, start + 11, 2),
    number(bytes, start + 14, 2),
    number(bytes, start + 17, 2),
  ];
  if (!(year >= 2001 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 59)) return -1;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > (DAYS[month - 1] ?? 0) + (month === 2 && isLeap ? 1 : 0)) return -1;
  for (let i = 0; i < SIGNS.length; i++) {
    const sign = SIGNS[i];
    if (sign !== undefined && bytes[start + sign.at] !== sign.byte) return -1;
  }
  let at = start + 19;
  let part = 0;
  if (bytes[at] === POINT) {
    const from = ++at;
    for (; at < from + 9; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      if (at < from + 6) part = part * 10 + digit;
    }
    if (at === from) return -1;
    part *= POWERS[Math.max(0, 6 - (at - from))] ?? 1;
  }
  if (bytes[at] !== 0x5a) return -1;
  const [y, m] = month > 2 ? [year, month - 3] : [year - 1, month + 9];
  const days =
    365 * y +
    Math.floor(y / 4) -
    Math.floor(y / 100) +
    Math.floor(y / 400) +
    Math.floor((153 * m + 2) / 5) +
    day -
    719_469;
  const us = (days * DAY_SECONDS + hour * 3600 + minute * 60 + second) * 1e6 + part;
  if (us < EARLIEST) return -1;
  s.numbers[AT.time] = us;
  return at + 1;
}

const SIGNS = Array.from('....-..-..T..:..:').flatMap((sign, at) =>
  sign === '.' ? [] : [{ at, byte: sign.charCodeAt(0) }],
);

/** So many digits as a number; NaN when there is something else. */
function number(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Below this the digits of a decimal can be had back from its value. */
const MOST_DIGITS = 2 ** 50;

/** The digits of a decimal of so many places without point and leading zeros; undefined when there are too many. */
function digitsOf(value: number, places: number): string | undefined {
  const whole = Math.round(value * (POWERS[places] ?? Number.NaN));
  if (!(whole < MOST_DIGITS)) return undefined;
  return whole === 0 ? '' : String(whole);
}
