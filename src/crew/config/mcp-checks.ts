import { didYouMean } from '../../kit/nearest.ts';
import type { KnownTool } from './known-tool.ts';
import { type Assignment, assignmentOf, FOREIGN_SEPARATOR, type McpServerConfig } from './mcp-schema.ts';

/** Servers by id, as far as their assignments go. */
export type ForeignAssignments = Readonly<Record<string, Pick<McpServerConfig, 'tools' | 'resources' | 'prompts'>>>;

const NAME = /^[a-z][a-z0-9_]*?__[A-Za-z0-9_*-]+$/;

/** Whether a name is one of a foreign tool, or a pattern of such names. */
export function isForeignName(name: string): boolean {
  return NAME.test(name);
}

/** Tools of foreign servers that the files name and that something is assigned to, as the other checks know tools. */
export function foreignTools(files: readonly unknown[], servers: ForeignAssignments): readonly KnownTool[] {
  const names = new Set(files.flatMap(textsOf).filter((text) => isForeignName(text) && !text.includes('*')));
  return [...names].flatMap((name) => {
    const assignment = assigned(name, servers);
    return assignment === undefined ? [] : [asKnown(name, assignment)];
  });
}

function asKnown(name: string, { category, level: access }: Assignment): KnownTool {
  return { name, category, access, effects: access === 'READ_ONLY' ? 'none' : 'effect' };
}

/** What is wrong with a foreign name in an agent's list; null: nothing, as far as is known before a server is asked. */
export function foreignProblem(name: string, servers: ForeignAssignments): string | null {
  const [server, tool] = parts(name);
  const known = Object.keys(servers);
  const config = Object.hasOwn(servers, server) ? servers[server] : undefined;
  if (config === undefined) return `'${server}' is not one of mcp_servers in system.yaml${didYouMean(server, known)}`;
  if (tool.includes('*')) {
    const any = Object.keys(config.tools).length > 0 || config.resources !== undefined || config.prompts !== undefined;
    return any ? null : `nothing is assigned under mcp_servers.${server}.tools, so every tool of it is denied`;
  }
  return assigned(name, servers) === undefined
    ? `'${tool}' has no category and level under mcp_servers.${server}.tools, so it is denied`
    : null;
}

/** What is assigned to the tools of a server, each under the name or the pattern that the file gives it. */
export function assignedTools(server: string, servers: ForeignAssignments): readonly KnownTool[] {
  const config = Object.hasOwn(servers, server) ? servers[server] : undefined;
  if (config === undefined) return [];
  const { resources, prompts } = config;
  const all: readonly (readonly [string, Assignment | undefined])[] = [
    ...Object.entries(config.tools),
    ['read_resource', resources],
    ['get_prompt', prompts],
  ];
  return all.flatMap(([tool, assignment]) =>
    assignment === undefined || assignment.level === 'NONE'
      ? []
      : [asKnown(`${server}${FOREIGN_SEPARATOR}${tool}`, assignment)],
  );
}

/** Patterns in an agent's list may only stand for foreign tools. */
export function patternIssue(name: string): string | null {
  return name.includes('*') && !isForeignName(name)
    ? `'${name}' is a pattern; only tools of MCP servers may be named by one, as in 'server__*'`
    : null;
}

const READING: Readonly<Record<string, 'resources' | 'prompts'>> = {
  list_resources: 'resources',
  read_resource: 'resources',
  list_prompts: 'prompts',
  get_prompt: 'prompts',
};

function assigned(name: string, servers: ForeignAssignments): Assignment | undefined {
  const [server, tool] = parts(name);
  const config = Object.hasOwn(servers, server) ? servers[server] : undefined;
  if (config === undefined) return undefined;
  const kind = Object.hasOwn(READING, tool) ? READING[tool] : undefined;
  const found = (kind === undefined ? undefined : config[kind]) ?? assignmentOf(config.tools, tool);
  return found?.level === 'NONE' ? undefined : found;
}

function parts(name: string): readonly [server: string, tool: string] {
  const at = name.indexOf(FOREIGN_SEPARATOR);
  return [name.slice(0, at), name.slice(at + FOREIGN_SEPARATOR.length)];
}

/** Every text in a value, however deep. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value.trim()];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
