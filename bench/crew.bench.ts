import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { Annotation, END, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import { DuckDBSaver } from '../src/crew/checkpoint/saver.ts';
import { createCrewRunner, createMemoryRunStore, createModelSource, definePlaybook } from '../src/crew/index.ts';
import type { CrewSpec, TaskSpec } from '../src/crew/spec.ts';
import { systemClock } from '../src/infra/clock.ts';
import { Database } from '../src/infra/duckdb/database.ts';
import { createIdSource } from '../src/kit/id.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { MemoryEvents, ScriptedModel, ToyInvoker, toyAgent, toyCrew, toyTask, toyTool } from '../src/testing/index.ts';

const TASKS = 10;
const ROUNDS = 15;

const agent = toyAgent('ana', { tools: ['look'], max_iter: 50 });
const tasks = Array.from({ length: TASKS }, (_, i) => toyTask(`task_${i}`, 'ana'));

/**
 * What a crew costs beyond bare LangGraph: ten tasks that answer at once against ten nodes that do nothing, with the
 * checkpointer in memory and in DuckDB; and one agent's tool turn against a hand-written model-and-tools loop.
 */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'crew-bench-'));
  const database = await Database.open({ path: join(folder, 'ops.duckdb') });
  const savers: readonly (readonly [string, () => Promise<BaseCheckpointSaver>])[] = [
    ['in memory', () => Promise.resolve(new MemorySaver())],
    ['in DuckDB', () => DuckDBSaver.open(database, { clock: systemClock })],
  ];
  for (const [where, open] of savers) {
    const saver = await open();
    const bare = bareGraph(saver);
    const crew = crewRunner(saver);
    let n = 0;
    const bareMs = await median(async () => {
      await bare.invoke({ n: 0 }, { configurable: { thread_id: `bare_${n++}` }, durability: 'async' });
    });
    const crewMs = await median(async () => {
      const document = await crew.kickoff('bench');
      if (document.status !== 'completed') throw new Error(document.error ?? 'the crew did not complete');
    });
    print(`bare LangGraph, ${TASKS} nodes, checkpoints ${where}`, bareMs, 'ms');
    print(`crew, ${TASKS} tasks, checkpoints ${where}`, crewMs, 'ms');
    print('  beyond bare LangGraph, per task', (crewMs - bareMs) / TASKS, 'ms');
  }
  const turns = 20;
  const bareTurn = (await median(() => bareLoop(turns))) / turns;
  const crewTurn = (await median(() => crewLoop(turns))) / turns;
  print('bare model-and-tools loop, per tool turn', bareTurn, 'ms');
  print('crew agent, per tool turn', crewTurn, 'ms');
  await database.close();
}

function bareGraph(saver: BaseCheckpointSaver) {
  const State = Annotation.Root({ n: Annotation<number>() });
  const graph = new StateGraph(State) as unknown as {
    addNode(name: string, node: (s: { n: number }) => { n: number }): void;
    addEdge(from: string, to: string): void;
    compile(options: object): { invoke(input: object, config: object): Promise<unknown> };
  };
  for (const { id } of tasks) graph.addNode(id, ({ n }) => ({ n: n + 1 }));
  [START, ...tasks.map((t) => t.id)].forEach((from, i) => graph.addEdge(from, tasks[i]?.id ?? END));
  return graph.compile({ checkpointer: saver });
}

function runner(saver: BaseCheckpointSaver, crew: CrewSpec, all: readonly TaskSpec[], model: ScriptedModel | null) {
  const answer = definePlaybook(Object.fromEntries(all.map((t) => [t.id, () => ({ answer: { done: true } })])));
  return createCrewRunner({
    crews: { bench: crew },
    agents: { ana: agent },
    tasks: Object.fromEntries(all.map((t) => [t.id, t])),
    invoker: new ToyInvoker([counting()], { clock: systemClock }),
    models:
      model === null
        ? createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { bench: answer } })
        : { modelsFor: () => Promise.resolve([model.named('scripted')]) },
    checkpointer: saver,
    store: createMemoryRunStore(),
    events: new MemoryEvents(),
    clock: systemClock,
    log: silentLogger,
    newId: createIdSource(() => systemClock.now(), Math.random),
    random: Math.random,
  });
}

function crewRunner(saver: BaseCheckpointSaver) {
  return runner(saver, toyCrew('bench', [agent], tasks), tasks, null);
}

async function crewLoop(turns: number): Promise<void> {
  const task = toyTask('turns', 'ana');
  const crew = runner(new MemorySaver(), toyCrew('bench', [agent], [task]), [task], script(turns));
  const document = await crew.kickoff('bench');
  if (document.usage.tool_calls !== turns)
    throw new Error(`${document.usage.tool_calls} calls: ${document.error ?? ''}`);
}

/** The same turns over messages alone, with the same kind of checkpointer: model → tools → model … */
async function bareLoop(turns: number): Promise<void> {
  const State = Annotation.Root({
    messages: Annotation<BaseMessage[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  });
  const model = script(turns);
  const tool = counting();
  const graph = new StateGraph(State)
    .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode('tools', async ({ messages }) => {
      const last = messages.at(-1);
      const calls = AIMessage.isInstance(last) ? (last.tool_calls ?? []) : [];
      const results = await Promise.all(
        calls.map(async (call) => {
          const result: unknown = await tool.run(call.args, {} as Parameters<typeof tool.run>[1]);
          return new ToolMessage({ tool_call_id: call.id ?? '', content: JSON.stringify(result) });
        }),
      );
      return { messages: results };
    })
    .addEdge(START, 'model')
    .addConditionalEdges('model', ({ messages }) => {
      const last = messages.at(-1);
      return AIMessage.isInstance(last) && (last.tool_calls ?? []).length > 0 ? 'tools' : END;
    })
    .addEdge('tools', 'model')
    .compile({ checkpointer: new MemorySaver() });
  await graph.invoke(
    { messages: [new SystemMessage('You are ana.'), new HumanMessage('Do it.')] },
    { configurable: { thread_id: 'loop' }, recursionLimit: 1000 },
  );
}

function counting() {
  let n = 0;
  return toyTool('look', () => ({ n: n++ }));
}

function script(turns: number): ScriptedModel {
  const calls = Array.from({ length: turns }, (_, i) => ({ calls: [{ tool: 'look', args: { i } }] }));
  return new ScriptedModel([...calls, { text: 'done' }]);
}

async function median(work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS + 2; i++) {
    const began = performance.now();
    await work();
    if (i >= 2) times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

function print(what: string, value: number, unit: string): void {
  process.stdout.write(`${what.padEnd(58)} ${value.toFixed(2).padStart(9)} ${unit}\n`);
}
