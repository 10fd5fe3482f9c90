import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { type ConfigIssue, errorMessage } from '../../kit/errors.ts';
import { bindTools, type AnyTool, type BoundTool } from '../../kit/tool.ts';
import { readConfigFile } from './config-file.ts';
import { overlayEnvironment } from './environment.ts';
import { asEntry } from './raw.ts';

/** Tools of the modules that system.yaml names, and what is wrong with them. */
export interface ToolModules {
  readonly tools: readonly BoundTool[];
  readonly issues: readonly ConfigIssue[];
}

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
 * or a list of them. A module that is missing, fails, or exports something else is an issue at its place in the file.
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
  if (module.default === undefined)
    throw new Error('it has no default export: a tool made with defineTool, or a list of them');
  const given = exported.safeParse(module.default);
  if (!given.success) throw new Error('its default export is neither a tool made with defineTool nor a list of them');
  return (Array.isArray(module.default) ? module.default : [module.default]) as readonly AnyTool<undefined>[];
}
