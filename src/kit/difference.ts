import { canonicalJson } from './json.ts';

/** One value in which two JSON values differ; null where one has none. */
export interface Difference {
  /** As in `tasks.analyse.output.price`. */
  readonly path: string;
  readonly a: unknown;
  readonly b: unknown;
}

/** Where two JSON values differ, by path; lists by place. Keys of `ignored` are not looked at, at any depth. */
export function differences(a: unknown, b: unknown, ignored: ReadonlySet<string> = new Set()): readonly Difference[] {
  return [...walk('', a, b, ignored)];
}

function* walk(path: string, a: unknown, b: unknown, ignored: ReadonlySet<string>): Generator<Difference> {
  if (canonicalJson(a ?? null) === canonicalJson(b ?? null)) return;
  const [inA, inB] = [entriesOf(a), entriesOf(b)];
  if (inA === null || inB === null) {
    yield { path, a: a ?? null, b: b ?? null };
    return;
  }
  for (const key of new Set([...Object.keys(inA), ...Object.keys(inB)])) {
    if (!ignored.has(key)) yield* walk(path === '' ? key : `${path}.${key}`, inA[key], inB[key], ignored);
  }
}

function entriesOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : null;
}
