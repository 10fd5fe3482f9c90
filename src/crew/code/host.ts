import { MemorySaver } from '@langchain/langgraph';
import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { systemClock } from '../../infra/clock.ts';
import { closeAll } from '../../kit/close.ts';
import type { Clock, Ms } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { AuditLog, AuditRow, EffectLedger, ProposalLog } from '../../kit/invoke.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Invoker } from '../../kit/invoke.ts';
import type { OutsidePolicy } from '../../kit/outside.ts';
import { createIdSource } from '../../kit/id.ts';
import { type Logger, silentLogger } from '../../kit/logger.ts';
import { createRedactor } from '../../kit/redact.ts';
import { createInvoker } from '../../kit/pipeline.ts';
import { createRateGate } from '../../kit/rate-gate.ts';
import { type BoundTool, bindTools } from '../../kit/tool.ts';
import type { AccessLevel, ToolCategory } from '../../kit/access.ts';
import { reaches } from '../../kit/access.ts';
import type { Approvals } from '../approval/contract.ts';
import type { People } from '../approval/people.ts';
import { createApprovalPolicy } from '../approval/policy.ts';
import type { ApprovalRule } from '../approval/rules.ts';
import { crewMemory } from '../agent/memory.ts';
import { openSkills, readSkill, type SkillShelf, skillDir } from '../agent/skills.ts';
import { StepSerializer } from '../checkpoint/step-serializer.ts';
import type { FlowRunner } from '../flow/contract.ts';
import type { FlowDefinition } from '../flow/define.ts';
import { createFlowRunner } from '../flow/runner.ts';
import { createMemoryFlowStore, type FlowStore } from '../flow/store.ts';
import type { CrewHooks } from '../hooks.ts';
import type { FeedbackSource } from '../feedback/store.ts';
import { openKnowledge } from '../knowledge/base.ts';
import { openWebReader } from '../knowledge/web.ts';
import type { Embedder } from '../retrieval/vector.ts';
import { createMemoryStorage } from '../memory/memory-storage.ts';
import { type MemoryVault, openMemoryVault } from '../memory/vault.ts';
import { createModel } from '../model/create.ts';
import type { CrewModel, ModelSource } from '../model/model.ts';
import { createModelSource } from '../model/source.ts';
import { agentCaller, createPermissionGate } from '../permission/gate.ts';
import type { CrewRunner } from '../run/contract.ts';
import type { NamedEventSource } from '../run/event-source.ts';
import { createMemoryRunStore } from '../run/memory-store.ts';
import type { RequestParts } from '../run/open-file.ts';
import { createOutputWriter } from '../run/output-file.ts';
import { createCrewRunner } from '../run/runner.ts';
import type { RunStore } from '../run/store.ts';
import type { AgentSpec, RoleSpec } from '../spec.ts';
import type { CallLedger } from '../spend/call.ts';
import { createSpendMeter, type SpendOptions } from '../spend/create.ts';
import type { SpendMeter } from '../spend/meter.ts';
import { createMemoryLedger } from '../spend/memory-ledger.ts';
import type { CrewParts } from './parts.ts';
import { type Agent, roleOf } from './define.ts';
import type { TripwireFunctions } from '../tripwire/of-run.ts';
import { LocalEvents } from './local-events.ts';
import { LocalStreams, type RunStream, type RunStreamOptions } from './local-stream.ts';
import {
  type ApprovalQuestion,
  type ApprovalReply,
  localApprovals,
  localAudit,
  localLedger,
  localProposals,
} from './local-stages.ts';

/** Time to answer a request, unless said otherwise. */
const REQUEST_MS = 3_600_000;

/** What a host can be given; all of it has a value that needs no file, key or network. */
export interface HostOptions {
  readonly crews: readonly CrewParts[];
  /** Where keys and addresses of model providers are read. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Asked for the tools in an agent's `approval_required`; `{ args }` is a yes to other arguments. Without it, and without `requests`, such a call is refused. */
  readonly approve?: ((question: ApprovalQuestion) => ApprovalReply | Promise<ApprovalReply>) | undefined;
  /** Keeps requests to people, in the place of `approve`: a run waits for their answers, given by `host.approvals`. `openRunsFile` has it. */
  readonly requests?: ((parts: RequestParts) => Approvals) | undefined;
  /** With `requests`: who must agree to which calls, who may answer (default: anybody who gives a name), and for how long (default 1 hour). */
  readonly approvals?:
    | {
        readonly rules?: readonly ApprovalRule[] | undefined;
        readonly people?: People | undefined;
        readonly timeoutMs?: Ms | undefined;
      }
    | undefined;
  /** Keeps which effects were begun and how they ended (`openRunsFile`). Default: for this process, so that a run taken up by another may make one again. */
  readonly effects?: EffectLedger | undefined;
  /** Keeps what was proposed in shadow mode (`openRunsFile`). Default: the documents of runs alone. */
  readonly proposals?: ProposalLog | undefined;
  /** Keeps every decision about a call (`openRunsFile`), beside `host.audit`. */
  readonly auditLog?: AuditLog | undefined;
  /** What agents may do after reading words from outside. Default: nothing with effects unless `approve` says so. */
  readonly outside?: OutsidePolicy | undefined;
  /** Keeps the state of runs; any LangGraph saver. Default: in memory. */
  readonly checkpointer?: BaseCheckpointSaver | undefined;
  /** Prices, budgets, limits a minute and the circuit breaker of its model calls. */
  readonly spend?: SpendOptions | undefined;
  /** Counts and holds back its model calls together with those of others (`createSpendMeter`), in the place of `spend` and `ledger`. */
  readonly meter?: SpendMeter | undefined;
  /** Keeps the account of model calls (`openCallLedger`). Default: in memory. */
  readonly ledger?: CallLedger | undefined;
  /** Flows over its crews, agents and tools, for `host.flows`. */
  readonly flows?: readonly FlowDefinition[] | undefined;
  /** Keeps the record of runs of flows (`createFlowStore`). Default: in memory. */
  readonly flowStore?: FlowStore | undefined;
  /** Folder that `knowledge_sources` and `skills` are below. Default: the working directory. */
  readonly dir?: string | undefined;
  /** Finds memories and knowledge by meaning too (`createEmbedder`); without one by words alone. */
  readonly embedder?: Embedder | undefined;
  /** What crews with `memory` remember; `openMemoryFile` keeps it on disk. Default: in memory, until the host is gone. */
  readonly memory?: MemoryVault | undefined;
  /** What people said of earlier answers (`openFeedback`), for the prompts of later ones. */
  readonly feedback?: FeedbackSource | undefined;
  /** Keeps the record of runs. Default: in memory. */
  readonly store?: RunStore | undefined;
  /** Where events go and are heard. Default: `LocalEvents`. */
  readonly events?: (EventSink & NamedEventSource) | undefined;
  /** Folder for `output_file`. Default: the working directory. */
  readonly outputDir?: string | undefined;
  /** How long steps at work may take to end when runs are suspended, ms. Default 0: at once. */
  readonly drainMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly log?: Logger | undefined;
  /** 0 ≤ x < 1, for ids and for the jitter of waits. */
  readonly random?: (() => number) | undefined;
}

/** Crews made in code, with the whole tool pipeline between them and their tools. */
export interface CrewHost extends AsyncDisposable {
  readonly runner: CrewRunner;
  readonly flows: FlowRunner;
  readonly invoker: Invoker;
  readonly memory: MemoryVault;
  /** `events.on('run.completed', ({ data }) => …)`, typed by the name; `'*'` hears all. */
  readonly events: EventSink & NamedEventSource;
  /** Starts a crew and gives its items as they come. Throws as `runner.start`. */
  stream(crew: string, inputs?: Readonly<Record<string, unknown>>, options?: RunStreamOptions): Promise<RunStream>;
  /** What models were asked and what it cost. */
  readonly ledger: CallLedger;
  /** Requests to people; null: the host was given no `requests`. */
  readonly approvals: Approvals | null;
  /** Every decision about a call, newest last; the last 10,000. */
  readonly audit: readonly AuditRow[];
}

/**
 * Opens a host. Throws InvalidInput when two different agents, tasks, tools, models or flows share a name, when a crew
 * has neither model nor playbook for an agent, and when an agent names a skill that is not there.
 */
export function openCrewHost(options: HostOptions): CrewHost {
  const { clock = systemClock, log = silentLogger, random = cryptoRandom() } = options;
  const newId = createIdSource(() => clock.now(), random);
  const { crews } = options;
  const agents = byId('agents', crews.flatMap(membersOf));
  const tasks = byId(
    'tasks',
    crews.flatMap(({ definition }) => definition.tasks),
  );
  const events = options.events ?? new LocalEvents({ clock, log, newId });
  const streams = new LocalStreams(events, () => clock.now());
  const specs = [...agents.values()].map(({ spec }) => spec);
  const audit = localAudit(options.auditLog);
  const knowledge = openKnowledge({
    dir: options.dir ?? process.cwd(),
    clock,
    events,
    embedder: options.embedder,
    web: openWebReader({ clock, log }),
  });
  const memory =
    options.memory ??
    openMemoryVault({ storage: createMemoryStorage(), clock, events, ids: newId, embedder: options.embedder });
  const { rules, people, timeoutMs = REQUEST_MS } = options.approvals ?? {};
  const policy = createApprovalPolicy({ agents: specs, categories: [], rules });
  const approvals =
    options.approve === undefined
      ? (options.requests?.({ clock, events, log, ids: newId, policy, rules, people, timeoutMs }) ?? null)
      : null;
  const invoker = createInvoker({
    tools: toolsOf([...agents.values()]),
    permission: createPermissionGate({
      roles: [...agents.values()].map(roleSpec),
      agents: specs,
      overrides: [],
      clock,
    }),
    proposals: options.proposals ?? localProposals,
    approvals: approvals ?? localApprovals(policy, options.approve),
    outside: options.outside,
    rates: createRateGate(clock),
    ledger: options.effects ?? localLedger(),
    audit,
    events,
    clock,
    log,
    ids: newId,
  });
  const ledger = options.meter?.ledger ?? options.ledger ?? createMemoryLedger();
  const checkpointer = options.checkpointer ?? new MemorySaver(new StepSerializer());
  const runner = createCrewRunner({
    crews: Object.fromEntries(crews.map((crew) => [crew.id, crew.spec])),
    agents: Object.fromEntries(specs.map((spec) => [spec.id, spec])),
    tasks: Object.fromEntries([...tasks].map(([id, { spec }]) => [id, spec])),
    graphs: Object.fromEntries(crews.flatMap(({ id, definition: { graph } }) => (graph ? [[id, graph]] : []))),
    hooks: Object.fromEntries(crews.map((crew) => [crew.id, hooksOf(crew)])),
    invoker,
    models: modelsOf(crews, options.env ?? process.env),
    spend: options.meter ?? createSpendMeter({ ...options.spend, ledger, events, clock, log, newId }),
    checkpointer,
    store: options.store ?? createMemoryRunStore(),
    events,
    eventSource: events,
    text: streams,
    redactor: createRedactor(options.env ?? process.env),
    feedback: options.feedback,
    skills: skillsOf(options.dir ?? process.cwd(), specs),
    clock,
    log,
    newId,
    random,
    drainMs: options.drainMs,
    writeOutput: createOutputWriter(options.outputDir ?? process.cwd()),
    memory: crewMemory(memory),
    knowledge,
  });
  const flows = createFlowRunner({
    flows: Object.fromEntries(byId('flows', options.flows ?? [])),
    crews: runner,
    invoker,
    agentCaller: (id) => {
      const spec = agents.get(id)?.spec;
      return spec === undefined ? undefined : agentCaller(spec);
    },
    checkpointer,
    store: options.flowStore ?? createMemoryFlowStore(),
    events,
    eventSource: events,
    clock,
    log,
    newId,
    uuid: () => crypto.randomUUID(),
    drainMs: options.drainMs,
  });
  return {
    runner,
    flows,
    memory,
    invoker,
    events,
    ledger,
    approvals,
    stream: (crew, inputs = {}, given = {}) => streams.start(runner, given.runId ?? newId('run'), crew, inputs, given),
    audit: audit.rows,
    [Symbol.asyncDispose]: () =>
      closeAll(
        () => flows.close(),
        () => runner.close(),
        () => approvals?.close(),
        () => audit.flush(),
        () => knowledge[Symbol.asyncDispose](),
      ),
  };
}

/** The skills that agents name. A name without one is refused here, as the YAML files refuse it. */
function skillsOf(dir: string, agents: readonly AgentSpec[]): SkillShelf {
  const problems = agents.flatMap(({ id, skills }) =>
    skills.flatMap((name) => {
      const folder = skillDir(dir, name);
      const skill =
        folder === undefined ? `there is no ${name}/SKILL.md and no skills/${name}/SKILL.md` : readSkill(folder);
      return typeof skill === 'string' ? [`agent ${id}: skill '${name}': ${skill}`] : [];
    }),
  );
  if (problems.length > 0) throw new InvalidInput(`below ${dir}: ${problems.join('; ')}`);
  return openSkills(dir, agents);
}

/** 0 ≤ x < 1 from the system's source, which is asked for many at once: it is the question that costs. */
function cryptoRandom(): () => number {
  const drawn = new Uint32Array(256);
  let next = drawn.length;
  return () => {
    if (next === drawn.length) {
      crypto.getRandomValues(drawn);
      next = 0;
    }
    return (drawn[next++] ?? 0) / 2 ** 32;
  };
}

function membersOf({ agents, definition }: CrewParts): readonly Agent[] {
  return definition.manager === undefined ? agents : [...agents, definition.manager];
}

function byId<T extends { readonly id: string }>(what: string, parts: readonly T[]): ReadonlyMap<string, T> {
  const known = new Map<string, T>();
  for (const part of parts) {
    if ((known.get(part.id) ?? part) !== part) throw new InvalidInput(`two ${what} of the host have the id ${part.id}`);
    known.set(part.id, part);
  }
  return known;
}

function toolsOf(agents: readonly Agent[]): readonly BoundTool[] {
  // The same definition in two lists is one tool; two definitions of one name are refused by the invoker.
  return bindTools([...new Set(agents.flatMap(({ tools }) => tools))], undefined);
}

/** Grants, per category, the highest level that a tool of the agent's list needs: its list still bounds what it reaches. */
function roleSpec({ id, tools }: Agent): RoleSpec {
  const grants: Partial<Record<ToolCategory, AccessLevel>> = {};
  for (const { category, access } of tools) {
    if (!reaches(grants[category] ?? 'NONE', access)) grants[category] = access;
  }
  return { id: roleOf(id), grants };
}

/** The functions of a crew and its tasks under the names that the specs call them by. */
function hooksOf(crew: CrewParts): CrewHooks {
  const { tasks, hooks } = crew.definition;
  const named = <F>(what: string, of: (task: (typeof tasks)[number]) => F | undefined): Record<string, F> =>
    Object.fromEntries(
      tasks.flatMap((task) => {
        const given = of(task);
        return given === undefined ? [] : [[`${task.id}.${what}`, given] as const];
      }),
    );
  return {
    ...hooks,
    guardrails: Object.assign({}, ...tasks.map((task) => task.guardrails)) as NonNullable<CrewHooks['guardrails']>,
    tripwires: Object.assign(
      {},
      crew.tripwires,
      ...membersOf(crew).map((agent) => agent.tripwires),
    ) as TripwireFunctions,
    questions: Object.assign({}, ...tasks.map((task) => task.questions)) as NonNullable<CrewHooks['questions']>,
    conditions: named('condition', (task) => task.condition),
    callbacks: named('callback', (task) => task.callback),
  };
}

/** Models that were given as objects, by their names; all others are made from the environment. */
function modelsOf(crews: readonly CrewParts[], env: NonNullable<HostOptions['env']>): ModelSource {
  const given = new Map<string, CrewModel>();
  for (const crew of crews) {
    const { llm, manager_llm: manager, planning_llm: planner } = crew.definition;
    const objects = [llm, manager, planner, ...membersOf(crew).flatMap(({ models }) => models)];
    for (const model of objects) {
      if (typeof model !== 'object') continue;
      if ((given.get(model.name) ?? model) !== model) {
        throw new InvalidInput(`two models of the host are named ${model.name}`);
      }
      given.set(model.name, model);
    }
  }
  const create: typeof createModel = (name, options) => {
    const made = given.get(name);
    return made === undefined ? createModel(name, options) : Promise.resolve(made);
  };
  const sources = new Map(crews.map((crew) => [crew.id, sourceOf(crew, env, create)]));
  const of = (crewId: string): ModelSource | undefined => sources.get(crewId) ?? sources.values().next().value;
  return {
    modelsFor: (agent, crew) => of(crew.id)?.modelsFor(agent, crew) ?? Promise.resolve([]),
    missing: (crew, taskIds) => of(crew.id)?.missing?.(crew, taskIds) ?? Promise.resolve([]),
  };
}

function sourceOf(crew: CrewParts, env: NonNullable<HostOptions['env']>, create: typeof createModel): ModelSource {
  const { llm, playbook } = crew.definition;
  const model =
    llm === undefined ? (playbook === undefined ? undefined : 'playbook') : typeof llm === 'string' ? llm : llm.name;
  if (model === undefined) {
    const without = membersOf(crew)
      .filter(({ spec }) => spec.llm === null)
      .map(({ id }) => id);
    if (without.length > 0) {
      throw new InvalidInput(
        `crew ${crew.id} has no model for ${without.join(', ')}: give the crew llm, as in 'openai:gpt-5-mini', or a playbook`,
      );
    }
  }
  return createModelSource({
    env,
    model: model ?? membersOf(crew)[0]?.spec.llm ?? 'playbook',
    fallbacks: [],
    playbooks: playbook === undefined ? {} : { [crew.id]: playbook },
    create,
  });
}
