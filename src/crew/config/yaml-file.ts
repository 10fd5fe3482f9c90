import {
  Alias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLParseError,
} from 'yaml';
import type { ConfigIssue } from '../../kit/errors.ts';

/** A parsed YAML text that can say where each of its values stands. */
export interface YamlFile {
  readonly name: string;
  /** Plain data; undefined when the text is empty or cannot be parsed. */
  readonly value: unknown;
  /** Errors of the text itself: syntax, keys given twice. */
  readonly issues: readonly ConfigIssue[];
  /** An issue at the value of a path, at its key when `at` is `key`, else at the nearest parent that exists. */
  issue(path: readonly PropertyKey[], message: string, at?: 'key' | 'value'): ConfigIssue;
}

/** Parses one YAML document. Never throws: what is wrong is in `issues`. */
export function parseYamlFile(name: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const at = (offset: number, message: string): ConfigIssue => {
    const { line, col } = lines.linePos(offset);
    return { file: name, line: Math.max(1, line), column: Math.max(1, col), message };
  };
  const broken = document.errors.some((error) => error.code !== 'DUPLICATE_KEY');
  const data = broken ? { value: undefined } : toData(document);
  const issues = document.errors.map((error) => at(error.pos[0], syntaxMessage(error, text)));
  return {
    name,
    value: data.value,
    issues: data.problem === undefined ? issues : [...issues, at(0, data.problem)],
    issue: (path, message, position = 'value') => at(offsetOf(document, path, position), message),
  };
}

/** Plain data; or what is wrong with its aliases (one that names nothing, too many), which is found only now. */
function toData(document: Document): { readonly value: unknown; readonly problem?: string } {
  try {
    const value: unknown = document.toJS();
    return { value: value === null ? undefined : value };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { value: undefined, problem: error.message };
  }
}

function syntaxMessage({ code, message, pos }: Pick<YAMLParseError, 'code' | 'message' | 'pos'>, text: string): string {
  return code === 'DUPLICATE_KEY' ? `'${/^[^\s:]*/.exec(text.slice(pos[0]))?.[0] ?? ''}' is given twice` : message;
}

/** Where a path stands in the text; of a path that does not exist, where its nearest parent's key stands. */
function offsetOf(document: Document, path: readonly PropertyKey[], at: 'key' | 'value'): number {
  let node: Node | null | undefined = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, key] of path.entries()) {
    const resolved: Node | null | undefined = node instanceof Alias ? node.resolve(document) : node;
    const last = depth === path.length - 1;
    if (isMap(resolved)) {
      const pair: Pair | undefined = resolved.items.findLast((item) => keyText(item) === String(key));
      if (pair === undefined) return offset;
      const keyOffset: number = rangeStart(pair.key) ?? offset;
      offset = last && at === 'value' ? (rangeStart(pair.value) ?? keyOffset) : keyOffset;
      node = isNode(pair.value) ? pair.value : null;
    } else if (isSeq(resolved)) {
      const item: unknown = resolved.items[Number(key)];
      if (item === undefined) return offset;
      offset = rangeStart(item) ?? offset;
      node = isNode(item) ? item : null;
    } else return offset;
  }
  return offset;
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isSeq(value) || isScalar(value) || value instanceof Alias;
}

function rangeStart(value: unknown): number | undefined {
  return isNode(value) ? value.range?.[0] : undefined;
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}
