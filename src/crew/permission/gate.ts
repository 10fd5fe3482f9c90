import { ACCESS_LEVELS, type AccessLevel, reaches } from '../../kit/access.ts';
import type { Clock } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import type { Caller, PermissionDecision, PermissionGate } from '../../kit/invoke.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { BoundTool } from '../../kit/tool.ts';
import { coversTool } from '../config/mcp-schema.ts';
import type { AgentSpec, OverrideSpec, RoleSpec } from '../spec.ts';

/** What the gate has to know of an agent: its role and its own list of tools. */
export type GuardedAgent = Pick<AgentSpec, 'id' | 'permission_role' | 'tools'> & Partial<Pick<AgentSpec, 'toolsets'>>;

export interface PermissionGateOptions {
  readonly roles: readonly RoleSpec[];
  /** Agents that exist. A caller with any other `agentId` is denied. */
  readonly agents: readonly GuardedAgent[];
  /** Exceptions from the configuration, and, as a function, those granted while running. */
  readonly overrides: readonly OverrideSpec[] | (() => readonly OverrideSpec[]);
  readonly clock: Clock;
}

/** A decision and every check that led to it, in order. */
export interface PermissionExplanation {
  readonly decision: PermissionDecision;
  readonly checks: readonly string[];
}

/** The gate of the pipeline, and the same check in words. */
export interface ExplainingGate extends PermissionGate {
  explain(caller: Caller, tool: BoundTool | undefined, toolName: string): PermissionExplanation;
}

/** The caller that an agent is: its own role and list. */
export function agentCaller(agent: GuardedAgent): Caller {
  return { id: `agent:${agent.id}`, agentId: agent.id, role: agent.permission_role ?? '', tools: agent.tools };
}

/**
 * Deny by default. In order: the tool exists; the agent exists and claims its own role; the tool is on the caller's
 * own list; the role exists; an unexpired NONE override takes away; an unexpired override gives; the role gives.
 * An override of an agent's tool never reaches a tool outside the agent's list.
 */
export function createPermissionGate(options: PermissionGateOptions): ExplainingGate {
  const { clock } = options;
  const roles = new Map(options.roles.map((role) => [role.id, role]));
  const agents = new Map(options.agents.map((agent) => [agent.id, agent]));
  const overrides = (): readonly OverrideSpec[] =>
    typeof options.overrides === 'function' ? options.overrides() : options.overrides;

  const check = (caller: Caller, tool: BoundTool | undefined, toolName: string): PermissionExplanation => {
    const checks: string[] = [];
    const answer = (allowed: boolean, rule: string, held: AccessLevel = 'NONE'): PermissionExplanation => {
      checks.push(`${allowed ? 'allowed' : 'denied'}: ${rule}`);
      return {
        decision: {
          allowed,
          rule,
          role: caller.role,
          category: tool?.category ?? null,
          held,
          needed: tool?.access ?? null,
        },
        checks,
      };
    };
    if (tool === undefined) return answer(false, `no tool is named ${toolName}`);
    if (!ACCESS_LEVELS.includes(tool.access)) {
      return answer(false, `tool ${tool.name} asks for an access level that does not exist`);
    }
    const identity = identityProblem(caller, agents);
    if (identity !== null) return answer(false, identity);
    const lists = [caller.tools, caller.agentId === null ? null : (agents.get(caller.agentId)?.tools ?? [])];
    for (const list of lists) {
      if (list !== null && !listed(list, tool))
        return answer(false, `tool ${tool.name} is not on the own list of ${caller.id}`);
    }
    checks.push(
      caller.tools === null
        ? `${caller.id} has no list of its own`
        : `tool ${tool.name} is on the own list of ${caller.id}${viaText(agents.get(caller.agentId ?? ''), tool)}`,
    );
    const role = roles.get(caller.role);
    if (role === undefined) {
      return answer(
        false,
        caller.role === ''
          ? `${caller.id} has no permission role`
          : `role ${caller.role} is not defined${didYouMean(caller.role, roles.keys())}`,
      );
    }
    return decideByGrants({ caller, tool, role, overrides: overrides(), now: clock.now(), checks, answer });
  };
  const explain = (caller: Caller, tool: BoundTool | undefined, toolName: string): PermissionExplanation => {
    try {
      return check(caller, tool, toolName);
    } catch (error) {
      return failedCheck(caller, tool, error);
    }
  };
  return { explain, decide: (caller, tool, toolName) => explain(caller, tool, toolName).decision };
}

/** An exception inside the check is a denial, whatever was found before it. */
function failedCheck(caller: Caller, tool: BoundTool | undefined, error: unknown): PermissionExplanation {
  const rule = `the permission check failed (${errorMessage(error)}), so the answer is no`;
  const category = tool?.category ?? null;
  const decision = {
    allowed: false,
    rule,
    role: caller.role,
    category,
    held: 'NONE',
    needed: tool?.access ?? null,
  } as const;
  return { decision, checks: [`denied: ${rule}`] };
}

function decideByGrants(given: {
  readonly caller: Caller;
  readonly tool: BoundTool;
  readonly role: RoleSpec;
  readonly overrides: readonly OverrideSpec[];
  readonly now: number;
  readonly checks: string[];
  readonly answer: (allowed: boolean, rule: string, held?: AccessLevel) => PermissionExplanation;
}): PermissionExplanation {
  const { caller, tool, role, now, checks, answer } = given;
  const mine = given.overrides.filter((o) => o.agent === (caller.agentId ?? caller.id) && listed([o.tool], tool));
  const valid = mine.filter((o) => o.expires_at === null || o.expires_at > now);
  for (const o of mine) {
    if (!valid.includes(o)) checks.push(`override ${o.level} by ${o.granted_by} expired at ${isoTime(o.expires_at)}`);
  }
  const needs = `needs ${tool.access}`;
  const taken = valid.find((o) => !reaches(o.level, 'READ_ONLY'));
  if (taken !== undefined) return answer(false, `${overrideText(taken)} (${needs})`);
  const giving = valid.find((o) => reaches(o.level, tool.access));
  if (giving !== undefined) return answer(true, `${overrideText(giving)} (${needs})`, giving.level);
  for (const o of valid) checks.push(`${overrideText(o)}, which is not enough (${needs})`);
  const held = role.grants[tool.category] ?? 'NONE';
  const rule = `role ${role.id} grants ${tool.category} ${held} (${needs})`;
  return answer(held !== 'NONE' && reaches(held, tool.access), rule, held);
}

/** Why the caller is not who it says, or null. */
function identityProblem(caller: Caller, agents: ReadonlyMap<string, GuardedAgent>): string | null {
  if (caller.agentId === null) return null;
  const agent = agents.get(caller.agentId);
  if (agent === undefined) return `agent ${caller.agentId} is unknown${didYouMean(caller.agentId, agents.keys())}`;
  const role = agent.permission_role ?? '';
  return caller.role === role
    ? null
    : `agent ${agent.id} claims role ${caller.role} and has ${role === '' ? 'none' : role}`;
}

/** The toolsets through which an agent has a tool. */
export function toolsetsGiving({ toolsets }: Pick<GuardedAgent, 'toolsets'>, tool: BoundTool): readonly string[] {
  return Object.entries(toolsets ?? {}).flatMap(([set, given]) => (listed(given, tool) ? [set] : []));
}

function viaText(agent: GuardedAgent | undefined, tool: BoundTool): string {
  const sets = agent === undefined ? [] : toolsetsGiving(agent, tool);
  return sets.length === 0 ? '' : `, through toolset ${sets.join(' and ')}`;
}

function listed(list: readonly string[], tool: BoundTool): boolean {
  return coversTool(list, tool.name) || tool.aliases.some((alias) => list.includes(alias));
}

function overrideText(o: OverrideSpec): string {
  const until = o.expires_at === null ? '' : ` until ${isoTime(o.expires_at)}`;
  const verb = reaches(o.level, 'READ_ONLY') ? `gives ${o.level} on` : 'takes away';
  return `override by ${o.granted_by} ${verb} ${o.tool}${until}: ${o.reason}`;
}

function isoTime(ms: number | null): string {
  return ms === null ? 'never' : new Date(ms).toISOString();
}
