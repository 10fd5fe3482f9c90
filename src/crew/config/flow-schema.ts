import { z } from 'zod';
import type { FlowTrigger } from '../flow/trigger.ts';
import { cronPattern, durationSeconds, timeZone } from './fields.ts';
import { conditionSchema } from './crew-schemas.ts';
import { questionTerms } from './question-schema.ts';

/** flows.yaml: a map keyed by id. */

const name = z.string().trim().min(1);
const orNull = <T extends z.ZodType>(schema: T): z.ZodDefault<z.ZodNullable<T>> => schema.nullable().default(null);
const values = z.record(z.string(), z.unknown());

const after: z.ZodType<FlowTrigger> = z.lazy(() =>
  z.union([name, z.strictObject({ all: z.array(after).min(1) }), z.strictObject({ any: z.array(after).min(1) })]),
);

const route = z.strictObject({
  to: name.describe('Name that steps wait for'),
  when: conditionSchema
    .omit({ task: true })
    .optional()
    .describe('Taken when this holds of the state, `input` and `payload`; without it, always'),
});

const step = z.strictObject({
  start: z.boolean().default(false).describe('Whether it runs when the flow starts'),
  after: orNull(after).describe('What it waits for: a step, a route, {all: […]} or {any: […]}, nested as wanted'),
  crew: orNull(name).describe('Crew to run'),
  agent: orNull(name).describe('Agent to ask the prompt, or to call the tool as'),
  prompt: orNull(name).describe('What the agent is asked; {names} are filled from the state'),
  tool: orNull(name).describe('Tool to call, as the agent'),
  flow: orNull(name).describe('Flow to run, with a state of its own'),
  ask: orNull(name).describe('Question for a person; the run waits for the answer'),
  ...questionTerms,
  inputs: values
    .default({})
    .describe('Inputs of the crew or flow, arguments of the tool; {names} are filled from the state'),
  routes: orNull(z.array(route).min(1)).describe('Ways on from here: the first whose condition holds'),
  set: values.default({}).describe('Fields of the state to set afterwards; {output} is what the step gave'),
  add: z.record(z.string(), z.number()).default({}).describe('Numbers to add to fields of the state afterwards'),
  save: orNull(name).describe('Field of the state that gets what the step gave'),
  max_runs: orNull(z.number().int().positive()).describe('Times that it may run in one flow'),
});

export const flowSchema = z.strictObject({
  description: z.string().trim().default('').describe('What the flow is for'),
  enabled: z.boolean().default(true).describe('Whether its trigger starts it; by hand it starts in any case'),
  trigger: orNull(
    z.union([
      z.strictObject({
        cron: cronPattern.describe('When it starts, in cron’s fields'),
        timezone: timeZone.optional().describe('IANA name; UTC unless given'),
      }),
      z.strictObject({ every: durationSeconds.describe('Seconds between two starts, or 30s, 5m, 1h') }),
      z.strictObject({ event: z.string().min(1).describe('Event that starts it; its data is the payload') }),
    ]),
  ).describe('What starts it while the controller runs; none: by hand'),
  state: values.default({}).describe('Fields of the state with their first values; inputs take their place'),
  max_runs: z.number().int().positive().default(100).describe('Times that each step may run in one flow'),
  crews: z.array(name).default([]).describe('Crews to run in this order: short for steps that follow each other'),
  steps: z.record(z.string(), step).default({}).describe('Its steps, by id'),
});

export type FlowSpec = z.output<typeof flowSchema> & { readonly id: string };
export type FlowStepSpec = z.output<typeof step>;

/** The steps of a flow, those of `crews` first, each after the one before. */
export function stepsOf(flow: Pick<FlowSpec, 'crews' | 'steps'>): Readonly<Record<string, FlowStepSpec>> {
  const short = flow.crews.map(
    (crew, i) => [crew, step.parse({ crew, start: i === 0, after: flow.crews[i - 1] ?? null })] as const,
  );
  return { ...Object.fromEntries(short), ...flow.steps };
}
