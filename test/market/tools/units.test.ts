import { expect, test } from 'vitest';
import { z } from 'zod';
import { tools } from '../../../src/market/tools/catalogue.generated.ts';

/** What a number may measure. A description has to name one; these without a unit are vetted here, nowhere else. */
const UNITS = [
  'quote currency',
  'base units?',
  'currency',
  'USDC?',
  'CNY',
  'the coin',
  'percent',
  '%',
  'quote units',
  'basis points',
  'fraction',
  '0 to 1',
  'per funding interval',
  'milliseconds',
  'ms',
  'seconds',
  'minutes',
  'hours?',
  'days',
  'bytes',
  'rows',
  'contracts',
  'request weight',
  'in the unit (of|that)',
  'standard deviations',
  'times the margin',
];
const UNIT_FREE = [
  'count',
  'how many',
  'identifier',
  'id of',
  'sequence number',
  'ratio',
  '÷',
  'score',
  'decimal places',
  'number of',
];
/** What a whole number may be a number of: `Candles, 1 to 1000`. */
const COUNTED = [
  'entries',
  'levels a side',
  '(aggregate )?trades',
  'candles',
  'payments',
  'periods',
  '(most )?liquidations',
  'readings',
  'buckets',
  'announcements',
  'settlements',
  'failed reconnects',
  'how often',
];
const NAMES_A_UNIT = new RegExp(`(^|[^a-z])(${[...UNITS, ...UNIT_FREE, ...COUNTED].join('|')})($|[^a-z])`, 'i');

interface Node {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly prefixItems?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
}
interface Found {
  readonly path: string;
  readonly node: Node;
  /** Its own, or that of the list, the union or the record that it is a part of. */
  readonly description: string | undefined;
}

/** Every number of a schema, with what describes it. */
function* numbersOf(node: Node, path: string, around?: string): Generator<Found> {
  const description = node.description ?? around;
  if ([node.type].flat().some((type) => type === 'number' || type === 'integer')) yield { path, node, description };
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* numbersOf(child, `${path}.${name}`);
  if (typeof node.additionalProperties === 'object')
    yield* numbersOf(node.additionalProperties, `${path}.*`, description);
  if (node.items !== undefined) yield* numbersOf(node.items, `${path}[]`, description);
  for (const [i, item] of (node.prefixItems ?? []).entries()) yield* numbersOf(item, `${path}[${i}]`, description);
  for (const option of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) yield* numbersOf(option, path, description);
}

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Node =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Node;

const unclear = (found: Found): boolean => found.description === undefined || !NAMES_A_UNIT.test(found.description);

test('every number that a tool answers says what it measures', () => {
  const all = tools.flatMap((tool) => [...numbersOf(schemaOf(tool.output, 'output'), tool.name)]);
  expect(all.filter(unclear).map((f) => `${f.path}: ${f.description ?? 'no description'}`)).toEqual([]);
  // Finding hardly any would mean that schemas are no longer walked.
  expect(all.length).toBeGreaterThan(5000);
});

test('every number that a tool takes says its unit and has bounds', () => {
  const all = tools.flatMap((tool) => [...numbersOf(schemaOf(tool.input, 'input'), tool.name)]);
  expect(all.filter(unclear).map((f) => `${f.path}: ${f.description ?? 'no description'}`)).toEqual([]);
  const unbounded = all.filter(({ node }) => {
    if (node.enum !== undefined || node.const !== undefined) return false;
    const minimum = node.minimum ?? node.exclusiveMinimum ?? -Infinity;
    // An identifier is whatever was given: no greatest one is known.
    const maximum = /^id of/i.test(node.description ?? '') ? 1 : (node.maximum ?? Infinity);
    return Math.abs(minimum) >= Number.MAX_SAFE_INTEGER || Math.abs(maximum) >= Number.MAX_SAFE_INTEGER;
  });
  expect(unbounded.map((f) => f.path)).toEqual([]);
  expect(all.length).toBeGreaterThan(200);
});

test('a number without a unit is found, wherever it hides', () => {
  const schema = z.object({
    bare: z.number(),
    vague: z.number().describe('How it went'),
    rows: z.array(z.object({ price: z.number().nullable() })),
    by_name: z.record(z.string(), z.number()),
    pair: z.tuple([z.number().describe('Price, quote currency'), z.number()]),
    either: z.union([z.string(), z.number()]),
    told: z.number().describe('Milliseconds').nullable(),
    list: z.array(z.number()).describe('Prices, quote currency'),
  });
  const found = [...numbersOf(schemaOf(schema, 'output'), 'x')].filter(unclear).map((f) => f.path);
  expect(found).toEqual(['x.bare', 'x.vague', 'x.rows[].price', 'x.by_name.*', 'x.pair[1]', 'x.either']);
});
