import { Command, isGraphBubbleUp, type StateSnapshot } from '@langchain/langgraph';
import { Conflict, errorMessage, InvalidInput, NotFound } from '../../kit/errors.ts';
import { mergeOutside } from '../../kit/outside.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { createDetached } from '../run/detached.ts';
import { GraphStop } from '../run/graph-stop.ts';
import { interruptIds } from '../run/pauses.ts';
import { answerTo, givenAnswer, isOver, type OpenQuestion, requireTaken, withTimesOf } from '../run/questions.ts';
import type { FlowState } from './state.ts';
import type { FlowOptions, FlowRunner, FlowRunnerDeps } from './contract.ts';
import type { FlowDefinition } from './define.ts';
import type { FlowDocument, FlowPause } from './document.ts';
import { checkFlowAnswers, flowPauses, isTyped, openFlowQuestion, withoutMethodPlace } from './pauses.ts';
import { FlowWaits } from './waits.ts';
import { checked, routeOf } from './step-checks.ts';
import { type Step, stepContext } from './step-context.ts';
import { flowChanges, migrateFlow, shapeOf } from './migrate.ts';
import type { FlowSeed } from './migration.ts';
import { compileFlow, flowHash, type FlowValues } from './graph.ts';

/** Makes a runner of flows. Nothing runs until it is asked to. */
export function createFlowRunner(deps: FlowRunnerDeps): FlowRunner {
  return new Runner(deps);
}

/** A run that can be gone on with. */
const OPEN: ReadonlySet<FlowDocument['status']> = new Set(['running', 'waiting', 'suspended'] as const);
/** Steps of one run, beyond which even a flow within its methods' bounds has gone astray. */
const STEP_LIMIT = 10_000;

class Runner implements FlowRunner {
  readonly #deps: FlowRunnerDeps;
  readonly #detached = createDetached();
  readonly #active = new Map<string, { readonly stop: GraphStop; readonly done: Promise<FlowDocument> }>();

  readonly #waits: FlowWaits;

  constructor(deps: FlowRunnerDeps) {
    this.#deps = deps;
    const { clock, log, store, eventSource: source } = deps;
    const isActive = (id: string): boolean => this.#active.has(id);
    this.#waits = new FlowWaits({ clock, log, store, source, isActive, resume: (id) => this.resume(id) });
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
      structure: shapeOf(flow),
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
    options: { readonly signal?: AbortSignal | undefined; readonly by?: string | undefined } = {},
  ): Promise<FlowDocument> {
    const hasAnswers = Object.keys(answers).length > 0;
    const running = this.#active.get(runId);
    if (running !== undefined) return atWork(runId, hasAnswers, running.done);
    const document = await this.show(runId);
    if (!OPEN.has(document.status)) {
      if (hasAnswers) throw new Conflict(`run ${runId} is ${document.status}: it waits for no answer any more`);
      return document;
    }
    const flow = this.#deps.flows[document.flow];
    if (flow === undefined) return this.#end(document, 'failed', `there is no flow '${document.flow}' any more`);
    if (flowHash(flow) !== document.structure_hash) return this.#migrate(flow, document, hasAnswers, options.signal);
    const answered = checkFlowAnswers(document, answers, this.#deps.clock.now());
    const graph = this.#compile(flow, document, this.#newStop(document));
    const snapshot = await graph.getState(thread(document));
    // Between the look at what is open and here: of two answers to one question the second finds the run at work.
    const taken = this.#active.get(runId);
    if (taken !== undefined) return atWork(runId, hasAnswers, taken.done);
    const pauses = this.#openPauses(document, snapshot);
    const resume = this.#resumeValues(document, pauses, answers, options.by);
    if (pauses.length > 0 && Object.keys(resume).length === 0) {
      const waiting = document.status === 'waiting' ? document : await this.#end(document, 'waiting', null, pauses);
      this.#waits.watch(waiting);
      return waiting;
    }
    const { flow: name, run_id } = document;
    this.#deps.events.emit('flow.resumed', { flow: name, run_id }, correlation(document));
    const { seed } = document;
    if (seed !== undefined && valuesOf(snapshot).seeded !== seed.seeded)
      return this.#beginAnew(flow, document, seed, options.signal);
    const began = snapshot.next.length > 0 || Object.keys(valuesOf(snapshot)).length > 0;
    const first = { data: document.state, outside: document.outside ?? [] };
    const input = !began ? first : pauses.length > 0 ? new Command({ resume }) : null;
    const ended = await this.#launch(flow, { ...document, status: 'running' }, input, options.signal);
    requireTaken(answered, document.waiting_for.map(openFlowQuestion), ended.waiting_for.map(openFlowQuestion));
    return ended;
  }

  /** Puts the run on the flow's new methods, on record before its thread begins anew. Throws Conflict when it is refused. */
  async #migrate(
    flow: FlowDefinition,
    document: FlowDocument,
    hasAnswers: boolean,
    signal: AbortSignal | undefined,
  ): Promise<FlowDocument> {
    const { checkpointer, store, events } = this.#deps;
    const { run_id, structure = [] } = document;
    const hash = flowHash(flow);
    // The thread is read by the old methods' nodes alone, which this flow has not: so as any flow of the same channels.
    const tuple = await checkpointer.getTuple(thread(document));
    const values = (tuple?.checkpoint.channel_values ?? {}) as Partial<FlowValues>;
    const open = (values.queue ?? []).map((call) => call.method);
    const seed = await migrateFlow(document, flow, values, open, hash);
    if (hasAnswers)
      throw new Conflict(`run ${run_id} has to be migrated first: resume it without answers, and it asks anew`);
    const moved = { ...document, structure_hash: hash, structure: shapeOf(flow), seed, waiting_for: [] };
    await store.save(moved);
    const changes = [...flowChanges(structure, shapeOf(flow))];
    events.emit(
      'flow.migrated',
      { flow: flow.id, run_id, changes, next: Object.keys(seed.next) },
      correlation(document),
    );
    return this.#beginAnew(flow, moved, seed, signal);
  }

  async #beginAnew(
    flow: FlowDefinition,
    document: FlowDocument,
    seed: FlowSeed,
    signal: AbortSignal | undefined,
  ): Promise<FlowDocument> {
    await this.#deps.checkpointer.deleteThread(document.run_id);
    return this.#launch(flow, { ...document, status: 'running', waiting_for: [] }, seed, signal);
  }

  /** What the thread waits for, of what the record says is open, with the times that the record has. */
  #openPauses({ waiting_for }: FlowDocument, snapshot: StateSnapshot): readonly FlowPause[] {
    const open = new Set(waiting_for.map((p) => p.id));
    const found = flowPauses(snapshot, this.#deps.clock.now()).filter((p) => open.size === 0 || open.has(p.id));
    return withTimesOf(waiting_for.map(openFlowQuestion), found.map(openFlowQuestion)).map(withoutMethodPlace);
  }

  /** What goes back into the graph, by interrupt: answers, and what looks itself whether it may go on. */
  #resumeValues(
    document: FlowDocument,
    pauses: readonly FlowPause[],
    answers: Readonly<Record<string, unknown>>,
    by = 'not said',
  ): Readonly<Record<string, unknown>> {
    const { clock, events } = this.#deps;
    const { run_id } = document;
    return Object.fromEntries(
      pauses.flatMap((p) => {
        if (p.kind === 'run') return [[p.id, true]];
        const question = openFlowQuestion(p);
        const answer = answerTo(question, answers);
        const where = { question_id: p.question_id ?? p.id, run_id, where: p.method };
        if (answer !== undefined) events.emit('question.answered', { ...where, by }, correlation(document));
        else if (isOver(question, clock.now())) events.emit('question.expired', where, correlation(document));
        const given = isTyped(p) ? givenAnswer(question, answer, clock.now()) : answer;
        return given === undefined ? [] : [[p.id, given]];
      }),
    );
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
    const open = (await this.#deps.store.list(10_000)).filter((d) => OPEN.has(d.status) && !this.#active.has(d.run_id));
    for (const document of open) this.#waits.watch(document);
    const left = open.filter((d) => d.status !== 'waiting' || d.waiting_for.some((p) => p.kind === 'run'));
    return Promise.all(
      left.map((document) =>
        this.resume(document.run_id).catch((error: unknown) => {
          if (!(error instanceof Conflict)) throw error;
          // It stays as it was, with the reason, until its flow is what it was or says how to migrate.
          const refused: FlowDocument = { ...document, status: leftAs(document), error: error.message };
          this.#deps.log.warn('flow.refused', { run_id: document.run_id, error: error.message });
          return this.#deps.store.save(refused).then(() => refused);
        }),
      ),
    );
  }

  #launch(flow: FlowDefinition, document: FlowDocument, input: unknown, signal?: AbortSignal): Promise<FlowDocument> {
    const stop = this.#newStop(document);
    const unfollow = stop.follow(signal);
    const work = this.#detached(() => this.#work(flow, document, input, stop));
    const done = work
      .finally(() => {
        unfollow();
        this.#active.delete(document.run_id);
      })
      .then((ended) => {
        this.#waits.watch(ended);
        return ended;
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
    this.#waits.close();
    const all = [...this.#active.values()];
    for (const { stop } of all) stop.suspend('the process ends');
    await Promise.all(all.map(({ done }) => done));
  }

  async #work(flow: FlowDefinition, document: FlowDocument, input: unknown, stop: GraphStop): Promise<FlowDocument> {
    // On record before its first step: a process that dies in it leaves a run to be taken up.
    if (document.waiting_for.length > 0) await this.#deps.store.save({ ...document, waiting_for: [] });
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
      const now = this.#deps.clock.now();
      const pauses = flowPauses(await graph.getState(thread(document)), now).filter((p) => fresh.has(p.id));
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
    pauses: readonly FlowPause[] = [],
  ): Promise<FlowDocument> {
    const { clock, events, store } = this.#deps;
    const now = clock.now();
    const before = document.waiting_for.map(openFlowQuestion);
    const waiting_for = withTimesOf(before, pauses.map(openFlowQuestion)).map(withoutMethodPlace);
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
      this.#tellAsked(ended, before);
    } else if (status === 'suspended') {
      events.emit('flow.suspended', { flow, run_id, reason: 'the process ends' }, options);
    } else events.emit('flow.failed', { flow, run_id, error: error ?? status }, options);
    return ended;
  }

  /** Tells of the questions that were not open before. */
  #tellAsked(document: FlowDocument, before: readonly OpenQuestion[]): void {
    const known = new Set(before.map((question) => question.question_id));
    for (const { question_id, method: where, kind, expires_at = null } of document.waiting_for) {
      if (question_id === undefined || known.has(question_id)) continue;
      const asked = { question_id, run_id: document.run_id, where, kind, expires_at };
      this.#deps.events.emit('question.asked', asked, correlation(document));
    }
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
      const context = stepContext(this.#deps, this, { document, step }, (fields) => {
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

  #flow(id: string): FlowDefinition {
    const flow = this.#deps.flows[id];
    if (flow !== undefined) return flow;
    const ids = Object.keys(this.#deps.flows);
    throw new NotFound(`there is no flow '${id}'${didYouMean(id, ids)}; flows: ${ids.join(', ') || 'none'}`);
  }
}

/** What a run is that is not gone on with. */
function leftAs({ status }: FlowDocument): FlowDocument['status'] {
  return status === 'running' ? 'suspended' : status;
}

/** A run at work waits for no answer; without one, whoever asks gets what becomes of it. */
function atWork(runId: string, hasAnswers: boolean, done: Promise<FlowDocument>): Promise<FlowDocument> {
  if (hasAnswers) throw new Conflict(`run ${runId} is at work: it waits for no answer now`);
  return done;
}

function describe(document: FlowDocument, flow: FlowDefinition, values: Partial<FlowValues>): FlowDocument {
  const { data, runs = {}, outputs = {}, last = null, outside = document.outside } = values;
  const output = last === null ? null : (outputs[last] ?? null);
  const methods = flow.methods.map((m) => ({ id: m.id, runs: runs[m.id] ?? 0, output: outputs[m.id] ?? null }));
  return { ...document, state: data ?? document.state, output, methods, outside };
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
