import type { ForeignResult } from './contract.ts';

/** The parts of a result, as servers send them. */
export interface RawResult {
  readonly content: readonly Readonly<Record<string, unknown>>[];
  readonly structuredContent?: unknown;
}

const MAX_ERROR_TEXT = 500;

/** What a foreign server says in an error: cut, in one line. */
export function boundedText(text: string, limit = MAX_ERROR_TEXT): string {
  const line = text.replaceAll(/[\u0000-\u001F\u007F]+/g, ' ').trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}

/** A result of at most `maxBytes` of text and as much of structured content; what is more is cut, and it says so. */
export function boundedResult(result: RawResult, maxBytes: number): ForeignResult {
  const texts: string[] = [];
  const other: string[] = [];
  for (const part of result.content) {
    const text = textOf(part);
    if (text === null) other.push(kindOf(part));
    else texts.push(text);
  }
  const text = cutTo(texts.join('\n'), maxBytes);
  const { structuredContent: structured } = result;
  const isObject = typeof structured === 'object' && structured !== null;
  const fits = isObject && Buffer.byteLength(JSON.stringify(structured)) <= maxBytes;
  return {
    text: text.text,
    structured: fits ? Object.fromEntries(Object.entries(structured)) : null,
    other: other.slice(0, 100),
    truncated: text.cut || (isObject && !fits) || other.length > 100,
  };
}

function textOf(part: Readonly<Record<string, unknown>>): string | null {
  if (part['type'] === 'text' && typeof part['text'] === 'string') return part['text'];
  if (part['type'] !== 'resource') return null;
  const resource = part['resource'];
  return typeof resource === 'object' && resource !== null && 'text' in resource && typeof resource.text === 'string'
    ? resource.text
    : null;
}

function kindOf(part: Readonly<Record<string, unknown>>): string {
  const mime = typeof part['mimeType'] === 'string' ? ` ${part['mimeType']}` : '';
  return boundedText(`${String(part['type'])}${mime}`, 100);
}

function cutTo(text: string, maxBytes: number): { readonly text: string; readonly cut: boolean } {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return { text, cut: false };
  // A character cut in two becomes the replacement character, which is left out.
  return {
    text: bytes
      .subarray(0, maxBytes)
      .toString('utf8')
      .replace(/\uFFFD+$/, ''),
    cut: true,
  };
}
