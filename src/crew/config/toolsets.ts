import { type ConfigIssue } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { KnownTool } from './known-tool.ts';
import { assignedTools, foreignProblem } from './mcp-checks.ts';
import { FOREIGN_SEPARATOR } from './mcp-schema.ts';
import { entries, namedItems, type Entry, type RawFiles } from './raw.ts';
import { type RoleGrants, roleProblem } from './role-checks.ts';

/** Tools that a toolset gave an agent, by toolset. */
export type GivenTools = Readonly<Record<string, readonly string[]>>;

/** What every agent has from the toolsets that it names, and what is wrong with them. */
export interface Toolsets {
  /** By agent; one that names none is absent. */
  readonly given: ReadonlyMap<string, GivenTools>;
  readonly issues: readonly ConfigIssue[];
}

/**
 * The toolsets of agents.yaml, taken apart. A toolset gives those of its tools that the agent's role, or an override of
 * system.yaml, lets it use: naming a set grants nothing. One that gives nothing is an issue. A server of `mcp_servers`
 * is a toolset too: it gives `server__*`, out of which every call still needs its assignment, its acceptance and the role.
 */
export function resolveToolsets(files: RawFiles, roles: RoleGrants, tools: readonly KnownTool[] | undefined): Toolsets {
  const given = new Map<string, GivenTools>();
  const issues: ConfigIssue[] = [];
  for (const [id, agent] of entries(files.agents.value)) {
    const sets: Record<string, readonly string[]> = {};
    for (const [i, name] of namedItems(agent['toolsets'])) {
      const found = toolsOf(name, { id, agent, files, roles, tools });
      if (typeof found === 'string') {
        issues.push(files.agents.issue([id, 'toolsets', i], `agent ${id}: toolset '${name}': ${found}`));
      } else sets[name] = found;
    }
    if (Object.keys(sets).length > 0) given.set(id, sets);
  }
  return { given, issues };
}

interface Asking {
  readonly id: string;
  readonly agent: Entry;
  readonly files: RawFiles;
  readonly roles: RoleGrants;
  readonly tools: readonly KnownTool[] | undefined;
}

/** What a set gives an agent, or why it gives nothing. */
function toolsOf(name: string, asking: Asking): readonly string[] | string {
  const { files, tools } = asking;
  if (tools === undefined) return 'which tools it holds is not known here';
  const ours = tools.filter((tool) => tool.toolset === name);
  const server = Object.hasOwn(files.foreign, name);
  if (server && ours.length > 0) {
    return `a toolset and an MCP server have this name: write '${name}${FOREIGN_SEPARATOR}*' under tools for the server's`;
  }
  if (server) {
    const pattern = `${name}${FOREIGN_SEPARATOR}*`;
    const members = [
      ...assignedTools(name, files.foreign),
      ...tools.filter((t) => t.name.startsWith(pattern.slice(0, -1))),
    ];
    const usable = permitted(members, asking);
    return foreignProblem(pattern, files.foreign) ?? (typeof usable === 'string' ? usable : [pattern]);
  }
  if (ours.length > 0) return permitted(ours, asking);
  const known = [...tools.flatMap((tool) => tool.toolset ?? []), ...Object.keys(files.foreign)];
  return `there is none of this name${didYouMean(name, new Set(known))}`;
}

function permitted(members: readonly KnownTool[], { id, agent, files, roles }: Asking): readonly string[] | string {
  const role = agent['permission_role'];
  // That the role does not exist is said already.
  if (typeof role === 'string' && !roles.has(role)) return [];
  const problems = members.map((tool) => roleProblem(id, tool, role, roles, files.systemValue));
  const usable = members.filter((_, i) => problems[i] === null);
  if (usable.length > 0) return usable.map((tool) => tool.name);
  return `the agent may use none of its ${members.length} tools, as in ${problems[0] ?? ''}`;
}
