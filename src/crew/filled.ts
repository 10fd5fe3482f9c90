import { InvalidInput } from '../kit/errors.ts';
import { compactJson } from './agent/compact.ts';
import { fieldOf } from './condition.ts';

type Values = Readonly<Record<string, unknown>>;

const WHOLE = /^\{([A-Za-z_][\w.-]*)\}$/;
const PART = /\{([A-Za-z_][\w.-]*)\}/g;

/**
 * Puts values in the place of `{name}` and `{name.field}`, however deep; a text that is nothing else becomes the value
 * itself. Throws InvalidInput, with `where`, for a name that has none.
 */
export function filled(value: unknown, seen: Values, where: string): unknown {
  if (Array.isArray(value)) return value.map((item) => filled(item, seen, where));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, seen, where)]));
  }
  if (typeof value !== 'string') return value;
  const whole = WHOLE.exec(value)?.[1];
  return whole === undefined ? filledText(value, seen, where) : known(whole, seen, where);
}

/** The same of a text, which stays one. */
export function filledText(text: string, seen: Values, where: string): string {
  return text.replace(PART, (_, name: string) => asText(known(name, seen, where)));
}

/** A value within a text: itself, or its JSON. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : compactJson(value, 4000);
}

/** Names in braces in all texts of a value, without what follows a dot. */
export function namesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [...value.matchAll(PART)].map((m) => (m[1] ?? '').split('.')[0] ?? '');
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(namesIn) : [];
}

function known(name: string, seen: Values, where: string): unknown {
  const value = fieldOf(seen, name);
  if (value === undefined) throw new InvalidInput(`${where}: there is no {${name}}`);
  return value;
}
