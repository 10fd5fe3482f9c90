import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedFiles } from '../../src/serve/generated-files.ts';

const root = join(import.meta.dirname, '../..');

describe('generated files', () => {
  it.each(Object.keys(generatedFiles()))('%s is up to date (npm run docs)', (path) => {
    expect(existsSync(join(root, path))).toBe(true);
    expect(readFileSync(join(root, path), 'utf8')).toBe(generatedFiles()[path]);
  });
});
