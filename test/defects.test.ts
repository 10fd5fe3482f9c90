import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DEFECTS } from './defects.ts';

/** How a test of this title stands in its file, and what stands before it: `it(`, `test.each(ROWS)(`. */
function callOf(source: string, title: string): string | undefined {
  for (const quote of ["'", '`', '"']) {
    const at = source.indexOf(`${quote}${title}${quote}`);
    if (at >= 0) return /\b(?:it|test)\b[^;{}]*\($/.exec(source.slice(Math.max(0, at - 400), at).trimEnd())?.[0];
  }
  return undefined;
}

describe('each known defect has tests that would find it here', () => {
  test.each(DEFECTS)('$area: $defect', ({ tests }) => {
    expect(Object.values(tests).flat().length).toBeGreaterThan(0);
    for (const [file, titles] of Object.entries(tests)) {
      const path = `test/${file}`;
      expect(existsSync(path), path).toBe(true);
      const source = readFileSync(path, 'utf8');
      expect(titles.length, `${path} is named without a test`).toBeGreaterThan(0);
      for (const title of titles) {
        const call = callOf(source, title);
        expect(call, `${path} has no test '${title}'`).toBeDefined();
        expect(call, `${path}: '${title}' does not run`).not.toMatch(/\.(?:skip|todo|only|fails)\b/);
      }
    }
  });

  test('and stands in the table once', () => {
    expect(new Set(DEFECTS.map(({ defect }) => defect)).size).toBe(DEFECTS.length);
  });

  test('by a look that can fail', () => {
    const source = "test.skip('a', () => {});\nit.each(ROWS)('b %s', () => {});\nconst c = 'c';";
    expect(callOf(source, 'a')).toMatch(/\.skip/);
    expect(callOf(source, 'b %s')).toBe('it.each(ROWS)(');
    expect(callOf(source, 'c')).toBeUndefined();
    expect(callOf(source, 'd')).toBeUndefined();
  });
});
