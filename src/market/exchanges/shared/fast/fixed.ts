/** Digits of the longest number that is read by its form: all of them make an exact whole number. */
export const LONGEST = 15;
/** Digits that 32 bits hold. */
const MOST_SMALL = 9;
const WORD = 4;
const HIGHEST_BITS = 0x80808080 | 0;
const ZERO = 0x30;
const POINT = 0x2e;

/** How a number is written. */
export interface Form {
  readonly digits: number;
  readonly places: number;
}

/**
 * Code that reads a number of so many digits before and after the point from `at`, when the byte after it is known to be
 * its end and `LONGEST + 4` bytes before it may be read: `name` is left as it is when it is no such number, or begins
 * with an idle 0. Digits are read four at a time by words that end with the point and with the number: a test tells
 * whether all bytes are what they should be, then pairs of digits are added up, and pairs of these.
 */
export function fixed(name: string, { digits, places }: Form): { code: string; length: number } {
  const length = digits + (places > 0 ? places + 1 : 0);
  const groups = [...groupsOf(digits, digits, false), ...(places > 0 ? groupsOf(places, length, true) : [])];
  const words = groups.map(({ to, count, withPoint }, i) => {
    const bytes = Array.from({ length: WORD }, (_, k) => {
      const fromEnd = WORD - 1 - k;
      return fromEnd < count ? 'digit' : withPoint && fromEnd === count ? 'point' : 'none';
    });
    const wordOf = (values: Readonly<Record<string, number>>): number =>
      Buffer.from(bytes.map((byte) => values[byte] ?? 0)).readInt32LE();
    const keep = wordOf({ digit: 0xff, point: 0xff, none: 0 });
    const expected = wordOf({ digit: ZERO, point: POINT, none: 0 });
    const top = wordOf({ digit: 0x76, point: 0x7f, none: 0 });
    const read = `v.getInt32(at + ${to - WORD}, true)`;
    const masked = keep === -1 ? read : `(${read} & ${keep})`;
    return {
      read: `const w${i} = ${masked} ^ ${expected};`,
      wrong: `(w${i} + ${top}) | w${i}`,
      // A point became 0 where it is what it should be.
      value: count === 1 ? `(w${i} >>> 24)` : four(`w${i}`),
    };
  });
  const pointAlone = places > 0 && places % WORD === 0 ? ` && b[at + ${digits}] === ${POINT}` : '';
  const small = digits + places <= MOST_SMALL;
  let sum = '';
  for (const [i, { value }] of words.entries()) {
    const scale = 10 ** (groups[i]?.count ?? 0);
    sum = sum === '' ? value : small ? `(Math.imul(${sum}, ${scale}) + ${value})` : `(${sum} * ${scale} + ${value})`;
  }
  const least = digits > 1 ? 10 ** (digits + places - 1) : 0;
  const value = places > 0 ? `sum / ${10 ** places}` : 'sum';
  const code = `{ ${words.map(({ read }) => read).join(' ')}
if (((${words.map(({ wrong }) => wrong).join(' | ')}) & ${HIGHEST_BITS}) === 0${pointAlone}) { const sum = ${sum}; ${least > 0 ? `if (sum >= ${least}) ` : ''}${name} = ${value}; } }`;
  return { code, length };
}

interface Group {
  /** Where it ends. */
  readonly to: number;
  readonly count: number;
  /** The point stands before it within the word. */
  readonly withPoint: boolean;
}

/** So many digits that end at `to`, in groups of at most four. */
function groupsOf(count: number, to: number, afterPoint: boolean): Group[] {
  const first = count % WORD;
  const groups: Group[] = first === 0 ? [] : [{ to: to - count + first, count: first, withPoint: afterPoint }];
  for (let end = to - count + first + WORD; end <= to; end += WORD)
    groups.push({ to: end, count: WORD, withPoint: false });
  return groups;
}

/** The value of a word of four digits, the first the most. */
function four(word: string): string {
  return `(Math.imul((Math.imul(${word}, 2561) >>> 8) & 0xff00ff, 6553601) >>> 16)`;
}
