import { z } from 'zod';
import { InvalidInput } from '../../kit/errors.ts';
import { describeIssues, pathText } from '../../kit/schema-issues.ts';
import type { GuardrailSubject, GuardrailVerdict } from '../agent/guardrail.ts';
import type { TaskOutput } from '../agent/output.ts';
import { agentSchema, idSchema, taskSchema } from '../config/crew-schemas.ts';
import { toAgent, toTask } from '../config/specs.ts';
import type { ConditionContext } from '../hooks.ts';
import type { CodeQuestion } from '../question/task-question.ts';
import type { CrewModel } from '../model/model.ts';
import type { AgentSpec, TaskCondition, TaskSpec } from '../spec.ts';
import type { TripwireFunctions } from '../tripwire/of-run.ts';
import type { PlaceholdersOf } from './infer.ts';
import { askedAs, questionsOf, type TaskAsk } from './task-ask.ts';
import { type CodeTool, givenBy, type Toolset } from './toolset.ts';
import { type GivenParser, parserOfGiven } from './parse-given.ts';
import { type CodeTripwires, namedTripwires } from './tripwires.ts';

type Eventually<T> = T | Promise<T>;

const NO_QUESTIONS: Readonly<Record<string, TaskAsk>> = {};
const NO_TOOLSETS: readonly Toolset[] = [];
const NO_TRIPWIRES = namedTripwires('', {});
const parseAgent = parserOfGiven(agentSchema);
const parseTask = parserOfGiven(taskSchema);

/** Fields of agents.yaml that are given as objects in code. */
type AgentObjects =
  | 'id'
  | 'role'
  | 'goal'
  | 'backstory'
  | 'tools'
  | 'toolsets'
  | 'llm'
  | 'llm_fallbacks'
  | 'permission_role'
  | 'tripwires';

/** An agent as code writes it: the fields of agents.yaml, with tools and models as objects or by name. */
export interface AgentDefinition<Id extends string, Text extends string>
  extends Partial<Omit<AgentSpec, AgentObjects>> {
  readonly id: Id;
  /** May hold {placeholders}, as goal and backstory may. */
  readonly role: Text;
  readonly goal: Text;
  readonly backstory: Text;
  /** What it may use. To list a tool here is to grant it; every other tool is denied. */
  readonly tools?: readonly CodeTool[] | undefined;
  /** Groups of tools (`defineToolset`): all of each is granted, as if it stood in `tools`. */
  readonly toolsets?: readonly Toolset[] | undefined;
  /** `openai:gpt-5`, or a model made by the host; the crew's unless given. */
  readonly llm?: string | CrewModel | undefined;
  readonly llm_fallbacks?: readonly (string | CrewModel)[] | undefined;
  /** What looks at what it is given, answers and calls, and may end the run. */
  readonly tripwires?: CodeTripwires | undefined;
}

/** A checked agent; give it to tasks and crews. `Names` are its placeholders. */
export interface Agent<Id extends string = string, Names extends string = string> {
  readonly id: Id;
  readonly spec: AgentSpec;
  readonly tools: readonly CodeTool[];
  readonly models: readonly CrewModel[];
  readonly tripwires: TripwireFunctions;
  /** For the compiler alone. */
  readonly '~names'?: Names;
}

/**
 * Defines an agent. Throws InvalidInput that lists every field that is wrong.
 *
 * @example
 * ```ts
 * const analyst = defineAgent({
 *   id: 'analyst',
 *   role: 'Analyst of {topic}',
 *   goal: 'Say what is known',
 *   backstory: 'You read sources, not summaries.',
 *   tools: [lookUp],
 *   llm: 'openai:gpt-5-mini',
 * });
 * ```
 */
export function defineAgent<const Id extends string, const Text extends string>(
  definition: AgentDefinition<Id, Text>,
): Agent<Id, PlaceholdersOf<Text>> {
  const { id, toolsets = NO_TOOLSETS, llm, llm_fallbacks: fallbacks = [], tripwires } = definition;
  const named = definition.tools ?? [];
  const tools = toolsets.length === 0 ? named : [...new Set([...named, ...toolsets.flatMap((set) => set.tools)])];
  const wires = tripwires === undefined ? NO_TRIPWIRES : namedTripwires(`agent.${id}`, tripwires);
  const models = [llm, ...fallbacks].filter((model) => typeof model === 'object');
  const fields: Record<string, unknown> = { ...definition };
  delete fields['id'];
  fields['tools'] = named.map((tool) => tool.name);
  fields['toolsets'] = toolsets.length === 0 ? undefined : toolsets.map((set) => set.id);
  fields['llm'] = llm === undefined ? undefined : modelName(llm);
  fields['llm_fallbacks'] = fallbacks.length === 0 ? undefined : fallbacks.map(modelName);
  fields['permission_role'] = roleOf(id);
  fields['tripwires'] = tripwires === undefined ? undefined : wires.value;
  const value = parsed(`agent ${id}`, id, agentSchema, parseAgent, fields);
  const spec = toAgent(id, value, same, toolsets.length === 0 ? undefined : givenBy(id, toolsets));
  return Object.freeze({ id, spec, tools: Object.freeze([...tools]), models, tripwires: wires.functions });
}

/** Name of the role that holds what an agent's own list grants. */
export function roleOf(agentId: string): string {
  return `code:${agentId}`;
}

type TaskObjects =
  | 'id'
  | 'description'
  | 'expected_output'
  | 'agent'
  | 'context'
  | 'tools'
  | 'guardrails'
  | 'condition'
  | 'callback'
  | 'ask'
  | 'output_json';

/** A rule in words, which a model judges, or a function. */
export type CodeGuardrail = string | ((subject: GuardrailSubject) => Eventually<GuardrailVerdict>);

type ConditionFunction = (context: ConditionContext) => boolean;

/** A task as code writes it: the fields of tasks.yaml, with agent, context, schema and functions as objects. */
export interface TaskDefinition extends Partial<Omit<TaskSpec, TaskObjects>> {
  readonly id: string;
  /** May hold {placeholders}, as expected_output may. */
  readonly description: string;
  readonly expected_output: string;
  /** Who does it; may be left out where a manager decides. */
  readonly agent?: Agent | undefined;
  /** Tasks whose outputs it sees. */
  readonly context?: readonly AnyTask[] | undefined;
  /** Tools for this task alone, out of its agent's. */
  readonly tools?: readonly CodeTool[] | undefined;
  /** The answer's schema; the run's typed output is what it parses. Without one it is text, or what it parses to when it is JSON. */
  readonly output?: z.ZodType | undefined;
  readonly guardrails?: readonly CodeGuardrail[] | undefined;
  /** What a person is asked before the agent begins, all at once. An answer is an input of the task under its name. */
  readonly ask?: Readonly<Record<string, TaskAsk>> | undefined;
  /** The task runs only when this holds; its output is null else. */
  readonly condition?: TaskCondition | ConditionFunction | undefined;
  readonly callback?: ((output: TaskOutput) => Eventually<void>) | undefined;
}

/** A checked task. `Names` are the placeholders of its texts and of its agent's; `Out` is its output. */
export interface Task<Id extends string = string, Names extends string = string, Out = unknown> {
  readonly id: Id;
  readonly spec: TaskSpec;
  readonly agent: Agent | undefined;
  readonly context: readonly AnyTask[];
  readonly schema: z.ZodType | undefined;
  readonly guardrails: Readonly<Record<string, (subject: GuardrailSubject) => Eventually<GuardrailVerdict>>>;
  readonly condition: ((context: ConditionContext) => boolean) | undefined;
  readonly callback: ((output: TaskOutput) => Eventually<void>) | undefined;
  readonly questions: Readonly<Record<string, CodeQuestion>>;
  /** For the compiler alone. */
  readonly '~names'?: Names;
  readonly '~output'?: Out;
}

/** Any task, whatever its placeholders and output. */
export type AnyTask = Task;

type AskedBy<D extends TaskDefinition> = D extends { readonly ask: infer Asked extends object } ? keyof Asked : never;
type NamesOf<D extends TaskDefinition> =
  | Exclude<PlaceholdersOf<D['description'] | D['expected_output']>, AskedBy<D>>
  | (D extends { readonly agent: Agent<string, infer Names> } ? Names : never);
type OutputOf<D extends TaskDefinition> =
  | (D extends { readonly output: infer S extends z.ZodType } ? z.output<S> : unknown)
  | (D extends { readonly condition: object } ? null : never);

/** The task that a definition makes. */
export type TaskOf<D extends TaskDefinition> = Task<D['id'], NamesOf<D>, OutputOf<D>>;

/** Refuses fields that `Known` does not have: a generic definition would let a slip of the pen pass. */
type NoMore<D, Known> = D & Readonly<Record<Exclude<keyof D, keyof Known>, never>>;

/**
 * Defines a task. With `output`, the schema also checks the answer as the first guardrail: what zod refuses goes back
 * to the agent in zod's words. Throws InvalidInput that lists every field that is wrong, and for a schema that JSON
 * Schema cannot say.
 *
 * @example
 * ```ts
 * const report = defineTask({
 *   id: 'report',
 *   description: 'Report on {topic}.',
 *   expected_output: 'A headline and up to five points.',
 *   agent: analyst,
 *   output: z.object({ headline: z.string(), points: z.array(z.string()).max(5) }),
 * });
 * ```
 */
export function defineTask<const D extends TaskDefinition>(definition: NoMore<D, TaskDefinition>): TaskOf<D> {
  const {
    id,
    agent,
    context = [],
    tools,
    output,
    guardrails = [],
    condition,
    callback,
    ask = NO_QUESTIONS,
    ...fields
  }: TaskDefinition = definition;
  const name = (position: number): string => `${id}.rule${position + 1}`;
  const functions = guardrails.flatMap((g, i) => (typeof g === 'function' ? [[name(i), g] as const] : []));
  const schemaRule = `${id}.schema`;
  const rules = guardrails.map((g, i) => (typeof g === 'function' ? name(i) : g));
  const value = parsed(`task ${id}`, id, taskSchema, parseTask, {
    ...fields,
    agent: agent?.id ?? null,
    context: context.map((task) => task.id),
    tools: tools?.map((tool) => tool.name) ?? null,
    guardrails: output === undefined ? rules : [schemaRule, ...rules],
    condition: isFunction(condition) ? `${id}.condition` : (condition ?? null),
    callback: callback === undefined ? null : `${id}.callback`,
    output_json: output === undefined ? null : jsonSchemaOf(id, output),
    ask: askedAs(ask),
  });
  const schemaCheck = output === undefined ? [] : [[schemaRule, parseCheck(output)] as const];
  return Object.freeze({
    id,
    spec: toTask(id, value, same),
    agent,
    context: Object.freeze([...context]),
    schema: output,
    guardrails: Object.freeze(Object.fromEntries([...schemaCheck, ...functions])),
    condition: isFunction(condition) ? condition : undefined,
    callback,
    questions: questionsOf(id, ask),
  });
}

function isFunction(condition: TaskCondition | ConditionFunction | undefined): condition is ConditionFunction {
  return typeof condition === 'function';
}

function same(name: string): string {
  return name;
}

function modelName(model: string | CrewModel): string {
  return typeof model === 'string' ? model : model.name;
}

/** Passes an answer that the schema takes; else says, in zod's words, what is to be mended. */
function parseCheck(schema: z.ZodType): (subject: GuardrailSubject) => Promise<GuardrailVerdict> {
  return async ({ output }) => {
    const result = await schema.safeParseAsync(output);
    return result.success ? { ok: true } : { ok: false, message: z.prettifyError(result.error) };
  };
}

function jsonSchemaOf(id: string, schema: z.ZodType): Record<string, unknown> {
  try {
    // The input side: what the model writes, before transforms and defaults.
    const { $schema: _, '~standard': __, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    return rest;
  } catch (cause) {
    throw new InvalidInput(`task ${id}: its output schema has no JSON Schema: ${String(cause)}`, { cause });
  }
}

function parsed<T extends z.ZodObject>(
  what: string,
  id: string,
  schema: T,
  parse: GivenParser<T>,
  fields: Readonly<Record<string, unknown>>,
): z.output<T> {
  const badId = idSchema.safeParse(id).success ? [] : [`'${id}' is not an id: a letter, then letters, digits, _ or -`];
  const result = parse(fields);
  const issues = result.success
    ? []
    : describeIssues(schema, result.given, result.error).map(({ path, message }) =>
        path.length === 0 ? message : `${pathText(path)}: ${message}`,
      );
  const all = [...badId, ...issues];
  if (all.length > 0 || !result.success) throw new InvalidInput(`${what}: ${all.join('; ')}`);
  return result.data;
}
