import type { ConfigIssue } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { ruleBreaches } from '../rules.ts';
import { asEntry, entries, namedItems, type RawFiles, stringList } from './raw.ts';

type Entry = Readonly<Record<string, unknown>>;

/** A crew as the checks need it; `named` is false for the crew made of all tasks when there is no crews.yaml. */
interface CrewView {
  readonly id: string;
  readonly named: boolean;
  readonly process: unknown;
  readonly tasks: readonly string[];
  readonly agents: readonly string[] | null;
}

/** Crews name agents and tasks that exist, and their tasks can run in the order given. */
export function crewChecks(files: RawFiles, implicitCrew: string): readonly ConfigIssue[] {
  const agents = entries(files.agents.value);
  const tasks = entries(files.tasks.value);
  const crews = files.crews;
  if (crews === undefined) {
    const crew = { id: implicitCrew, named: false, process: 'sequential', tasks: [...tasks.keys()], agents: null };
    return [...orderChecks(files, tasks, crew), ...ruleChecks(files, tasks, crew, null)];
  }
  return [...entries(crews.value)].flatMap(([id, entry]) => {
    const unknown = (field: string, known: ReadonlyMap<string, Entry>, what: string) =>
      namedItems(entry[field]).flatMap(([i, name]) =>
        known.has(name)
          ? []
          : [crews.issue([id, field, i], `crew ${id}: '${name}' is not ${what}${didYouMean(name, known.keys())}`)],
      );
    const named = stringList(entry['tasks']);
    const crew: CrewView = {
      id,
      named: true,
      process: entry['process'] ?? 'sequential',
      tasks: [...new Set(named)].filter((name) => tasks.has(name)),
      agents: Array.isArray(entry['agents']) ? stringList(entry['agents']) : null,
    };
    return [
      ...unknown('agents', agents, 'an agent'),
      ...unknown('tasks', tasks, 'a task'),
      ...memoryChecks(crews, id, entry),
      ...named.flatMap((name, i) =>
        named.indexOf(name) === i ? [] : [crews.issue([id, 'tasks', i], `crew ${id}: task ${name} is listed twice`)],
      ),
      ...(crew.agents?.length === 0
        ? [
            crews.issue(
              [id, 'agents'],
              `crew ${id}: its list of agents is empty: leave it out to have those of its tasks`,
            ),
          ]
        : []),
      ...managerChecks(files, id, entry, agents),
      ...memberChecks(files, tasks, crew),
      ...orderChecks(files, tasks, crew),
      ...ruleChecks(files, tasks, crew, entry['manager_agent']),
    ];
  });
}

/** CrewAI's own rules, each where the field stands that breaks it. */
function ruleChecks(
  files: RawFiles,
  tasks: ReadonlyMap<string, Entry>,
  crew: CrewView,
  manager: unknown,
): readonly ConfigIssue[] {
  const breaches = ruleBreaches({
    id: crew.id,
    process: String(crew.process),
    manager_agent: typeof manager === 'string' ? manager.trim() : null,
    agents: crew.agents,
    tasks: crew.tasks.map((id) => ({
      id,
      context: stringList(tasks.get(id)?.['context']),
      async_execution: tasks.get(id)?.['async_execution'] === true,
      conditional: (tasks.get(id)?.['condition'] ?? null) !== null,
    })),
  });
  return breaches.flatMap(({ task, field, message }) => {
    if (task !== null) return [files.tasks.issue([task, field], message)];
    return files.crews === undefined ? [] : [files.crews.issue([crew.id, field], message)];
  });
}

/** Crews whose memory is read are there. */
function memoryChecks(file: NonNullable<RawFiles['crews']>, id: string, entry: Entry): readonly ConfigIssue[] {
  const crews = entries(file.value);
  return namedItems(asEntry(entry['memory'])?.['reads']).flatMap(([i, name]) =>
    crews.has(name)
      ? []
      : [
          file.issue(
            [id, 'memory', 'reads', i],
            `crew ${id}: '${name}' is not a crew${didYouMean(name, crews.keys())}`,
          ),
        ],
  );
}

function managerChecks(
  files: RawFiles,
  id: string,
  entry: Entry,
  agents: ReadonlyMap<string, Entry>,
): readonly ConfigIssue[] {
  const crews = files.crews;
  if (crews === undefined) return [];
  const manager = entry['manager_agent'];
  if (typeof manager === 'string' && !agents.has(manager.trim())) {
    return [
      crews.issue(
        [id, 'manager_agent'],
        `crew ${id}: '${manager}' is not an agent${didYouMean(manager, agents.keys())}`,
      ),
    ];
  }
  if (entry['process'] === 'hierarchical' && typeof manager !== 'string' && typeof entry['manager_llm'] !== 'string') {
    return [crews.issue([id, 'process'], `crew ${id}: a hierarchical crew needs manager_agent or manager_llm`)];
  }
  return [];
}

/** A task's agent belongs to the crew. */
function memberChecks(files: RawFiles, tasks: ReadonlyMap<string, Entry>, crew: CrewView): readonly ConfigIssue[] {
  const { agents } = crew;
  if (agents === null || files.crews === undefined) return [];
  const { crews } = files;
  return crew.tasks.flatMap((name) => {
    const agent = tasks.get(name)?.['agent'];
    if (typeof agent !== 'string' || agents.includes(agent.trim())) return [];
    return [
      crews.issue([crew.id, 'agents'], `crew ${crew.id}: agent ${agent} of task ${name} is not among its agents`),
    ];
  });
}

/** Every task has somebody to do it, and sees only tasks of its crew: in a sequential one, earlier tasks. */
function orderChecks(files: RawFiles, tasks: ReadonlyMap<string, Entry>, crew: CrewView): readonly ConfigIssue[] {
  return crew.tasks.flatMap((name, position) => {
    const task = tasks.get(name) ?? {};
    const issues: ConfigIssue[] = [];
    if ((task['agent'] === undefined || task['agent'] === null) && crew.process !== 'hierarchical') {
      issues.push(
        files.tasks.issue(
          [name],
          `task ${name}: has no agent, and crew ${crew.id} is not hierarchical${whoCould(files.agents.value)}`,
          'key',
        ),
      );
    }
    for (const [i, other] of namedItems(task['context'])) {
      if (!tasks.has(other)) continue;
      const at = crew.tasks.indexOf(other);
      if (at < 0) {
        issues.push(
          files.tasks.issue(
            [name, 'context', i],
            `task ${name}: its context ${other} is not a task of crew ${crew.id}`,
          ),
        );
      } else if (crew.process === 'sequential' && at > position) {
        issues.push(
          files.tasks.issue(
            [name, 'context', i],
            `task ${name}: its context ${other} comes later in the sequential crew ${crew.id}`,
          ),
        );
      }
    }
    return issues;
  });
}

function whoCould(agents: unknown): string {
  const ids = [...entries(agents).keys()];
  return ids.length === 0 ? '' : `: write 'agent:' below it, with one of ${ids.join(', ')}`;
}
