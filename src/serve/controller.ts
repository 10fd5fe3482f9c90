import { randomInt } from 'node:crypto';
import { join, resolve } from 'node:path';
import { systemClock } from '../infra/clock.ts';
import { stderrLogger } from '../infra/logger.ts';
import type { ContinuousCrew, ContinuousOptions, CrewRunner, RunDocument, RunRow, RunStream } from '../crew/index.ts';
import type { HandlerOptions, StreamQuery } from '../events/index.ts';
import type { StreamItem } from '../kit/stream-item.ts';
import type { Clock, Ms } from '../kit/clock.ts';
import { AppError, Conflict, errorMessage } from '../kit/errors.ts';
import type { AnyEvent, EventEnvelope, EventName } from '../kit/event.ts';
import { createIdSource } from '../kit/id.ts';
import type { ToolOutcome } from '../kit/invoke.ts';
import type { Logger } from '../kit/logger.ts';
import { bindTools } from '../kit/tool.ts';
import { tools as marketTools } from '../market/tools/catalogue.generated.ts';
import { type DeskConfig, loadDeskConfig, marketConfig } from './config.ts';
import { lockDataDir, removeAddress, writeAddress } from './control/address.ts';
import type {
  CallOptions,
  CallToolRequest,
  ControllerState,
  Desk,
  DeskHealth,
  DeskStatus,
  KickoffRequest,
} from './desk.ts';
import { type Inputs, openStream, type RunOptions, streamRun, type StreamRunOptions } from './streaming.ts';
import { LocalDesk } from './local-desk.ts';
import type { ControllerOptions, StartOptions, StopReport } from './options.ts';
import { scheduleDeskBackups } from './runtime/backups.ts';
import { openCrews } from './runtime/crews.ts';
import type { Autonomy, Counts, DeskHost, Runtime } from './runtime/contract.ts';
import { createRedactor } from '../kit/redact.ts';
import { secretVariables } from './runtime/secrets.ts';
import { Gate } from './runtime/gate.ts';
import { reapplyOrders } from '../market/jobs/standing-orders.ts';
import { hostsLeftAlone } from './runtime/left-alone.ts';
import { collectorsOk, openMarket, startCollecting } from './runtime/market.ts';
import { openOperations } from './runtime/operations.ts';
import { escalationChannels } from './runtime/channels.ts';
import { openAutonomy } from './runtime/autonomy.ts';
import { serveRunning } from './runtime/serving.ts';
import { documentExtras } from './report.ts';
import { needsMarket } from './runtime/needs.ts';
import { VERSION } from './version.ts';

type EventHandler<N extends EventName> = (event: EventEnvelope<N>) => void;

/**
 * The desk in one object: databases, collectors, crews, behaviours. `initialize` opens, `start` connects and lets work
 * begin, `pause` holds agents and behaviours while collecting goes on, `stop` flushes and closes; a stopped or failed
 * controller can be started again.
 */
export class CrewController implements DeskHost, AsyncDisposable {
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #dataDir: string;
  readonly #gate = new Gate();
  readonly #handlers: {
    readonly name: EventName | '*';
    readonly handler: EventHandler<never>;
    readonly options: HandlerOptions;
  }[] = [];
  #log: Logger;
  #state: ControllerState = 'uninitialized';
  #runtime: Runtime | undefined;
  #closers: AsyncDisposable[] = [];
  #autonomy: Autonomy | undefined;
  #address: string | null = null;
  #startedAt: Ms | null = null;
  #shadow = false;
  #collects = true;
  #errors = 0;
  #lastError: string | null = null;

  constructor(options: ControllerOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? (() => randomInt(2 ** 32) / 2 ** 32);
    this.#dataDir = resolve(options.dataDir ?? 'data');
    this.#log = options.log ?? stderrLogger('warn', false);
  }

  get state(): ControllerState {
    return this.#state;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** True when agents only propose. */
  get shadow(): boolean {
    return this.#shadow;
  }

  /** What is open. Throws Conflict before `initialize`. */
  get runtime(): Runtime {
    if (this.#runtime === undefined)
      throw new Conflict(`the controller is ${this.#state}: call initialize() or start() first`);
    return this.#runtime;
  }

  /** The same desk as the CLI and MCP see it. */
  get desk(): Desk {
    return new LocalDesk(this);
  }

  /**
   * Reads the configuration, takes the data folder and opens everything; nothing is connected. Throws ConfigInvalid,
   * Conflict when another controller has the folder, Unavailable when it cannot be used. A second call changes nothing.
   */
  async initialize(): Promise<Counts & { readonly status: 'initialized' | 'already_initialized' }> {
    if (this.#runtime !== undefined) return { status: 'already_initialized', ...this.#counts() };
    this.#state = 'initializing';
    try {
      this.#runtime = await this.#open();
      this.#state = 'ready';
    } catch (error) {
      await this.#fail(error);
      throw error;
    }
    return { status: 'initialized', ...this.#counts() };
  }

  /**
   * Initializes if needed, connects the collectors, serves the control address and lets behaviours run. Resolves when
   * the first venue is connected. Throws SourceUnreachable when none can be reached, Conflict when it already runs.
   */
  async start(options: StartOptions = {}): Promise<DeskStatus> {
    if (this.#state === 'paused') return this.resume();
    if (this.#state === 'running' || this.#state === 'stopping' || this.#state === 'initializing')
      throw new Conflict(`the controller is ${this.#state}`);
    await this.initialize();
    const { operations, market, crews, source, dataDir, config } = this.runtime;
    this.#shadow = options.shadow ?? this.#options.shadow ?? false;
    this.#collects = options.collect ?? true;
    try {
      this.#autonomy = await openAutonomy({
        runtime: this.runtime,
        clock: this.#clock,
        log: this.#log,
        random: this.#random,
        shadow: () => this.#shadow,
        autonomous: options.autonomous ?? true,
        crews: options.crews,
      });
      if (this.#collects) await startCollecting(market, options.signal);
      await reapplyOrders(market.services);
      this.#startedAt = this.#clock.now();
      if (this.#options.control !== false) await this.#serve(config, dataDir);
      this.#state = 'running';
      operations.bus.emit('system.started', { mode: this.#shadow ? 'shadow' : 'active', source, version: VERSION });
      if (config.system.backup.enabled) {
        const kept = { clock: this.#clock, log: this.#log, dataDir };
        this.#push(await scheduleDeskBackups(this.runtime, kept));
      }
      await this.#autonomy.begin();
      for (const run of await crews.runner.recover()) run.done.catch((error: unknown) => this.note(error));
      crews.flows.recover().catch((error: unknown) => this.note(error));
    } catch (error) {
      await this.#fail(error);
      throw error;
    }
    return this.getStatus();
  }

  /** Agents and behaviours stop before their next step and wait; collecting and queries go on. */
  async pause(): Promise<DeskStatus> {
    if (this.#state !== 'running') throw new Conflict(`the controller is ${this.#state}, not running`);
    this.#gate.close();
    await this.#autonomy?.pause();
    this.#state = 'paused';
    return this.getStatus();
  }

  /** What waited goes on. */
  async resume(): Promise<DeskStatus> {
    if (this.#state !== 'paused') throw new Conflict(`the controller is ${this.#state}, not paused`);
    this.#gate.open();
    await this.#autonomy?.begin();
    this.#state = 'running';
    return this.getStatus();
  }

  /** Suspends runs at their last checkpoint, flushes tape, rows and events, closes everything. Idempotent. */
  async stop(): Promise<StopReport> {
    if (this.#runtime === undefined) return { status: 'not_running', uptime_seconds: null, failures: [] };
    const uptime = this.#uptime();
    this.#state = 'stopping';
    this.#gate.open();
    this.runtime.operations.bus.emit('system.stopped', { reason: 'stop was called' });
    const failures = await this.#close();
    this.#state = 'stopped';
    return { status: 'stopped', uptime_seconds: uptime, failures };
  }

  /** `stop` and `start` with the same options. */
  async restart(options: StartOptions = {}): Promise<DeskStatus> {
    await this.stop();
    return this.start(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop().then(() => undefined);
  }

  /** Calls `handler` for each event of the name, in order; handlers stay over a restart. */
  on<N extends EventName>(name: N, handler: EventHandler<N>, options?: HandlerOptions): this;
  on(name: '*', handler: (event: AnyEvent) => void, options?: HandlerOptions): this;
  on(name: EventName | '*', handler: EventHandler<never>, options: HandlerOptions = {}): this {
    this.#runtime?.operations.bus.on(name as '*', handler as (event: AnyEvent) => void, options);
    this.#handlers.push({ name, handler, options });
    return this;
  }

  off(name: EventName | '*', handler: (event: never) => void): this {
    const at = this.#handlers.findIndex((h) => h.name === name && h.handler === handler);
    if (at >= 0) this.#handlers.splice(at, 1);
    this.#runtime?.operations.bus.off(name as '*', handler as (event: AnyEvent) => void);
    return this;
  }

  /**
   * Everything that happens from now on, or after a number, until the signal aborts or the controller stops. Iterate it
   * once. Reading throws InvalidInput for a number that does not exist yet, Stale when what follows it is gone.
   */
  stream(query: StreamQuery = {}): AsyncIterable<StreamItem> {
    return openStream(this.runtime, query);
  }

  /** Starts a crew and gives its items as they come, up to its end or until it waits. Throws NotFound, InvalidInput. */
  streamRun(crew: string, inputs: Inputs = {}, options: StreamRunOptions = {}): Promise<RunStream> {
    return streamRun(this, crew, inputs, options);
  }

  /** Runs a crew and resolves to its document. Throws NotFound, InvalidInput; a run that fails resolves. */
  kickoff(crew: string, inputs: Inputs = {}, options: RunOptions = {}): Promise<RunDocument> {
    return this.runner.kickoff(crew, inputs, {
      shadow: options.shadow ?? this.#shadow,
      signal: options.signal,
      trigger: options.trigger ?? 'manual',
    });
  }

  /**
   * Puts a crew to continuous work: its tasks run by their triggers (every so often, on events, by cron) until `stop` of
   * the result, or of the controller. Throws NotFound, and InvalidInput when none of its tasks has a trigger.
   */
  runContinuous(crew: string, options: ContinuousOptions = {}): ContinuousCrew {
    const work = this.runner.runContinuous(crew, { shadow: this.#shadow, ...options });
    this.#push({ [Symbol.asyncDispose]: () => work.stop() });
    return work;
  }

  get runner(): CrewRunner {
    return this.runtime.crews.runner;
  }

  get autonomy(): Autonomy | undefined {
    return this.#autonomy;
  }

  /** Calls a tool through the pipeline, as the operator unless an agent is named. */
  callTool(
    name: string,
    args: unknown = {},
    options: Omit<CallToolRequest, 'name' | 'args'> & CallOptions = {},
  ): Promise<ToolOutcome> {
    const { signal, onProgress, ...request } = options;
    return this.desk.callTool({ name, args, ...request }, { signal, onProgress });
  }

  getStatus(): Promise<DeskStatus> {
    return this.desk.status();
  }

  /** The six checks of the original and whether all hold. */
  getHealth(): DeskHealth {
    const runtime = this.#runtime;
    const bus = runtime?.operations.bus.statistics();
    const checks = {
      controller_running: this.#state === 'running' || this.#state === 'paused',
      tool_registry_ok: (runtime?.tools.length ?? 0) > 0,
      agent_registry_ok: (runtime?.config.agents.length ?? 0) > 0,
      state_manager_ok: runtime !== undefined,
      event_bus_ok: bus?.running === true && bus.refused_after_close === 0 && !bus.journal_failing,
      collectors_ok: runtime !== undefined && (!this.#collects || collectorsOk(runtime.market)),
      error_rate_ok: this.#errors < 10,
    };
    return {
      healthy: Object.values(checks).every(Boolean),
      checks,
      timestamp: new Date(this.#clock.now()).toISOString(),
    };
  }

  /** Facts for `status` that only the controller knows. */
  facts(): ReturnType<DeskHost['facts']> {
    return {
      address: this.#address,
      startedAt: this.#startedAt,
      uptimeSeconds: this.#uptime(),
      errors: this.#errors,
      lastError: this.#lastError,
      clock: this.#clock,
      dataDir: this.#dataDir,
    };
  }

  /** `kickoff` as the desk's other ways in ask for it. */
  kickoffRequest(request: KickoffRequest, options: CallOptions = {}): Promise<RunDocument> {
    return this.kickoff(request.crew, request.inputs ?? {}, {
      shadow: request.shadow,
      signal: options.signal,
      trigger: request.trigger,
    });
  }

  get #env(): Readonly<Record<string, string | undefined>> {
    return this.#options.env ?? process.env;
  }

  async #open(): Promise<Runtime> {
    const options = this.#options;
    const config = await loadDeskConfig(options);
    const market = marketConfig(config, options);
    const redactor = createRedactor(this.#env, secretVariables(config.system));
    const writeLine = options.writeLog ?? ((line: string): void => void process.stderr.write(line));
    if (options.log === undefined)
      this.#log = stderrLogger(options.logLevel ?? config.system.logging.level, config.system.logging.json, (line) =>
        writeLine(redactor.text(line)),
      );
    const log = this.#log;
    for (const warning of config.warnings)
      log.warn('config.unused', { at: `${warning.file}:${warning.line}`, message: warning.message });
    const dataDir = this.#dataDir;
    const clock = this.#clock;
    const random = this.#random;
    const newId = createIdSource(() => clock.now(), random);
    this.#push({ [Symbol.asyncDispose]: asyncOf(lockDataDir(dataDir, process.pid)) });
    const operations = this.#push(
      await openOperations({
        dataDir,
        clock,
        log,
        newId,
        redactor,
        system: config.system,
        env: this.#env,
        onBus: (bus) => {
          for (const { name, handler, options } of this.#handlers)
            bus.on(name as '*', handler as (event: AnyEvent) => void, options);
        },
      }),
    );
    const half = this.#push(
      await openMarket({
        dataDir,
        config: market,
        clock,
        log,
        events: operations.bus,
        leftAlone: await hostsLeftAlone(operations.db, clock.now()),
        ops: operations.store,
        random,
        channels: escalationChannels(config.system.notifications, this.#env, log),
        env: this.#env,
      }),
    );
    const tools = [...bindTools(marketTools, half.services), ...(options.tools ?? []), ...config.moduleTools];
    const model = options.model ?? config.system.model.default;
    const crews = this.#push(
      await openCrews({
        config,
        operations,
        tools,
        mcp: options.mcp,
        model,
        env: this.#env,
        clock,
        log,
        newId,
        redactor,
        random,
        checkpointDir: join(dataDir, 'checkpoints'),
        // CrewAI writes where it is started, and its users look there.
        outputDir: config.crewAi ? process.cwd() : join(dataDir, 'output'),
        documentExtras: async (run: RunRow) => {
          if (!needsMarket(config, [run.crew])) return {};
          await this.#autonomy?.settle();
          return documentExtras(half.services, market.source, run);
        },
        gate: (signal) => this.#gate.pass(signal),
      }),
    );
    return {
      config,
      dataDir,
      operations,
      market: half,
      crews,
      get tools() {
        return crews.tools();
      },
      source: market.source,
      model: typeof model === 'string' ? model : model.name,
    };
  }

  async #serve(config: DeskConfig, dataDir: string): Promise<void> {
    const { host, port, token_env } = config.system.serve;
    const served = this.#push(await serveRunning(this, { host, port, token: this.#env[token_env], log: this.#log }));
    this.#address = served.url;
    writeAddress(dataDir, {
      pid: process.pid,
      url: served.url,
      token: served.token,
      version: VERSION,
      started_at: new Date(this.#clock.now()).toISOString(),
    });
    this.#push({ [Symbol.asyncDispose]: asyncOf(() => removeAddress(dataDir)) });
  }

  #push<T extends AsyncDisposable>(closer: T): T {
    this.#closers.push(closer);
    return closer;
  }

  /** Closes what was opened, last first; one failure does not keep the others open. */
  async #close(): Promise<readonly string[]> {
    const failures: string[] = [];
    const closers = [...this.#closers.splice(0), ...(this.#autonomy === undefined ? [] : [this.#autonomy])];
    this.#autonomy = undefined;
    for (const closer of closers.reverse()) {
      try {
        await closer[Symbol.asyncDispose]();
      } catch (error) {
        this.note(error);
        failures.push(errorMessage(error));
      }
    }
    this.#runtime = undefined;
    this.#address = null;
    this.#startedAt = null;
    return failures;
  }

  /** What is expected goes to the caller alone; a bug is logged with its stack as well. */
  async #fail(error: unknown): Promise<void> {
    if (error instanceof AppError) this.#count(error);
    else this.note(error);
    await this.#close();
    this.#state = 'error';
  }

  #count(error: unknown): void {
    this.#errors++;
    this.#lastError = errorMessage(error);
  }

  /** An error of work that nobody waits for: counted, logged, and the status's `last_error`. */
  note(error: unknown): void {
    this.#count(error);
    this.#log.error('controller.error', { error });
  }

  #uptime(): number | null {
    return this.#startedAt === null ? null : (this.#clock.now() - this.#startedAt) / 1000;
  }

  #counts(): Counts {
    const { tools, config } = this.runtime;
    return {
      state: this.#state,
      tools_registered: tools.length,
      agents_loaded: config.agents.length,
      crews_initialized: config.crews.length,
    };
  }
}

function asyncOf(work: () => void): () => Promise<void> {
  return () => {
    work();
    return Promise.resolve();
  };
}
