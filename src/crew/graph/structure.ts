import { createHash } from 'node:crypto';
import { canonicalJson } from '../../kit/json.ts';
import type { CrewSpec, TaskSpec } from '../spec.ts';
import type { CompiledCrewGraph } from './define.ts';

/** SHA-256, hex, of a crew's structure. Equal for equal nodes, edges, routes, tasks, agents and context; texts do not count. */
export function structureHash(graph: CompiledCrewGraph, crew: CrewSpec, tasks: readonly TaskSpec[]): string {
  const { nodes, allEdges, branches } = graph.builder;
  const text = canonicalJson({
    process: crew.process,
    manager: crew.manager_agent,
    nodes: Object.keys(nodes).sort(),
    edges: [...allEdges].map(([from, to]) => `${from} → ${to}`).sort(),
    routes: Object.entries(branches)
      .map(([from, routes]) => `${from}: ${Object.keys(routes).length}`)
      .sort(),
    tasks: [...tasks]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((t) => ({ id: t.id, agent: t.agent, context: [...t.context].sort() })),
  });
  return createHash('sha256').update(text).digest('hex');
}
