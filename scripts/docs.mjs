// Writes what is generated from the definitions and kept in the repository: docs/tools.md, docs/configuration.md,
// schemas/, and the blocks between marks in README.md and docs/.
// `npm run docs` builds first. A test fails when these lag behind.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { generatedBlocks, generatedFiles, withBlock } = await import('../dist/src/serve/generated-files.js');
for (const [path, text] of Object.entries(generatedFiles())) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  process.stdout.write(`${path}\n`);
}
for (const [path, blocks] of Object.entries(generatedBlocks((path) => readFileSync(join(root, path), 'utf8')))) {
  const before = readFileSync(join(root, path), 'utf8');
  const after = Object.entries(blocks).reduce((text, [name, block]) => withBlock(text, name, block), before);
  writeFileSync(join(root, path), after);
  process.stdout.write(`${path}\n`);
}
