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
