import { Command, GraphDrained, interrupt, isGraphBubbleUp, type StateSnapshot } from '@langchain/langgraph';
import { z } from 'zod';
import { AppError, Conflict, errorMessage, InvalidInput, NotFound, Unavailable } from '../../kit/errors.ts';
import { mergeOutside, wordsOf } from '../../kit/outside.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { createDetached } from '../run/detached.ts';
import { GraphStop } from '../run/graph-stop.ts';
import { interruptIds, pausesOf } from '../run/pauses.ts';
import type { RunDocument } from '../run/document.ts';
import type { FlowContext } from './context.ts';
import type { FlowState } from './state.ts';
import type { FlowOptions, FlowRunner, FlowRunnerDeps } from './contract.ts';
import type { FlowDefinition, FlowMethod } from './define.ts';
import type { FlowDocument, FlowPause } from './document.ts';
import { compileFlow, type FlowCall, flowHash, type FlowValues } from './graph.ts';

/** Makes a runner of flows. Nothing runs until it is asked to. */
export function createFlowRunner(deps: FlowRunnerDeps): FlowRunner {
  return new Runner(deps);
}

const Waiting = z.object({ kind: z.enum(['question', 'run']), details: z.unknown() });
/** A run that can be gone on with. */
const OPEN: ReadonlySet<FlowDocument['status']> = new Set(['running', 'waiting', 'suspended'] as const);
/** Steps of one run, beyond which even a flow within its methods' bounds has gone astray. */
const STEP_LIMIT = 10_000;

/** A method that is at work. */
interface Step {
  readonly method: FlowMethod;
  readonly call: FlowCall;
  readonly data: FlowState;
  /** Whose words from outside were read before it, and by it. */
  readonly outside: Set<string>;
  readonly stop: GraphStop;
}

class Runner implements FlowRunner {
  readonly #deps: FlowRunnerDeps;
  readonly #detached = createDetached();
  readonly #active = new Map<string, { readonly stop: GraphStop; readonly done: Promise<FlowDocument> }>();

  constructor(deps: FlowRunnerDeps) {
    this.#deps = deps;
  }

  get flows(): readonly FlowDefinition[] {
    return Object.values(this.#deps.flows);
  }

  async kickoff(flowId: string, inputs: FlowState = {}, options: FlowOptions = {}): Promise<FlowDocument> {
    const { clock, newId, store, uuid, events } = this.#deps;
    const flow = this.#flow(flowId);
    const { runId } = options;
    if (runId !== undefined) {
      const known =
        this.#active.get(runId)?.done ??
        ((await store.get(runId)) === null ? undefined : this.resume(runId, {}, options));
      if (known !== undefined) return known;
    }
    const id = uuid();
    const state: FlowState = { ...checked(flowId, () => flow.begin(inputs)), id };
    const trigger = options.trigger ?? 'manual';
    const document: FlowDocument = {
      run_id: runId ?? newId('flow'),
      flow: flowId,
      mode: options.shadow === true ? 'shadow' : 'active',
      status: 'running',
      trigger,
      started_at: new Date(clock.now()).toISOString(),
      finished_at: null,
      error: null,
      inputs,
      payload: options.payload ?? null,
      state,
      output: null,
      methods: flow.methods.map((m) => ({ id: m.id, runs: 0, output: null })),
      waiting_for: [],
      structure_hash: flowHash(flow),
      outside: options.outside ?? [],
    };
    await store.save(document);
    events.emit(
      'flow.started',
      { flow: flowId, run_id: document.run_id, trigger, state_id: id },
      correlation(document),
    );
    return this.#launch(flow, document, { data: state, outside: document.outside }, options.signal);
  }

  async resume(
    runId: string,
    answers: Readonly<Record<string, unknown>> = {},
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<FlowDocument> {
    const running = this.#active.get(runId);
    if (running !== undefined) return running.done;
    const document = await this.show(runId);
    if (!OPEN.has(document.status)) return document;
    const flow = this.#deps.flows[document.flow];
    if (flow === undefined) return this.#end(document, 'failed', `there is no flow '${document.flow}' any more`);
    if (flowHash(flow) !== document.structure_hash) {
      return this.#end(document, 'failed', 'the flow has other methods than when the run began: start a new run');
    }
    const graph = this.#compile(flow, document, this.#newStop(document));
    const snapshot = await graph.getState(thread(document));
    const open = new Set(document.waiting_for.map((p) => p.id));
    const pauses = flowPauses(snapshot).filter((p) => open.size === 0 || open.has(p.id));
    const resume = Object.fromEntries(
      pauses.flatMap((p) =>
        p.kind === 'run' ? [[p.id, true]] : p.method in answers ? [[p.id, answers[p.method]]] : [],
      ),
    );
    if (pauses.length > 0 && Object.keys(resume).length === 0) return document;
    const { flow: name, run_id } = document;
    this.#deps.events.emit('flow.resumed', { flow: name, run_id }, correlation(document));
    const began = snapshot.next.length > 0 || Object.keys(valuesOf(snapshot)).length > 0;
    const first = { data: document.state, outside: document.outside ?? [] };
    const input = !began ? first : pauses.length > 0 ? new Command({ resume }) : null;
    return this.#launch(flow, { ...document, status: 'running', waiting_for: [] }, input, options.signal);
  }

  async show(runId: string): Promise<FlowDocument> {
    const document = await this.#deps.store.get(runId);
    if (document === null) throw new NotFound(`there is no flow run '${runId}'`);
    return document;
  }

  list(limit?: number): Promise<readonly FlowDocument[]> {
    return this.#deps.store.list(limit);
  }

  async recover(): Promise<readonly FlowDocument[]> {
    const left = (await this.#deps.store.list(10_000)).filter(
      (d) => (d.status === 'running' || d.status === 'suspended') && !this.#active.has(d.run_id),
    );
    return Promise.all(left.map((document) => this.resume(document.run_id)));
  }

  #launch(flow: FlowDefinition, document: FlowDocument, input: unknown, signal?: AbortSignal): Promise<FlowDocument> {
    const stop = this.#newStop(document);
    const unfollow = stop.follow(signal);
    const work = this.#detached(() => this.#work(flow, document, input, stop));
    const done = work.finally(() => {
      unfollow();
      this.#active.delete(document.run_id);
    });
    this.#active.set(document.run_id, { stop, done });
    return done;
  }

  #newStop({ run_id }: FlowDocument): GraphStop {
    const { clock, drainMs, log } = this.#deps;
    const onGivenUp = (): void => log.warn('flow.step_given_up', { run_id, after_ms: drainMs });
    return new GraphStop({ clock, drainMs, onGivenUp });
  }

  async close(): Promise<void> {
    const all = [...this.#active.values()];
    for (const { stop } of all) stop.suspend('the process ends');
    await Promise.all(all.map(({ done }) => done));
  }

  async #work(flow: FlowDefinition, document: FlowDocument, input: unknown, stop: GraphStop): Promise<FlowDocument> {
    const graph = this.#compile(flow, document, stop);
    const described = async (): Promise<FlowDocument> =>
      describe(document, flow, valuesOf(await graph.getState(thread(document))));
    try {
      const result = await graph.invoke(input, {
        ...thread(document),
        signal: stop.signal,
        control: stop.control,
        durability: 'sync',
        recursionLimit: STEP_LIMIT,
        callbacks: [],
      });
      const fresh = interruptIds(result);
      const pauses = flowPauses(await graph.getState(thread(document))).filter((p) => fresh.has(p.id));
      return await this.#end(await described(), pauses.length > 0 ? 'waiting' : 'completed', null, pauses);
    } catch (error) {
      const status = stop.statusOf(error);
      const reason = status === 'suspended' ? null : errorMessage(status === 'cancelled' ? stop.signal.reason : error);
      return this.#end(await described(), status, reason);
    }
  }

  async #end(
    document: FlowDocument,
    status: FlowDocument['status'],
    error: string | null,
    waiting_for: readonly FlowPause[] = [],
  ): Promise<FlowDocument> {
    const { clock, events, store } = this.#deps;
    const now = clock.now();
    const finished_at = OPEN.has(status) ? null : new Date(now).toISOString();
    const ended: FlowDocument = { ...document, status, error, waiting_for, finished_at };
    await store.save(ended);
    const { flow, run_id, output } = ended;
    const options = correlation(ended);
    if (status === 'completed') {
      const duration_ms = Math.max(0, now - Date.parse(ended.started_at));
      events.emit('flow.completed', { flow, run_id, duration_ms, output }, options);
    } else if (status === 'waiting') {
      const reason = waiting_for.map((p) => `${p.method}: ${p.kind}`).join('; ');
      events.emit('flow.waiting', { flow, run_id, reason }, options);
    } else if (status === 'suspended') {
      events.emit('flow.suspended', { flow, run_id, reason: 'the process ends' }, options);
    } else events.emit('flow.failed', { flow, run_id, error: error ?? status }, options);
    return ended;
  }

  #compile(flow: FlowDefinition, document: FlowDocument, stop: GraphStop): ReturnType<typeof compileFlow> {
    return compileFlow(
      flow,
      (method, call, { data, outside }) =>
        this.#method(flow, document, { method, call, data, outside: new Set(outside), stop }),
      this.#deps.checkpointer,
    );
  }

  /** Runs one method, with its events. */
  async #method(flow: FlowDefinition, document: FlowDocument, step: Step) {
    const { method, call, data, stop } = step;
    stop.signal.throwIfAborted();
    const { clock, events } = this.#deps;
    const where = { flow: document.flow, run_id: document.run_id, method: method.id, execution: call.execution };
    const options = correlation(document);
    const began = clock.monotonicMs();
    events.emit('method.started', { ...where, trigger: call.trigger }, options);
    let update: FlowState = {};
    try {
      const context = this.#context(document, step, (fields) => {
        if ('id' in fields) throw new InvalidInput(`the id of a flow's state cannot be changed`);
        update = { ...update, ...fields };
      });
      const output = (await method.run(context)) ?? null;
      checked(document.flow, () => flow.check(flow.merge(data, update)));
      const route = method.routes === null ? null : routeOf(document.flow, method, output);
      const duration_ms = clock.monotonicMs() - began;
      events.emit('method.completed', { ...where, duration_ms, route }, options);
      return { output, route, update, outside: mergeOutside([...step.outside]) };
    } catch (error) {
      if (!isGraphBubbleUp(error)) events.emit('method.failed', { ...where, error: errorMessage(error) }, options);
      throw error;
    }
  }

  #context(document: FlowDocument, step: Step, update: (fields: FlowState) => void): FlowContext {
    const { method, call, data: state, outside, stop } = step;
    const { signal } = stop;
    const { run_id: runId, flow, payload } = document;
    const shadow = document.mode === 'shadow';
    const { crews } = this.#deps;
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
      tool: (name, args, as) => this.#tool(document, { path: path(), name, args, signal, outside, ...as }),
      subflow: async (id, inputs = {}) => {
        const run = path();
        const options = { ...started(), runId: run };
        let sub = await this.kickoff(id, inputs, options);
        while (sub.status === 'waiting') {
          const answer: unknown = interrupt({
            kind: 'question',
            details: { flow: id, run_id: run, waiting_for: sub.waiting_for },
          });
          const answers = Object.fromEntries(sub.waiting_for.map((p) => [p.method, answer]));
          sub = await this.resume(run, answers, { signal: stop.asked });
        }
        if (sub.status === 'suspended') throw new GraphDrained(stop.control.drainReason);
        if (sub.status !== 'completed')
          throw new Unavailable(`flow ${id} ${sub.status}: ${sub.error ?? 'no reason given'}`);
        return heard(sub);
      },
      ask: (question) => interrupt({ kind: 'question', details: question }),
    };
  }

  async #tool(
    document: FlowDocument,
    call: {
      readonly path: string;
      readonly name: string;
      readonly args: FlowState;
      readonly agent: string;
      readonly reason?: string | undefined;
      readonly outside: Set<string>;
      readonly signal: AbortSignal;
    },
  ): ReturnType<FlowContext['tool']> {
    const { run_id, mode } = document;
    const caller = this.#deps.agentCaller(call.agent);
    if (caller === undefined) throw new NotFound(`there is no agent '${call.agent}'`);
    const outcome = await this.#deps.invoker.invoke({
      tool: call.name,
      args: call.args,
      caller,
      reason: call.reason ?? 'a step of a flow',
      runId: run_id,
      path: call.path,
      correlationId: run_id,
      shadow: mode === 'shadow',
      signal: call.signal,
      origin: {
        outside: mergeOutside([...call.outside]),
        trusted: (document.outside ?? []).length === 0 ? document.inputs : {},
      },
    });
    for (const name of wordsOf(outcome, this.#deps.invoker)) call.outside.add(name);
    if (outcome.ok) return outcome;
    if (outcome.error.code === 'approval_required') {
      interrupt({ kind: 'run', details: { approval_id: outcome.error.approval_id, tool: call.name } });
      return this.#tool(document, call);
    }
    throw new ToolFailed(`${call.name}: ${outcome.error.message}`, outcome.error.retryable);
  }

  #flow(id: string): FlowDefinition {
    const flow = this.#deps.flows[id];
    if (flow !== undefined) return flow;
    const ids = Object.keys(this.#deps.flows);
    throw new NotFound(`there is no flow '${id}'${didYouMean(id, ids)}; flows: ${ids.join(', ') || 'none'}`);
  }
}

/** A tool of a flow's step failed. */
class ToolFailed extends AppError {
  readonly code = 'unavailable' as const;
  override readonly retryable: boolean;

  constructor(message: string, retryable: boolean) {
    super(message);
    this.retryable = retryable;
  }
}

/** What a schema gives; what it refuses as InvalidInput, with the field. */
function checked<T>(flow: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new InvalidInput(`flow ${flow}: ${z.prettifyError(error)}`, { cause: error });
  }
}

function routeOf(flow: string, method: FlowMethod, output: unknown): string {
  const routes = method.routes ?? [];
  if (typeof output === 'string' && routes.includes(output)) return output;
  const given = typeof output === 'string' ? `'${output}'` : JSON.stringify(output);
  throw new Conflict(
    `flow ${flow}: router ${method.id} gave ${given}, which is none of its routes: ${routes.join(', ')}`,
  );
}

function describe(document: FlowDocument, flow: FlowDefinition, values: Partial<FlowValues>): FlowDocument {
  const { data, runs = {}, outputs = {}, last = null, outside = document.outside } = values;
  const output = last === null ? null : (outputs[last] ?? null);
  const methods = flow.methods.map((m) => ({ id: m.id, runs: runs[m.id] ?? 0, output: outputs[m.id] ?? null }));
  return { ...document, state: data ?? document.state, output, methods, outside };
}

function flowPauses(snapshot: StateSnapshot): readonly FlowPause[] {
  return pausesOf(snapshot).map(({ id, task, details }) => {
    const waiting = Waiting.safeParse(details).data ?? { kind: 'question' as const, details };
    return { id, method: task, ...waiting };
  });
}

/** The checkpoint's state: written by our graph alone, so its shape is ours. Empty before the first step. */
function valuesOf(snapshot: StateSnapshot): Partial<FlowValues> {
  const { values } = snapshot as { readonly values?: Partial<FlowValues> };
  return values ?? {};
}

function thread({ run_id }: FlowDocument): { readonly configurable: { readonly thread_id: string } } {
  return { configurable: { thread_id: run_id } };
}

function correlation({ run_id }: FlowDocument): { readonly correlationId: string; readonly source: string } {
  return { correlationId: run_id, source: 'flow' };
}
