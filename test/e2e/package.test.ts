import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { built, temporaryFolder } from './crew.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

const CONSUMER = `import { CrewController, type RunDocument } from 'orderflow-crew';
import { createCrewRunner, defineTool, type CrewSpec } from 'orderflow-crew/crew';
import { DEFAULT_SYMBOLS, type MarketRecord } from 'orderflow-crew/market';
import { createDeskSurface } from 'orderflow-crew/mcp';
import { ManualClock } from 'orderflow-crew/testing';

export async function report(controller: CrewController): Promise<RunDocument['status']> {
  controller.on('data.gap_detected', ({ data }) => process.stdout.write(JSON.stringify(data)));
  const surface = await createDeskSurface(controller.desk, { version: '1' });
  process.stdout.write(surface.name + DEFAULT_SYMBOLS.join());
  return (await controller.kickoff('data-ops')).status;
}
export type Shapes = [CrewSpec, MarketRecord, typeof createCrewRunner, typeof defineTool, typeof ManualClock];
// @ts-expect-error a source is a text: this line proves that types were found at all
export const wrong = new CrewController({ source: 1 });
`;

const CONSUMER_CONFIG = {
  compilerOptions: {
    target: 'ES2023',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
  },
  files: ['consumer.ts'],
};

interface LockedPackage {
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A project that depends on the tarball alone, locked to the versions that are tested here: no version is looked up. */
function writeProject(folder: string, tarball: string): void {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
  const { version, dependencies, bin } = read('package.json') as Record<string, unknown>;
  const { packages } = read('package-lock.json') as { packages: Record<string, LockedPackage> };
  const production = Object.entries(packages).flatMap(([path, entry]) => {
    if (path === '' || entry.dev === true) return [];
    // Binaries of other platforms are left out: only this one is installed.
    const optional = Object.entries(entry.optionalDependencies ?? {}).filter(
      ([name]) => `node_modules/${name}` in packages,
    );
    return [[path, { ...entry, optionalDependencies: Object.fromEntries(optional) }] as const];
  });
  const project = { name: 'consumer', version: '1.0.0', type: 'module', dependencies: { 'orderflow-crew': tarball } };
  const lock = {
    name: 'consumer',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: {
      '': project,
      'node_modules/orderflow-crew': { version, resolved: tarball, dependencies, bin },
      ...Object.fromEntries(production),
    },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
}

const fromDist = (file: string): string => file.slice('dist/'.length);
const sourceOf = (file: string): string => join(ROOT, fromDist(file).replace(/\.js$/, '.ts'));

function scripts(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?js$/.test(file))
    .map((file) => join(folder, file));
}

describe.runIf(built)('the build', () => {
  it('loads nothing by a TypeScript path', () => {
    // TypeScript leaves the path of an import() unwritten inside functions that use `await using`.
    const left = scripts(join(ROOT, 'dist')).filter((file) => {
      const code = readFileSync(file, 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
      return /import\(\s*['"`][^'"`]*\.ts['"`]/.test(code);
    });
    expect(left).toEqual([]);
  });
});

describe.runIf(built && process.platform !== 'win32')('the command in this folder', () => {
  it('can be executed after every build, not only after npm linked it', () => {
    const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: Record<string, string> };
    const modes = Object.values(bin).map((path) => statSync(join(ROOT, path)).mode & 0o111);
    expect(modes).toEqual([0o111]);
  });

  it('is built by npm when a source is newer, and else left as it is', async () => {
    const folder = temporaryFolder();
    for (const path of ['src', 'crews', 'scripts']) mkdirSync(join(folder, path));
    copyFileSync(join(ROOT, 'scripts/prepare.mjs'), join(folder, 'scripts/prepare.mjs'));
    const build = `node -e "fs.appendFileSync('builds','x');fs.rmSync('dist',{recursive:true,force:true});fs.mkdirSync('dist/chunks',{recursive:true})"`;
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { build } }));
    writeFileSync(join(folder, 'src/a.ts'), '');
    const builds = async (): Promise<number> => {
      await run(process.execPath, ['scripts/prepare.mjs'], { cwd: folder });
      return readFileSync(join(folder, 'builds'), 'utf8').length;
    };
    expect(await builds()).toBe(1);
    expect(await builds()).toBe(1);
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(folder, 'src/a.ts'), later, later);
    expect(await builds()).toBe(2);
  }, 60_000);
});

describe.runIf(built)('the package', { timeout: 180_000 }, () => {
  const folder = temporaryFolder();
  const crew = join(folder, 'node_modules/.bin/crew');
  let files: readonly string[] = [];

  beforeAll(async () => {
    const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      cwd: ROOT,
    });
    const [tarball] = JSON.parse(packed.stdout) as [{ filename: string; files: readonly { path: string }[] }];
    files = tarball.files.map((file) => file.path);
    writeProject(folder, `file:${tarball.filename}`);
    await run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder });
  }, 180_000);

  it('holds what is needed and nothing else', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'README.md',
        'LICENSE',
        'system.yaml',
        'agents.yaml',
        'tasks.yaml',
        'crews.yaml',
        'flows.yaml',
        'schemas/system.schema.json',
        'templates/crew/crews/survey/playbook.mjs',
        'docs/architecture.md',
        'docs/tools.md',
        'dist/src/index.js',
        'dist/src/index.d.ts',
        'dist/src/infra/duckdb/worker.mjs',
        'dist/src/market/collect/tape/unpack-worker.mjs',
        'dist/src/market/collect/tape/worker.mjs',
        'dist/crews/data-ops/playbook.js',
        'dist/crews/operations/playbook.js',
      ]),
    );
    expect(
      files.filter(
        (file) =>
          !/^(dist\/(src|crews|chunks)|docs|schemas|templates)\/|^crews\/[a-z-]+\/evaluation\.yaml$|^[^/]+$/.test(file),
      ),
    ).toEqual([]);
    expect(files.filter((file) => /\.(tgz|duckdb|map)$|(^|\/)(test|bench|data)\//.test(file))).toEqual([]);
    const sources = files.filter((file) => /^dist\/(src|crews)\/.*\.m?js$/.test(file));
    const orphans = sources.filter((file) => !existsSync(sourceOf(file)) && !existsSync(join(ROOT, fromDist(file))));
    expect(orphans, 'built from files that are gone; delete dist and build').toEqual([]);
  });

  it('holds few modules, each of them in use', () => {
    const modules = files.filter((file) => /\.m?js$/.test(file));
    expect(modules.length).toBeLessThan(200);
    const code = modules.map((file) => readFileSync(join(ROOT, file), 'utf8'));
    const chunks = modules.filter((file) => file.startsWith('dist/chunks/'));
    expect(chunks.length).toBeGreaterThan(10);
    const unused = chunks.filter((file) => !code.some((text) => text.includes(`/${basename(file)}"`)));
    expect(unused, 'imported by nothing').toEqual([]);
    const wide = modules.filter((_, i) => /[^\0-\xff]/.test(code[i] ?? ''));
    expect(wide, 'V8 would keep these in two bytes a character').toEqual([]);
  });

  it('has a command that finds its own parts', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect((await run(crew, ['--version'], { cwd: folder })).stdout.trim()).toBe(version);
    const doctor = JSON.parse(
      (await run(crew, ['doctor', '--json'], { cwd: folder }).catch((error: unknown) => error as { stdout: string }))
        .stdout,
    ) as {
      checks: readonly { id: string; ok: boolean; message: string }[];
    };
    expect(doctor.checks.filter((check) => !check.ok)).toEqual([]);
  });

  it('runs its crews with their code in an empty folder', async () => {
    const cwd = temporaryFolder();
    const args = ['run', 'data-ops', '--shadow', '--exchanges', 'bybit_spot', '--symbols', 'BTCUSDT', '--json'];
    const { stdout } = await run(crew, args, { cwd, maxBuffer: 64e6 });
    const document = JSON.parse(stdout) as { status: string; tasks: { tool_calls: unknown[] }[] };
    expect(document.status).toBe('completed');
    expect(document.tasks.flatMap((task) => task.tool_calls).length).toBeGreaterThan(5);
  });

  it('has five entry points', async () => {
    const names = ['', '/crew', '/market', '/mcp', '/testing'].map((path) => `orderflow-crew${path}`);
    const code = `for (const name of ${JSON.stringify(names)}) console.log(name, Object.keys(await import(name)).length > 3);`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: folder });
    expect(stdout.trim().split('\n')).toEqual(names.map((name) => `${name} true`));
  });

  it('type-checks in a strict consumer', async () => {
    mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
    if (!existsSync(join(folder, 'node_modules/@types/node')))
      symlinkSync(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
    writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(CONSUMER_CONFIG));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', '.'], { cwd: folder }).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');
  });
});
