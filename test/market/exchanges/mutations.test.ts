import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COLUMNS, rowOf } from '../../../src/market/domain/columns.ts';
import type { MarketRecord } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { fixtureBodies, fixtureCases } from './fixtures.ts';
import { decodeAny, decodeFrame, marketOf } from './recorded/data.ts';

const MUTATIONS = 10_000;
const SEED = 20_261_120;
const RECEIVED = 1_790_000_000_000_000;
const LATEST = 7_258_118_400_000_000;

const KEYS = venues.flatMap((venue) => venue.markets.map((market) => `${market.exchange}_${market.market}`));

function frames(key: string): string[] {
  const [exchange = '', market = ''] = key.split('_');
  return [...fixtureCases(exchange, market).map(({ frame }) => JSON.stringify(frame)), ...fixtureBodies(exchange)];
}

/** Values that a field may be replaced with. */
const ODD: readonly unknown[] = [
  null,
  '',
  'x',
  -1,
  '-1',
  0,
  '0',
  'NaN',
  'Infinity',
  '-Infinity',
  '1e999',
  1e308,
  '1e-320',
  1.5,
  true,
  [],
  {},
  [[]],
  '9'.repeat(40),
  2 ** 53,
  'Buy',
  '\u0000',
];

/** Paths of all values within a JSON value. */
function paths(value: unknown, prefix: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  const inner = Object.entries(value).flatMap(([key, child]) =>
    paths(child, [...prefix, Array.isArray(value) ? Number(key) : key]),
  );
  return [prefix, ...inner].filter((one) => one.length > 0);
}

function edit(text: string, at: number, change: (holder: any, key: string | number) => void): string {
  const value: any = JSON.parse(text);
  const all = paths(value);
  const chosen = all[at % all.length] ?? [];
  let holder: any = value;
  for (const step of chosen.slice(0, -1)) holder = holder[step];
  const last = chosen.at(-1);
  if (last !== undefined) change(holder, last);
  return JSON.stringify(value);
}

interface Mutation {
  readonly frame: number;
  readonly kind: number;
  readonly at: number;
  readonly value: number;
}

function mutate(texts: readonly string[], { frame, kind, at, value }: Mutation): string {
  const text = texts[frame % texts.length] ?? '';
  switch (kind) {
    case 0:
      return text.slice(0, at % text.length);
    case 1: {
      const index = at % text.length;
      const flipped = String.fromCharCode(text.charCodeAt(index) ^ (1 << (value % 7)));
      return text.slice(0, index) + flipped + text.slice(index + 1);
    }
    case 2:
      return edit(text, at, (holder, key) => {
        delete holder[key];
      });
    case 3:
      return edit(text, at, (holder, key) => {
        holder[key] = ODD[value % ODD.length];
      });
    default:
      return text.slice(0, at % text.length) + text.slice(value % text.length);
  }
}

/** Gamma in the coin, as OKX tells it, is below 0 of calls deep in the money. */
const NEGATIVE = new Set(['funding_rate', 'price_change', 'price_change_pct', 'delta', 'gamma', 'theta', 'rho']);

function checkNumber(name: string, value: number): void {
  if (!Number.isFinite(value)) expect.fail(`${name} is ${value}`);
  if (value < 0 && !NEGATIVE.has(name)) expect.fail(`${name} is ${value}`);
}

function checkRecord(record: MarketRecord, named: boolean): void {
  if (record.symbol === '' && named) expect.fail('a record without a symbol');
  if (!(record.event_time > 0 && record.event_time <= LATEST) || !Number.isInteger(record.event_time)) {
    expect.fail(`event time ${record.event_time}`);
  }
  for (const [name, value] of Object.entries(record)) if (typeof value === 'number') checkNumber(name, value);
  if (record.stream === 'book') {
    for (const [price, size] of [...record.bids, ...record.asks]) {
      if (!(price > 0)) expect.fail(`price ${price}`);
      checkNumber('size', size);
    }
    return;
  }
  if (record.stream === 'trades' && !(record.price > 0 && record.quantity > 0)) expect.fail('empty trade');
  rowOf(record).forEach((value, i) => {
    const { name, nullable, type } = COLUMNS[record.stream][i]!;
    if (value === null && !nullable) expect.fail(`${name} is null`);
    if (typeof value === 'number' && !Number.isFinite(value)) expect.fail(`${name} is ${value}`);
    if ((type === 'bigint' || type === 'timestamp') && value !== null) expect(Number.isSafeInteger(value)).toBe(true);
  });
}

describe('damaged frames', () => {
  it.each(KEYS)(`%s: ${MUTATIONS} never throw and never make a bad record`, (key) => {
    const market = marketOf(key);
    const texts = frames(key);
    const decoder = market.createDecoder({ instruments: [] });
    const verdicts: Record<string, number> = {};
    const natural = fc.nat({ max: 100_000 });
    fc.assert(
      fc.property(
        fc.record({ frame: natural, kind: fc.nat({ max: 4 }), at: natural, value: natural }),
        (mutation: Mutation) => {
          const text = mutate(texts, mutation);
          const direct = decodeFrame(decoder, text, RECEIVED);
          for (const record of direct.records) checkRecord(record, true);
          verdicts[direct.verdict.kind] = (verdicts[direct.verdict.kind] ?? 0) + 1;
          if (direct.verdict.kind !== 'rejected' || direct.verdict.reason === 'not JSON') return;
          for (const record of decodeAny(market, decoder, text, RECEIVED).records) checkRecord(record, false);
        },
      ),
      { numRuns: MUTATIONS, seed: SEED },
    );
    expect(verdicts['rejected']).toBeGreaterThan(MUTATIONS / 4);
    expect(verdicts['data']).toBeGreaterThan(MUTATIONS / 20);
    expect(() => market.createDecoder({ instruments: [] }).restore(decoder.state())).not.toThrow();
  });

  it.each(KEYS)('%s: instrument lists, error bodies and pages may be anything', (key) => {
    const market = marketOf(key);
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        market.parseInstruments(body);
        market.restError(200, body);
        for (const call of Object.values(market.rest)) {
          call.nextPage?.({ symbol: 'BTCUSDT', from: 0, to: 1 }, body);
          call.decode(body, { symbol: 'BTCUSDT' }, RECEIVED, { instruments: [] }, (record) =>
            checkRecord(record, true),
          );
        }
      }),
      { numRuns: 300, seed: SEED },
    );
  });
});
