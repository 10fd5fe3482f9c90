import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { interrupt } from '@langchain/langgraph';
import type { ModelChain, ModelReply, ModelRequest } from '../model/chain.ts';
import { estimateTokens } from '../model/tokens.ts';
import type { PlaybookContext } from '../playbook.ts';
import type { AgentSpec } from '../spec.ts';
import { type Budget, BudgetExceeded, costBudget } from '../spend/budget.ts';
import { taskSpec } from '../defaults.ts';
import type { Pause } from './pause.ts';
import type { RunScope } from './scope.ts';

/**
 * Asks an agent's model, within the requests and tokens a minute of its crew, else of the agent itself. A playbook asks
 * no provider, so nothing holds it back. At a budget that asks, the run waits for a person before the call is made.
 * Throws ModelsFailed, ContextOverflow and BudgetExceeded; an abort passes on untouched.
 */
export async function askModel(
  scope: RunScope,
  agent: AgentSpec,
  chain: ModelChain,
  request: Omit<ModelRequest, 'retries'>,
): Promise<ModelReply> {
  const asked = { ...request, retries: agent.max_retry_limit, budgets: ownBudgets(scope, agent) };
  if (chain.current.source === 'playbook') return chain.ask(asked);
  const { crew, pacer } = scope;
  const key = (ofCrew: boolean): string => (ofCrew ? `crew ${crew.id}` : `agent ${agent.id}`);
  const perMinute = crew.max_tpm ?? agent.max_tpm;
  const expected = perMinute === null ? 0 : estimateTokens(request.messages);
  const tokens = await pacer.reserve(key(crew.max_tpm !== null), perMinute, expected, request.signal);
  await pacer.take(key(crew.max_rpm !== null), crew.max_rpm ?? agent.max_rpm, request.signal);
  const reply = await withinBudget(() => chain.ask(asked), request.where.task_id, agent);
  tokens.spend(reply.usage.reduce((sum, u) => sum + u.input_tokens + u.output_tokens, 0));
  return reply;
}

function ownBudgets({ crew }: RunScope, agent: AgentSpec): readonly Budget[] {
  return [
    ...costBudget(`max_cost of crew ${crew.id}`, crew.max_cost, { crew: crew.id }),
    ...costBudget(`max_cost of agent ${agent.id}`, agent.max_cost, { agent: agent.id }),
  ];
}

/** The answer to the pause is on record before the run goes on, so the call is simply tried again. */
async function withinBudget(ask: () => Promise<ModelReply>, task: string, agent: AgentSpec): Promise<ModelReply> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof BudgetExceeded) || error.budget.then !== 'ask') throw error;
      const { budget, message, details = {} } = error;
      interrupt<Pause>({ kind: 'budget', task, agent: agent.id, budget: budget.name, output: { ...details, message } });
    }
  }
}

/** A question to a model beside an agent's own conversation: judging, planning, summarising. It has no tools. */
export interface SideQuestion {
  /** Names it in events and to a playbook. */
  readonly purpose: string;
  readonly task: string;
  readonly system: string;
  readonly prompt: string;
  /** What a playbook's policy of that name gets as inputs. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  readonly schema?: ModelRequest['schema'];
  readonly via?: ModelRequest['via'];
}

/** Asks a side question. */
export async function askAside(
  scope: RunScope,
  agent: AgentSpec,
  chain: ModelChain,
  question: SideQuestion,
): Promise<ModelReply> {
  const { purpose, task, system, prompt, inputs, signal } = question;
  const context: PlaybookContext = {
    task: taskSpec({ id: purpose, agent: agent.id, description: system, expected_output: '' }),
    agent,
    inputs,
    context: [],
    observations: [],
    shadow: scope.shadow,
    final: true,
  };
  return askModel(scope, agent, chain, {
    messages: [new SystemMessage(system), new HumanMessage(prompt)],
    tools: [],
    context,
    where: { run_id: scope.runId, crew: scope.crew.id, task_id: task, agent_id: agent.id, purpose },
    signal,
    via: question.via,
    ...(question.schema === undefined ? {} : { schema: question.schema }),
  });
}
