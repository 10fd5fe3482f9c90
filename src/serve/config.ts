import { resolve } from 'node:path';
import { configHome, type CrewConfig, hasConfig, loadConfig } from '../crew/config/load.ts';
import { loadToolModules } from '../crew/config/tool-modules.ts';
import { ConfigInvalid, type ConfigIssue, InvalidInput } from '../kit/errors.ts';
import type { BoundTool } from '../kit/tool.ts';
import { marketsOf } from '../market/collect/markets.ts';
import type { MarketConfig } from '../market/config.ts';
import { marketConfigSchema } from '../market/config.ts';
import { venues } from '../market/exchanges/catalogue.generated.ts';
import { tools } from '../market/tools/catalogue.generated.ts';
import { declaredServers } from './mcp-servers.ts';
import type { ControllerOptions } from './options.ts';
import { PACKAGE_ROOT } from './version.ts';

/** Sections of system.yaml beyond the framework's own. */
export const SECTIONS = { market: marketConfigSchema } as const;

export type FileConfig = CrewConfig<typeof SECTIONS>;

/** What the files say, and the tools of the modules that they name. */
export type DeskConfig = FileConfig & {
  readonly moduleTools: readonly BoundTool[];
};

type ToolSources = Pick<ControllerOptions, 'config' | 'env' | 'tools'>;

/** The configuration folder: the one named (see `configHome`), else the working directory when it has one, else the shipped files. */
export function configDir(options: Pick<ControllerOptions, 'config'>): string {
  if (options.config !== undefined) return configHome(resolve(options.config));
  return hasConfig(process.cwd()) ? process.cwd() : PACKAGE_ROOT;
}

/** Reads and checks the configuration against the tools that exist. Throws ConfigInvalid with every issue. */
export async function loadDeskConfig(
  options: ToolSources & Pick<ControllerOptions, 'mcp' | 'model'>,
): Promise<DeskConfig> {
  const modules = await readToolModules(options);
  const issues: ConfigIssue[] = [...modules.issues];
  try {
    const config = loadConfig({
      dir: configDir(options),
      env: options.env ?? process.env,
      sections: SECTIONS,
      knownTools: [...tools, ...(options.tools ?? []), ...modules.tools],
      mcpServers: declaredServers(options.mcp),
      model: typeof options.model === 'object' ? options.model.name : options.model,
    });
    if (issues.length === 0) return { ...config, moduleTools: modules.tools };
  } catch (error) {
    if (!(error instanceof ConfigInvalid)) throw error;
    issues.push(...error.issues);
  }
  throw new ConfigInvalid(issues);
}

/** The tools of the configuration's modules, without looking at the rest of it. Throws ConfigInvalid when one cannot be had. */
export async function loadModuleTools(options: ToolSources): Promise<readonly BoundTool[]> {
  const modules = await readToolModules(options);
  if (modules.issues.length > 0) throw new ConfigInvalid(modules.issues);
  return modules.tools;
}

function readToolModules(
  options: ToolSources,
): Promise<{ tools: readonly BoundTool[]; issues: readonly ConfigIssue[] }> {
  const taken = [...tools, ...(options.tools ?? [])].flatMap((tool) => [tool.name, ...tool.aliases]);
  return loadToolModules(configDir(options), options.env ?? process.env, taken);
}

/** The market part with the options of this start put over it. Throws InvalidInput for a venue that does not exist. */
export function marketConfig(config: Pick<FileConfig, 'sections'>, options: ControllerOptions): MarketConfig {
  const { market } = config.sections;
  const exchanges = options.exchanges ?? market.collect.exchanges;
  // Throws for a name that is none.
  marketsOf(venues, exchanges);
  const { seed, faults, speed } = options.simulator ?? {};
  return {
    ...market,
    source: checkSource(options.source ?? market.source),
    collect: {
      ...market.collect,
      exchanges: [...exchanges],
      symbols: options.symbols === undefined ? market.collect.symbols : options.symbols.map((s) => s.toUpperCase()),
    },
    simulator: {
      seed: seed ?? market.simulator.seed,
      speed: speed ?? market.simulator.speed,
      faults: faults === undefined ? market.simulator.faults : faults.split(',').map((f) => f.trim()),
    },
  };
}

function checkSource(source: string): string {
  if (source === 'sim' || source === 'live' || /^tape:.+/.test(source)) return source;
  throw new InvalidInput(`source '${source}' is not known: choose sim, live or tape:DIR`);
}
