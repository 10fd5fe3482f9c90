/** Reading Python as text, without running it: what stands in which brackets, and the values of literals. */

/** A piece of a text, by its place. */
export interface Span {
  readonly text: string;
  readonly at: number;
}

/**
 * The text with comments and long strings blanked: nothing that they hold is code. Every character keeps its place, so
 * that the original can be read where the blanked text has led.
 */
export function blanked(source: string): string {
  let out = '';
  let at = 0;
  while (at < source.length) {
    const end = tokenEnd(source, at);
    const token = source.slice(at, end);
    const long = token.startsWith('"""') || token.startsWith("'''");
    if (token.startsWith('#')) out += ' '.repeat(token.length);
    // The quotes stay, so that a long text is still one.
    else out += long ? token.slice(0, 3) + token.slice(3, -3).replaceAll(/[^\n]/g, ' ') + token.slice(-3) : token;
    at = end;
  }
  return out;
}

/** Where the comment, string or single character that begins at `at` ends. */
function tokenEnd(source: string, at: number): number {
  const c = source.charAt(at);
  if (c === '#') {
    const end = source.indexOf('\n', at);
    return end < 0 ? source.length : end;
  }
  if (c !== '"' && c !== "'") return at + 1;
  const quote = source.startsWith(c.repeat(3), at) ? c.repeat(3) : c;
  for (let i = at + quote.length; i < source.length; i++) {
    if (source.charAt(i) === '\\') i++;
    else if (source.startsWith(quote, i)) return i + quote.length;
    else if (quote.length === 1 && source.charAt(i) === '\n') return i;
  }
  return source.length;
}

/** What stands from `from` to the bracket that closes the one before it; to the end when none does. */
export function balanced(text: string, from: number): Span {
  let depth = 1;
  for (let at = from; at < text.length; at = tokenEnd(text, at)) {
    const c = text.charAt(at);
    if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c) && --depth === 0) return { text: text.slice(from, at), at: from };
  }
  return { text: text.slice(from), at: from };
}

/** Entries of a list or of a call, split at its own commas; `SerperDevTool(n=3)` is one. */
export function topLevel({ text, at: start }: Span): readonly Span[] {
  const parts: Span[] = [];
  let depth = 0;
  let from = 0;
  const push = (to: number): void => {
    const part = text.slice(from, to);
    const lead = part.length - part.trimStart().length;
    if (part.trim() !== '') parts.push({ text: part.trim(), at: start + from + lead });
    from = to + 1;
  };
  for (let at = 0; at < text.length; at = tokenEnd(text, at)) {
    const c = text.charAt(at);
    if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) depth--;
    else if (c === ',' && depth === 0) push(at);
  }
  push(text.length);
  return parts;
}

/** `name=value` arguments of a call, by name. */
export function keywords(args: Span): ReadonlyMap<string, Span> {
  return new Map(
    topLevel(args).flatMap(({ text, at }) => {
      const match = /^(\w+)\s*=(?!=)\s*/.exec(text);
      if (match === null) return [];
      return [[match[1] ?? '', { text: text.slice(match[0].length), at: at + match[0].length }] as const];
    }),
  );
}

/** A text, number, truth value or None written out; undefined for all that only running the code would tell. */
export function literalOf(source: string): string | number | boolean | null | undefined {
  const text = source
    .trim()
    .replace(/^\(([\s\S]*)\)$/, '$1')
    .trim();
  if (text === 'None') return null;
  if (text === 'True' || text === 'False') return text === 'True';
  if (/^-?\d[\d_]*(\.\d+)?$/.test(text)) return Number(text.replaceAll('_', ''));
  return stringOf(text);
}

/** Texts that stand side by side are one, as Python has it. A text with values put into it is none. */
function stringOf(text: string): string | undefined {
  let value = '';
  let at = 0;
  while (at < text.length) {
    const prefix = /^[rRuU]?(?=["'])/.exec(text.slice(at));
    if (prefix === null) return undefined;
    const from = at + prefix[0].length;
    const end = tokenEnd(text, from);
    const quote = text.startsWith('"""', from) || text.startsWith("'''", from) ? 3 : 1;
    const inner = text.slice(from + quote, end - quote);
    value += prefix[0].toLowerCase() === 'r' ? inner : unescaped(inner);
    at = end + (/^[\s\\]*/.exec(text.slice(end))?.[0].length ?? 0);
  }
  return value === '' && text === '' ? undefined : value;
}

function unescaped(text: string): string {
  const known: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };
  return text.replaceAll(/\\([\s\S])/g, (_, c: string) => known[c] ?? (`'"\\`.includes(c) ? c : `\\${c}`));
}

/** `get_status` of `GetStatus`, `serper_dev_tool` of `SerperDevTool(n_results=3)`, `my_search` of `tools.my_search`. */
export function snakeCase(written: string): string {
  return written
    .replace(/\([\s\S]*$/, '')
    .replace(/^[\s\S]*\./, '')
    .replaceAll(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, (_, low?: string, next?: string, end?: string) =>
      low === undefined ? `${end ?? ''}_` : `${low}_${next ?? ''}`,
    )
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .replace(/^[^a-z]+/, '');
}
