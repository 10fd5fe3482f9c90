import { z } from 'zod';
import { AppError, InvalidInput } from '../../../kit/errors.ts';
import type { EndpointDesk, EndpointResult, EndpointTool } from '../endpoint.ts';
import { answer, type Answer, type Question } from './question.ts';

type Fields = Readonly<Record<string, z.ZodType>>;
/** Checked input of a row's fields. */
export type Args<F extends Fields> = z.output<z.ZodObject<F>>;

interface Named {
  readonly name: string;
  /** Without them a name that ends in `_tool` has its HTTP twin, which drops that end. */
  readonly aliases?: readonly string[] | undefined;
  readonly title: string;
  /** An input that runs. */
  readonly example: Readonly<Record<string, unknown>>;
}

function aliasesOf({ name, aliases }: Named): readonly string[] {
  return aliases ?? (name.endsWith('_tool') ? [name.slice(0, -'_tool'.length)] : []);
}

/** A tool that asks one question. `symbol` names the field that holds the instrument. */
export function row<F extends Fields, T, D>(
  definition: Named &
    Question<Args<F>, T, D> & {
      /** What is special to this venue, after the kind's own words. */
      readonly about?: string | undefined;
      readonly fields: F;
      readonly symbol?: (keyof F & string) | undefined;
    },
): EndpointTool {
  const { kind, fields, symbol } = definition;
  const input = z.strictObject(fields);
  return Object.freeze({
    name: definition.name,
    aliases: aliasesOf(definition),
    title: definition.title,
    description: [definition.about, kind.about].filter((text) => text !== undefined).join(' '),
    input,
    output: kind.output,
    example: definition.example,
    summary: (output: unknown) => kind.summary(kind.output.parse(output)),
    run(given: Readonly<Record<string, unknown>>, desk: EndpointDesk): Promise<EndpointResult> {
      const args = input.parse(given) as Args<F>;
      const asked = symbol === undefined ? undefined : (args as Readonly<Record<string, unknown>>)[symbol];
      return answer(definition, desk, args, typeof asked === 'string' ? asked : undefined);
    },
  });
}

/** One part of a composite tool. `data` exists in the type alone. */
export interface Piece<A, D = unknown> {
  readonly output: z.ZodType;
  readonly ask: (desk: EndpointDesk, args: A) => Promise<Answer<unknown>>;
  readonly data?: D;
}

/** What a composite asks of one question, given its own input. */
export function piece<A, P, T, D>(
  question: Question<P, T, D>,
  args: (input: A) => P,
  symbol: (input: A) => string | undefined,
): Piece<A, D> {
  return {
    output: question.kind.output,
    ask: (desk, input) => answer(question, desk, args(input), symbol(input)),
  };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the input of a piece is that of its composite
type Pieces = Readonly<Record<string, Piece<any>>>;
/** What the pieces gave; null for those that could not be had. */
export type Pieced<P extends Pieces> = { readonly [K in keyof P]: NonNullable<P[K]['data']> | null };

const missingShape = z.array(z.object({ part: z.string(), reason: z.string() }));

/**
 * A tool that asks several questions at once. A part that cannot be had is null, and `missing` says why; the tool
 * fails only when none can be had. `conclude` adds what follows from the parts together.
 */
export function composite<F extends Fields, P extends Pieces, C extends z.ZodRawShape>(
  definition: Named & {
    readonly description: string;
    readonly fields: F;
    readonly pieces: P;
    readonly conclusion: C;
    readonly conclude: (pieces: Pieced<P>, args: Args<F>) => z.output<z.ZodObject<C>>;
    readonly summary: (conclusion: z.output<z.ZodObject<C>>) => string;
  },
): EndpointTool {
  const input = z.strictObject(definition.fields);
  const conclusion = z.object(definition.conclusion);
  for (const name of Object.keys(definition.pieces)) {
    if (name in definition.conclusion) throw new InvalidInput(`${definition.name}: two outputs are named '${name}'`);
  }
  const output = z.object({
    ...definition.conclusion,
    ...Object.fromEntries(Object.entries(definition.pieces).map(([name, p]) => [name, p.output.nullable()])),
    missing: missingShape,
  });
  return Object.freeze({
    name: definition.name,
    aliases: aliasesOf(definition),
    title: definition.title,
    description: definition.description,
    input,
    output,
    example: definition.example,
    summary: (value: unknown) => definition.summary(conclusion.parse(value) as z.output<z.ZodObject<C>>),
    async run(given: Readonly<Record<string, unknown>>, desk: EndpointDesk): Promise<EndpointResult> {
      const args = input.parse(given) as Args<F>;
      const answers = await Promise.all(
        Object.entries(definition.pieces).map(async ([name, p]) => ({ name, ...(await tryPiece(p, desk, args)) })),
      );
      const had = answers.flatMap(({ result }) => result ?? []);
      const missing = answers.flatMap(({ name, error }) => (error === undefined ? [] : [{ part: name, error }]));
      if (had.length === 0 && missing[0] !== undefined) throw missing[0].error;
      const data = Object.fromEntries(answers.map(({ name, result }) => [name, result?.data ?? null])) as Pieced<P>;
      return {
        data: {
          ...definition.conclude(data, args),
          ...data,
          missing: missing.map(({ part, error }) => ({ part, reason: error.message })),
        },
        sources: had.flatMap((result) => result.sources),
        complete: missing.length === 0 && had.every((result) => result.complete),
        notes: [...new Set(had.flatMap((result) => result.notes))],
      };
    },
  });
}

async function tryPiece(
  p: Pieces[string],
  desk: EndpointDesk,
  args: unknown,
): Promise<{ readonly result?: Answer<unknown>; readonly error?: AppError }> {
  try {
    return { result: await p.ask(desk, args) };
  } catch (error) {
    if (error instanceof AppError) return { error };
    throw error;
  }
}
