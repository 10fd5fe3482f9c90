import { decimal, differs, literal } from './code.ts';
import { AT, type Field, type Fields } from './template.ts';

/**
 * A reader of objects: looks for its fields in their order, again and again until nothing is left, so that most frames
 * need one round. Other fields are passed over where they are plain. The object is in `s.object`.
 */
export function objectReader(name: string, fields: Fields, readerOf: (fields: Fields) => string): string {
  const names = Object.keys(fields);
  const kept = names.filter((field) => fields[field] !== 'other');
  const steps = names.map((field) => fieldStep(field, fields[field] ?? 'other', `f${kept.indexOf(field)}`, readerOf));
  const known = names.map((field) => `!(${differs(`${JSON.stringify(field)}:`)})`).join(' || ');
  // What it is about has to be told.
  const named = kept.flatMap((field, i) => (fields[field] === 'symbol' ? [` || f${i} === undefined`] : [])).join('');
  return `function ${name}(s, b, v, at, end) {
const n = s.numbers;
let ${kept.map((_, i) => `f${i} = undefined`).join()};
if (b[at++] !== 123) return -1;
if (b[at] !== 125) for (;;) {
const began = at;
${steps.join('\n')}
if (at > began) continue;
if (${known}) return -1;
at = otherField(s, b, v, at, end); if (at < 0) return -1;
if (b[at] !== 44) break;
at++;
}
if (b[at] !== 125 || at >= end${named}) return -1;
s.object = { ${kept.map((field, i) => `${JSON.stringify(field)}: f${i}`).join()} };
return at + 1;
}`;
}

function fieldStep(name: string, field: Field, into: string, readerOf: (fields: Fields) => string): string {
  const quoted = field === 'quoted' || field === 'symbol' || field === 'text';
  const head = `${JSON.stringify(name)}:${quoted ? '"' : ''}`;
  return `if (!(${differs(head)})) { at += ${head.length}; ${valueOf(field, into, readerOf)} if (b[at] !== 44) break; at++; }`;
}

function valueOf(field: Field, into: string, readerOf: (fields: Fields) => string): string {
  switch (field) {
    case 'quoted':
      return `if (b[at] === 34) { ${into} = ''; at++; } else { at = plainSigned(s, b, v, at, end); if (at < 0 || b[at++] !== 34) return -1; ${into} = n[${AT.value}]; }`;
    case 'number':
      return `if (b[at] === 110) { ${literal('null')} ${into} = null; } else { const from = at; at = signed(s, b, v, at, end); if (at >= 0) ${into} = n[${AT.value}]; else { at = longWhole(s, b, from, end); if (at < 0) return -1; ${into} = s.text; } }`;
    case 'symbol':
      return `at = symbol(s, b, at, end); if (at < 0) return -1; at++; ${into} = s.name;`;
    case 'text':
      return `at = text(s, b, at, end); if (at < 0) return -1; at++; ${into} = s.text;`;
    case 'flag':
      return `${into} = b[at] === 116; if (${into}) { ${literal('true')} } else { ${literal('false')} }`;
    case 'other':
      return `at = plain(s, b, v, at, end); if (at < 0) return -1;`;
    default:
      return `at = ${readerOf(field)}(s, b, v, at, end); if (at < 0) return -1; ${into} = s.object;`;
  }
}

/** A field that nobody asks for, and its value alone: a text without escapes, a number or a word. */
export const OTHERS = `function otherField(s, b, v, at, end) {
if (b[at++] !== 34) return -1;
while (TEXT[b[at] ?? 0] === 1) at++;
return b[at] === 34 && b[at + 1] === 58 ? plain(s, b, v, at + 2, end) : -1;
}
function plain(s, b, v, at, end) {
switch (b[at]) {
case 34: at++; while (TEXT[b[at] ?? 0] === 1) at++; return at < end && b[at] === 34 ? at + 1 : -1;
case 116: ${literal('true')} return at;
case 102: ${literal('false')} return at;
case 110: ${literal('null')} return at;
default: return signed(s, b, v, at, end);
}
}`;

/** A decimal with or without a sign, and the same with an exponent too; its value is `AT.value` of the numbers. */
export const SIGNED = `function plainSigned(s, b, v, at, end) {
const below = b[at] === 45;
if (below) at++;
${decimal('x')}
s.numbers[${AT.value}] = below ? -x : x;
return at;
}
function signed(s, b, v, at, end) {
const to = plainSigned(s, b, v, at, end);
return to >= 0 && (b[to] === 101 || b[to] === 69) ? exponential(s, b, at, end) : to;
}`;
