import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeIssues, pathText, refusedFields, showValue, valueAt } from '../../src/kit/schema-issues.ts';
import { fieldNames, schemaAt } from '../../src/kit/schema-walk.ts';

const schema = z.strictObject({
  name: z.string(),
  level: z.enum(['low', 'high']).default('low'),
  size: z.number().min(1).optional(),
  inner: z.strictObject({ depth: z.number() }).prefault({ depth: 1 }).readonly(),
  list: z
    .array(z.strictObject({ id: z.string() }))
    .nullable()
    .default(null),
  map: z.record(z.string().regex(/^[a-z]+$/, 'is not lower case'), z.number()).default({}),
  roles: z.partialRecord(z.enum(['read', 'write']), z.boolean()).default({}),
  when: z.union([z.strictObject({ every: z.number() }), z.strictObject({ cron: z.string() }), z.number()]).optional(),
  mode: z.literal('fast').optional(),
});

function issues(changes: Readonly<Record<string, unknown>>): readonly string[] {
  const value = { name: 'n', ...changes };
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return describeIssues(schema, value, parsed.error).map((i) => `${pathText(i.path)}: ${i.message}`);
}

describe('issues of a value in words', () => {
  it.each<[Readonly<Record<string, unknown>>, readonly string[]]>([
    [{}, []],
    [{ name: undefined }, ['name: is required (string)']],
    [{ name: 5 }, ['name: expected string, got 5']],
    [{ name: null }, ['name: expected string, got null']],
    [{ level: 'hihg' }, ['level: "hihg" is not one of low, high (did you mean high?)']],
    [{ level: 3 }, ['level: 3 is not one of low, high']],
    [{ mode: 'slow' }, ['mode: "slow" is not one of fast']],
    [{ size: 0 }, ['size: Too small: expected number to be >=1, got 0']],
    [{ nam: 1 }, ["nam: unknown field 'nam' (did you mean name?)"]],
    [
      { zzzzzz: 1, leve: 'low' },
      [
        "zzzzzz: unknown field 'zzzzzz'; known: name, level, size, inner, list, map, roles, when, mode",
        "leve: unknown field 'leve' (did you mean level?)",
      ],
    ],
    [
      { inner: { dept: 1 } },
      ['inner.depth: is required (number)', "inner.dept: unknown field 'dept' (did you mean depth?)"],
    ],
    [
      { list: [{ id: 'a' }, { id: 7, di: 1 }] },
      ['list[1].id: expected string, got 7', "list[1].di: unknown field 'di' (did you mean id?)"],
    ],
    [{ map: { a: 'x', B: 1 } }, ['map.a: expected number, got "x"', 'map.B: the key is not lower case, got "B"']],
    [{ roles: { raed: true } }, ["roles.raed: unknown field 'raed' (did you mean read?)"]],
    [
      { when: { evry: 3 } },
      ['when.every: is required (number)', "when.evry: unknown field 'evry' (did you mean every?)"],
    ],
    [{ when: { cron: 3 } }, ['when.cron: expected string, got 3']],
    [{ when: 'soon' }, ['when: expected object or number, got "soon"']],
  ])('%j', (value, expected) => {
    expect(issues(value)).toEqual(expected);
  });
});

describe('walking a schema', () => {
  it('finds the schema at a path through wrappers, lists, maps and unions', () => {
    expect(schemaAt(schema, ['inner', 'depth'])).toBeInstanceOf(z.ZodNumber);
    expect(schemaAt(schema, ['list', 0, 'id'])).toBeInstanceOf(z.ZodString);
    expect(schemaAt(schema, ['map', 'anything'])).toBeInstanceOf(z.ZodNumber);
    expect(schemaAt(schema, ['when', 'cron'])).toBeInstanceOf(z.ZodString);
    expect(schemaAt(schema, ['name', 'deeper', 'still'])).toBeUndefined();
    expect(
      schemaAt(
        z.lazy(() => schema),
        ['name'],
      ),
    ).toBeInstanceOf(z.ZodString);
    expect(
      schemaAt(
        z.preprocess((v) => v, schema),
        ['name'],
      ),
    ).toBeInstanceOf(z.ZodString);
  });

  it('names the fields of an object, of named keys and of a union', () => {
    expect(fieldNames(z.strictObject({ a: z.string() }).optional())).toEqual(['a']);
    expect(fieldNames(z.partialRecord(z.enum(['x', 'y']), z.number()))).toEqual(['x', 'y']);
    expect(fieldNames(z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.string() })]))).toEqual([
      'a',
      'b',
    ]);
    expect(fieldNames(z.string())).toEqual([]);
  });

  it('shows values short', () => {
    expect(showValue('x'.repeat(200))).toHaveLength(80);
    expect([showValue(undefined), showValue(10n), showValue({ a: 1 })]).toEqual(['undefined', '10', '{"a":1}']);
    expect(valueAt({ a: [{ b: 1 }] }, ['a', 0, 'b'])).toBe(1);
    expect(valueAt({ a: 1 }, ['a', 'b'])).toBeUndefined();
  });
});

it('refuses a name by what to use instead of it', () => {
  const refusing = z.strictObject({ every_ms: z.number().optional() });
  refusedFields.add(refusing, { every: 'use every_ms' });
  const value = { every: 1, evry_ms: 2 };
  const { error } = refusing.safeParse(value);
  expect(describeIssues(refusing, value, error!).map(({ message }) => message)).toEqual([
    "'every' is not taken: use every_ms",
    "unknown field 'evry_ms' (did you mean every_ms?)",
  ]);
});
