import { describe, expect, test } from 'vitest';
import { buildAgentGraph } from '../../../src/crew/agent/agent-graph.ts';
import { createTaskExecution } from '../../../src/crew/agent/run-task.ts';
import { compileCrew } from '../../../src/crew/graph/compile.ts';
import {
  type CrewGraphDefinition,
  type CrewGraphState,
  CrewState,
  defineCrewGraph,
  definePlaybook,
  END,
  MemorySaver,
  START,
  StateGraph,
} from '../../../src/crew/index.ts';
import { PlaybookModel } from '../../../src/crew/model/playbook-model.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../../../src/crew/spec.ts';
import { ToyInvoker, toyAgent, toyCrew, toyTask, toyTool } from '../../../src/testing/index.ts';
import { testScope } from './scope.ts';

const collector = toyAgent('collector', { tools: ['get_stream_status'] });
const validator = toyAgent('validator', { tools: ['validate_recent_data'] });
const cleaner = toyAgent('cleaner', { tools: ['clean_data_anomalies'] });
const agents = { collector, validator, cleaner };
const monitor = toyTask('monitor', 'collector');
const validate = toyTask('validate', 'validator', { context: ['monitor'] });
const clean = toyTask('clean', 'cleaner');
const schema = toyTask('schema', 'collector');
const tasks = { monitor, validate, clean, schema };

const playbook = definePlaybook({
  monitor: ({ observations }) =>
    observations.length === 0
      ? { calls: [{ tool: 'get_stream_status', args: {}, reason: 'see what flows' }] }
      : { answer: observations[0]?.result },
  validate: ({ observations, context }) =>
    observations.length === 0
      ? { calls: [{ tool: 'validate_recent_data', args: { seen: context[0]?.output }, reason: 'check it' }] }
      : { answer: { problems: observations[0]?.result } },
  clean: ({ observations, inputs }) =>
    observations.length === 0
      ? { calls: [{ tool: 'clean_data_anomalies', args: { issues: inputs['issues'] }, reason: 'mend it' }] }
      : { answer: { cleaned: true } },
  schema: () => ({ answer: { tables: 3 } }),
});

const definition = defineCrewGraph((builder) =>
  new StateGraph(CrewState)
    .addNode('monitor', builder.taskNode('monitor'))
    .addNode(
      'validate',
      builder.taskNode('validate', {
        issues: (output) => {
          const { problems } = output.output as { problems: string[] };
          return problems.map((message) => ({
            kind: 'gap',
            severity: 'low' as const,
            task: 'validate',
            message,
            details: {},
          }));
        },
      }),
    )
    .addNode('clean', builder.taskNode('clean', { inputs: { issues: (state) => state.issues.map((i) => i.message) } }))
    .addNode(
      'report',
      builder.codeNode((state) => {
        builder.announce({ pattern: 'handled', from: 'cleaner', to: 'collector', action: 'report' });
        return { notes: { handled: state.issues.length } };
      }),
    )
    .addNode('schema', builder.taskNode('schema'))
    .addEdge(START, 'monitor')
    .addEdge('monitor', 'validate')
    .addConditionalEdges('validate', (state) => (state.issues.length > 0 ? 'clean' : 'schema'), ['clean', 'schema'])
    .addEdge('clean', 'report')
    .addEdge('report', 'schema')
    .addEdge('schema', END),
);

function setUp(
  given: {
    crew?: Partial<CrewSpec>;
    problems?: string[];
    definition?: CrewGraphDefinition;
    allTasks?: Record<string, TaskSpec>;
    allAgents?: Record<string, AgentSpec>;
  } = {},
) {
  const allTasks = given.allTasks ?? tasks;
  const allAgents = given.allAgents ?? agents;
  const crew = toyCrew('data-ops', Object.values(allAgents), Object.values(allTasks), {
    process: 'graph',
    ...given.crew,
  });
  const invoker = new ToyInvoker([
    toyTool('get_stream_status', () => ({ streams: 4 })),
    toyTool('validate_recent_data', () => given.problems ?? []),
    toyTool('clean_data_anomalies', () => ({ done: 1 }), { effects: 'effect' }),
  ]);
  const scope = testScope(crew, invoker, [{ name: 'playbook', source: 'playbook', chat: new PlaybookModel(playbook) }]);
  const messages: string[] = [];
  const compiled = compileCrew(crew, allTasks, allAgents, {
    runTask: createTaskExecution(scope, buildAgentGraph()),
    definition: given.definition ?? definition,
    checkpointer: new MemorySaver(),
    announce: (m) => messages.push(`${m.from} → ${m.to}: ${m.pattern}`),
    now: () => scope.clock.now(),
  });
  const run = async (inputs = {}): Promise<CrewGraphState> =>
    (await compiled.graph.invoke({ inputs }, { configurable: { thread_id: 'run_1' } })) as CrewGraphState;
  return { compiled, invoker, scope, messages, run };
}

describe('a hand-written graph', () => {
  test('routes issues to the cleaner and gives it the shared state', async () => {
    const { run, invoker, messages } = setUp({ problems: ['a gap'] });
    const state = await run();
    expect(Object.keys(state.outputs)).toEqual(['monitor', 'validate', 'clean', 'schema']);
    expect(state.outputs['validate']?.output).toEqual({ problems: ['a gap'] });
    expect(state.notes).toEqual({ handled: 1 });
    expect(messages).toEqual(['cleaner → collector: handled']);
    expect(invoker.calls.map((c) => [c.caller.id, c.tool, c.args, c.path])).toEqual([
      ['agent:collector', 'get_stream_status', {}, 'monitor#0/0/1.0'],
      ['agent:validator', 'validate_recent_data', { seen: { streams: 4 } }, 'validate#0/0/1.0'],
      ['agent:cleaner', 'clean_data_anomalies', { issues: ['a gap'] }, 'clean#0/0/1.0'],
    ]);
  });

  test('goes round the cleaner when nothing was found', async () => {
    const { run } = setUp();
    const state = await run();
    expect(Object.keys(state.outputs)).toEqual(['monitor', 'validate', 'schema']);
  });

  test('emits what an agent does, in order', async () => {
    const { run, scope } = setUp();
    await run();
    expect(scope.events.types().slice(0, 8)).toEqual([
      'task.started',
      'agent.started',
      'model.called',
      'agent.decision',
      'model.called',
      'agent.decision',
      'task.completed',
      'agent.stopped',
    ]);
  });

  test('refuses a task that the crew has not', () => {
    const wrong = defineCrewGraph((builder) =>
      new StateGraph(CrewState).addNode('a', builder.taskNode('monitr')).addEdge(START, 'a'),
    );
    expect(() => setUp({ definition: wrong })).toThrow("crew data-ops has no task 'monitr' (did you mean monitor?)");
  });
});
