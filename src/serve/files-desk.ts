import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../infra/clock.ts';
import { Database, type QueryResult } from '../infra/duckdb/database.ts';
import { parseHead, readHeadMark } from '../crew/audit/chain.ts';
import { selectAudit } from '../crew/audit/log.ts';
import { verifyAudit } from '../crew/audit/verify.ts';
import { ApprovalStore } from '../crew/approval/store.ts';
import { createApprovalPolicy } from '../crew/approval/policy.ts';
import { StandingStore } from '../crew/approval/standing.ts';
import { approvalRules } from '../crew/approval/rules.ts';
import { agentCaller, createPermissionGate, toolsetsGiving } from '../crew/permission/gate.ts';
import { openProposals } from '../crew/proposal/log.ts';
import type { McpServers } from '../crew/mcp/hub.ts';
import { openDuckDbStorage } from '../crew/memory/duckdb-storage.ts';
import { memorySettings, type VaultOptions } from '../crew/memory/parts.ts';
import { openMemoryVault } from '../crew/memory/vault.ts';
import type { FlowDocument } from '../crew/flow/document.ts';
import { readFlowDocument } from '../crew/flow/store.ts';
import { createRunStore } from '../crew/run/store.ts';
import { describeBehaviour } from '../crew/behaviour/status.ts';
import { type BehaviourStore, createBehaviourStore } from '../crew/behaviour/store.ts';
import { NotFound, Unavailable } from '../kit/errors.ts';
import type { AnyEvent } from '../kit/event.ts';
import { silentLogger } from '../kit/logger.ts';
import { OPS_FILE } from '../events/ops/database.ts';
import { queryEvents } from '../events/query.ts';
import { DATABASE_FILE, openMarketStore } from '../market/store/open.ts';
import { viewName } from '../market/domain/records.ts';
import { tools as marketTools } from '../market/tools/catalogue.generated.ts';
import { openLedger } from '../crew/ledger/ledger.ts';
import { Budgets } from '../crew/spend/budget.ts';
import type { CallLedger } from '../crew/spend/call.ts';
import { openFeedback } from '../crew/feedback/store.ts';
import { openCallLedger } from '../crew/spend/ledger.ts';
import { createMemoryLedger } from '../crew/spend/memory-ledger.ts';
import { createPriceBook } from '../crew/spend/price.ts';
import { type DeskConfig, loadDeskConfig, loadModuleTools } from './config.ts';
import type { Desk, DeskStatus, EventsQuery, QueryRequest, RunDocument, StreamRow, ToolsQuery } from './desk.ts';
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
  type ToolFacts,
  toolRow,
} from './listing.ts';
import { PINS_TABLE, withForeignServers } from './foreign-files.ts';
import { type MemoryDesk, memoryDesk } from './memory-desk.ts';
import type { ControllerOptions } from './options.ts';
import { isoOfUs } from './report.ts';
import { spendOptions } from './runtime/spend.ts';
import { questionsOfFlow, questionsOfRun } from './questions.ts';
import { selectApprovals } from './deciding.ts';
import { budgetRows } from './spending.ts';
import { createToolSearch } from './tool-search.ts';
import { VERSION } from './version.ts';

const FOLLOW_EVERY_MS = 500;
const SEARCH_LIMIT = 50;

/**
 * The desk when no controller runs: configuration and databases are read, nothing is changed. What needs a running
 * desk throws Unavailable and says so.
 */
export function openFilesDesk(options: ControllerOptions): Desk {
  const dataDir = resolve(options.dataDir ?? 'data');
  let config: Promise<DeskConfig> | undefined;
  const configured = (): Promise<DeskConfig> => (config ??= loadDeskConfig(options));
  const tools = async (): Promise<readonly ToolFacts[]> => [
    ...marketTools,
    ...(options.tools ?? []),
    ...(await loadModuleTools(options)),
  ];
  const needsController = (what: string): Promise<never> =>
    Promise.reject(new Unavailable(`${what} needs a running controller: crew start`));

  const withMemory = <T>(work: (memory: MemoryDesk) => Promise<T>, empty: T): Promise<T> =>
    withOps(
      dataDir,
      'memories',
      async (db) => work(memoryDesk(openMemoryVault(await storedMemory(db, await configured())))),
      empty,
    );

  const withServers = async <T>(work: (servers: McpServers) => T | Promise<T>): Promise<T> => {
    const open = async (db: Database | null): Promise<{ readonly done: T }> => ({
      done: await withForeignServers(await configured(), options, db, work),
    });
    return ((await withOps(dataDir, PINS_TABLE, open, undefined)) ?? (await open(null))).done;
  };

  return {
    kind: 'files',
    status: () => status(dataDir),
    health: () =>
      Promise.resolve({
        healthy: false,
        checks: { controller_running: false },
        timestamp: new Date(systemClock.now()).toISOString(),
      }),
    crews: async () => crewRows(await configured()),
    agents: async () => agentRows(await configured()),
    tasks: async () => taskRows(await configured()),
    tools: async (query) => toolRows(await tools(), query ?? {}, configured),
    describeTool: async (name) => toolDetail(await tools(), name),
    callTool: () => needsController('calling a tool'),
    kickoff: () => needsController('running a crew'),
    flows: async () => flowRows(await configured()),
    runFlow: () => needsController('running a flow'),
    runs: (query) =>
      withOps(dataDir, 'runs', async (db) => (await (await createRunStore(db)).list(query)).map(runRow), []),
    run: (id) =>
      withOps(dataDir, 'runs', (db) => storedRun(db, id), undefined).then((found) => found ?? missingRun(id)),
    resumeRun: () => needsController('resuming a run'),
    cancelRun: () => needsController('cancelling a run'),
    forkRun: () => needsController('forking a run'),
    judge: () => needsController('judging an answer'),
    usage: ({ by, ...query }) =>
      withOps(dataDir, 'model_calls', async (db) => (await openCallLedger(db)).usage(by, query), []),
    modelCalls: (query) => withOps(dataDir, 'model_calls', async (db) => (await openCallLedger(db)).calls(query), []),
    prices: async () => createPriceBook((await configured()).system.model.prices).rows,
    budgets: async (query) => {
      const { budgets = [] } = spendOptions((await configured()).system, options.env ?? process.env);
      const read = (ledger: CallLedger): ReturnType<Desk['budgets']> =>
        budgetRows(budgets, new Budgets({ ledger, clock: systemClock, budgets }), query?.run);
      return (
        (await withOps(dataDir, 'model_calls', async (db) => read(await openCallLedger(db)), undefined)) ??
        (await read(createMemoryLedger()))
      );
    },
    runSteps: () => needsController('looking into the steps of a run'),
    events: (query) =>
      withOps(dataDir, 'events', async (db) => (await queryEvents(db, query)) as readonly AnyEvent[], []),
    follow: (query, signal) => followFile(dataDir, query, signal),
    query: (request, call) => userQuery(dataDir, request, call?.signal),
    questions: (query) => storedQuestions(dataDir, query?.run),
    answerQuestion: () => needsController('answering a question'),
    approvals: (query) => withOps(dataDir, 'approvals', (db) => storedApprovals(db, query), []),
    unknownEffects: () =>
      withOps(
        dataDir,
        'effect_ledger',
        async (db) => (await (await openLedger({ db, clock: systemClock })).unknown()).map(effectRow),
        [],
      ),
    settleEffect: () => needsController('settling an effect'),
    decide: () => needsController('deciding an approval'),
    standingApprovals: () =>
      withOps(
        dataDir,
        'standing_approvals',
        async (db) =>
          (await (await StandingStore.open(db)).list()).map((standing) => standingRow(standing, systemClock.now())),
        [],
      ),
    revokeApproval: () => needsController('revoking an approval'),
    audit: (query) => withOps(dataDir, 'tool_audit', (db) => selectAudit(db, query ?? {}), []),
    verifyAudit: (request) => storedAudit(dataDir, request?.head),
    memories: (query) => withMemory((memory) => memory.memories(query), []),
    searchMemory: (request) => withMemory((memory) => memory.searchMemory(request), []),
    forgetMemory: () => needsController('forgetting'),
    consolidations: (query) => withMemory((memory) => memory.consolidations(query), []),
    undoConsolidation: () => needsController('undoing a merger'),
    memoryReceipts: () =>
      withMemory((memory) => memory.memoryReceipts(), {
        receipts: [],
        chain: { ok: true, receipts: 0, broken: null },
      }),
    feedback: (query) =>
      withOps(
        dataDir,
        'crew_feedback',
        async (db) => (await openFeedback({ db, clock: systemClock, newId: (prefix) => prefix })).list(query),
        [],
      ),
    giveFeedback: () => needsController('giving feedback'),
    forgetFeedback: () => needsController('taking feedback back'),
    explain: async ({ agent, tool }) => explain(await configured(), await tools(), agent, tool),
    mcpServers: () => withServers((servers) => servers.list()),
    mcpTools: (query) => withServers((servers) => servers.inspect(query?.server)),
    acceptMcpTools: () => needsController('accepting tools'),
    forgetMcpTools: () => needsController('taking tools back'),
    behaviours: async () => storedBehaviours(dataDir, await configured()),
    runBehaviour: () => needsController('firing a behaviour'),
    shadowReport: (query) =>
      withOps(
        dataDir,
        'proposed_actions',
        async (db) => shadowReport(await (await openProposals({ db, clock: systemClock })).list(query)),
        shadowReport([]),
      ),
    pause: () => needsController('pausing'),
    resume: () => needsController('resuming'),
    pruneTape: () => needsController('pruning the tape'),
    createBackup: () => needsController('a backup'),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Memory as stored: found by words alone, because looking must not ask a provider. */
async function storedMemory(db: Database, config: DeskConfig): Promise<VaultOptions> {
  const storage = await openDuckDbStorage(db);
  const ids = (): never => {
    throw new Unavailable('nothing is written while no controller runs');
  };
  return { storage, clock: systemClock, ids, settings: memorySettings(config.system.memory) };
}

async function status(dataDir: string): Promise<DeskStatus> {
  return {
    state: 'not_running',
    mode: null,
    version: VERSION,
    pid: null,
    address: null,
    data_dir: dataDir,
    source: null,
    model: null,
    started_at: null,
    uptime_seconds: null,
    error_count: 0,
    last_error: null,
    metrics: {},
    connections: [],
    streams: await storedStreams(dataDir),
    active_runs: [],
    health_score: null,
    disabled_markets: null,
    not_trading: null,
    trading_signals: null,
  };
}

async function storedStreams(dataDir: string): Promise<readonly StreamRow[]> {
  if (!existsSync(join(dataDir, DATABASE_FILE))) return [];
  const opened = await openReadOnly(dataDir);
  try {
    const stats = await opened.stats();
    return stats.flatMap((s) =>
      s.series === null
        ? []
        : [{ table: viewName(s.series), rows: s.rows, last_event_time: isoOfUs(s.last_event_time), state: 'stopped' }],
    );
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

async function openReadOnly(dataDir: string): Promise<Awaited<ReturnType<typeof openMarketStore>>['store']> {
  const { marketConfigSchema } = await import('../market/config.ts');
  const events = { emit: () => Promise.reject(new Error('read only')) as never };
  const { store } = await openMarketStore({
    dataDir,
    config: marketConfigSchema.parse({}).storage,
    clock: systemClock,
    log: silentLogger,
    events,
    readOnly: true,
  });
  return store;
}

async function toolRows(
  tools: readonly ToolFacts[],
  query: ToolsQuery,
  configured: () => Promise<DeskConfig>,
): Promise<ReturnType<typeof toolRow>[]> {
  const { agent } = query;
  const config = agent === undefined ? null : await configured();
  const allowed =
    agent === undefined || config === null
      ? tools
      : tools.filter((tool) => explain(config, tools, agent, tool.name).allowed);
  const rows = allowed.map(toolRow).filter((row) => query.toolset === undefined || row.toolset === query.toolset);
  return query.search === undefined ? rows : [...createToolSearch(rows).find(query.search, SEARCH_LIMIT)];
}

function explain(
  config: DeskConfig,
  tools: readonly ToolFacts[],
  agent: string,
  name: string,
): Awaited<ReturnType<Desk['explain']>> {
  const gate = createPermissionGate({
    roles: config.roles,
    agents: config.agents,
    overrides: config.overrides,
    clock: systemClock,
  });
  const spec = config.agents.find((a) => a.id === agent);
  const tool = tools.find((t) => t.name === name || t.aliases.includes(name)) as Parameters<typeof gate.decide>[1];
  const caller = spec === undefined ? { id: `agent:${agent}`, agentId: agent, role: '', tools: [] } : agentCaller(spec);
  const { decision } = gate.explain(caller, tool, name);
  const policy = createApprovalPolicy({
    agents: config.agents,
    categories: config.system.approvals.categories,
    rules: approvalRules(config.system.approvals.rules),
  });
  const approval = decision.allowed && tool !== undefined && policy({ tool: name, args: {}, caller }, tool) !== null;
  const toolsets = spec === undefined || tool === undefined ? [] : toolsetsGiving(spec, tool);
  return { agent, tool: name, ...decision, approval, toolsets };
}

/** Opens the operations database for reading; the answer is `empty` when there is none or it lacks the table. */
async function withOps<T>(dataDir: string, table: string, work: (db: Database) => Promise<T>, empty: T): Promise<T> {
  const path = join(dataDir, OPS_FILE);
  if (!existsSync(path)) return empty;
  await using db = await Database.open({ path, readOnly: true, memoryMb: 64, readers: 1 });
  const [found] = await db.all('SELECT 1 AS one FROM information_schema.tables WHERE table_name = ?', [table]);
  return found === undefined ? empty : await work(db);
}

async function storedRun(db: Database, id: string): Promise<RunDocument | undefined> {
  const row = await (await createRunStore(db)).get(id);
  return row === null ? undefined : (row.document ?? undefined);
}

/** The behaviours as defined, with what is on record of them. */
async function storedBehaviours(dataDir: string, config: DeskConfig): ReturnType<Desk['behaviours']> {
  const { behaviourRow, behavioursOf } = await import('./runtime/autonomy.ts');
  const { loadCrewCode } = await import('./runtime/modules.ts');
  const code = Object.fromEntries(
    await Promise.all(config.crews.map(async (crew) => [crew.id, await loadCrewCode(config.dir, crew)] as const)),
  );
  const records = await withOps(
    dataDir,
    'behaviour_state',
    async (db) => (await createBehaviourStore(db)).load(),
    [] as Awaited<ReturnType<BehaviourStore['load']>>,
  );
  return behavioursOf(code, config).map((behaviour) => {
    const own = records.filter((record) => record.name === behaviour.name);
    const enabled = own.find((record) => record.key === '')?.enabled ?? behaviour.enabled;
    return behaviourRow(describeBehaviour(behaviour, own, { enabled, running: false, nextAt: null }));
  });
}

function missingRun(id: string): never {
  throw new NotFound(`there is no finished run '${id}'; crew runs ls lists them`);
}

/** Questions of waiting runs and flows, as the databases have them. */
async function storedQuestions(dataDir: string, run: string | undefined): ReturnType<Desk['questions']> {
  const waiting = { status: ['waiting'], limit: 10_000 } as const;
  const rows = await withOps(dataDir, 'runs', async (db) => (await createRunStore(db)).list(waiting), []);
  const flows = await withOps(dataDir, 'flow_state', waitingFlows, []);
  const all = [...flows.flatMap(questionsOfFlow), ...rows.flatMap(questionsOfRun)];
  return all.filter((q) => run === undefined || q.run_id === run || q.run_id.startsWith(`${run}/`));
}

async function waitingFlows(db: Database): Promise<readonly FlowDocument[]> {
  const rows = await db.all("SELECT state FROM flow_state WHERE status = 'paused'");
  return rows
    .flatMap((row) => readFlowDocument(JSON.parse(String(row['state']))) ?? [])
    .filter((f) => f.status === 'waiting');
}

async function storedApprovals(db: Database, query: Parameters<Desk['approvals']>[0]): ReturnType<Desk['approvals']> {
  const rows = await (await ApprovalStore.open(db)).select({ limit: 1000 });
  return selectApprovals(rows, query?.state, undefined);
}

async function storedAudit(dataDir: string, head: string | undefined): ReturnType<Desk['verifyAudit']> {
  const kept = head === undefined ? undefined : parseHead(head);
  const report = await withOps(
    dataDir,
    'tool_audit',
    (db) => verifyAudit(db, { mark: readHeadMark(db.path), kept }),
    null,
  );
  if (report === null) throw new NotFound(`there is no audit log under ${dataDir} yet: crew start makes it`);
  return report;
}

async function* followFile(dataDir: string, query: EventsQuery, signal: AbortSignal): AsyncGenerator<AnyEvent> {
  let afterSeq = query.afterSeq ?? 0;
  while (!signal.aborted) {
    const events = await withOps(
      dataDir,
      'events',
      async (db) => (await queryEvents(db, { ...query, afterSeq })) as readonly AnyEvent[],
      [],
    );
    for (const event of events) {
      afterSeq = Math.max(afterSeq, event.seq);
      yield event;
    }
    await new Promise<void>((done) => {
      const timer = setTimeout(done, FOLLOW_EVERY_MS);
      signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true });
    });
  }
}

async function userQuery(
  dataDir: string,
  request: QueryRequest,
  signal: AbortSignal | undefined,
): Promise<QueryResult> {
  const limits = { maxRows: request.maxRows, timeoutMs: request.timeoutMs, signal };
  const ops = request.database === 'ops';
  const path = join(dataDir, ops ? OPS_FILE : DATABASE_FILE);
  if (!existsSync(path)) throw new NotFound(`${path} does not exist yet: crew start makes it`);
  if (ops) {
    await using db = await Database.open({ path, readOnly: true, memoryMb: 128, mostMemoryMb: 512, readers: 1 });
    return await db.query(request.sql, limits);
  }
  const store = await openReadOnly(dataDir);
  try {
    return await store.query(request.sql, limits);
  } finally {
    await store[Symbol.asyncDispose]();
  }
}
