import { z } from 'zod';
import type { Us } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { columnsOf } from '../domain/columns.ts';
import type { Instrument } from '../domain/instrument.ts';
import { MARKETS, type MarketRecord } from '../domain/records.ts';
import { textOfBytes } from '../domain/tape.ts';
import type { Decoder, FrameVerdict, VenueMarket } from './contract.ts';
import { decodeBytes } from './shared/fast/reader.ts';
import { instrumentOfUrl, recordedLine } from './recorded-line.ts';
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
 * Raw frames to normalised objects. A line is one JSON text: a frame, bare or wrapped (`{"stream","data"}`), a list of
 * frames, or a REST body whose shape says which call it answers. A recorder's receive time or the URL asked may stand
 * before it (`recorded-line.ts`). Sizes of contracts that no list tells are null.
 */
export function createDecodeStream(options: DecodeStreamOptions): DecodeStream {
  return new LineDecoder(options);
}

class LineDecoder implements DecodeStream {
  readonly counts = { lines: 0, records: 0, control: 0, errors: 0, unread: 0 };
  readonly #options: DecodeStreamOptions;
  readonly #decoder: Decoder;
  readonly #instruments: readonly Instrument[];
  readonly #onlySymbol: string | undefined;
  readonly #sink = (record: MarketRecord): void => {
    this.counts.records++;
    this.#options.onObject(objectOf(record));
  };

  constructor(options: DecodeStreamOptions) {
    const instruments = options.instruments ?? [];
    this.#options = options;
    this.#instruments = instruments;
    this.#decoder = options.venueMarket.createDecoder({ instruments, sizeless: true });
    this.#onlySymbol = instruments.length === 1 ? instruments[0]?.symbol : undefined;
  }

  push(line: string | Uint8Array): void {
    this.counts.lines++;
    const { bytes, received, url, notOfVenue } = recordedLine(typeof line === 'string' ? Buffer.from(line) : line);
    if (bytes.length === 0) return;
    const recvTime = received ?? this.#options.now();
    const verdict = notOfVenue === true ? NOT_OF_VENUE : this.#read(bytes, recvTime, url);
    if (verdict.kind === 'control') this.counts.control++;
    else if (verdict.kind === 'error') this.counts.errors++;
    else if (verdict.kind === 'rejected') {
      this.counts.unread++;
      this.#options.onUnread({ line: this.counts.lines, reason: verdict.reason, text: textOfBytes(bytes) });
    }
  }

  #read(bytes: Uint8Array, recvTime: Us, url: string | undefined): FrameVerdict {
    const verdict = decodeBytes(this.#decoder, bytes, recvTime, this.#sink);
    if (verdict.kind !== 'rejected') return verdict;
    const text = textOfBytes(bytes);
    const value = parseJson(text);
    return this.#body(value, text, recvTime, url) ?? this.#list(value, recvTime) ?? verdict;
  }

  #body(value: unknown, text: string, recvTime: Us, url: string | undefined): FrameVerdict | undefined {
    const answered = this.#options.venueMarket.recognise?.(value);
    if (answered === undefined) return undefined;
    const asked = url === undefined ? undefined : instrumentOfUrl(url)?.toUpperCase();
    const listed = this.#instruments.find((i) => i.venue_symbol.toUpperCase() === asked)?.symbol;
    const args = { symbol: listed ?? asked ?? this.#onlySymbol, ...answered.args };
    return this.#decoder.rest(answered.call, args, text, recvTime, this.#sink);
  }

  /** A list of frames; undefined where no element is one. */
  #list(value: unknown, recvTime: Us): FrameVerdict | undefined {
    if (!Array.isArray(value) || !value.every(isObject)) return undefined;
    const verdicts = value.map((frame) => this.#decoder.frame(JSON.stringify(frame), recvTime, this.#sink));
    const bad = verdicts.filter(({ kind }) => kind === 'rejected');
    if (bad.length === value.length) return undefined;
    const [first] = bad;
    if (first?.kind === 'rejected') {
      return { kind: 'rejected', reason: `${bad.length} of ${value.length} frames: ${first.reason}` };
    }
    return verdicts.find(({ kind }) => kind !== 'control') ?? verdicts[0];
  }
}

const NOT_OF_VENUE: FrameVerdict = Object.freeze({ kind: 'control', what: 'not of the venue' });

function objectOf(record: MarketRecord): DecodedObject {
  const { stream, exchange, market, event_time } = record;
  const symbol = record.symbol === '' ? null : record.symbol;
  if (record.stream !== 'book') {
    const columns = columnsOf(record);
    for (const name in columns) if (Number.isNaN(columns[name])) columns[name] = null;
    return { stream, exchange, market, symbol, event_time, ...columns };
  }
  const { kind, seq, first_seq, prev_seq } = record;
  const [bids, asks] = [record.bids, record.asks].map((levels) =>
    levels.some(([, size]) => Number.isNaN(size))
      ? levels.map(([price, size]) => [price, Number.isNaN(size) ? null : size])
      : levels,
  );
  return { stream, exchange, market, symbol, event_time, kind, bids, asks, seq, first_seq, prev_seq };
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
 * Instruments from a file's text: a JSON array of Instrument objects (only `symbol` is needed; those that say that they
 * are of another market are left out), the venue's own list
 * body, or several such bodies, one a line (as recorders write them). Throws InvalidInput when it is none of these or names no instrument.
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

function ownInstruments(
  value: unknown,
  { exchange, market, alsoReads = [] }: VenueMarket,
): readonly Instrument[] | undefined {
  if (!Array.isArray(value) || !value.every(isObject)) return undefined;
  const parsed = z.array(instrumentSchema).safeParse(value);
  if (
    !parsed.success ||
    !value.some((row) => 'venue_symbol' in row || 'contract_size' in row || 'funding_interval_hours' in row)
  ) {
    return undefined;
  }
  const own = parsed.data.filter(
    (row) => (row.exchange ?? exchange) === exchange && [market, ...alsoReads].includes(row.market ?? market),
  );
  return own.map((row) => ({
    ...row,
    exchange: row.exchange ?? exchange,
    market: row.market ?? market,
    venue_symbol: row.venue_symbol ?? row.symbol,
    kind: row.kind ?? (market === 'futures' ? 'perpetual' : market === 'options' ? 'option' : 'spot'),
  }));
}

function venueInstruments(text: string, value: unknown, venueMarket: VenueMarket): readonly Instrument[] {
  const bodies = value === undefined ? text.split('\n').flatMap(bodyOfLine) : [text];
  return bodies.reduce<readonly Instrument[]>((before, body) => venueMarket.parseInstruments(body, before), []);
}

function bodyOfLine(line: string): string[] {
  const { bytes, notOfVenue } = recordedLine(Buffer.from(line));
  return bytes.length === 0 || notOfVenue === true ? [] : [textOfBytes(bytes)];
}
