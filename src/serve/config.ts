import { resolve } from 'node:path';
import { configHome, type CrewConfig, hasConfig, loadConfig } from '../crew/config/load.ts';
import { InvalidInput } from '../kit/errors.ts';
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

export type DeskConfig = CrewConfig<typeof SECTIONS>;

/** The configuration folder: the one named (see `configHome`), else the working directory when it has one, else the shipped files. */
export function configDir(options: Pick<ControllerOptions, 'config'>): string {
  if (options.config !== undefined) return configHome(resolve(options.config));
  return hasConfig(process.cwd()) ? process.cwd() : PACKAGE_ROOT;
}

/** Reads and checks the configuration against the tools that exist. Throws ConfigInvalid with every issue. */
export function loadDeskConfig(
  options: Pick<ControllerOptions, 'config' | 'env' | 'tools' | 'mcp' | 'model'>,
): DeskConfig {
  return loadConfig({
    dir: configDir(options),
    env: options.env ?? process.env,
    sections: SECTIONS,
    knownTools: [...tools, ...(options.tools ?? [])],
    mcpServers: declaredServers(options.mcp),
    model: typeof options.model === 'object' ? options.model.name : options.model,
  });
}

/** The market part with the options of this start put over it. Throws InvalidInput for a venue that does not exist. */
export function marketConfig(config: DeskConfig, options: ControllerOptions): MarketConfig {
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
