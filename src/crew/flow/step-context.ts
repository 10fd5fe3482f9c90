import { GraphDrained, interrupt } from '@langchain/langgraph';
import { NotFound, Unavailable } from '../../kit/errors.ts';
import { type GivenAnswer, isQuestion, type Question, questionOf } from '../../kit/question.ts';
import { mergeOutside, wordsOf } from '../../kit/outside.ts';
import { askInStep } from '../question/ask.ts';
import type { RunDocument } from '../run/document.ts';
import type { GraphStop } from '../run/graph-stop.ts';
import type { FlowContext } from './context.ts';
import type { FlowRunner, FlowRunnerDeps } from './contract.ts';
import type { FlowMethod } from './define.ts';
import type { FlowDocument } from './document.ts';
import type { FlowCall } from './graph.ts';
import type { FlowState } from './state.ts';
import { ToolFailed } from './step-checks.ts';

/** A method that is at work. */
export interface Step {
  readonly method: FlowMethod;
  readonly call: FlowCall;
  readonly data: FlowState;
  /** Whose words from outside were read before it, and by it. */
  readonly outside: Set<string>;
  readonly stop: GraphStop;
}

/** What a method gets: runs and calls that it makes are found again when it is run again. */
export function stepContext(
  deps: FlowRunnerDeps,
  flows: Pick<FlowRunner, 'kickoff' | 'resume'>,
  { document, step }: { readonly document: FlowDocument; readonly step: Step },
  update: (fields: FlowState) => void,
): FlowContext {
  const { method, call, data: state, outside, stop } = step;
  const { signal } = stop;
  const { run_id: runId, flow, payload } = document;
  const shadow = document.mode === 'shadow';
  const { crews } = deps;
  // Calls in the order in which the method makes them: run again, it finds what it had begun.
  let calls = 0;
  const path = (): string => `${runId}/${method.id}#${call.execution}.${calls++}`;
  const started = () => ({
    shadow,
    signal: stop.asked,
    trigger: `flow ${flow}`,
    outside: mergeOutside([...outside]),
  });
  const heard = <D extends { readonly outside?: readonly string[] | undefined }>(from: D): D => {
    for (const name of from.outside ?? []) outside.add(name);
    return from;
  };
  const settled = async (what: string, id: string, first: Promise<RunDocument>): Promise<RunDocument> => {
    let run = await first;
    while (run.status === 'waiting') {
      interrupt({ kind: 'run', details: { run_id: id, waiting_for: run.waiting_for } });
      run = await crews.resume(id, {}, { signal: stop.asked });
    }
    if (run.status === 'suspended') throw new GraphDrained(stop.control.drainReason);
    if (run.status !== 'completed') throw new Unavailable(`${what} ${run.status}: ${run.error ?? 'no reason given'}`);
    return heard(run);
  };
  return {
    flow,
    runId,
    method: method.id,
    execution: call.execution,
    state,
    update,
    input: call.trigger === 'start' ? payload : call.input,
    trigger: call.trigger,
    payload,
    shadow,
    signal,
    crew: (id, inputs = {}) => {
      const run = path();
      return settled(`crew ${id}`, run, crews.kickoff(id, inputs, { ...started(), runId: run }));
    },
    agent: (id, request) => {
      const run = path();
      return settled(`agent ${id}`, run, crews.runAgent(id, request, { ...started(), runId: run }));
    },
    tool: (name, args, as) => callTool(deps, document, { path: path(), name, args, signal, outside, ...as }),
    subflow: async (id, inputs = {}) => {
      const run = path();
      const options = { ...started(), runId: run };
      let sub = await flows.kickoff(id, inputs, options);
      while (sub.status === 'waiting') {
        interrupt({ kind: 'run', details: { flow: id, run_id: run, waiting_for: sub.waiting_for } });
        sub = await flows.resume(run, {}, { signal: stop.asked });
      }
      if (sub.status === 'suspended') throw new GraphDrained(stop.control.drainReason);
      if (sub.status !== 'completed')
        throw new Unavailable(`flow ${id} ${sub.status}: ${sub.error ?? 'no reason given'}`);
      return heard(sub);
    },
    ask: askerOfStep(),
  };
}

async function callTool(
  deps: FlowRunnerDeps,
  document: FlowDocument,
  call: {
    readonly path: string;
    readonly name: string;
    readonly args: FlowState;
    readonly agent: string;
    readonly reason?: string | undefined;
    readonly outside: Set<string>;
    readonly signal: AbortSignal;
    readonly answers?: readonly GivenAnswer[] | undefined;
  },
): ReturnType<FlowContext['tool']> {
  const { run_id, mode } = document;
  const caller = deps.agentCaller(call.agent);
  if (caller === undefined) throw new NotFound(`there is no agent '${call.agent}'`);
  const outcome = await deps.invoker.invoke({
    tool: call.name,
    args: call.args,
    caller,
    reason: call.reason ?? 'a step of a flow',
    runId: run_id,
    path: call.path,
    answers: call.answers,
    correlationId: run_id,
    shadow: mode === 'shadow',
    signal: call.signal,
    origin: {
      outside: mergeOutside([...call.outside]),
      trusted: (document.outside ?? []).length === 0 ? document.inputs : {},
    },
  });
  for (const name of wordsOf(outcome, deps.invoker)) call.outside.add(name);
  if (outcome.ok) return outcome;
  const question = questionOf(outcome.error);
  if (question !== null) {
    const asked = { kind: 'question', tool: call.name, n: question.index, ...question.asked };
    const answers = [...(call.answers ?? []).slice(0, question.index), interrupt<unknown, GivenAnswer>(asked)];
    return callTool(deps, document, { ...call, answers });
  }
  if (outcome.error.code === 'approval_required') {
    interrupt({ kind: 'run', details: { approval_id: outcome.error.approval_id, tool: call.name } });
    return callTool(deps, document, call);
  }
  throw new ToolFailed(`${call.name}: ${outcome.error.message}`, outcome.error.retryable);
}

/** Asks a person: a question with types, or anything else as it is. */
function askerOfStep(): FlowContext['ask'] {
  let asked = 0;
  function ask<P, A>(question: Question<P, A>, ...payload: undefined extends P ? [P?] : [P]): A;
  function ask(question: unknown): unknown;
  function ask(question: unknown, payload?: unknown): unknown {
    const n = asked++;
    if (isQuestion(question)) return askInStep(question, payload, { n });
    return interrupt<unknown, unknown>({ kind: 'question', details: question });
  }
  return ask;
}
