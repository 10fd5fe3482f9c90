import { describe, expect, it } from 'vitest';
import type { KnownTool } from '../../../src/crew/config/known-tool.ts';
import { issuesOf, load } from './folder.ts';

const tool = (name: string, toolset: string, changes: Partial<KnownTool> = {}): KnownTool => ({
  name,
  toolset,
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  ...changes,
});

const knownTools = [
  tool('read_rows', 'database', { aliases: ['rows_of_old'] }),
  tool('count_rows', 'database'),
  tool('drop_rows', 'database', { category: 'database_write', access: 'WRITE', effects: 'effect' }),
  tool('get_price', 'prices', { category: 'exchange_data' }),
  tool('pay', 'files', { category: 'exchange_data' }),
];

const SYSTEM = `
  roles:
    clerk: { historical_query: READ_ONLY }
    operator: {}
    reader: {}
  mcp_servers:
    notes:
      command: notes-server
      tools:
        read_*: { category: historical_query, level: READ_ONLY }
        write: { category: system_config, level: WRITE }
    locked:
      command: locked-server
      tools:
        write: { category: system_config, level: WRITE }
    empty: { command: empty-server }
    files: { command: files-server }
`;

const agents = (fields: string, role = 'clerk'): string => `
clerk:
  role: Clerk
  goal: Reads
  backstory: Has read
  permission_role: ${role}
${fields}
`;

const configOf = (fields: string, system = SYSTEM) =>
  load({ 'system.yaml': system, 'agents.yaml': agents(fields) }, { knownTools });
const issues = (fields: string, changes: Parameters<typeof issuesOf>[1] = {}, role = 'clerk') =>
  issuesOf({ 'system.yaml': SYSTEM, 'agents.yaml': agents(fields, role) }, { knownTools, ...changes });

describe('toolsets of agents.yaml', () => {
  it('give what the role may use, beside the agent’s own tools', () => {
    const [agent] = configOf(
      '  tools: [rows_of_old]\n  toolsets: [database]\n  approval_required: [count_rows]',
    ).agents;
    expect(agent?.tools).toEqual(['read_rows', 'count_rows']);
    expect(agent?.toolsets).toEqual({ database: ['read_rows', 'count_rows'] });
  });

  it('are none unless they are named', () => {
    expect(configOf('  tools: [read_rows]').agents[0]).toMatchObject({ tools: ['read_rows'], toolsets: {} });
    expect(configOf('  toolsets:').agents[0]).toMatchObject({ tools: [], toolsets: {} });
  });

  it('give what an override of system.yaml allows', () => {
    const overrides = `
  overrides:
    - { agent: clerk, tool: drop_rows, level: WRITE, expires_at: null, granted_by: ada, reason: trial }`;
    expect(configOf('  toolsets: [database]', SYSTEM + overrides).agents[0]?.tools).toEqual([
      'read_rows',
      'count_rows',
      'drop_rows',
    ]);
  });

  it('may be MCP servers, whose tools come by their pattern', () => {
    expect(configOf('  toolsets: [notes, database]').agents[0]).toMatchObject({
      tools: ['notes__*', 'read_rows', 'count_rows'],
      toolsets: { notes: ['notes__*'], database: ['read_rows', 'count_rows'] },
    });
  });

  it('are what a task narrows', () => {
    const tasks = (name: string): string =>
      `t:\n  description: Do\n  expected_output: Text\n  agent: clerk\n  tools: [${name}]\n`;
    const files = { 'system.yaml': SYSTEM, 'agents.yaml': agents('  toolsets: [database]') };
    const config = load({ ...files, 'tasks.yaml': tasks('count_rows') }, { knownTools });
    expect(config.tasks[0]?.tools).toEqual(['count_rows']);
    expect(issuesOf({ ...files, 'tasks.yaml': tasks('drop_rows') }, { knownTools })).toEqual([
      "tasks.yaml:5:11: task t: 'drop_rows' is not on the own list of agent clerk",
    ]);
  });

  it.each([
    ['databse', 'there is none of this name (did you mean database?)'],
    ['note', 'there is none of this name (did you mean notes?)'],
    [
      'prices',
      'the agent may use none of its 1 tools, as in get_price needs exchange_data READ_ONLY, and role clerk has',
    ],
    [
      'locked',
      'the agent may use none of its 1 tools, as in locked__write needs system_config WRITE, and role clerk has',
    ],
    ['empty', 'nothing is assigned under mcp_servers.empty.tools, so every tool of it is denied'],
    ['files', "a toolset and an MCP server have this name: write 'files__*' under tools for the server's"],
  ])('%s is an issue with its place', (name, message) => {
    const [issue, ...others] = issues(`  toolsets: [database, ${name}]`);
    expect(others).toEqual([]);
    expect(issue).toContain(`agents.yaml:6:24: agent clerk: toolset '${name}': ${message}`);
  });

  it('are all looked at, and with everything else', () => {
    expect(issues('  tools: [get_pric]\n  toolsets: [databse, prices]')).toHaveLength(3);
  });

  it('give nothing to an agent without a role, or with one that does not exist', () => {
    expect(issues('  toolsets: [database]', {}, 'null')).toEqual([
      expect.stringContaining('as in read_rows needs historical_query READ_ONLY, and the agent has no permission_role'),
    ]);
    expect(issues('  toolsets: [database]', {}, 'clark')).toEqual([
      "agents.yaml:5:20: agent clerk: 'clark' is not a role in system.yaml (did you mean clerk?)",
    ]);
  });

  it('cannot be named where tools are not known', () => {
    expect(issues('  toolsets: [database]', { knownTools: undefined })).toEqual([
      "agents.yaml:6:14: agent clerk: toolset 'database': which tools it holds is not known here",
    ]);
  });
});
