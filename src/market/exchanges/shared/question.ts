import type { z } from 'zod';
import { AppError, Unavailable, Unsupported } from '../../../kit/errors.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import type {
  Endpoint,
  EndpointAnswer,
  EndpointDesk,
  EndpointFacts,
  EndpointRequest,
  EndpointSource,
  Kind,
  LiveDesk,
  Reading,
} from '../endpoint.ts';

/** An endpoint over the shape of its body. Nothing is read that the shape has not checked. */
export function endpoint<A, W, T>(definition: {
  readonly market: Market;
  /** Page of the venue's documentation. */
  readonly docs: string;
  readonly request: (args: A, instrument: Instrument | undefined, now: number) => EndpointRequest;
  readonly shape: z.ZodType<W>;
  readonly read: (wire: W, facts: EndpointFacts, args: A) => Reading<T>;
  /** True when reading needs the instrument list though no single instrument is asked for. */
  readonly needsInstruments?: boolean | undefined;
}): Endpoint<A, T> {
  return {
    market: definition.market,
    needsInstruments: definition.needsInstruments ?? false,
    request: definition.request,
    read(body, facts, args) {
      const parsed = definition.shape.safeParse(body);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const where = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.map(String).join('.');
        throw new Unavailable(
          `${facts.exchange} ${facts.market} answered something that its documentation does not say: ${where}: ${issue?.message ?? 'not readable'} (${definition.docs})`,
        );
      }
      return definition.read(parsed.data, facts, args);
    },
  };
}

/** What the collector knows; `path` names the table or book read. */
export type LiveReading<T> = Reading<T> & {
  readonly time: number;
  readonly via: 'live' | 'store';
  readonly path: string;
};

/** How the running collector answers the same question; undefined when it cannot. */
export type LiveReader<A, T> = (live: LiveDesk, args: A, instrument: Instrument) => Promise<LiveReading<T> | undefined>;

/** What a tool, or a part of one, asks: live when the collector knows, else over REST. */
export interface Question<A, T, D> {
  readonly kind: Kind<T, D>;
  /** Several are asked at once and merged. */
  readonly endpoint: Endpoint<A, T> | readonly Endpoint<A, T>[];
  readonly live?: LiveReader<A, T> | undefined;
  /** Needed where there are several endpoints or `each`. */
  readonly merge?: ((values: readonly T[]) => T) | undefined;
  /** Symbols asked one by one when none is given. */
  readonly each?: readonly string[] | undefined;
}

export interface Answer<D> {
  readonly data: D;
  readonly sources: readonly EndpointSource[];
  readonly complete: boolean;
  readonly notes: readonly string[];
}

interface Read<T> {
  readonly reading: Reading<T>;
  readonly source: EndpointSource;
  readonly instrument: Instrument | undefined;
}

/**
 * Asks everything that the question needs. Parts that cannot be had leave a note and make the answer incomplete; when
 * none can be had, the first refusal is thrown.
 */
export async function answer<A, T, D>(
  question: Question<A, T, D>,
  desk: EndpointDesk,
  args: A,
  asked: string | undefined,
): Promise<Answer<D>> {
  const endpoints = isList(question.endpoint) ? question.endpoint : [question.endpoint];
  const symbols: readonly (string | undefined)[] = asked === undefined ? (question.each ?? [undefined]) : [asked];
  const tries = await Promise.all(symbols.map((symbol) => readOne(question, endpoints, desk, { args, symbol })));
  const reads = tries.flatMap((t) => t.reads);
  const failures = tries.flatMap((t) => t.failures);
  const [first] = reads;
  if (first === undefined) throw failures[0] ?? new Unavailable(`${desk.exchange} answered nothing`);
  if (reads.length > 1 && question.merge === undefined) {
    throw new Unsupported(`${question.kind.name}: several answers and no rule to merge them`);
  }
  const value = question.merge?.(reads.map((r) => r.reading.value)) ?? first.reading.value;
  const timeless = reads.some((r) => r.reading.time === null);
  return {
    data: question.kind.derive(value, {
      now: desk.now(),
      instrument: symbols.length === 1 ? first.instrument : undefined,
    }),
    sources: reads.map((r) => r.source),
    complete: failures.length === 0 && reads.every((r) => r.reading.complete ?? true),
    notes: [
      ...new Set([
        ...reads.flatMap((r) => r.reading.notes ?? []),
        ...reads.flatMap((r) => standInNote(r.instrument)),
        ...(timeless ? [`${desk.exchange} gives no time here: as_of is when the answer came`] : []),
        ...failures.map((f) => `missing: ${f.message}`),
      ]),
    ],
  };
}

function standInNote(instrument: Instrument | undefined): readonly string[] {
  if (instrument?.stands_in_as === undefined) return [];
  const { exchange, market, symbol, venue_symbol: name, quote } = instrument;
  return [`${exchange} ${market} does not list ${symbol}: ${name}, which is quoted in ${quote}, stands for it`];
}

async function readOne<A, T, D>(
  question: Question<A, T, D>,
  endpoints: readonly Endpoint<A, T>[],
  desk: EndpointDesk,
  asked: { readonly args: A; readonly symbol: string | undefined },
): Promise<{ readonly reads: readonly Read<T>[]; readonly failures: readonly AppError[] }> {
  const [first] = endpoints;
  if (first === undefined) return { reads: [], failures: [] };
  try {
    const instrument = asked.symbol === undefined ? undefined : await desk.instrument(first.market, asked.symbol);
    const known = instrument === undefined ? undefined : await question.live?.(desk.live, asked.args, instrument);
    if (known !== undefined) {
      const { via, path, time } = known;
      const source = { via, exchange: desk.exchange, market: first.market, host: null, path, asOf: time };
      return { reads: [{ reading: known, source, instrument }], failures: [] };
    }
    const tries = await Promise.all(endpoints.map((e) => overRest(e, desk, asked.args, instrument)));
    return {
      reads: tries.flatMap((t) => (t instanceof AppError ? [] : [t])),
      failures: tries.flatMap((t) => (t instanceof AppError ? [t] : [])),
    };
  } catch (error) {
    if (error instanceof AppError) return { reads: [], failures: [error] };
    throw error;
  }
}

async function overRest<A, T>(
  source: Endpoint<A, T>,
  desk: EndpointDesk,
  args: A,
  instrument: Instrument | undefined,
): Promise<Read<T> | AppError> {
  try {
    const { market } = source;
    const instruments = source.needsInstruments ? await desk.instruments(market) : [];
    const got = await desk.ask(market, source.request(args, instrument, desk.now()));
    const facts = factsOf({ exchange: desk.exchange, market, now: got.at, instrument }, instruments);
    const reading = source.read(got.body, facts, args);
    return { reading, source: restSource(desk, market, got, reading.time), instrument };
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function restSource(desk: EndpointDesk, market: Market, got: EndpointAnswer, time: number | null): EndpointSource {
  return { via: 'rest', exchange: desk.exchange, market, host: got.host, path: got.path, asOf: time ?? got.at };
}

/** The facts with a look-up by the venue's own names and, where none is so called, by canonical symbols. */
export function factsOf(known: Omit<EndpointFacts, 'instrumentOf'>, instruments: readonly Instrument[]): EndpointFacts {
  let byName: Map<string, Instrument> | undefined;
  return {
    ...known,
    instrumentOf(venueSymbol) {
      if (known.instrument?.venue_symbol === venueSymbol) return known.instrument;
      byName ??= new Map([
        ...instruments.map((i) => [i.symbol, i] as const),
        ...instruments.map((i) => [i.venue_symbol, i] as const),
      ]);
      return byName.get(venueSymbol);
    },
  };
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
