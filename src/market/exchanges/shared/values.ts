import type { Us } from '../../../kit/clock.ts';
import type { PriceLevel } from '../../domain/records.ts';

/** A JSON object as it came off the wire: nothing about it is known yet. */
export type WireObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The elements of a JSON array; none when it is no array. */
export function elementsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * JSON text to a value; undefined when it is not JSON (which no JSON text gives). A whole number that a double cannot
 * hold (an id beyond 2 ** 53) comes as the text of its digits, which all readers of numbers take too.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(LONG.test(text) ? withDigitsKept(text) : text) as unknown;
  } catch {
    return undefined;
  }
}

/** So many digits may be too many; quick to say no to. */
const LONG = /[:,[\s]\d{16}/;
/** Texts, whole numbers that stand where a value does, other numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|([1-9]\d{15,})(?=\s*[,}\]])|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function withDigitsKept(text: string): string {
  return text.replaceAll(TOKEN, (token, whole: string | undefined) =>
    whole === undefined || Number.isSafeInteger(Number(whole)) ? token : `"${whole}"`,
  );
}

/** A number, or text of one; NaN for anything else, an empty text included. */
export function numberOf(value: unknown): number {
  if (typeof value === 'string') return decimalOf(value);
  return typeof value === 'number' ? value : NaN;
}

const POWERS = Array.from({ length: 19 }, (_, exponent) => 10 ** exponent);
const LONGEST_EXACT = 17;

/**
 * `Number(text)`, in less than half the time for plain decimals such as 61800.20: digits and power are exact, so that
 * their quotient is rounded once. NaN for an empty text.
 */
export function decimalOf(text: string): number {
  const length = text.length;
  if (length === 0) return NaN;
  if (length > LONGEST_EXACT) return +text;
  let digits = 0;
  let point = -1;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) digits = digits * 10 + (code - 48);
    else if (code === 46 && point < 0 && i > 0 && i < length - 1) point = i;
    else return +text;
  }
  if (digits > Number.MAX_SAFE_INTEGER) return +text;
  return point < 0 ? digits : digits / (POWERS[length - 1 - point] ?? NaN);
}

/** No price, size or rate lies beyond these; products and quotients of what lies within stay finite. */
const LARGEST = 1e18;
const SMALLEST = 1e-18;

/** A price: above zero and possible, else NaN. */
export function priceOf(value: unknown): number {
  const price = numberOf(value);
  return isPrice(price) ? price : NaN;
}

function isPrice(price: number): boolean {
  return price >= SMALLEST && price <= LARGEST;
}

/** A size: zero or more and possible, else NaN. */
export function sizeOf(value: unknown): number {
  const size = numberOf(value);
  return isSize(size) ? size : NaN;
}

function isSize(size: number): boolean {
  return size === 0 || (size >= SMALLEST && size <= LARGEST);
}

/** An optional number: null when absent or empty, NaN when there is something that is not a possible number. */
export function optional(value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null;
  const number = numberOf(value);
  return Math.abs(number) <= LARGEST ? number : NaN;
}

/** An optional price: null also when the venue writes 0 for "none"; NaN when it is no price. */
export function optionalPrice(value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null;
  return numberOf(value) === 0 ? null : priceOf(value);
}

/** An optional size: null when absent, NaN when it is no size. */
export function optionalSize(value: unknown): number | null {
  return value === undefined || value === null || value === '' ? null : sizeOf(value);
}

/** An optional count: null when absent, NaN when it is no whole number from zero. */
export function optionalCount(value: unknown): number | null {
  return value === undefined || value === null || value === '' ? null : (sequenceOf(value) ?? NaN);
}

/** True when none of the values is NaN. */
export function allKnown(...values: readonly (number | null)[]): boolean {
  for (const value of values) if (value !== null && Number.isNaN(value)) return false;
  return true;
}

/** From here on a time of a venue is in µs, not ms: ms of the year 5138. */
const MICROSECONDS_FROM = 1e14;

/** The last time that is believed: the year 2200, µs. */
const LATEST: Us = 7_258_118_400_000_000;

/** A venue's time (ms, or µs where a connection asked for them) as UTC µs; NaN when it is not a possible time. */
export function timeOf(value: unknown): Us {
  const time = numberOf(value);
  if (!(time > 0) || !Number.isSafeInteger(time)) return NaN;
  const us = time >= MICROSECONDS_FROM ? time : time * 1000;
  return us <= LATEST ? us : NaN;
}

/** The first µs after a time that the venue gives inclusively (…59999 ms closes at …60000 ms). */
export function afterInclusive(value: unknown): Us {
  const time = numberOf(value);
  return timeOf(time + 1);
}

/** A sequence number, or null when there is none. */
export function sequenceOf(value: unknown): number | null {
  const sequence = numberOf(value);
  return Number.isSafeInteger(sequence) && sequence >= 0 ? sequence : null;
}

/** An id as text; undefined when there is none. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined;
}

/**
 * Reads `[[price, size, …], …]`, in place: the parsed frame is ours and nobody else's. Undefined when a level is not
 * readable or the side is not there at all, which is damage; null is a side without levels. Prices of spreads (`signed`)
 * may be 0 or below.
 */
export function levelsOf(value: unknown, signed = false): PriceLevel[] | undefined {
  if (value === null) return [];
  if (!Array.isArray(value)) return undefined;
  const levels: unknown[] = value;
  for (let i = 0; i < levels.length; i++) {
    const level: unknown = levels[i];
    if (!Array.isArray(level) || level.length < 2) return undefined;
    const price = numberOf(level[0]);
    const size = numberOf(level[1]);
    if (!(isPrice(price) || (signed && Math.abs(price) <= LARGEST)) || !isSize(size)) return undefined;
    levels[i] = [price, size];
  }
  return levels as PriceLevel[]; // each element was replaced by a checked pair
}

/** a × b of two plain decimals without binary noise: 3 × 0.1 is 0.3. Their double product where they are too long. */
export function decimalProduct(a: number, b: number): number {
  const [x, p] = wholeOf(a);
  const [y, q] = wholeOf(b);
  const whole = x * y;
  const power = POWERS[p + q];
  return Number.isSafeInteger(whole) && power !== undefined ? whole / power : a * b;
}

/** A decimal as a whole number over a power of ten; NaN when it has more than 12 digits after the point. */
function wholeOf(value: number): readonly [whole: number, decimals: number] {
  for (let decimals = 0; decimals <= 12; decimals++) {
    const power = POWERS[decimals] ?? NaN;
    const whole = Math.round(value * power);
    if (whole / power === value) return [whole, decimals];
  }
  return [NaN, 0];
}

/** a − b of two decimal texts without binary noise: 69372.6 − 69974.7 is −602.1. */
export function decimalDifference(a: string | number, b: string | number): number {
  return rounded(numberOf(a) - numberOf(b), Math.max(decimals(a), decimals(b)));
}

/** A fraction as percent without binary noise: 0.017103 is 1.7103. */
export function percentOf(fraction: string | number): number {
  return rounded(numberOf(fraction) * 100, Math.max(0, decimals(fraction) - 2));
}

const MOST_DECIMALS = 15;

/** The decimal of so many digits that is nearest: a whole number over a power of ten, rounded once. */
function rounded(value: number, digits: number): number {
  const power = POWERS[Math.min(MOST_DECIMALS, digits)] ?? 1;
  const whole = Math.round(value * power);
  return Number.isSafeInteger(whole) ? whole / power : value;
}

function decimals(value: string | number): number {
  const text = typeof value === 'string' ? value : String(value);
  const point = text.indexOf('.');
  if (text.includes('e') || text.includes('E')) return MOST_DECIMALS;
  return point < 0 ? 0 : text.length - point - 1;
}
