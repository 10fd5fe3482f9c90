import type { BaseCheckpointSaver } from '@langchain/langgraph';
import type { Clock } from '../../kit/clock.ts';
import { InvalidInput, NotFound } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Invoker } from '../../kit/invoke.ts';
import type { Logger } from '../../kit/logger.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { createPacer, type Pacer } from '../agent/pacer.ts';
import type { TaskGuardrail } from '../agent/guardrail.ts';
import { createToolSchemas, type ToolSchemas } from '../agent/tool-schema.ts';
import type { CrewGraphDefinition } from '../graph/define.ts';
import type { ModelSource } from '../model/model.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import { ActiveRun, type Answers } from './active-run.ts';
import type { DocumentExtras, RunDocument } from './document.ts';
import type { EventSource } from './event-source.ts';
import type { RunQuery, RunRow, RunStore } from './store.ts';

export interface CrewRunnerDeps {
  readonly crews: Readonly<Record<string, CrewSpec>>;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  /** Hand-written graphs, by crew id. */
  readonly graphs?: Readonly<Record<string, CrewGraphDefinition>> | undefined;
  readonly invoker: Invoker;
  readonly models: ModelSource;
  readonly checkpointer: BaseCheckpointSaver;
  readonly store: RunStore;
  readonly events: EventSink;
  /** Lets a run count the events that others emit under its id. */
  readonly eventSource?: EventSource | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
  /** 0 ≤ x < 1: jitter of waits between model attempts. */
  readonly random: () => number;
  /** One model call, ms. Default 60,000. */
  readonly modelTimeoutMs?: number | undefined;
  readonly guardrails?: ((task: TaskSpec) => readonly TaskGuardrail[]) | undefined;
  /** What the host adds to a document; asked when a run ends or waits. */
  readonly documentExtras?: ((run: RunRow) => Promise<DocumentExtras>) | undefined;
  /** Writes a task's `output_file`. Not called in shadow mode. */
  readonly writeOutput?: ((path: string, text: string) => Promise<void>) | undefined;
  /** Awaited before every step of an agent: a host that pauses holds its agents here. */
  readonly gate?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** When checkpoints are written: with each step (`sync`), beside the next one (`async`, the default), or at the end. */
  readonly durability?: 'sync' | 'async' | 'exit' | undefined;
}

export interface KickoffOptions {
  /** Calls with effects are proposed, not carried out. Default false. */
  readonly shadow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Only these tasks, ordered by their context. */
  readonly onlyTasks?: readonly string[] | undefined;
  /** What started it, for the record; default `manual`. */
  readonly trigger?: string | undefined;
}

/** What runs share: made once per runner. */
export interface RunnerParts extends CrewRunnerDeps {
  readonly pacer: Pacer;
  readonly schemas: ToolSchemas;
}

/** A run that was started: its id at once, its document when it ends or waits. */
export interface StartedRun {
  readonly runId: string;
  readonly done: Promise<RunDocument>;
}

/** Runs crews, keeps their record, and takes up what an earlier process left. */
export interface CrewRunner {
  /**
   * Runs a crew to its end; resolves for failed, waiting and cancelled runs too.
   * Throws NotFound for an unknown crew or task, InvalidInput for placeholders without input or a task that the model
   * cannot do; nothing has started then.
   */
  kickoff(crewId: string, inputs?: Readonly<Record<string, unknown>>, options?: KickoffOptions): Promise<RunDocument>;
  /** As `kickoff`, but resolves as soon as the run has an id. */
  start(crewId: string, inputs?: Readonly<Record<string, unknown>>, options?: KickoffOptions): Promise<StartedRun>;
  /** Goes on with a waiting or unfinished run. Answers are for `human_input` pauses, by task. Throws NotFound, Conflict. */
  resume(runId: string, answers?: Answers, options?: { readonly signal?: AbortSignal }): Promise<RunDocument>;
  /** Ends a running or waiting run. False when it had already ended. */
  cancel(runId: string, reason: string): Promise<boolean>;
  /**
   * Takes up the runs that an earlier process left unfinished, each from its last checkpoint; a run whose crew is gone
   * or has another structure is marked failed. Waiting runs stay waiting. Resolves when all were taken up.
   */
  recover(): Promise<readonly StartedRun[]>;
  listRuns(query?: RunQuery): Promise<readonly RunRow[]>;
  /** The document of a run; of a running one, as far as it is. Throws NotFound. */
  showRun(runId: string): Promise<RunDocument>;
  /** Ids of the runs at work in this process. */
  readonly active: readonly string[];
  /** Cancels what runs and waits for it. */
  close(): Promise<void>;
}

export function createCrewRunner(deps: CrewRunnerDeps): CrewRunner {
  return new Runner(deps);
}

class Runner implements CrewRunner {
  readonly #parts: RunnerParts;
  readonly #active = new Map<string, { readonly run: ActiveRun; readonly done: Promise<RunDocument> }>();

  constructor(deps: CrewRunnerDeps) {
    this.#parts = { ...deps, pacer: createPacer(deps.clock), schemas: createToolSchemas() };
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

  async start(
    crewId: string,
    inputs: Readonly<Record<string, unknown>> = {},
    options: KickoffOptions = {},
  ): Promise<StartedRun> {
    const { clock, newId, store } = this.#parts;
    const run = new ActiveRun(this.#parts, {
      run_id: newId('run'),
      crew: this.#crew(crewId).id,
      shadow: options.shadow ?? false,
      status: 'running',
      trigger: options.trigger ?? 'manual',
      model: null,
      structure_hash: '',
      inputs,
      only_tasks: options.onlyTasks ?? null,
      started_at: clock.now(),
      finished_at: null,
      error: null,
      waiting_for: [],
      document: null,
    });
    await run.prepare();
    await store.insert(run.row);
    return this.#launch(run, () => run.begin(options.signal));
  }

  async resume(
    runId: string,
    answers: Answers = {},
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RunDocument> {
    const running = this.#active.get(runId);
    if (running !== undefined) return running.done;
    const row = await this.#row(runId);
    if (row.status !== 'waiting' && row.status !== 'running') return this.showRun(runId);
    return this.#takeUp(row, answers, options.signal).done;
  }

  async cancel(runId: string, reason: string): Promise<boolean> {
    const running = this.#active.get(runId);
    if (running !== undefined) {
      running.run.cancel(reason);
      return (await running.done).status === 'cancelled';
    }
    const row = await this.#row(runId);
    if (row.status !== 'waiting' && row.status !== 'running') return false;
    await new ActiveRun(this.#parts, row).close('cancelled', reason);
    return true;
  }

  async recover(): Promise<readonly StartedRun[]> {
    const rows = await this.#parts.store.list({ status: ['running'], limit: 10_000 });
    return rows.filter((row) => !this.#active.has(row.run_id)).map((row) => this.#takeUp(row, {}, undefined));
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
    const all = [...this.#active.values()];
    for (const { run } of all) run.suspend();
    await Promise.all(all.map(({ done }) => done));
  }

  #takeUp(row: RunRow, answers: Answers, signal: AbortSignal | undefined): StartedRun {
    const run = new ActiveRun(this.#parts, row);
    return this.#launch(run, () => run.goOn(answers, signal));
  }

  #launch(run: ActiveRun, work: () => Promise<RunDocument>): StartedRun {
    const runId = run.row.run_id;
    const done = work().finally(() => this.#active.delete(runId));
    this.#active.set(runId, { run, done });
    done.catch((error: unknown) => this.#parts.log.error('run.broke', { run_id: runId, error: String(error) }));
    return { runId, done };
  }

  #crew(id: string): CrewSpec {
    const crew = this.#parts.crews[id];
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
