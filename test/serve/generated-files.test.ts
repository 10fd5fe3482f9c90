import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedBlocks, generatedFiles, withBlock } from '../../src/serve/generated-files.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('generated files', () => {
  it.each(Object.keys(generatedFiles()))('%s is up to date (npm run docs)', (path) => {
    expect(existsSync(join(root, path))).toBe(true);
    expect(read(path)).toBe(generatedFiles()[path]);
  });

  it.each(Object.entries(generatedBlocks(read)))('the blocks of %s are up to date (npm run docs)', (path, blocks) => {
    const text = read(path);
    for (const [name, block] of Object.entries(blocks)) expect(withBlock(text, name, block)).toBe(text);
  });

  it('says when a block has lost its marks', () => {
    expect(withBlock('a <!-- x:begin --> b <!-- x:end --> c', 'x', 'new')).toBe(
      'a <!-- x:begin -->\n\nnew\n\n<!-- x:end --> c',
    );
    expect(() => withBlock('<!-- x:begin -->', 'x', 'new')).toThrow('there is no block');
  });
});
