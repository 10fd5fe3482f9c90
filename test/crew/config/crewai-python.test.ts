import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configHome, loadConfig } from '../../../src/crew/config/load.ts';
import { ConfigInvalid, configIssueText } from '../../../src/kit/errors.ts';
import { projectFolder } from '../import/project.ts';
import { knownTools } from './folder.ts';

const agents = `
keeper_entry:
  role: Keeper of {place}
  goal: Keep the light
  backstory: Storms
writer:
  role: Writer
  goal: Write the log
  backstory: Ink
`;
const tasks = `
write_log:
  description: Write the log
  expected_output: A page
watch:
  description: Watch {place}
  expected_output: What was seen
draft:
  role: not a task at all
`;
const python = `
@CrewBase
class Light:
    agents_config = 'config/agents.yaml'

    @agent
    def keeper(self) -> Agent:
        return Agent(config=self.agents_config['keeper_entry'], tools=[GetStatusTool(), LampTool(w=3)], max_iter=4)

    @agent
    def writer(self) -> Agent:
        return Agent(config=self.agents_config['writer'], llm="groq/llama-3")

    @task
    def look(self) -> Task:
        return Task(config=self.tasks_config['watch'], agent=self.keeper())

    @task
    def log(self) -> Task:
        return Task(
            config=self.tasks_config['write_log'],
            agent=self.writer(),
            context=[self.look()],
            callback=self.done,
            output_file='/logs/{place}.md',
        )

    @crew
    def crew(self) -> Crew:
        return Crew(agents=self.agents, tasks=self.tasks, verbose=2)
`;
const FILES = {
  'src/light/config/agents.yaml': agents,
  'src/light/config/tasks.yaml': tasks,
  'src/light/crew.py': python,
};

function load(
  files: Readonly<Record<string, string>>,
  options: { readonly model?: string; readonly tools?: boolean } = {},
): ReturnType<typeof loadConfig> {
  return loadConfig({
    dir: configHome(projectFolder(files)),
    env: {},
    sections: {},
    ...(options.tools === true ? { knownTools } : {}),
    ...(options.model === undefined ? {} : { model: options.model }),
  });
}

function issuesOf(files: Readonly<Record<string, string>>, options: { readonly tools?: boolean } = {}): string {
  try {
    load(files, options);
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.message;
    throw error;
  }
  throw new Error('the project was accepted');
}

describe('the Python of a CrewAI project', () => {
  it('says who does which task, in which order, and which entries are tasks', () => {
    const { crews, tasks: specs, agents: people, crewAi } = load(FILES);
    expect(crewAi).toBe(true);
    expect(crews).toMatchObject([{ id: 'light', process: 'sequential', tasks: ['watch', 'write_log'], verbose: true }]);
    expect(specs).toMatchObject([
      { id: 'write_log', agent: 'writer', context: ['watch'], output_file: 'logs/{place}.md' },
      { id: 'watch', agent: 'keeper_entry' },
    ]);
    expect(people).toMatchObject([
      { id: 'keeper_entry', max_iter: 4 },
      { id: 'writer', llm: 'groq/llama-3' },
    ]);
  });

  it('is reported, line by line, where it has no counterpart', () => {
    const yaml = agents.replace('Storms', 'Storms\n  tools: [GetStatusTool]');
    const files = {
      ...FILES,
      'src/light/config/agents.yaml': yaml,
      'src/light/crew.py': python.replace('GetStatusTool(), ', ''),
    };
    const { warnings, agents: people } = load(files, { model: 'openai:small', tools: true });
    expect(warnings.map(configIssueText)).toEqual([
      '../crew.py:8:1: agent keeper_entry: the Python tool LampTool(w=3) is missing here, and the run goes on without it',
      "../crew.py:12:1: writer.llm: the provider of 'groq/llama-3' is not here: openai:small, the model of the run, takes its place",
      '../crew.py:24:1: task write_log: callback is Python that is not run, and changes nothing',
    ]);
    expect(people[1]?.llm).toBeNull();
    // What Python lists takes the place of the YAML's list, also where nothing of it is here.
    expect(people[0]?.tools).toEqual([]);
  });

  it('gives tools of ours by their names, which have to be granted like any other', () => {
    expect(issuesOf(FILES, { tools: true })).toBe(
      '../crew.py:8:1: agent keeper_entry: get_status needs exchange_data READ_ONLY, and the agent has no permission_role',
    );
    const granted = {
      ...FILES,
      'src/light/config/agents.yaml': agents.replace('Storms', 'Storms\n  permission_role: reader'),
    };
    expect(load(granted, { tools: true }).agents[0]?.tools).toEqual(['get_status']);
  });

  it('names methods, and the YAML may too', () => {
    const yaml = tasks
      .replace('A page', 'A page\n  agent: writer\n  context: [look]')
      .replace('was seen', 'was seen\n  agent: keeper');
    const plain = python.replaceAll(
      /, agent=self.keeper\(\)|\n +(agent=self.writer\(\)|context=\[self.look\(\)\]),/g,
      '',
    );
    const { tasks: specs } = load({ ...FILES, 'src/light/config/tasks.yaml': yaml, 'src/light/crew.py': plain });
    expect(specs).toMatchObject([{ agent: 'writer', context: ['watch'] }, { agent: 'keeper_entry' }]);
  });

  it('makes a crew hierarchical, with a manager of its own', () => {
    const managed = python.replace('verbose=2', 'process=Process.hierarchical, manager_agent=self.keeper()');
    const { crews, tasks: specs } = load({ ...FILES, 'src/light/crew.py': managed });
    expect(crews).toMatchObject([{ process: 'hierarchical', manager_agent: 'keeper_entry', agents: ['writer'] }]);
    // What was the manager's is handed out by it.
    expect(specs.map(({ agent }) => agent)).toEqual(['writer', null]);
  });

  it('is looked at in CrewAI projects only', () => {
    const text = issuesOf({ ...FILES, 'src/light/config/crews.yaml': 'c: { tasks: [watch] }' });
    expect(text).toContain('task watch: has no agent');
    expect(text).toContain('draft.description: is required');
  });
});

describe('YAML alone', () => {
  const one = 'a: { role: r, goal: g, backstory: b }';
  const task = 't: { description: d, expected_output: e }';

  it('with one agent needs no name for who does a task', () => {
    const { tasks: specs, warnings } = load({ 'agents.yaml': one, 'tasks.yaml': task });
    expect(specs[0]?.agent).toBe('a');
    expect(warnings.map(configIssueText)).toEqual([
      'tasks.yaml:1:1: task t: names no agent, and a, the only one, does it',
    ]);
  });

  it('with several is told who there is', () => {
    const several = `${one}\nb: { role: r, goal: g, backstory: b }`;
    expect(issuesOf({ 'agents.yaml': several, 'tasks.yaml': task })).toMatch(
      /^tasks\.yaml:1:1: task t: has no agent, and crew \S+ is not hierarchical: write 'agent:' below it, with one of a, b$/,
    );
  });

  it('is read as CrewAI reads it: other fields, truth and numbers in words, .yml, a key around all of it', () => {
    const {
      agents: people,
      tasks: specs,
      warnings,
    } = load({
      'config/agents.yml':
        'agents:\n  analista_sênior: { role: r, goal: g, backstory: b, verbose: yes, max_iter: "7", dept: x }',
      'config/tasks.yml':
        'tasks:\n  t: { description: d, expected_output: e, agent: analista_sênior, human_input: off }',
    });
    expect(people).toMatchObject([{ id: 'analista_sênior', verbose: true, max_iter: 7 }]);
    expect(specs).toMatchObject([{ human_input: false }]);
    expect(warnings.map(configIssueText)).toEqual([
      "agents.yml:2:83: analista_sênior.dept is no field of CrewAI's and changes nothing",
    ]);
  });
});

describe('several configurations', () => {
  const files = Object.fromEntries(
    ['one', 'two'].flatMap((name) => [
      [`src/f/crews/${name}/config/agents.yaml`, agents],
      [`src/f/crews/${name}/config/tasks.yaml`, tasks],
    ]),
  );

  it('are told apart by the name of the crew', () => {
    const dir = projectFolder(files);
    expect(configHome(dir, 'two')).toBe(join(dir, 'src/f/crews/two/config'));
    expect(() => configHome(dir)).toThrow(/several configurations: choose one of .*one.config, .*two.config/);
    expect(() => configHome(dir, 'three')).toThrow(/several configurations/);
  });
});
