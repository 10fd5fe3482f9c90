import type { ByteRange } from '../../../domain/tape.ts';
import type { SymbolFacts, SymbolTable } from '../symbols.ts';
import { IdTexts } from './id-texts.ts';
import { AT, PLACES } from './template.ts';

/** So many digits always fit into 32 bits. */
export const INTEGER_DIGITS = 9;
/** Powers of ten are exact up to 22; with 18 every number above zero is a possible price and size. */
const MOST_DECIMALS = 18;
const POWERS = Float64Array.from({ length: MOST_DECIMALS + 1 }, (_, exponent) => 10 ** exponent);
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
  readonly facts: SymbolFacts;
}

/** What was read of a frame. Valid until the next frame or row. */
export class Scan {
  readonly numbers = new Float64Array(PLACES);
  facts: SymbolFacts | undefined = undefined;
  /** What the instrument read last is called on the wire. */
  name = '';
  text = '';
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
  /** Which of the program's leaves the frame or row fits. */
  leaf = 0;
  /** Where a helper's reading ended. */
  at = 0;
  /** Whether a run of levels ended with the last of its side. */
  isLast = false;
  readonly symbols: SymbolTable;
  readonly known: (KnownSymbol | undefined)[] = new Array<KnownSymbol | undefined>(SYMBOL_SLOTS).fill(undefined);
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
});
export type Helpers = typeof HELPERS;

/**
 * `61800.20` of any length: digits and power are exact, so that their quotient is rounded once, as `Number(text)` is;
 * `at` tells its end. -1 when there is no number, when it begins with an idle 0, or is too long to be exact.
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
  if (decimals > MOST_DECIMALS || value > Number.MAX_SAFE_INTEGER) return -1;
  s.at = at;
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
  s.known[hash & (SYMBOL_SLOTS - 1)] = { name, bytes: Uint8Array.from(bytes.subarray(start, end)), facts };
  return end;
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
