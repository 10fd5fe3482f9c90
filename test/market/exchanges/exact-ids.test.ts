import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { marketKey, type MarketRecord } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import type { VenueMarket } from '../../../src/market/exchanges/contract.ts';
import { decodeBytes } from '../../../src/market/exchanges/shared/fast/reader.ts';
import { parseJson } from '../../../src/market/exchanges/shared/values.ts';
import { fixtureCases, fixtureMarkets } from './fixtures.ts';
import { marketOf } from './recorded/data.ts';

/** Trade ids of up to 64 bits that venues write as JSON numbers keep every digit, read from text and from bytes. */
const RECEIVED = 1_780_000_000_000_000;
const bigId = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String);

function idsOf(market: VenueMarket, text: string, way: 'text' | 'bytes'): readonly string[] {
  const decoder = market.createDecoder({ instruments: [], sizeless: true });
  const ids: string[] = [];
  const sink = (record: MarketRecord): void => {
    if (record.stream === 'trades') ids.push(record.trade_id);
  };
  if (way === 'text') decoder.frame(text, RECEIVED, sink);
  else decodeBytes(decoder, new TextEncoder().encode(text), RECEIVED, sink);
  return ids;
}

/** Frames with one trade whose id stands there as a number, cut in two around it. */
function framesWithNumericId(key: string): readonly (readonly [string, string])[] {
  const [exchange = '', market = ''] = key.split('_');
  return fixtureCases(exchange, market).flatMap(({ frame }) => {
    if (frame === undefined || frame === null) return [];
    const text = JSON.stringify(frame);
    const [id, ...more] = idsOf(marketOf(key), text, 'text');
    if (id === undefined || more.length > 0 || !/^\d{3,}$/.test(id)) return [];
    const parts = text.split(new RegExp(`(?<=:)${id}(?=[,}])`));
    const [before, after] = parts;
    if (parts.length !== 2 || before === undefined || after === undefined) return [];
    // Elsewhere the number is another thing, which is as long.
    return idsOf(marketOf(key), `${before}7${after}`, 'text')[0] === '7' ? [[before, after] as const] : [];
  });
}

const NUMERIC = fixtureMarkets()
  .map((key) => ({ key, frames: framesWithNumericId(key) }))
  .filter(({ frames }) => frames.length > 0);

describe('trade ids beyond 2 ** 53', () => {
  it.each(NUMERIC)('$key keeps their digits', ({ key, frames }) => {
    const market = marketOf(key);
    fc.assert(
      fc.property(bigId, fc.nat(), (id, n) => {
        const [before, after] = frames[n % frames.length] ?? ['', ''];
        for (const way of ['text', 'bytes'] as const) {
          expect(idsOf(market, `${before}${id}${after}`, way)).toEqual([id]);
        }
      }),
      { seed: 20_261_130, numRuns: 200 },
    );
  });

  it('are met on several venues', () => {
    expect(NUMERIC.length).toBeGreaterThanOrEqual(3);
    const known = venues.flatMap((venue) => venue.markets).map((m) => marketKey(m.exchange, m.market));
    expect(known).toEqual(expect.arrayContaining(NUMERIC.map(({ key }) => key)));
  });
});

describe('JSON with long numbers', () => {
  it('is read as it is but for whole numbers that a double cannot hold', () => {
    expect(parseJson('{"a":9007199254740993,"b":[18446744073709551615, 9007199254740991 ]}')).toEqual({
      a: '9007199254740993',
      b: ['18446744073709551615', 9_007_199_254_740_991],
    });
    expect(parseJson('{"a":1.12345678901234567890,"b":12345678901234567890.5,"c":-12345678901234567890}')).toEqual({
      a: 1.123_456_789_012_345_7,
      b: 12_345_678_901_234_567_000,
      c: -12_345_678_901_234_567_000,
    });
    expect(parseJson('{"\\":12345678901234567890,\\"":12345678901234567890}')).toEqual({
      '":12345678901234567890,"': '12345678901234567890',
    });
  });

  it.each([
    '{12345678901234567890:1}',
    '[012345678901234567890]',
    '{"a":12345678901234567890',
    '["a:12345678901234567890]',
  ])('is no JSON where it was none: %s', (text) => expect(parseJson(text)).toBeUndefined());

  it('is otherwise what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const tooLong = (value: unknown): value is number =>
          typeof value === 'number' && value > Number.MAX_SAFE_INTEGER && value < 1e21;
        const wanted: unknown = JSON.parse(text, (_, value: unknown) => (tooLong(value) ? String(value) : value));
        expect(parseJson(text)).toEqual(wanted);
      }),
      { seed: 20_261_130, numRuns: 500 },
    );
  });
});
