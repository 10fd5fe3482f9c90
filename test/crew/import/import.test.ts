import { describe, expect, it } from 'vitest';
import { readCrewAiProject } from '../../../src/crew/import/project.ts';
import { readPythonTypes, zodOf } from '../../../src/crew/import/types.ts';
import { skeletonOf, toolName } from '../../../src/crew/import/typescript.ts';
import { ConfigInvalid, InvalidInput } from '../../../src/kit/errors.ts';
import { PROJECT, projectFolder } from './project.ts';

const versions = { own: '^0.1.0', zod: '^4.0.0', typescript: '^5.9.0', node: '^20.0.0' };

describe('a CrewAI project', () => {
  it('is found where its command line puts it, and read with what crew.py adds', () => {
    const { crew, agents, tasks, python } = readCrewAiProject(projectFolder());
    expect(crew).toMatchObject({ id: 'news_room', process: 'sequential', tasks: ['research_task', 'editing_task'] });
    expect(agents.map(({ id }) => id)).toEqual(['reporter', 'editor']);
    expect(tasks[1]?.context).toEqual(['research_task']);
    expect(python).toMatchObject({
      tools: { reporter: ['SerperDevTool(n_results=3, label="a, b")', 'FileReadTool()'] },
      outputs: { editing_task: 'Report' },
      models: {
        Report: { headline: 'str', points: 'List[Point]', mood: 'Optional[str]', extra: 'Decimal' },
        Point: { text: 'str', weight: 'float | None' },
      },
    });
  });

  it('is written as TypeScript, with every open point named', () => {
    const skeleton = skeletonOf(readCrewAiProject(projectFolder()), versions);
    expect(skeleton.missingTools).toEqual(['serper_dev_tool', 'file_read_tool']);
    expect(skeleton.notes).toEqual(['Report.extra: Decimal became z.unknown()']);
    const text = skeleton.files['src/crew.ts'] ?? '';
    expect(text).toContain(
      'export const Point = z.object({\n  text: z.string(),\n  weight: z.number().nullable(),\n});',
    );
    expect(text.indexOf('const Point')).toBeLessThan(text.indexOf('const Report'));
    expect(text).toContain('  tools: [serperDevTool, fileReadTool],\n  llm: "openai:gpt-4o-mini",');
    expect(text).toContain('  context: [researchTask],\n  output: Report,');
    expect(text).toContain('backstory: `You like \\`short\\` words.\nYou know what \\${ x } means.`');
    expect(text).toContain('max_iter: 5');
    expect(skeleton.files['src/tools.ts']).toContain('name: "serper_dev_tool"');
    expect(JSON.parse(skeleton.files['package.json'] ?? '')).toMatchObject({
      name: 'news-room',
      dependencies: { 'orderflow-crew': '^0.1.0', zod: '^4.0.0' },
    });
  });

  it('keeps the agent that manages it', () => {
    const path = 'src/news_room/crew.py';
    const managed = (PROJECT[path] ?? '').replace(
      'Process.sequential',
      'Process.hierarchical, manager_agent=self.editor()',
    );
    const { files } = skeletonOf(readCrewAiProject(projectFolder({ ...PROJECT, [path]: managed })), versions);
    expect(files['src/crew.ts']).toContain('process: "hierarchical", manager: editor, llm })');
  });

  it('without Python says so, and keeps the tools that its YAML names', () => {
    const dir = projectFolder({
      'config/agents.yaml': 'a: { role: r, goal: g, backstory: b, tools: [SearchTool] }',
      'config/tasks.yaml': 't: { description: d, expected_output: e, agent: a }',
    });
    const skeleton = skeletonOf(readCrewAiProject(dir), versions);
    expect(skeleton.missingTools).toEqual(['search_tool']);
    expect(skeleton.notes[0]).toMatch(/no crew.py was found/);
    const silent = projectFolder({
      'config/agents.yaml': 'a: { role: r, goal: g, backstory: b }',
      'config/tasks.yaml': 't: { description: d, expected_output: "", agent: a }',
    });
    const { files, notes } = skeletonOf(readCrewAiProject(silent), versions);
    expect(files['src/crew.ts']).toContain('expected_output: "A complete answer."');
    expect(notes).toContain('task t: its expected_output is empty; say in src/crew.ts what its answer must hold');
  });

  it('that is wrong, or several, is refused', () => {
    expect(() => readCrewAiProject(projectFolder({ 'agents.yaml': 'a: { role: r }' }))).toThrow(ConfigInvalid);
    expect(() => readCrewAiProject(projectFolder({}))).toThrow(/there is no configuration here/);
    const twice = Object.fromEntries(
      Object.entries(PROJECT).flatMap(([path, text]) => [
        [path, text],
        [path.replace('news_room', 'other'), text],
      ]),
    );
    expect(() => readCrewAiProject(projectFolder(twice))).toThrow(InvalidInput);
  });
});

describe('names and types', () => {
  it.each([
    ['SerperDevTool()', 'serper_dev_tool'],
    ['tools.my_search', 'my_search'],
    ['self.reader', 'reader'],
    ['X()', 'x_tool'],
    ['PDFSearchTool', 'pdf_search_tool'],
  ])('%s is the tool %s', (written, name) => expect(toolName(written)).toBe(name));

  it.each([
    ['str', 'z.string()'],
    ['list[str]', 'z.array(z.string())'],
    ['List[Optional[int]]', 'z.array(z.number().int().nullable())'],
    ['Dict[str, Point]', 'z.record(z.string(), Point)'],
    ['int | None', 'z.number().int().nullable()'],
    ['str | int', 'z.union([z.string(), z.number().int()])'],
    ['Literal[\'a\', "b"]', 'z.enum(["a", "b"])'],
    ['datetime', 'z.unknown()'],
    ['Tuple[int, str]', 'z.unknown()'],
  ])('%s is %s', (type, expected) => expect(zodOf(type, new Set(['Point']))).toBe(expected));

  it('are read from text that never closes, without an end', () => {
    const crew = (PROJECT['src/news_room/crew.py'] ?? '').replaceAll('\n', '\r\n');
    for (let end = 0; end <= crew.length; end++) readPythonTypes([crew.slice(0, end)]);
    expect(readPythonTypes([crew.slice(0, crew.indexOf(', label'))])).toMatchObject({ models: {} });
    expect(readPythonTypes([''])).toEqual({ tools: {}, outputs: {}, models: {} });
  });

  it('are those of the crew that a run would have: tools of tasks and a model given in Python too', () => {
    const path = 'src/news_room/crew.py';
    const given = (PROJECT[path] ?? '')
      .replace('output_pydantic=Report', 'output_json=Report, tools=[PDFSearchTool()]')
      .replace('Process.sequential', 'Process.hierarchical, manager_llm="gpt-4o"');
    const { files, missingTools } = skeletonOf(
      readCrewAiProject(projectFolder({ ...PROJECT, [path]: given })),
      versions,
    );
    expect(missingTools).toContain('pdf_search_tool');
    expect(files['src/crew.ts']).toContain('  context: [researchTask],\n  tools: [pdfSearchTool],\n  output: Report,');
    expect(files['src/crew.ts']).toContain('process: "hierarchical", manager_llm: "openai:gpt-4o", llm })');
  });
});
