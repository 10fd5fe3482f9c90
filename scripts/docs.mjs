// Writes what is generated from the definitions and kept in the repository: docs/tools.md, docs/configuration.md, schemas/.
// `npm run docs` builds first. A test fails when these lag behind.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { generatedFiles } = await import('../dist/src/serve/generated-files.js');
for (const [path, text] of Object.entries(generatedFiles())) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  process.stdout.write(`${path}\n`);
}
