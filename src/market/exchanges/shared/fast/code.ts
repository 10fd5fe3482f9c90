import { INTEGER_DIGITS } from './scan.ts';
import type { Slot } from './template.ts';

/* JavaScript that reads one part of a frame: `at` is where it begins, and where it ended afterwards. */

export const DIGIT = 'd = (b[at] ?? 0) - 48;';
/** Passes over digits four at a time. */
export const SKIP =
  'for (; at + 4 <= end; at += 4) { const w = v.getInt32(at, true) ^ 0x30303030; if (((w | (w + 0x06060606)) & 0xf0f0f0f0) !== 0) break; }';
export const NEXT = 'd = (b[++at] ?? 0) - 48;';
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
  return `if (${differs(text)}) return -1; at += ${text.length};`;
}

/** Whether the text is not here. */
export function differs(text: string, from = 'at'): string {
  const bytes = Buffer.from(text, 'latin1');
  const { length } = bytes;
  if (length < 4) return [...bytes].map((byte, i) => `b[${from} + ${i}] !== ${byte}`).join(' || ');
  const starts = Array.from({ length: length >> 2 }, (_, i) => i * 4);
  if (length % 4 > 0) starts.push(length - 4);
  const words = starts.map((at) => `v.getInt32(${from} + ${at}, true) !== ${bytes.readInt32LE(at)}`);
  return [`${from} + ${length} > end`, ...words].join(' || ');
}

/** One of some texts. */
export function choice({ choices, target }: Slot): string {
  const cases = (choices ?? []).map((text, i) => {
    const found = target < 0 ? '' : `n[${target}] = ${i};`;
    return `if (!(${differs(text)})) { at += ${text.length}; ${found} }`;
  });
  return `${cases.join(' else ')} else return -1;`;
}

/** A whole number: eight digits at once where there are so many, then at most eight more. */
export function whole(target: number): string {
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
k = at - point - 1; ${name} = m * (POWERS[k] ?? 1) + f; }
if ((k - 1) >>> 0 > ${most - 1} || (point - start - 1) >>> 0 > ${most - 1} || ${name} > ${Number.MAX_SAFE_INTEGER} || (b[start] === 48 && point > start + 1)) {
${name} = decimal(s, b, start); if (${name} < 0) return -1; at = s.at;${other}
} else if (at !== point) { ${name} /= POWERS[k];${count} } }`;
}
