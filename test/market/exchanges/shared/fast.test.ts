import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, test, vi } from 'vitest';
import type { MarketRecord } from '../../../../src/market/domain/records.ts';
import { venues } from '../../../../src/market/exchanges/catalogue.generated.ts';
import type { Decoder, VenueMarket } from '../../../../src/market/exchanges/contract.ts';
import { decodeBytes, fastReader } from '../../../../src/market/exchanges/shared/fast/reader.ts';
import {
  anyNumber,
  anyText,
  asks,
  bids,
  frame,
  price,
  rows,
  seq,
  symbol,
  textId,
  type Shape,
} from '../../../../src/market/exchanges/shared/fast/template.ts';
import { createSymbolTable } from '../../../../src/market/exchanges/shared/symbols.ts';
import { parseInstrumentFile } from '../../../../src/market/exchanges/decode.ts';
import { fixtureInstruments } from '../fixtures.ts';

const RECEIVED = 1_790_000_000_000_000;
const SEED = 20_261_128;
const MARKETS = venues
  .flatMap((venue) => venue.markets)
  .filter((market) => market.createDecoder({ instruments: [] }).bytes !== undefined);

/** Frames of the venue's fixtures, of all its markets, that this market's shapes take. */
function takenFrames(market: VenueMarket): string[] {
  const folder = path.resolve(import.meta.dirname, '../../../fixtures', market.exchange);
  const frames = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.stringify((JSON.parse(line) as { frame?: unknown }).frame ?? null));
  return frames.filter((text) => readBytes(market, Buffer.from(text)) !== undefined);
}

/** Contract sizes matter: where they are not known, frames are left to the reader of JSON. */
function decoderOf(market: VenueMarket): Decoder {
  const text = fixtureInstruments(market.exchange, market.market);
  return market.createDecoder({ instruments: text === undefined ? [] : parseInstrumentFile(text, market) });
}

interface Outcome {
  readonly verdict: unknown;
  readonly records: unknown;
}

function readBytes(market: VenueMarket, bytes: Uint8Array): Outcome | undefined {
  const records: MarketRecord[] = [];
  const verdict = decoderOf(market).bytes?.(bytes, RECEIVED, (record) => records.push(record));
  if (verdict === undefined) expect(records).toEqual([]);
  return verdict === undefined ? undefined : { verdict, records: plain(records) };
}

function readText(market: VenueMarket, bytes: Uint8Array): Outcome {
  const records: MarketRecord[] = [];
  const text = Buffer.from(bytes).toString('utf8');
  const verdict = decoderOf(market).frame(text, RECEIVED, (record) => records.push(record));
  return { verdict, records: plain(records) };
}

function plain(records: readonly MarketRecord[]): unknown {
  return JSON.parse(JSON.stringify(records));
}

const ODD_NUMBERS = [
  '0',
  '0.0',
  '007',
  '00.5',
  '.5',
  '5.',
  '-1',
  '1e5',
  '1E-7',
  '0.1',
  '0.00000001',
  '0.0000000000000000001',
  '123456789',
  '1234567890',
  '123456789.12345678',
  '999999999.99999999',
  '12345678901234567',
  '9007199254740991',
  '9007199254740993',
  '99999999999999999999999999',
  '1.7976931348623157',
  '100000000000000',
  '1.2.3',
  '',
  ' 1',
  'NaN',
];

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), value: fc.nat(7) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), value: fc.nat(3) }),
  fc.record({ kind: fc.constant('end' as const), at: fc.nat(), value: fc.nat() }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({ kind: fc.constant('number' as const), at: fc.nat(), value: fc.nat(ODD_NUMBERS.length - 1) }),
  fc.record({ kind: fc.constant('digits' as const), at: fc.nat(), value: fc.nat() }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutate(bytes: Buffer, { kind, at, value }: Mutation): Buffer {
  const index = bytes.length === 0 ? 0 : at % bytes.length;
  const [before, after] = [bytes.subarray(0, index), bytes.subarray(index)];
  switch (kind) {
    case 'flip': {
      const flipped = Buffer.from(bytes);
      flipped[index] = (flipped[index] ?? 0) ^ (1 << value);
      return flipped;
    }
    case 'cut':
      return Buffer.concat([before, after.subarray(value + 1)]);
    case 'end':
      return before;
    case 'insert':
      return Buffer.concat([before, Buffer.from([value]), after]);
    case 'number':
      return renumber(bytes, at, () => ODD_NUMBERS[value] ?? '');
    case 'digits':
      return renumber(bytes, at, (digits) => digits.replace(/\d/g, (_, i: number) => String((value >> (i % 24)) % 10)));
  }
}

/** Puts another number in the place of one of the frame's. */
function renumber(bytes: Buffer, at: number, make: (digits: string) => string): Buffer {
  const text = bytes.toString('latin1');
  const numbers = [...text.matchAll(/\d+(?:\.\d+)?/g)];
  const one = numbers[at % Math.max(1, numbers.length)];
  if (one === undefined) return bytes;
  return Buffer.from(text.slice(0, one.index) + make(one[0]) + text.slice(one.index + one[0].length), 'latin1');
}

describe.each(MARKETS.map((market) => [`${market.exchange}_${market.market}`, market] as const))('%s', (_, market) => {
  const frames = takenFrames(market);

  it('takes frames of its fixtures', () => {
    expect(frames.length).toBeGreaterThan(1);
  });

  it('gives exactly what the reader of JSON gives, or leaves the frame to it', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.nat(), fc.array(mutation, { maxLength: 3 }), (which, mutations) => {
        const intact = Buffer.from(frames[which % frames.length] ?? '');
        const bytes = mutations.reduce(mutate, intact);
        const fast = readBytes(market, bytes);
        if (fast === undefined) return;
        taken++;
        const slow = readText(market, bytes);
        if (!isDeepStrictEqual(fast, slow)) {
          throw new Error(`${bytes.toString()}\n${JSON.stringify(fast)}\n${JSON.stringify(slow)}`);
        }
      }),
      { numRuns: 4000, seed: SEED },
    );
    expect(taken).toBeGreaterThan(1000);
  });

  it('reads nothing beyond the end of a frame that is cut', () => {
    const decoder = decoderOf(market);
    const take = (bytes: Uint8Array): unknown => decoder.bytes?.(bytes, RECEIVED, () => undefined);
    for (const text of frames) {
      const whole = Buffer.from(`${text}${text}`);
      for (let end = 0; end < text.length; end++) {
        const cut = whole.subarray(0, end);
        // Where more follows in memory, and where the memory ends too.
        if (take(cut) !== undefined || take(Uint8Array.from(cut)) !== undefined)
          throw new Error(`took ${text.slice(0, end)}`);
      }
    }
  });
});

describe('shapes', () => {
  const make = { record: 'prices' } as const;
  const symbols = createSymbolTable({ instruments: [] }, () => undefined);
  const reader = (...shapes: Shape[]): ReturnType<ReturnType<typeof fastReader>> =>
    fastReader('toy', 'spot', shapes)(symbols);

  test('that cannot be told apart are refused when they are made', () => {
    const one = { template: frame`{"a":${seq}}`, make };
    expect(() => reader(one, one)).toThrow('two shapes are the same');
    expect(() => reader(one, { template: frame`{"a":${price}}`, make })).toThrow('shapes differ where one has seq');
    expect(() => reader(one, { template: frame`{"a":1}`, make })).toThrow('shapes differ');
    expect(() => reader(one, { template: frame`{"a":${seq}`, make })).toThrow('shapes differ');
    expect(() => reader()).toThrow('a program needs a shape');
  });

  test('a list of rows is taken whole or not at all', () => {
    const row = { template: frame`{"i":"${textId}","p":${price}}`, make: { record: 'trades' } as const };
    const read = reader({ template: frame`{"s":"${symbol}","n":"${anyText}","d":${rows(row)}}`, make });
    const given: MarketRecord[] = [];
    const give = (text: string): unknown => read(Buffer.from(text), RECEIVED, (record) => given.push(record));
    // Without a size no trade can be made of a row.
    expect(give('{"s":"AB","n":"","d":[{"i":"x","p":1}]}')).toBeUndefined();
    expect(give('{"s":"AB","n":"","d":[]}')).toBeUndefined();
    expect(given).toEqual([]);
  });

  test('a book reads levels with and without quotes', () => {
    const template = frame`{"s":"${symbol}","u":${seq},"b":${bids}}`;
    const read = reader({ template, make: { record: 'book', kind: 'snapshot' } });
    const levels = (text: string): unknown => {
      let found: unknown;
      read(Buffer.from(`{"s":"AB","u":1,"b":${text}}`), RECEIVED, (record) => {
        found = record.stream === 'book' ? record.bids : undefined;
      });
      return found;
    };
    expect(levels('[["1.50","0"],["12345678901.5","0.1"]]')).toEqual([
      [1.5, 0],
      [12345678901.5, 0.1],
    ]);
    expect(levels('[[1.5,0.25]]')).toEqual([[1.5, 0.25]]);
    expect(levels('[]')).toEqual([]);
    for (const odd of ['[["1.5",2]]', '[["0","1"]]', '[["1."]]', '[["1","1","1"]]', '[["1","1"],]', '[["-1","1"]]']) {
      expect(levels(odd)).toBeUndefined();
    }
  });

  test('a book of more levels than one piece of memory holds is read whole, and books before it stay as they were', () => {
    const template = frame`{"s":"${symbol}","u":${seq},"b":${bids},"a":${asks}}`;
    const read = reader({ template, make: { record: 'book', kind: 'snapshot' } });
    const list = (count: number, from: number): string =>
      `[${Array.from({ length: count }, (_, i) => `["${from + i}.5","0.${from}"]`).join()}]`;
    const books: { given: MarketRecord; text: string }[] = [];
    for (const [n, [below, above]] of [
      [1, 2],
      [0, 900],
      [700, 800],
      [3, 3000],
      [5000, 0],
      [2, 2],
    ].entries()) {
      const text = `{"s":"AB","u":${n},"b":${list(below ?? 0, 100 + n)},"a":${list(above ?? 0, 500 + n)}}`;
      // A frame that is refused at its end leaves nothing behind.
      expect(read(Buffer.from(`${text} `), RECEIVED, () => undefined)).toBeUndefined();
      expect(read(Buffer.from(text), RECEIVED, (given) => books.push({ given, text }))).toBeDefined();
    }
    expect(books).toHaveLength(6);
    for (const { given, text } of books) {
      const { b, a } = JSON.parse(text) as { b: string[][]; a: string[][] };
      const numbers = (levels: string[][]): number[][] => levels.map((level) => level.map(Number));
      expect(given).toMatchObject({ bids: numbers(b), asks: numbers(a) });
    }
  });

  test('a process that forbids code made at run time leaves all frames to the reader of JSON', () => {
    vi.stubGlobal('Function', function refuse(): never {
      throw new EvalError('Code generation from strings disallowed for this context');
    });
    try {
      const read = reader({ template: frame`{"s":"${symbol}","u":${seq},"b":${bids}}`, make: { record: 'book' } });
      expect(read(Buffer.from('{"s":"AB","u":1,"b":[]}'), RECEIVED, () => undefined)).toBeUndefined();
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('a symbol that is none is left to the reader of JSON', () => {
    const read = reader({ template: frame`{"s":"${symbol}","u":${seq},"b":${bids}}`, make: { record: 'book' } });
    const sink = (): void => undefined;
    expect(read(Buffer.from('{"s":"A\\u0042","u":1,"b":[]}'), RECEIVED, sink)).toBeUndefined();
    expect(read(Buffer.from(`{"s":"${'A'.repeat(50)}","u":1,"b":[]}`), RECEIVED, sink)).toBeUndefined();
    expect(read(Buffer.from('{"s":"AB","u":1,"b":[]}'), RECEIVED, sink)).toEqual({ kind: 'data', records: 1 });
  });
});

test('symbols that begin alike or are short are told apart, wherever their frame ends', () => {
  const table = createSymbolTable({ instruments: [] }, () => undefined);
  const template = frame`{"u":${seq},"b":${bids},"s":"${symbol}"}`;
  const read = fastReader('toy', 'spot', [{ template, make: { record: 'book', kind: 'snapshot' } }])(table);
  const name = fc.oneof(
    fc.stringMatching(/^[A-Z]{1,4}$/),
    fc.stringMatching(/^BTC-USDT(?:-(?:SWAP|2[67]\d{4}))?$/),
    fc.stringMatching(/^BTCUSDT[A-C]{0,3}$/),
  );
  fc.assert(
    fc.property(fc.array(name, { maxLength: 30 }), (names) => {
      for (const one of names) {
        const given: string[] = [];
        const text = `{"u":1,"b":[],"s":"${one}"}`;
        read(new TextEncoder().encode(text), RECEIVED, (record) => given.push(record.symbol));
        expect(given).toEqual([one.replaceAll('-', '_')]);
        expect(read(Buffer.from(text.slice(0, -2)), RECEIVED, () => undefined)).toBeUndefined();
      }
    }),
    { numRuns: 300, seed: SEED },
  );
});

test('whole numbers of every length are those of their digits, or left to the reader of JSON', () => {
  const table = createSymbolTable({ instruments: [] }, () => undefined);
  const template = frame`{"s":"${symbol}","x":${anyNumber},"b":${bids},"u":${seq}}`;
  const read = fastReader('toy', 'spot', [{ template, make: { record: 'book', kind: 'snapshot' } }])(table);
  fc.assert(
    fc.property(fc.stringMatching(/^\d{0,20}$/), fc.stringMatching(/^\d{0,20}$/), (skipped, digits) => {
      const given: (number | null)[] = [];
      const text = `{"s":"AB","x":${skipped},"b":[],"u":${digits}}`;
      read(new TextEncoder().encode(text), RECEIVED, (record) => given.push(record.seq));
      const isWhole = (one: string): boolean => /^(?:0|[1-9]\d*)$/.test(one);
      const fits = isWhole(skipped) && isWhole(digits) && Number.isSafeInteger(Number(digits));
      expect(given).toEqual(fits ? [Number(digits)] : []);
    }),
    { numRuns: 5000, seed: SEED },
  );
});

test('a decoder without shapes reads bytes as text', () => {
  const [market] = venues.flatMap((venue) => venue.markets);
  if (market === undefined) throw new Error('no market');
  const seen: string[] = [];
  const decoder: Decoder = {
    ...market.createDecoder({ instruments: [] }),
    bytes: undefined,
    frame: (text) => {
      seen.push(text);
      return { kind: 'control', what: 'seen' };
    },
  };
  decodeBytes(decoder, Buffer.from('{"π":1}'), RECEIVED, () => undefined);
  expect(seen).toEqual(['{"π":1}']);
});
