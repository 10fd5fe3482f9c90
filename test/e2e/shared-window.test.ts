import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

/** The window and the clock as JavaScript that another process can load: the build has no files of their own. */
async function compiled(folder: string): Promise<void> {
  const infra = join(import.meta.dirname, '../../src/infra');
  const bundle = await rolldown({
    input: { window: join(infra, 'shared-window.ts'), clock: join(infra, 'clock.ts') },
    platform: 'node',
  });
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' });
  await bundle.close();
}

test('limits that real processes share: of 150 requests at once none is lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'window-'));
  const code = join(folder, 'code');
  await compiled(code);
  const module = (name: string): string => JSON.stringify(pathToFileURL(join(code, name)).href);
  const script = `
    const { SharedWindow } = await import(${module('window.mjs')});
    const { systemClock } = await import(${module('clock.mjs')});
    let n = 0;
    const newId = () => process.pid + '-' + n++;
    const window = new SharedWindow({ clock: systemClock, folder: ${JSON.stringify(folder)}, newId });
    const { signal } = new AbortController();
    for (let i = 0; i < 50; i++) await window.take('k', { requests: null, tokens: null }, 2, 1000, signal);`;
  const run = (): Promise<number | null> =>
    new Promise((resolve) => {
      const stdio = ['ignore', 'ignore', 'inherit'] as const;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: [...stdio] });
      child.on('exit', resolve);
    });
  try {
    expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);
    const state = JSON.parse(await readFile(join(folder, 'k.json'), 'utf8')) as {
      readonly entries: readonly unknown[];
    };
    expect(state.entries).toHaveLength(150);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
