import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agentCaller,
  createPermissionGate,
  type ExplainingGate,
  type GuardedAgent,
  toolsetsGiving,
} from '../../../src/crew/permission/gate.ts';
import type { OverrideSpec, RoleSpec } from '../../../src/crew/spec.ts';
import { ACCESS_LEVELS, TOOL_CATEGORIES, reaches } from '../../../src/kit/access.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import type { Caller } from '../../../src/kit/invoke.ts';
import type { BoundTool } from '../../../src/kit/tool.ts';
import { echoTool, operator } from '../../kit/tool-fakes.ts';

const clock = new ManualClock(Date.UTC(2026, 5, 1));
const cleaner: GuardedAgent = { id: 'cleaner', permission_role: 'cleaner', tools: ['get_echo', 'old_name'] };
const roles: RoleSpec[] = [
  { id: 'cleaner', grants: { exchange_data: 'READ_ONLY', database_write: 'WRITE' } },
  { id: 'operator', grants: { exchange_data: 'ADMIN' } },
];
const tool = echoTool();

function gateOf(overrides: readonly OverrideSpec[] = [], agents: readonly GuardedAgent[] = [cleaner]): ExplainingGate {
  return createPermissionGate({ roles, agents, overrides, clock });
}

function rule(gate: ExplainingGate, caller: Caller, asked: BoundTool | null = tool): readonly [boolean, string] {
  const { allowed, rule: text } = gate.decide(caller, asked ?? undefined, asked?.name ?? 'get_nothing');
  return [allowed, text];
}

const override = (changes: Partial<OverrideSpec> = {}): OverrideSpec => ({
  agent: 'cleaner',
  tool: 'get_echo',
  level: 'WRITE',
  expires_at: null,
  granted_by: 'ada',
  reason: 'a trial',
  ...changes,
});

describe('the permission gate', () => {
  it('lets a role do what it grants, and says so', () => {
    expect(gateOf().decide(agentCaller(cleaner), tool, tool.name)).toEqual({
      allowed: true,
      rule: 'role cleaner grants exchange_data READ_ONLY (needs READ_ONLY)',
      role: 'cleaner',
      category: 'exchange_data',
      held: 'READ_ONLY',
      needed: 'READ_ONLY',
    });
    expect(rule(gateOf(), operator)[0]).toBe(true);
  });

  it('denies more than the role grants, and what it does not name', () => {
    const writes = echoTool({ access: 'WRITE' });
    expect(rule(gateOf(), agentCaller(cleaner), writes)).toEqual([
      false,
      'role cleaner grants exchange_data READ_ONLY (needs WRITE)',
    ]);
    expect(rule(gateOf(), operator, echoTool({ category: 'forecasting' }))).toEqual([
      false,
      'role operator grants forecasting NONE (needs READ_ONLY)',
    ]);
  });

  it.each<[string, Caller, BoundTool | null, string]>([
    ['an unknown tool', operator, null, 'no tool is named get_nothing'],
    [
      'an unknown agent',
      { ...agentCaller(cleaner), agentId: 'cleanr' },
      tool,
      'agent cleanr is unknown (did you mean cleaner?)',
    ],
    [
      'a role that is not the agent’s',
      { ...agentCaller(cleaner), role: 'operator' },
      tool,
      'agent cleaner claims role operator and has cleaner',
    ],
    [
      'a role that does not exist',
      { ...operator, role: 'operater' },
      tool,
      'role operater is not defined (did you mean operator?)',
    ],
    ['no role', { ...operator, role: '' }, tool, 'operator has no permission role'],
    [
      'a level that does not exist',
      operator,
      { ...tool, access: 'ROOT' as never },
      'tool get_echo asks for an access level that does not exist',
    ],
    [
      'a tool that needs no level, of a category without a grant',
      operator,
      echoTool({ access: 'NONE', category: 'analytics' }),
      'role operator grants analytics NONE (needs NONE)',
    ],
  ])('denies %s', (_, caller, asked, text) => {
    expect(rule(gateOf(), caller, asked)).toEqual([false, text]);
  });

  it('denies a tool outside the caller’s own list, whatever the role', () => {
    const other = echoTool({ name: 'get_other' });
    expect(rule(gateOf(), agentCaller(cleaner), other)).toEqual([
      false,
      'tool get_other is not on the own list of agent:cleaner',
    ]);
    expect(rule(gateOf([override({ tool: 'get_other', level: 'ADMIN' })]), agentCaller(cleaner), other)[0]).toBe(false);
    expect(rule(gateOf(), { ...agentCaller(cleaner), tools: ['get_other'] }, other)[0]).toBe(false);
    expect(rule(gateOf(), { ...agentCaller(cleaner), tools: null }, other)[0]).toBe(false);
    expect(rule(gateOf(), { ...agentCaller(cleaner), tools: [] }, tool)[0]).toBe(false);
    expect(rule(gateOf(), { ...operator, tools: ['get_other'] }, tool)[0]).toBe(false);
    expect(rule(gateOf(), agentCaller(cleaner), echoTool({ name: 'new_name', aliases: ['old_name'] }))[0]).toBe(true);
  });

  it('lets an override give and take away', () => {
    const writes = echoTool({ access: 'WRITE' });
    expect(rule(gateOf([override()]), agentCaller(cleaner), writes)).toEqual([
      true,
      'override by ada gives WRITE on get_echo: a trial (needs WRITE)',
    ]);
    expect(rule(gateOf([override({ level: 'NONE' })]), agentCaller(cleaner))).toEqual([
      false,
      'override by ada takes away get_echo: a trial (needs READ_ONLY)',
    ]);
    const both = [override({ level: 'ADMIN' }), override({ level: 'NONE' })];
    expect(rule(gateOf(both), agentCaller(cleaner))[0]).toBe(false);
    expect(rule(gateOf([override({ level: 'READ_WRITE' })]), agentCaller(cleaner), writes)[0]).toBe(false);
    expect(rule(gateOf([override({ level: 'ROOT' as never })]), agentCaller(cleaner))[0]).toBe(false);
    expect(rule(gateOf([override({ agent: 'operator', level: 'NONE' })]), operator)[0]).toBe(false);
    expect(rule(gateOf([override({ agent: 'someone', level: 'NONE' })]), operator)[0]).toBe(true);
  });

  it('says through which toolset an agent has a tool', () => {
    const agent = { ...cleaner, toolsets: { echoes: ['get_echo'], others: ['get_other'] } };
    const gate = createPermissionGate({ roles, agents: [agent], overrides: [], clock });
    expect(gate.explain(agentCaller(agent), tool, 'get_echo').checks[0]).toBe(
      'tool get_echo is on the own list of agent:cleaner, through toolset echoes',
    );
    expect(toolsetsGiving(agent, tool)).toEqual(['echoes']);
    expect(toolsetsGiving(cleaner, tool)).toEqual([]);
  });

  it('ends an override when it expires', async () => {
    const now = new ManualClock(Date.UTC(2026, 5, 1));
    const overrides = [override({ expires_at: now.now() + 1000 })];
    const gate = createPermissionGate({ roles, agents: [cleaner], overrides, clock: now });
    const writes = echoTool({ access: 'WRITE' });
    expect(rule(gate, agentCaller(cleaner), writes)).toEqual([
      true,
      'override by ada gives WRITE on get_echo until 2026-06-01T00:00:01.000Z: a trial (needs WRITE)',
    ]);
    await now.advance(1000);
    expect(rule(gate, agentCaller(cleaner), writes)[0]).toBe(false);
    expect(gate.explain(agentCaller(cleaner), writes, 'get_echo').checks).toEqual([
      'tool get_echo is on the own list of agent:cleaner',
      'override WRITE by ada expired at 2026-06-01T00:00:01.000Z',
      'denied: role cleaner grants exchange_data READ_ONLY (needs WRITE)',
    ]);
    const gone = createPermissionGate({
      roles,
      agents: [cleaner],
      overrides: [override({ expires_at: Number.NaN })],
      clock,
    });
    expect(rule(gone, agentCaller(cleaner), writes)[0]).toBe(false);
  });

  it('denies when something throws inside the check', () => {
    const gate = createPermissionGate({
      roles,
      agents: [cleaner],
      overrides: () => {
        throw new Error('the store is gone');
      },
      clock,
    });
    expect(rule(gate, operator)).toEqual([
      false,
      'the permission check failed (the store is gone), so the answer is no',
    ]);
  });

  it('never allows above the role, for any caller, roles and tool', () => {
    const level = fc.constantFrom(...ACCESS_LEVELS);
    const category = fc.constantFrom(...TOOL_CATEGORIES);
    const grants = fc.dictionary(category, level);
    fc.assert(
      fc.property(
        fc.record({
          grants,
          asked: fc.record({ access: level, category }),
          own: fc.option(fc.subarray(['get_echo', 'get_other'])),
          role: fc.constantFrom('r', 'other', 'missing', ''),
          agentId: fc.constantFrom(null, 'a', 'b', 'unknown'),
        }),
        ({ grants: given, asked, own, role, agentId }) => {
          const gate = createPermissionGate({
            roles: [
              { id: 'r', grants: given },
              { id: 'other', grants: {} },
            ],
            agents: [
              { id: 'a', permission_role: 'r', tools: ['get_echo'] },
              { id: 'b', permission_role: null, tools: ['get_echo'] },
            ],
            overrides: [],
            clock,
          });
          const caller: Caller = { id: 'x', agentId, role, tools: own };
          const { allowed } = gate.decide(caller, echoTool(asked), 'get_echo');
          const held = role === 'r' ? (given[asked.category] ?? 'NONE') : 'NONE';
          const mayBe =
            held !== 'NONE' &&
            reaches(held, asked.access) &&
            own?.includes('get_echo') !== false &&
            (agentId === null || agentId === 'a');
          expect(allowed).toBe(mayBe);
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });
});
