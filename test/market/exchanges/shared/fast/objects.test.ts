import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FrameVerdict } from '../../../../../src/market/exchanges/contract.ts';
import { fastReader, type ObjectsFrame } from '../../../../../src/market/exchanges/shared/fast/reader.ts';
import {
  anyText,
  frame,
  object,
  rows,
  time,
  type Fields,
} from '../../../../../src/market/exchanges/shared/fast/template.ts';
import { createSymbolTable } from '../../../../../src/market/exchanges/shared/symbols.ts';

const SEED = 20_261_130;
const RECEIVED = 1_790_000_000_000_000;
const READ: FrameVerdict = { kind: 'data', records: 1 };

const FIELDS: Fields = {
  name: 'symbol',
  bid: 'quoted',
  bidSize: 'quoted',
  type: 'other',
  mark: 'number',
  text: 'text',
  day: { high: 'number', volume: 'number' },
};
const make = { record: 'objects', what: 'ticker' } as const;
const table = createSymbolTable({ instruments: [] }, () => undefined);

function reader(): (text: string) => ObjectsFrame | undefined {
  const all: ObjectsFrame[] = [];
  const one = { template: frame`{"c":"${anyText}","data":${object(FIELDS)},"t":${time}}`, make };
  const many = { template: frame`{"l":${rows({ template: frame`${object(FIELDS)}`, make })}}`, make };
  const read = fastReader('toy', 'spot', [one, many])(table, (given) => {
    all.push(given);
    return READ;
  });
  return (text) => {
    all.length = 0;
    const verdict = read(Buffer.from(text), RECEIVED, () => undefined);
    expect(verdict).toBe(all.length === 0 ? undefined : READ);
    return all[0];
  };
}

const read = reader();
const objectOf = (data: string): Readonly<Record<string, unknown>> | undefined =>
  read(`{"c":"x","data":${data},"t":1780000000000}`)?.objects[0];

test('an object has the fields that are wanted, with numbers in place of their texts', () => {
  const all =
    '{"name":"AB","bid":"61000.20","bidSize":"","type":"SWAP","mark":-0.5,"text":"UX","day":{"high":null,"volume":2e-7}}';
  expect(objectOf(all)).toEqual({
    name: 'AB',
    bid: 61000.2,
    bidSize: '',
    mark: -0.5,
    text: 'UX',
    day: { high: null, volume: 2e-7 },
  });
  expect(objectOf('{"name":"AB"}')).toEqual({ name: 'AB' });
  expect(objectOf('{"day":{},"more":true,"name":"AB","less":-1.5e3,"words":"","none":null}')).toEqual({
    name: 'AB',
    day: {},
  });
  expect(objectOf('{"name":"AB","mark":1,"mark":2}')).toEqual({ name: 'AB', mark: 2 });
});

test('a whole number that a double does not hold is the text of its digits', () => {
  expect(objectOf('{"name":"AB","mark":1796025188200000000}')).toEqual({ name: 'AB', mark: '1796025188200000000' });
  expect(objectOf('{"name":"AB","mark":-1796025188200000000}')).toBeUndefined();
  expect(objectOf('{"name":"AB","mark":9007199254740991}')).toEqual({ name: 'AB', mark: 9007199254740991 });
  expect(objectOf('{"name":"AB","mark":9007199254740993,"bid":"0.12345678901234567"}')).toEqual({
    name: 'AB',
    mark: '9007199254740993',
    bid: 0.12345678901234567,
  });
});

test('the frame has its time and what it is, and a list gives all its objects', () => {
  expect(read('{"c":"x","data":{"name":"AB"},"t":1780000000000}')).toMatchObject({
    what: 'ticker',
    time: 1_780_000_000_000_000,
    recvTime: RECEIVED,
  });
  expect(read('{"c":"x","data":{"name":"AB"},"t":0}')).toBeUndefined();
  const list = '{"l":[{"name":"AB","mark":1},{"name":"CD"}]}';
  expect(read(list)).toMatchObject({ objects: [{ name: 'AB', mark: 1 }, { name: 'CD' }], time: RECEIVED });
  expect(read('{"l":[{"name":"AB","mark":1},{"name":"CD","mark":x}]}')).toBeUndefined();
  expect(read('{"l":[{"name":"EF"}]}')).toMatchObject({ objects: [{ name: 'EF' }] });
});

test.each([
  '{}',
  '{"mark":1}',
  '{"name":""}',
  '{"name":"AB",}',
  '{"name":"AB" }',
  '{"name":"AB","bid":null}',
  '{"name":"AB","bid":1}',
  '{"name":"AB","bid":"1e5"}',
  '{"name":"AB","bid":"-"}',
  '{"name":"AB","bid":"007"}',
  '{"name":"AB","mark":"1"}',
  '{"name":"AB","mark":01}',
  '{"name":"AB","mark":1.}',
  '{"name":"AB","mark":1e}',
  '{"name":"AB","mark":nul}',
  '{"name":"AB","text":"a\\u0041"}',
  '{"name":"AB","day":[]}',
  '{"name":"AB","day":{"high":1}',
  '{"name":"AB","a\\u0041":1}',
  '{"name":"AB","other":[1]}',
  '{"name":"AB","other":{}}',
  '{"name":"AB","other":tru}',
  '{"name":"AB","other":01}',
  '{"name":"AB","type":[]}',
  '{"name":"AB"\u00e4}',
])('%s is left to the reader of JSON', (data) => {
  expect(objectOf(data)).toBeUndefined();
});

/** Values of each kind as texts of JSON, and what they are read as. */
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1, max: 1 }),
);
const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  bid: fc.oneof(number.map(String), fc.constant('')),
  bidSize: number.map((n) => n.toFixed(4)),
  type: fc.constantFrom('SWAP', '', true, false, null, -1.25),
  mark: fc.oneof(number, fc.constant(null)),
  text: fc.constantFrom('UX', 'BTC-USD', '+'),
  other: fc.oneof(number, fc.constantFrom('a', '', null, true)),
  more: fc.constantFrom('{}', '[1,2]', ':,"'.slice(0, 2)),
};

test('what is taken is what JSON has, in any order', () => {
  let taken = 0;
  const names = fc.shuffledSubarray(Object.keys(values));
  fc.assert(
    fc.property(
      names,
      fc.record(values),
      fc.nat(),
      fc.record({ high: number, volume: number }),
      (order, all, at, day) => {
        const fields: [string, unknown][] = order.map((name) => [name, (all as Record<string, unknown>)[name]]);
        fields.splice(at % (fields.length + 1), 0, ['name', 'AB']);
        fields.splice((at >> 3) % (fields.length + 1), 0, ['day', day]);
        const text = JSON.stringify(Object.fromEntries(fields));
        const found = objectOf(text);
        if (found === undefined) return;
        taken += 1;
        const { type: _type, other: _other, more: _more, ...wanted } = JSON.parse(text) as Record<string, unknown>;
        for (const name of ['bid', 'bidSize']) {
          if (typeof wanted[name] === 'string' && wanted[name] !== '') wanted[name] = Number(wanted[name]);
        }
        expect(JSON.parse(JSON.stringify(found))).toEqual(JSON.parse(JSON.stringify(wanted)));
      },
    ),
    { numRuns: 3000, seed: SEED },
  );
  expect(taken).toBeGreaterThan(300);
});
