import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteLines } from '../../src/infra/lines.ts';

async function linesOf(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of byteLines(Readable.from(chunks))) lines.push(Buffer.from(line).toString());
  return lines;
}

test('lines are the same however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.nat(40)), async (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll('\n', ''));
      let bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const chunks: Buffer[] = [];
      for (const cut of cuts) {
        chunks.push(bytes.subarray(0, cut));
        bytes = bytes.subarray(cut);
      }
      expect(await linesOf([...chunks.filter((chunk) => chunk.length > 0), bytes])).toEqual(lines);
    }),
    { numRuns: 200, seed: 20_261_128 },
  );
});

test('a last line without an end counts, an end alone does not', async () => {
  expect(await linesOf(['a\nb'])).toEqual(['a', 'b']);
  expect(await linesOf(['a\n', '\n', 'b\n'])).toEqual(['a', '', 'b']);
  expect(await linesOf([])).toEqual([]);
});
