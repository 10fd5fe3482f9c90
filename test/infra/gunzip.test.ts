import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { isGzip, unpacked } from '../../src/infra/gunzip.ts';

async function textOf(chunks: readonly (string | Buffer)[]): Promise<string> {
  let text = '';
  for await (const chunk of unpacked(Readable.from(chunks))) text += Buffer.from(chunk).toString();
  return text;
}

const packed = gzipSync('one\ntwo\n');

it('unpacks what begins as gzip, in any pieces, and passes on what does not', async () => {
  expect([isGzip(packed), isGzip(Buffer.from('{}')), isGzip(Buffer.from(''))]).toEqual([true, false, false]);
  expect(await textOf([packed])).toBe('one\ntwo\n');
  expect(await textOf([packed.subarray(0, 5), packed.subarray(5, 9), packed.subarray(9)])).toBe('one\ntwo\n');
  expect(await textOf(['one\n', 'two\n'])).toBe('one\ntwo\n');
  expect(await textOf([Buffer.from('{}')])).toBe('{}');
  expect(await textOf([])).toBe('');
});

it('throws what the unpacking or the input throws', async () => {
  await expect(textOf([packed.subarray(0, 12)])).rejects.toThrow(/unexpected end/);
  const failing = Readable.from(
    (function* () {
      yield packed.subarray(0, 12);
      throw new Error('no disk');
    })(),
  );
  await expect(async () => {
    for await (const chunk of unpacked(failing)) expect(chunk).toBeDefined();
  }).rejects.toThrow('no disk');
});
