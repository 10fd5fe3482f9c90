import type { LangGraphRunnableConfig } from '@langchain/langgraph';
import { z } from 'zod';
import type { TaskExecution, TaskRequest } from '../graph/task-node.ts';
import type { ToolSchema } from '../model/chain.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import type { TaskOutput } from './output.ts';
import type { QueuedCall } from './state.ts';

/** The tool of agents with `allow_delegation`. It is the framework's own: it goes to an agent, not to a system. */
export const DELEGATE_TOOL = 'delegate_work';

/** Handing work to a co-worker, for one agent in one task. */
export interface DelegationDesk {
  readonly schema: ToolSchema;
  /** Does the call. A text is what was wrong with it. */
  delegate(call: QueuedCall, config: LangGraphRunnableConfig): Promise<TaskOutput | string>;
}

const Args = z.object({ coworker: z.string(), work: z.string().min(1), context: z.string().optional() });

/**
 * Lets an agent hand work to the crew's other agents, each with their own role and tools. What they are handed they do
 * themselves: work goes one hand further and no more. Null when the agent may not, or has nobody to ask.
 */
export function createDelegation(parts: {
  readonly crew: CrewSpec;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  readonly request: TaskRequest;
  readonly execute: TaskExecution;
  readonly announce: (to: string, work: string) => void;
}): DelegationDesk | null {
  const { crew, agents, request, execute, announce } = parts;
  if (!request.agent.allow_delegation || request.delegated === true) return null;
  const coworkers = crew.agents.flatMap((id) => {
    const agent = agents[id];
    return agent === undefined || id === request.agent.id ? [] : [agent];
  });
  if (coworkers.length === 0) return null;
  return {
    schema: schemaOf(coworkers),
    delegate: async (call, config) => {
      const parsed = Args.safeParse(call.args);
      if (!parsed.success) return `delegate_work takes {coworker, work, context}: ${parsed.error.message}`;
      const { coworker, work, context = '' } = parsed.data;
      const agent = coworkers.find((c) => c.id === coworker);
      if (agent === undefined) {
        return `there is no co-worker '${coworker}': ${coworkers.map((c) => c.id).join(', ')}`;
      }
      announce(agent.id, work);
      return execute({
        task: delegatedTask(request.task, agent, work),
        agent,
        key: call.path,
        execution: 0,
        inputs: request.inputs,
        context: request.context,
        ...(context === '' ? {} : { instruction: context }),
        delegated: true,
        config,
      });
    },
  };
}

function delegatedTask(task: TaskSpec, agent: AgentSpec, work: string): TaskSpec {
  return {
    ...task,
    id: `${task.id}_for_${agent.id}`,
    // Its braces are the model's, not ours to fill.
    description: work.replaceAll('{', '(').replaceAll('}', ')'),
    expected_output: 'A complete answer that your co-worker can use as it is.',
    agent: agent.id,
    tools: null,
    human_input: false,
    output_file: null,
    output_json: null,
    max_retries: 0,
  };
}

function schemaOf(coworkers: readonly AgentSpec[]): ToolSchema {
  const people = coworkers.map((c) => `${c.id} (${c.role})`).join(', ');
  return {
    type: 'function',
    function: {
      name: DELEGATE_TOOL,
      description: `Hands a piece of work to a co-worker, who does it with their own tools and reports back: ${people}.`,
      parameters: {
        type: 'object',
        properties: {
          coworker: { type: 'string', enum: coworkers.map((c) => c.id), description: 'Who is to do it' },
          work: { type: 'string', description: 'What to do, complete in itself' },
          context: { type: 'string', description: 'What they need to know; may be left out' },
        },
        required: ['coworker', 'work'],
        additionalProperties: false,
      },
    },
  };
}
