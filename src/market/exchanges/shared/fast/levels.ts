import { choice, decimal, differs, SKIP_NUMBER, wordsDiffer } from './code.ts';
import { fixedNumber, fixedTexts, HIGHEST_BITS, LONGEST, WORD } from './fixed.ts';
import { HELPERS, type Helpers, type Scan } from './scan.ts';
import { CODE } from './template.ts';

/** How the levels of a side are written: what stands before the first, between price and size, levels, and at the end. */
interface LevelTexts {
  readonly open: string;
  readonly between: string;
  readonly next: string;
  readonly close: string;
  /** The byte behind a size, where it is not the first of `next`. */
  readonly behind?: string;
  /** Code before each price, and after each size. */
  readonly before?: string;
  readonly after?: string;
  /** Whether the digits of the levels are kept for a proof. */
  readonly digits?: boolean;
}

/** Reads on from the beginning of a level while prices are written as it knows them; gives where it ends, or -1. */
type Run = (s: Scan, bytes: Buffer, view: DataView, at: number, end: number, to: number) => number;

/**
 * Nine in ten numbers of a feed are in books. A price is above zero, a size may be zero. A first level is read digit by
 * digit, those after it as it was written where that is so.
 */
function levels(name: string, texts: LevelTexts): string {
  const { open, between, next, close, before = '', after = '' } = texts;
  return `function ${name}(s, b, v, at, end, side) {
let l = s.values, to = s.used;
s.bounds[side] = to;
${texts.digits === true ? 'const kept = s.texts = []; if (side === 0) s.bidTexts = kept; else s.askTexts = kept;' : ''}
if (b[at] === 91 && b[at + 1] === 93) { s.bounds[side + 1] = to; return at + 2; }
if (${unlike(open)}) return -1;
at += ${open.length};
for (;;) {
${before}
const from = at;
${decimal('x', 'places')}
const digits = places > 0 ? at - from - places - 1 : at - from;
if (x === 0 || ${unlike(between)}) return -1;
at += ${between.length};
${decimal('y', 'parts')}
${after}
${texts.digits === true ? keep('places', 'parts') : ''}
if (to + 2 > l.length) { to = more(s, to); l = s.values; }
l[to] = x; l[to + 1] = y; to += 2;
if (${unlike(next)}) break;
at += ${next.length};
${before === '' ? runOn(name) : ''}
}
s.bounds[side + 1] = s.used = to;
return ${unlike(close)} ? -1 : at + ${close.length};
}`;
}

/** Keeps the digits of price and size with so many places. */
const keep = (places: string, parts: string): string =>
  `{ const p = digitsOf(x, ${places}), q = digitsOf(y, ${parts}); if (p === undefined || q === undefined) return -1; s.texts.push(p + q); }`;

/** Digits before and after the point of a price, and after that of a size, as one number. */
const PLACES_BITS = 4;
const MOST_PLACES = 9;
/** A way to write levels has to come so often before it is worth a run of its own … */
const WORTHY = 4;
/** … of which a market has so many at most: damaged frames write in many ways. */
const MOST_RUNS = 64;

const runOn = (
  name: string,
): string => `if (places >= 0 && parts >= 0 && digits <= ${MOST_PLACES} && digits + places <= ${LONGEST}) {
const way = (((digits << ${PLACES_BITS}) | places) << ${PLACES_BITS}) | parts;
const run = RUNS_${name}[way];
if (run === undefined) RUNS_${name}[way] = nextRun(${JSON.stringify(name)}, way, 0);
else if (typeof run === 'number') RUNS_${name}[way] = nextRun(${JSON.stringify(name)}, way, run);
else {
at = run(s, b, v, at, end, to);
if (at < 0) return -1;
l = s.values; to = s.used;
if (s.isLast) break;
}
}`;

/** Sizes with so many digits before the point are read by their form … */
const SIZES = [1, 2, 3, 4];
/** … and others digit by digit up to so many bytes. */
const LONGEST_SIZE = 10;

/**
 * The same for levels whose prices have this many digits before and after the point; sizes mostly this many after it.
 * It calls nothing and has all numbers in 32 bits, so that V8 keeps them and where the bytes are in registers; what is
 * rare ends it, so that the level is read by who called it.
 */
function runOfLevels(texts: LevelTexts, digits: number, places: number, parts: number): string {
  const { between, next, after = '' } = texts;
  const price = fixedNumber('p', { digits, places }, { offset: 0, before: next });
  const from = price.length + between.length;
  const forms = SIZES.map((whole) =>
    fixedNumber('q', { digits: whole, places: parts }, { offset: from, before: between }),
  );
  const end = (texts.behind ?? next).charCodeAt(0);
  const sizes = forms.map((size) => {
    const rest = fixedTexts('t', between.slice(0, between.length - size.covered), price.length);
    return `if (v.getUint8(at + ${from + size.length} | 0) === ${end}) {
${size.read} ${rest.read}
const sum = ${size.sum};
wrong |= ${[size.wrong, rest.wrong].filter((one) => one !== '').join(' | ')};
if (sum < ${size.least}) break;
y = ${quotient('sum', parts)}; past = at + ${from + size.length} | 0;
}`;
  });
  const longest = Math.max(LONGEST_SIZE, ...forms.map(({ length }) => length));
  const all = fixedTexts('t', between, price.length);
  return `'use strict';
const { ${Object.keys(HELPERS).join()} } = h;
return function (s, b, v, at, end, to) {
at |= 0; to |= 0;
const l = s.values, room = l.length - 2 | 0, most = b.length - ${from + longest + next.length + WORD} | 0;
s.isLast = false;
while (at <= most && to <= room) {
${price.read}
const price = ${price.sum};
if (price < ${Math.max(1, price.least)}) break;
let wrong = ${price.wrong}, y = 0, past = 0${texts.digits === true ? `, parts = ${parts}` : ''};
${sizes.join(' else ')} else {
${all.read}
wrong |= ${all.wrong};
const start = at + ${from} | 0;
past = start;
let m = 0, k = 0, d = v.getUint8(past) - 48 | 0;
const idle = d === 0;
for (let n = 0; n < ${LONGEST_SIZE} && d >>> 0 <= 9; n++) { m = Math.imul(m, 10) + d | 0; past = past + 1 | 0; d = v.getUint8(past) - 48 | 0; }
const point = past;
if (d === -2) {
past = past + 1 | 0; d = v.getUint8(past) - 48 | 0;
for (let n = past - start | 0; n < ${LONGEST_SIZE} && d >>> 0 <= 9; n++) { m = Math.imul(m, 10) + d | 0; past = past + 1 | 0; d = v.getUint8(past) - 48 | 0; }
k = past - point - 1 | 0;
if (k === 0) break;
}
if (point === start || past - start >= ${LONGEST_SIZE} || (idle && point - start > 1)) break;
y = m / POWERS[k];${texts.digits === true ? ' parts = k;' : ''}
}
if ((wrong & ${HIGHEST_BITS}) !== 0) break;
const x = ${quotient('price', places)};
${after === '' ? 'at = past;' : `at = past; ${after}`}
${texts.digits === true ? keep(String(places), 'parts') : ''}
l[to] = x; l[to + 1 | 0] = y; to = to + 2 | 0;
if (${after === '' ? wordsDiffer(next) : unlike(next)}) { s.isLast = true; break; }
at = at + ${next.length} | 0;
}
s.used = to;
return at;
};`;
}

const quotient = (sum: string, places: number): string => (places > 0 ? `${sum} / ${10 ** places}` : sum);

const ACTIONS = ['new"', 'change"', 'delete"'];
/** What was done with a level, before it. */
const ACTION = `let gone = false; ${choice({ key: 'action', code: CODE.choice, target: -1, choices: ACTIONS })}
gone = b[at - 2] === 101 && b[at - 3] === 116;
if (b[at++] !== 44) return -1;`;

/** Two whole numbers that follow the size and say nothing to us. */
const COUNT = ['', '']
  .map(
    () => `if (${unlike('","')}) return -1; at = at + 3 | 0; while (((b[at] ?? 0) - 48) >>> 0 <= 9) at = at + 1 | 0;`,
  )
  .join('\n');

/** The end of a size, and a whole number that says nothing to us. */
const NUMBERED = `if (${unlike('","n":')}) return -1; at = at + 6 | 0; ${SKIP_NUMBER}`;

/** Whether a text is not here; what has quotes is followed by more, so that four bytes may be read. */
function unlike(text: string, at = 'at'): string {
  if (!text.includes('"'))
    return [...Buffer.from(text, 'latin1')].map((c, i) => `b[${at} + ${i}] !== ${c}`).join(' || ');
  return text.length > 4 ? differs(text, at) : `(${at} + 4 | 0) > end || ${wordsDiffer(text, at)}`;
}

const KINDS: Readonly<Record<string, LevelTexts>> = {
  quotedLevels: { open: '[["', between: '","', next: '"],["', close: '"]]' },
  plainLevels: { open: '[[', between: ',', next: '],[', close: ']]' },
  countedLevels: { open: '[["', between: '","', next: '"],["', close: '"]]', after: COUNT },
  objectLevels: { open: '[{"p":"', between: '","s":', next: '},{"p":"', close: '}]' },
  numberedLevels: {
    open: '[{"px":"',
    between: '","sz":"',
    next: '},{"px":"',
    close: '}]',
    behind: '"',
    after: NUMBERED,
  },
  namedLevels: { open: '[{"price":', between: ',"qty":', next: '},{"price":', close: '}]', digits: true },
  actionLevels: {
    open: '[["',
    between: ',',
    next: '],["',
    close: ']]',
    before: ACTION,
    after: 'if (gone) y = 0;',
  },
};

/** Readers of sides, by the ways that venues write levels. */
export const LEVELS = Object.entries(KINDS)
  .map(
    ([name, texts]) =>
      `const RUNS_${name} = new Array(${(MOST_PLACES + 1) << (2 * PLACES_BITS)}).fill(undefined);\n${levels(name, texts)}`,
  )
  .join('\n');

/** Makes the runs of one program: given how often a way was seen, one more than that or the run. */
export function runMaker(): (name: string, way: number, seen: number) => Run | number {
  let made = 0;
  return (name, way, seen) => {
    const texts = KINDS[name];
    if (texts === undefined || seen < WORTHY || made >= MOST_RUNS) return Math.min(seen + 1, WORTHY);
    made += 1;
    const mask = 2 ** PLACES_BITS - 1;
    const parts = Math.min(way & mask, MOST_PLACES);
    const source = runOfLevels(texts, way >> (2 * PLACES_BITS), (way >> PLACES_BITS) & mask, parts);
    // Made of our constants and three small numbers.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    return (new Function('h', source) as (h: Helpers) => Run)(HELPERS);
  };
}
