import { describe, expect, it } from 'vitest';
import { placeholders, taskPrompt } from '../../../src/crew/agent/prompt.ts';
import { taskSpec } from '../../../src/crew/defaults.ts';
import { configIssueText } from '../../../src/kit/errors.ts';
import { issuesOf, load } from './folder.ts';

/** Files as a project made with CrewAI's command line has them: folded texts, placeholders, fields of all its releases. */
const agents = `
  analyst:
    role: >
      {sector} Market Analyst
    goal: >
      Find what moved the {sector} market
      this week
    backstory: >
      You read order books the way others
      read newspapers.
    llm: openai/gpt-4o-mini
    verbose: true
    max_iter: 25
    max_rpm: 10
    max_execution_time: 300
    max_retry_limit: 3
    allow_delegation: false
    cache: true
    memory: true
    reasoning: true
    max_reasoning_attempts: 3
    multimodal: false
    inject_date: true
    date_format: "%Y-%m-%d"
    respect_context_window: true

  editor:
    role: |
      Editor
    goal: Make it readable
    backstory: You cut words.
    tools: []
    function_calling_llm: openai/gpt-4o`;
const tasks = `
  analysis_task:
    description: >
      Look at {sector} as of {current_year}.
      Write JSON like {"symbol": "BTCUSDT"}.
    expected_output: >
      Ten bullet points
    agent: analyst

  report_task:
    description: Turn the analysis into a report
    expected_output: |
      A report in markdown, without '\`\`\`'
    agent: editor
    context:
      - analysis_task
    tools: []
    async_execution: false
    human_input: false
    markdown: true
    create_directory: true
    output_file: report.md
    output_pydantic: Report
    output_json: Report
    guardrail: no invented figures
    guardrail_max_retries: 2`;

describe('files of a CrewAI project', () => {
  it('load unchanged, as one sequential crew', () => {
    const config = load({ 'agents.yaml': agents, 'tasks.yaml': tasks });
    expect(config.agents).toMatchObject([
      {
        id: 'analyst',
        role: '{sector} Market Analyst',
        goal: 'Find what moved the {sector} market this week',
        backstory: 'You read order books the way others read newspapers.',
        llm: 'openai:gpt-4o-mini',
        max_iter: 25,
        max_rpm: 10,
        max_execution_time: 300,
        max_retry_limit: 3,
        verbose: true,
        reasoning: true,
        max_reasoning_attempts: 3,
        inject_date: true,
        date_format: '%Y-%m-%d',
        respect_context_window: true,
        permission_role: null,
      },
      { id: 'editor', role: 'Editor', tools: [] },
    ]);
    expect(config.tasks).toMatchObject([
      { id: 'analysis_task', agent: 'analyst', context: [] },
      {
        id: 'report_task',
        agent: 'editor',
        context: ['analysis_task'],
        output_file: 'report.md',
        output_json: null,
        guardrails: ['no invented figures'],
        guardrail_max_retries: 2,
        markdown: true,
      },
    ]);
    expect(config.crews).toMatchObject([
      { id: 'desk', process: 'sequential', tasks: ['analysis_task', 'report_task'], agents: ['analyst', 'editor'] },
    ]);
  });

  it('warn of each field that changes nothing here, with its place', () => {
    const { warnings } = load({ 'agents.yaml': agents, 'tasks.yaml': tasks });
    expect(warnings.map(configIssueText)).toEqual([
      'agents.yaml:17:3: analyst.cache is accepted and changes nothing',
      'agents.yaml:18:3: analyst.memory is accepted and changes nothing',
      'agents.yaml:21:3: analyst.multimodal is accepted and changes nothing',
      'agents.yaml:32:3: editor.function_calling_llm is accepted and changes nothing',
      'tasks.yaml:22:3: report_task.output_pydantic is accepted and changes nothing',
      'tasks.yaml:23:16: report_task.output_json names a class and changes nothing; write a JSON schema',
    ]);
  });

  it('go on without tools that are not here, each reported at its line, and know a slip of the pen', () => {
    const files = (tools: string, ofTask = '') => ({
      'agents.yaml': `a:\n  role: R\n  goal: G\n  backstory: B\n  permission_role: reader\n  tools: ${tools}\n`,
      'tasks.yaml': `t:\n  description: D\n  expected_output: E\n  agent: a\n${ofTask}`,
    });
    const config = load(files('[SerperDevTool, GetStatusTool, FileReadTool]', '  tools: [ScrapeTool]\n'));
    expect(config.agents[0]?.tools).toEqual(['get_status']);
    expect(config.tasks[0]?.tools).toEqual([]);
    expect(config.warnings.map(configIssueText)).toEqual([
      'agents.yaml:6:11: agent a: the Python tool SerperDevTool is missing here, and the run goes on without it',
      'agents.yaml:6:41: agent a: the Python tool FileReadTool is missing here, and the run goes on without it',
      'tasks.yaml:5:11: task t: the Python tool ScrapeTool is missing here, and the run goes on without it',
    ]);
    expect(issuesOf(files('[SerperDevTool, get_statsu]'))).toEqual([
      "agents.yaml:6:26: agent a: 'get_statsu' is not a tool (did you mean get_status?)",
    ]);
    // What is named has its own place still, with others left out before it.
    expect(issuesOf(files('[SerperDevTool, fill_gaps]'))).toEqual([
      expect.stringMatching(/^agents\.yaml:6:26: agent a: fill_gaps needs database_write WRITE/),
    ]);
    const ours = { ...files('[SerperDevTool]'), 'system.yaml': 'roles: { operator: {}, reader: {} }\n' };
    expect(issuesOf(ours)).toEqual(["agents.yaml:6:11: agent a: 'SerperDevTool' is not a tool"]);
  });

  it('may expect nothing in words, as CrewAI lets them', () => {
    const empty = tasks.replace(/expected_output: >\n\s+Ten bullet points/, 'expected_output: ""');
    const files = { 'agents.yaml': agents, 'tasks.yaml': empty };
    const [task] = load(files).tasks;
    expect(task?.expected_output).toBe('');
    const extra = {
      instruction: undefined,
      memory: null,
      recalled: [],
      plan: undefined,
      answers: {},
      knowledge: [],
      lessons: [],
    };
    expect(
      taskPrompt(
        task ?? taskSpec({ id: 't', description: '', expected_output: '-' }),
        { sector: 'x', current_year: 1 },
        [],
        extra,
      ),
    ).not.toContain('Expected');
    expect(issuesOf({ ...files, 'system.yaml': '' }).join()).toMatch(/analysis_task\.expected_output/);
  });

  it('are still strict about everything else', () => {
    expect(issuesOf({ 'agents.yaml': agents.replace('max_iter', 'max_iterr'), 'tasks.yaml': tasks })).toEqual([
      "agents.yaml:12:3: analyst: unknown field 'max_iterr' (did you mean max_iter?)",
    ]);
  });
});

describe('placeholders', () => {
  it.each([
    ['none here', []],
    ['{a} and {b-c}, again {a}', ['a', 'b-c']],
    ['JSON {"symbol": 1}, { spaced }, {}, {1}', []],
    ['{{doubled}}', ['doubled']],
  ])('of %s', (text, names) => {
    expect(placeholders(text)).toEqual(names);
  });
});
