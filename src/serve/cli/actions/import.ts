import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { readCrewAiProject, skeletonOf } from '../../../crew/index.ts';
import { InvalidInput } from '../../../kit/errors.ts';
import { PACKAGE_ROOT, VERSION } from '../../version.ts';
import { contextOf } from '../context.ts';
import { printJson } from '../print.ts';

const packageSchema = z.object({
  dependencies: z.object({ zod: z.string() }),
  devDependencies: z.record(z.string(), z.string()),
});

/** `crew import DIR`: writes the skeleton and lists what a person has to look at. Never writes over anything. */
export function importProject(dir: string, command: Command): void {
  const { output } = contextOf(command);
  const project = readCrewAiProject(dir);
  const { out } = z.object({ out: z.string().optional() }).parse(command.opts());
  const target = resolve(out ?? project.crew.id);
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new InvalidInput(`${target} is not empty: choose another folder with --out`);
  }
  const own = packageSchema.parse(JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')));
  const skeleton = skeletonOf(project, {
    own: `^${VERSION}`,
    zod: own.dependencies.zod,
    typescript: own.devDependencies['typescript'] ?? 'latest',
    node: own.devDependencies['@types/node'] ?? 'latest',
  });
  for (const [path, text] of Object.entries(skeleton.files)) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), text);
  }
  const { missingTools, notes } = skeleton;
  const written = Object.keys(skeleton.files).map((path) => join(target, path));
  if (output.json) {
    const { crew, agents, tasks } = project;
    const ids = { agents: agents.map(({ id }) => id), tasks: tasks.map(({ id }) => id) };
    printJson(output, { crew: crew.id, ...ids, dir: target, written, missing_tools: missingTools, notes });
    return;
  }
  for (const file of written) output.write(`wrote ${file}\n`);
  for (const tool of missingTools) output.write(`tool  ${tool}: fill in its run in src/tools.ts\n`);
  for (const note of notes) output.write(`note  ${note}\n`);
  output.write(`\nNext: cd ${target} && npm install && npm start -- openai:gpt-5-mini\n`);
}
