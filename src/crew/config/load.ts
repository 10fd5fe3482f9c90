import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigInvalid, type ConfigIssue, InvalidInput } from '../../kit/errors.ts';
import { nearestName } from '../../kit/nearest.ts';
import { describeIssues, pathText, type ValueIssue } from '../../kit/schema-issues.ts';
import type { AgentSpec, CrewSpec, OverrideSpec, RoleSpec, TaskSpec } from '../spec.ts';
import { flowChecks, type FlowNames } from './flow-checks.ts';
import { flowSchema, type FlowSpec } from './flow-schema.ts';
import { pathOf, readConfigFile } from './config-file.ts';
import { pythonPart, unwrapped, withKnownModels, withOnlyAgent, withOurTools } from './crewai.ts';
import { crewChecks } from './crew-checks.ts';
import { knowledgeChecks } from './knowledge-checks.ts';
import { peopleChecks } from './people-checks.ts';
import { questionChecks } from './question-checks.ts';
import { skillChecks } from './skill-checks.ts';
import {
  UNUSED_AGENT_FIELDS,
  UNUSED_TASK_FIELDS,
  agentSchema,
  crewAiTaskSchema,
  crewSchema,
  idSchema,
  taskSchema,
} from './crew-schemas.ts';
import { categoryChecks } from './category-checks.ts';
import { crossChecks, toolsByName } from './cross-checks.ts';
import { asEntry, entries, type RawFiles } from './raw.ts';
import { resolveToolsets } from './toolsets.ts';
import type { KnownTool } from './known-tool.ts';
import { envIssue, namedVariables, overlayEnvironment } from './environment.ts';
import { toAgent, toCrew, toTask } from './specs.ts';
import { type SystemConfig, systemSchema } from './system-schema.ts';
import { foreignTools } from './mcp-checks.ts';
import { type McpServerConfig, mcpServersSchema } from './mcp-schema.ts';
import type { YamlFile } from './yaml-file.ts';

/** Schemas of further sections of system.yaml, by their key. */
export type Sections = Readonly<Record<string, z.ZodType>>;

export interface ConfigOptions<S extends Sections> {
  /** Folder with system.yaml, agents.yaml, tasks.yaml, crews.yaml, flows.yaml; those that are absent count as empty. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sections: S;
  /** The tools that exist; without them, names of tools are not checked. */
  readonly knownTools?: readonly KnownTool[] | undefined;
  /** The model of the run, when somebody names it: a CrewAI project's agents have it whose own provider is not here. */
  readonly model?: string | undefined;
  /** MCP servers that the program declares, beside those of system.yaml. */
  readonly mcpServers?: Readonly<Record<string, McpServerConfig>> | undefined;
}

/** Everything the files and the environment say, checked and frozen. */
export interface CrewConfig<S extends Sections> {
  readonly dir: string;
  /** Whether it is a CrewAI project: agents.yaml and tasks.yaml, and none of the files that CrewAI does not have. */
  readonly crewAi: boolean;
  readonly system: SystemConfig;
  readonly agents: readonly AgentSpec[];
  readonly tasks: readonly TaskSpec[];
  readonly crews: readonly CrewSpec[];
  readonly flows: readonly FlowSpec[];
  readonly roles: readonly RoleSpec[];
  readonly overrides: readonly OverrideSpec[];
  readonly sections: { readonly [K in keyof S]: z.output<S[K]> };
  /** Fields of CrewAI that were given and change nothing here. */
  readonly warnings: readonly ConfigIssue[];
}

/** The files that make a configuration folder. */
export const CONFIG_FILES = ['system.yaml', 'agents.yaml', 'tasks.yaml', 'crews.yaml', 'flows.yaml'] as const;

/** Whether a folder holds any configuration file. */
export function hasConfig(dir: string): boolean {
  return CONFIG_FILES.some((name) => pathOf(dir, name) !== undefined);
}

/**
 * The folder that holds the files: the given one, else the only one of those below it where CrewAI's command line puts
 * them (see `configHomes`); else the given one, which then has none. Where several have them, the one of the crew named;
 * throws InvalidInput when none is.
 */
export function configHome(dir: string, crew?: string): string {
  if (hasConfig(dir)) return dir;
  const homes = configHomes(dir);
  if (homes.length <= 1) return homes[0] ?? dir;
  const named = homes.filter((home) => implicitCrewId(home) === crew);
  if (named.length === 1) return named[0] ?? dir;
  throw new InvalidInput(`${dir} holds several configurations: choose one of ${homes.join(', ')}`);
}

/** `config/` with files in it: of the folder, of its package with or without `src/`, and of the crews of a flow. */
function configHomes(dir: string): readonly string[] {
  const source = join(dir, 'src');
  const packages = [dir, source, ...foldersIn(dir), ...foldersIn(source)];
  const crews = packages.flatMap((folder) => foldersIn(join(folder, 'crews')));
  return [...new Set([...packages, ...crews])].map((folder) => join(folder, 'config')).filter(hasConfig);
}

function foldersIn(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map((entry) => join(dir, entry.name))
    .sort();
}

/**
 * Reads and checks a configuration folder. Throws ConfigInvalid with every issue of every file and variable at once;
 * nothing has been started then.
 */
export function loadConfig<S extends Sections>(options: ConfigOptions<S>): CrewConfig<S> {
  const dir = resolve(options.dir);
  if (!hasConfig(dir)) {
    throw new ConfigInvalid([
      { file: dir, line: 0, column: 0, message: `there is no configuration here: none of ${CONFIG_FILES.join(', ')}` },
    ]);
  }
  const read = (name: string): YamlFile => readConfigFile(dir, name);
  const system = readSystem(read('system.yaml'), options);
  const implicit = implicitCrewId(dir);
  const project = readProject(dir, read, implicit, options);
  const { lax } = project;
  const agents = readMap(project.agents, agentSchema, UNUSED_AGENT_FIELDS, lax);
  const tasks = readMap(project.tasks, lax ? crewAiTaskSchema : taskSchema, UNUSED_TASK_FIELDS, lax);
  const crews = project.crews === undefined ? undefined : readMap(project.crews, crewSchema, [], lax);

  const flows = readMap(read('flows.yaml'), flowSchema, [], false);
  const flowSpecs = [...flows.values].map(([id, value]) => ({ ...value, id }));

  const servers = mcpServersSchema.safeParse(asEntry(system.raw)?.['mcp_servers'] ?? {});
  const foreign = { ...(servers.success ? servers.data : {}), ...options.mcpServers };
  const files: RawFiles = {
    system: system.file,
    agents: agents.file,
    tasks: tasks.file,
    crews: crews?.file,
    systemValue: system.raw,
    foreign,
  };
  const knownTools =
    options.knownTools === undefined
      ? undefined
      : [
          ...options.knownTools,
          ...foreignTools([agents.file.value, tasks.file.value, flows.file.value, system.raw], foreign),
        ];
  const roles = new Map(Object.entries(asEntry(asEntry(system.raw)?.['roles']) ?? systemSchema.parse({}).roles));
  const names = toolsByName(knownTools ?? []);
  const realName = (name: string): string => names.get(name)?.name ?? name;
  const taskSpecs = [...tasks.values].map(([id, value]) => toTask(id, value, realName));
  const toolsets = resolveToolsets(files, roles, knownTools);
  const issues = [
    ...system.issues,
    ...agents.issues,
    ...tasks.issues,
    ...(crews?.issues ?? []),
    ...flows.issues,
    ...(readable(files)
      ? [
          ...crossChecks(files, roles, knownTools, toolsets),
          ...crewChecks(files, implicit),
          ...skillChecks(dir, files),
          ...knowledgeChecks(dir, files),
          ...categoryChecks(files, options.knownTools),
          ...peopleChecks(files),
          ...questionChecks(tasks.file, taskSpecs),
          ...flowChecks(flows.file, flowSpecs, flowNames(files, implicit, flowSpecs, knownTools)),
        ]
      : []),
  ];
  if (issues.length > 0 || system.value === undefined) throw new ConfigInvalid(sorted(issues));

  const agentSpecs = [...agents.values].map(([id, value]) => toAgent(id, value, realName, toolsets.given.get(id)));
  return deepFreeze({
    dir,
    crewAi: lax,
    system: system.value.system,
    agents: agentSpecs,
    tasks: taskSpecs,
    crews:
      crews === undefined
        ? implicitCrew(implicit, taskSpecs)
        : [...crews.values].map(([id, value]) => toCrew(id, value, taskSpecs)),
    flows: flowSpecs,
    roles: Object.entries(system.value.system.roles).map(([id, grants]) => ({ id, grants })),
    overrides: system.value.system.overrides.map((o) => ({
      ...o,
      tool: realName(o.tool),
      expires_at: o.expires_at === null ? null : Date.parse(o.expires_at),
    })),
    sections: system.value.sections,
    warnings: sorted([...project.warnings, ...agents.warnings, ...tasks.warnings, ...taskWarnings(tasks)]),
  });
}

function flowNames(
  files: RawFiles,
  implicit: string,
  flows: readonly FlowSpec[],
  tools: readonly KnownTool[] | undefined,
): FlowNames {
  return {
    crews: files.crews === undefined ? [implicit] : [...entries(files.crews.value).keys()],
    agents: [...entries(files.agents.value).keys()],
    flows: flows.map((flow) => flow.id),
    tools: tools === undefined ? undefined : [...toolsByName(tools).keys()],
  };
}

/** Names are compared only when every file could be parsed: else all that a broken file holds would seem to be missing. */
function readable({ system, agents, tasks, crews }: RawFiles): boolean {
  return [system, agents, tasks, crews].every(
    (file) => file === undefined || file.value !== undefined || file.issues.length === 0,
  );
}

interface Project {
  readonly agents: YamlFile;
  readonly tasks: YamlFile;
  readonly crews: YamlFile | undefined;
  readonly warnings: readonly ConfigIssue[];
  /** Whether values are read as CrewAI reads them. */
  readonly lax: boolean;
}

/** The files of agents, tasks and crews; of a CrewAI project, which has only the first two, with what its Python adds. */
function readProject(
  dir: string,
  read: (name: string) => YamlFile,
  implicit: string,
  { knownTools, model }: Pick<ConfigOptions<Sections>, 'knownTools' | 'model'>,
): Project {
  const own = (name: string): boolean => pathOf(dir, name) !== undefined;
  if (own('crews.yaml') || own('system.yaml') || own('flows.yaml')) {
    const crews = own('crews.yaml') ? read('crews.yaml') : undefined;
    return { agents: read('agents.yaml'), tasks: read('tasks.yaml'), crews, warnings: [], lax: false };
  }
  const agents = unwrapped(read('agents.yaml'), 'agents');
  const tasks = unwrapped(read('tasks.yaml'), 'tasks');
  const tools = toolsByName(knownTools ?? []);
  const hasTool = (name: string): boolean => tools.has(name);
  const python = pythonPart(dir, { agents, tasks }, implicit, knownTools === undefined ? undefined : hasTool);
  const filled = python === undefined ? withOnlyAgent(tasks, agents) : { file: python.tasks, warnings: [] };
  const modelled = [python?.agents ?? agents, ...(python === undefined ? [] : [python.crews])].map((file) =>
    model === undefined ? { file, warnings: [] } : withKnownModels(file, model),
  );
  const [withModels = { file: agents, warnings: [] }, crews] = modelled;
  const names = knownTools === undefined ? undefined : [...tools.keys()];
  const toolsOfAgents = withOurTools(withModels.file, 'agent', hasTool, names);
  const toolsOfTasks = withOurTools(filled.file, 'task', hasTool, names);
  return {
    agents: toolsOfAgents.file,
    tasks: toolsOfTasks.file,
    crews: crews?.file,
    warnings: [
      ...(python?.warnings ?? []),
      // Without a list of tools nobody asks which are here.
      ...(knownTools === undefined ? [] : (python?.missingTools ?? [])),
      ...filled.warnings,
      ...toolsOfAgents.warnings,
      ...toolsOfTasks.warnings,
      ...modelled.flatMap(({ warnings }) => warnings),
    ],
    lax: true,
  };
}

interface SystemRead<S extends Sections> {
  readonly file: YamlFile;
  readonly raw: unknown;
  readonly issues: readonly ConfigIssue[];
  readonly value: { readonly system: SystemConfig; readonly sections: { [K in keyof S]: z.output<S[K]> } } | undefined;
}

function readSystem<S extends Sections>(file: YamlFile, options: ConfigOptions<S>): SystemRead<S> {
  const reserved = new Set([...namedVariables(file.value), ...namedVariables(systemSchema.parse({}))]);
  const overlaid = overlayEnvironment(file.value ?? {}, options.env, reserved);
  const whole = systemSchema.extend(mapValues(options.sections, (schema) => schema.prefault({})));
  const parsed = whole.safeParse(overlaid.value);
  const problems = parsed.success ? [] : describeIssues(whole, overlaid.value, parsed.error);
  const issues = problems.map((issue): ConfigIssue => {
    const variable = overlaid.source(issue.path);
    const text = issueText(issue, []);
    if (variable !== undefined) return envIssue(variable, text);
    return file.issue(issue.path, text, issue.unknownField ? 'key' : 'value');
  });
  const all = [...file.issues, ...overlaid.issues, ...issues];
  if (all.length > 0) return { file, raw: overlaid.value, issues: all, value: undefined };
  const given = asEntry(overlaid.value) ?? {};
  const generic = Object.fromEntries(Object.entries(given).filter(([key]) => !(key in options.sections)));
  const sections = mapValues(options.sections, (schema, key) => schema.prefault({}).parse(given[key]));
  return {
    file,
    raw: overlaid.value,
    issues: [],
    // The keys of `sections` are those of `options.sections`, each parsed by its own schema.
    value: { system: systemSchema.parse(generic), sections: sections as { [K in keyof S]: z.output<S[K]> } },
  };
}

/** `market.collect.symbols: expected array, got 5`; of an unknown field, the path of the map that has it. */
function issueText(issue: ValueIssue, prefix: readonly string[]): string {
  const path = [...prefix, ...(issue.unknownField ? issue.path.slice(0, -1) : issue.path)];
  return path.length === 0 ? issue.message : `${pathText(path)}: ${issue.message}`;
}

interface MapRead<T extends z.ZodObject> {
  readonly file: YamlFile;
  readonly values: ReadonlyMap<string, z.output<T>>;
  readonly issues: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
}

/**
 * A map keyed by id. Fields in `unused` are taken out, each with a warning, before the strict schema sees the entry; so
 * are, when `lax`, all that nobody knows, unless one is nearly a name that is known.
 */
function readMap<T extends z.ZodObject>(
  file: YamlFile,
  schema: T,
  unused: readonly string[],
  lax: boolean,
): MapRead<T> {
  const values = new Map<string, z.output<T>>();
  const issues: ConfigIssue[] = [...file.issues];
  const warnings: ConfigIssue[] = [];
  const fields = Object.keys(schema.shape);
  const unknown = (field: string): boolean =>
    lax && !fields.includes(field) && nearestName(field, [...fields, ...unused]) === undefined;
  if (file.value !== undefined && asEntry(file.value) === undefined) {
    issues.push(file.issue([], `expected a map from id to entry, as in 'researcher:' with its fields below`));
  }
  for (const [id] of entries(file.value)) {
    const badId = idSchema.safeParse(id).error;
    if (badId !== undefined)
      issues.push(file.issue([id], `'${id}' ${badId.issues[0]?.message ?? 'is not an id'}`, 'key'));
    const entry = asEntry(asEntry(file.value)?.[id]);
    if (entry === undefined) {
      issues.push(file.issue([id], `${id}: expected a map of fields`, 'key'));
      continue;
    }
    const kept: Record<string, unknown> = {};
    for (const [field, value] of Object.entries(entry)) {
      if (unused.includes(field))
        warnings.push(file.issue([id, field], `${id}.${field} is accepted and changes nothing`, 'key'));
      else if (unknown(field))
        warnings.push(file.issue([id, field], `${id}.${field} is no field of CrewAI's and changes nothing`, 'key'));
      else kept[field] = lax ? laxValue(schema, field, value) : value;
    }
    const parsed = schema.safeParse(kept);
    if (parsed.success) values.set(id, parsed.data);
    else {
      issues.push(
        ...describeIssues(schema, kept, parsed.error).map((issue) =>
          file.issue([id, ...issue.path], issueText(issue, [id]), issue.unknownField ? 'key' : 'value'),
        ),
      );
    }
  }
  return { file, values, issues, warnings };
}

/** A value as CrewAI reads it: `yes` and `0` are truth values, `"25"` is a number, where one is asked for. */
function laxValue(schema: z.ZodObject, field: string, value: unknown): unknown {
  // CrewAI takes the slash off: the file is below the working directory all the same.
  if (field === 'output_file' && typeof value === 'string') return value.replace(/^\/+/, '');
  const type: unknown = schema.shape[field];
  if (!(type instanceof z.ZodType) || type.safeParse(value).success) return value;
  const asNumber = typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? [Number(value)] : [];
  const asTruth =
    typeof value === 'number'
      ? [value !== 0]
      : typeof value === 'string'
        ? (TRUTH[value.trim().toLowerCase()] ?? [])
        : [];
  return [...asNumber, ...asTruth].find((other) => type.safeParse(other).success) ?? value;
}

const TRUTH: Readonly<Record<string, readonly boolean[]>> = {
  yes: [true],
  on: [true],
  true: [true],
  no: [false],
  off: [false],
  false: [false],
};

function taskWarnings(tasks: MapRead<typeof taskSchema>): readonly ConfigIssue[] {
  return [...tasks.values]
    .filter(([, task]) => typeof task.output_json === 'string')
    .map(([id]) =>
      tasks.file.issue([id, 'output_json'], `${id}.output_json names a class and changes nothing; write a JSON schema`),
    );
}

function implicitCrewId(dir: string): string {
  // A CrewAI project has its files in <name>/config.
  const slug = (basename(dir) === 'config' ? basename(dirname(dir)) : basename(dir))
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '');
  return slug === '' ? 'crew' : slug;
}

function implicitCrew(id: string, tasks: readonly TaskSpec[]): readonly CrewSpec[] {
  if (tasks.length === 0) return [];
  return [toCrew(id, crewSchema.parse({ tasks: tasks.map((task) => task.id) }), tasks)];
}

function sorted(issues: readonly ConfigIssue[]): readonly ConfigIssue[] {
  const rank = (file: string): number => CONFIG_FILES.findIndex((name) => name === file);
  return [...issues].sort((a, b) => rank(a.file) - rank(b.file) || a.line - b.line || a.column - b.column);
}

function mapValues<V, R>(record: Readonly<Record<string, V>>, change: (value: V, key: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
