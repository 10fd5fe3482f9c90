import { InvalidInput } from '../../kit/errors.ts';
import { describeIssues, pathText } from '../../kit/schema-issues.ts';
import { crewSchema, idSchema } from '../config/crew-schemas.ts';
import { toCrew } from '../config/specs.ts';
import type { CrewModel } from '../model/model.ts';
import { ruleBreaches } from '../rules.ts';
import type { ForEachOptions, KickoffOptions } from '../run/contract.ts';
import type { RunDocument } from '../run/document.ts';
import type { CrewSpec } from '../spec.ts';
import type { Agent, AnyTask, Task } from './define.ts';
import type { RunStream, RunStreamOptions } from './local-stream.ts';
import type { CrewDefinition, CrewParts } from './parts.ts';
import { type CrewHost, type HostOptions, openCrewHost } from './host.ts';
import type { InputsFor } from './infer.ts';
import { namedTripwires } from './tripwires.ts';

type NamesIn<Tasks extends readonly AnyTask[]> = Tasks[number] extends Task<string, infer Names> ? Names : never;
type OutputsOf<Tasks extends readonly AnyTask[]> = {
  readonly [T in Tasks[number] as T['id']]: T extends Task<string, string, infer Out> ? Out : never;
};

/** What a kickoff came to. `outputs` are typed by the tasks' schemas; of a run that did not complete, those there are. */
export type CrewResult<Tasks extends readonly AnyTask[]> =
  | { readonly status: 'completed'; readonly outputs: OutputsOf<Tasks>; readonly document: RunDocument }
  | {
      readonly status: Exclude<RunDocument['status'], 'completed'>;
      readonly outputs: { readonly [K in keyof OutputsOf<Tasks>]: OutputsOf<Tasks>[K] | null };
      readonly document: RunDocument;
    };

type Inputs<Tasks extends readonly AnyTask[]> = InputsFor<NamesIn<Tasks>>;
/** Nothing needs to be given where no text has a placeholder. */
type Arguments<Tasks extends readonly AnyTask[], Options = KickoffOptions> = [NamesIn<Tasks>] extends [never]
  ? [inputs?: Inputs<Tasks>, options?: Options]
  : [inputs: Inputs<Tasks>, options?: Options];

/** A crew that can be run. */
export interface Crew<Tasks extends readonly AnyTask[]> extends CrewParts<Tasks> {
  /**
   * Runs the crew to its end, on a host in memory that is opened at the first call; `openCrewHost` gives another.
   * Resolves for failed, waiting and cancelled runs too: `status` tells. Throws InvalidInput for a missing input.
   */
  kickoff(...given: Arguments<Tasks>): Promise<CrewResult<Tasks>>;
  /** Runs it once for each of the inputs; see `CrewRunner.kickoffForEach`. */
  kickoffForEach(
    inputs: readonly Inputs<Tasks>[],
    options?: ForEachOptions,
  ): Promise<readonly (CrewResult<Tasks> | Error)[]>;
  /** Starts the crew and gives what happens in it as it comes: iterate the result. Throws as `kickoff`. */
  stream(...given: Arguments<Tasks, RunStreamOptions>): Promise<RunStream>;
  /** The same crew on a host of these options. */
  on(options: Omit<HostOptions, 'crews'>): Crew<Tasks>;
  /** The host that it runs on; its runner resumes, cancels and lists runs. */
  readonly host: CrewHost;
}

/**
 * Defines a crew. The rules by which it is checked are those of the YAML files. Throws InvalidInput that lists all
 * that is wrong: fields, two parts of one id, an order that cannot be run.
 *
 * @example
 * ```ts
 * const desk = defineCrew({ id: 'desk', tasks: [look, report], llm: 'openai:gpt-5-mini' });
 * const { status, outputs, document } = await desk.kickoff({ topic: 'funding rates' });
 * if (status === 'completed') console.log(outputs.report.headline, document.usage.total_tokens);
 * ```
 */
export function defineCrew<const Tasks extends readonly AnyTask[]>(definition: CrewDefinition<Tasks>): Crew<Tasks> {
  const agents = agentsOf(definition);
  const spec = specOf(definition, agents);
  const tripwires = namedTripwires(`crew.${definition.id}`, definition.tripwires).functions;
  const open = (options: Omit<HostOptions, 'crews'>): Crew<Tasks> => {
    let opened: CrewHost | undefined;
    const crew: Crew<Tasks> = {
      id: spec.id,
      spec,
      definition,
      agents,
      tripwires,
      on: open,
      get host() {
        return (opened ??= openCrewHost({ ...options, crews: [crew] }));
      },
      kickoff: async (...given) => {
        const [inputs, options]: readonly [Inputs<Tasks>?, KickoffOptions?] = given;
        return resultOf(definition, await crew.host.runner.kickoff(spec.id, inputs ?? {}, options));
      },
      kickoffForEach: async (inputs, options) => {
        const each = await crew.host.runner.kickoffForEach(spec.id, inputs, options);
        return Promise.all(each.map(async (one) => (one.ok ? resultOf(definition, one.document) : one.error)));
      },
      stream: (...given) => {
        const [inputs, options]: readonly [Inputs<Tasks>?, RunStreamOptions?] = given;
        return crew.host.stream(spec.id, inputs ?? {}, options);
      },
    };
    return Object.freeze(crew);
  };
  return open({});
}

/** Members in order of appearance. The manager is none of them. */
function agentsOf(definition: CrewDefinition<readonly AnyTask[]>): readonly Agent[] {
  const given = definition.agents ?? definition.tasks.flatMap((task) => task.agent ?? []);
  return [...new Set(given)].filter((agent) => agent !== definition.manager);
}

function specOf(definition: CrewDefinition<readonly AnyTask[]>, agents: readonly Agent[]): CrewSpec {
  const { id, tasks, manager, manager_llm: managerModel, planning_llm: planningModel, ...rest } = definition;
  const { agents: _, llm: __, playbook: ___, hooks: ____, tripwires: wires, graph, ...fields } = rest;
  const value = {
    ...fields,
    process: graph === undefined ? fields.process : 'graph',
    tripwires: namedTripwires(`crew.${id}`, wires).value,
    agents: agents.map((agent) => agent.id),
    tasks: tasks.map((task) => task.id),
    manager_agent: manager?.id ?? null,
    manager_llm: nameOf(managerModel),
    planning_llm: nameOf(planningModel),
  };
  const given = Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined));
  const result = crewSchema.safeParse(given);
  const problems = [
    ...(idSchema.safeParse(id).success ? [] : [`'${id}' is not an id: a letter, then letters, digits, _ or -`]),
    ...(result.success
      ? []
      : describeIssues(crewSchema, given, result.error).map(({ path, message }) => `${pathText(path)}: ${message}`)),
    ...structureProblems(definition, agents),
  ];
  if (problems.length > 0 || !result.success) throw new InvalidInput(`crew ${id}: ${problems.join('; ')}`);
  return toCrew(
    id,
    result.data,
    tasks.map((task) => task.spec),
  );
}

function nameOf(model: string | CrewModel | undefined): string | null {
  if (model === undefined) return null;
  return typeof model === 'string' ? model : model.name;
}

/** What the YAML checks find by name is looked for here by identity. */
function structureProblems(
  {
    id,
    tasks,
    manager,
    manager_llm: managerModel,
    process: chosen = 'sequential',
    graph,
  }: CrewDefinition<readonly AnyTask[]>,
  agents: readonly Agent[],
): readonly string[] {
  const process = graph === undefined ? chosen : 'graph';
  const twice = (what: string, parts: readonly { readonly id: string }[]): readonly string[] =>
    parts
      .filter((part, i) => parts.findIndex((other) => other.id === part.id) < i)
      .map((part) => `two ${what} have the id ${part.id}`);
  const order = tasks.flatMap((task, position) => {
    const { agent } = task;
    const lonely =
      agent === undefined && process !== 'hierarchical' ? [`task ${task.id} has no agent, and nobody manages`] : [];
    const foreign =
      agent === undefined || agents.includes(agent) ? [] : [`agent ${agent.id} of task ${task.id} is not a member`];
    const context = task.context.flatMap((other) => {
      const at = tasks.indexOf(other);
      if (at < 0) return [`context ${other.id} of task ${task.id} is not a task of the crew`];
      return process === 'sequential' && at > position ? [`context ${other.id} of task ${task.id} comes later`] : [];
    });
    return [...lonely, ...foreign, ...context];
  });
  const leaderless =
    process === 'hierarchical' && manager === undefined && managerModel === undefined
      ? ['a hierarchical crew needs manager or manager_llm']
      : [];
  const breaches = ruleBreaches({
    id,
    process,
    manager_agent: manager?.id ?? null,
    agents: agents.map((agent) => agent.id),
    tasks: tasks.map((task) => ({
      id: task.id,
      context: task.spec.context,
      async_execution: task.spec.async_execution,
      conditional: task.spec.condition !== null,
    })),
  });
  return [
    ...twice('tasks', tasks),
    ...twice('agents', manager === undefined ? agents : [...agents, manager]),
    ...leaderless,
    ...order,
    ...breaches.map((breach) => breach.message),
  ];
}

/** Outputs as the schemas parse them: the guardrail has seen them pass, so a failure here is a bug and surfaces. */
async function resultOf<Tasks extends readonly AnyTask[]>(
  { tasks }: CrewDefinition<Tasks>,
  document: RunDocument,
): Promise<CrewResult<Tasks>> {
  const outputs = await Promise.all(
    tasks.map(async ({ id, schema }) => {
      const task = document.tasks.find((t) => t.id === id);
      if (task?.status !== 'completed') return [id, null] as const;
      return [id, schema === undefined ? task.output : await schema.parseAsync(task.output)] as const;
    }),
  );
  // The keys are the tasks' ids and each value was parsed by its task's schema.
  return { status: document.status, outputs: Object.fromEntries(outputs), document } as unknown as CrewResult<Tasks>;
}
