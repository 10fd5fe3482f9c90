import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { InvalidInput } from '../../kit/errors.ts';

/** Writes tasks' `output_file` below a folder, making folders as needed. Throws InvalidInput for a path that leaves it. */
export function createOutputWriter(folder: string): (path: string, text: string) => Promise<void> {
  const root = resolve(folder);
  return async (path, text) => {
    const target = resolve(root, path);
    const inside = relative(root, target);
    if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
      throw new InvalidInput(`output_file '${path}' leads out of ${root}`);
    }
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  };
}
