import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { configHome, loadConfig } from '../config/load.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import { type PythonTypes, readPythonTypes } from './types.ts';

/** A CrewAI project, read. */
export interface CrewAiProject {
  /** Folder of agents.yaml and tasks.yaml. */
  readonly dir: string;
  readonly crew: CrewSpec;
  readonly agents: readonly AgentSpec[];
  readonly tasks: readonly TaskSpec[];
  readonly python: PythonTypes;
  /** Python files that were read. */
  readonly files: readonly string[];
  /** Fields that were given and change nothing here, as `file:line:col: text`. */
  readonly warnings: readonly string[];
}

/**
 * Reads a CrewAI project: its YAML wherever its command line puts it, and crew.py beside or above. Throws
 * ConfigInvalid with every issue of the YAML, InvalidInput when there are several configurations.
 */
export function readCrewAiProject(given: string): CrewAiProject {
  const dir = configHome(resolve(given));
  // The environment is the desk's, not the project's.
  const config = loadConfig({ dir, env: {}, sections: {} });
  const files = pythonFiles(dir);
  const python = readPythonTypes(files.map((file) => readFileSync(file, 'utf8')));
  const [crew] = config.crews;
  if (crew === undefined) throw new Error(`a configuration with tasks has a crew, ${dir} has none`);
  return {
    dir,
    crew,
    agents: config.agents,
    tasks: config.tasks,
    python,
    files,
    warnings: config.warnings.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
  };
}

/** crew.py, and what lies beside it: CrewAI's own layout has it one above config/. */
function pythonFiles(dir: string): readonly string[] {
  return [dir, dirname(dir)].flatMap((folder) =>
    existsSync(join(folder, 'crew.py'))
      ? readdirSync(folder)
          .filter((name) => name.endsWith('.py'))
          .sort((a, b) => Number(b === 'crew.py') - Number(a === 'crew.py'))
          .map((name) => join(folder, name))
      : [],
  );
}
