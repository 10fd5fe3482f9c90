import { HELPERS, type Helpers, INTEGER_DIGITS, type Scan } from './scan.ts';
import { CODE, type RecordMaker, type Shape, type Slot, type Template } from './template.ts';

/** Code made of shapes. */
export interface Program {
  /** Reads from `at`; gives where the frame ends by the shape it fits (`leaf` of the scan tells which), or -1. */
  readonly read: Read;
  readonly leaves: readonly Leaf[];
}

type Read = (s: Scan, bytes: Buffer, view: DataView, at: number, end: number) => number;

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
    /** A book's change of one level, on the side that the taker's slot tells. */
    readonly level: boolean;
  };
  /** The frame is a list of rows that made their records already. */
  readonly rows: boolean;
}

/**
 * A reader of the shapes as JavaScript made for them: their fixed text compared as numbers, what they have in common
 * read once. It is made of the venue's own definition and of nothing else. Throws when two shapes cannot be told apart
 * by the next byte, or one is ambiguous: a defect of the definition. Also throws (EvalError) where the process forbids
 * code made at run time.
 */
export function compile(shapes: readonly Shape[]): Program {
  const writer = new Writer();
  const entry = writer.functionOf(shapes.map(remainingOf));
  const body = `'use strict';\nconst { ${Object.keys(HELPERS).join()} } = h;\n${writer.source()}\nreturn ${entry};`;
  // The source is of our constants alone: no byte of a frame ever gets into it.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const make = new Function('h', body) as (h: Helpers) => Read;
  return { read: make(HELPERS), leaves: writer.leaves };
}

interface Remaining {
  readonly parts: Template;
  readonly shape: Shape;
}

function remainingOf(shape: Shape): Remaining {
  return { parts: shape.template, shape };
}

function leafOf({ template, make }: Shape): Leaf {
  const keys = new Set(template.map((part) => (typeof part === 'string' ? '' : part.key)));
  return {
    make,
    has: {
      time: keys.has('time'),
      seq: keys.has('seq'),
      first: keys.has('firstSeq'),
      prev: keys.has('prevSeq'),
      textId: keys.has('textId'),
      level: make.record === 'book' && keys.has('price'),
    },
    rows: [...keys].some((key) => key.startsWith('rows ')),
  };
}

/** Functions of the arguments `s, b, v, at, end`, one for each way that frames go on. */
class Writer {
  readonly leaves: Leaf[] = [];
  readonly #names = new Map<string, string>();
  readonly #functions: string[] = [LEVELS];

  source(): string {
    return this.#functions.join('\n');
  }

  functionOf(list: readonly Remaining[]): string {
    const key = keyOf(list);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = `read${this.#names.size}`;
    this.#names.set(key, name);
    const steps = this.#steps(list);
    this.#functions.push(`function ${name}(s, b, v, at, end) {\nconst n = s.numbers;\n${steps.join('\n')}\n}`);
    return name;
  }

  #steps(all: readonly Remaining[]): string[] {
    const steps: string[] = [];
    for (let list = all; ; ) {
      const known = steps.length === 0 ? undefined : this.#names.get(keyOf(list));
      if (known !== undefined) return [...steps, `return ${call(known)};`];
      const [first] = list;
      if (first === undefined) throw new Error('a program needs a shape');
      const part = first.parts[0];
      if (part === undefined) {
        if (list.length > 1) throw new Error('two shapes are the same');
        return [...steps, `s.leaf = ${this.leaves.push(leafOf(first.shape)) - 1};`, 'return at;'];
      }
      if (typeof part === 'string') {
        const prefix = commonPrefix(list.map(({ parts }) => parts[0]));
        if (prefix.length === 0) return [...steps, this.#branch(list)];
        steps.push(literal(prefix));
        list = list.map(({ parts, shape }) => ({ parts: without(parts, prefix.length), shape }));
      } else {
        for (const { parts } of list) {
          const other = parts[0];
          if (other === undefined || typeof other === 'string' || other.key !== part.key) {
            throw new Error(`shapes differ where one has ${part.key}`);
          }
        }
        steps.push(this.#slot(part));
        list = list.map(({ parts, shape }) => ({ parts: parts.slice(1), shape }));
      }
    }
  }

  #branch(list: readonly Remaining[]): string {
    const groups = new Map<number, Remaining[]>();
    for (const remaining of list) {
      const part = remaining.parts[0];
      if (typeof part !== 'string') throw new Error('shapes differ where one has text and another a slot or its end');
      const byte = part.charCodeAt(0);
      groups.set(byte, [...(groups.get(byte) ?? []), remaining]);
    }
    const cases = [...groups].map(([byte, group]) => `case ${byte}: return ${call(this.functionOf(group))};`);
    return `switch (b[at]) {\n${cases.join('\n')}\ndefault: return -1;\n}`;
  }

  #slot(part: Slot): string {
    switch (part.code) {
      case CODE.whole:
        return whole(part.target);
      case CODE.decimal:
        return `{ ${decimal('x')} n[${part.target}] = x; }`;
      case CODE.skipNumber:
        return `{ const start = at; ${SKIP} let ${DIGIT} while (d >>> 0 <= 9) ${NEXT} if (at === start || (b[start] === 48 && at > start + 1)) return -1; }`;
      case CODE.skipName:
        return '{ const start = at; while (NAME[b[at] ?? 0] === 1) at++; if (at === start) return -1; }';
      case CODE.skipText:
        return 'while (TEXT[b[at] ?? 0] === 1) at++; if (at >= end || b[at] !== 34) return -1;';
      case CODE.symbol:
        return 'at = symbol(s, b, at, end); if (at < 0) return -1;';
      case CODE.text:
        return 'at = text(s, b, at, end); if (at < 0) return -1;';
      case CODE.choice:
        return choice(part);
      case CODE.levels:
        return `at = b[at + 2] === 34 ? quotedLevels(s, b, v, at, end, ${part.target}) : plainLevels(s, b, v, at, end, ${part.target}); if (at < 0) return -1;`;
      case CODE.objectLevels:
        return `at = objectLevels(s, b, v, at, end, ${part.target}); if (at < 0) return -1;`;
      case CODE.actionLevels:
        return `at = actionLevels(s, b, v, at, end, ${part.target}); if (at < 0) return -1;`;
      case CODE.rows: {
        const row = this.functionOf((part.rows ?? []).map(remainingOf));
        return `if (b[at++] !== 91) return -1; for (;;) { at = ${call(row)}; if (at < 0 || !s.onRow(s.leaf)) return -1; const c = b[at++]; if (c === 44) continue; if (c !== 93) return -1; break; }`;
      }
      default:
        throw new Error(`no code for ${part.key}`);
    }
  }
}

function keyOf(list: readonly Remaining[]): string {
  return JSON.stringify(
    list.map(({ parts, shape }) => [
      parts.map((part) => (typeof part === 'string' ? part : [part.key])),
      shape.make,
      leafOf(shape),
    ]),
  );
}

const call = (name: string): string => `${name}(s, b, v, at, end)`;
const DIGIT = 'd = (b[at] ?? 0) - 48;';
/** Passes over digits four at a time. */
const SKIP =
  'for (; at + 4 <= end; at += 4) { const w = v.getInt32(at, true) ^ 0x30303030; if (((w | (w + 0x06060606)) & 0xf0f0f0f0) !== 0) break; }';
const NEXT = 'd = (b[++at] ?? 0) - 48;';
/** Appends up to `most` digits to `name`, without a loop: V8 looks for interrupts at each turn of one. */
function digits(name: string, most: number, then = ''): string {
  if (most === 0) return then;
  return `if (d >>> 0 <= 9) { ${name} = (Math.imul(${name}, 10) + d) | 0; ${NEXT} ${digits(name, most - 1, then)} }`;
}
/** Appends all digits that follow; more than nine overflow. */
const gather = (name: string): string =>
  digits(name, 6, `while (d >>> 0 <= 9) { ${name} = (Math.imul(${name}, 10) + d) | 0; ${NEXT} }`);

/** Text that must be there, compared four bytes at a time where it is long enough, the last four overlapping. */
function literal(text: string): string {
  return `if (${differs(text)}) return -1; at += ${text.length};`;
}

function differs(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const { length } = bytes;
  if (length < 4) return [...bytes].map((byte, i) => `b[at + ${i}] !== ${byte}`).join(' || ');
  const starts = Array.from({ length: length >> 2 }, (_, i) => i * 4);
  if (length % 4 > 0) starts.push(length - 4);
  const words = starts.map((at) => `v.getInt32(at + ${at}, true) !== ${bytes.readInt32LE(at)}`);
  return [`at + ${length} > end`, ...words].join(' || ');
}

/** One of some texts. */
function choice({ choices, target }: Slot): string {
  const cases = (choices ?? []).map((text, i) => {
    const found = target < 0 ? '' : `n[${target}] = ${i};`;
    return `if (!(${differs(text)})) { at += ${text.length}; ${found} }`;
  });
  return `${cases.join(' else ')} else return -1;`;
}

/** A whole number: eight digits at once where there are so many, then at most eight more. */
function whole(target: number): string {
  return `{ const start = at; let x = 0, m = 0, ${DIGIT}
if (at + 8 <= end) {
let w = v.getInt32(at, true) ^ 0x30303030, u = v.getInt32(at + 4, true) ^ 0x30303030;
if (((w | u | (w + 0x06060606) | (u + 0x06060606)) & 0xf0f0f0f0) === 0) {
w = Math.imul(w, 10) + (w >>> 8); u = Math.imul(u, 10) + (u >>> 8);
x = Math.imul(Math.imul(w & 255, 100) + ((w >>> 16) & 255), 10000) + Math.imul(u & 255, 100) + ((u >>> 16) & 255);
at += 8; ${DIGIT}
}
}
if (d >>> 0 <= 9) {
const middle = at;
${digits('m', 8)}
x = x * POWERS[at - middle] + m;
if (d >>> 0 <= 9 || x > ${Number.MAX_SAFE_INTEGER}) return -1;
}
if (at === start || (b[start] === 48 && at > start + 1)) return -1;
n[${target}] = x; }`;
}

/** A plain decimal: up to nine digits on each side of the point here, all else by `decimal`. */
function decimal(name: string): string {
  const most = INTEGER_DIGITS;
  return `let ${name} = 0; { const start = at; let m = 0, k = 1, ${DIGIT}
${gather('m')}
const point = at; ${name} = m;
if (d === -2) { let f = 0; ${NEXT}
${gather('f')}
k = at - point - 1; ${name} = m * (POWERS[k] ?? 1) + f; }
if ((k - 1) >>> 0 > ${most - 1} || (point - start - 1) >>> 0 > ${most - 1} || ${name} > ${Number.MAX_SAFE_INTEGER} || (b[start] === 48 && point > start + 1)) {
${name} = decimal(s, b, start); if (${name} < 0) return -1; at = s.at;
} else if (at !== point) ${name} /= POWERS[k]; }`;
}

/** How the levels of a side are written: what stands before the first, between price and size, levels, and at the end. */
interface LevelTexts {
  readonly open: string;
  readonly between: string;
  readonly next: string;
  readonly close: string;
  /** Code before each price, and after each size. */
  readonly before?: string;
  readonly after?: string;
}

/** Nine in ten numbers of a feed are in books. A price is above zero, a size may be zero. */
function levels(name: string, { open, between, next, close, before = '', after = '' }: LevelTexts): string {
  return `function ${name}(s, b, v, at, end, side) {
let l = s.values, to = s.used;
s.bounds[side] = to;
if (b[at] === 91 && b[at + 1] === 93) { s.bounds[side + 1] = to; return at + 2; }
if (${unlike(open)}) return -1;
at += ${open.length};
for (;;) {
${before}
${decimal('x')}
if (x === 0 || ${unlike(between)}) return -1;
at += ${between.length};
${decimal('y')}
${after}
if (to + 2 > l.length) { to = more(s, to); l = s.values; }
l[to] = x; l[to + 1] = y; to += 2;
if (!(${unlike(next)})) { at += ${next.length}; continue; }
s.bounds[side + 1] = s.used = to;
return ${unlike(close)} ? -1 : at + ${close.length};
}
}`;
}

const ACTIONS = ['new"', 'change"', 'delete"'];
/** What was done with a level, before it. */
const ACTION = `let gone = false; ${choice({ key: 'action', code: CODE.choice, target: -1, choices: ACTIONS })}
gone = b[at - 2] === 101 && b[at - 3] === 116;
if (b[at++] !== 44) return -1;`;

/** Whether a text of one to five bytes is not here; what has quotes is followed by more, so that four may be read. */
function unlike(text: string): string {
  const bytes = [...Buffer.from(text, 'latin1')];
  const differs = bytes.map((byte, i) => `b[at + ${i}] !== ${byte}`);
  if (!text.includes('"')) return differs.join(' || ');
  const word = Buffer.from(text.padEnd(4, '\0'), 'latin1').readInt32LE();
  const mask = text.length < 4 ? ` & ${2 ** (8 * text.length) - 1}` : '';
  return ['at + 4 > end', `(v.getInt32(at, true)${mask}) !== ${word}`, ...differs.slice(4)].join(' || ');
}

const LEVELS = [
  levels('quotedLevels', { open: '[["', between: '","', next: '"],["', close: '"]]' }),
  levels('plainLevels', { open: '[[', between: ',', next: '],[', close: ']]' }),
  levels('objectLevels', { open: '[{"p":"', between: '","s":', next: '},{"p":"', close: '}]' }),
  levels('actionLevels', {
    open: '[["',
    between: ',',
    next: '],["',
    close: ']]',
    before: ACTION,
    after: 'if (gone) y = 0;',
  }),
].join('\n');

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
