import { z } from 'zod';
import { didYouMean } from '../../kit/nearest.ts';
import { taskSpec } from '../defaults.ts';
import type { TaskExecution, TaskRequest } from '../graph/task-node.ts';
import type { AgentSpec, CrewSpec } from '../spec.ts';
import { type InnerOutcome, type InnerTool, innerSchema, refused } from './inner-tool.ts';
import type { TaskOutput } from './output.ts';
import type { AgentRecord } from './state.ts';

export const DELEGATE_TOOL = 'delegate_work';
export const ASK_TOOL = 'ask_question';
export const HANDOFF_TOOL = 'hand_off';

/** How often a task may change hands. */
const HANDOFF_LIMIT = 5;

export interface DelegationParts {
  readonly crew: CrewSpec;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  readonly request: TaskRequest;
  readonly execute: TaskExecution;
  readonly announce: (pattern: string, to: string, what: string) => void;
}

/**
 * What an agent with `allow_delegation` or `handoffs` may ask of the crew's other agents, each with their own role and
 * tools: do a piece of work, answer a question, take the task over. Bounded in depth (how far work is handed on) and in
 * number. Empty when the agent may not, or has nobody to ask.
 */
export function delegationTools(parts: DelegationParts): readonly InnerTool[] {
  const { crew, agents, request } = parts;
  const others = crew.agents.flatMap((id) => {
    const agent = agents[id];
    return agent === undefined || id === request.agent.id ? [] : [agent];
  });
  const depth = request.depth ?? 0;
  const hands = depth < (request.maxDepth ?? request.agent.max_delegation_depth);
  const asking =
    request.agent.allow_delegation && hands && others.length > 0
      ? [workTool(parts, others), askTool(parts, others)]
      : [];
  const gone = request.handedBy ?? [];
  const takers = others.filter((a) => request.agent.handoffs.includes(a.id) && !gone.includes(a.id));
  return takers.length > 0 && gone.length < HANDOFF_LIMIT ? [...asking, handOffTool(parts, takers)] : asking;
}

const Work = z.object({ coworker: z.string(), work: z.string().min(1), context: z.string().default('') });
const Question = z.object({ coworker: z.string(), question: z.string().min(1), context: z.string().default('') });
const HandOff = z.object({ coworker: z.string(), reason: z.string().min(1) });

function workTool(parts: DelegationParts, others: readonly AgentSpec[]): InnerTool {
  const schema = innerSchema(
    DELEGATE_TOOL,
    `Hands a piece of work to a co-worker, who does it with their own tools and reports back: ${people(others)}.`,
    {
      coworker: { description: 'Who is to do it', choices: others.map((c) => c.id) },
      work: { description: 'What to do, complete in itself' },
      context: { description: 'What they need to know; may be left out' },
    },
    ['coworker', 'work'],
  );
  return {
    schema,
    outside: null,
    run: async (call, record, config) => {
      const parsed = Work.safeParse(call.args);
      if (!parsed.success) return refused(`delegate_work takes {coworker, work, context}: ${parsed.error.message}`);
      const { coworker, work, context } = parsed.data;
      const expected = 'A complete answer that your co-worker can use as it is.';
      return handOut(parts, others, record, {
        coworker,
        what: work,
        context,
        expected,
        pattern: DELEGATE_TOOL,
        key: call.path,
        config,
      });
    },
  };
}

function askTool(parts: DelegationParts, others: readonly AgentSpec[]): InnerTool {
  const schema = innerSchema(
    ASK_TOOL,
    `Asks a co-worker a question, which they answer from what they know and find out: ${people(others)}.`,
    {
      coworker: { description: 'Whom to ask', choices: others.map((c) => c.id) },
      question: { description: 'The question, complete in itself' },
      context: { description: 'What they need to know; may be left out' },
    },
    ['coworker', 'question'],
  );
  return {
    schema,
    outside: null,
    run: async (call, record, config) => {
      const parsed = Question.safeParse(call.args);
      if (!parsed.success) return refused(`ask_question takes {coworker, question, context}: ${parsed.error.message}`);
      const { coworker, question, context } = parsed.data;
      const expected = 'A direct answer to the question, with what it rests on.';
      return handOut(parts, others, record, {
        coworker,
        what: question,
        context,
        expected,
        pattern: ASK_TOOL,
        key: call.path,
        config,
      });
    },
  };
}

function handOffTool(parts: DelegationParts, takers: readonly AgentSpec[]): InnerTool {
  const schema = innerSchema(
    HANDOFF_TOOL,
    `Gives the whole task to somebody who fits it better; you will not hear of it again: ${people(takers)}.`,
    {
      coworker: { description: 'Who takes over', choices: takers.map((c) => c.id) },
      reason: { description: 'Why, and what was found so far' },
    },
    ['coworker', 'reason'],
  );
  return {
    schema,
    outside: null,
    run: async (call, record, config) => {
      const parsed = HandOff.safeParse(call.args);
      if (!parsed.success) return refused(`hand_off takes {coworker, reason}: ${parsed.error.message}`);
      const agent = takers.find((c) => c.id === parsed.data.coworker);
      if (agent === undefined) return noSuch(parsed.data.coworker, takers);
      const { request, execute, announce } = parts;
      announce(HANDOFF_TOOL, agent.id, parsed.data.reason);
      const found = record.observations.map((o) => ({ task: `${o.tool} by ${request.agent.id}`, output: o.result }));
      const by = await execute({
        ...request,
        agent,
        key: call.path,
        execution: 0,
        context: [...request.context, ...found],
        outside: record.outside,
        instruction: `${request.agent.id} hands this task over to you: ${parsed.data.reason}`,
        via: HANDOFF_TOOL,
        handedBy: [...(request.handedBy ?? []), request.agent.id],
        config,
      });
      return { kind: 'over', by };
    },
  };
}

async function handOut(
  parts: DelegationParts,
  others: readonly AgentSpec[],
  record: AgentRecord,
  piece: {
    readonly coworker: string;
    readonly what: string;
    readonly context: string;
    readonly expected: string;
    readonly pattern: string;
    readonly key: string;
    readonly config: TaskRequest['config'];
  },
): Promise<InnerOutcome> {
  const { request, execute, announce } = parts;
  const agent = others.find((c) => c.id === piece.coworker);
  if (agent === undefined) return noSuch(piece.coworker, others);
  const most = request.agent.max_delegations;
  if (record.delegations >= most) {
    return refused(`all ${most} delegations of this task are used: go on with what you have`);
  }
  announce(piece.pattern, agent.id, piece.what);
  const by = await execute({
    task: taskSpec({
      id: `${request.task.id}_for_${agent.id}`,
      // Its braces are the model's, not ours to fill.
      description: piece.what.replaceAll('{', '(').replaceAll('}', ')'),
      expected_output: piece.expected,
      agent: agent.id,
      priority: request.task.priority,
      timeout: request.task.timeout,
      max_retries: 0,
    }),
    agent,
    key: piece.key,
    execution: 0,
    inputs: request.inputs,
    context: request.context,
    outside: record.outside,
    trusted: request.trusted,
    ...(piece.context === '' ? {} : { instruction: piece.context }),
    via: piece.pattern,
    depth: (request.depth ?? 0) + 1,
    maxDepth: request.maxDepth ?? request.agent.max_delegation_depth,
    config: piece.config,
  });
  if (by.status === 'completed') return { kind: 'said', ok: true, result: by.output, by };
  return { kind: 'said', ok: false, result: failure(by), by };
}

function failure(by: TaskOutput): unknown {
  return { code: 'unavailable', message: by.error ?? 'no answer', retryable: false };
}

function noSuch(name: string, others: readonly AgentSpec[]): InnerOutcome {
  const ids = others.map((c) => c.id);
  return refused(`there is no co-worker '${name}'${didYouMean(name, ids)}: ${ids.join(', ')}`);
}

function people(agents: readonly AgentSpec[]): string {
  return agents.map((c) => `${c.id} (${c.role})`).join(', ');
}
