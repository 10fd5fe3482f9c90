import { createHash } from 'node:crypto';
import {
  Annotation,
  type BaseCheckpointSaver,
  END,
  type LangGraphRunnableConfig,
  Send,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { InvalidInput } from '../../kit/errors.ts';
import { mergeOutside } from '../../kit/outside.ts';
import { canonicalJson } from '../../kit/json.ts';
import type { CompiledCrewGraph } from '../graph/define.ts';
import type { FlowState } from './state.ts';
import type { FlowDefinition, FlowMethod } from './define.ts';
import { isMet, namesIn } from './trigger.ts';

/** Something that methods may wait for: a method's end or a router's route. */
export interface Fired {
  readonly name: string;
  readonly from: string;
  readonly output: unknown;
}

/** A method that is to run, and why. */
export interface FlowCall {
  readonly method: string;
  readonly trigger: string;
  readonly input: unknown;
  readonly execution: number;
}

/** What a flow's thread holds. */
export interface FlowValues {
  readonly data: FlowState;
  readonly fired: readonly Fired[];
  /** What has come for each method since it last ran. */
  readonly come: Readonly<Record<string, readonly string[]>>;
  readonly runs: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly last: string | null;
  /** Whose words from outside the steps so far have read. */
  readonly outside: readonly string[];
  readonly queue: readonly FlowCall[];
  /** Of a migrated run: methods that run at its first step, with their input. */
  readonly next: Readonly<Record<string, unknown>> | null;
  /** Of a migrated run: hash of the structure that its thread was begun for. */
  readonly seeded: string | null;
}

/** Runs one method: its output, its routes, and what it changes. */
export type FlowWork = (
  method: FlowMethod,
  call: FlowCall,
  known: Pick<FlowValues, 'data' | 'outside'>,
  config: LangGraphRunnableConfig,
) => Promise<{
  readonly output: unknown;
  readonly route: string | null;
  readonly update: FlowState;
  readonly outside: readonly string[];
}>;

/** What a method is sent. */
type Sent = Pick<FlowValues, 'data' | 'outside'> & { readonly call: FlowCall };

const DISPATCH = '__dispatch';

/** What `flowAnnotation` keeps: LangGraph takes no node of the same name. */
const CHANNELS: ReadonlySet<string> = new Set<keyof FlowValues>([
  'data',
  'fired',
  'come',
  'runs',
  'outputs',
  'last',
  'outside',
  'queue',
  'next',
  'seeded',
]);

/** The node of a method: its id, which may be any word. */
function nodeOf(method: string): string {
  return CHANNELS.has(method) ? `@${method}` : method;
}

/** The method of a node. */
export function methodOfNode(node: string): string {
  return node.startsWith('@') ? node.slice(1) : node;
}

/**
 * A flow as a LangGraph: methods that are due run side by side in one step, then `dispatch` sees what has come and sends
 * the next ones. Methods that wait for several are therefore never missed, and the order is that of the definition.
 */
export function compileFlow(
  flow: FlowDefinition,
  work: FlowWork,
  checkpointer: BaseCheckpointSaver,
): CompiledCrewGraph {
  const State = flowAnnotation(flow);
  const graph = new StateGraph(State).addNode(DISPATCH, (state: FlowValues) =>
    dispatch(flow, state),
  ) as unknown as LooseGraph;
  for (const method of flow.methods) {
    graph.addNode(nodeOf(method.id), async ({ call, ...known }: Sent, config) => {
      const { output, route, update, outside } = await work(method, call, known, config);
      const fired: Fired[] = [{ name: method.id, from: method.id, output }];
      if (route !== null) fired.push({ name: route, from: method.id, output });
      return { data: update, fired, outputs: { [method.id]: output ?? null }, last: method.id, outside };
    });
    graph.addEdge(nodeOf(method.id), DISPATCH);
  }
  graph.addEdge(START, DISPATCH);
  graph.addConditionalEdges(
    DISPATCH,
    ({ queue, data, outside }) =>
      queue.length === 0
        ? END
        : queue.map((call) => new Send(nodeOf(call.method), { call, data, outside } satisfies Sent)),
    [...flow.methods.map((m) => nodeOf(m.id)), END],
  );
  return (graph as unknown as { compile(o: object): CompiledCrewGraph }).compile({ checkpointer, name: flow.id });
}

/** SHA-256, hex, of methods, triggers and routes. */
export function flowHash(flow: FlowDefinition): string {
  const parts = flow.methods.map(({ id, start, on, routes }) => ({ id, start, on, routes }));
  return createHash('sha256').update(canonicalJson(parts)).digest('hex');
}

function flowAnnotation(flow: FlowDefinition) {
  return Annotation.Root({
    data: Annotation<FlowState>({
      reducer: (known, update) => ('id' in known ? flow.merge(known, update) : update),
      default: () => ({}),
    }),
    fired: Annotation<readonly Fired[], readonly Fired[] | null>({
      reducer: (known, more) => (more === null ? [] : [...known, ...more]),
      default: () => [],
    }),
    come: Annotation<FlowValues['come']>({ reducer: (_, next) => next, default: () => ({}) }),
    runs: Annotation<FlowValues['runs']>({ reducer: (_, next) => next, default: () => ({}) }),
    outputs: Annotation<FlowValues['outputs']>({
      reducer: (known, more) => ({ ...known, ...more }),
      default: () => ({}),
    }),
    last: Annotation<string | null>({ reducer: (_, next) => next, default: () => null }),
    outside: Annotation<readonly string[]>({ reducer: (known, more) => mergeOutside(known, more), default: () => [] }),
    queue: Annotation<readonly FlowCall[]>({ reducer: (_, next) => next, default: () => [] }),
    next: Annotation<FlowValues['next']>({ reducer: (_, next) => next, default: () => null }),
    seeded: Annotation<string | null>({ reducer: (_, next) => next, default: () => null }),
  });
}

function dispatch(flow: FlowDefinition, state: FlowValues) {
  flow.check(state.data);
  const order = (fired: Fired): number => flow.methods.findIndex((m) => m.id === fired.from);
  const fired = [...state.fired].sort((a, b) => order(a) - order(b));
  const begun = Object.keys(state.runs).length > 0;
  const firstCall = (method: FlowMethod, { next }: FlowValues): Pick<FlowCall, 'trigger' | 'input'> | null => {
    if (next !== null) return Object.hasOwn(next, method.id) ? { trigger: 'migrate', input: next[method.id] } : null;
    return !begun && method.start ? { trigger: 'start', input: null } : null;
  };
  const come: Record<string, readonly string[]> = { ...state.come };
  const runs: Record<string, number> = { ...state.runs };
  const queue: FlowCall[] = [];
  for (const method of flow.methods) {
    const call = firstCall(method, state) ?? (begun ? due(method, fired, come) : null);
    if (call === null) continue;
    const execution = runs[method.id] ?? 0;
    if (execution >= method.maxRuns) {
      throw new InvalidInput(
        `flow ${flow.id}: method ${method.id} has run ${execution} times: end the loop sooner, or allow more with max_runs`,
      );
    }
    runs[method.id] = execution + 1;
    queue.push({ method: method.id, execution, ...call });
  }
  return { fired: null, come, runs, queue, next: null };
}

/** What sets a method off now; null when it has to wait. Keeps what has come for it in `come`. */
function due(
  method: FlowMethod,
  fired: readonly Fired[],
  come: Record<string, readonly string[]>,
): Pick<FlowCall, 'trigger' | 'input'> | null {
  const { on, id } = method;
  if (on === null) return null;
  const names = namesIn(on);
  const heard = fired.filter((f) => names.includes(f.name));
  const last = heard.at(-1);
  if (last === undefined) return null;
  const together = new Set([...(come[id] ?? []), ...heard.map((f) => f.name)]);
  if (!isMet(on, together)) {
    come[id] = [...together];
    return null;
  }
  come[id] = [];
  return { trigger: last.name, input: last.output };
}

/** A StateGraph whose node names are data. */
interface LooseGraph {
  addNode(name: string, node: (input: Sent, config: LangGraphRunnableConfig) => Promise<object>): unknown;
  addEdge(from: string, to: string): unknown;
  addConditionalEdges(from: string, route: (state: FlowValues) => string | Send[], targets: readonly string[]): unknown;
}
