import fc from 'fast-check';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppendLog } from '../../src/infra/append-log.ts';
import { Corrupt, InvalidInput, Unavailable } from '../../src/kit/errors.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'crew-log-'));
const files = (dir: string): readonly string[] => readdirSync(dir).sort();
const only = (dir: string): string => join(dir, files(dir)[0] ?? '');

async function written(dir: string, groups: readonly (readonly string[])[]): Promise<void> {
  await using log = (await AppendLog.open(dir)).log;
  for (const group of groups) await Promise.all(group.map((record) => log.append(record)));
}
const read = async (dir: string) => {
  const { log, recovered } = await AppendLog.open(dir);
  await log[Symbol.asyncDispose]();
  return recovered;
};

describe('AppendLog', () => {
  it('gives back what was acknowledged, in order, and shares one sync among what comes together', async () => {
    const dir = folder();
    const { log, recovered } = await AppendLog.open(dir);
    expect(recovered).toEqual({ records: [], tornBytes: 0 });
    await Promise.all(Array.from({ length: 50 }, (_, i) => log.append(`r${i}`)));
    await log.append('ü €');
    expect(log.syncs).toBe(2);
    expect(log.bytes).toBe(statSync(only(dir)).size);
    await log[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    await expect(log.append('late')).rejects.toThrow(Unavailable);
    expect((await read(dir)).records).toEqual([...Array.from({ length: 50 }, (_, i) => `r${i}`), 'ü €']);
  });

  it('drops files whose records are kept elsewhere, and only those', async () => {
    const dir = folder();
    const { log } = await AppendLog.open(dir);
    const before = log.append('old');
    const closed = log.rotate();
    const after = log.append('new');
    await Promise.all([before, after]);
    expect(files(dir)).toHaveLength(2);
    await log.drop(await closed);
    await log[Symbol.asyncDispose]();
    expect((await read(dir)).records).toEqual(['new']);
  });

  it('cuts off a group that was torn at any byte, and keeps all before it', async () => {
    const whole = folder();
    await written(whole, [['a', 'b'], ['c']]);
    const first = readFileSync(only(whole));
    await written(whole, []);
    const two = first.length;
    const oneGroup = 8 + 'a\nb'.length;
    for (let cut = oneGroup; cut < two; cut++) {
      const dir = folder();
      writeFileSync(join(dir, '000000000001.journal'), first.subarray(0, cut));
      expect(await read(dir)).toEqual({ records: ['a', 'b'], tornBytes: cut - oneGroup });
      // The torn bytes are gone, so the next process finds a whole file.
      expect(await read(dir)).toEqual({ records: ['a', 'b'], tornBytes: 0 });
    }
  });

  it('cuts off a last group whose bytes are wrong, and refuses one that others were written behind', async () => {
    const dir = folder();
    await written(dir, [['first'], ['second']]);
    const path = only(dir);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = 0;
    writeFileSync(path, bytes);
    expect((await read(dir)).records).toEqual(['first']);

    const damaged = folder();
    await written(damaged, [['first'], ['second']]);
    const wrong = readFileSync(only(damaged));
    wrong[9] = 0;
    writeFileSync(only(damaged), wrong);
    await expect(AppendLog.open(damaged)).rejects.toThrow(Corrupt);
    await expect(AppendLog.open(damaged)).rejects.toThrow(/damaged at byte 0/);

    const older = folder();
    await written(older, [['first']]);
    await written(older, [['second']]);
    truncateSync(only(older), 10);
    await expect(AppendLog.open(older)).rejects.toThrow(Corrupt);
  });

  it('cuts off what the disk filled with zeros', async () => {
    const dir = folder();
    await written(dir, [['first']]);
    appendFileSync(only(dir), Buffer.alloc(4096));
    expect(await read(dir)).toEqual({ records: ['first'], tornBytes: 4096 });
  });

  it('takes one line at a time, and nothing more once a write has failed', async () => {
    const dir = folder();
    const { log } = await AppendLog.open(dir);
    await expect(log.append('')).rejects.toThrow(InvalidInput);
    await expect(log.append('a\nb')).rejects.toThrow(InvalidInput);
    // The name of the next file is taken, so it cannot be made.
    writeFileSync(join(dir, '000000000001.journal'), '');
    await expect(log.append('x')).rejects.toThrow(/cannot be written/);
    await expect(log.append('y')).rejects.toThrow(Unavailable);
    await expect(AppendLog.open(join(only(dir), 'below-a-file'))).rejects.toThrow(/cannot be made/);
  });

  it('keeps any texts, however they are grouped', async () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(line, { maxLength: 4 }), { maxLength: 6 }), async (groups) => {
        const dir = folder();
        await written(dir, groups);
        expect((await read(dir)).records).toEqual(groups.flat());
      }),
      { seed: 7, numRuns: 25 },
    );
  });
});
