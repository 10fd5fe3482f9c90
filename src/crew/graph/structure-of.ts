import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import type { CompiledCrewGraph } from './define.ts';
import type { CrewStructure } from './structure.ts';

/** The structure of a crew as it was compiled, of the tasks and agents given. */
export function structureOf(
  graph: CompiledCrewGraph,
  crew: CrewSpec,
  parts: { readonly tasks: readonly TaskSpec[]; readonly agents: readonly AgentSpec[] },
): CrewStructure {
  const { nodes, allEdges, branches } = graph.builder;
  return {
    process: crew.process,
    manager: crew.manager_agent,
    nodes: Object.keys(nodes).sort(),
    edges: [...allEdges].map(([from, to]) => `${from} → ${to}`).sort(),
    routes: Object.fromEntries(Object.entries(branches).map(([from, routes]) => [from, Object.keys(routes).length])),
    tasks: Object.fromEntries(
      parts.tasks.map(({ id, agent, context, tools }) => [
        id,
        { agent, context: [...context].sort(), tools: tools === null ? null : [...tools].sort() },
      ]),
    ),
    agents: Object.fromEntries(parts.agents.map(({ id, tools }) => [id, { tools: [...tools].sort() }])),
  };
}
