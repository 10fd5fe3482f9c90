import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Folder with the package's own crews: `crews/` beside `src/`, in the source tree and in the build alike. */
const PACKAGE_CREWS = fileURLToPath(new URL('../../../crews/', import.meta.url));

/**
 * Address, for `import()`, of what a crew brings besides YAML: `crews/<crew>/<name>` in the configuration folder, else
 * in the package; undefined when neither has it. TypeScript files count only where this runtime can load them.
 */
export function findCrewModule(dir: string, crewId: string, name: string): string | undefined {
  for (const base of [join(dir, 'crews'), PACKAGE_CREWS]) {
    for (const extension of loadableExtensions()) {
      const path = join(base, crewId, `${name}${extension}`);
      if (existsSync(path)) return pathToFileURL(path).href;
    }
  }
  return undefined;
}

function loadableExtensions(): readonly string[] {
  if (import.meta.url.endsWith('.ts')) return ['.ts', '.mjs', '.js'];
  return 'typescript' in process.features ? ['.mjs', '.js', '.ts'] : ['.mjs', '.js'];
}
