/**
 * What the compiler reads out of a definition's texts. Types only: `placeholders` in agent/prompt.ts says the same
 * at run time.
 */

type CharsOf<S extends string> = S extends `${infer First}${infer Rest}` ? First | CharsOf<Rest> : never;
type Letter = CharsOf<'abcdefghijklmnopqrstuvwxyz'>;
type Start = Letter | Uppercase<Letter> | '_';
type Part = Start | '-' | CharsOf<'0123456789'>;

type AllParts<S extends string> = S extends ''
  ? true
  : S extends `${infer First}${infer Rest}`
    ? First extends Part
      ? AllParts<Rest>
      : false
    : false;

type NameOf<S extends string> = S extends `${infer First}${infer Rest}`
  ? First extends Start
    ? AllParts<Rest> extends true
      ? S
      : never
    : never
  : never;

/**
 * Names of the `{placeholders}` in a text, as a union; never for a text that is not known at compile time.
 * Braces around anything but a name are not placeholders.
 */
export type PlaceholdersOf<S extends string> = string extends S
  ? never
  : S extends `${string}{${infer Rest}`
    ? Rest extends `${infer Name}}${string}`
      ? NameOf<Name> | PlaceholdersOf<Rest>
      : never
    : never;

/** Inputs of a kickoff: every placeholder must be there, more may be. */
export type InputsFor<Names extends string> = { readonly [K in Names]: unknown } & Readonly<Record<string, unknown>>;
