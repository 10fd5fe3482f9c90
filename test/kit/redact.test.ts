import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/kit/redact.ts';

describe('a redactor', () => {
  const env = {
    HOUSE_API_KEY: 'very-secret.1',
    LONG_TOKEN: 'very-secret.1-and-more',
    SHORT_KEY: 'abc',
    HOOK: 'https://hooks.example/T0/B0/xyz',
    DESK_DATABASE: 'postgresql://crew:p%40ss-word@db/desk',
    HOME: '/home/somebody',
  };
  const redactor = createRedactor(env, ['HOOK', 'DESK_DATABASE']);

  test('names the variable in the place of its value, the longest first', () => {
    expect(redactor.text('a very-secret.1-and-more b very-secret.1 c very-secret-1')).toBe(
      'a [LONG_TOKEN] b [HOUSE_API_KEY] c very-secret-1',
    );
    expect(redactor.text(`to ${env.HOOK}: ${env.HOME} abc`)).toBe('to [HOOK]: /home/somebody abc');
  });

  test('knows the password in an address, as it stands there and as it is meant', () => {
    expect(redactor.text('p%40ss-word p@ss-word')).toBe('[DESK_DATABASE] [DESK_DATABASE]');
  });

  test('takes out what looks like a key, whoever holds it', () => {
    expect(redactor.text('sk-abcdefghij0123456789 and Bearer abcdefghij0123456789')).toBe('[secret] and [secret]');
  });

  test('goes through values and keys, and leaves all else as it is', () => {
    const value = { list: ['very-secret.1', 7, null], 'very-secret.1': { deep: true } };
    expect(redactor.value(value)).toEqual({ list: ['[HOUSE_API_KEY]', 7, null], '[HOUSE_API_KEY]': { deep: true } });
    expect(createRedactor({}).text('very-secret.1')).toBe('very-secret.1');
  });
});

/** Every UTF-16 unit as `\\uXXXX`, or those beyond ASCII alone, as some writers of JSON do it. */
const unicode = (text: string, all: boolean): string =>
  Array.from(text)
    .flatMap((c) => (all || c > '~' ? c.split('') : [c]))
    .map((c) => (all || c > '~' ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c))
    .join('');
const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const form = (text: string): string => new URLSearchParams({ a: text }).toString().slice(2);

const WRITERS: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'as JSON': json,
  'as JSON in JSON': (text) => json(json(text)),
  'as JSON in JSON in JSON': (text) => json(json(json(text))),
  'as JSON in ASCII': (text) => unicode(json(text), false),
  'as JSON in ASCII, upper case': (text) =>
    unicode(json(text), false).replace(/(?<=\\u)[0-9a-f]{4}/g, (hex) => hex.toUpperCase()),
  'as JSON with every slash escaped': (text) => json(text).replaceAll('/', '\\/'),
  'as JSON in escapes alone': (text) => unicode(text, true),
  'in an address': encodeURIComponent,
  'in a form': form,
  'in an address in JSON': (text) => json(encodeURIComponent(text)),
  'as JSON in an address': (text) => encodeURIComponent(json(text)),
};

describe('secrets of any characters', () => {
  // Environment variables hold no NUL. A space at the edge is an edge of words too.
  const secret = fc.string({ unit: 'grapheme', minLength: 12, maxLength: 60 });
  const knowing = (value: string) => createRedactor({ HOUSE_KEY: value });
  const options = { seed: 20_261_129, numRuns: 300 };

  test.each(Object.entries(WRITERS))('are taken out %s', (_, write) => {
    fc.assert(
      fc.property(secret, (value) => {
        const clean = knowing(value).text(`{"said":"<${write(value)}>","n":1}`);
        expect(clean).toMatch(/^\{"said":"<(\[HOUSE_KEY\])+>","n":1\}$/);
      }),
      options,
    );
  });

  test('are taken out of Base64, wherever they begin and end in what is written in it', () => {
    fc.assert(
      fc.property(
        secret,
        fc.string({ maxLength: 8 }),
        fc.string({ maxLength: 8 }),
        fc.boolean(),
        (value, a, b, url) => {
          const given = Buffer.from(`${a}${value}${b}`).toString(url ? 'base64url' : 'base64');
          const clean = knowing(value).text(`Basic ${given}`);
          const [before = '', after = '', ...more] = clean.slice('Basic '.length).split('[HOUSE_KEY]');
          expect(more).toEqual([]);
          // What is left says at most the last six bits of the one before it, or the first of the one behind.
          expect(before.length).toBeLessThanOrEqual(Math.ceil((Buffer.byteLength(a) * 8) / 6));
          expect(after.length).toBeLessThanOrEqual(Math.ceil((Buffer.byteLength(b) * 8) / 6) + 3);
        },
      ),
      options,
    );
  });

  test('are taken out where a text was cut in them', () => {
    fc.assert(
      fc.property(
        secret,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(...['', '"}', '…', '...']),
        (value, share, edge) => {
          const at = 12 + Math.floor(share * (value.length - 12));
          const redactor = knowing(value);
          const first = redactor.text(`said ${value.slice(0, at)}${edge}`);
          const second = redactor.text(`${value.slice(-at)} was said`);
          if (value.length > 12) {
            expect(first).toBe(`said [HOUSE_KEY]${edge}`);
            expect(second).toBe('[HOUSE_KEY] was said');
          }
        },
      ),
      options,
    );
  });

  test('are told from texts that only begin or end like them', () => {
    const redactor = createRedactor({ DB_PASSWORD: 'a-password-of-the-desk', DB: 'postgresql://db.internal/desk' }, [
      'DB',
    ]);
    for (const text of [
      'a-password-of-mine',
      'this is of-the-desk, "a-password"',
      'postgresql://db.internal',
      '100 % \\n of \\u00e9',
    ])
      expect(redactor.text(text)).toBe(text);
  });
});
