import { type Document, parseDocument, visit } from 'yaml';
import { z } from 'zod';

/** What an answer's text holds, or why it does not fit. */
export type ParsedAnswer =
  /** `repaired`: the text was not JSON as it stood. */
  | { readonly ok: true; readonly output: unknown; readonly repaired: boolean }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads the final answer. Without a schema: JSON when the whole text is a JSON object or list, else the text itself.
 * With one: the JSON in it (bare, fenced, or the outermost braces), repaired when it is nearly JSON (a missing end,
 * quotes, commas), and checked against the schema: what a cut took away must not be required.
 */
export function parseAnswer(text: string, schema: Readonly<Record<string, unknown>> | null): ParsedAnswer {
  if (schema === null) {
    const parsed = tryJson(unfence(text));
    return { ok: true, output: typeof parsed === 'object' && parsed !== null ? parsed : text, repaired: false };
  }
  const found = findJson(text);
  const value = found ?? repairJson(text);
  if (value === undefined) return { ok: false, problem: 'the answer holds no JSON value' };
  const result = z.fromJSONSchema(schema).safeParse(value);
  if (result.success) return { ok: true, output: result.data, repaired: found === undefined };
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

/**
 * Reads what is nearly JSON: its open ends are closed, and YAML, of which JSON is a part, forgives single quotes, names
 * without quotes and a last comma. Only where an object or a list begins: prose must not become a JSON text.
 */
function repairJson(text: string): unknown {
  const fenced = /```[a-zA-Z]*\s*\n([\s\S]*?)(```|$)/.exec(text)?.[1] ?? text;
  const from = /[{[]/.exec(fenced)?.index;
  if (from === undefined) return undefined;
  const document = parseDocument(closed(fenced.slice(from)), { strict: false, uniqueKeys: true, logLevel: 'silent' });
  if (document.errors.length > 0) return undefined;
  // Anchors and aliases are YAML's alone: a text that has them is not nearly JSON.
  if (hasAlias(document)) return undefined;
  const value: unknown = document.toJS();
  return typeof value === 'object' && value !== null ? value : undefined;
}

function hasAlias(document: Document.Parsed): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** The first object or list of a text that begins with one; what is open at the end of the text is closed. */
function closed(text: string): string {
  const open: string[] = [];
  let quote: string | null = null;
  let before = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (quote !== null) {
      if (c === '\\') i++;
      else if (c === quote) quote = null;
    } else if (c === '"' || (c === "'" && '{[,:'.includes(before))) quote = c;
    else if (c === '{') open.push('}');
    else if (c === '[') open.push(']');
    else if (c === '}' || c === ']') {
      open.pop();
      if (open.length === 0) return text.slice(0, i + 1);
    }
    if (c.trim() !== '') before = c;
  }
  // A name without its value, or a comma with nothing after it, is what a cut leaves behind.
  const whole =
    quote === null ? text.replace(/[,\s]+$/, '').replace(/,?\s*"[^"]*"\s*:\s*$/, '') : text.replace(/\\$/, '') + quote;
  return whole + open.reverse().join('');
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
