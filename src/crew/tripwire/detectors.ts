import { isDeepStrictEqual } from 'node:util';
import type { Redactor } from '../../kit/redact.ts';
import type { TripwireCheck, TripwireInput, TripwirePlace } from './contract.ts';

/** Trips on what the redactor would take out, or takes it out. */
export function secretsDetector(redactor: Redactor, mode: 'trip' | 'redact'): TripwireCheck {
  return ({ value }) => {
    const plain = asJson(value);
    const clean = redactor.value(plain);
    if (isDeepStrictEqual(clean, plain)) return { ok: true };
    return mode === 'redact' ? { ok: true, value: clean } : { ok: false, reason: 'it holds a secret' };
  };
}

/** Trips on a text with more characters (UTF-16 units, as `length` counts). */
export function lengthDetector(most: number): TripwireCheck {
  return ({ text }) =>
    text.length <= most ? { ok: true } : { ok: false, reason: `it has ${text.length} characters, not ${most} at most` };
}

/** Trips on a text that any of the expressions matches, whatever the case. */
export function denyDetector(patterns: readonly string[]): TripwireCheck {
  const expressions = patterns.map(denyExpression);
  return ({ text }) => {
    const at = expressions.findIndex((expression) => expression.test(text));
    return at < 0 ? { ok: true } : { ok: false, reason: `it matches /${patterns[at] ?? ''}/` };
  };
}

/** The expression of a deny-list's entry. Throws SyntaxError. */
export function denyExpression(pattern: string): RegExp {
  return new RegExp(pattern, 'imu');
}

/** What is to be read in a value at its place: names of inputs, tasks and arguments are not. */
export function wordsAt(where: TripwirePlace, value: unknown): string {
  if (where === 'output') return textOf(value);
  const { inputs, context, instruction, args } = value as Partial<TripwireInput> & { readonly args?: object };
  if (where === 'tool_call') return textOf(Object.values(args ?? {}));
  return textOf([...Object.values(inputs ?? {}), ...(context ?? []).map(({ output }) => output), instruction]);
}

/** A text itself; of any other value its texts, keys and numbers, one a line. */
function textOf(value: unknown): string {
  const lines: string[] = [];
  const walk = (inner: unknown): void => {
    if (Array.isArray(inner)) inner.forEach(walk);
    else if (typeof inner === 'object' && inner !== null) {
      for (const [key, held] of Object.entries(inner)) {
        lines.push(key);
        walk(held);
      }
    } else if (inner !== null && inner !== undefined)
      lines.push(typeof inner === 'string' ? inner : JSON.stringify(inner));
  };
  walk(asJson(value));
  return lines.join('\n');
}

/** A value as prompts, files and records have it: dates as text, and nothing that JSON cannot say. */
function asJson(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
