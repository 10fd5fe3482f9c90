import { z } from 'zod';
import { didYouMean } from './nearest.ts';
import { fieldNames, schemaAt } from './schema-walk.ts';

/** Names that an object does not take though somebody may well ask for them: what to use instead, by name. */
export const refusedFields = z.registry<Readonly<Record<string, string>>>();

/** One thing wrong with a value: where, and a sentence with the value and the nearest valid name. */
export interface ValueIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** For an unknown field: its path ends at the field, and the position of interest is its name, not its value. */
  readonly unknownField: boolean;
}

/** Every issue of a failed parse, one an unknown field, in words that name the value and the remedy. */
export function describeIssues(
  schema: z.core.$ZodType,
  value: unknown,
  error: z.core.$ZodError,
): readonly ValueIssue[] {
  return error.issues.flatMap((issue) => describe(schema, value, issue));
}

function describe(schema: z.core.$ZodType, value: unknown, issue: z.core.$ZodIssue): readonly ValueIssue[] {
  if (issue.code === 'unrecognized_keys') {
    const parent = schemaAt(schema, issue.path);
    const known = parent === undefined ? [] : fieldNames(parent);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: refusal(parent, key) ?? `unknown field '${key}'${didYouMean(key, known) || listOf(known)}`,
      unknownField: true,
    }));
  }
  if (issue.code === 'invalid_union') {
    const closest = closestBranch(issue.errors);
    if (closest !== undefined)
      return closest.flatMap((inner) => describe(schema, value, { ...inner, path: [...issue.path, ...inner.path] }));
  }
  const found = valueAt(value, issue.path);
  return [{ path: issue.path, message: sentence(issue, found), unknownField: false }];
}

function refusal(parent: z.core.$ZodType | undefined, key: string): string | undefined {
  const instead = parent === undefined ? undefined : refusedFields.get(parent)?.[key];
  return instead === undefined ? undefined : `'${key}' is not taken: ${instead}`;
}

/** The branch of a union that came furthest: whose issues lie deepest, or whose type was right; undefined when none was. */
function closestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const [best] = [...branches].sort((a, b) => progress(b) - progress(a) || a.length - b.length);
  return best !== undefined && progress(best) > 0 ? best : undefined;
}

function progress(branch: readonly z.core.$ZodIssue[]): number {
  return Math.max(
    0,
    ...branch.map(({ code, path }) => path.length + (code === 'invalid_type' || code === 'invalid_value' ? 0 : 0.5)),
  );
}

function sentence(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === 'invalid_value') {
    const names = issue.values.map(String);
    const near = typeof found === 'string' ? didYouMean(found, names) : '';
    return found === undefined
      ? `is required: one of ${names.join(', ')}`
      : `${showValue(found)} is not one of ${names.join(', ')}${near}`;
  }
  if (issue.code === 'invalid_type') {
    return found === undefined
      ? `is required (${issue.expected})`
      : `expected ${issue.expected}, got ${showValue(found)}`;
  }
  if (issue.code === 'invalid_union') {
    const expected = [...new Set(issue.errors.flat().map((e) => (e.code === 'invalid_type' ? e.expected : e.message)))];
    return found === undefined
      ? `is required (${expected.join(' or ')})`
      : `expected ${expected.join(' or ')}, got ${showValue(found)}`;
  }
  if (issue.code === 'invalid_key') {
    const [inner] = issue.issues;
    const key = String(issue.path.at(-1));
    return inner === undefined ? issue.message : `the key ${sentence(inner, key)}`;
  }
  return found === undefined ? issue.message : `${issue.message}, got ${showValue(found)}`;
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? ': no field is allowed here' : names.length > 40 ? '' : `; known: ${names.join(', ')}`;
}

/** The value at a path, or undefined. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current: unknown = value;
  for (const key of path) {
    if (current === null || typeof current !== 'object') return undefined;
    current = Reflect.get(current, key);
  }
  return current;
}

/** A value as JSON, cut to 80 characters. */
export function showValue(value: unknown): string {
  const text = value !== null && typeof value === 'object' ? JSON.stringify(value) : scalarText(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function scalarText(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** `a.b[2].c`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`))
    .join('');
}
