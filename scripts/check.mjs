// Runs every static gate and says which failed. `npm run check` generates first.
import { spawnSync } from 'node:child_process';

const gates = [
  ['types', 'tsc', ['--noEmit']],
  ['format', 'biome', ['format', '.']],
  ['lint', 'eslint', ['--max-warnings', '0', 'src', 'crews', 'test', 'bench', 'examples']],
  ['imports', 'depcruise', ['src', 'crews', '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long']],
];

const failed = [];
for (const [name, command, args] of gates) {
  const started = performance.now();
  const { status } = spawnSync('npx', ['--no-install', command, ...args], { stdio: 'inherit' });
  process.stdout.write(
    `${status === 0 ? 'ok  ' : 'FAIL'} ${name} ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
  );
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  process.stdout.write(`failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}
