import { END, START } from '@langchain/langgraph';
import type { Drawing, DrawnNode } from '../drawing.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import { type CompiledCrew, compileCrew } from './compile.ts';
import type { CrewGraphDefinition } from './define.ts';

/** The part of LangGraph's builder that is read; it types its nodes and routes loosely. */
interface BuiltGraph {
  readonly nodes: Readonly<Record<string, { readonly runnable: object }>>;
  readonly allEdges: ReadonlySet<readonly [from: string, to: string]>;
  readonly branches: Readonly<
    Record<string, Readonly<Record<string, { readonly ends?: Readonly<Record<string, string>> }>>>
  >;
}

/**
 * A crew as it is compiled: its nodes with who does them, its edges, and where routing functions can lead. Throws
 * InvalidInput for a crew that cannot be compiled.
 */
export function crewDrawing(
  crew: CrewSpec,
  parts: {
    readonly tasks: Readonly<Record<string, TaskSpec>>;
    readonly agents: Readonly<Record<string, AgentSpec>>;
    readonly definition?: CrewGraphDefinition | undefined;
  },
): Drawing {
  const compiled = compileCrew(crew, parts.tasks, parts.agents, {
    definition: parts.definition,
    runTask: notRun,
    managerTurn: notRun,
    planner: notRun,
    now: () => 0,
  });
  const { nodes, allEdges, branches } = compiled.graph.builder as unknown as BuiltGraph;
  const routed = Object.entries(branches).flatMap(([from, routes]) =>
    Object.values(routes).flatMap(({ ends }) =>
      // A routing function that does not say where it leads can lead anywhere.
      Object.values(ends ?? Object.fromEntries([...Object.keys(nodes), END].map((to) => [to, to]))).map((to) => ({
        from,
        to,
      })),
    ),
  );
  const incoming = new Map<string, number>();
  for (const [, to] of allEdges) incoming.set(to, (incoming.get(to) ?? 0) + 1);
  return {
    title: crew.id,
    nodes: [
      { id: idOf(START), text: 'start', label: null, start: true, routes: branches[START] !== undefined },
      ...Object.entries(nodes).map(([name, { runnable }]) =>
        nodeOf(crew, compiled, name, runnable, branches[name] !== undefined),
      ),
      { id: idOf(END), text: 'end', label: null, start: false, routes: false },
    ],
    arrows: [
      ...[...allEdges].map(([from, to]) => ({
        from: idOf(from),
        to: idOf(to),
        route: null,
        together: to !== END && (incoming.get(to) ?? 0) > 1,
      })),
      ...routed.map(({ from, to }) => ({ from: idOf(from), to: idOf(to), route: null, together: false })),
    ],
  };
}

function nodeOf(crew: CrewSpec, compiled: CompiledCrew, name: string, runnable: object, routes: boolean): DrawnNode {
  const own = 'func' in runnable ? [...compiled.taskOf].find(([node]) => node === runnable.func)?.[1] : undefined;
  const text = own === undefined || own.task.id === name ? name : `${name}: ${own.task.id}`;
  return { id: idOf(name), text, label: own === undefined ? workers(crew, name) : labelOf(own), start: false, routes };
}

function labelOf({ task, agent }: { readonly task: TaskSpec; readonly agent: AgentSpec }): string {
  const conditional = task.condition === null ? '' : ', if its condition holds';
  return `${agent.id}${conditional}`;
}

/** Of a hierarchical crew: who manages, and who may be asked. */
function workers(crew: CrewSpec, name: string): string | null {
  if (crew.process !== 'hierarchical') return null;
  if (name === 'manage') return crew.manager_agent ?? 'a manager made for the crew';
  if (name === 'delegate') return crew.agents.filter((id) => id !== crew.manager_agent).join(', ');
  return null;
}

/** Mermaid takes neither every name nor its own words as an id. */
function idOf(node: string): string {
  if (node === START) return 'node_start';
  if (node === END) return 'node_end';
  return `n_${node.replaceAll(/\W/g, '_')}`;
}

function notRun(): never {
  throw new Error('a drawing does not run');
}
