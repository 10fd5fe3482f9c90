import { INTEGER_DIGITS } from './scan.ts';
import type { Slot } from './template.ts';

/* JavaScript that reads one part of a frame: `at` is where it begins, and where it ended afterwards. */

export const DIGIT = 'd = (b[at] ?? 0) - 48;';
export const NEXT = 'd = (b[at = at + 1 | 0] ?? 0) - 48;';
/** Whether a word is of four digits, from each of which 48 was taken. */
const isDigits = (word: string): string => `(((${word} + 0x06060606) | ${word}) & 0xf0f0f0f0) === 0`;
/** The value of such a word. */
const FOUR = (word: string): string => `(Math.imul((Math.imul(${word}, 2561) >>> 8) & 0xff00ff, 6553601) >>> 16)`;
/** Appends up to `most` digits to `name`, without a loop: V8 looks for interrupts at each turn of one. */
function digits(name: string, most: number, then = ''): string {
  if (most === 0) return then;
  return `if (d >>> 0 <= 9) { ${name} = (Math.imul(${name}, 10) + d) | 0; ${NEXT} ${digits(name, most - 1, then)} }`;
}
/** Appends all digits that follow; more than nine overflow. */
const gather = (name: string): string =>
  digits(name, 6, `while (d >>> 0 <= 9) { ${name} = (Math.imul(${name}, 10) + d) | 0; ${NEXT} }`);

/** Text that must be there, compared four bytes at a time where it is long enough, the last four overlapping. */
export function literal(text: string): string {
  return `if (${differs(text)}) return -1; at = at + ${text.length} | 0;`;
}

/** Whether the text is not here. */
export function differs(text: string, from = 'at'): string {
  const { length } = text;
  if (length < 4) {
    return [...Buffer.from(text, 'latin1')].map((byte, i) => `b[${from} + ${i}] !== ${byte}`).join(' || ');
  }
  return `(${from} + ${length} | 0) > end || ${wordsDiffer(text, from)}`;
}

/** The same where so many bytes, and at least four, may be read. */
export function wordsDiffer(text: string, from = 'at'): string {
  const bytes = Buffer.from(text.padEnd(4, '\0'), 'latin1');
  const { length } = text;
  if (length < 4) return `(v.getInt32(${from}, true) & ${2 ** (8 * length) - 1}) !== ${bytes.readInt32LE()}`;
  const starts = Array.from({ length: length >> 2 }, (_, i) => i * 4);
  if (length % 4 > 0) starts.push(length - 4);
  return starts.map((at) => `v.getInt32(${from} + ${at} | 0, true) !== ${bytes.readInt32LE(at)}`).join(' || ');
}

/** One of some texts. */
export function choice({ choices, target }: Slot): string {
  const cases = (choices ?? []).map((text, i) => {
    const found = target < 0 ? '' : `n[${target}] = ${i};`;
    return `if (!(${differs(text)})) { at = at + ${text.length} | 0; ${found} }`;
  });
  return `${cases.join(' else ')} else return -1;`;
}

/** A whole number: eight digits at once where there are so many, then four, then at most eight more. */
export function whole(target: number): string {
  return `{ const start = at; let x = 0;
if ((at + 8 | 0) <= end) {
const w = v.getInt32(at, true) ^ 0x30303030, u = v.getInt32(at + 4 | 0, true) ^ 0x30303030;
if (${isDigits('w')} && ${isDigits('u')}) { x = Math.imul(${FOUR('w')}, 10000) + ${FOUR('u')} | 0; at = at + 8 | 0; }
}
if (at > start && (at + 4 | 0) <= end) {
const w = v.getInt32(at, true) ^ 0x30303030;
if (${isDigits('w')}) { x = x * 10000 + ${FOUR('w')}; at = at + 4 | 0; }
}
let m = 0, ${DIGIT}
if (d >>> 0 <= 9) {
const middle = at;
${digits('m', 8)}
x = x * POWERS[at - middle | 0] + m;
if (d >>> 0 <= 9 || x > ${Number.MAX_SAFE_INTEGER}) return -1;
}
if (at === start || (b[start] === 48 && at > (start + 1 | 0))) return -1;
n[${target}] = x; }`;
}

/** Passes over the digits of a whole number. */
export const SKIP_NUMBER = `{ const start = at;
for (; (at + 4 | 0) <= end; at = at + 4 | 0) { const w = v.getInt32(at, true) ^ 0x30303030; if (!(${isDigits('w')})) break; }
let ${DIGIT} ${'if (d >>> 0 <= 9) { '.replace('{', `{ ${NEXT}`).repeat(3)}${'} '.repeat(3)}
if (at === start || (b[start] === 48 && at > (start + 1 | 0))) return -1; }`;

/**
 * A plain decimal: up to nine digits on each side of the point here, all else by `decimal`. `places`, where it is asked
 * for, tells how many of those up to nine stand behind the point; -1 of all else.
 */
export function decimal(name: string, places?: string): string {
  const most = INTEGER_DIGITS;
  const counted = places === undefined ? '' : `let ${places} = 0; `;
  const other = places === undefined ? '' : ` ${places} = -1;`;
  const count = places === undefined ? '' : ` ${places} = k;`;
  return `let ${name} = 0; ${counted}{ const start = at; let m = 0, k = 1, ${DIGIT}
${gather('m')}
const point = at; ${name} = m;
if (d === -2) { let f = 0; ${NEXT}
${gather('f')}
k = at - point - 1 | 0; ${name} = m * (POWERS[k] ?? 1) + f; }
if ((k - 1) >>> 0 > ${most - 1} || (point - start - 1) >>> 0 > ${most - 1} || ${name} > ${Number.MAX_SAFE_INTEGER} || (b[start] === 48 && point > (start + 1 | 0))) {
${name} = decimal(s, b, start); if (${name} < 0) return -1; at = s.at | 0;${other}
} else if (at !== point) { ${name} /= POWERS[k];${count} } }`;
}
