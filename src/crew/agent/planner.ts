import { z } from 'zod';
import { agentSpec } from '../defaults.ts';
import { ModelsFailed } from '../model/chain.ts';
import { mergeUsage, type ModelUsage } from '../model/usage.ts';
import { PLAN_TASK } from '../model/manage-policy.ts';
import type { TaskSpec } from '../spec.ts';
import { parseAnswer } from './answer.ts';
import { askAside } from './ask.ts';
import { fill, inputsBefore } from './prompt.ts';
import type { RunScope } from './scope.ts';

/** A plan for each task, and what writing them used; `error` when there is none. */
export interface CrewPlans {
  readonly plans: Readonly<Record<string, string>>;
  readonly usage: readonly ModelUsage[];
  readonly error: string | null;
}

/** Writes the plans of a run before its first task. */
export type Planner = (tasks: readonly TaskSpec[], inputs: Readonly<Record<string, unknown>>) => Promise<CrewPlans>;

const Plans = z.object({ plans: z.array(z.object({ task: z.string(), plan: z.string() })) });
const ATTEMPTS = 2;

/** A planner on the crew's `planning_llm`. Without a policy `plan_crew` a playbook leaves the tasks without plans. */
export function createPlanner(scope: RunScope): Planner {
  const planner = agentSpec({
    id: 'planner',
    role: 'the planner of a crew',
    goal: 'Give every task a plan that its agent can follow with the tools it has.',
    backstory: 'You know what goes wrong when people start without a plan.',
    llm: scope.crew.planning_llm,
  });
  return async (tasks, inputs) => {
    const schema = planSchema(tasks);
    let usage: readonly ModelUsage[] = [];
    let problem = '';
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        const reply = await askAside(scope, planner, await scope.chainFor(planner), {
          purpose: PLAN_TASK,
          task: PLAN_TASK,
          system:
            'You plan the work of a crew. For each task write the steps that its agent should take, with the tools it ' +
            'has, using the results of earlier tasks where there are any. Reply with one JSON object ' +
            '{"plans": [{"task": "id", "plan": "text"}]} and nothing else.',
          prompt: tasks.map((task) => describe(scope, task, inputs)).join('\n\n'),
          inputs: { ...inputs, tasks: tasks.map((t) => t.id) },
          signal: scope.signal,
          schema,
        });
        usage = mergeUsage(usage, reply.usage);
        const answer = parseAnswer(reply.message.text, schema);
        if (!answer.ok) {
          problem = answer.problem;
          continue;
        }
        const plans = Object.fromEntries(Plans.parse(answer.output).plans.map((p) => [p.task, p.plan]));
        const planned = { run_id: scope.runId, crew: scope.crew.id, tasks: Object.keys(plans) };
        scope.events.emit('crew.planned', planned, { correlationId: scope.runId });
        return { plans, usage, error: null };
      } catch (error) {
        if (!(error instanceof ModelsFailed)) throw error;
        return { plans: {}, usage: mergeUsage(usage, error.usage), error: error.message };
      }
    }
    return { plans: {}, usage, error: `the planner gave no plan that can be read: ${problem}` };
  };
}

function describe(scope: RunScope, task: TaskSpec, inputs: Readonly<Record<string, unknown>>): string {
  const agent = task.agent === null ? undefined : scope.agents[task.agent];
  const known = inputsBefore(task, inputs);
  const tools = (agent?.tools ?? []).filter((name) => task.tools?.includes(name) ?? true);
  return [
    `# Task ${task.id}`,
    fill(task.description, known),
    `Expected: ${fill(task.expected_output, known)}`,
    agent === undefined ? 'Agent: whoever the manager chooses' : `Agent: ${agent.id}, ${fill(agent.role, known)}`,
    `Tools: ${tools.length === 0 ? 'none' : tools.join(', ')}`,
    ...(task.context.length === 0 ? [] : [`After: ${task.context.join(', ')}`]),
  ].join('\n');
}

function planSchema(tasks: readonly TaskSpec[]): Readonly<Record<string, unknown>> {
  const task = { type: 'string', enum: tasks.map((t) => t.id) };
  const plan = { type: 'object', properties: { task, plan: { type: 'string' } }, required: ['task', 'plan'] };
  return { type: 'object', properties: { plans: { type: 'array', items: plan } }, required: ['plans'] };
}
