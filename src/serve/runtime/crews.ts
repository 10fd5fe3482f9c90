import { randomUUID } from 'node:crypto';
import {
  agentCaller,
  createCrewRecords,
  createFlowRunner,
  createFlowStore,
  createJudge,
  flowFromSpec,
  type FlowRunner,
  createCrewRunner,
  createModelSource,
  createPermissionGate,
  createOutputWriter,
  createRunStore,
  crewMemory,
  type CrewModel,
  type CrewRunner,
  type DocumentExtras,
  type ExplainingGate,
  type GrantStore,
  type ModelSource,
  type Judge,
  openFeedback,
  type FeedbackStore,
  openGrants,
  type RunRow,
  type RunStore,
} from '../../crew/index.ts';
import { openApprovals } from '../../crew/approval/approvals.ts';
import type { Approvals } from '../../crew/approval/contract.ts';
import { openDuckDbStorage } from '../../crew/memory/duckdb-storage.ts';
import { memorySettings } from '../../crew/memory/parts.ts';
import { type MemoryVault, openMemoryVault } from '../../crew/memory/vault.ts';
import { knowledgeSettings, openKnowledge } from '../../crew/knowledge/base.ts';
import { openWebReader } from '../../crew/knowledge/web.ts';
import type { Embedder } from '../../crew/retrieval/vector.ts';
import { createEmbedder } from '../../crew/retrieval/embedder.ts';
import { openSkills } from '../../crew/agent/skills.ts';
import { createPeople } from '../../crew/approval/people.ts';
import { outsidePolicy } from '../../crew/config/outside.ts';
import { createApprovalPolicy } from '../../crew/approval/policy.ts';
import { approvalRules } from '../../crew/approval/rules.ts';
import { openAudit, type StoredAudit } from '../../crew/audit/log.ts';
import { auditApprovals, auditedGrants, auditedLedger } from '../../crew/audit/watch.ts';
import type { CheckpointStore } from '../../crew/checkpoint/store.ts';
import { openLedger, type StoredLedger } from '../../crew/ledger/ledger.ts';
import { pruneRuns } from '../../crew/run/prune.ts';
import { openProposals, type StoredProposals } from '../../crew/proposal/log.ts';
import { createSpendMeter } from '../../crew/spend/create.ts';
import { openCallLedger } from '../../crew/spend/ledger.ts';
import type { SpendMeter } from '../../crew/spend/meter.ts';
import { openCheckpoints } from './checkpoints.ts';
import { spendOptions } from './spend.ts';
import { closeAll } from '../../kit/close.ts';
import type { Clock } from '../../kit/clock.ts';
import type { Caller, Invoker } from '../../kit/invoke.ts';
import type { Redactor } from '../../kit/redact.ts';
import type { Logger } from '../../kit/logger.ts';
import { createInvoker } from '../../kit/pipeline.ts';
import { createRateGate } from '../../kit/rate-gate.ts';
import type { BoundTool } from '../../kit/tool.ts';
import type { DeskConfig } from '../config.ts';
import { withAgentTables } from './agents.ts';
import { type CrewCode, loadCrewCode } from './modules.ts';
import { keepPruned } from './pruning.ts';
import type { Operations } from './operations.ts';
import { VERSION } from '../version.ts';
import { declaredServers, type McpClientOptions, openServers } from '../mcp-servers.ts';
import type { McpServers } from '../../crew/mcp/hub.ts';

/** The crews half of a desk: the tool pipeline, the gate, approvals, runs. */
export interface CrewHalf extends AsyncDisposable {
  readonly invoker: Invoker;
  readonly gate: ExplainingGate;
  readonly grants: GrantStore;
  readonly approvals: Approvals;
  readonly proposals: StoredProposals;
  readonly ledger: StoredLedger;
  readonly audit: StoredAudit;
  readonly memory: MemoryVault;
  readonly runner: CrewRunner;
  /** The account of model calls, and what holds them back. */
  readonly spend: SpendMeter;
  /** A judge on a model, whose calls are counted and held back like all others. Throws NotFound, InvalidInput. */
  judge(model: string): Judge;
  /** What people said of answers. */
  readonly feedback: FeedbackStore;
  readonly flows: FlowRunner;
  readonly runs: RunStore;
  readonly code: Readonly<Record<string, CrewCode>>;
  readonly mcpServers: McpServers;
  /** The desk's tools and the accepted ones of foreign servers. */
  tools(): readonly BoundTool[];
  /** The caller that an agent, or a role without an agent, is. */
  agentCaller(id: string): Caller | undefined;
  roleCaller(id: string, role: string): Caller;
  needsApproval(agent: string, tool: BoundTool): boolean;
}

const DAY_MS = 86_400_000;
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

export interface CrewHalfOptions {
  readonly config: DeskConfig;
  readonly operations: Operations;
  readonly tools: readonly BoundTool[];
  /** What the program brings to MCP servers of others. */
  readonly mcp: McpClientOptions | undefined;
  readonly model: string | CrewModel;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
  /** Takes secrets out of what tools and providers say is wrong. */
  readonly redactor: Redactor;
  readonly random: () => number;
  /** Folder of the journal in front of the checkpoints. */
  readonly checkpointDir: string;
  /** Where tasks' `output_file` goes. */
  readonly outputDir: string;
  readonly documentExtras: (run: RunRow) => Promise<DocumentExtras>;
  /** Awaited before each step of an agent: pausing holds them here. */
  readonly gate: (signal: AbortSignal) => Promise<void>;
}

/** Opens everything that crews need over the operations database. */
export async function openCrews(options: CrewHalfOptions): Promise<CrewHalf> {
  const { config, operations, clock, log, newId } = options;
  const { db, bus } = operations;
  const stored = await openAudit({ db, clock, log });
  auditApprovals(bus, stored);
  const grants = auditedGrants(await openGrants({ db, clock, ids: newId }), stored);
  const gate = createPermissionGate({
    roles: config.roles,
    agents: config.agents,
    overrides: () => [...config.overrides, ...grants.current()],
    clock,
  });
  const audit = withAgentTables(stored, operations.store, log);
  const rules = approvalRules(config.system.approvals.rules);
  const policy = createApprovalPolicy({ agents: config.agents, categories: config.system.approvals.categories, rules });
  const approvals = await openApprovals({
    db,
    clock,
    events: bus,
    log,
    ids: newId,
    policy,
    rules,
    people: createPeople(config.system.people, options.env),
    timeoutMs: config.system.approvals.timeout_seconds * 1000,
  });
  const mcpServers = await openServers({
    servers: { ...config.system.mcp_servers, ...declaredServers(options.mcp) },
    db,
    env: options.env,
    clock,
    log,
    version: VERSION,
    answers: options.mcp?.answers,
    auth: options.mcp?.auth,
  });
  const tools = withForeign(options.tools, mcpServers, log);
  const proposals = await openProposals({ db, clock });
  const ledger = auditedLedger(await openLedger({ db, clock }), stored);
  const invoker = createInvoker({
    tools,
    permission: gate,
    proposals,
    approvals,
    outside: outsidePolicy(config.system.outside),
    rates: createRateGate(clock),
    ledger,
    audit,
    events: bus,
    clock,
    log,
    ids: newId,
    redactor: options.redactor,
    agentCallsPerMinute: config.system.limits.tool_calls_per_minute,
  });
  const code = Object.fromEntries(
    await Promise.all(config.crews.map(async (crew) => [crew.id, await loadCrewCode(config.dir, crew)] as const)),
  );
  const runs = await createRunStore(db);
  const checkpoints = await openCheckpoints({
    system: config.system,
    db,
    journal: options.checkpointDir,
    env: options.env,
    clock,
    log,
  });
  const { saver: checkpointer } = checkpoints;
  const retentionMs = config.system.events.retention_days * DAY_MS;
  const pruning = keepPruned({
    name: 'checkpoints',
    clock,
    log,
    work: () => pruneCheckpoints(checkpoints, runs, retentionMs),
  });
  const forgetting = keepPruned({
    name: 'history',
    clock,
    log,
    work: async () => {
      const before = clock.now() - retentionMs;
      await pruneRuns(db, before);
      await stored.prune(before);
      await ledger.prune(before);
    },
  });
  const calls = await openCallLedger(db);
  const counting = keepPruned({
    name: 'model_calls',
    clock,
    log,
    work: () => calls.prune(clock.now() - config.system.model.calls_kept_days * DAY_MS),
  });
  const spend = createSpendMeter({
    ...spendOptions(config.system, options.env),
    ledger: calls,
    events: bus,
    clock,
    log,
    newId,
  });
  const records = createCrewRecords(operations.store, clock);
  const embedder = await openEmbedder(options);
  const memory = await openMemory(options, embedder);
  const knowledge = openKnowledge({
    dir: config.dir,
    clock,
    events: bus,
    embedder,
    web: openWebReader({ clock, log }),
    settings: knowledgeSettings(config.system.knowledge),
  });
  const drainMs = config.system.runs.drain_seconds * 1000;
  const feedback = await openFeedback({ db, clock, newId, events: bus });
  const runner = createCrewRunner({
    crews: byId(config.crews),
    agents: byId(config.agents),
    tasks: byId(config.tasks),
    graphs: defined(code, (c) => c.graph),
    invoker,
    models: modelSource(options, code),
    spend,
    checkpointer,
    store: runs,
    events: bus,
    eventSource: bus,
    redactor: options.redactor,
    clock,
    log,
    newId,
    random: options.random,
    modelTimeoutMs: config.system.model.timeout_seconds * 1000,
    drainMs,
    keepCheckpointsOf: config.system.runs.keep_checkpoints_of,
    documentExtras: options.documentExtras,
    memory: crewMemory(memory),
    knowledge,
    writeOutput: createOutputWriter(options.outputDir),
    gate: options.gate,
    hooks: defined(code, (c) => c.hooks),
    text: operations.stream,
    feedback,
    skills: openSkills(config.dir, config.agents),
  });
  const agents = new Map(config.agents.map((agent) => [agent.id, agent]));
  const callerOf = (id: string): Caller | undefined => {
    const agent = agents.get(id);
    return agent === undefined ? undefined : agentCaller(agent);
  };
  const flows = createFlowRunner({
    flows: byId(config.flows.map(flowFromSpec)),
    crews: runner,
    invoker,
    agentCaller: callerOf,
    checkpointer,
    store: createFlowStore(records.flows),
    events: bus,
    clock,
    log,
    newId,
    uuid: randomUUID,
    eventSource: bus,
    drainMs,
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    closeAll(
      () => pruning[Symbol.asyncDispose](),
      () => forgetting[Symbol.asyncDispose](),
      () => counting[Symbol.asyncDispose](),
      () => flows.close(),
      () => runner.close(),
      () => mcpServers[Symbol.asyncDispose](),
      () => knowledge[Symbol.asyncDispose](),
      () => checkpoints[Symbol.asyncDispose](),
      () => approvals.close(),
      () => audit.flush(),
      () => stored[Symbol.asyncDispose](),
    );
  return {
    invoker,
    gate,
    grants,
    approvals,
    proposals,
    ledger,
    audit: stored,
    memory,
    runner,
    spend,
    judge: judges(options, spend),
    feedback,
    flows,
    runs,
    code,
    mcpServers,
    tools,
    agentCaller: callerOf,
    roleCaller: (id, role) => ({ id, agentId: null, role, tools: null }),
    needsApproval: (agent, tool) => {
      const caller = agents.get(agent);
      return caller !== undefined && policy({ tool: tool.name, args: {}, caller: agentCaller(caller) }, tool) !== null;
    },
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

/** One judge a model, made when it is first asked. Its runs are on no record: the account and the events tell of them. */
function judges({ env, clock, log, random, operations }: CrewHalfOptions, meter: SpendMeter): CrewHalf['judge'] {
  const known = new Map<string, Judge>();
  return (model) => {
    const judge = known.get(model) ?? createJudge(model, { env, clock, log, random, meter, events: operations.bus });
    known.set(model, judge);
    return judge;
  };
}

async function openEmbedder({ config, env }: CrewHalfOptions): Promise<Embedder | undefined> {
  const { embedder } = config.system.memory;
  return embedder === null ? undefined : createEmbedder(embedder, { env, dir: config.dir });
}

async function openMemory(
  { config, operations, clock, newId }: CrewHalfOptions,
  embedder: Embedder | undefined,
): Promise<MemoryVault> {
  const { memory } = config.system;
  return openMemoryVault({
    storage: await openDuckDbStorage(operations.db),
    clock,
    events: operations.bus,
    ids: newId,
    embedder,
    settings: memorySettings(memory),
  });
}

/** Ours and theirs. One of ours keeps its name, whatever a server calls its own. */
function withForeign(own: readonly BoundTool[], servers: McpServers, log: Logger): () => readonly BoundTool[] {
  const names = new Set(own.flatMap((tool) => [tool.name, ...tool.aliases]));
  let foreign: readonly BoundTool[] | undefined;
  let all: readonly BoundTool[] = own;
  return () => {
    const now = servers.tools();
    if (now !== foreign) {
      foreign = now;
      const clashes = now.filter((tool) => names.has(tool.name));
      for (const { name } of clashes) log.warn('mcp.name_taken', { tool: name });
      all = [...own, ...now.filter((tool) => !clashes.includes(tool))];
    }
    return all;
  };
}

/** A run that ended long ago keeps its last checkpoint only; one that waits may still be resumed and keeps all. */
async function pruneCheckpoints(store: CheckpointStore, runs: RunStore, idleMs: number): Promise<void> {
  const ended: string[] = [];
  for (const thread of await store.idleThreads(idleMs)) {
    const run = await runs.get(thread);
    if (run === null || ENDED.has(run.status)) ended.push(thread);
  }
  await store.prune(ended);
  await store.trim();
}

function modelSource(options: CrewHalfOptions, code: Readonly<Record<string, CrewCode>>): ModelSource {
  const { model } = options;
  if (typeof model !== 'string') return { modelsFor: () => Promise.resolve([model]) };
  return createModelSource({
    env: options.env,
    model,
    fallbacks: options.config.system.model.fallbacks,
    playbooks: defined(code, (c) => c.playbook),
  });
}

function byId<T extends { readonly id: string }>(items: readonly T[]): Readonly<Record<string, T>> {
  return Object.fromEntries(items.map((item) => [item.id, item]));
}

function defined<T>(
  code: Readonly<Record<string, CrewCode>>,
  pick: (code: CrewCode) => T | undefined,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(code).flatMap(([id, c]) => {
      const value = pick(c);
      return value === undefined ? [] : [[id, value] as const];
    }),
  );
}
