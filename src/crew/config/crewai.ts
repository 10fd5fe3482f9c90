import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { ConfigIssue } from '../../kit/errors.ts';
import { type Placed, type PyCrew, type PyEntry, readCrewClasses } from '../python/crew-class.ts';
import { snakeCase } from '../python/text.ts';
import { agentSchema, crewSchema, taskSchema, UNUSED_AGENT_FIELDS, UNUSED_TASK_FIELDS } from './crew-schemas.ts';
import { asEntry } from './raw.ts';
import { nearestName } from '../../kit/nearest.ts';
import { modelName } from '../model/name.ts';
import { isForeignName } from './mcp-checks.ts';
import type { YamlFile } from './yaml-file.ts';

/** What the Python of a CrewAI project adds to its YAML. */
export interface PythonPart {
  readonly agents: YamlFile;
  readonly tasks: YamlFile;
  /** The crews of its classes, in the form of crews.yaml. */
  readonly crews: YamlFile;
  /** What is Python and has no counterpart here, each at its line. */
  readonly warnings: readonly ConfigIssue[];
  /** Tools that Python gives and that are not here, each at its line. */
  readonly missingTools: readonly ConfigIssue[];
}

type Entries = Readonly<Record<string, unknown>>;
interface FoundClass {
  readonly file: string;
  readonly crew: PyCrew;
}

/** A field that Python gives, and where. */
type Places = Map<string, { readonly file: string; readonly line: number }>;

/**
 * Reads the class under `@CrewBase` that goes with a folder's agents.yaml and tasks.yaml, as CrewAI does: it says which
 * entries the crew has, in which order, who does which task, what each sees. Its arguments go before those of the YAML.
 * Undefined when there is none. Nothing of it is run. `hasTool` is undefined where nobody asks which tools are here.
 */
export function pythonPart(
  dir: string,
  files: { readonly agents: YamlFile; readonly tasks: YamlFile },
  crewId: string,
  hasTool: ((name: string) => boolean) | undefined,
): PythonPart | undefined {
  const classes = classesFor(dir, asEntry(files.agents.value) ?? {}, asEntry(files.tasks.value) ?? {});
  if (classes.length === 0) return undefined;
  const agents: Record<string, unknown> = { ...asEntry(files.agents.value) };
  const tasks: Record<string, unknown> = { ...asEntry(files.tasks.value) };
  const crews: Record<string, unknown> = {};
  const places: { readonly agents: Places; readonly tasks: Places; readonly crews: Places } = {
    agents: new Map(),
    tasks: new Map(),
    crews: new Map(),
  };
  const warnings: ConfigIssue[] = [];
  const missingTools: ConfigIssue[] = [];

  for (const { file, crew } of classes) {
    const id = classes.length === 1 ? crewId : snakeCase(crew.name).replaceAll('_', '-');
    const warn = (line: number, message: string): void => void warnings.push({ file, line, column: 1, message });
    const agentId = idsOf(crew.agents);
    const taskId = idsOf(crew.tasks);
    const toolsOf = (owner: string, entry: PyEntry): readonly string[] =>
      entry.tools.flatMap(({ value, line }) => {
        const name = ourName(value, hasTool ?? (() => false));
        if (name !== undefined) return [name];
        missingTools.push({ file, line, column: 1, message: missingTool(owner, value) });
        return [];
      });
    // A list of which nothing is here is an empty one, and not the YAML's or the agent's: less, never more.
    const takesTools = (entry: PyEntry, here: readonly string[]): boolean =>
      here.length > 0 || (hasTool !== undefined && entry.tools.length > 0);
    const opaque = (owner: string, list: readonly Placed<string>[], silent: ReadonlySet<string>): void => {
      for (const { value, line } of list) {
        if (!silent.has(value)) warn(line, `${owner}: ${value} is Python that is not run, and changes nothing`);
      }
    };

    for (const entry of crew.agents) {
      const name = agentId.get(entry.method) ?? entry.method;
      const tools = toolsOf(`agent ${name}`, entry);
      agents[name] = {
        ...asEntry(agents[name]),
        ...known(entry, AGENT_FIELDS),
        ...(takesTools(entry, tools) ? { tools } : {}),
      };
      opaque(`agent ${name}`, entry.opaque, MODEL_OF_THE_RUN);
      place(places.agents, file, name, entry);
    }
    for (const entry of crew.tasks) {
      const name = taskId.get(entry.method) ?? entry.method;
      const given = asEntry(tasks[name]) ?? {};
      const tools = toolsOf(`task ${name}`, entry);
      tasks[name] = {
        ...given,
        // The YAML names methods too, and a method's name need not be its entry's.
        ...(typeof given['agent'] === 'string' ? { agent: renamed(given['agent'], agentId, agents) } : {}),
        ...(Array.isArray(given['context'])
          ? {
              context: given['context'].map((c: unknown) => (typeof c === 'string' ? renamed(c, taskId, tasks) : c)),
            }
          : {}),
        ...known(entry, TASK_FIELDS),
        ...(entry.agent === null ? {} : { agent: agentId.get(entry.agent.value) ?? entry.agent.value }),
        ...(entry.context === null ? {} : { context: entry.context.value.map((m) => taskId.get(m) ?? m) }),
        ...(takesTools(entry, tools) ? { tools } : {}),
      };
      // Whoever only reads the project has the class of an output from elsewhere.
      opaque(`task ${name}`, entry.opaque, hasTool === undefined && entry.output !== null ? OUTPUTS : NOTHING);
      place(places.tasks, file, name, entry);
    }
    const order = (crew.crew.listedTasks ?? crew.tasks.map((t) => t.method)).map((m) => taskId.get(m) ?? m);
    const manager = crew.crew.manager === null ? null : (agentId.get(crew.crew.manager) ?? crew.crew.manager);
    const members = (crew.crew.listedAgents ?? crew.agents.map((a) => a.method)).map((m) => agentId.get(m) ?? m);
    // Its manager hands tasks out, its own included.
    for (const name of order) {
      const task = asEntry(tasks[name]);
      if (manager !== null && task?.['agent'] === manager) tasks[name] = { ...task, agent: null };
    }
    crews[id] = {
      ...known(crew.crew, CREW_FIELDS),
      process: crew.crew.process,
      tasks: withContext([...new Set(order)], tasks),
      ...(members.length === 0 ? {} : { agents: [...new Set(members)].filter((m) => m !== manager) }),
      ...(manager === null ? {} : { manager_agent: manager }),
    };
    opaque(`crew ${id}`, crew.crew.opaque, MODEL_OF_THE_RUN);
    for (const { value, line } of crew.hooks) warn(line, `crew ${id}: ${value} is Python and is not run`);
    place(places.crews, file, id, crew.crew);
  }
  const [first] = classes;
  const crewsFile = first?.file ?? 'crew.py';
  return {
    agents: withPlaces(files.agents, agents, places.agents),
    tasks: withPlaces(files.tasks, onlyUsed(tasks, crews), places.tasks),
    crews: withPlaces(emptyFile(crewsFile), crews, places.crews),
    warnings,
    missingTools,
  };
}

/**
 * Names of tools in YAML as the tools here have them, where `get_status` is meant by `GetStatusTool`. What is not here is
 * left out, each with a warning, as what Python gives: the run goes on with less. A name written as ours are, and but a
 * slip away from one of ours, stays and is an error. `names`: of the tools here; undefined: nobody asks which there are.
 */
export function withOurTools(
  file: YamlFile,
  what: 'agent' | 'task',
  hasTool: (name: string) => boolean,
  names: readonly string[] | undefined,
): { readonly file: YamlFile; readonly warnings: readonly ConfigIssue[] } {
  const entries = asEntry(file.value);
  if (entries === undefined) return { file, warnings: [] };
  const warnings: ConfigIssue[] = [];
  const places = new Map<string, readonly number[]>();
  const changed = Object.entries(entries).map(([id, entry]): readonly [string, unknown] => {
    const tools = asEntry(entry)?.['tools'];
    if (!Array.isArray(tools)) return [id, entry];
    const kept = tools.flatMap((name: unknown, i): readonly (readonly [number, unknown])[] => {
      if (typeof name !== 'string') return [[i, name]];
      const ours = ourName(name, hasTool);
      if (ours !== undefined || names === undefined || isForeignName(name) || isSlip(name, names)) {
        return [[i, ours ?? name]];
      }
      warnings.push(file.issue([id, 'tools', i], missingTool(`${what} ${id}`, name)));
      return [];
    });
    places.set(
      id,
      kept.map(([i]) => i),
    );
    return [id, { ...asEntry(entry), tools: kept.map(([, name]) => name) }];
  });
  const issue: YamlFile['issue'] = ([id, field, at, ...rest], message, of) => {
    const path = [id, field, at, ...rest].filter((step) => step !== undefined);
    const place = field === 'tools' && typeof at === 'number' ? places.get(String(id))?.[at] : undefined;
    return file.issue(place === undefined || id === undefined ? path : [id, 'tools', place, ...rest], message, of);
  };
  return { file: { ...file, value: Object.fromEntries(changed), issue }, warnings };
}

function missingTool(owner: string, written: string): string {
  return `${owner}: the Python tool ${written} is missing here, and the run goes on without it`;
}

function isSlip(name: string, names: readonly string[]): boolean {
  return /^[a-z][a-z0-9_]*$/.test(name) && nearestName(name, names, 2) !== undefined;
}

/**
 * The file without models whose provider is not here, so that their owners have the model of the run, which somebody has
 * named; each with a warning.
 */
export function withKnownModels(
  file: YamlFile,
  run: string,
): { readonly file: YamlFile; readonly warnings: readonly ConfigIssue[] } {
  const warnings: ConfigIssue[] = [];
  const changed = Object.entries(asEntry(file.value) ?? {}).map(([id, entry]): readonly [string, unknown] => {
    const fields = Object.entries(asEntry(entry) ?? {}).map(([field, value]): readonly [string, unknown] => {
      if (!MODEL_FIELDS.has(field) || typeof value !== 'string' || hasProvider(modelName(value))) return [field, value];
      const message = `${id}.${field}: the provider of '${value}' is not here: ${run}, the model of the run, takes its place`;
      warnings.push(file.issue([id, field], message));
      // A hierarchical crew has to have a manager's model; for all others none is the run's.
      return [field, field === 'manager_llm' ? run : null];
    });
    return [id, asEntry(entry) === undefined ? entry : Object.fromEntries(fields)];
  });
  if (warnings.length === 0) return { file, warnings };
  return { file: { ...file, value: Object.fromEntries(changed) }, warnings };
}

const MODEL_FIELDS: ReadonlySet<string> = new Set(['llm', 'manager_llm', 'planning_llm']);

function hasProvider(name: string): boolean {
  return name === 'playbook' || /^(openai|anthropic|ollama):/.test(name);
}

/** `agents:` or `tasks:` around all entries is taken off. */
export function unwrapped(file: YamlFile, around: string): YamlFile {
  const entries = asEntry(file.value);
  const inner = asEntry(entries?.[around]);
  const each = Object.values(inner ?? {});
  const wraps = inner !== undefined && Object.keys(entries ?? {}).length === 1 && each.length > 0;
  if (!wraps || each.some((entry) => asEntry(entry) === undefined)) return file;
  return { ...file, value: inner, issue: (path, message, at) => file.issue([around, ...path], message, at) };
}

/** Where there is one agent, a task that names none is its own. */
export function withOnlyAgent(
  tasks: YamlFile,
  agents: YamlFile,
): { readonly file: YamlFile; readonly warnings: readonly ConfigIssue[] } {
  const [only, ...others] = Object.keys(asEntry(agents.value) ?? {});
  const entries = asEntry(tasks.value);
  if (only === undefined || others.length > 0 || entries === undefined) return { file: tasks, warnings: [] };
  const without = Object.keys(entries).filter((id) => {
    const entry = asEntry(entries[id]);
    return entry !== undefined && (entry['agent'] ?? null) === null;
  });
  const added = without.map((id) => [id, { ...asEntry(entries[id]), agent: only }] as const);
  return {
    file: { ...tasks, value: { ...entries, ...Object.fromEntries(added) } },
    warnings: without.map((id) =>
      tasks.issue([id], `task ${id}: names no agent, and ${only}, the only one, does it`, 'key'),
    ),
  };
}

/** The name here of a tool as Python or YAML writes it; undefined: there is none. */
function ourName(written: string, hasTool: (name: string) => boolean): string | undefined {
  const snake = snakeCase(written);
  return [written, snake, snake.replace(/_tool$/, '')].find(hasTool);
}

const AGENT_FIELDS: ReadonlySet<string> = new Set([...Object.keys(agentSchema.shape), ...UNUSED_AGENT_FIELDS]);
const TASK_FIELDS: ReadonlySet<string> = new Set([...Object.keys(taskSchema.shape), ...UNUSED_TASK_FIELDS]);
const CREW_FIELDS: ReadonlySet<string> = new Set(Object.keys(crewSchema.shape));
/** An agent whose model is made by Python has the run's. */
const MODEL_OF_THE_RUN: ReadonlySet<string> = new Set(['llm']);
const OUTPUTS: ReadonlySet<string> = new Set(['output_pydantic', 'output_json']);
const NOTHING: ReadonlySet<string> = new Set();

/** The classes below and above the folder whose paths name its files, and whose entries are in them. */
function classesFor(dir: string, agents: Entries, tasks: Entries): readonly FoundClass[] {
  const above = dirname(dir);
  const folders = basename(dir) === 'config' ? [above, join(above, 'src'), dir] : [dir, above];
  return [...new Set(folders)].flatMap((folder) =>
    pythonFiles(folder).flatMap((path) =>
      readCrewClasses(readFileSync(path, 'utf8'))
        .filter((crew) => namesFile(crew.agentsConfig, 'agents') && namesFile(crew.tasksConfig, 'tasks'))
        .filter((crew) => made(crew.agents, agents) && made(crew.tasks, tasks))
        .map((crew) => ({ file: relative(dir, path), crew })),
    ),
  );
}

function pythonFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.py'))
    .sort()
    .map((name) => join(folder, name));
}

function namesFile(path: string | null, stem: string): boolean {
  return path === null || basename(path).replace(/\.ya?ml$/, '') === stem;
}

/** Entries that the class takes from YAML are there. */
function made(entries: readonly PyEntry[], yaml: Entries): boolean {
  return entries.every(({ config }) => config === null || config in yaml);
}

/** Methods by the id of what they make: the entry's, unless two methods make something of the same entry. */
function idsOf(entries: readonly PyEntry[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    entries.map(({ method, config }) => {
      const id = config === null || taken.has(config) ? method : config;
      taken.add(id);
      return [method, id] as const;
    }),
  );
}

function renamed(name: string, ids: ReadonlyMap<string, string>, entries: Entries): string {
  const trimmed = name.trim();
  return ids.get(trimmed) ?? (trimmed in entries ? trimmed : name);
}

function known({ fields }: PyEntry, names: ReadonlySet<string>): Entries {
  return Object.fromEntries([...fields].flatMap(([name, { value }]) => (names.has(name) ? [[name, value]] : [])));
}

/** Tasks that another one sees run too, before it, where the class leaves them out. */
function withContext(order: readonly string[], tasks: Entries): readonly string[] {
  const result: string[] = [];
  const visit = (id: string, path: readonly string[]): void => {
    if (result.includes(id) || path.includes(id)) return;
    const context = asEntry(tasks[id])?.['context'];
    for (const other of Array.isArray(context) ? context : []) {
      if (typeof other === 'string' && other in tasks && !order.includes(other)) visit(other, [...path, id]);
    }
    result.push(id);
  };
  for (const id of order) visit(id, []);
  return result;
}

/** Entries of tasks.yaml that no crew takes are not tasks: people keep drafts there. */
function onlyUsed(tasks: Entries, crews: Entries): Entries {
  const taken = new Set(Object.values(crews).flatMap((crew) => asEntry(crew)?.['tasks'] ?? []));
  return Object.fromEntries(Object.entries(tasks).filter(([id]) => taken.has(id)));
}

function place(places: Places, file: string, id: string, entry: PyEntry): void {
  places.set(id, { file, line: entry.line });
  for (const [field, { line }] of entry.fields) places.set(`${id}.${field}`, { file, line });
  if (entry.agent !== null) places.set(`${id}.agent`, { file, line: entry.agent.line });
  if (entry.context !== null) places.set(`${id}.context`, { file, line: entry.context.line });
  const [tool] = entry.tools;
  if (tool !== undefined) places.set(`${id}.tools`, { file, line: tool.line });
}

/** The file with other data; what Python gives is pointed at there. */
function withPlaces(file: YamlFile, value: Entries, places: Places): YamlFile {
  const inYaml = asEntry(file.value) ?? {};
  return {
    ...file,
    value: file.issues.length > 0 && file.value === undefined ? undefined : value,
    issue: (path, message, at) => {
      const [id, field] = path.map(String);
      const own =
        places.get(`${id ?? ''}.${field ?? ''}`) ??
        (id !== undefined && id in inYaml ? undefined : places.get(id ?? ''));
      return own === undefined ? file.issue(path, message, at) : { ...own, column: 1, message };
    },
  };
}

function emptyFile(name: string): YamlFile {
  return { name, value: undefined, issues: [], issue: (_, message) => ({ file: name, line: 1, column: 1, message }) };
}
