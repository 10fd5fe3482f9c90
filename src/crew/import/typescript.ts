import { agentSpec, taskSpec } from '../defaults.ts';
import type { AgentSpec, TaskSpec } from '../spec.ts';
import { snakeCase } from '../python/text.ts';
import type { CrewAiProject } from './project.ts';
import { zodOf } from './types.ts';

/** What `crew import` writes: path → text, and what a person has to look at. */
export interface Skeleton {
  readonly files: Readonly<Record<string, string>>;
  /** Python tools that have no counterpart: each has its place in tools.ts and refuses to run until it is filled. */
  readonly missingTools: readonly string[];
  readonly notes: readonly string[];
}

/** The project in TypeScript. `versions` are those of this package and the two that the project needs beside it. */
export function skeletonOf(
  project: CrewAiProject,
  versions: { readonly own: string; readonly zod: string; readonly typescript: string; readonly node: string },
): Skeleton {
  const tools = toolNames(project);
  const unknown = Object.entries(project.python.models).flatMap(([name, fields]) =>
    Object.entries(fields)
      .filter(([, type]) => zodOf(type, new Set(Object.keys(project.python.models))).includes('z.unknown()'))
      .map(([field, type]) => `${name}.${field}: ${type} became z.unknown()`),
  );
  const [firstUnread] = Object.values(project.python.outputs).filter((m) => !(m in project.python.models));
  return {
    files: {
      'src/crew.ts': crewFile(project),
      ...(tools.length === 0 ? {} : { 'src/tools.ts': toolsFile(tools) }),
      'src/main.ts': mainFile(project),
      'package.json': `${JSON.stringify(packageOf(project, versions), null, 2)}\n`,
      'tsconfig.json': `${JSON.stringify(TSCONFIG, null, 2)}\n`,
    },
    missingTools: tools,
    notes: [
      ...(project.files.length === 0 ? ['no crew.py was found: tools, process and models are those of the YAML'] : []),
      ...unknown,
      ...(firstUnread === undefined ? [] : [`class ${firstUnread} was not found: its task has no schema`]),
      ...project.tasks
        .filter((task) => task.expected_output === '')
        .map((task) => `task ${task.id}: its expected_output is empty; say in src/crew.ts what its answer must hold`),
      ...project.warnings,
    ],
  };
}

const NOTHING_EXPECTED = 'A complete answer.';

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
    module: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    rewriteRelativeImportExtensions: true,
    rootDir: 'src',
    outDir: 'dist',
    types: ['node'],
  },
  include: ['src'],
};

function packageOf(
  { crew }: CrewAiProject,
  versions: { readonly own: string; readonly zod: string; readonly typescript: string; readonly node: string },
): object {
  return {
    name: crew.id.toLowerCase().replaceAll('_', '-'),
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: { build: 'tsc', start: 'tsc && node dist/main.js' },
    dependencies: { 'orderflow-crew': versions.own, zod: versions.zod },
    devDependencies: { '@types/node': versions.node, typescript: versions.typescript },
  };
}

/** Python tools of all agents and tasks, in snake_case, each once. */
function toolNames(project: CrewAiProject): readonly string[] {
  const listed = [...project.agents, ...project.tasks].flatMap(({ tools }) => tools ?? []);
  const inPython = Object.values(project.python.tools).flat();
  return [...new Set([...listed, ...inPython].map(toolName))];
}

/** `SerperDevTool(n_results=3)` → `serper_dev_tool`; names of fewer than 3 characters are filled up. */
export function toolName(written: string): string {
  const snake = snakeCase(written).slice(0, 60);
  return snake.length < 3 ? `${snake}_tool` : snake;
}

/** `serper_dev_tool` → `serperDevTool`; a name that TypeScript has for itself gets a `_`. */
function variable(id: string): string {
  const name = id.replaceAll(/[_-]+([A-Za-z0-9])/g, (_, c: string) => c.toUpperCase()).replaceAll(/[_-]+/g, '');
  return RESERVED.has(name) ? `${name}_` : name;
}

const RESERVED = new Set(
  'break case catch class const continue crew debugger default defineAgent defineCrew defineTask delete do else enum export extends false finally for function if import in instanceof new null return super switch this throw true try typeof var void while with yield let static await z'.split(
    ' ',
  ),
);

function toolsFile(tools: readonly string[]): string {
  const each = tools.map(
    (name) => `export const ${variable(name)} = defineTool({
  name: ${JSON.stringify(name)},
  title: ${JSON.stringify(name.replaceAll('_', ' '))},
  toolset: 'imported',
  category: 'imported',
  access: 'READ_ONLY',
  effects: 'none',
  description: ${JSON.stringify(`Imported by name: ${name}. Say here what it does, so that a model can choose it.`)},
  input: z.strictObject({ input: z.string().describe('What it is given') }),
  output: z.unknown(),
  examples: [],
  run: () => Promise.reject(new Unsupported(${JSON.stringify(`${name} has not been brought over from Python: fill in its run in src/tools.ts`)})),
});`,
  );
  return `import { defineTool, Unsupported } from 'orderflow-crew/crew';
import { z } from 'zod';

${each.join('\n\n')}
`;
}

function crewFile(project: CrewAiProject): string {
  const { agents, tasks, crew, python } = project;
  const tools = toolNames(project);
  const models = Object.keys(python.models);
  const process = crew.process === 'graph' ? 'sequential' : crew.process;
  const schemas = inOrder(python.models).map(
    ([name, fields]) =>
      `export const ${name} = z.object({\n${Object.entries(fields)
        .map(([field, type]) => `  ${field}: ${zodOf(type, new Set(models))},`)
        .join('\n')}\n});`,
  );
  const options = [
    `id: ${JSON.stringify(crew.id)}`,
    `tasks: [${tasks.map(({ id }) => variable(id)).join(', ')}]`,
    ...(process === 'sequential' ? [] : [`process: ${JSON.stringify(process)}`]),
    ...(process === 'hierarchical'
      ? [
          crew.manager_agent === null
            ? `manager_llm: ${crew.manager_llm === null ? 'llm' : literal(crew.manager_llm)}`
            : `manager: ${variable(crew.manager_agent)}`,
        ]
      : []),
    'llm',
  ];
  return `${[
    `import { defineAgent, defineCrew, defineTask } from 'orderflow-crew/crew';`,
    ...(models.length === 0 ? [] : [`import { z } from 'zod';`]),
    ...(tools.length === 0 ? [] : [`import { ${tools.map(variable).join(', ')} } from './tools.ts';`]),
  ].join('\n')}

${[
  ...schemas,
  ...agents.map((agent) => agentText(agent, python.tools[agent.id] ?? [])),
  ...ordered(tasks).map((task) => taskText(task, python, models)),
  `/** The crew; \`llm\` is the model of agents that name none, as in 'openai:gpt-5-mini'. */
export const crew = (llm: string) => defineCrew({ ${options.join(', ')} });`,
].join('\n\n')}
`;
}

/** Models before those that name them. A ring of models keeps the order of the file: TypeScript will say so. */
function inOrder(
  models: CrewAiProject['python']['models'],
): readonly (readonly [string, Readonly<Record<string, string>>])[] {
  const done = new Set<string>();
  const result: [string, Readonly<Record<string, string>>][] = [];
  const visit = (name: string, path: ReadonlySet<string>): void => {
    const fields = models[name];
    if (fields === undefined || done.has(name) || path.has(name)) return;
    for (const other of Object.keys(models)) {
      if (Object.values(fields).some((type) => new RegExp(`\\b${other}\\b`).test(type)))
        visit(other, new Set([...path, name]));
    }
    done.add(name);
    result.push([name, fields]);
  };
  for (const name of Object.keys(models)) visit(name, new Set());
  return result;
}

/** Tasks after those whose outputs they see: a const must exist before it is named. */
function ordered(tasks: readonly TaskSpec[]): readonly TaskSpec[] {
  const done: TaskSpec[] = [];
  const visit = (task: TaskSpec): void => {
    if (done.includes(task)) return;
    for (const id of task.context) {
      const other = tasks.find((t) => t.id === id);
      if (other !== undefined) visit(other);
    }
    done.push(task);
  };
  tasks.forEach(visit);
  return done;
}

function agentText(agent: AgentSpec, pythonTools: readonly string[]): string {
  const { id, role, goal, backstory } = agent;
  const defaults = agentSpec({ id, role, goal, backstory });
  const tools = [...new Set([...agent.tools, ...pythonTools].map(toolName))];
  return definition(variable(id), 'defineAgent', [
    ...texts({ id, role, goal, backstory }),
    ...(tools.length === 0 ? [] : [`tools: [${tools.map(variable).join(', ')}]`]),
    ...changed(agent, defaults, ['id', 'role', 'goal', 'backstory', 'tools', 'permission_role', 'skills']),
  ]);
}

function taskText(task: TaskSpec, python: CrewAiProject['python'], models: readonly string[]): string {
  const { id, description, expected_output } = task;
  const defaults = taskSpec({ id, description, expected_output });
  const tools = [...new Set([...(task.tools ?? []), ...(python.tools[id] ?? [])].map(toolName))];
  const model = python.outputs[id];
  return definition(variable(id), 'defineTask', [
    ...texts({ id, description, expected_output: expected_output === '' ? NOTHING_EXPECTED : expected_output }),
    ...(task.agent === null ? [] : [`agent: ${variable(task.agent)}`]),
    ...(task.context.length === 0 ? [] : [`context: [${task.context.map(variable).join(', ')}]`]),
    ...(tools.length === 0 && task.tools === null ? [] : [`tools: [${tools.map(variable).join(', ')}]`]),
    ...(model !== undefined && models.includes(model) ? [`output: ${model}`] : []),
    ...changed(task, defaults, ['id', 'description', 'expected_output', 'agent', 'context', 'tools', 'output_json']),
  ]);
}

function definition(name: string, call: string, fields: readonly string[]): string {
  return `export const ${name} = ${call}({\n${fields.map((field) => `  ${field},`).join('\n')}\n});`;
}

function texts(fields: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(fields).map(([name, text]) => `${name}: ${literal(text)}`);
}

/** Fields that differ from what a definition has anyway. */
function changed<T extends object>(given: T, defaults: T, written: readonly string[]): readonly string[] {
  const before = new Map(Object.entries(defaults));
  return Object.entries(given)
    .filter(([name, value]) => !written.includes(name) && JSON.stringify(value) !== JSON.stringify(before.get(name)))
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
}

/** One line as a plain text, several as a template, so that prose stays readable. */
function literal(text: string): string {
  if (!text.includes('\n')) return JSON.stringify(text);
  return `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``;
}

function mainFile({ crew }: CrewAiProject): string {
  return `import { crew } from './crew.ts';

// npm start -- openai:gpt-5-mini topic=… : the model, then the inputs of ${crew.id}
const [llm, ...pairs] = process.argv.slice(2);
if (llm === undefined) {
  console.error('usage: npm start -- MODEL [input=value …], as in openai:gpt-5-mini');
  process.exit(2);
}
const inputs: Record<string, string> = {};
for (const pair of pairs) {
  const at = pair.indexOf('=');
  if (at < 1) throw new Error(\`'\${pair}' is not an input: write name=value\`);
  inputs[pair.slice(0, at)] = pair.slice(at + 1);
}
const document = await crew(llm).host.runner.kickoff(${JSON.stringify(crew.id)}, inputs);
console.log(typeof document.output === 'string' ? document.output : JSON.stringify(document.output, null, 2));
if (document.status !== 'completed') {
  console.error(\`\${document.status}: \${document.error ?? 'no reason was given'}\`);
  process.exitCode = 1;
}
`;
}
