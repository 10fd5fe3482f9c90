import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { CONFIG_FILES } from '../../../crew/config/load.ts';
import { PACKAGE_ROOT } from '../../version.ts';
import { contextOf } from '../context.ts';
import { printJson } from '../print.ts';

/** `crew init DIR` */
export function init(dir: string, command: Command): void {
  const { output } = contextOf(command);
  const { template } = command.opts<{ template: 'desk' | 'crew' }>();
  const target = resolve(dir);
  const written: string[] = [];
  const kept: string[] = [];
  for (const [from, name] of template === 'desk' ? desk() : ownCrew()) {
    const to = join(target, name);
    if (existsSync(to)) kept.push(to);
    else {
      mkdirSync(dirname(to), { recursive: true });
      copyFileSync(from, to);
      written.push(to);
    }
  }
  if (output.json) return printJson(output, { dir: target, written, kept });
  for (const file of written) output.write(`wrote ${file}\n`);
  for (const file of kept) output.write(`kept  ${file}\n`);
  const next = template === 'desk' ? `crew start --config ${dir}` : `crew run --config ${dir} --input folder=${dir}`;
  output.write(`\nNext: ${next}\n`);
}

type Copies = readonly (readonly [from: string, name: string])[];

function desk(): Copies {
  return [...CONFIG_FILES.map((name): [string, string] => [join(PACKAGE_ROOT, name), name]), ...schemas()];
}

function ownCrew(): Copies {
  const base = join(PACKAGE_ROOT, 'templates/crew');
  const files = readdirSync(base, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return [...paths.map((path): [string, string] => [path, path.slice(base.length + 1)]), ...schemas()];
}

function schemas(): Copies {
  const folder = join(PACKAGE_ROOT, 'schemas');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => [join(folder, name), join('schemas', name)]);
}
