import { Command } from '@langchain/langgraph';
import { Conflict, errorMessage, InvalidInput, NotFound } from '../../kit/errors.ts';
import { unresolved } from '../agent/prompt.ts';
import { missingFunctions } from '../agent/guardrails-of.ts';
import type { CompiledCrew } from '../graph/compile.ts';
import { changesText } from '../graph/structure-diff.ts';
import type { CrewHooks } from '../hooks.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import type { TripwireTripped } from '../tripwire/contract.ts';
import { missingTripwires, type RunTripwires } from '../tripwire/of-run.ts';
import { decisionOf } from '../spend/decision.ts';
import { ModelChains } from './chains.ts';
import { compileRun } from './compile-run.ts';
import { soloCrew } from './solo.ts';
import { describeRun, type RunState, valuesOf } from './describe.ts';
import type { RunDocument, RunPause, RunStatus } from './document.ts';
import { GraphStop } from './graph-stop.ts';
import { migrateRun, structureRefusal } from './migrate.ts';
import { interruptIds, openQuestion, pausesOf, waitingReason, withoutPlace } from './pauses.ts';
import { answerTo, withTimesOf } from './questions.ts';
import { resumeValues, takeAnswer, tellAsked } from './asking.ts';
import { RunEvents } from './run-events.ts';
import { hooksOfSolo, membersOf, openTripwires, withTrip } from './tripped.ts';
import type { Answers, RunnerParts } from './contract.ts';
import type { RunRow } from './store.ts';

/** One run while this process works on it. Its thread in the checkpointer has the run's id. */
export class ActiveRun {
  row: RunRow;
  readonly #parts: RunnerParts;
  readonly #brief: boolean;
  readonly #crew: CrewSpec | undefined;
  readonly #tasks: RunnerParts['tasks'];
  readonly #hooks: CrewHooks;
  readonly #events: RunEvents;
  readonly #stop: GraphStop;
  readonly #chains: ModelChains;
  readonly #tripwires: RunTripwires | undefined;
  #tripped: TripwireTripped | undefined;
  #compiled: CompiledCrew | undefined;
  #refusal: Conflict | null = null;
  /** What it waited for when it was taken up. */
  #asked: readonly RunPause[] = [];
  /** What the last hooks made of the output. */
  #output: { readonly value: unknown } | undefined;

  constructor(parts: RunnerParts, row: RunRow, brief = false) {
    this.#parts = parts;
    this.#brief = brief;
    this.row = row;
    const solo = soloCrew(row.crew, parts.agents, row.inputs);
    this.#crew = solo?.crew ?? parts.crews[row.crew];
    this.#tasks = solo === null ? parts.tasks : { [solo.task.id]: solo.task };
    this.#hooks = { ...parts.hooks?.[row.crew], ...(solo === null ? {} : hooksOfSolo(solo.crew.agents, parts)) };
    this.#events = new RunEvents(row.run_id, parts.events, parts.eventSource);
    this.#chains = new ModelChains(parts, this.#events);
    const { clock, drainMs, log } = parts;
    const onGivenUp = (): void => log.warn('run.step_given_up', { run_id: row.run_id, after_ms: drainMs });
    this.#stop = new GraphStop({ clock, drainMs, onGivenUp });
    this.#tripwires = this.#crew === undefined ? undefined : this.#openTripwires(this.#crew);
  }

  /** Checks everything that can be checked before the first step. Throws NotFound and InvalidInput. */
  async prepare(): Promise<void> {
    try {
      const crew = this.#requireCrew();
      const compiled = this.#compile();
      const ids = [...new Set(compiled.taskKeys.values())];
      const missing = (await this.#parts.models.missing?.(crew, ids)) ?? [];
      const open = ids.flatMap((id) => this.#unresolved(compiled, id));
      const functions = ids.flatMap((id) => this.#missingFunctions(id));
      const problems = [
        ...functions,
        ...missingTripwires(crew, membersOf(crew, this.#parts.agents), this.#hooks.tripwires ?? {}),
        ...(open.length === 0 ? [] : [`inputs are missing for ${open.join('; ')}; ${howToGive(open)}`]),
        ...missing,
      ];
      if (problems.length > 0) throw new InvalidInput(`crew ${crew.id} cannot start: ${problems.join('; ')}`);
      const model = await this.#firstModel(ids);
      const { structure, structureHash: structure_hash } = compiled;
      this.row = { ...this.row, structure_hash, structure, model };
    } catch (error) {
      this.#events.close();
      throw error;
    }
  }

  /** Why it may not go on with the crew as it is; null when it may, and until it was asked to. */
  get refusal(): Conflict | null {
    return this.#refusal;
  }

  /** Throws Conflict, with what changed, unless the crew has the structure that the run was made on. */
  requirePinned(origin: RunRow): void {
    const compiled = this.#compile();
    if (compiled.structureHash !== this.row.structure_hash) throw structureRefusal(origin, compiled);
  }

  /** Nodes that come next in the run's thread. */
  async next(): Promise<readonly string[]> {
    return (await this.#compile().graph.getState(this.#thread())).next;
  }

  /** From the start. `outside`: whose words from outside the inputs hold. */
  begin(signal: AbortSignal | undefined, outside: readonly string[] = []): Promise<RunDocument> {
    const { run_id, crew, shadow, trigger } = this.row;
    this.#events.emit('run.started', { run_id, crew, mode: shadow ? 'shadow' : 'active', trigger });
    return this.#workOnInputs(outside, signal);
  }

  /** From the last checkpoint. */
  async goOn(answers: Answers, signal: AbortSignal | undefined, by?: string): Promise<RunDocument> {
    let compiled: CompiledCrew;
    try {
      compiled = this.#compile();
    } catch (error) {
      return this.close('failed', errorMessage(error));
    }
    if (compiled.structureHash !== this.row.structure_hash) {
      try {
        await this.#migrate(compiled, Object.keys(answers));
      } catch (error) {
        if (error instanceof Conflict) return this.#refuse(error);
        throw error;
      }
    }
    const { seed, structure_hash, run_id, crew } = this.row;
    if (seed !== null && (await this.#state()).seeded !== structure_hash) {
      // The thread is still that of the structure before, or begun by nobody.
      await this.#parts.checkpointer.deleteThread(run_id);
      this.#events.emit('run.resumed', { run_id, crew, from: 'start' });
      await this.#update({ status: 'running', waiting_for: [], error: null });
      return this.#work(
        { inputs: this.row.inputs, ...seed, carried: { keep: Object.keys(seed.outputs) }, seeded: structure_hash },
        signal,
      );
    }
    const snapshot = await compiled.graph.getState(this.#thread());
    // A task that went on keeps its old pause in the checkpoint until its siblings have ended too.
    const open = new Set(this.row.waiting_for.map((pause) => pause.id));
    const found = pausesOf(snapshot, this.#parts.clock.now()).filter((pause) => open.size === 0 || open.has(pause.id));
    this.#asked = this.row.waiting_for;
    const pauses = withTimesOf(this.#asked.map(openQuestion), found.map(openQuestion)).map(withoutPlace);
    await this.#decideBudgets(pauses, answers);
    const now = this.#parts.clock.now();
    const resume = resumeValues(pauses, (pause) => {
      const isTriedAgain = pause.kind === 'approval' || pause.kind === 'effect';
      return isTriedAgain ? true : takeAnswer(this.#events, this.row, pause, { answers, by, now });
    });
    if (pauses.length > 0 && Object.keys(resume).length === 0) return this.#finish('waiting', null, pauses);
    const began = snapshot.next.length > 0 || Object.keys(valuesOf(snapshot)).length > 0;
    this.#events.emit('run.resumed', { run_id, crew, from: snapshot.next.join(', ') || 'start' });
    await this.#update({ status: 'running', waiting_for: [], error: null });
    if (!began) {
      // What a flow had read by then went with the process that began this.
      const outside = this.row.trigger.startsWith('flow ') ? [this.row.trigger] : [];
      return this.#workOnInputs(outside, signal);
    }
    return this.#work(pauses.length > 0 ? new Command({ resume }) : null, signal);
  }

  /** Puts the run on the crew's new structure, on record before its thread begins anew. */
  async #migrate(compiled: CompiledCrew, answered: readonly string[]): Promise<void> {
    const { run_id, crew } = this.row;
    const { inputs, seed, changes } = await migrateRun(this.row, compiled, await this.#state(), this.#hooks);
    if (answered.length > 0)
      throw new Conflict(`run ${run_id} has to be migrated first: resume it without answers, and it asks anew`);
    const { structure, structureHash: structure_hash } = compiled;
    await this.#update({ structure, structure_hash, inputs, seed });
    const lines = changesText(changes).split('\n');
    this.#events.emit('run.migrated', {
      run_id,
      crew,
      changes: lines.map((l) => l.trim()),
      kept: Object.keys(seed.outputs),
    });
  }

  /** Leaves the run as it is, with the reason: it can go on once the crew is what it was, or says how to migrate. */
  async #refuse(refusal: Conflict): Promise<RunDocument> {
    this.#refusal = refusal;
    const { run_id } = this.row;
    const status = this.row.status === 'waiting' ? 'waiting' : 'suspended';
    this.#parts.log.warn('run.refused', { run_id, error: refusal.message });
    this.row = { ...this.row, status, error: refusal.message };
    const document = { ...(this.row.document ?? (await this.describe())), status, error: refusal.message } as const;
    await this.#update({ status, error: refusal.message, document });
    return document;
  }

  /** An answer about a budget is on record before the run goes on, so it counts once, whatever happens then. */
  async #decideBudgets(pauses: readonly RunPause[], answers: Answers): Promise<void> {
    const { run_id, crew } = this.row;
    for (const pause of pauses) {
      const answer = answerTo(openQuestion(pause), answers);
      if (pause.kind !== 'budget' || answer === undefined) continue;
      const decided = decisionOf(pause, answer);
      await this.#parts.spend.decide({ ...decided, run_id, decided_at: this.#parts.clock.now() }, crew);
    }
  }

  cancel(reason: string): void {
    this.#stop.cancel(reason);
  }

  /** Ends the steps at work, as far as the time for it goes, and leaves the rest to whoever takes the run up. */
  suspend(reason: string): void {
    this.#stop.suspend(reason);
  }

  /** Ends the run without working on it. */
  async close(status: 'failed' | 'cancelled', reason: string): Promise<RunDocument> {
    return this.#finish(status, reason);
  }

  /** Stops listening; the run itself stays as it is. */
  release(): void {
    this.#events.close();
  }

  /** The document as it is now. */
  async describe(known?: RunState): Promise<RunDocument> {
    const { row } = this;
    const state = known ?? (await this.#state());
    const given = (await this.#parts.documentExtras?.(row)) ?? {};
    const extras = this.#brief ? { ...given, streams: [], quality_issues: [] } : given;
    const keys = this.#compiled?.taskKeys ?? new Map((this.#crew?.tasks ?? []).map((id) => [id, id]));
    const document = describeRun({
      row,
      status: row.status,
      state,
      taskKeys: keys,
      tasks: this.#tasks,
      events: this.#events.counted(),
      extras,
      cost: await this.#parts.spend.costOf(row.run_id),
    });
    const whole = this.#tripped === undefined ? document : withTrip(document, this.#tripped);
    return this.#output === undefined ? whole : { ...whole, output: this.#output.value };
  }

  /** The run's inputs as the crew's tripwires let them in. Throws TripwireTripped. */
  async passInputs(): Promise<RunRow['inputs']> {
    const given = { inputs: this.row.inputs, context: [] };
    return ((await this.#tripwires?.pass('input', null, given)) ?? given).inputs;
  }

  /** Works from the start, on what the crew's tripwires let in. */
  async #workOnInputs(outside: readonly string[], signal: AbortSignal | undefined): Promise<RunDocument> {
    const unfollow = this.#stop.follow(signal);
    try {
      const inputs = await this.passInputs();
      if (inputs !== this.row.inputs) {
        await this.#update({ inputs });
        // It was compiled for the inputs as they were.
        this.#compiled = undefined;
      }
    } catch (error) {
      return await this.#broken(error);
    } finally {
      unfollow();
    }
    return this.#work({ inputs: this.row.inputs, outside }, signal);
  }

  async #work(input: unknown, signal: AbortSignal | undefined): Promise<RunDocument> {
    const unfollow = this.#stop.follow(signal);
    try {
      const compiled = this.#compile();
      const result: unknown = await compiled.graph.invoke(input, {
        ...this.#thread(),
        signal: this.#stop.signal,
        control: this.#stop.control,
        durability: this.#parts.durability ?? 'sync',
        recursionLimit: 10 * compiled.taskKeys.size + 50,
        callbacks: [],
      });
      // Whatever became of the step in which it tripped.
      if (this.#tripped !== undefined) throw this.#tripped;
      const snapshot = await compiled.graph.getState(this.#thread());
      const fresh = interruptIds(result);
      const pauses = pausesOf(snapshot, this.#parts.clock.now()).filter((pause) => fresh.has(pause.id));
      const state = valuesOf(snapshot);
      if (pauses.length > 0) return await this.#finish('waiting', null, pauses, state);
      const halted = state.halted ?? null;
      if (halted !== null) return await this.#finish('failed', halted, [], state);
      return await this.#complete(state);
    } catch (error) {
      return await this.#broken(error);
    } finally {
      unfollow();
    }
  }

  /** Ends a run, or leaves it, whose work was broken off. */
  #broken(error: unknown): Promise<RunDocument> {
    const status = this.#stop.statusOf(error);
    if (status === 'suspended') return this.#finish(status, null);
    const reason = errorMessage(this.#tripped ?? (status === 'cancelled' ? this.#stop.signal.reason : error));
    if (status === 'failed') this.#parts.log.error('run.failed', { run_id: this.row.run_id, error: reason });
    return this.#finish(status, reason);
  }

  /** Ends a run that has done its work, unless one of the crew's last hooks fails. */
  async #complete(state: RunState): Promise<RunDocument> {
    const { afterKickoff = [] } = this.#hooks;
    if (afterKickoff.length === 0) return this.#finish('completed', null, [], state);
    this.row = { ...this.row, status: 'completed' };
    const hook = async (at: number, document: RunDocument): Promise<RunDocument> => {
      const run = afterKickoff[at];
      if (run === undefined) return document;
      const output = await run(document);
      return hook(at + 1, output === undefined ? document : { ...document, output });
    };
    try {
      const { output } = await hook(0, await this.describe(state));
      this.#output = { value: (await this.#tripwires?.pass('output', null, output)) ?? output };
    } catch (error) {
      if (this.#tripped !== undefined) return await this.#broken(error);
      return this.#finish('failed', `an after_kickoff hook failed: ${errorMessage(error)}`, [], state);
    }
    return this.#finish('completed', null, [], state);
  }

  /** `known`: the state of its thread, where it was just read. */
  async #finish(
    status: RunStatus,
    reason: string | null,
    pauses: readonly RunPause[] = [],
    known?: RunState,
  ): Promise<RunDocument> {
    const { run_id, crew, started_at } = this.row;
    const now = this.#parts.clock.now();
    const waiting_for = withTimesOf(this.#asked.map(openQuestion), pauses.map(openQuestion)).map(withoutPlace);
    tellAsked(this.#events, run_id, this.#asked, waiting_for);
    const ended = status === 'completed' || status === 'failed' || status === 'cancelled';
    this.row = { ...this.row, status, error: reason, waiting_for, finished_at: ended ? now : null };
    if (status === 'completed')
      this.#events.emit('run.completed', { run_id, crew, duration_ms: Math.max(0, now - started_at) });
    if (status === 'failed') this.#events.emit('run.failed', { run_id, crew, error: reason ?? 'no reason given' });
    if (status === 'cancelled')
      this.#events.emit('run.cancelled', { run_id, crew, reason: reason ?? 'no reason given' });
    if (status === 'waiting') this.#events.emit('run.waiting', { run_id, crew, reason: waitingReason(waiting_for) });
    if (status === 'suspended')
      this.#events.emit('run.suspended', {
        run_id,
        crew,
        reason: this.#stop.control.drainReason ?? 'the process ends',
      });
    const document = await this.describe(known);
    await this.#update({ status, error: reason, waiting_for, finished_at: this.row.finished_at, document });
    this.#events.close();
    return document;
  }

  #compile(): CompiledCrew {
    const crew = this.#requireCrew();
    this.#compiled ??= compileRun(this.row, {
      parts: this.#parts,
      crew,
      tasks: this.#tasks,
      hooks: this.#hooks,
      events: this.#events,
      signal: this.#stop.signal,
      chains: this.#chains,
      tripwires: this.#tripwires ?? this.#openTripwires(crew),
    });
    return this.#compiled;
  }

  #openTripwires(crew: CrewSpec): RunTripwires {
    const tripped = (error: TripwireTripped): void => {
      this.#tripped ??= error;
      this.#stop.fail(error);
    };
    const signal = this.#stop.signal;
    return openTripwires(crew, this.#hooks, this.#parts, {
      id: this.row.run_id,
      events: this.#events,
      signal,
      tripped,
    });
  }

  async #firstModel(taskIds: readonly string[]): Promise<string | null> {
    const first = taskIds.map((id) => this.#agentOf(id)).find((agent) => agent !== undefined);
    if (first === undefined) return null;
    return (await this.#parts.models.modelsFor(first, this.#requireCrew()))[0]?.name ?? null;
  }

  #unresolved(compiled: CompiledCrew, id: string): readonly string[] {
    const task: TaskSpec | undefined = this.#tasks[id];
    const agent = this.#agentOf(id);
    if (task === undefined || agent === undefined) return [];
    const known = new Set([...Object.keys(this.row.inputs), ...(compiled.inputNames.get(id) ?? [])]);
    return unresolved(task, agent, known);
  }

  /** Guardrails and conditions must be there; a callback that is not there changes no result, and is logged. */
  #missingFunctions(id: string): readonly string[] {
    const task = this.#tasks[id];
    if (task === undefined) return [];
    const { callback } = task;
    if (callback !== null && this.#hooks.callbacks?.[callback] === undefined) {
      this.#parts.log.warn('task.callback_missing', { task_id: id, callback, crew: this.row.crew });
    }
    return missingFunctions(task, this.#hooks);
  }

  #agentOf(taskId: string): AgentSpec | undefined {
    const id = this.#tasks[taskId]?.agent ?? this.#crew?.manager_agent ?? this.#crew?.agents[0];
    return id === undefined ? undefined : this.#parts.agents[id];
  }

  #requireCrew(): CrewSpec {
    if (this.#crew === undefined) throw new NotFound(`there is no crew '${this.row.crew}' any more`);
    return this.#crew;
  }

  async #state(): Promise<RunState> {
    if (this.#crew === undefined) return {};
    const snapshot = await this.#compile().graph.getState(this.#thread());
    return valuesOf(snapshot);
  }

  #thread(): { readonly configurable: { readonly thread_id: string } } {
    return { configurable: { thread_id: this.row.run_id } };
  }

  async #update(changes: Partial<Omit<RunRow, 'run_id'>>): Promise<void> {
    this.row = { ...this.row, ...changes };
    await this.#parts.store.update(this.row.run_id, changes);
  }
}

/** The remedy for `task t, description: {name}` and its like. */
function howToGive(open: readonly string[]): string {
  const names = new Set(open.flatMap((where) => /\{([^{}]+)\}$/.exec(where)?.[1] ?? []));
  return `give them as inputs, with crew run as ${[...names].map((name) => `--input ${name}=…`).join(' ')}`;
}
