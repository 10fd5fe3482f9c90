import { describe, expect, test } from 'vitest';
import { FAULT_KINDS, disturb, total } from './book-faults.ts';
import { bookSources } from './book-wire.ts';

const FAULTS = 20_000;
const SEED = 20_261_128;
const SOURCES = bookSources(7);
const EACH = Math.ceil(FAULTS / SOURCES.length);

describe('frames lost, repeated, late, cut or with a flipped bit', () => {
  test.each(SOURCES.map((source) => [source.key, source] as const))('%s: stale or true', (_, source) => {
    const report = disturb(source, EACH, SEED);
    expect(report.undetected.slice(0, 3)).toEqual([]);
    expect(total(report)).toBeGreaterThanOrEqual(EACH);
    for (const kind of FAULT_KINDS) expect(report.faults[kind]).toBeGreaterThan(EACH / 10);
    expect(report.reads).toBeGreaterThan(EACH / 10);
    if (source.venue.book.checksum !== undefined && report.proven) expect(report.undetectable).toBe(0);
  });

  test.each(['rest', 'stream', 'checksum'] as const)('a %s book that nothing guards is found out', (kind) => {
    const source = SOURCES.find(({ venue: { book } }) =>
      kind === 'checksum' ? book.checksum !== undefined && book.keep !== undefined : book.snapshot === kind,
    );
    if (source === undefined) throw new Error(`no ${kind} book`);
    const book = { ...source.venue.book, next: () => 'apply' as const, checksum: undefined };
    const report = disturb({ ...source, venue: { ...source.venue, book } }, 200, SEED);
    expect(report.undetected.length).toBeGreaterThan(5);
  });
});
