// Joins the modules that tsc wrote to dist into few files: about 800 of ours, each found, read and compiled by itself,
// were two thirds of what a start took. Entry points keep their paths (and their .d.ts); what they share, and what is
// loaded on demand, goes to dist/chunks. Dependencies stay imports. The output is readable: nothing is renamed or
// squeezed, only comments go, which the .d.ts keep.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** Loaded by scripts/docs.mjs from the build. */
const OWN_SCRIPTS = ['src/serve/generated-files.js'];
/** What a crew's folder may hold for the framework to load by name. */
const CREW_MODULE = /^crews\/[^/]+\/(graph|playbook|behaviours|hooks)\.js$/;
/** What `crew --help` needs besides its entry point: one file instead of five. */
const COMMAND = /rolldown:runtime|src[\\/](kit[\\/]errors|serve[\\/](version|cli[\\/](exit|parse)))\.js$/;
const WORKER = /new URL\('(\.[^']+)', import\.meta\.url\)/g;
const OWN_ADDRESS = 'import.meta.url';
const MARKED_ADDRESS = /__ADDRESS_OF__\("([^"]+)"\)/g;

const written = scripts();
if (written.some((path) => path.startsWith('chunks/'))) throw new Error('dist is joined already: npm run build');
const bundle = await rolldown({
  input: Object.fromEntries(entries().map((path) => [path, join(dist, path)])),
  platform: 'node',
  external: (id) => !/^[./]/.test(id),
  plugins: [{ name: 'addresses', transform: markAddress }],
  onLog: (_level, log) => {
    // Harmless: what is loaded on demand may be loaded already.
    if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') throw new Error(log.message);
  },
});
const { output } = await bundle.generate({
  format: 'esm',
  comments: false,
  keepNames: true,
  entryFileNames: '[name]',
  chunkFileNames: 'chunks/[name].js',
  codeSplitting: { groups: [{ name: 'command', test: COMMAND }] },
});
await bundle.close();

for (const path of written) rmSync(join(dist, path));
for (const chunk of output) {
  const path = join(dist, chunk.fileName);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, inLatin1(withAddress(chunk.code, chunk.fileName), chunk.fileName));
}
// npm makes them executable when it links them, and not again after the next build.
for (const path of Object.values(manifest.bin)) chmodSync(join(root, path), 0o755);
process.stdout.write(`${written.length} modules in ${output.length} files\n`);

/** The JavaScript in dist, by its path there. */
function scripts() {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.m?js$/.test(path));
}

/** What is opened by its path: the command, the package's entry points, threads, the code of crews. */
function entries() {
  const { bin, exports } = manifest;
  const named = [...Object.values(bin), ...Object.values(exports).map((entry) => entry.default)]
    .filter((path) => path !== undefined)
    .map((path) => relative('dist', path).replaceAll('\\', '/'));
  const threads = written.flatMap((path) =>
    [...readFileSync(join(dist, path), 'utf8').matchAll(WORKER)]
      .map(([, target]) => posix.join(posix.dirname(path), target))
      .filter((target) => existsSync(join(dist, target)) && /\.m?js$/.test(target)),
  );
  return [...new Set([...named, ...threads, ...OWN_SCRIPTS, ...written.filter((path) => CREW_MODULE.test(path))])];
}

/** A module that asks for its own address gets the one it had before it was joined with others. */
function markAddress(code, id) {
  if (!code.includes(OWN_ADDRESS)) return undefined;
  const path = relative(dist, id).replaceAll('\\', '/');
  return code.replaceAll(OWN_ADDRESS, `__ADDRESS_OF__(${JSON.stringify(path)})`);
}

function withAddress(code, fileName) {
  return code.replaceAll(MARKED_ADDRESS, (_, path) => {
    const from = posix.relative(posix.dirname(fileName), path);
    return from === posix.basename(fileName) ? 'import.meta.url' : `new URL('${from}', import.meta.url).href`;
  });
}

/** One character beyond Latin-1 makes V8 keep the whole file in two bytes a character; escapes keep it in one. */
function inLatin1(code, fileName) {
  const escaped = /\\[^\0-\xff]/.exec(code);
  if (escaped !== null) throw new Error(`${fileName}: ${escaped[0]} cannot be written in Latin-1`);
  return code.replaceAll(/[^\0-\xff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
