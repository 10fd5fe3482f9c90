import { choice, decimal, literal, SKIP_NUMBER, whole } from './code.ts';
import { LEVELS, runMaker } from './levels.ts';
import { objectReader, OTHERS, SIGNED } from './objects.ts';
import { HELPERS, type Helpers, type Scan } from './scan.ts';
import { CODE, type Fields, type RecordMaker, type Shape, type Slot, type Template } from './template.ts';

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
    readonly checksum: boolean;
  };
  /** The frame is a list of rows that made their records already. */
  readonly rows: boolean;
  /** The frame or row gives objects, for the decoder to read. */
  readonly objects: boolean;
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
  const make = new Function('h', 'nextRun', body) as (h: Helpers, nextRun: ReturnType<typeof runMaker>) => Read;
  return { read: make(HELPERS, runMaker()), leaves: writer.leaves };
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
      checksum: keys.has('checksum'),
      level: make.record === 'book' && keys.has('price'),
    },
    objects: make.record === 'objects',
    rows: [...keys].some((key) => key.startsWith('rows ')),
  };
}

/** Functions of the arguments `s, b, v, at, end`, one for each way that frames go on. */
class Writer {
  readonly leaves: Leaf[] = [];
  readonly #names = new Map<string, string>();
  readonly #functions: string[] = [LEVELS, SIGNED, OTHERS];

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
    this.#functions.push(
      `function ${name}(s, b, v, at, end) {\nat |= 0; end |= 0;\nconst n = s.numbers;\n${steps.join('\n')}\n}`,
    );
    return name;
  }

  #objectOf(fields: Fields): string {
    const key = `object ${JSON.stringify(fields)}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = `object${this.#names.size}`;
    this.#names.set(key, name);
    this.#functions.push(objectReader(name, fields, (inner) => this.#objectOf(inner)));
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
        return SKIP_NUMBER;
      case CODE.skipInteger:
        return `if (b[at] === 45) at++; ${SKIP_NUMBER}`;
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
      case CODE.countedLevels:
        return `at = countedLevels(s, b, v, at, end, ${part.target}); if (at < 0) return -1;`;
      case CODE.namedLevels:
        return `at = namedLevels(s, b, v, at, end, ${part.target}); if (at < 0) return -1;`;
      case CODE.numberedLevels:
        return `at = numberedLevels(s, b, v, at, end, ${part.target}); if (at < 0) return -1;`;
      case CODE.isoTime:
        return 'at = isoTime(s, b, at); if (at < 0) return -1;';
      case CODE.object:
        return `at = ${call(this.#objectOf(part.fields ?? {}))}; if (at < 0) return -1;`;
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
