import { z } from 'zod';

/** The schema inside optional, nullable, default, prefault, readonly, catch, pipe and lazy wrappers. */
export function unwrapSchema(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodCatch
  ) {
    return unwrapSchema(schema.def.innerType);
  }
  if (schema instanceof z.ZodPipe) {
    const { in: before, out } = schema.def;
    return unwrapSchema(before instanceof z.ZodTransform ? out : before);
  }
  if (schema instanceof z.ZodLazy) return unwrapSchema(schema.def.getter());
  return schema;
}

/** Names of the fields an object schema knows; the keys of a record of named keys; of every member, for a union; else empty. */
export function fieldNames(schema: z.core.$ZodType): readonly string[] {
  const inner = unwrapSchema(schema);
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape);
  if (inner instanceof z.ZodRecord) {
    const key = unwrapSchema(inner.def.keyType);
    return key instanceof z.ZodEnum ? key.options.map(String) : [];
  }
  if (inner instanceof z.ZodUnion) return [...new Set(inner.def.options.flatMap((option) => fieldNames(option)))];
  return [];
}

/** The schema that a key or index of the value has to satisfy; undefined when the schema has no such place. */
export function childSchema(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  const inner = unwrapSchema(schema);
  if (inner instanceof z.ZodObject) {
    const { catchall } = inner.def;
    return shapeOf(inner)[String(key)] ?? (catchall instanceof z.ZodNever ? undefined : catchall);
  }
  if (inner instanceof z.ZodRecord) return inner.def.valueType;
  if (inner instanceof z.ZodArray) return inner.def.element;
  if (inner instanceof z.ZodUnion) {
    for (const option of inner.def.options) {
      const child = childSchema(option, key);
      if (child !== undefined) return child;
    }
  }
  return undefined;
}

/** The schema at a path; undefined when the path leaves what the schema knows. */
export function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let current: z.core.$ZodType | undefined = schema;
  for (const key of path) {
    if (current === undefined) return undefined;
    current = childSchema(current, key);
  }
  return current;
}

function shapeOf(schema: z.ZodObject): Readonly<Record<string, z.core.$ZodType | undefined>> {
  return schema.shape;
}
