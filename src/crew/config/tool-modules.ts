import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { type ConfigIssue, errorMessage, InvalidInput, NotFound, Unavailable } from '../../kit/errors.ts';
import { bindTools, defineTool, type AnyTool, type BoundTool } from '../../kit/tool.ts';
import { readConfigFile } from './config-file.ts';
import { overlayEnvironment } from './environment.ts';
import { asEntry } from './raw.ts';

/** Tools of the modules that system.yaml names, and what is wrong with them. */
export interface ToolModules {
  readonly tools: readonly BoundTool[];
  readonly issues: readonly ConfigIssue[];
}

/** What a module needs to make tools: definitions, schemas, and the errors by which a call fails with a reason. */
const TOOLMAKING = Object.freeze({ defineTool, z, InvalidInput, NotFound, Unavailable });

/** As much of a definition as tells it from anything else a module might export. */
const definition = z.object({
  name: z.string(),
  description: z.string(),
  category: z.string(),
  access: z.string(),
  effects: z.string(),
  aliases: z.array(z.string()),
  examples: z.array(z.unknown()),
  run: z.function(),
});
const exported = z.union([definition.transform((one) => [one]), z.array(definition).min(1)]);

/**
 * Loads the modules of `tool_modules` in a configuration folder. Each exports by default a tool made with `defineTool`,
 * a list of them, or a function that is given what tools are made with (`TOOLMAKING`) and gives one of these. A module that is missing, fails, or exports something else is an issue at its place in the file.
 * `taken`: names that tools have already.
 */
export async function loadToolModules(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
  taken: readonly string[],
): Promise<ToolModules> {
  const file = readConfigFile(dir, 'system.yaml');
  const raw = asEntry(overlayEnvironment(file.value ?? {}, env, new Set()).value)?.['tool_modules'];
  // A list of another form is an issue of the schema.
  const paths = z.array(z.string()).safeParse(raw ?? []);
  const tools: BoundTool[] = [];
  const issues: ConfigIssue[] = [];
  const names = new Set(taken);
  for (const [i, path] of (paths.data ?? []).entries()) {
    try {
      for (const tool of bindTools(await load(resolve(dir, path)), undefined)) {
        const twice = [tool.name, ...tool.aliases].find((name) => names.has(name));
        if (twice !== undefined) throw new Error(`there is a tool '${twice}' already`);
        for (const name of [tool.name, ...tool.aliases]) names.add(name);
        tools.push(tool);
      }
    } catch (error) {
      issues.push(file.issue(['tool_modules', i], `${path}: ${errorMessage(error)}`));
    }
  }
  return { tools, issues };
}

async function load(path: string): Promise<readonly AnyTool<undefined>[]> {
  if (!existsSync(path)) throw new Error(`there is no file ${path}`);
  const module = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { readonly default?: unknown };
  // A function needs no package of ours beside it: it is given what tools are made with.
  const { default: given } = module;
  const made = typeof given === 'function' ? await (given as (tools: typeof TOOLMAKING) => unknown)(TOOLMAKING) : given;
  if (made === undefined) throw new Error('it has no default export: a tool made with defineTool, or a list of them');
  if (!exported.safeParse(made).success)
    throw new Error('its default export is neither a tool made with defineTool nor a list of them');
  return (Array.isArray(made) ? made : [made]) as readonly AnyTool<undefined>[];
}
