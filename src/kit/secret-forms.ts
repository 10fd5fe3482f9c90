/** A text as it is meant. */
export interface Reading {
  readonly text: string;
  /** Where in the text that was given each of its characters begins (one more: where it ends). */
  readonly places: () => readonly number[];
}

/** One way of escaping. */
interface Writing {
  /** Without it a text holds nothing that is escaped so. */
  readonly sign: string;
  readonly pattern: RegExp;
  readonly meaning: (escaped: string) => string;
}

/** Shorter ones are too common in Base64. */
const SHORTEST_BASE64 = 10;
/** JSON in JSON in JSON. */
const LEVELS = 3;
const SHORT: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

const json: Writing = {
  sign: '\\',
  pattern: /\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])/g,
  meaning: (escaped) =>
    escaped.length > 2
      ? String.fromCharCode(Number.parseInt(escaped.slice(2), 16))
      : (SHORT[escaped.slice(1)] ?? escaped.slice(1)),
};
/** A character of several bytes is read as one; bytes that are none stay. */
const percent: Writing = {
  sign: '%',
  pattern: /%[0-7][\da-fA-F]|%[c-dC-D]\w%\w\w|%[eE]\w(?:%\w\w){2}|%[fF]\w(?:%\w\w){3}/g,
  meaning: (escaped) => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return escaped;
    }
  },
};
const plus: Writing = { sign: '+', pattern: /\+/g, meaning: () => ' ' };

/**
 * What a text says when it is read as JSON's escapes (once and over again), as an address's (`%41`) and as both; `form`
 * also reads `+` as a space. Readings that say nothing else than another are left out.
 */
export function readings(text: string, form: boolean): readonly Reading[] {
  const found: Reading[] = [];
  const writings = form ? [json, percent, plus] : [json, percent];
  let level: Reading[] = [{ text, places: () => Array.from({ length: text.length + 1 }, (_, i) => i) }];
  for (let depth = 0; depth < LEVELS && level.length > 0; depth++) {
    const next: Reading[] = [];
    for (const known of level) {
      for (const writing of writings) {
        if (!known.text.includes(writing.sign)) continue;
        const read = known.text.replace(writing.pattern, writing.meaning);
        if (read === known.text || [...found, ...next].some((one) => one.text === read)) continue;
        next.push({ text: read, places: () => placesOf(known, writing) });
      }
    }
    found.push(...next);
    level = next;
  }
  return found;
}

/**
 * Base64 of a value wherever it may stand in a longer text: the characters that it alone decides, for each of the three
 * places where it may begin (RFC 4648 §4), and the same in the alphabet of addresses (§5).
 */
export function base64Forms(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const forms = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return forms.filter((form) => form.length >= SHORTEST_BASE64);
}

/** Where the characters of a text begin that is read once more, in the text that was given first. */
function placesOf({ text, places }: Reading, { pattern, meaning }: Writing): readonly number[] {
  const known = places();
  const read: number[] = [];
  let at = 0;
  const keep = (to: number): void => {
    for (; at < to; at++) read.push(known[at] ?? 0);
  };
  for (const { 0: escaped, index } of text.matchAll(pattern)) {
    keep(index);
    const meant = meaning(escaped);
    if (meant === escaped) continue;
    for (let i = 0; i < meant.length; i++) read.push(known[index] ?? 0);
    at = index + escaped.length;
  }
  keep(text.length + 1);
  return read;
}
