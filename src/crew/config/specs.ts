import type { z } from 'zod';
import type { AgentSpec, CrewSpec, MemorySpec, TaskSpec } from '../spec.ts';
import { type agentSchema, type crewSchema, memorySchema, type taskSchema } from './crew-schemas.ts';
import { toTripwires } from './tripwire-schema.ts';

/** An agent as the framework knows it; `realName` turns a tool's alias into its name. */
export function toAgent(
  id: string,
  value: z.output<typeof agentSchema>,
  realName: (name: string) => string,
): AgentSpec {
  return {
    ...value,
    id,
    llm: value.llm === null ? null : modelName(value.llm),
    tools: unique((value.tools ?? []).map(realName)),
    llm_fallbacks: unique((value.llm_fallbacks ?? []).map(modelName)),
    handoffs: unique(value.handoffs ?? []),
    skills: unique(value.skills ?? []),
    knowledge_sources: unique(value.knowledge_sources ?? []),
    approval_required: unique((value.approval_required ?? []).map(realName)),
    tripwires: toTripwires(value.tripwires),
  };
}

/** A task as the framework knows it. */
export function toTask(id: string, value: z.output<typeof taskSchema>, realName: (name: string) => string): TaskSpec {
  const { guardrail, guardrails, ...fields } = value;
  return {
    ...fields,
    id,
    guardrails: [guardrail ?? [], guardrails ?? []].flat(),
    context: value.context ?? [],
    tools: value.tools === null ? null : unique(value.tools.map(realName)),
    output_json: typeof value.output_json === 'string' ? null : value.output_json,
  };
}

/** A crew as the framework knows it; its agents are those of its tasks, and its manager, unless it lists them. */
export function toCrew(id: string, value: z.output<typeof crewSchema>, tasks: readonly TaskSpec[]): CrewSpec {
  const agentsOfTasks = value.tasks.flatMap((name) => tasks.find((task) => task.id === name)?.agent ?? []);
  return {
    ...value,
    id,
    name: value.name ?? id,
    agents: value.agents ?? unique([...(value.manager_agent === null ? [] : [value.manager_agent]), ...agentsOfTasks]),
    planning_llm: value.planning_llm === null ? null : modelName(value.planning_llm),
    manager_llm: value.manager_llm === null ? null : modelName(value.manager_llm),
    knowledge_sources: unique(value.knowledge_sources ?? []),
    memory: toMemory(value.memory),
    tripwires: toTripwires(value.tripwires),
  };
}

/** `true` is all defaults. */
export function toMemory(value: boolean | z.input<typeof memorySchema>): MemorySpec | null {
  if (value === false) return null;
  const memory = memorySchema.parse(value === true ? {} : value);
  return { ...memory, reads: unique(memory.reads ?? []) };
}

/** CrewAI writes `openai/gpt-4o`, or `gpt-4o` alone; here it is `openai:gpt-4o`. Other texts stay as they are. */
export function modelName(text: string): string {
  if (/^(gpt-|chatgpt-|o\d)/.test(text)) return `openai:${text}`;
  if (text.startsWith('claude-')) return `anthropic:${text}`;
  return text.replace(/^(openai|anthropic|ollama)\//, '$1:');
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
