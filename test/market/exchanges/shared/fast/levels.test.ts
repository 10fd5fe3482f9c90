import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { MarketRecord } from '../../../../../src/market/domain/records.ts';
import { isoTimeOf, levelDigits } from '../../../../../src/market/exchanges/kraken/wire.ts';
import { fastReader, type FastReader } from '../../../../../src/market/exchanges/shared/fast/reader.ts';
import {
  asks,
  bids,
  countedAsks,
  countedBids,
  checksum,
  frame,
  isoTime,
  namedAsks,
  namedBids,
  numberedAsks,
  numberedBids,
  objectAsks,
  objectBids,
  seq,
  symbol,
  type Slot,
} from '../../../../../src/market/exchanges/shared/fast/template.ts';
import { createSymbolTable } from '../../../../../src/market/exchanges/shared/symbols.ts';

const SEED = 20_261_130;
const RECEIVED = 1_790_000_000_000_000;

function readerOf(one: Slot, other: Slot): FastReader {
  const template = frame`{"s":"${symbol}","b":${one},"a":${other},"u":${seq}}`;
  const table = createSymbolTable({ instruments: [] }, () => undefined);
  return fastReader('toy', 'spot', [{ template, make: { record: 'book', kind: 'snapshot' } }])(table);
}

type Level = readonly [price: string, size: string];

const WAYS = {
  quoted: {
    slots: [bids, asks],
    write: (levels: readonly Level[]) => `[${levels.map(([p, q]) => `["${p}","${q}"]`).join()}]`,
  },
  plain: {
    slots: [bids, asks],
    write: (levels: readonly Level[]) => `[${levels.map(([p, q]) => `[${p},${q}]`).join()}]`,
  },
  counted: {
    slots: [countedBids, countedAsks],
    write: (levels: readonly Level[]) => `[${levels.map(([p, q], i) => `["${p}","${q}","0","${i}"]`).join()}]`,
  },
  objects: {
    slots: [objectBids, objectAsks],
    write: (levels: readonly Level[]) => `[${levels.map(([p, q]) => `{"p":"${p}","s":${q}}`).join()}]`,
  },
  numbered: {
    slots: [numberedBids, numberedAsks],
    write: (levels: readonly Level[]) => `[${levels.map(([p, q], i) => `{"px":"${p}","sz":"${q}","n":${i}}`).join()}]`,
  },
  named: {
    slots: [namedBids, namedAsks],
    write: (levels: readonly Level[]) => `[${levels.map(([p, q]) => `{"price":${p},"qty":${q}}`).join()}]`,
  },
} as const;

/** Whole numbers and decimals, of one form or another, with an idle 0 now and then. */
const digits = (from: number, to: number) => fc.stringMatching(new RegExp(`^\\d{${from},${to}}$`), { size: 'max' });
const decimal = fc
  .tuple(digits(1, 10), fc.oneof(fc.constant(''), digits(1, 10)))
  .map(([whole, part]) => (part === '' ? whole : `${whole}.${part}`));
/** Sides as a venue writes them: prices and sizes of one form each, which changes seldom. */
const side = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }))
  .chain(([whole, places, parts]) => {
    const of = (w: number, p: number) =>
      fc
        .tuple(digits(w, w), digits(p, p))
        .map(([a, b]) => `${w > 1 ? a.replace(/^0/, '1') : a}${p > 0 ? '.' : ''}${b}`);
    const price = fc.oneof({ weight: 40, arbitrary: of(whole, places) }, { weight: 1, arbitrary: decimal });
    const size = fc.oneof(...[1, 2, 3, 4, 5].map((w) => ({ weight: 10, arbitrary: of(w, parts) })), {
      weight: 2,
      arbitrary: decimal,
    });
    return fc.array(fc.tuple(price, size), { minLength: 0, maxLength: 40 });
  });

/** A number of JSON, as a price or a size may be. */
const NUMBER = /^(?:0|[1-9]\d*)(?:\.\d+)?$/;
const isPlain = (text: string): boolean =>
  NUMBER.test(text) && (text.includes('.') || Number(text) <= Number.MAX_SAFE_INTEGER);

test('levels whose digits are kept have those of their texts', () => {
  const template = frame`{"s":"${symbol}","b":${namedBids},"a":${namedAsks},"c":${checksum}}`;
  const table = createSymbolTable({ instruments: [] }, () => undefined);
  const read = fastReader('toy', 'spot', [{ template, make: { record: 'book', kind: 'delta' } }])(table);
  let taken = 0;
  fc.assert(
    fc.property(side, side, (below, above) => {
      const { write } = WAYS.named;
      read(Buffer.from(`{"s":"AB","b":${write(below)},"a":${write(above)},"c":17}`), RECEIVED, (record) => {
        const digitsOf = (levels: readonly Level[]): string[] => levels.map(([p, q]) => levelDigits(p, q));
        expect(record).toMatchObject({ proof: { checksum: 17, bids: digitsOf(below), asks: digitsOf(above) } });
        taken += 1;
      });
    }),
    { numRuns: 3000, seed: SEED },
  );
  expect(taken).toBeGreaterThan(500);
});

test('a time in words is what the clock says, or left to others', () => {
  const template = frame`{"s":"${symbol}","b":${bids},"t":"${isoTime}"}`;
  const table = createSymbolTable({ instruments: [] }, () => undefined);
  const read = fastReader('toy', 'spot', [{ template, make: { record: 'book', kind: 'snapshot' } }])(table);
  const timeOf = (text: string): number | undefined => {
    let time: number | undefined;
    read(Buffer.from(`{"s":"AB","b":[],"t":"${text}"}`), RECEIVED, (record) => (time = record.event_time));
    return time;
  };
  expect(timeOf('2026-11-30T08:00:00.123456Z')).toBe(Date.UTC(2026, 10, 30, 8) * 1000 + 123_456);
  expect(timeOf('2028-02-29T23:59:59Z')).toBe(Date.UTC(2028, 1, 29, 23, 59, 59) * 1000);
  for (const odd of ['2027-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-11-30T24:00:00Z', '2026-11-30 08:00:00Z']) {
    expect(timeOf(odd)).toBeUndefined();
  }
  for (const odd of [
    '2026-11-30T08:00:00.Z',
    '2026-11-30T08:00:00.1234567890Z',
    '2026-11-30T08:00:00',
    '1999-01-01T00:00:00Z',
  ]) {
    expect(timeOf(odd)).toBeUndefined();
  }
  fc.assert(
    fc.property(
      fc.date({ min: new Date('2001-09-10T00:00:00Z'), max: new Date('2199-01-01T00:00:00Z') }),
      digits(1, 9),
      (at, part) => {
        if (Number.isNaN(at.getTime())) return;
        const text = `${at.toISOString().slice(0, 19)}.${part}Z`;
        expect(timeOf(text)).toBe(isoTimeOf(text));
      },
    ),
    { numRuns: 2000, seed: SEED },
  );
});

describe.each(Object.entries(WAYS))('levels that are %s', (_, { slots, write }) => {
  const read = readerOf(slots[0], slots[1]);
  const booksOf = (bytes: Uint8Array): MarketRecord[] => {
    const records: MarketRecord[] = [];
    const verdict = read(bytes, RECEIVED, (record) => records.push(record));
    expect(verdict === undefined).toBe(records.length === 0);
    return records;
  };

  it('have the values of their texts, or are not taken', () => {
    let taken = 0;
    fc.assert(
      fc.property(side, side, (below, above) => {
        const text = `{"s":"AB","b":${write(below)},"a":${write(above)},"u":7}`;
        // Frames lie one behind the other in memory, as a socket's read brings them.
        const memory = Buffer.from(`{}${text}${text}`);
        const [book] = booksOf(memory.subarray(2, 2 + text.length));
        // The last one of a piece of memory is read to its end as well.
        const [last] = booksOf(new TextEncoder().encode(text));
        expect(last === undefined).toBe(book === undefined);
        const all = [...below, ...above];
        const fits =
          all.every(([price, size]) => isPlain(price) && isPlain(size)) && all.every(([price]) => Number(price) > 0);
        if (book === undefined && slots[0] === namedBids) return;
        expect(book !== undefined).toBe(fits);
        if (book === undefined) return;
        taken += 1;
        const numbers = (levels: readonly Level[]): number[][] => levels.map((level) => level.map(Number));
        for (const one of [book, last]) {
          if (one?.stream !== 'book' || !isDeepStrictEqual([one.bids, one.asks], [numbers(below), numbers(above)])) {
            throw new Error(`not the levels of ${text}`);
          }
        }
      }),
      { numRuns: 2000, seed: SEED },
    );
    expect(taken).toBeGreaterThan(500);
  });

  it('are refused when a byte of them is another', () => {
    const levels = Array.from({ length: 12 }, (_, i): Level => [`6100${i % 10}.${10 + i}`, `${i + 1}.250`]);
    const text = `{"s":"AB","b":${write(levels)},"a":${write(levels)},"u":7}`;
    const oracle = new RegExp(`^${text.replaceAll(/[.[\]{}]/g, '\\$&').replaceAll(/\d/g, '\\d')}$`);
    for (let n = 0; n < 8; n++) expect(booksOf(Buffer.from(text))).toHaveLength(1);
    for (let at = 10; at < text.length - 7; at++) {
      for (const byte of ['x', '"', '.', ',', '/', ':', '\0', '\xff', '\x8a']) {
        const bytes = Buffer.from(text.slice(0, at) + byte + text.slice(at + 1), 'latin1');
        if (!oracle.test(bytes.toString('latin1')) && byte !== '.') expect(booksOf(bytes)).toEqual([]);
      }
    }
  });
});
