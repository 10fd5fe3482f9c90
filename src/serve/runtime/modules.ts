import {
  type CrewGraphDefinition,
  type CrewHooks,
  type CrewSpec,
  findCrewModule,
  type Playbook,
} from '../../crew/index.ts';
import { ConfigInvalid, errorMessage } from '../../kit/errors.ts';

/** What a crew's folder may hold, by file name. */
type ModuleName = 'graph' | 'playbook' | 'behaviours' | 'hooks';

/** The code of a crew: what YAML cannot say. */
export interface CrewCode {
  readonly graph: CrewGraphDefinition | undefined;
  readonly playbook: Playbook | undefined;
  readonly behaviours: readonly unknown[];
  readonly hooks: CrewHooks | undefined;
}

/**
 * Loads `crews/<crew>/{graph,playbook,behaviours,hooks}` from the configuration folder, else from the package. Throws
 * ConfigInvalid when a module cannot be loaded or exports nothing.
 */
export async function loadCrewCode(configDir: string, crew: CrewSpec): Promise<CrewCode> {
  const load = async (name: ModuleName): Promise<unknown> => {
    const path = findCrewModule(configDir, crew.id, name);
    if (path === undefined) return undefined;
    try {
      const module = (await import(/* @vite-ignore */ path)) as { default?: unknown };
      if (module.default === undefined) throw new Error('it has no default export');
      return module.default;
    } catch (error) {
      throw new ConfigInvalid([
        { file: path, line: 1, column: 1, message: `cannot be loaded: ${errorMessage(error)}` },
      ]);
    }
  };
  const behaviours = await load('behaviours');
  return {
    graph: (await load('graph')) as CrewGraphDefinition | undefined,
    playbook: (await load('playbook')) as Playbook | undefined,
    behaviours: Array.isArray(behaviours) ? behaviours : [],
    hooks: (await load('hooks')) as CrewHooks | undefined,
  };
}
