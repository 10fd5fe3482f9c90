import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../../../src/kit/clock.ts';
import { silentLogger } from '../../../../src/kit/logger.ts';
import { verifyTape } from '../../../../src/market/collect/tape/inspect.ts';
import { readTape } from '../../../../src/market/collect/tape/reader.ts';
import { TapeWriter } from '../../../../src/market/collect/tape/writer.ts';
import { collect, temporaryFolder } from '../support.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const CHILD = 'test/market/collect/tape';
/** The child and the sources that it needs, as JavaScript, where it finds the same node_modules. */
let sources = '';

beforeAll(async () => {
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  sources = await mkdtemp(join(cache, 'killed-writer-'));
  await writeFile(join(sources, 'package.json'), '{"type":"module"}');
  for (const folder of ['src/kit', 'src/market/domain', 'src/market/collect/tape', CHILD]) {
    for (const name of await readdir(join(root, folder))) {
      if (name.endsWith('.mjs')) {
        await mkdir(join(sources, folder), { recursive: true });
        await copyFile(join(root, folder, name), join(sources, folder, name));
      }
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const { outputText } = ts.transpileModule(await readFile(join(root, folder, name), 'utf8'), {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2023,
          rewriteRelativeImportExtensions: true,
          verbatimModuleSyntax: true,
        },
      });
      const target = join(sources, folder, name.replace(/\.ts$/, '.js'));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, outputText);
    }
  }
});

afterAll(() => rm(sources, { recursive: true, force: true }));

test('what was flushed before a kill -9 is there, once each and in order', async () => {
  for (const afterMs of [1, 7, 23, 60, 110]) {
    await using folder = await temporaryFolder();
    const acknowledged = await writeUntilKilled(folder.path, afterMs);
    const clock = new ManualClock();
    await using next = await TapeWriter.open({
      folder: folder.path,
      clock,
      log: silentLogger,
      segmentBytes: 300_000,
      segmentMs: 900_000,
      flushMs: 5,
    });
    expect(next.segment).toBeGreaterThan(1);
    const read = await collect(readTape(folder.path));
    expect(read.length).toBeGreaterThanOrEqual(acknowledged);
    expect(acknowledged).toBeGreaterThan(0);
    read.forEach(({ item }, index) => expect(item).toMatchObject({ kind: 'frame', recv_time: index }));
    expect((await verifyTape(folder.path)).damage).toEqual([]);
  }
});

/** Kills the writer some time after its first acknowledgement; gives how many items it had acknowledged by then. */
function writeUntilKilled(folder: string, afterMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = join(sources, CHILD, 'killed-writer.js');
    const writer = spawn(process.execPath, [child, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    let timer: NodeJS.Timeout | undefined;
    writer.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      timer ??= setTimeout(() => writer.kill('SIGKILL'), afterMs);
    });
    writer.stderr.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    writer.on('close', (_code, signal) => {
      const lines = output.split('\n').slice(0, -1);
      if (signal === 'SIGKILL') resolve(Number(lines.at(-1)));
      else reject(new Error(`the writer ended by itself: ${errors}`));
    });
  });
}
