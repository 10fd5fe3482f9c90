/** A task as far as the rules look at it. */
export interface RuledTask {
  readonly id: string;
  readonly context: readonly string[];
  readonly async_execution: boolean;
  readonly conditional: boolean;
}

/** A crew as far as the rules look at it; its tasks in order. */
export interface RuledCrew {
  readonly id: string;
  readonly process: string;
  readonly manager_agent: string | null;
  /** As listed; null when they are those of the tasks. */
  readonly agents: readonly string[] | null;
  readonly tasks: readonly RuledTask[];
}

/** What is wrong, and where: a field of the crew, or of one of its tasks. */
export interface RuleBreach {
  readonly task: string | null;
  readonly field: string;
  readonly message: string;
}

/**
 * The rules by which CrewAI accepts a crew, beyond names that exist. Those of order hold for sequential crews: a
 * parallel one waits for exactly what its context names.
 */
export function ruleBreaches(crew: RuledCrew): readonly RuleBreach[] {
  return [...conditionRules(crew), ...managerRules(crew), ...(crew.process === 'sequential' ? asyncRules(crew) : [])];
}

function conditionRules({ id, process, tasks }: RuledCrew): readonly RuleBreach[] {
  const breach = (task: string, field: string, message: string): RuleBreach => ({ task, field, message });
  const [first] = tasks;
  if (first !== undefined && tasks.every((t) => t.conditional)) {
    return [breach(first.id, 'condition', `crew ${id}: every task has a condition; at least one must always run`)];
  }
  const opening =
    process === 'sequential' && first?.conditional === true
      ? [breach(first.id, 'condition', `task ${first.id}: the first task of crew ${id} has nothing to compare with`)]
      : [];
  const beside = tasks
    .filter((t) => process === 'sequential' && t.conditional && t.async_execution)
    .map((t) => breach(t.id, 'async_execution', `task ${t.id}: a task with a condition cannot be async_execution`));
  return [...opening, ...beside];
}

function managerRules({ id, process, manager_agent: manager, agents }: RuledCrew): readonly RuleBreach[] {
  if (process !== 'hierarchical' || manager === null || agents === null || !agents.includes(manager)) return [];
  const message = `crew ${id}: its manager ${manager} does none of the work, so it is not one of its agents`;
  return [{ task: null, field: 'agents', message }];
}

function asyncRules({ id, tasks }: RuledCrew): readonly RuleBreach[] {
  const breaches: RuleBreach[] = [];
  const lastSync = tasks.findLastIndex((t) => !t.async_execution);
  const ending = tasks.slice(lastSync + 1);
  const second = ending[1];
  if (second !== undefined) {
    const names = ending.map((t) => t.id).join(', ');
    const message = `task ${second.id}: at most one async_execution task may end the sequential crew ${id} (${names}); use process: parallel`;
    breaches.push({ task: second.id, field: 'async_execution', message });
  }
  tasks.forEach((task, at) => {
    if (!task.async_execution) return;
    // Those that run side by side: back to the last task that was waited for.
    const from = tasks.slice(0, at).findLastIndex((t) => !t.async_execution) + 1;
    const beside = tasks.slice(from, at).find((t) => task.context.includes(t.id));
    if (beside === undefined) return;
    const message = `task ${task.id}: it runs beside ${beside.id}, so it cannot have its output as context; use process: parallel`;
    breaches.push({ task: task.id, field: 'context', message });
  });
  return breaches;
}
