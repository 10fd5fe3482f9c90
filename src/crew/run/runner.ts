import { Conflict, errorMessage, InvalidInput, NotFound } from '../../kit/errors.ts';
import type { Timer } from '../../kit/clock.ts';
import type { AnyEvent } from '../../kit/event.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { buildAgentGraph } from '../agent/agent-graph.ts';
import { createPacer } from '../agent/pacer.ts';
import { createToolSchemas } from '../agent/tool-schema.ts';
import type { CrewSpec } from '../spec.ts';
import { createSpendMeter } from '../spend/create.ts';
import { createMemoryLedger } from '../spend/memory-ledger.ts';
import { ActiveRun } from './active-run.ts';
import { startContinuous } from './continuous.ts';
import type { ContinuousCrew, ContinuousOptions } from './continuous-contract.ts';
import type {
  Answers,
  CrewRunner,
  CrewRunnerDeps,
  EachResult,
  ForEachOptions,
  ForkOptions,
  KickoffOptions,
  RunnerParts,
  StartedRun,
} from './contract.ts';
import { createDetached } from './detached.ts';
import { copyPoint, type ForkPoint, pointAt, pointBefore, requireOpen, type RunStep, stepsOf } from './fork.ts';
import { checkAnswers, openQuestion } from './pauses.ts';
import { requireTaken } from './questions.ts';
import { soloCrew, soloCrewId, type SoloRequest } from './solo.ts';
import type { RunDocument, RunPause, RunStatus } from './document.ts';
import type { RunQuery, RunRow } from './store.ts';

/** Decisions kept for runs that are on their way to waiting. */
const DECIDED_LIMIT = 1000;

/** Decisions after which a waiting call is worth another try. */
const ENDS_WAITING: ReadonlySet<string> = new Set(['approved', 'rejected', 'expired']);

/** Makes a runner. Nothing runs until it is asked to. */
export function createCrewRunner(deps: CrewRunnerDeps): CrewRunner {
  return new Runner(deps);
}

class Runner implements CrewRunner {
  readonly #parts: RunnerParts;
  readonly #active = new Map<string, { readonly run: ActiveRun; readonly done: Promise<RunDocument> }>();

  readonly #detached = createDetached();
  /** Ended runs whose checkpoints stay, oldest first. */
  #ended: Promise<string[]> | undefined;
  /** Of waiting runs, until the first of their questions is past its time. */
  readonly #timers = new Map<string, Timer>();
  #closed = false;
  /** Approvals that were decided while their run was still at work. */
  readonly #decided = new Set<string>();

  constructor(deps: CrewRunnerDeps) {
    const spend = deps.spend ?? createSpendMeter({ ...deps, ledger: createMemoryLedger() });
    this.#parts = {
      ...deps,
      spend,
      pacer: createPacer(deps.clock),
      agentGraph: buildAgentGraph(),
      schemas: createToolSchemas(),
    };
    deps.eventSource?.on('*', this.#heard);
  }

  get active(): readonly string[] {
    return [...this.#active.keys()];
  }

  async kickoff(
    crewId: string,
    inputs: Readonly<Record<string, unknown>> = {},
    options: KickoffOptions = {},
  ): Promise<RunDocument> {
    return (await this.start(crewId, inputs, options)).done;
  }

  async kickoffForEach(
    crewId: string,
    inputs: readonly Readonly<Record<string, unknown>>[],
    options: ForEachOptions = {},
  ): Promise<readonly EachResult[]> {
    const { concurrency = 1, ...each } = options;
    checkItems(inputs);
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new InvalidInput(`concurrency is a whole number from 1, not ${concurrency}`);
    }
    this.#crew(crewId);
    const results: EachResult[] = [];
    const items = inputs.entries();
    const work = async (): Promise<void> => {
      for (const [index, item] of items) {
        try {
          results.push({ index, ok: true, document: await this.kickoff(crewId, item, each) });
        } catch (error) {
          results.push({ index, ok: false, error: error instanceof Error ? error : new Error(String(error)) });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, inputs.length) }, work));
    return results.sort((a, b) => a.index - b.index);
  }

  runAgent(agentId: string, request: SoloRequest, options: KickoffOptions = {}): Promise<RunDocument> {
    return this.kickoff(soloCrewId(agentId), { ...request }, options);
  }

  async start(
    crewId: string,
    given: Readonly<Record<string, unknown>> = {},
    options: KickoffOptions = {},
  ): Promise<StartedRun> {
    const { clock, newId, store } = this.#parts;
    const { runId } = options;
    if (runId !== undefined) {
      const known = await this.#known(runId);
      if (known !== undefined) return known;
    }
    const inputs = await this.#beforeKickoff(this.#crew(crewId, given).id, given);
    const run = new ActiveRun(
      this.#parts,
      {
        run_id: runId ?? newId('run'),
        crew: crewId,
        shadow: options.shadow ?? false,
        status: 'running',
        trigger: options.trigger ?? 'manual',
        model: null,
        structure_hash: '',
        structure: null,
        seed: null,
        inputs,
        only_tasks: options.onlyTasks ?? null,
        started_at: clock.now(),
        finished_at: null,
        error: null,
        waiting_for: [],
        document: null,
      },
      options.brief,
    );
    await run.prepare();
    await store.insert(run.row);
    return this.#launch(run, () => run.begin(options.signal, options.outside));
  }

  async resume(
    runId: string,
    answers: Answers = {},
    options: { readonly signal?: AbortSignal; readonly by?: string | undefined } = {},
  ): Promise<RunDocument> {
    const answered = Object.keys(answers);
    const running = this.#active.get(runId);
    if (running !== undefined) {
      if (answered.length > 0) throw new Conflict(`run ${runId} is at work: it waits for no answer now`);
      return running.done;
    }
    const row = await this.#row(runId);
    if (!isOpen(row)) {
      if (answered.length > 0) throw new Conflict(`run ${runId} is ${row.status}: it waits for no answer any more`);
      return this.showRun(runId);
    }
    const { tasks, clock } = this.#parts;
    const answeredNow = checkAnswers(row, answers, { ...tasks, ...soloTask(row, this.#parts.agents) }, clock.now());
    // Between the check and here nothing waits, so of two answers to one question the second finds the run at work.
    const taken = this.#active.get(runId);
    if (taken !== undefined && answered.length === 0) return taken.done;
    if (taken !== undefined) throw new Conflict(`run ${runId} is at work: it waits for no answer now`);
    // By their own ids: several questions may be open at one task.
    const byQuestion = Object.fromEntries(
      answeredNow.map(({ question, answer }) => [question.question_id ?? question.where, answer]),
    );
    const run = new ActiveRun(this.#parts, row);
    const document = await this.#launch(run, () => run.goOn(byQuestion, options.signal, options.by)).done;
    if (run.refusal !== null) throw run.refusal;
    requireTaken(
      answeredNow.map(({ question }) => question),
      row.waiting_for.map(openQuestion),
      document.waiting_for.map(openQuestion),
    );
    return document;
  }

  async replay(runId: string, from: string, options: ForkOptions = {}): Promise<StartedRun> {
    const row = await this.#row(runId);
    const point = await pointBefore(this.#parts.checkpointer, runId, from);
    return this.#forked(row, point, options, `replay of ${runId} from ${from}`);
  }

  async fork(runId: string, options: ForkOptions & { readonly at?: string | undefined } = {}): Promise<StartedRun> {
    if (this.#active.has(runId) && options.at === undefined)
      throw new Conflict(`run ${runId} is at work: wait for it, or name a checkpoint of it`);
    const row = await this.#row(runId);
    const point = await pointAt(this.#parts.checkpointer, runId, options.at);
    return this.#forked(row, point, options, `fork of ${runId}`);
  }

  async history(runId: string): Promise<readonly RunStep[]> {
    await this.#row(runId);
    return stepsOf(this.#parts.checkpointer, runId);
  }

  /** A new run whose thread begins as the point of another's. Nothing of it stays when it cannot go on. */
  async #forked(origin: RunRow, point: ForkPoint, options: ForkOptions, trigger: string): Promise<StartedRun> {
    const { checkpointer, clock, newId, store } = this.#parts;
    const { edit = {}, shadow = true, signal } = options;
    const run_id = options.runId ?? newId('run');
    if (options.runId !== undefined && (await store.get(run_id)) !== null)
      throw new Conflict(`there is a run '${run_id}' already`);
    const waits = point.inner && origin.status === 'waiting';
    const row: RunRow = {
      ...origin,
      run_id,
      shadow,
      trigger,
      inputs: { ...origin.inputs, ...edit.inputs },
      status: waits ? 'waiting' : 'running',
      waiting_for: waits ? origin.waiting_for : [],
      started_at: clock.now(),
      finished_at: null,
      error: null,
      document: null,
    };
    const run = new ActiveRun(this.#parts, row);
    try {
      run.requirePinned(origin);
      if (edit.inputs !== undefined) run.row = { ...run.row, inputs: await run.passInputs() };
      const judged = edit.inputs === undefined ? edit : { ...edit, inputs: run.row.inputs };
      await copyPoint(checkpointer, point, { thread: run_id, edit: judged });
      requireOpen(point, origin.run_id, await run.next());
      await store.insert(run.row);
    } catch (error) {
      run.release();
      await checkpointer.deleteThread(run_id);
      throw error;
    }
    return this.#launch(run, () => run.goOn({}, signal));
  }

  async cancel(runId: string, reason: string): Promise<boolean> {
    const running = this.#active.get(runId);
    if (running !== undefined) {
      running.run.cancel(reason);
      return (await running.done).status === 'cancelled';
    }
    const row = await this.#row(runId);
    if (!isOpen(row)) return false;
    await new ActiveRun(this.#parts, row).close('cancelled', reason);
    return true;
  }

  async recover(): Promise<readonly StartedRun[]> {
    const rows = await this.#parts.store.list({ status: ['running', 'suspended'], limit: 10_000 });
    const waiting = await this.#parts.store.list({ status: ['waiting'], limit: 10_000 });
    for (const row of waiting) this.#watchPauses(row.run_id, row.waiting_for);
    const decidable = waiting.filter((row) =>
      row.waiting_for.some(({ kind }) => kind === 'approval' || kind === 'effect'),
    );
    return [...rows, ...decidable].filter((row) => !this.#active.has(row.run_id)).map((row) => this.#takeUp(row));
  }

  runContinuous(crewId: string, options: ContinuousOptions = {}): ContinuousCrew {
    const { tasks, clock, events, eventSource, log } = this.#parts;
    const crew = this.#crew(crewId);
    const kickoff = (
      inputs: Readonly<Record<string, unknown>>,
      taskId: string,
      trigger: string,
    ): Promise<RunDocument> =>
      this.kickoff(crewId, inputs, { onlyTasks: [taskId], trigger, shadow: options.shadow, brief: true });
    return startContinuous({ crew, tasks, clock, events, eventSource, log, kickoff }, options);
  }

  listRuns(query?: RunQuery): Promise<readonly RunRow[]> {
    return this.#parts.store.list(query);
  }

  async showRun(runId: string): Promise<RunDocument> {
    const running = this.#active.get(runId);
    if (running !== undefined) return running.run.describe();
    const row = await this.#row(runId);
    if (row.document !== null) return row.document;
    const run = new ActiveRun(this.#parts, row);
    try {
      return await run.describe();
    } finally {
      run.release();
    }
  }

  async close(): Promise<void> {
    this.#parts.eventSource?.off('*', this.#heard);
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#closed = true;
    const all = [...this.#active.values()];
    for (const { run } of all) run.suspend('the process ends');
    await Promise.all(all.map(({ done }) => done));
  }

  #takeUp(row: RunRow): StartedRun {
    const run = new ActiveRun(this.#parts, row);
    return this.#launch(run, () => run.goOn({}, undefined));
  }

  #launch(run: ActiveRun, work: () => Promise<RunDocument>): StartedRun {
    const runId = run.row.run_id;
    const done = this.#detached(work)
      .then(async (document) => {
        await this.#retire(document);
        this.#watchPauses(document.run_id, document.waiting_for);
        return document;
      })
      .finally(() => {
        run.release();
        this.#active.delete(runId);
      })
      .then((document) => this.#afterDecision(document));
    this.#active.set(runId, { run, done });
    done.catch((error: unknown) => this.#parts.log.error('run.broke', { run_id: runId, error: String(error) }));
    return { runId, done };
  }

  /** Goes on with a waiting run when the time to answer one of its questions is past. */
  #watchPauses(runId: string, pauses: readonly RunPause[]): void {
    this.#timers.get(runId)?.cancel();
    this.#timers.delete(runId);
    const ends = pauses.flatMap((pause) => pause.expires_at ?? []);
    if (ends.length === 0 || this.#closed) return;
    const { clock, log } = this.#parts;
    const timer = clock.schedule(Math.max(0, Math.min(...ends) - clock.now()), () => {
      this.#timers.delete(runId);
      this.resume(runId).catch((error: unknown) =>
        log.error('run.expiry_failed', { run_id: runId, error: String(error) }),
      );
    });
    this.#timers.set(runId, timer);
  }

  /** Deletes the checkpoints of the run that is now too old to keep them. */
  async #retire(document: RunDocument): Promise<void> {
    if (isOpen(document)) return;
    const { run_id } = document;
    const { store, checkpointer, keepCheckpointsOf: keep = 20, log } = this.#parts;
    try {
      this.#ended ??= store
        .list({ status: ['completed', 'failed', 'cancelled'], limit: keep + 1 })
        .then((rows) => rows.map((row) => row.run_id).reverse());
      const ended = await this.#ended;
      if (!ended.includes(run_id)) ended.push(run_id);
      while (ended.length > keep) {
        const oldest = ended.shift();
        if (oldest !== undefined) await checkpointer.deleteThread(oldest);
      }
    } catch (error) {
      // The run itself is done and kept; what could not be deleted costs only space.
      this.#ended = undefined;
      log.warn('run.checkpoints_kept', { run_id, error: String(error) });
    }
  }

  /** A decision sets the run that waits for it going again. */
  readonly #heard = (event: AnyEvent): void => {
    if (event.type !== 'approval.decided' || !ENDS_WAITING.has(event.data.decision)) return;
    const { approval_id } = event.data;
    if (this.#active.size > 0) {
      if (this.#decided.size >= DECIDED_LIMIT) this.#decided.clear();
      this.#decided.add(approval_id);
    }
    this.#wake(approval_id).catch((error: unknown) =>
      this.#parts.log.error('run.wake_failed', { approval_id, error: String(error) }),
    );
  };

  async #wake(approvalId: string): Promise<void> {
    const rows = await this.#parts.store.list({ status: ['waiting'], limit: 10_000 });
    const row = rows.find((r) => r.waiting_for.some((pause) => pause.approval_id === approvalId));
    if (row === undefined || this.#active.has(row.run_id)) return;
    this.#decided.delete(approvalId);
    this.#takeUp(row);
  }

  /** The decision may have come while the run was on its way to waiting for it. */
  async #afterDecision(document: RunDocument): Promise<RunDocument> {
    if (document.status !== 'waiting') return document;
    const decided = document.waiting_for.flatMap((p) =>
      p.approval_id !== null && this.#decided.delete(p.approval_id) ? [p.approval_id] : [],
    );
    if (decided.length === 0 || this.#active.has(document.run_id)) return document;
    return this.#takeUp(await this.#row(document.run_id)).done;
  }

  /** The run of an id that was given before: at work, to be taken up, or ended. */
  async #known(runId: string): Promise<StartedRun | undefined> {
    const running = this.#active.get(runId);
    if (running !== undefined) return { runId, done: running.done };
    if ((await this.#parts.store.get(runId)) === null) return undefined;
    return { runId, done: this.resume(runId) };
  }

  /** The inputs as the crew's first hooks leave them. Throws InvalidInput when one of them fails. */
  async #beforeKickoff(
    crewId: string,
    given: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    let inputs = given;
    for (const hook of this.#parts.hooks?.[crewId]?.beforeKickoff ?? []) {
      try {
        inputs = (await hook(inputs)) ?? inputs;
      } catch (error) {
        throw new InvalidInput(`crew ${crewId}: a before_kickoff hook stopped the run: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    }
    return inputs;
  }

  #crew(id: string, inputs: Readonly<Record<string, unknown>> = {}): CrewSpec {
    const crew = soloCrew(id, this.#parts.agents, inputs)?.crew ?? this.#parts.crews[id];
    if (crew === undefined) {
      throw new NotFound(`there is no crew '${id}'${didYouMean(id, Object.keys(this.#parts.crews))}`);
    }
    if (crew.tasks.length === 0) throw new InvalidInput(`crew ${id} has no tasks`);
    return crew;
  }

  async #row(runId: string): Promise<RunRow> {
    const row = await this.#parts.store.get(runId);
    if (row === null) throw new NotFound(`there is no run '${runId}'`);
    return row;
  }
}

/** Whether there is anything to go on with. */
function isOpen({ status }: { readonly status: RunStatus }): boolean {
  return status === 'running' || status === 'waiting' || status === 'suspended';
}

/** The task of a run of an agent alone. */
function soloTask(row: RunRow, agents: RunnerParts['agents']): RunnerParts['tasks'] {
  const task = soloCrew(row.crew, agents, row.inputs)?.task;
  return task === undefined ? {} : { [task.id]: task };
}

function checkItems(inputs: unknown): void {
  if (!Array.isArray(inputs)) throw new InvalidInput(`kickoffForEach takes a list of inputs, not ${typeof inputs}`);
  inputs.forEach((item: unknown, i) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw new InvalidInput(`inputs[${i}] is not a map of inputs: ${JSON.stringify(item)}`);
    }
  });
}
