import { z } from 'zod';
import type { Us } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { columnsOf } from '../domain/columns.ts';
import type { Instrument } from '../domain/instrument.ts';
import { MARKETS, type MarketRecord } from '../domain/records.ts';
import { textOfBytes } from '../domain/tape.ts';
import type { Decoder, FrameVerdict, VenueMarket } from './contract.ts';
import { decodeBytes } from './shared/fast/reader.ts';
import { isObject, parseJson } from './shared/values.ts';

/**
 * A record as `crew decode` prints it: `stream`, `exchange`, `market`, `symbol` (null when a REST body does not say it),
 * `event_time` (UTC µs) and the columns of its stream; a book change has `kind`, `bids` and `asks` as [price, quantity]
 * pairs, `seq`, `first_seq` and `prev_seq`.
 */
export type DecodedObject = Readonly<Record<string, unknown>>;

/** A line that gave nothing although it should have. */
export interface UnreadLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
  readonly text: string;
}

export interface DecodeCounts {
  readonly lines: number;
  readonly records: number;
  /** Acknowledgements, pongs, events that are not stored. */
  readonly control: number;
  /** Lines in which the venue refuses something. */
  readonly errors: number;
  /** Lines that could not be read. */
  readonly unread: number;
}

export interface DecodeStream {
  /** Decodes one line, as text or its UTF-8 bytes. Never throws for what is in it; an empty line is nothing. */
  push(line: string | Uint8Array): void;
  readonly counts: DecodeCounts;
}

export interface DecodeStreamOptions {
  readonly venueMarket: VenueMarket;
  /** Contract sizes and funding intervals; what depends on them is null without. */
  readonly instruments?: readonly Instrument[] | undefined;
  /** Receive time of a line that does not begin with one; the event time where the venue sends none. UTC µs. */
  readonly now: () => Us;
  readonly onObject: (object: DecodedObject) => void;
  readonly onUnread: (line: UnreadLine) => void;
}

/**
 * Raw frames to normalised objects. A line is one JSON text: a frame, bare or wrapped (`{"stream","data"}`), or a REST
 * body whose shape says which call it answers. A recorder's receive time may stand before it (`<s or ms or µs or ns>`,
 * then a space or `: `).
 */
export function createDecodeStream(options: DecodeStreamOptions): DecodeStream {
  return new LineDecoder(options);
}

class LineDecoder implements DecodeStream {
  readonly counts = { lines: 0, records: 0, control: 0, errors: 0, unread: 0 };
  readonly #options: DecodeStreamOptions;
  readonly #decoder: Decoder;
  readonly #onlySymbol: string | undefined;
  readonly #sink = (record: MarketRecord): void => {
    this.counts.records++;
    this.#options.onObject(objectOf(record));
  };

  constructor(options: DecodeStreamOptions) {
    const instruments = options.instruments ?? [];
    this.#options = options;
    this.#decoder = options.venueMarket.createDecoder({ instruments });
    this.#onlySymbol = instruments.length === 1 ? instruments[0]?.symbol : undefined;
  }

  push(line: string | Uint8Array): void {
    this.counts.lines++;
    const { bytes, received } = splitLine(typeof line === 'string' ? Buffer.from(line) : line);
    if (bytes.length === 0) return;
    const recvTime = received ?? this.#options.now();
    let verdict = decodeBytes(this.#decoder, bytes, recvTime, this.#sink);
    if (verdict.kind === 'rejected') verdict = this.#body(textOfBytes(bytes), recvTime) ?? verdict;
    if (verdict.kind === 'control') this.counts.control++;
    else if (verdict.kind === 'error') this.counts.errors++;
    else if (verdict.kind === 'rejected') {
      this.counts.unread++;
      this.#options.onUnread({ line: this.counts.lines, reason: verdict.reason, text: textOfBytes(bytes) });
    }
  }

  #body(text: string, recvTime: Us): FrameVerdict | undefined {
    const answered = this.#options.venueMarket.recognise?.(parseJson(text));
    if (answered === undefined) return undefined;
    const args = { symbol: this.#onlySymbol, ...answered.args };
    return this.#decoder.rest(answered.call, args, text, recvTime, this.#sink);
  }
}

function objectOf(record: MarketRecord): DecodedObject {
  const { stream, exchange, market, event_time } = record;
  const symbol = record.symbol === '' ? null : record.symbol;
  if (record.stream !== 'book') return { stream, exchange, market, symbol, event_time, ...columnsOf(record) };
  const { kind, bids, asks, seq, first_seq, prev_seq } = record;
  return { stream, exchange, market, symbol, event_time, kind, bids, asks, seq, first_seq, prev_seq };
}

const LONGEST_STAMP = 40;

/** A recorder's time before the frame, by its number of digits; none when the line begins with the JSON. */
function splitLine(line: Uint8Array): { readonly bytes: Uint8Array; readonly received: Us | undefined } {
  let [start, end] = [0, line.length];
  while (start < end && isBlank(line[start])) start++;
  while (end > start && isBlank(line[end - 1])) end--;
  const bytes = line.subarray(start, end);
  const first = bytes[0] ?? 0;
  if (first < 0x30 || first > 0x39) return { bytes, received: undefined };
  const stamp = /^(\d{10,19})(?:\.(\d{1,9}))?:?\s+(?=[{[])/.exec(textOfBytes(bytes.subarray(0, LONGEST_STAMP)));
  if (stamp === null) return { bytes, received: undefined };
  const [prefix, whole = '', fraction = ''] = stamp;
  return { bytes: bytes.subarray(prefix.length), received: stampOf(whole, fraction) };
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}

function stampOf(whole: string, fraction: string): Us {
  if (whole.length <= 11) return Number(whole) * 1e6 + Number(fraction.padEnd(6, '0').slice(0, 6));
  if (whole.length <= 14) return Number(whole) * 1000;
  return whole.length <= 16 ? Number(whole) : Number(BigInt(whole) / 1000n);
}

const instrumentSchema = z.object({
  exchange: z.string().optional(),
  market: z.enum(MARKETS).optional(),
  symbol: z.string().min(1),
  venue_symbol: z.string().min(1).optional(),
  base: z.string().default(''),
  quote: z.string().default(''),
  kind: z.enum(['spot', 'perpetual', 'dated', 'option']).optional(),
  status: z.enum(['trading', 'halted', 'settled']).default('trading'),
  tick_size: z.number().positive().nullable().default(null),
  lot_size: z.number().positive().nullable().default(null),
  contract_size: z.number().positive().nullable().default(null),
  inverse: z.boolean().default(false),
  funding_interval_hours: z.number().positive().nullable().default(null),
  expiry_time: z.number().positive().optional(),
  option_type: z.enum(['call', 'put']).optional(),
  strike_price: z.number().positive().optional(),
  settlement_currency: z.string().optional(),
});

/**
 * Instruments from a file's text: a JSON array of Instrument objects (only `symbol` is needed), the venue's own list
 * body, or several such bodies, one a line. Throws InvalidInput when it is none of these or names no instrument.
 */
export function parseInstrumentFile(text: string, venueMarket: VenueMarket): readonly Instrument[] {
  const value = parseJson(text);
  const instruments = ownInstruments(value, venueMarket) ?? venueInstruments(text, value, venueMarket);
  if (instruments.length === 0) {
    throw new InvalidInput(
      'the instrument file names no instrument: give a JSON array of instruments or the instrument list of the venue',
    );
  }
  return instruments;
}

function ownInstruments(value: unknown, { exchange, market }: VenueMarket): readonly Instrument[] | undefined {
  if (!Array.isArray(value) || !value.every(isObject)) return undefined;
  const parsed = z.array(instrumentSchema).safeParse(value);
  if (
    !parsed.success ||
    !value.some((row) => 'venue_symbol' in row || 'contract_size' in row || 'funding_interval_hours' in row)
  ) {
    return undefined;
  }
  return parsed.data.map((row) => ({
    ...row,
    exchange: row.exchange ?? exchange,
    market: row.market ?? market,
    venue_symbol: row.venue_symbol ?? row.symbol,
    kind: row.kind ?? (market === 'futures' ? 'perpetual' : market === 'options' ? 'option' : 'spot'),
  }));
}

function venueInstruments(text: string, value: unknown, venueMarket: VenueMarket): readonly Instrument[] {
  const bodies = value === undefined ? text.split('\n').filter((line) => line.trim() !== '') : [text];
  return bodies.reduce<readonly Instrument[]>((before, body) => venueMarket.parseInstruments(body, before), []);
}
