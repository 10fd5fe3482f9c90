/** How texts become terms for looking up: in small letters, without endings of plurals and words that say nothing. */

/** Words of English that say nothing about what a text is about. */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  'a about after all an and any are as at be been by can could did do does for from get give has have how i in into is it its like make many may me much my now of off on one onto or our out over please right say since so some tell than that the their them then there these they this those to us use was we were what when where which who whom whose why will with would you your'.split(
    ' ',
  ),
);

/** Scripts without spaces between words: looked up by pairs of characters. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+/gu;

/** The word without the ending of a plural. */
export function stem(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.length > 3 && word.endsWith('s') && !word.endsWith('ss') && !word.endsWith('us')
    ? word.slice(0, -1)
    : word;
}

/**
 * The terms of a text, in order, repeats kept: words and numbers in small letters, stemmed, stop words left out.
 * Digits keep their point (`0.01`); snake_case and camelCase names count whole and by their parts.
 */
export function termsOf(text: string): readonly string[] {
  const terms: string[] = [];
  const spaced = text.normalize('NFKC').replaceAll(UNSPACED, (run) => {
    const characters = Array.from(run);
    if (characters.length === 1) terms.push(run);
    for (let i = 0; i + 1 < characters.length; i++) terms.push(`${characters[i] ?? ''}${characters[i + 1] ?? ''}`);
    return ' ';
  });
  for (const [word] of spaced.matchAll(/\d+(?:\.\d+)+|[\p{L}\p{N}_]+/gu)) {
    const parts = partsOf(word);
    for (const part of parts.length > 1 ? [word, ...parts] : parts) {
      const lower = part.toLowerCase();
      if (!STOP_WORDS.has(lower)) terms.push(stem(lower));
    }
  }
  return terms;
}

/** `get_open_interest` and `openInterest` by their words; all else whole. */
function partsOf(word: string): readonly string[] {
  if (!/[\p{L}]/u.test(word)) return [word];
  return word.split(/_+|(?<=\p{Ll})(?=\p{Lu})/u).filter((part) => part !== '');
}
