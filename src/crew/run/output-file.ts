import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { InvalidInput } from '../../kit/errors.ts';

/**
 * Writes tasks' `output_file` below a folder, making the folders on the way if so asked. Throws InvalidInput for a path
 * that leads out of it, and for a folder that is not there and is not to be made.
 */
export function createOutputWriter(
  folder: string,
): (path: string, text: string, makeFolders?: boolean) => Promise<void> {
  const root = resolve(folder);
  return async (path, text, makeFolders = true) => {
    const target = resolve(root, path);
    const inside = relative(root, target);
    if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
      throw new InvalidInput(`output_file '${path}' leads out of ${root}`);
    }
    if (makeFolders) await mkdir(dirname(target), { recursive: true });
    else if (!existsSync(dirname(target))) {
      throw new InvalidInput(
        `output_file '${path}': there is no folder ${dirname(target)}, and create_directory is false`,
      );
    }
    await writeFile(target, text);
  };
}
