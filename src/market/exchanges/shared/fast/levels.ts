import { choice, decimal, differs } from './code.ts';
import { fixed, LONGEST } from './fixed.ts';
import { HELPERS, type Helpers, type Scan } from './scan.ts';
import { CODE } from './template.ts';

/** How the levels of a side are written: what stands before the first, between price and size, levels, and at the end. */
interface LevelTexts {
  readonly open: string;
  readonly between: string;
  readonly next: string;
  readonly close: string;
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

/** The same for levels whose prices have this many digits before and after the point; sizes mostly this many after it. */
function runOfLevels(texts: LevelTexts, digits: number, places: number, parts: number): string {
  const { between, next, after = '' } = texts;
  const end = next.charCodeAt(0);
  const sizes = [1, 2, 3, 4]
    .map((whole) => fixed('y', { digits: whole, places: parts }))
    .map(({ code, length }) => `if (b[at + ${length}] === ${end}) { ${code} if (y >= 0) at += ${length}; }`);
  const price = fixed('x', { digits, places });
  return `'use strict';
const { ${Object.keys(HELPERS).join()} } = h;
return function (s, b, v, at, end, to) {
let l = s.values;
s.isLast = false;
const most = v.byteLength - ${price.length + between.length + 2 * LONGEST};
for (;;) {
if (at > most || b[at + ${price.length}] !== ${between.charCodeAt(0)}) break;
let x = -1, y = -1;
${price.code}
if (!(x > 0)) break;
const next = at + ${price.length};
if (${unlike(between, 'next')}) break;
at = next + ${between.length};
${sizes.join(' else ')}
${texts.digits === true ? `let parts = ${parts};` : ''}
if (y < 0) { ${decimal('z', 'others')} y = z; ${texts.digits === true ? 'parts = others;' : ''} }
${after}
${texts.digits === true ? keep(String(places), 'parts') : ''}
if (to + 2 > l.length) { to = more(s, to); l = s.values; }
l[to] = x; l[to + 1] = y; to += 2;
if (${unlike(next)}) { s.isLast = true; break; }
at += ${next.length};
}
s.used = to;
return at;
};`;
}

const ACTIONS = ['new"', 'change"', 'delete"'];
/** What was done with a level, before it. */
const ACTION = `let gone = false; ${choice({ key: 'action', code: CODE.choice, target: -1, choices: ACTIONS })}
gone = b[at - 2] === 101 && b[at - 3] === 116;
if (b[at++] !== 44) return -1;`;

/** Two whole numbers that follow the size and say nothing to us. */
const COUNT = ['', '']
  .map(() => `if (${unlike('","')}) return -1; at += 3; while (((b[at] ?? 0) - 48) >>> 0 <= 9) at++;`)
  .join('\n');

/** Whether a text is not here; what has quotes is followed by more, so that four bytes may be read. */
function unlike(text: string, at = 'at'): string {
  if (!text.includes('"'))
    return [...Buffer.from(text, 'latin1')].map((c, i) => `b[${at} + ${i}] !== ${c}`).join(' || ');
  if (text.length > 4) return differs(text, at);
  const word = Buffer.from(text.padEnd(4, '\0'), 'latin1').readInt32LE();
  const mask = text.length < 4 ? ` & ${2 ** (8 * text.length) - 1}` : '';
  return `${at} + 4 > end || (v.getInt32(${at}, true)${mask}) !== ${word}`;
}

const KINDS: Readonly<Record<string, LevelTexts>> = {
  quotedLevels: { open: '[["', between: '","', next: '"],["', close: '"]]' },
  plainLevels: { open: '[[', between: ',', next: '],[', close: ']]' },
  countedLevels: { open: '[["', between: '","', next: '"],["', close: '"]]', after: COUNT },
  objectLevels: { open: '[{"p":"', between: '","s":', next: '},{"p":"', close: '}]' },
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
