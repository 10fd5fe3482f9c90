import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorMessage } from '../../kit/errors.ts';
import { parseYamlFile, type YamlFile } from './yaml-file.ts';

/** A file by its name, or with .yml for .yaml. */
export function pathOf(dir: string, name: string): string | undefined {
  return [name, name.replace(/yaml$/, 'yml')].map((file) => join(dir, file)).find((path) => existsSync(path));
}

/** A file that is absent is empty; one that cannot be read is an issue. */
export function readConfigFile(dir: string, name: string): YamlFile {
  const path = pathOf(dir, name);
  if (path === undefined) return parseYamlFile(name, '');
  try {
    return parseYamlFile(basename(path), readFileSync(path, 'utf8'));
  } catch (error) {
    const issue = { file: name, line: 0, column: 0, message: `cannot be read: ${errorMessage(error)}` };
    return { ...parseYamlFile(name, ''), issues: [issue] };
  }
}
