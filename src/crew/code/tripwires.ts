import type { z } from 'zod';
import type { tripwireSchema, tripwiresSchema } from '../config/tripwire-schema.ts';
import type { TripwireCheck, TripwirePlace } from '../tripwire/contract.ts';
import type { TripwireFunctions } from '../tripwire/of-run.ts';

/** A tripwire as code writes it: a function, or the fields of YAML with the function as one. */
export type CodeTripwire =
  | TripwireCheck
  | (Omit<z.input<typeof tripwireSchema>, 'function'> & { readonly function?: TripwireCheck | undefined });

/** Tripwires by the place where they look, in order. */
export type CodeTripwires = { readonly [P in TripwirePlace]?: readonly CodeTripwire[] | undefined };

/** The same with names in the place of functions, and the functions by name. */
export function namedTripwires(
  owner: string,
  given: CodeTripwires = {},
): { readonly value: z.input<typeof tripwiresSchema>; readonly functions: TripwireFunctions } {
  const functions: Record<string, TripwireCheck> = {};
  const named = (place: TripwirePlace): z.input<typeof tripwireSchema>[] =>
    (given[place] ?? []).map((wire, i) => {
      const { function: check, ...fields } = typeof wire === 'function' ? { function: wire } : wire;
      if (check === undefined) return fields;
      const name = `${owner}.${place}.${i + 1}`;
      functions[name] = check;
      return { ...fields, function: name };
    });
  return {
    value: { input: named('input'), output: named('output'), tool_call: named('tool_call') },
    functions: Object.freeze(functions),
  };
}
