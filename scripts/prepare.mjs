// Called by npm on `npm install`, `npm pack` and the first `npx crew` in this folder. Builds only what is not built
// yet: a build empties dist, and a desk that runs from it loads parts of it on demand.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ['src', 'crews', 'scripts', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
/** What only a build that came to its end has. */
const BUILT = 'dist/chunks';

const built = changedAt(join(root, BUILT));
if (built === undefined || SOURCES.some((path) => newest(join(root, path)) > built)) {
  process.exitCode = spawnSync('npm run build', { cwd: root, stdio: 'inherit', shell: true }).status ?? 1;
}

/** Folders count as well: theirs is the time at which a file came or went. */
function newest(path) {
  const inside = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(path, { recursive: true }).filter((name) => !name.endsWith('.generated.ts'))
    : [];
  return Math.max(...[path, ...inside.map((name) => join(path, name))].map((file) => changedAt(file) ?? 0));
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
