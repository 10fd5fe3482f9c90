import { HumanMessage } from '@langchain/core/messages';
import { errorMessage } from '../../kit/errors.ts';
import type { TaskRequest } from '../graph/task-node.ts';
import { ContextOverflow, ModelsFailed } from '../model/chain.ts';
import { mergeUsage } from '../model/usage.ts';
import { askModel } from './ask.ts';
import type { AgentRecord } from './state.ts';
import { failAttempt, playbookContext, type TaskRun } from './task-run.ts';

const REFINEMENTS = 5;

const FIRST =
  'Before you act, write a short plan: the steps, which tool each of them needs, and how you will know that the ' +
  'answer is right. Call no tool yet. End with a line that says READY when the plan is complete, or NOT READY and what ' +
  'is missing.';
const AGAIN = 'Refine the plan: close what is missing. Write the whole plan again, and end with READY or NOT READY.';

/** One try at a plan. It is refined until it says that it is ready, at most so often as the agent allows; then work begins. */
export async function planStep(run: TaskRun, request: TaskRequest, record: AgentRecord): Promise<AgentRecord> {
  const { agent, scope, chain } = run;
  if (chain.current.source === 'playbook') return { ...record, next: 'model' };
  const attempt = record.planAttempts + 1;
  const question = record.plan === null ? FIRST : `Your plan so far:\n${record.plan}\n\n${AGAIN}`;
  try {
    const reply = await askModel(scope, agent, chain, {
      messages: [...record.messages, new HumanMessage(question)],
      tools: [],
      context: playbookContext(run, record),
      where: { ...run.where, purpose: 'reason' },
      signal: run.signal,
      via: run.via,
    });
    const plan = reply.message.text.trim();
    const ready = isReady(plan);
    scope.events.emit('agent.planned', { ...run.where, attempt, ready, plan }, { correlationId: scope.runId });
    const planned = { ...record, plan, planAttempts: attempt, usage: mergeUsage(record.usage, reply.usage) };
    if (!ready && attempt < (agent.max_reasoning_attempts ?? REFINEMENTS)) return { ...planned, next: 'plan' };
    const message = new HumanMessage(`Your plan:\n${plan}\n\nNow carry it out.`);
    return { ...planned, next: 'model', messages: [...record.messages, message] };
  } catch (error) {
    if (scope.signal.aborted) throw scope.signal.reason;
    if (run.deadline.aborted) return failAttempt(run, request, record, errorMessage(run.deadline.reason));
    if (!(error instanceof ModelsFailed || error instanceof ContextOverflow)) throw error;
    return failAttempt(run, request, { ...record, usage: mergeUsage(record.usage, error.usage) }, error.message);
  }
}

/** The last word about being ready decides. */
function isReady(plan: string): boolean {
  const said = [...plan.matchAll(/\b(NOT\s+)?READY\b/g)].at(-1);
  return said !== undefined && said[1] === undefined;
}
