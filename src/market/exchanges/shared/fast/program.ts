import { CODE, type RecordMaker, type Shape, type Slot, type Template } from './template.ts';

/** One step of reading a frame. Steps of all shapes form a tree: what they have in common is read once. */
export interface Step {
  readonly code: number;
  readonly target: number;
  readonly literal: Literal;
  readonly choices: readonly Literal[];
  /** The step that follows. */
  readonly next: Step | undefined;
  /** For `branch`: the step that follows by the next byte. */
  readonly branch: readonly (Step | undefined)[];
  /** For `rows`: the steps of one row. */
  readonly row: Step | undefined;
  /** For `leaf`: what was read. */
  readonly leaf: Leaf | undefined;
}

/** What a whole frame or row gives. */
export interface Leaf {
  readonly make: RecordMaker;
  /** Which optional slots it has. */
  readonly has: {
    readonly time: boolean;
    readonly seq: boolean;
    readonly first: boolean;
    readonly prev: boolean;
    readonly textId: boolean;
  };
  /** The frame is a list of rows that made their records already. */
  readonly rows: boolean;
}

/** Bytes compared four at a time, little-endian; of the last four only `mask`. */
export interface Literal {
  readonly length: number;
  readonly words: Int32Array;
  readonly mask: number;
}

interface Remaining {
  readonly parts: Template;
  readonly leaf: Leaf;
}

/**
 * The tree of some shapes. Throws when two of them cannot be told apart by the next byte, or one is ambiguous: a
 * defect of the venue's definition, found when it is loaded.
 */
export function compile(shapes: readonly Shape[]): Step {
  return build(shapes.map(({ template, make }) => ({ parts: template, leaf: leafOf(template, make) })));
}

function leafOf(template: Template, make: RecordMaker): Leaf {
  const keys = new Set(template.map((part) => (typeof part === 'string' ? '' : part.key)));
  return {
    make,
    has: {
      time: keys.has('time'),
      seq: keys.has('seq'),
      first: keys.has('firstSeq'),
      prev: keys.has('prevSeq'),
      textId: keys.has('textId'),
    },
    rows: [...keys].some((key) => key.startsWith('rows ')),
  };
}

const NO_LITERAL: Literal = { length: 0, words: new Int32Array(0), mask: 0 };

/** All steps are made alike, so that reading their fields stays quick. */
function stepOf(step: Partial<Step> & { readonly code: number }): Step {
  return {
    code: step.code,
    target: step.target ?? -1,
    literal: step.literal ?? NO_LITERAL,
    choices: step.choices ?? [],
    next: step.next,
    branch: step.branch ?? [],
    row: step.row,
    leaf: step.leaf,
  };
}

function build(list: readonly Remaining[]): Step {
  const [first] = list;
  if (first === undefined) throw new Error('a program needs a shape');
  const part = first.parts[0];
  if (part === undefined) {
    if (list.length > 1) throw new Error('two shapes are the same');
    return stepOf({ code: CODE.leaf, leaf: first.leaf });
  }
  if (typeof part !== 'string') return slotStep(part, list);
  const prefix = commonPrefix(list.map(({ parts }) => parts[0]));
  if (prefix.length === 0) return branchStep(list);
  const rest = list.map(({ parts, leaf }) => ({ parts: without(parts, prefix.length), leaf }));
  return stepOf({ code: CODE.literal, literal: literalOf(prefix), next: build(rest) });
}

function slotStep(part: Slot, list: readonly Remaining[]): Step {
  for (const { parts } of list) {
    const other = parts[0];
    if (other === undefined || typeof other === 'string' || other.key !== part.key) {
      throw new Error(`shapes differ where one has ${part.key}`);
    }
  }
  return stepOf({
    code: part.code,
    target: part.target,
    choices: (part.choices ?? []).map(literalOf),
    row: part.rows === undefined ? undefined : compile(part.rows),
    next: build(list.map(({ parts, leaf }) => ({ parts: parts.slice(1), leaf }))),
  });
}

function branchStep(list: readonly Remaining[]): Step {
  const groups = new Map<number, Remaining[]>();
  for (const remaining of list) {
    const part = remaining.parts[0];
    if (typeof part !== 'string') throw new Error('shapes differ where one has text and another a slot or its end');
    const byte = part.charCodeAt(0);
    groups.set(byte, [...(groups.get(byte) ?? []), remaining]);
  }
  const branch = Array.from({ length: 256 }, (_, byte): Step | undefined => {
    const group = groups.get(byte);
    return group === undefined ? undefined : build(group);
  });
  return stepOf({ code: CODE.branch, branch });
}

function commonPrefix(parts: readonly (string | Slot | undefined)[]): string {
  const [first] = parts;
  if (typeof first !== 'string') return '';
  let length = first.length;
  for (const part of parts) {
    if (typeof part !== 'string') return '';
    while (!part.startsWith(first.slice(0, length))) length--;
  }
  return first.slice(0, length);
}

function without(parts: Template, length: number): Template {
  const [first, ...rest] = parts;
  if (typeof first !== 'string') return parts;
  return first.length === length ? rest : [first.slice(length), ...rest];
}

function literalOf(text: string): Literal {
  const bytes = Buffer.from(text, 'latin1');
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  bytes.copy(padded);
  const words = Int32Array.from({ length: padded.length / 4 }, (_, i) => padded.readInt32LE(i * 4));
  const left = bytes.length % 4;
  return { length: bytes.length, words, mask: left === 0 ? -1 : (1 << (left * 8)) - 1 };
}
