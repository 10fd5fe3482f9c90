import type { Us } from '../../kit/clock.ts';
import { textOfBytes } from '../domain/tape.ts';

/** What a line of a recording holds beside the JSON text. */
export interface RecordedLine {
  /** The JSON text. */
  readonly bytes: Uint8Array;
  /** When it came, as the recorder noted before it. */
  readonly received?: Us | undefined;
  /** Of a REST answer: what was asked, `https://host/path?query`. */
  readonly url?: string | undefined;
  /** It is not what a venue sent: a request of the client, a note of the recorder. */
  readonly notOfVenue?: true | undefined;
}

const LONGEST_STAMP = 40;
const LONGEST_URL = 2000;
const [DIGIT_0, DIGIT_9] = [0x30, 0x39];
/** First letters of `http`, `ws` and `configuration`. */
const [H, W, C] = [0x68, 0x77, 0x63];

/**
 * The parts of a line. The time is told as s (with a fraction), ms, µs or ns by its number of digits, or in ISO, then a
 * space or `: ` (`1652459225.506837: {…}`, `1723161255088169167 {…}`, `2024-08-23T00:00:00.498Z {…}`). REST answers are
 * `<URL> -> <time>: <body>`. Requests (`wss://… <- <time>: …`) and `configuration: …` are not of the venue.
 */
export function recordedLine(line: Uint8Array): RecordedLine {
  const bytes = trimmed(line);
  const first = bytes[0] ?? 0;
  if (first >= DIGIT_0 && first <= DIGIT_9) return stamped(bytes);
  return first === H || first === W || first === C ? noted(bytes) : { bytes };
}

function trimmed(line: Uint8Array): Uint8Array {
  // A byte order mark begins files of some editors.
  let [start, end] = [line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? 3 : 0, line.length];
  while (start < end && isBlank(line[start])) start++;
  while (end > start && isBlank(line[end - 1])) end--;
  return line.subarray(start, end);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}

const STAMP = /^(\d{10,19})(?:\.(\d{1,9}))?:?\s+(?=[{[])/;
const ISO_STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z:?\s+(?=[{[])/;

function stamped(bytes: Uint8Array): RecordedLine {
  const head = textOfBytes(bytes.subarray(0, LONGEST_STAMP));
  const iso = ISO_STAMP.exec(head);
  const stamp = iso ?? STAMP.exec(head);
  if (stamp === null) return { bytes };
  const [prefix, whole = '', fraction = ''] = stamp;
  const received =
    iso === null ? timeOfDigits(whole, fraction) : Date.parse(`${whole}Z`) * 1000 + microseconds(fraction);
  return { bytes: bytes.subarray(prefix.length), ...(Number.isNaN(received) ? {} : { received }) };
}

const ANSWER = /^(https?:\/\/\S+) -> (\d{10,11})(?:\.(\d{1,9}))?: (?=[{[])/;
const NOTE = /^(?:(?:wss?|https?):\/\/\S+ (?:<-|<->|->) \d|configuration: )/;

function noted(bytes: Uint8Array): RecordedLine {
  const head = textOfBytes(bytes.subarray(0, LONGEST_URL));
  const answer = ANSWER.exec(head);
  if (answer !== null) {
    const [prefix, url, whole = '', fraction = ''] = answer;
    return { bytes: bytes.subarray(Buffer.byteLength(prefix)), url, received: timeOfDigits(whole, fraction) };
  }
  return NOTE.test(head) ? { bytes, notOfVenue: true } : { bytes };
}

function timeOfDigits(whole: string, fraction: string): Us {
  if (whole.length <= 11) return Number(whole) * 1e6 + microseconds(fraction);
  if (whole.length <= 14) return Number(whole) * 1000;
  return whole.length <= 16 ? Number(whole) : Number(BigInt(whole) / 1000n);
}

function microseconds(fraction: string): number {
  return Number(fraction.padEnd(6, '0').slice(0, 6));
}

/** Query parameters by which venues name the instrument that is asked for. */
const NAMES = ['symbol', 'currency_pair', 'contract', 'instId', 'instrument_name', 'pair', 'coin'];

/** The one instrument that a URL asks for, as the venue writes it. */
export function instrumentOfUrl(url: string): string | undefined {
  const query = URL.canParse(url) ? new URL(url).searchParams : undefined;
  for (const name of NAMES) {
    const value = query?.get(name);
    if (value !== undefined && value !== null && value !== '') return value;
  }
  return undefined;
}
