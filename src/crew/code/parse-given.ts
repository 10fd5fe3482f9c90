import type { z } from 'zod';

/** Checks the fields of a definition. All can be read from `data`; those not given are its prototype's. */
export type GivenParser<T extends z.ZodObject> = (
  given: Readonly<Record<string, unknown>>,
) =>
  | { readonly success: true; readonly data: z.output<T> }
  | { readonly success: false; readonly error: z.ZodError; readonly given: Readonly<Record<string, unknown>> };

interface Fields {
  /** What fields that were not given are. Lists among them are frozen, as all definitions share them. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
}

/**
 * `schema.safeParse`, but only over the fields that are given: of an agent's thirty most are left out. What fails is
 * parsed as a whole, for zod's own account of it. For a schema without rules over several fields; `undefined` counts as not given. Throws TypeError for another schema.
 */
export function parserOfGiven<T extends z.ZodObject>(schema: T): GivenParser<T> {
  let known: Fields | undefined;
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
  return (given) => {
    known ??= fieldsOf(schema);
    // What was not given is read through the prototype: copying two dozen defaults takes longer than all else.
    const data = Object.create(known.defaults) as Record<string, unknown>;
    let good = known.required.every((name) => given[name] !== undefined);
    for (const name in given) {
      const value = given[name];
      if (value === undefined) continue;
      const field = Object.hasOwn(shape, name) ? shape[name]?.safeParse(value) : undefined;
      if (field?.success === true) data[name] = field.data;
      else good = false;
    }
    // Each field is what its schema gave.
    if (good) return { success: true, data: data as z.output<T> };
    const rest = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const whole = schema.safeParse(rest);
    return whole.success ? whole : { success: false, error: whole.error, given: rest };
  };
}

function fieldsOf(schema: z.ZodObject): Fields {
  if ((schema.def.checks ?? []).length > 0) throw new TypeError('the schema has a rule over several fields');
  const defaults: Record<string, unknown> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(schema.shape)) {
    const without = (field as z.ZodType).safeParse(undefined);
    if (!without.success) required.push(name);
    else if (without.data !== undefined)
      defaults[name] = Array.isArray(without.data) ? Object.freeze(without.data) : without.data;
  }
  return { defaults, required };
}
