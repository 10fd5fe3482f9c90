import { describe, expect, it } from 'vitest';
import { readCrewClasses } from '../../../src/crew/python/crew-class.ts';
import { literalOf, snakeCase } from '../../../src/crew/python/text.ts';

const FILE = `from crewai import Agent, Crew, Process, Task, LLM
weather = WeatherTool(days=3)

@CrewBase
class Harbour():
    """Boats. @task
    def not_a_task(self): Task(config=self.tasks_config['no'])
    """
    agents_config = 'config/agents.yaml'
    tasks_config: str = "config/tasks.yaml"

    def __init__(self):
        self.fast = LLM(model="gpt-4o-mini", temperature=0)
        self.own = LLM(model="openai/x", base_url="http://10.0.0.1")

    @before_kickoff
    def prepare(self, inputs): return inputs

    @agent
    def pilot(self) -> Agent:
        tide = [TideTool(), weather]
        return Agent(
            config=self.agents_config['pilot_entry'],  # type: ignore[index]
            tools=tide, llm=self.fast, max_iter=3, step_callback=self.log,
        )

    @agent
    def clerk(self) -> Agent:
        return Agent(role="Clerk, of boats", goal='Count', backstory="""Ledgers
since 1900""", llm=self.own)

    @task
    def second(self) -> Task:
        return Task(config=self.tasks_config["second"], agent=self.clerk(), context=[self.first()],
                    output_file='out/list.md', async_execution=False)

    @task
    def first(self) -> Task:
        return Task(config=self.tasks_config.get('first'), agent=self.pilot)

    @crew
    def crew(self) -> Crew:
        # process=Process.sequential
        return Crew(agents=self.agents, tasks=[self.first(), self.second()], process=Process.hierarchical,
                    manager_llm=LLM(model="gpt-4o"), verbose=2)

def helper(): pass
`;

describe('a class under @CrewBase', () => {
  it.each([
    ['as it is', FILE],
    ['with the line ends and mark of another system', `\uFEFF${FILE.replaceAll('\n', '\r\n')}`],
  ])('is read %s', (_, source) => {
    const [crew, ...others] = readCrewClasses(source);
    expect(others).toEqual([]);
    expect(crew).toMatchObject({
      name: 'Harbour',
      agentsConfig: 'config/agents.yaml',
      tasksConfig: 'config/tasks.yaml',
      hooks: [{ value: 'prepare' }],
      crew: {
        process: 'hierarchical',
        manager: null,
        listedAgents: null,
        listedTasks: ['first', 'second'],
        opaque: [],
      },
    });
    const [pilot, clerk] = crew?.agents ?? [];
    expect(pilot).toMatchObject({ method: 'pilot', config: 'pilot_entry' });
    expect(pilot?.tools.map((t) => t.value)).toEqual(['TideTool()', 'WeatherTool(days=3)']);
    expect(Object.fromEntries(pilot?.fields ?? [])).toEqual({
      llm: { value: 'gpt-4o-mini', line: 24 },
      max_iter: { value: 3, line: 24 },
    });
    expect(pilot?.opaque).toEqual([{ value: 'step_callback', line: 24 }]);
    expect(clerk).toMatchObject({ config: null, opaque: [{ value: 'llm' }] });
    expect(clerk?.fields.get('role')?.value).toBe('Clerk, of boats');
    expect(clerk?.fields.get('backstory')?.value).toBe('Ledgers\nsince 1900');
    const [second, first] = crew?.tasks ?? [];
    expect(second).toMatchObject({ config: 'second', agent: { value: 'clerk' }, context: { value: ['first'] } });
    expect(second?.fields.get('output_file')?.value).toBe('out/list.md');
    expect(first).toMatchObject({ config: 'first', agent: { value: 'pilot' }, context: null });
    expect(crew?.crew.fields.get('manager_llm')?.value).toBe('gpt-4o');
  });

  it.each([
    ['nothing', ''],
    ['no crew', '@CrewBase\nclass A:\n    pass\n'],
    ['a text that never ends', '@CrewBase\nclass A:\n    @crew\n    def c(self): return Cre("""'],
  ])('is not in %s', (_, source) => expect(readCrewClasses(source)).toEqual([]));

  it('is read as far as it goes when brackets never close', () => {
    const [crew] = readCrewClasses('@CrewBase\nclass A:\n    @crew\n    def c(self): return Crew(tasks=[self.a(), ');
    expect(crew?.crew.listedTasks).toEqual(['a']);
  });
});

describe('values', () => {
  it.each([
    ['True', true],
    ['None', null],
    ['-1_000.5', -1000.5],
    [`'a' "b"`, 'ab'],
    [`("a\\n"\n 'b')`, 'a\nb'],
    [`r'\\d'`, '\\d'],
    ['"""x "y" z"""', 'x "y" z'],
    [`f'{x}'`, undefined],
    ['os.getenv("A")', undefined],
    ['', undefined],
  ])('%s', (source, value) => expect(literalOf(source)).toBe(value));

  it.each([
    ['GetStatusTool()', 'get_status_tool'],
    ['crewai_tools.PDFSearchTool(pdf="a.b")', 'pdf_search_tool'],
  ])('%s is %s', (written, name) => expect(snakeCase(written)).toBe(name));
});
