import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskSpace, ensureWritableFolder, writeFileAtomic } from '../../src/infra/files.ts';
import { Unavailable } from '../../src/kit/errors.ts';

test('a folder is made and proven writable, or the reason is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'files-'));
  try {
    await ensureWritableFolder(join(folder, 'a', 'b'));
    expect(await readdir(join(folder, 'a', 'b'))).toEqual([]);
    await writeFile(join(folder, 'file'), '');
    await expect(ensureWritableFolder(join(folder, 'file', 'c'))).rejects.toThrow(Unavailable);
    await expect(ensureWritableFolder(join(folder, 'file', 'c'))).rejects.toThrow(/file\/c cannot be written/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a file is replaced in one step and leaves nothing beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'files-'));
  try {
    const path = join(folder, 'x.json');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, 'two', 0o600);
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(folder)).toEqual(['x.json']);
    await expect(writeFileAtomic(join(folder, 'nowhere', 'x'), '')).rejects.toThrow(Unavailable);
    await chmod(path, 0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the disk has room', async () => {
  const { freeBytes, totalBytes } = await diskSpace(tmpdir());
  expect(freeBytes).toBeGreaterThan(0);
  expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
});
