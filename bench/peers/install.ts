import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Library } from './libraries.ts';

/** A library as installed into a folder of its own. */
export interface Installed {
  readonly folder: string;
  /** Versions of the packages that its users name. */
  readonly versions: Readonly<Record<string, string>>;
  /** Of node_modules after its own packages alone: MB on disk, and how many packages. */
  readonly megabytes: number;
  readonly packages: number;
}

/** Where libraries are installed: kept between runs, outside the package. */
export function cacheFolder(): string {
  const { CREW_BENCH_CACHE: given, XDG_CACHE_HOME: cache = join(homedir(), '.cache') } = process.env;
  const folder = given ?? join(cache, 'orderflow-crew-bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Packs the build as it would be published; gives the tarball's path. */
export function packOurs(root: string, cache: string): string {
  if (!existsSync(join(root, 'dist'))) throw new Error(`${root} is not built: npm run build`);
  const out = npm(['pack', '--ignore-scripts', '--json', '--pack-destination', cache], root);
  const [packed] = JSON.parse(out) as { filename: string }[];
  if (packed === undefined) throw new Error(`npm pack gave no file: ${out}`);
  return join(cache, packed.filename);
}

/**
 * Installs a library without running any script of a package, or finds it installed at the same versions. Throws with
 * what npm says when it cannot be.
 */
export function install(library: Library, cache: string, adapters: string): Installed {
  const folder = join(cache, library.adapter);
  const record = join(folder, 'installed.json');
  const wanted = wantedText(library);
  const known = existsSync(record)
    ? (JSON.parse(readFileSync(record, 'utf8')) as Installed & { wanted: string })
    : null;
  if (known?.wanted !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    add(folder, library.packages);
    const size = sizeOf(folder);
    if (Object.keys(library.extra).length > 0) add(folder, library.extra);
    const versions = Object.fromEntries(
      Object.keys(library.packages).map((name) => [name, versionOf(folder, name)] as const),
    );
    writeFileSync(record, JSON.stringify({ wanted, folder, versions, ...size }));
  }
  for (const file of readdirSync(adapters).filter((name) => name.endsWith('.mjs')))
    copyFileSync(join(adapters, file), join(folder, file));
  const { versions, megabytes, packages } = JSON.parse(readFileSync(record, 'utf8')) as Installed;
  return { folder, versions, megabytes, packages };
}

export function versionOf(folder: string, name: string): string {
  const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** A tarball is known by what is in it: its version stays the same from build to build. */
function wantedText({ packages, extra }: Library): string {
  const parts = Object.entries({ ...packages, ...extra }).map(([name, version]) => {
    if (!version.startsWith('file:')) return `${name}@${version}`;
    const hash = createHash('sha256')
      .update(readFileSync(version.slice('file:'.length)))
      .digest('hex');
    return `${name}@${hash}`;
  });
  return [process.versions.node, ...parts].join(' ');
}

function add(folder: string, packages: Readonly<Record<string, string>>): void {
  const names = Object.entries(packages).map(([name, version]) =>
    version.startsWith('file:') ? version : `${name}@${version}`,
  );
  npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', '--loglevel=error', ...names], folder);
}

/** As `du` counts, and as npm's lock does: a package that is there twice is two. */
function sizeOf(folder: string): { readonly megabytes: number; readonly packages: number } {
  const du = spawnSync('du', ['-sk', 'node_modules'], { cwd: folder, encoding: 'utf8' });
  if (du.status !== 0) throw new Error(`du: ${du.stderr}`);
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, unknown>>;
  };
  const there = Object.keys(lock.packages).filter((path) => path !== '' && existsSync(join(folder, path)));
  return { megabytes: Number.parseInt(du.stdout, 10) / 1024, packages: there.length };
}

function npm(args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: 1e8 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`npm ${args[0] ?? ''} ended with ${String(status)}: ${stderr.trim()}`);
  return stdout;
}
