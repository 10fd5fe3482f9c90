import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('limits that real processes share: of 150 requests at once none is lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'window-'));
  const built = (path: string): string => JSON.stringify(new URL(`../../dist/src/infra/${path}`, import.meta.url).href);
  const script = `
    const { SharedWindow } = await import(${built('shared-window.js')});
    const { systemClock } = await import(${built('clock.js')});
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
