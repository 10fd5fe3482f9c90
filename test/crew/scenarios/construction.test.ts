import { describe, expect, test } from 'vitest';
import { compileCrew } from '../../../src/crew/graph/compile.ts';
import type { CrewSpec, TaskSpec } from '../../../src/crew/spec.ts';
import { toyAgent, toyCrew, toyTask } from '../../../src/testing/index.ts';
import { issuesOf, load } from '../config/folder.ts';

/** Crews that CrewAI refuses to build, from YAML with file and line, and from code. */
const agents = `
  ana:
    role: Analyst
    goal: Analyse
    backstory: Years of it`;

const task = (id: string, fields = ''): string => `
  ${id}:
    description: Do ${id}
    expected_output: A result
    agent: ana${fields === '' ? '' : `\n    ${fields}`}`;

function problems(tasks: string, crew: string): readonly string[] {
  return issuesOf({ 'agents.yaml': agents, 'tasks.yaml': tasks, 'crews.yaml': `\n  team:\n    ${crew}` });
}

const ana = toyAgent('ana');
const built = (tasks: readonly TaskSpec[], crew: Partial<CrewSpec> = {}) => {
  const spec = toyCrew('team', [ana], tasks, crew);
  return () =>
    compileCrew(
      spec,
      Object.fromEntries(tasks.map((t) => [t.id, t])),
      { ana },
      {
        runTask: () => Promise.reject(new Error('not run')),
        managerTurn: () => Promise.reject(new Error('not run')),
        now: () => 0,
      },
    );
};

const condition = { field: 'ready', is: true };

describe('crew construction', () => {
  test('only conditional tasks are refused', () => {
    const yaml = task('a', 'condition: { field: ready, is: true }');
    expect(problems(yaml, 'tasks: [a]')).toEqual([
      'tasks.yaml:5:14: crew team: every task has a condition; at least one must always run',
    ]);
    expect(built([toyTask('a', 'ana', { condition })])).toThrow('every task has a condition');
  });

  test('a first task with a condition, and one that is asynchronous too, are refused', () => {
    const yaml = task('a', 'condition: { exists: true }') + task('b');
    expect(problems(yaml, 'tasks: [a, b]')).toEqual([
      'tasks.yaml:5:14: task a: the first task of crew team has nothing to compare with',
    ]);
    expect(built([toyTask('a', 'ana'), toyTask('b', 'ana', { condition, async_execution: true })])).toThrow(
      'a task with a condition cannot be async_execution',
    );
  });

  test('no agents, no tasks, and names that nothing bears are refused', () => {
    expect(problems(task('a'), 'tasks: []')).toEqual([expect.stringContaining('crews.yaml:2:')]);
    expect(problems(task('a'), 'tasks: [a]\n    agents: []')).toEqual([
      expect.stringContaining('crew team: its list of agents is empty'),
      expect.stringContaining('agent ana of task a is not among its agents'),
    ]);
    expect(problems(task('a'), 'tasks: [b]')).toEqual([expect.stringContaining("crew team: 'b' is not a task")]);
    expect(built([])).toThrow('crew team has no tasks');
    expect(built([toyTask('a', 'ana')], { agents: [] })).toThrow('crew team has no agents');
  });

  test('an asynchronous task that needs one that runs beside it is refused, unless the crew is parallel', () => {
    const yaml = task('a', 'async_execution: true') + task('b', 'async_execution: true\n    context: [a]') + task('c');
    expect(problems(yaml, 'tasks: [a, b, c]')).toEqual([
      expect.stringMatching(/^tasks\.yaml:\d+:12: task b: it runs beside a, so it cannot have its output as context/),
    ]);
    expect(problemsOrNone(yaml, 'tasks: [a, b, c]\n    process: parallel')).toEqual([]);
    const a = toyTask('a', 'ana', { async_execution: true });
    const b = toyTask('b', 'ana', { async_execution: true, context: ['a'] });
    expect(built([a, b, toyTask('c', 'ana')])).toThrow('it runs beside a');
    expect(built([a, toyTask('c', 'ana'), b])).not.toThrow();
  });

  test('a context that comes later is refused', () => {
    expect(problems(task('a', 'context: [b]') + task('b'), 'tasks: [a, b]')).toEqual([
      'tasks.yaml:5:13: task a: its context b comes later in the sequential crew team',
    ]);
    expect(built([toyTask('a', 'ana', { context: ['b'] }), toyTask('b', 'ana')])).toThrow('which comes later');
  });

  test('more than one asynchronous task at the end is refused', () => {
    const yaml = task('a') + task('b', 'async_execution: true') + task('c', 'async_execution: true');
    expect(problems(yaml, 'tasks: [a, b, c]')).toEqual([
      expect.stringMatching(/^tasks\.yaml:\d+:20: task c: at most one async_execution task may end/),
    ]);
    const slow = { async_execution: true };
    expect(built([toyTask('a', 'ana'), toyTask('b', 'ana', slow), toyTask('c', 'ana', slow)])).toThrow('at most one');
    expect(built([toyTask('a', 'ana', slow), toyTask('b', 'ana', slow), toyTask('c', 'ana')])).not.toThrow();
  });

  test('a hierarchical crew without a manager, or whose manager is one of its agents, is refused', () => {
    expect(problems(task('a'), 'tasks: [a]\n    process: hierarchical')).toEqual([
      'crews.yaml:3:12: crew team: a hierarchical crew needs manager_agent or manager_llm',
    ]);
    expect(
      problems(task('a'), 'tasks: [a]\n    process: hierarchical\n    manager_agent: ana\n    agents: [ana]'),
    ).toEqual(['crews.yaml:5:11: crew team: its manager ana does none of the work, so it is not one of its agents']);
    expect(built([toyTask('a', 'ana')], { process: 'hierarchical' })).toThrow('needs manager_agent or manager_llm');
  });
});

function problemsOrNone(tasks: string, crew: string): readonly string[] {
  load({ 'agents.yaml': agents, 'tasks.yaml': tasks, 'crews.yaml': `\n  team:\n    ${crew}` });
  return [];
}
