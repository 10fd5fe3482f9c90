import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BookRecord, PriceLevel } from '../../../src/market/domain/records.ts';
import type { BookRule } from '../../../src/market/exchanges/contract.ts';
import { OrderBook } from '../../../src/market/collect/book.ts';
import { BookSet, bookStateSchema, type BookProblem } from '../../../src/market/collect/books.ts';

/** Sequences rise by one a change; the stream sends snapshots. */
const STREAM_RULE: BookRule = {
  snapshot: 'stream',
  depth: 50,
  next: ({ lastSeq }, { seq }) => {
    if (lastSeq === null || seq === null) return 'gap';
    if (seq <= lastSeq) return 'skip';
    return seq === lastSeq + 1 ? 'apply' : 'gap';
  },
};

/** Changes span sequences and name their predecessor; a REST snapshot lies somewhere within. */
const REST_RULE: BookRule = {
  snapshot: 'rest',
  depth: 1000,
  next: ({ lastSeq, fromSnapshot }, { seq, first_seq: first, prev_seq: previous }) => {
    if (lastSeq === null || seq === null || first === null) return 'gap';
    if (seq <= lastSeq) return 'skip';
    if (fromSnapshot) return first <= lastSeq + 1 ? 'apply' : 'gap';
    return previous === lastSeq ? 'apply' : 'gap';
  },
};

function change(fields: Partial<BookRecord> & Pick<BookRecord, 'kind' | 'seq'>): BookRecord {
  return {
    stream: 'book',
    exchange: 'toy',
    market: 'spot',
    symbol: 'AB',
    event_time: (fields.seq ?? 0) * 1000,
    recv_time: (fields.seq ?? 0) * 1000,
    origin: 'live',
    bids: [],
    asks: [],
    first_seq: fields.seq,
    prev_seq: fields.seq === null ? null : fields.seq - 1,
    ...fields,
  };
}

describe('levels', () => {
  test('are held best first, replaced and removed', () => {
    const book = new OrderBook();
    book.apply(
      [
        [1, 5],
        [3, 1],
        [2, 2],
      ],
      [
        [5, 1],
        [4, 2],
        [6, 3],
      ],
    ); // prettier-ignore
    expect(book.bids()).toEqual([
      [3, 1],
      [2, 2],
      [1, 5],
    ]); // prettier-ignore
    expect(book.asks(2)).toEqual([
      [4, 2],
      [5, 1],
    ]); // prettier-ignore
    book.apply(
      [
        [3, 0],
        [2, 7],
      ],
      [[9, 0]],
    ); // prettier-ignore
    expect(book.bids()).toEqual([
      [2, 7],
      [1, 5],
    ]); // prettier-ignore
    expect([book.bestBid, book.bestAsk, book.crossed]).toEqual([2, 4, false]);
    expect(book.totals()).toEqual({ bids: 12, asks: 6 });
    book.apply([[4, 1]], []);
    expect(book.crossed).toBe(true);
    book.clear();
    expect([book.bestBid, book.bestAsk, book.crossed]).toEqual([Number.NaN, Number.NaN, false]);
  });

  test('equal what a map of prices holds, whatever happens', () => {
    const level = fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 5 }));
    fc.assert(
      fc.property(fc.array(level, { maxLength: 1500 }), (levels) => {
        const book = new OrderBook();
        const truth = new Map<number, number>();
        for (const [price, quantity] of levels) {
          book.apply([[price, quantity]], [[price, quantity]]);
          if (quantity === 0) truth.delete(price);
          else truth.set(price, quantity);
        }
        const ordered = [...truth].sort(([a], [b]) => a - b);
        expect(book.asks()).toEqual(ordered);
        expect(book.bids()).toEqual(ordered.reverse());
      }),
      { seed: 11, numRuns: 60 },
    );
  });
});

/** No sequences: changes carry a checksum of the best two levels; the venue tells of three levels a side. */
const CHECKED_RULE: BookRule = {
  snapshot: 'stream',
  depth: 3,
  keep: 3,
  next: () => 'apply',
  checksum: { depth: 2, of: (bids, asks) => crc32([...asks, ...bids].join('|')) },
};

/** What the venue holds and sends: levels with their texts and the checksum of its own book. */
class CheckedVenue {
  readonly #sides = { bids: new Map<number, string>(), asks: new Map<number, string>() };

  send(kind: 'snapshot' | 'delta', bids: readonly string[], asks: readonly string[]): BookRecord {
    const levels = (texts: readonly string[]): PriceLevel[] =>
      texts.map((text) => text.split(' ').map(Number) as [number, number]);
    if (kind === 'snapshot') for (const side of Object.values(this.#sides)) side.clear();
    for (const [side, texts] of [
      ['bids', bids],
      ['asks', asks],
    ] as const) {
      for (const text of texts) {
        const [price = 0, size] = text.split(' ').map(Number);
        if (size === 0) this.#sides[side].delete(price);
        else this.#sides[side].set(price, text);
      }
      const kept = this.best(side, 3);
      this.#sides[side] = new Map(kept.map((text) => [Number(text.split(' ')[0]), text]));
    }
    const checksum = crc32([...this.best('asks', 2), ...this.best('bids', 2)].join('|'));
    return { ...change({ kind, seq: null, bids: levels(bids), asks: levels(asks) }), proof: { checksum, bids, asks } };
  }

  best(side: 'bids' | 'asks', depth: number): string[] {
    const sign = side === 'bids' ? -1 : 1;
    return [...this.#sides[side]]
      .sort(([a], [b]) => (a - b) * sign)
      .map(([, text]) => text)
      .slice(0, depth); // prettier-ignore
  }
}

describe('checksums', () => {
  const open = (problems: BookProblem[] = []): BookSet =>
    new BookSet({ rule: CHECKED_RULE, polled: false, onProblem: (problem) => problems.push(problem) });

  test('a book that does not give the checksum is stale before it can be read, until a snapshot', () => {
    const problems: BookProblem[] = [];
    const books = open(problems);
    const venue = new CheckedVenue();
    books.apply(venue.send('snapshot', ['9.0 1.10', '8.0 2.00'], ['10.0 1.00']));
    expect(books.apply(venue.send('delta', ['9.0 1.2'], []))?.levels.bids(1)).toEqual([[9, 1.2]]);
    venue.send('delta', ['9.5 3.0'], []); // lost on the way
    expect(books.apply(venue.send('delta', [], ['10.0 7.00']))).toBeUndefined();
    expect(books.get('AB')?.state).toBe('mismatch');
    expect(books.apply(venue.send('delta', [], ['10.0 8.00']))).toBeUndefined();
    expect(problems).toMatchObject([{ kind: 'book_checksum', symbol: 'AB', lastSeq: null }]);
    expect(books.apply(venue.send('snapshot', ['9.5 3.0'], ['10.0 8.00']))?.state).toBe('valid');
    const wrong = { ...venue.send('snapshot', ['9.5 3.0'], []), proof: { checksum: 1, bids: ['9.5 3.0'], asks: [] } };
    expect(books.apply(wrong)).toBeUndefined();
    expect(problems).toHaveLength(2);
  });

  test('digits that a number loses count, levels beyond those told of are dropped', () => {
    const books = open();
    const venue = new CheckedVenue();
    books.apply(venue.send('snapshot', ['3.00 1.000', '2.00 1.000', '1.00 1.000'], ['4.00 1.000']));
    expect(books.apply(venue.send('delta', ['3.50 1.0000'], []))?.levels.bids()).toEqual([
      [3.5, 1],
      [3, 1],
      [2, 1],
    ]); // prettier-ignore
    const state = bookStateSchema.array().parse(JSON.parse(JSON.stringify(books.state())));
    const again = open();
    again.restore(state);
    expect(again.apply(venue.send('delta', ['3.50 0'], []))?.levels.texts(9)).toEqual({
      bids: ['3.00 1.000', '2.00 1.000'],
      asks: ['4.00 1.000'],
    });
  });

  test('whatever is lost or changed is found at the next change of the levels covered', () => {
    const level = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 3 }), fc.constantFrom('', '0'));
    const step = fc.record({
      levels: fc.array(level, { minLength: 1, maxLength: 3 }),
      lost: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const books = open();
        const venue = new CheckedVenue();
        books.apply(venue.send('snapshot', ['5 1', '4 1'], ['21 1', '22 1']));
        for (const { levels, lost } of steps) {
          const texts = levels.map(([price, size, zero]) => `${price} ${size}.0${size === 0 ? '' : zero}`);
          const sent = venue.send('delta', texts, []);
          if (lost === 0) continue;
          const book = books.apply(sent);
          if (book === undefined) break;
          expect(book.levels.texts(2)).toEqual({ bids: venue.best('bids', 2), asks: venue.best('asks', 2) });
        }
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});

describe('sequences', () => {
  test('a gap makes the book stale before it can be read, and a snapshot mends it', () => {
    const problems: BookProblem[] = [];
    const books = new BookSet({ rule: STREAM_RULE, polled: false, onProblem: (p) => problems.push(p) });
    expect(books.apply(change({ kind: 'delta', seq: 4 }))).toBeUndefined();
    books.apply(change({ kind: 'snapshot', seq: 5, bids: [[1, 1]], asks: [[2, 1]] }));
    expect(books.apply(change({ kind: 'delta', seq: 6, bids: [[1, 2]] }))?.levels.bids()).toEqual([[1, 2]]);
    expect(books.apply(change({ kind: 'delta', seq: 6, bids: [[1, 9]] }))).toBeUndefined();
    expect(books.get('AB')?.state).toBe('valid');
    expect(books.apply(change({ kind: 'delta', seq: 8, bids: [[1, 3]] }))).toBeUndefined();
    expect(books.get('AB')?.state).toBe('gap');
    expect(problems).toMatchObject([{ kind: 'book_sequence', lastSeq: 6, nextSeq: 8 }]);
    expect(books.apply(change({ kind: 'delta', seq: 9 }))).toBeUndefined();
    expect(problems).toHaveLength(1);
    books.apply(change({ kind: 'snapshot', seq: 9, bids: [[1, 4]], asks: [[2, 4]] }));
    expect(books.get('AB')).toMatchObject({ state: 'valid', lastSeq: 9 });
  });

  test('a change that was missed and comes late is told once a break, and mends nothing', () => {
    const problems: BookProblem[] = [];
    const books = new BookSet({ rule: STREAM_RULE, polled: false, onProblem: (p) => problems.push(p) });
    books.apply(change({ kind: 'snapshot', seq: 5, bids: [[1, 1]], asks: [[2, 1]] }));
    books.apply(change({ kind: 'delta', seq: 5 }));
    for (const seq of [9, 8, 7, 10, 9]) books.apply(change({ kind: 'delta', seq }));
    expect(problems.map(({ kind, lastSeq, nextSeq }) => [kind, lastSeq, nextSeq])).toEqual([
      ['book_sequence', 5, 9],
      ['book_out_of_order', 5, 8],
    ]);
    expect(books.get('AB')?.state).toBe('gap');
    books.apply(change({ kind: 'snapshot', seq: 10, bids: [[1, 1]], asks: [[2, 1]] }));
    books.apply(change({ kind: 'delta', seq: 12 }));
    const copy = new BookSet({ rule: STREAM_RULE, polled: false, onProblem: (p) => problems.push(p) });
    copy.restore(bookStateSchema.array().parse(JSON.parse(JSON.stringify(books.state()))));
    copy.apply(change({ kind: 'delta', seq: 11 }));
    expect(problems.slice(2).map(({ kind, nextSeq }) => [kind, nextSeq])).toEqual([
      ['book_sequence', 12],
      ['book_out_of_order', 11],
    ]);
  });

  test('a change that a lost stretch hides is not called out of order', () => {
    const problems: BookProblem[] = [];
    const books = new BookSet({ rule: REST_RULE, polled: false, onProblem: (p) => problems.push(p) });
    const delta = (seq: number) => change({ kind: 'delta', seq, first_seq: seq - 9, prev_seq: seq - 10 });
    books.apply(change({ kind: 'snapshot', seq: 5, bids: [[1, 1]], asks: [[2, 1]] }));
    for (const seq of [10, 20, 50, 60]) books.apply(delta(seq));
    books.apply(change({ kind: 'snapshot', seq: 30, bids: [[1, 1]], asks: [[2, 1]] }));
    books.apply(delta(40));
    expect(problems.map(({ kind }) => kind)).toEqual(['book_sequence', 'book_bridge']);
  });

  test('a REST snapshot bridges the changes that wait for it', () => {
    const problems: BookProblem[] = [];
    const books = new BookSet({ rule: REST_RULE, polled: false, onProblem: (p) => problems.push(p) });
    for (const seq of [10, 20, 30]) {
      const delta = change({ kind: 'delta', seq, first_seq: seq - 9, prev_seq: seq - 10, bids: [[seq, seq]] });
      expect(books.apply(delta)).toBeUndefined();
    }
    expect(books.apply(change({ kind: 'snapshot', seq: 15, bids: [[10, 1]], asks: [[99, 1]] }))?.lastSeq).toBe(30);
    expect(books.get('AB')?.levels.bids()).toEqual([
      [30, 30],
      [20, 20],
      [10, 1],
    ]); // prettier-ignore
    expect(problems).toEqual([]);
    books.apply(change({ kind: 'snapshot', seq: 12, bids: [[1, 1]], asks: [[2, 1]] }));
    expect(books.get('AB')?.lastSeq).toBe(30);
  });

  test('a snapshot that is too old asks for another and loses nothing that waits', () => {
    const problems: BookProblem[] = [];
    const books = new BookSet({ rule: REST_RULE, polled: false, onProblem: (p) => problems.push(p) });
    for (const seq of [20, 30]) {
      books.apply(change({ kind: 'delta', seq, first_seq: seq - 9, prev_seq: seq - 10, bids: [[seq, 1]] }));
    }
    expect(books.apply(change({ kind: 'snapshot', seq: 5, bids: [[1, 1]], asks: [[99, 1]] }))).toBeUndefined();
    expect(problems.map(({ kind }) => kind)).toEqual(['book_bridge']);
    expect(books.apply(change({ kind: 'snapshot', seq: 14, bids: [[14, 1]], asks: [[99, 1]] }))?.lastSeq).toBe(30);
    expect(books.get('AB')?.levels.bids()).toEqual([
      [30, 1],
      [20, 1],
      [14, 1],
    ]); // prettier-ignore
  });

  test('a crossed book is not valid until a snapshot', () => {
    const problems: BookProblem[] = [];
    const books = new BookSet({ rule: STREAM_RULE, polled: false, onProblem: (p) => problems.push(p) });
    books.apply(change({ kind: 'snapshot', seq: 1, bids: [[1, 1]], asks: [[2, 1]] }));
    expect(books.apply(change({ kind: 'delta', seq: 2, bids: [[2, 1]] }))).toBeUndefined();
    expect(books.get('AB')?.state).toBe('crossed');
    books.apply(change({ kind: 'delta', seq: 3, bids: [[2, 0]] }));
    expect(books.get('AB')?.state).toBe('crossed');
    expect(problems.map(({ kind }) => kind)).toEqual(['crossed_book']);
  });

  test('state and restore give the same books, waiting changes included', () => {
    const make = (): BookSet => new BookSet({ rule: REST_RULE, polled: false, onProblem: () => undefined });
    const books = make();
    books.apply(change({ kind: 'snapshot', seq: 5, bids: [[1.1, 0.1]], asks: [[2.2, 0.3]] }));
    books.apply(change({ kind: 'delta', seq: 9, first_seq: 9, prev_seq: 8, symbol: 'CD' }));
    const copy = make();
    copy.restore(JSON.parse(JSON.stringify(books.state())) as ReturnType<BookSet['state']>);
    expect(copy.state()).toEqual(books.state());
    expect(copy.get('CD')?.buffer).toHaveLength(1);
  });
});
