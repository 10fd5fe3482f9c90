// `npm run bench` lists the benchmarks; `npm run bench -- NAME …` builds and runs them one after another.
// `--json` has those that can (peers) write their figures as JSON to stdout, and everything else to stderr.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const all = readdirSync(folder)
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.slice(0, -'.bench.ts'.length));
const json = process.argv.includes('--json');
// Other options (`--seconds=60`) are the benchmarks' own.
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const unknown = wanted.filter((name) => !all.includes(name) && name !== 'all');

if (wanted.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) process.stdout.write(`no such benchmark: ${unknown.join(', ')}\n`);
  process.stdout.write(`benchmarks: ${all.join(', ')}, all\n`);
  process.exitCode = unknown.length > 0 ? 2 : 0;
} else {
  const built = spawnSync('npx', ['--no-install', 'tsc', '-p', 'tsconfig.bench.json'], {
    cwd: dirname(folder),
    stdio: json ? ['inherit', 2, 2] : 'inherit',
  });
  if (built.status !== 0) process.exit(1);
  for (const name of wanted.includes('all') ? all : wanted) {
    (json ? process.stderr : process.stdout).write(
      `\n== ${name}: Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load ${loadavg()[0]?.toFixed(1)}\n`,
    );
    const { run } = await import(pathToFileURL(join(dirname(folder), '.bench', 'bench', `${name}.bench.js`)).href);
    await run({ json });
  }
}
