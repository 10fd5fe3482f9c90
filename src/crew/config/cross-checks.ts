import type { ConfigIssue } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { foreignProblem, isForeignName, patternIssue } from './mcp-checks.ts';
import { coversTool } from './mcp-schema.ts';
import type { KnownTool } from './known-tool.ts';
import { asEntry, entries, type Entry, namedItems, type RawFiles, stringList } from './raw.ts';
import { overridesOf, type RoleGrants, roleProblem } from './role-checks.ts';
import { systemSchema } from './system-schema.ts';
import type { GivenTools, Toolsets } from './toolsets.ts';

/** Everything that names something else, checked over all files at once. */
export function crossChecks(
  files: RawFiles,
  roles: RoleGrants,
  tools: readonly KnownTool[] | undefined,
  toolsets: Toolsets,
): readonly ConfigIssue[] {
  const agents = entries(files.agents.value);
  const tasks = entries(files.tasks.value);
  const byName = tools === undefined ? undefined : toolsByName(tools);
  return [
    ...[...agents].flatMap(([id, agent]) =>
      checkAgent({ files, id, agent, roles, tools: byName, given: toolsets.given.get(id) }),
    ),
    ...toolsets.issues,
    ...[...agents].flatMap(([id, agent]) => checkHandoffs(files, id, agent, agents)),
    ...checkOverrides(files, agents, byName),
    ...checkRoleNames(files, roles),
    ...[...tasks].flatMap(([id, task]) => checkTask(files, id, task, { agents, tasks, tools: byName, toolsets })),
    ...contextCycles(files, tasks),
  ];
}

/** Tools by name and alias. */
export function toolsByName(tools: readonly KnownTool[]): ReadonlyMap<string, KnownTool> {
  return new Map(tools.flatMap((tool) => [tool.name, ...(tool.aliases ?? [])].map((name) => [name, tool] as const)));
}

type ToolNames = ReadonlyMap<string, KnownTool> | undefined;

/** Whether a list names a tool, by whichever of its names. */
function lists(own: readonly string[], name: string, tools: ToolNames): boolean {
  const real = (text: string): string => tools?.get(text)?.name ?? text;
  return own.some((other) => real(other) === real(name)) || coversTool(own, name);
}

function checkAgent({
  files,
  id,
  agent,
  roles,
  tools,
  given,
}: {
  readonly files: RawFiles;
  readonly id: string;
  readonly agent: Entry;
  readonly roles: RoleGrants;
  readonly tools: ToolNames;
  readonly given: GivenTools | undefined;
}): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const file = files.agents;
  const named = stringList(agent['tools']);
  const own = [...named, ...Object.values(given ?? {}).flat()];
  const roleName = agent['permission_role'];
  if (typeof roleName === 'string' && !roles.has(roleName)) {
    issues.push(
      file.issue(
        [id, 'permission_role'],
        `agent ${id}: '${roleName}' is not a role in system.yaml${didYouMean(roleName, roles.keys())}`,
      ),
    );
  }
  for (const [i, name] of named.entries()) {
    if (tools === undefined) break;
    const tool = tools.get(name);
    const foreign = isForeignName(name) ? foreignProblem(name, files.foreign) : patternIssue(name);
    if (foreign !== null) {
      issues.push(file.issue([id, 'tools', i], `agent ${id}: '${name}': ${foreign}`));
    } else if (tool === undefined) {
      if (isForeignName(name)) continue;
      issues.push(
        file.issue([id, 'tools', i], `agent ${id}: '${name}' is not a tool${didYouMean(name, tools.keys())}`),
      );
    } else if (typeof roleName !== 'string' || roles.has(roleName)) {
      const problem = roleProblem(id, tool, roleName, roles, files.systemValue);
      if (problem !== null) issues.push(file.issue([id, 'tools', i], `agent ${id}: ${problem}`));
    }
  }
  for (const [i, name] of namedItems(agent['approval_required'])) {
    if (!lists(own, name, tools)) {
      issues.push(
        file.issue(
          [id, 'approval_required', i],
          `agent ${id}: '${name}' is not on its own list of tools${didYouMean(name, own)}`,
        ),
      );
    }
  }
  return issues;
}

/** Agents that a task may be handed to exist. */
function checkHandoffs(
  files: RawFiles,
  id: string,
  agent: Entry,
  agents: ReadonlyMap<string, Entry>,
): readonly ConfigIssue[] {
  return namedItems(agent['handoffs']).flatMap(([i, name]) =>
    agents.has(name)
      ? []
      : [
          files.agents.issue(
            [id, 'handoffs', i],
            `agent ${id}: '${name}' is not an agent${didYouMean(name, agents.keys())}`,
          ),
        ],
  );
}

function checkOverrides(files: RawFiles, agents: ReadonlyMap<string, Entry>, tools: ToolNames): readonly ConfigIssue[] {
  return overridesOf(files.systemValue).flatMap((override, i) => {
    const issues: ConfigIssue[] = [];
    const { agent, tool } = override;
    if (typeof agent === 'string' && !agents.has(agent)) {
      issues.push(
        files.system.issue(['overrides', i, 'agent'], `'${agent}' is not an agent${didYouMean(agent, agents.keys())}`),
      );
    }
    if (typeof tool === 'string' && tools !== undefined && !tools.has(tool)) {
      issues.push(
        files.system.issue(['overrides', i, 'tool'], `'${tool}' is not a tool${didYouMean(tool, tools.keys())}`),
      );
    }
    return issues;
  });
}

/** Roles of people and of clients, those that the schema gives them included. */
function checkRoleNames(files: RawFiles, roles: RoleGrants): readonly ConfigIssue[] {
  const defaults = systemSchema.parse({});
  const scopes = Object.entries(
    asEntry(asEntry(asEntry(asEntry(files.systemValue)?.['mcp'])?.['oauth'])?.['scopes']) ?? {},
  );
  const wrong = scopes.flatMap(([scope, name]) =>
    typeof name !== 'string' || roles.has(name)
      ? []
      : [
          files.system.issue(
            ['mcp', 'oauth', 'scopes', scope],
            `mcp.oauth.scopes: '${name}' is not a role${didYouMean(name, roles.keys())}`,
          ),
        ],
  );
  const sections = (['serve', 'mcp'] as const).flatMap((section) => {
    const given = asEntry(asEntry(files.systemValue)?.[section])?.['role'];
    const name = given ?? defaults[section].role;
    if (typeof name !== 'string' || roles.has(name)) return [];
    return [
      files.system.issue(
        [section, 'role'],
        `${section}.role: '${name}' is not a role${didYouMean(name, roles.keys())}`,
      ),
    ];
  });
  return [...sections, ...wrong];
}

function checkTask(
  files: RawFiles,
  id: string,
  task: Entry,
  known: {
    readonly agents: ReadonlyMap<string, Entry>;
    readonly tasks: ReadonlyMap<string, Entry>;
    readonly tools: ToolNames;
    readonly toolsets: Toolsets;
  },
): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const file = files.tasks;
  const agentName = task['agent'];
  const agent = typeof agentName === 'string' ? known.agents.get(agentName.trim()) : undefined;
  if (typeof agentName === 'string' && agent === undefined) {
    issues.push(
      file.issue(
        [id, 'agent'],
        `task ${id}: '${agentName}' is not an agent${didYouMean(agentName, known.agents.keys())}`,
      ),
    );
  }
  for (const [i, name] of namedItems(task['context'])) {
    if (!known.tasks.has(name)) {
      issues.push(
        file.issue([id, 'context', i], `task ${id}: '${name}' is not a task${didYouMean(name, known.tasks.keys())}`),
      );
    }
  }
  const looksAt = asEntry(task['condition'])?.['task'];
  if (typeof looksAt === 'string' && !known.tasks.has(looksAt)) {
    const message = `task ${id}: '${looksAt}' is not a task${didYouMean(looksAt, known.tasks.keys())}`;
    issues.push(file.issue([id, 'condition', 'task'], message));
  }
  const given = typeof agentName === 'string' ? known.toolsets.given.get(agentName.trim()) : undefined;
  const own = [...stringList(agent?.['tools']), ...Object.values(given ?? {}).flat()];
  for (const [i, name] of namedItems(task['tools'])) {
    if (agent !== undefined && !lists(own, name, known.tools)) {
      issues.push(
        file.issue(
          [id, 'tools', i],
          `task ${id}: '${name}' is not on the own list of agent ${String(agentName)}${didYouMean(name, own)}`,
        ),
      );
    }
  }
  return issues;
}

/** Each cycle once, where the entry stands that closes it. */
function contextCycles(files: RawFiles, tasks: ReadonlyMap<string, Entry>): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const done = new Set<string>();
  const visit = (id: string, trail: readonly string[]): void => {
    if (done.has(id)) return;
    for (const [i, next] of stringList(tasks.get(id)?.['context']).entries()) {
      const start = [...trail, id].indexOf(next);
      if (start >= 0) {
        const cycle = [...trail, id, next].slice(start).join(' → ');
        issues.push(files.tasks.issue([id, 'context', i], `task ${id}: context cycle ${cycle}`));
      } else if (tasks.has(next)) visit(next, [...trail, id]);
    }
    done.add(id);
  };
  for (const id of tasks.keys()) visit(id, []);
  return issues;
}
