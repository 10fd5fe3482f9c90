import type { z } from 'zod';
import type { Ms } from '../../kit/clock.ts';
import type { Coverage } from '../domain/coverage.ts';
import type { Instrument } from '../domain/instrument.ts';
import type { Market, PriceLevel, Stream } from '../domain/records.ts';

/**
 * A venue's endpoint table: what of its REST interface is served as tools. Rows are made by the functions of
 * `shared/rows.ts`; `shared/kinds/` holds what rows of all venues have in common: one output, one summary a kind.
 */
export interface EndpointTable {
  readonly exchange: string;
  readonly tools: readonly EndpointTool[];
}

/** One tool of a venue. `run` gives data of `output`. */
export interface EndpointTool {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodObject;
  readonly output: z.ZodType;
  readonly example: Readonly<Record<string, unknown>>;
  readonly run: (input: Readonly<Record<string, unknown>>, desk: EndpointDesk) => Promise<EndpointResult>;
  readonly summary: (output: unknown) => string;
}

export interface EndpointResult {
  readonly data: unknown;
  readonly sources: readonly EndpointSource[];
  readonly complete: boolean;
  readonly notes: readonly string[];
}

/** Where a part of an answer came from. */
export interface EndpointSource {
  /** `live`: the running collector; `store`: rows that it stored; `rest`: asked of the venue now. */
  readonly via: 'live' | 'rest' | 'store';
  readonly exchange: string;
  readonly market: Market;
  /** `fapi.binance.com`; null where no host was asked. */
  readonly host: string | null;
  /** Path at the host, or the table or stream read. */
  readonly path: string;
  /** Time of the newest data, UTC ms; where the venue gives none, when the answer came. */
  readonly asOf: Ms;
}

/** One request of a venue's REST interface. */
export interface EndpointRequest {
  /** Key of the market's `addresses`; default `rest`. */
  readonly address?: string | undefined;
  /** Path, without query. */
  readonly path: string;
  /** Values that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  /** Sent as JSON by POST; without it the request is a GET. */
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  /** In the venue's weight units. */
  readonly weight: number;
}

export interface EndpointAnswer {
  /** The JSON body. */
  readonly body: unknown;
  readonly host: string;
  readonly path: string;
  /** When the answer was there, UTC ms. */
  readonly at: Ms;
}

/** What a row may ask of the desk; bound to the row's venue. */
export interface EndpointDesk {
  readonly exchange: string;
  now(): Ms;
  /** Throws the typed errors of the venue's refusals, Unavailable when it does not answer. */
  ask(market: Market, request: EndpointRequest): Promise<EndpointAnswer>;
  /** The venue's whole list, kept for an hour. */
  instruments(market: Market): Promise<readonly Instrument[]>;
  /** The instrument that a text names: canonical, as the venue writes it, or a base coin. Throws NotFound. */
  instrument(market: Market, asked: string): Promise<Instrument>;
  /** What the running collector knows. */
  readonly live: LiveDesk;
}

/** Collected data; undefined when the series is not collected, not live, or does not reach as far as asked. */
export interface LiveDesk {
  /** Canonical symbols of the market whose stream is collected. */
  collected(market: Market, stream: Stream): readonly string[];
  /** The maintained book, when it is valid now and holds as many levels. */
  book(instrument: Instrument, depth: number): LiveBook | undefined;
  /** The newest stored row of a live series, columns as in `domain/columns.ts`, times in UTC µs. */
  newest(instrument: Instrument, stream: Stream): Promise<LiveRow | undefined>;
  /** The `limit` newest stored rows, oldest first, of a live series that has so many without a gap. */
  recent(instrument: Instrument, stream: Stream, limit: number): Promise<readonly LiveRow[] | undefined>;
  /**
   * Up to `limit` newest rows of the last `minutes`, oldest first, and what is held of that stretch; undefined when the
   * series was never collected.
   */
  stored(
    instrument: Instrument,
    stream: Stream,
    span: { readonly minutes: number; readonly limit: number },
  ): Promise<{ readonly rows: readonly LiveRow[]; readonly coverage: Coverage } | undefined>;
}

export interface LiveBook {
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  readonly seq: number | null;
  /** UTC ms. */
  readonly time: Ms;
}

export type LiveRow = Readonly<Record<string, unknown>>;

/** What is known while an answer is read. */
export interface EndpointFacts {
  readonly exchange: string;
  readonly market: Market;
  readonly now: Ms;
  /** The instrument asked for; undefined when the call names none. */
  readonly instrument: Instrument | undefined;
  /** Any instrument by the venue's own or canonical name; undefined when it is not listed or no list was asked for. */
  instrumentOf(venueSymbol: string): Instrument | undefined;
}

/** What was read: the data, how old, and what is missing. */
export interface Reading<T> {
  readonly value: T;
  /** Venue's time of the newest part, UTC ms; null when it gives none. */
  readonly time: Ms | null;
  readonly complete?: boolean | undefined;
  readonly notes?: readonly string[] | undefined;
}

/** How one market of a venue answers one question. Made by `endpoint` of `shared/question.ts`. */
export interface Endpoint<A, T> {
  readonly market: Market;
  /** Whether reading needs the venue's instrument list though no single instrument is asked for. */
  readonly needsInstruments: boolean;
  /** `now` is UTC ms. */
  readonly request: (args: A, instrument: Instrument | undefined, now: Ms) => EndpointRequest;
  /** Throws Unavailable when the body is not what the venue documents. */
  readonly read: (body: unknown, facts: EndpointFacts, args: A) => Reading<T>;
}

/** What tools of all venues that answer the same question have in common. */
export interface Kind<T, D = T> {
  readonly name: string;
  /** First part of every description: what it gives, with units. */
  readonly about: string;
  readonly output: z.ZodType<D>;
  /** Adds what is computed from what was read. */
  readonly derive: (value: T, facts: { readonly now: Ms; readonly instrument: Instrument | undefined }) => D;
  readonly summary: (data: D) => string;
}
