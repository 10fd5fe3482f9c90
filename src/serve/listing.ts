import { stepsOf } from '../crew/config/flow-schema.ts';
import type { BoundTool } from '../kit/tool.ts';
import type { StandingApproval } from '../crew/approval/standing.ts';
import type { ApprovalRequest } from '../crew/approval/store.ts';
import type { ProposedAction } from '../crew/proposal/log.ts';
import type { RunRow as StoredRun } from '../crew/run/store.ts';
import { NotFound } from '../kit/errors.ts';
import { didYouMean } from '../kit/nearest.ts';
import type { DeskConfig } from './config.ts';
import type { UnknownEffect } from '../crew/ledger/ledger.ts';
import type {
  AgentRow,
  ApprovalRow,
  CrewRow,
  FlowRow,
  EffectRow,
  RunRow,
  ShadowReport,
  StandingRow,
  TaskRow,
  ToolDetail,
  ToolRow,
} from './desk.ts';
import { inputSchema, outputSchema } from './reference.ts';

/** What a tool is, without its code: the catalogue's entries and bound tools alike. */
export type ToolFacts = Pick<
  BoundTool,
  | 'name'
  | 'aliases'
  | 'title'
  | 'toolset'
  | 'category'
  | 'access'
  | 'effects'
  | 'description'
  | 'input'
  | 'inputJson'
  | 'output'
  | 'examples'
>;

export function crewRows(config: DeskConfig): readonly CrewRow[] {
  return config.crews.map(({ id, name, process, agents, tasks, description }) => ({
    id,
    name,
    process,
    agents,
    tasks,
    description,
  }));
}

export function flowRows(config: DeskConfig): readonly FlowRow[] {
  return config.flows.map((flow) => ({
    id: flow.id,
    trigger: triggerText(flow.trigger),
    enabled: flow.enabled,
    steps: Object.keys(stepsOf(flow)),
    description: flow.description,
  }));
}

export function agentRows(config: DeskConfig): readonly AgentRow[] {
  return config.agents.map(({ id, role, goal, permission_role, tools, toolsets }) => ({
    id,
    role,
    goal,
    permission_role,
    tools,
    toolsets,
    crews: config.crews.filter((crew) => crew.agents.includes(id)).map((crew) => crew.id),
  }));
}

export function taskRows(config: DeskConfig): readonly TaskRow[] {
  return config.tasks.map(({ id, agent, description, priority, trigger, context }) => ({
    id,
    agent,
    description,
    priority,
    trigger: triggerText(trigger),
    context,
  }));
}

function triggerText(trigger: DeskConfig['tasks'][number]['trigger']): string | null {
  if (trigger === null) return null;
  if ('every' in trigger) return `every ${trigger.every} s`;
  return 'event' in trigger ? `on ${trigger.event}` : `cron ${trigger.cron}`;
}

export function toolRow({ name, aliases, title, toolset, category, access, effects, description }: ToolFacts): ToolRow {
  return { id: name, name, aliases, title, toolset, category, access, effects, description };
}

/** A tool with its schemas. Throws NotFound with the nearest name. */
export function toolDetail(tools: readonly ToolFacts[], name: string): ToolDetail {
  const tool = tools.find((t) => t.name === name || t.aliases.includes(name));
  if (tool === undefined) {
    const names = tools.flatMap((t) => [t.name, ...t.aliases]);
    throw new NotFound(`there is no tool '${name}'${didYouMean(name, names)}; crew tools ls lists them`);
  }
  return {
    ...toolRow(tool),
    input_schema: inputSchema(tool),
    output_schema: outputSchema(tool),
    examples: tool.examples,
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

export function runRow(row: StoredRun): RunRow {
  return {
    id: row.run_id,
    crew: row.crew,
    mode: row.shadow ? 'shadow' : 'active',
    status: row.status,
    started_at: iso(row.started_at),
    finished_at: isoOrNull(row.finished_at),
    trigger: row.trigger,
  };
}

/** An effect of unknown outcome, for people. */
export function effectRow({ key, tool, run_id, begun_at }: UnknownEffect): EffectRow {
  return { id: key, key, tool, run_id, begun_at: new Date(begun_at).toISOString() };
}

export function approvalRow(request: ApprovalRequest): ApprovalRow {
  return {
    id: request.id,
    state: request.state,
    tool: request.tool,
    agent: request.agent_id ?? request.caller,
    args: request.args,
    reason: request.reason ?? request.policy,
    requested_at: iso(request.requested_at),
    expires_at: iso(request.expires_at),
    decided_by: request.decided_by,
    decided_at: isoOrNull(request.decided_at),
    needed: request.needed,
    approvers: request.approvers,
    agreed: request.answers.map(({ by, note }) => ({ by, note })),
    escalated_at: isoOrNull(request.escalated_at),
    edited_args: request.edited_args,
  };
}

/** `now`: UTC ms. */
export function standingRow(standing: StandingApproval, now: number): StandingRow {
  const { id, tool, caller, pattern, granted_by, expires_at, uses_left, revoked_at } = standing;
  const state =
    revoked_at !== null
      ? 'revoked'
      : expires_at <= now
        ? 'expired'
        : uses_left !== null && uses_left <= 0
          ? 'used up'
          : 'in force';
  return { id, tool, caller, pattern, granted_by, expires_at: iso(expires_at), uses_left, state };
}

/** Scores of 0.5 and more count as right. */
export function shadowReport(proposals: readonly ProposedAction[]): ShadowReport {
  const rows = proposals.map((p) => ({
    id: p.id,
    time: iso(p.time),
    run_id: p.run_id,
    agent: p.agent,
    tool: p.tool,
    args: p.args,
    reason: p.reason,
    would_change: p.would_change,
    score: p.score,
    verdict: p.score === null ? 'undecided' : p.score >= 0.5 ? 'right' : 'wrong',
    outcome: p.outcome,
    scored_at: isoOrNull(p.scored_at),
  }));
  const right = rows.filter((r) => r.verdict === 'right').length;
  const wrong = rows.filter((r) => r.verdict === 'wrong').length;
  return {
    proposals: rows,
    totals: {
      proposals: rows.length,
      right,
      wrong,
      undecided: rows.length - right - wrong,
      accuracy: right + wrong === 0 ? null : right / (right + wrong),
    },
  };
}
