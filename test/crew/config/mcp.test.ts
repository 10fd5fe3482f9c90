import { describe, expect, it } from 'vitest';
import {
  assignmentOf,
  coversTool,
  fitsPattern,
  mcpServersSchema,
  narrowedTools,
} from '../../../src/crew/config/mcp-schema.ts';
import { issuesOf, load } from './folder.ts';

const SYSTEM = `
  roles:
    clerk: { historical_query: READ_ONLY }
    operator: {}
    reader: {}
  mcp_servers:
    files:
      command: files-server
      tools:
        read_*: { category: historical_query, level: READ_ONLY }
        write_file: { category: system_config, level: WRITE }
        read_secret: { category: historical_query, level: NONE }
      resources: { category: historical_query, level: READ_ONLY }
`;

const agents = (tools: readonly string[]): string => `
  clerk:
    role: Clerk
    goal: Reads
    backstory: Has read
    permission_role: clerk
    tools:
${tools.map((tool) => `      - ${tool}`).join('\n')}
`;

describe('tools of MCP servers in the configuration', () => {
  it('are named by agents, alone or by a pattern, when something is assigned to them', () => {
    const names = ['files__read_file', "'files__*'", 'files__list_resources'];
    const config = load({ 'system.yaml': SYSTEM, 'agents.yaml': agents(names) });
    expect(config.agents[0]?.tools).toEqual(['files__read_file', 'files__*', 'files__list_resources']);
    expect(config.system.mcp_servers['files']).toMatchObject({
      timeout_seconds: 30,
      sampling: false,
      protocol: 'auto',
    });
  });

  it.each([
    ['fils__read_file', "'fils' is not one of mcp_servers in system.yaml (did you mean files?)"],
    ['files__delete', "'delete' has no category and level under mcp_servers.files.tools, so it is denied"],
    ['files__read_secret', "'read_secret' has no category and level under mcp_servers.files.tools, so it is denied"],
    ['files__get_prompt', "'get_prompt' has no category and level under mcp_servers.files.tools, so it is denied"],
    ["'get_*'", "'get_*' is a pattern; only tools of MCP servers may be named by one, as in 'server__*'"],
    ['files__write_file', 'files__write_file needs system_config WRITE, and role clerk has system_config NONE'],
  ])('%s is an issue with its place', (name, message) => {
    const issues = issuesOf({ 'system.yaml': SYSTEM, 'agents.yaml': agents([name]) });
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatch(/^agents\.yaml:7:\d+: agent clerk: /);
    expect(issues[0]).toContain(message);
  });

  it('need a program or an address, not both', () => {
    const both = 'mcp_servers: { a: { command: x, url: https://a.example/mcp }, b: {} }';
    expect(issuesOf({ 'system.yaml': both, 'agents.yaml': '' })).toEqual([
      expect.stringMatching(/^system\.yaml:1:\d+: mcp_servers\.a: give either command/),
      expect.stringMatching(/^system\.yaml:1:\d+: mcp_servers\.b: give either command/),
    ]);
    expect(mcpServersSchema.safeParse({ a__b: { command: 'x' } }).success).toBe(false);
    expect(mcpServersSchema.safeParse({ a: { url: 'file:///etc/passwd' } }).success).toBe(false);
    expect(mcpServersSchema.safeParse({ a: { command: 'x', token_env: 'the token' } }).success).toBe(false);
  });
});

describe('patterns', () => {
  it.each([
    ['read_*', 'read_file', true],
    ['*', 'anything', true],
    ['*_file', 'read_file', true],
    ['r*d_*e', 'read_file', true],
    ['read_*', 'unread_file', false],
    ['ab*ba', 'aba', false],
    ['read', 'read_file', false],
    ['a*b*c', 'acb', false],
  ])('%s fits %s: %s', (pattern, text, fits) => {
    expect(fitsPattern(pattern, text)).toBe(fits);
  });

  it('give way to the exact name; the first that fits decides', () => {
    const read = { category: 'historical_query', level: 'READ_ONLY' } as const;
    const write = { category: 'system_config', level: 'WRITE' } as const;
    expect(assignmentOf({ '*': read, write_file: write }, 'write_file')).toBe(write);
    expect(assignmentOf({ 'w*': write, '*': read }, 'write_file')).toBe(write);
    expect(assignmentOf({ 'w*': write }, 'toString')).toBeUndefined();
  });

  it('stand in lists for foreign tools only, and tasks narrow them', () => {
    expect(coversTool(['files__*'], 'files__read')).toBe(true);
    expect(coversTool(['*'], 'vacuum_tables')).toBe(false);
    expect(narrowedTools(['files__*', 'get_status'], ['files__read', 'vacuum_tables'])).toEqual(['files__read']);
    expect(narrowedTools(['files__read', 'web__get'], ['files__*'])).toEqual(['files__read']);
  });
});
