/** Digits of the longest number that is read by its form: all of them make an exact whole number. */
export const LONGEST = 15;
/** Digits that 32 bits hold. */
const MOST_SMALL = 9;
export const WORD = 4;
/** Set in what `wrong` gives where a byte is another than it should be. */
export const HIGHEST_BITS = 0x80808080 | 0;
const ZERO = 0x30;
const POINT = 0x2e;

/** How a number is written. */
export interface Form {
  readonly digits: number;
  readonly places: number;
}

/** Where something lies: so many bytes behind `at`. */
interface Place {
  readonly offset: number;
  /** Text that stands directly before it. */
  readonly before: string;
}

/** Code that reads something whose form is known, when the `WORD - 1` bytes before it may be read too. */
interface Reading {
  /** Statements. */
  readonly read: string;
  /** An expression of 32 bits that has one of `HIGHEST_BITS` when what was read is not what it should be. */
  readonly wrong: string;
}

interface NumberReading extends Reading {
  readonly length: number;
  /** Its digits as a whole number. */
  readonly sum: string;
  /** What the sum is at least, unless it begins with an idle 0. */
  readonly least: number;
  /** So many of the last bytes before it are compared on the way. */
  readonly covered: number;
}

/**
 * A number of so many digits before and after the point, when the byte after it is known to be its end. It is read four
 * bytes at a time by words that end with it or before its point. A test tells whether all bytes are what they should be,
 * then pairs of digits are added up, and pairs of these. `name` begins the names that it takes.
 */
export function fixedNumber(name: string, { digits, places }: Form, { offset, before }: Place): NumberReading {
  const text = '0'.repeat(digits) + (places > 0 ? `.${'0'.repeat(places)}` : '');
  const small = digits + places <= MOST_SMALL;
  const words: { text: string; end: number; count: number }[] = [];
  const loose: Reading[] = [];
  for (let end = text.length; end > 0; ) {
    if (text[end - 1] === '.') {
      end -= 1;
      loose.push(fixedTexts(`${name}p`, '.', offset + end));
      continue;
    }
    const own = text.slice(Math.max(0, end - WORD), end);
    words.unshift({
      text: (before + own).slice(-WORD).padStart(WORD, '\0'),
      end,
      count: own.replace('.', '').length,
    });
    end -= own.length;
  }
  let sum = '';
  for (const [i, { text: word, count }] of words.entries()) {
    const value = valueOf(`${name}${i}`, word, count);
    const scale = 10 ** count;
    sum =
      sum === '' ? value : small ? `(Math.imul(${sum}, ${scale}) + ${value} | 0)` : `(${sum} * ${scale} + ${value})`;
  }
  const reads = words.map(({ text: word, end }, i) => wordReading(`${name}${i}`, word, offset + end - WORD));
  const first = words[0];
  return {
    length: text.length,
    read: [...reads, ...loose].map(({ read }) => read).join(' '),
    wrong: [...reads, ...loose].map(({ wrong }) => wrong).join(' | '),
    sum,
    least: digits > 1 ? 10 ** (digits + places - 1) : 0,
    covered: Math.min(before.length, Math.max(0, WORD - (first?.end ?? WORD))),
  };
}

/** Text that must be there, four bytes at a time; bytes behind it may be read. */
export function fixedTexts(name: string, text: string, offset: number): Reading {
  const reads = (text.match(/.{1,4}/gs) ?? []).map((part, i) =>
    wordReading(`${name}${i}`, part.padEnd(WORD, '\0'), offset + i * WORD),
  );
  return { read: reads.map(({ read }) => read).join(' '), wrong: reads.map(({ wrong }) => wrong).join(' | ') };
}

/** A word whose bytes are those of the text, any digit where it has 0 and anything where it has NUL. */
function wordReading(name: string, text: string, offset: number): Reading {
  const bytes = [...Buffer.from(text, 'latin1')];
  const wordOf = (of: (byte: number) => number): number => Buffer.from(bytes.map(of)).readInt32LE();
  const keep = wordOf((byte) => (byte === 0 ? 0 : 0xff));
  const expected = wordOf((byte) => byte);
  // What must be added to a difference to reach the highest bit: 10 to a digit's, 1 to that of other text.
  const top = wordOf((byte) => (byte === ZERO ? 0x76 : byte === 0 ? 0 : 0x7f));
  const read = `v.getInt32(at + ${offset} | 0, true)`;
  const masked = keep === -1 ? read : `(${read} & ${keep})`;
  return { read: `const ${name} = ${masked} ^ ${expected};`, wrong: `(${name} + ${top} | ${name})` };
}

/** The value of a word of digits, the first the most, in which all else is 0 by now. */
function valueOf(word: string, text: string, count: number): string {
  if (count === 1) return `(${word} >>> 24)`;
  const point = text.lastIndexOf(String.fromCharCode(POINT));
  const split = point > 0 && count > WORD - 1 - point;
  if (count === 2 && !split) return `(Math.imul(${word}, 2561) >>> 24)`;
  // Two pairs of digits, of which one has the 0 of the point in place of a digit.
  const scale = split ? 10 : 100;
  return `(Math.imul((Math.imul(${word}, 2561) >>> 8) & 0xff00ff, ${scale * 0x10000 + 1}) >>> 16)`;
}
