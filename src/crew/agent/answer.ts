import { z } from 'zod';

/** What an answer's text holds, or why it does not fit. */
export type ParsedAnswer =
  | { readonly ok: true; readonly output: unknown }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads the final answer. Without a schema: JSON when the whole text is a JSON object or list, else the text itself.
 * With one: the JSON in it (bare, fenced, or the outermost braces), checked against the schema.
 */
export function parseAnswer(text: string, schema: Readonly<Record<string, unknown>> | null): ParsedAnswer {
  if (schema === null) {
    const parsed = tryJson(unfence(text));
    return { ok: true, output: typeof parsed === 'object' && parsed !== null ? parsed : text };
  }
  const value = findJson(text);
  if (value === undefined) return { ok: false, problem: 'the answer holds no JSON value' };
  const result = z.fromJSONSchema(schema).safeParse(value);
  if (result.success) return { ok: true, output: result.data };
  const issues = result.error.issues.slice(0, 8).map((i) => `${i.path.join('.') || 'the value'}: ${i.message}`);
  return { ok: false, problem: `the JSON does not fit the schema: ${issues.join('; ')}` };
}

function findJson(text: string): unknown {
  const fenced = tryJson(unfence(text));
  if (fenced !== undefined) return fenced;
  for (const [open, close] of [
    ['{', '}'],
    ['[', ']'],
  ] as const) {
    const from = text.indexOf(open);
    const to = text.lastIndexOf(close);
    const value = from >= 0 && to > from ? tryJson(text.slice(from, to + 1)) : undefined;
    if (value !== undefined) return value;
  }
  return undefined;
}

function unfence(text: string): string {
  const match =
    /^\s*```[a-zA-Z]*\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(text) ?? /```json\s*\n([\s\S]*?)\n?\s*```/.exec(text);
  return (match?.[1] ?? text).trim();
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
