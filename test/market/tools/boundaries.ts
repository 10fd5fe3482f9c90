import { z } from 'zod';

/** Values at the ends of what a field takes, from its schema. */
export interface Boundary {
  readonly value: unknown;
  readonly taken: boolean;
}

const range = z.looseObject({
  type: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  enum: z.array(z.unknown()).optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  items: z
    .looseObject({
      type: z.string().optional(),
      minLength: z.number().optional(),
      enum: z.array(z.string()).optional(),
    })
    .optional(),
});

const describe = (field: z.ZodType): z.infer<typeof range> =>
  range.parse(z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }));

/** Least and greatest values, lengths and counts, each with what lies just outside; every choice, and none of them. */
export function boundaries(field: z.ZodType): readonly Boundary[] {
  const shape = describe(field);
  if (shape.enum !== undefined) {
    return [...shape.enum.map((value) => ({ value, taken: true })), { value: 'none of these', taken: false }];
  }
  if (shape.type === 'number' || shape.type === 'integer') return ofNumber(shape);
  if (shape.type === 'string' && shape.format === undefined && shape.pattern === undefined) {
    return ofCount(shape.minLength, shape.maxLength, (count) => 'x'.repeat(count));
  }
  if (shape.type === 'array' && shape.items?.type === 'string') {
    const item = shape.items.enum?.[0] ?? 'x'.repeat(Math.max(1, shape.items.minLength ?? 1));
    return ofCount(shape.minItems, shape.maxItems, (count) => new Array<string>(count).fill(item));
  }
  return [];
}

/** What every integer is within; a field whose bounds are a rule of its own (multiples) says no others. */
const ANY_INTEGER = Number.MAX_SAFE_INTEGER;

function ofNumber(shape: z.infer<typeof range>): readonly Boundary[] {
  const { type } = shape;
  const minimum = shape.minimum === -ANY_INTEGER ? undefined : shape.minimum;
  const maximum = shape.maximum === ANY_INTEGER ? undefined : shape.maximum;
  const step = (value: number): number => (type === 'integer' ? 1 : Math.max(1e-6, Math.abs(value) * 1e-6));
  return [
    ...(minimum === undefined
      ? []
      : [
          { value: minimum, taken: true },
          { value: minimum - step(minimum), taken: false },
        ]),
    ...(maximum === undefined
      ? []
      : [
          { value: maximum, taken: true },
          { value: maximum + step(maximum), taken: false },
        ]),
    ...(type === 'integer' && minimum !== undefined ? [{ value: minimum + 0.5, taken: false }] : []),
    { value: NaN, taken: false },
    { value: Infinity, taken: false },
    { value: '1', taken: false },
  ];
}

function ofCount(
  least: number | undefined,
  most: number | undefined,
  make: (count: number) => unknown,
): readonly Boundary[] {
  return [
    ...(least === undefined || least === 0
      ? []
      : [
          { value: make(least), taken: true },
          { value: make(least - 1), taken: false },
        ]),
    ...(most === undefined
      ? []
      : [
          { value: make(most), taken: true },
          { value: make(most + 1), taken: false },
        ]),
  ];
}
