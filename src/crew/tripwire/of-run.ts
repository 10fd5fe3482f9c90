import { z } from 'zod';
import { NotFound } from '../../kit/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { createRedactor, type Redactor } from '../../kit/redact.ts';
import type { AgentSpec, CrewSpec, TaskSpec, TripwireSpec, TripwireSpecs } from '../spec.ts';
import { askTripwires } from './ask.ts';
import { type Trip, type Tripwire, type TripwireCheck, type TripwirePlace, TripwireTripped } from './contract.ts';
import { denyDetector, lengthDetector, secretsDetector } from './detectors.ts';

/** Functions by the names that `tripwires` use. */
export type TripwireFunctions = Readonly<Record<string, TripwireCheck>>;

/** Whose value it is; null: the crew's own, at the kickoff and at the end. */
export interface TripwireOwner {
  readonly task: TaskSpec;
  readonly agent: AgentSpec;
}

/** The tripwires of one run. */
export interface RunTripwires {
  /** Whether anything looks at what an agent is given, answers or calls. */
  guards(where: TripwirePlace, agent: AgentSpec): boolean;
  /**
   * The value to go on with. Throws TripwireTripped, after which the whole run ends; and the reason of the run's signal
   * when that ended meanwhile. `schema` is that of an answer.
   */
  pass<T>(
    where: TripwirePlace,
    owner: TripwireOwner | null,
    value: T,
    schema?: Readonly<Record<string, unknown>> | null,
  ): Promise<T>;
}

export interface RunTripwireParts {
  readonly runId: string;
  readonly crew: CrewSpec;
  readonly functions: TripwireFunctions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly signal: AbortSignal;
  /** Without one, secrets are known by their looks alone. */
  readonly redactor?: Redactor | undefined;
  /** Ends the run at once. */
  readonly tripped: (error: TripwireTripped) => void;
}

const FORMS = {
  input: z.object({
    inputs: z.record(z.string(), z.unknown()),
    context: z.array(z.object({ task: z.string(), output: z.unknown() })),
    instruction: z.string().optional(),
  }),
  tool_call: z.object({ tool: z.string(), args: z.record(z.string(), z.unknown()) }),
} as const;

/** Makes the tripwires of a run. */
export function createRunTripwires(parts: RunTripwireParts): RunTripwires {
  const { crew, events, runId } = parts;
  const { of } = createTripwires(parts);
  // An agent's input is its own affair; what comes out of any agent is the crew's too.
  const wiresOf = (where: TripwirePlace, agent: AgentSpec | null): readonly TripwireSpec[] => {
    if (where === 'input') return agent === null ? crew.tripwires.input : agent.tripwires.input;
    return [...(agent?.tripwires[where] ?? []), ...crew.tripwires[where]];
  };
  return {
    guards: (where, agent) => wiresOf(where, agent).length > 0,
    pass: async <T>(
      where: TripwirePlace,
      owner: TripwireOwner | null,
      value: T,
      schema: Readonly<Record<string, unknown>> | null = null,
    ): Promise<T> => {
      const specs = wiresOf(where, owner?.agent ?? null);
      if (specs.length === 0) return value;
      const at = { task: owner?.task.id ?? null, agent: owner?.agent.id ?? null };
      const asked = await askTripwires(
        specs.map((spec, i) => of(spec, where, i)),
        { where, crew: crew.id, ...at, value },
        { ...parts, misfit: (rewritten) => misfit(where, value, rewritten, schema) },
      );
      const place = { run_id: runId, crew: crew.id, task_id: at.task, agent_id: at.agent, where };
      if ('trip' in asked) {
        const { guardrail, cause, reason } = asked.trip;
        // A function may quote what it found.
        const trip: Trip = { guardrail, where, ...at, cause, reason: redactorOf(parts).text(reason) };
        const error = new TripwireTripped(trip);
        events.emit('guardrail.tripped', { ...place, guardrail, cause, reason: trip.reason }, { correlationId: runId });
        parts.tripped(error);
        throw error;
      }
      for (const guardrail of asked.rewrittenBy)
        events.emit('guardrail.rewrote', { ...place, guardrail }, { correlationId: runId });
      // `misfit` has looked at the form of what took its place.
      return asked.value as T;
    },
  };
}

/** Functions that the tripwires of a crew and its agents name and that are not there. */
export function missingTripwires(
  crew: CrewSpec,
  agents: readonly AgentSpec[],
  functions: TripwireFunctions,
): readonly string[] {
  const missing = (whose: string, specs: TripwireSpecs): readonly string[] =>
    [...specs.input, ...specs.output, ...specs.tool_call].flatMap(({ function: name }) =>
      name === null || Object.hasOwn(functions, name)
        ? []
        : [
            `${whose}: tripwire '${name}' is no function of the crew's hooks${didYouMean(name, Object.keys(functions))}`,
          ],
    );
  return [
    ...missing(`crew ${crew.id}`, crew.tripwires),
    ...agents.flatMap((agent) => missing(`agent ${agent.id}`, agent.tripwires)),
  ];
}

function createTripwires(parts: RunTripwireParts): {
  readonly of: (spec: TripwireSpec, where: TripwirePlace, position: number) => Tripwire;
} {
  const made = new Map<TripwireSpec, Tripwire>();
  return {
    of: (spec, where, position) => {
      const known = made.get(spec);
      if (known !== undefined) return known;
      const { kind, check } = checkOf(spec, parts);
      const name = spec.name ?? spec.function ?? `${where}.${kind}.${position + 1}`;
      const wire = { name, seconds: spec.seconds, onError: spec.on_error, check };
      made.set(spec, wire);
      return wire;
    },
  };
}

function checkOf(
  spec: TripwireSpec,
  parts: RunTripwireParts,
): { readonly kind: string; readonly check: TripwireCheck } {
  if (spec.secrets !== null) return { kind: 'secrets', check: secretsDetector(redactorOf(parts), spec.secrets) };
  if (spec.max_characters !== null) return { kind: 'max_characters', check: lengthDetector(spec.max_characters) };
  if (spec.deny !== null) return { kind: 'deny', check: denyDetector(spec.deny) };
  const name = spec.function ?? '';
  const check = parts.functions[name];
  if (check === undefined) throw new NotFound(`crew ${parts.crew.id}: there is no tripwire function '${name}'`);
  return { kind: 'function', check };
}

function redactorOf({ redactor }: RunTripwireParts): Redactor {
  return redactor ?? createRedactor({});
}

/** What is wrong with the form of a rewritten value; null: nothing. */
function misfit(
  where: TripwirePlace,
  before: unknown,
  rewritten: unknown,
  schema: Readonly<Record<string, unknown>> | null,
): string | null {
  if (where === 'output') {
    if (schema === null) return null;
    return z.fromJSONSchema(schema).safeParse(rewritten).success ? null : 'does not fit the schema of the answer';
  }
  const parsed = FORMS[where].safeParse(rewritten);
  if (!parsed.success) return 'has another form';
  const other = 'tool' in parsed.data && (before as { readonly tool: string }).tool !== parsed.data.tool;
  return other ? 'names another tool' : null;
}
