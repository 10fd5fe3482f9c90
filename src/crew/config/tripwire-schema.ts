import { z } from 'zod';
import type { TripwireSpec, TripwireSpecs } from '../spec.ts';
import { denyExpression } from '../tripwire/detectors.ts';

const KINDS = ['secrets', 'max_characters', 'deny', 'function'] as const;

/** One tripwire as YAML writes it. */
export const tripwireSchema = z
  .strictObject({
    name: z.string().trim().min(1).optional().describe('Its name in errors and events'),
    secrets: z
      .enum(['trip', 'redact'])
      .optional()
      .describe('Looks for secrets of the environment and texts that look like keys: trip, or take them out'),
    max_characters: z.number().int().min(1).optional().describe('Trips on more characters'),
    deny: z
      .array(z.string().min(1).refine(isExpression, 'is not a regular expression'))
      .min(1)
      .optional()
      .describe('Trips on a text that one of these regular expressions matches, whatever the case'),
    function: z.string().min(1).optional().describe('Function under tripwires in the crew’s hooks that judges'),
    seconds: z.number().positive().max(600).default(10).describe('Time for its verdict'),
    on_error: z
      .enum(['trip', 'pass'])
      .default('trip')
      .describe('What it means when it throws, is late or gives no verdict'),
  })
  .refine(
    (wire) => KINDS.filter((kind) => wire[kind] !== undefined).length === 1,
    `takes just one of ${KINDS.join(', ')}`,
  );

const list = z.array(tripwireSchema).default([]);

/** `tripwires` of an agent or a crew. */
export const tripwiresSchema = z.strictObject({
  input: list.describe('Look at what goes in: an agent’s inputs and context, a crew’s inputs'),
  output: list.describe('Look at answers before anybody gets them; a crew’s at those of all its agents'),
  tool_call: list.describe('Look at the arguments of calls before they are made'),
});

/** Tripwires as the framework knows them. */
export function toTripwires(value: z.output<typeof tripwiresSchema> | null): TripwireSpecs {
  const { input = [], output = [], tool_call = [] } = value ?? {};
  return { input: input.map(toTripwire), output: output.map(toTripwire), tool_call: tool_call.map(toTripwire) };
}

function toTripwire(value: z.output<typeof tripwireSchema>): TripwireSpec {
  const { name = null, secrets = null, max_characters = null, deny = null, seconds, on_error } = value;
  return { name, secrets, max_characters, deny, function: value.function ?? null, seconds, on_error };
}

function isExpression(pattern: string): boolean {
  try {
    denyExpression(pattern);
    return true;
  } catch {
    return false;
  }
}
