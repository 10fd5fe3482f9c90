import type { Feedback, FeedbackQuery } from '../crew/feedback/store.ts';
import { giveFeedback } from './feedback.ts';
import { decideApproval, mcpPerson, selectApprovals } from './deciding.ts';
import { answerQuestion, openQuestions } from './questions.ts';
import { parseHead } from '../crew/audit/chain.ts';
import type { CallQuery, ModelCall, UsageRow } from '../crew/spend/call.ts';
import type { PriceRow } from '../crew/spend/price.ts';
import { reaches } from '../kit/access.ts';
import { InvalidInput, NotFound } from '../kit/errors.ts';
import type { AnyEvent } from '../kit/event.ts';
import type { Caller, ToolOutcome } from '../kit/invoke.ts';
import { didYouMean } from '../kit/nearest.ts';
import { queryEvents } from '../events/index.ts';
import { createProposalScorer } from '../market/jobs/shadow-score.ts';
import { toolsetsGiving } from '../crew/permission/gate.ts';
import type { TapePruneReport } from '../market/collect/tape-retention.ts';
import type { BackupReport } from './backup/create.ts';
import type { DeskHost, Runtime } from './runtime/contract.ts';
import type {
  AgentRow,
  ApprovalRow,
  BehaviourRow,
  BudgetRow,
  CallOptions,
  CallToolRequest,
  CrewRow,
  Desk,
  DeskHealth,
  DeskStatus,
  EffectRow,
  EventsQuery,
  FlowDocument,
  FlowRequest,
  FlowRow,
  ForeignServerRow,
  ForeignToolRow,
  KickoffRequest,
  McpToolsRequest,
  ForkRunRequest,
  CancelRunRequest,
  ResumeRunRequest,
  RunStep,
  QueryRequest,
  QuestionRow,
  PermissionRow,
  RunDocument,
  RunRow,
  ShadowReport,
  TaskRow,
  ToolDetail,
  ToolRow,
  ToolsQuery,
  JudgeRequest,
  UsageRequest,
} from './desk.ts';
import {
  agentRows,
  crewRows,
  flowRows,
  effectRow,
  runRow,
  standingRow,
  shadowReport,
  taskRows,
  toolDetail,
  toolRow,
} from './listing.ts';
import { currentHealth, signalRow, streamRows } from './report.ts';
import type { Judgement } from '../crew/evaluate/judge.ts';
import { type MemoryDesk, memoryDesk } from './memory-desk.ts';
import { flowWithProgress, kickoffWithProgress } from './progress.ts';
import { backupRuntime, operatorAction } from './runtime/backups.ts';
import { budgetRows } from './spending.ts';
import { createToolSearch } from './tool-search.ts';
import { VERSION } from './version.ts';

const SEARCH_LIMIT = 50;

/** The desk of a controller in this process. Disposing it does what `onDispose` says: nothing, unless given. */
export class LocalDesk implements Desk {
  readonly kind = 'local' as const;
  readonly #controller: DeskHost;
  readonly #onDispose: () => Promise<void>;

  constructor(controller: DeskHost, onDispose: () => Promise<void> = () => Promise.resolve()) {
    this.#controller = controller;
    this.#onDispose = onDispose;
  }

  get #runtime(): Runtime {
    return this.#controller.runtime;
  }

  async status(): Promise<DeskStatus> {
    const { startedAt, uptimeSeconds, address, errors, lastError, dataDir } = this.#controller.facts();
    const base = {
      state: this.#controller.state,
      version: VERSION,
      pid: process.pid,
      address,
      started_at: startedAt === null ? null : new Date(startedAt).toISOString(),
      uptime_seconds: uptimeSeconds,
      error_count: errors,
      last_error: lastError,
    };
    if (
      this.#controller.state === 'uninitialized' ||
      this.#controller.state === 'stopped' ||
      this.#controller.state === 'error'
    ) {
      return {
        ...base,
        mode: null,
        data_dir: dataDir,
        source: null,
        model: null,
        metrics: {},
        connections: [],
        streams: [],
        disabled_markets: null,
        not_trading: null,
        active_runs: [],
        health_score: null,
        trading_signals: null,
      };
    }
    const { market, operations, crews, source, model, config } = this.#runtime;
    const collector = market.collector.status();
    const bus = operations.bus.statistics();
    const memory = process.memoryUsage();
    return {
      ...base,
      mode: this.#controller.shadow ? 'shadow' : 'active',
      data_dir: dataDir,
      source,
      model,
      metrics: {
        tools_registered: this.#runtime.tools.length,
        agents_registered: config.agents.length,
        records_stored: collector.records_stored,
        records_per_minute: collector.records_per_minute,
        frames_total: collector.frames_total,
        frames_rejected: collector.frames_rejected,
        store_lag_ms: collector.store_lag_ms,
        tape_bytes: collector.tape.bytes,
        events: bus.total_events,
        behaviours_fired: bus.events_by_type['behaviour.fired'] ?? 0,
        runs: bus.events_by_type['run.started'] ?? 0,
        tasks_executed: bus.events_by_type['task.completed'] ?? 0,
        open_issues: await operations.store.count('quality_issues', { where: { resolution_status: 'pending' } }),
        errors,
        uptime_seconds: uptimeSeconds,
        memory_resident_bytes: memory.rss,
        memory_heap_bytes: memory.heapTotal,
        memory_buffers_bytes: memory.arrayBuffers,
      },
      connections: collector.connections.map((c) => ({ ...c })),
      streams: streamRows(collector.series),
      disabled_markets: collector.disabled,
      not_trading: collector.not_trading,
      active_runs: crews.runner.active,
      health_score: await currentHealth(market.services),
      trading_signals: signalRow(market.services.settings.signals),
    };
  }

  health(): Promise<DeskHealth> {
    return Promise.resolve(this.#controller.getHealth());
  }

  crews(): Promise<readonly CrewRow[]> {
    return Promise.resolve(crewRows(this.#runtime.config));
  }

  agents(): Promise<readonly AgentRow[]> {
    return Promise.resolve(agentRows(this.#runtime.config));
  }

  tasks(): Promise<readonly TaskRow[]> {
    return Promise.resolve(taskRows(this.#runtime.config));
  }

  tools(query: ToolsQuery = {}): Promise<readonly ToolRow[]> {
    const visible =
      query.agent === undefined ? this.#runtime.tools : this.#runtime.crews.invoker.visible(this.#agent(query.agent));
    const rows = visible.map(toolRow).filter((row) => query.toolset === undefined || row.toolset === query.toolset);
    return Promise.resolve(query.search === undefined ? rows : createToolSearch(rows).find(query.search, SEARCH_LIMIT));
  }

  async describeTool(name: string): Promise<ToolDetail> {
    return toolDetail(this.#runtime.tools, name);
  }

  callTool(request: CallToolRequest, options: CallOptions = {}): Promise<ToolOutcome> {
    const { system } = this.#runtime.config;
    const { crews } = this.#runtime;
    const caller =
      request.agent !== undefined
        ? this.#agent(request.agent)
        : request.caller === 'mcp'
          ? crews.roleCaller('mcp', request.role ?? system.mcp.role)
          : crews.roleCaller('operator', system.serve.role);
    return crews.invoker.invoke({
      tool: request.name,
      args: request.args,
      caller,
      reason: request.reason,
      answers: request.answers?.map((answered) => ({ answered })),
      shadow: this.#controller.shadow,
      signal: options.signal,
      onProgress: options.onProgress,
    });
  }

  kickoff(asked: KickoffRequest, options: CallOptions = {}): Promise<RunDocument> {
    const { onProgress } = options;
    const request = asked.caller === 'mcp' && !this.#mcpMayAct(asked.role) ? { ...asked, shadow: true } : asked;
    if (onProgress === undefined) return this.#controller.kickoffRequest(request, options);
    return kickoffWithProgress(this.#controller, request, { ...options, onProgress });
  }

  /** Whether the role of MCP clients may itself do what crews do: write in every category that needs approval. */
  #mcpMayAct(own: string | undefined): boolean {
    const { system, roles } = this.#runtime.config;
    const grants = roles.find((role) => role.id === (own ?? system.mcp.role))?.grants ?? {};
    return system.approvals.categories.every((category) => reaches(grants[category] ?? 'NONE', 'WRITE'));
  }

  flows(): Promise<readonly FlowRow[]> {
    return Promise.resolve(flowRows(this.#runtime.config));
  }

  runFlow(request: FlowRequest, options: CallOptions = {}): Promise<FlowDocument> {
    const { flows } = this.#runtime.crews;
    const { flow, inputs, resume, caller } = request;
    const shadow =
      caller === 'mcp' && !this.#mcpMayAct(request.role) ? true : (request.shadow ?? this.#controller.shadow);
    const { signal, onProgress } = options;
    if (resume !== undefined) return flows.resume(resume.run, resume.answers, { signal, by: resume.by });
    if (onProgress === undefined) return flows.kickoff(flow, inputs, { shadow, signal });
    return flowWithProgress(this.#controller, flow, inputs, { shadow, signal }, onProgress);
  }

  async runs(
    query: { readonly limit?: number | undefined; readonly crew?: string | undefined } = {},
  ): Promise<readonly RunRow[]> {
    return (await this.#runtime.crews.runner.listRuns(query)).map(runRow);
  }

  run(id: string): Promise<RunDocument> {
    return this.#runtime.crews.runner.showRun(id);
  }

  resumeRun({ run, answers, by }: ResumeRunRequest, { signal }: CallOptions = {}): Promise<RunDocument> {
    return this.#runtime.crews.runner.resume(run, answers, { by, ...(signal === undefined ? {} : { signal }) });
  }

  cancelRun({ run, reason }: CancelRunRequest): Promise<boolean> {
    return this.#runtime.crews.runner.cancel(run, reason);
  }

  async forkRun(request: ForkRunRequest, { signal }: CallOptions = {}): Promise<RunDocument> {
    const { runner } = this.#runtime.crews;
    const { run, from, at, edit, shadow } = request;
    if (from !== undefined && at !== undefined) throw new InvalidInput('name a task or a checkpoint, not both');
    const options = { edit, shadow: this.#controller.shadow || (shadow ?? true), signal };
    const started = await (from === undefined
      ? runner.fork(run, { ...options, at })
      : runner.replay(run, from, options));
    return started.done;
  }

  runSteps(id: string): Promise<readonly RunStep[]> {
    return this.#runtime.crews.runner.history(id);
  }

  usage({ by, ...query }: UsageRequest): Promise<readonly UsageRow[]> {
    return this.#runtime.crews.spend.ledger.usage(by, query);
  }

  async judge({ model, ...asked }: JudgeRequest, { signal }: CallOptions = {}): Promise<Judgement> {
    return this.#runtime.crews.judge(model)({ ...asked, signal });
  }

  modelCalls(query?: CallQuery & { readonly limit?: number | undefined }): Promise<readonly ModelCall[]> {
    return this.#runtime.crews.spend.ledger.calls(query);
  }

  prices(): Promise<readonly PriceRow[]> {
    return Promise.resolve(this.#runtime.crews.spend.prices.rows);
  }

  budgets(query: { readonly run?: string | undefined } = {}): Promise<readonly BudgetRow[]> {
    const { budgets } = this.#runtime.crews.spend;
    return budgetRows(budgets.all, budgets, query.run);
  }

  async events(query: EventsQuery = {}): Promise<readonly AnyEvent[]> {
    const { operations } = this.#runtime;
    await operations.journal.acknowledged();
    return (await queryEvents(operations.db, query)) as readonly AnyEvent[];
  }

  async *follow(query: EventsQuery, signal: AbortSignal): AsyncIterable<AnyEvent> {
    const { journal } = this.#runtime.operations;
    yield* journal.follow(query, { afterSeq: query.afterSeq ?? journal.lastSeq, signal }) as AsyncIterable<AnyEvent>;
  }

  query(request: QueryRequest, options: CallOptions = {}): ReturnType<Desk['query']> {
    const limits = { maxRows: request.maxRows, timeoutMs: request.timeoutMs, signal: options.signal };
    return request.database === 'ops'
      ? this.#runtime.operations.db.query(request.sql, limits)
      : this.#runtime.market.store.query(request.sql, limits);
  }

  questions({ run }: { readonly run?: string | undefined } = {}): Promise<readonly QuestionRow[]> {
    return openQuestions(this.#runtime.crews, run);
  }

  answerQuestion(
    request: Parameters<Desk['answerQuestion']>[0],
    { signal }: CallOptions = {},
  ): ReturnType<Desk['answerQuestion']> {
    return answerQuestion(this.#runtime.crews, request, signal);
  }

  async approvals(query: Parameters<Desk['approvals']>[0] = {}): Promise<readonly ApprovalRow[]> {
    const { crews, config } = this.#runtime;
    const who = query.client === undefined ? undefined : mcpPerson(query.client, config.system.mcp);
    return selectApprovals(await crews.approvals.list({ limit: 1000 }), query.state, who);
  }

  decide(request: Parameters<Desk['decide']>[0]): Promise<ApprovalRow> {
    const { crews, config } = this.#runtime;
    return decideApproval(crews.approvals, request, config.system.mcp);
  }

  async standingApprovals(): ReturnType<Desk['standingApprovals']> {
    const now = this.#controller.facts().clock.now();
    return (await this.#runtime.crews.approvals.standing()).map((standing) => standingRow(standing, now));
  }

  async revokeApproval({ id, by, key }: Parameters<Desk['revokeApproval']>[0]): ReturnType<Desk['revokeApproval']> {
    await this.#runtime.crews.approvals.revoke(id, by, key);
    return { id, revoked_by: by };
  }

  async unknownEffects(): Promise<readonly EffectRow[]> {
    return (await this.#runtime.crews.ledger.unknown()).map(effectRow);
  }

  async settleEffect({ key, outcome, by }: Parameters<Desk['settleEffect']>[0]): ReturnType<Desk['settleEffect']> {
    const { ledger, runner } = this.#runtime.crews;
    const run = (await ledger.unknown()).find((effect) => effect.key === key)?.run_id ?? null;
    await ledger.settle(key, outcome, by);
    // The run that waits for this goes on by itself, as after an approval; nobody waits for how it ends.
    const waits = run !== null && (await runner.listRuns({ status: ['waiting'] })).some((r) => r.run_id === run);
    if (waits) runner.resume(run).catch((error: unknown) => this.#controller.note(error));
    return { key, outcome, settled_by: by, resumed_run: waits ? run : null };
  }

  audit(query: Parameters<Desk['audit']>[0]): ReturnType<Desk['audit']> {
    return this.#runtime.crews.audit.list(query);
  }

  async verifyAudit({ head }: { readonly head?: string | undefined } = {}): ReturnType<Desk['verifyAudit']> {
    return this.#runtime.crews.audit.verify(head === undefined ? undefined : parseHead(head));
  }

  get #memory(): MemoryDesk {
    return memoryDesk(this.#runtime.crews.memory);
  }

  memories(query?: Parameters<Desk['memories']>[0]): ReturnType<Desk['memories']> {
    return this.#memory.memories(query);
  }

  searchMemory(request: Parameters<Desk['searchMemory']>[0]): ReturnType<Desk['searchMemory']> {
    return this.#memory.searchMemory(request);
  }

  forgetMemory(request: Parameters<Desk['forgetMemory']>[0]): ReturnType<Desk['forgetMemory']> {
    return this.#memory.forgetMemory(request);
  }

  consolidations(query?: Parameters<Desk['consolidations']>[0]): ReturnType<Desk['consolidations']> {
    return this.#memory.consolidations(query);
  }

  undoConsolidation(request: Parameters<Desk['undoConsolidation']>[0]): ReturnType<Desk['undoConsolidation']> {
    return this.#memory.undoConsolidation(request);
  }

  memoryReceipts(): ReturnType<Desk['memoryReceipts']> {
    return this.#memory.memoryReceipts();
  }

  feedback(query?: FeedbackQuery): Promise<readonly Feedback[]> {
    return this.#runtime.crews.feedback.list(query);
  }

  async giveFeedback(request: Parameters<Desk['giveFeedback']>[0]): Promise<Feedback> {
    return giveFeedback(this.#runtime.crews, request);
  }

  forgetFeedback({ id }: { readonly id: string }): Promise<Feedback> {
    return this.#runtime.crews.feedback.forget(id);
  }

  explain({ agent, tool }: Parameters<Desk['explain']>[0]): Promise<PermissionRow> {
    const { config, crews } = this.#runtime;
    const spec = config.agents.find((a) => a.id === agent);
    const found = crews.invoker.find(tool);
    const caller = crews.agentCaller(agent) ?? { id: `agent:${agent}`, agentId: agent, role: '', tools: [] };
    const { decision } = crews.gate.explain(caller, found, tool);
    return Promise.resolve({
      agent,
      tool,
      ...decision,
      approval: decision.allowed && found !== undefined && crews.needsApproval(agent, found),
      toolsets: spec === undefined || found === undefined ? [] : toolsetsGiving(spec, found),
    });
  }

  mcpServers(): Promise<readonly ForeignServerRow[]> {
    return Promise.resolve(this.#runtime.crews.mcpServers.list());
  }

  mcpTools({ server }: { readonly server?: string | undefined } = {}): Promise<readonly ForeignToolRow[]> {
    return this.#runtime.crews.mcpServers.inspect(server);
  }

  acceptMcpTools({ server, tools, by }: McpToolsRequest & { readonly by: string }): Promise<readonly ForeignToolRow[]> {
    return this.#runtime.crews.mcpServers.accept(server, tools, by);
  }

  forgetMcpTools({ server, tools }: McpToolsRequest): Promise<readonly ForeignToolRow[]> {
    return this.#runtime.crews.mcpServers.forget(server, tools);
  }

  behaviours(): Promise<readonly BehaviourRow[]> {
    return this.#controller.autonomy?.behaviours() ?? Promise.resolve([]);
  }

  async runBehaviour({ name }: { readonly name: string }): Promise<Readonly<Record<string, unknown>>> {
    const { autonomy } = this.#controller;
    if (autonomy === undefined) throw new NotFound('no controller runs, so there are no behaviours to fire');
    return autonomy.fire(name);
  }

  async shadowReport(
    query: { readonly since?: number | undefined; readonly limit?: number | undefined } = {},
  ): Promise<ShadowReport> {
    const { crews, market } = this.#runtime;
    await crews.proposals.scoreOpen(createProposalScorer(market.services));
    return shadowReport(await crews.proposals.list(query));
  }

  pause(): Promise<DeskStatus> {
    return this.#controller.pause();
  }

  resume(): Promise<DeskStatus> {
    return this.#controller.resume();
  }

  async pruneTape(request: { readonly before: number; readonly dry_run: boolean }): Promise<TapePruneReport> {
    const { market, operations } = this.#runtime;
    const policy = { before: request.before * 1000 };
    const report = await market.collector.pruneTape(policy, { dryRun: request.dry_run });
    if (!request.dry_run && report.segments > 0)
      await operations.store.insert(
        'agent_actions',
        operatorAction('prune_tape', this.#controller.facts().clock, report),
      );
    return report;
  }

  async createBackup(request: { readonly tape?: boolean | undefined }): Promise<BackupReport> {
    const { clock, dataDir } = this.#controller.facts();
    return backupRuntime(this.#runtime, { clock, dataDir, tape: request.tape });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#onDispose();
  }

  #agent(id: string): Caller {
    const caller = this.#runtime.crews.agentCaller(id);
    if (caller !== undefined) return caller;
    const ids = this.#runtime.config.agents.map((agent) => agent.id);
    throw new NotFound(`there is no agent '${id}'${didYouMean(id, ids)}; agents: ${ids.join(', ')}`);
  }
}
