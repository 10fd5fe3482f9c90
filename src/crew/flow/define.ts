import { z } from 'zod';
import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { parseCron } from '../schedule/cron.ts';
import type { FlowContext } from './context.ts';
import type { FlowMigration, MigratingFlow } from './migration.ts';
import type { FlowState } from './state.ts';
import { type FlowTrigger, namesIn } from './trigger.ts';

/** What starts a flow by itself. Durations are seconds. */
export type FlowSchedule =
  | { readonly cron: string; readonly timezone?: string | undefined }
  | { readonly every: number }
  | { readonly event: string };

/** One method of a flow. */
export interface FlowMethodDefinition<S> {
  /** It runs when the flow is started. */
  readonly start?: boolean | undefined;
  /** It runs when this is met; a start method may have it too, for the rounds after the first. */
  readonly on?: FlowTrigger | undefined;
  /** The routes of a router: `run` returns one of them, and methods wait for it by its name. */
  readonly routes?: readonly string[] | undefined;
  /** How often it may run in one flow. Default: the flow's. */
  readonly maxRuns?: number | undefined;
  /** For drawings: what it does. */
  readonly label?: string | undefined;
  /** Returns what the methods that wait for it get as `input`. */
  readonly run: (context: FlowContext<S>) => unknown;
}

export interface FlowMethod<S = FlowState> {
  readonly id: string;
  readonly start: boolean;
  readonly on: FlowTrigger | null;
  readonly routes: readonly string[] | null;
  readonly maxRuns: number;
  readonly label: string | null;
  readonly run: (context: FlowContext<S>) => unknown;
}

/** A flow: methods that start each other, over a typed state. */
export interface FlowDefinition {
  readonly id: string;
  readonly description: string;
  readonly schedule: FlowSchedule | null;
  readonly enabled: boolean;
  readonly methods: readonly FlowMethod[];
  /** The state at the start, from the inputs. Throws ZodError when they do not fit. */
  readonly begin: (inputs: Readonly<Record<string, unknown>>) => FlowState;
  /** A state as its schema has it. Throws ZodError when it does not fit. */
  readonly check: (state: FlowState) => FlowState;
  /** The state after an update, unchecked. */
  readonly merge: (state: FlowState, update: FlowState) => FlowState;
  /** What becomes of a run that was begun on other methods; null: it is refused. */
  readonly migrate: ((run: MigratingFlow) => FlowMigration | null | Promise<FlowMigration | null>) | null;
}

/** How a field of the state takes up an update; without one the update takes its place. */
export type FlowReducers<S> = { readonly [K in keyof S]?: (known: S[K], update: S[K]) => S[K] };

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/;
const MAX_RUNS = 100;

/**
 * Defines a flow. Throws InvalidInput for a flow without a start, a trigger that nothing sets off, a method that nothing
 * starts, and names that are used twice.
 *
 * @example
 * ```ts
 * const flow = defineFlow({
 *   id: 'draft_until_good',
 *   state: z.object({ rounds: z.number().default(0), text: z.string().default('') }),
 *   methods: {
 *     write: {
 *       start: true,
 *       on: 'again',
 *       run: async ({ state, update, agent }) => {
 *         const { output } = await agent('writer', { prompt: `Improve: ${state.text}` });
 *         update({ text: String(output), rounds: state.rounds + 1 });
 *       },
 *     },
 *     judge: { on: 'write', routes: ['again', 'good'], run: ({ state }) => (state.rounds < 3 ? 'again' : 'good') },
 *     publish: { on: 'good', run: ({ state }) => state.text },
 *   },
 * });
 * ```
 */
export function defineFlow<Shape extends z.ZodObject = z.ZodObject>(definition: {
  readonly id: string;
  readonly description?: string | undefined;
  readonly state?: Shape | undefined;
  readonly reducers?: FlowReducers<z.output<Shape>> | undefined;
  readonly schedule?: FlowSchedule | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Asked when a run that was begun on other methods is resumed: says what of it stands and what runs next. Null: it is refused, as without this function. */
  readonly migrate?: FlowDefinition['migrate'] | undefined;
  /** How often each method may run in one flow. Default 100. */
  readonly maxRuns?: number | undefined;
  readonly methods: Readonly<Record<string, FlowMethodDefinition<z.output<Shape> & { readonly id: string }>>>;
}): FlowDefinition {
  const { id, maxRuns = MAX_RUNS } = definition;
  const methods = Object.entries(definition.methods).map(
    ([name, method]): FlowMethod => ({
      id: name,
      start: method.start ?? false,
      on: method.on ?? null,
      routes: method.routes ?? null,
      maxRuns: method.maxRuns ?? maxRuns,
      label: method.label ?? null,
      // The state that a method sees was parsed by the schema of this definition.
      run: method.run as unknown as FlowMethod['run'],
    }),
  );
  const problems = flowProblems(id, methods);
  if (problems.length > 0) throw new InvalidInput(`flow ${id}: ${problems.map((p) => p.message).join('; ')}`);
  const schedule = definition.schedule ?? null;
  if (schedule !== null && 'cron' in schedule) parseCron(schedule.cron, schedule.timezone);
  const schema: z.ZodType<FlowState> = (definition.state ?? z.looseObject({})).loose();
  const reducers = new Map(Object.entries(definition.reducers ?? {}));
  const flow: FlowDefinition = {
    id,
    description: definition.description ?? '',
    schedule,
    enabled: definition.enabled ?? true,
    methods,
    migrate: definition.migrate ?? null,
    begin: (inputs) => schema.parse(inputs),
    check: (state) => schema.parse(state),
    merge: (state, update) => {
      const merged: Record<string, unknown> = { ...state };
      for (const [key, value] of Object.entries(update)) {
        const reduce = reducers.get(key) as ((known: unknown, update: unknown) => unknown) | undefined;
        merged[key] = reduce === undefined ? value : reduce(state[key], value);
      }
      return merged;
    },
  };
  return Object.freeze(flow);
}

/** What is wrong with a flow's methods, and at which of them. */
export function flowProblems(
  id: string,
  methods: readonly Pick<FlowMethod, 'id' | 'start' | 'on' | 'routes'>[],
): readonly { readonly method: string | null; readonly field: string; readonly message: string }[] {
  const names = methods.map((m) => m.id);
  const routes = methods.flatMap((m) => m.routes ?? []);
  const known = [...names, ...routes];
  const problem = (method: string | null, field: string, message: string) => ({ method, field, message });
  const found = [];
  if (!NAME.test(id)) found.push(problem(null, 'id', `'${id}' is not an id: a letter, then letters, digits, _ or -`));
  if (!methods.some((m) => m.start)) found.push(problem(null, 'steps', 'no method is a start'));
  for (const method of methods) {
    if (!NAME.test(method.id)) found.push(problem(method.id, 'id', `method '${method.id}' is not an id`));
    if (!method.start && method.on === null)
      found.push(problem(method.id, 'after', `nothing starts method ${method.id}`));
    for (const name of method.on === null ? [] : namesIn(method.on)) {
      if (known.includes(name)) continue;
      const hint = didYouMean(name, known);
      found.push(
        problem(method.id, 'after', `method ${method.id} waits for '${name}', which is no method and no route${hint}`),
      );
    }
    if (method.routes?.length === 0) found.push(problem(method.id, 'routes', `router ${method.id} has no routes`));
    for (const route of method.routes ?? []) {
      if (names.includes(route)) {
        found.push(problem(method.id, 'routes', `route '${route}' of ${method.id} has the name of a method`));
      }
    }
  }
  return found;
}
