const SECRET_NAME = /(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/;
/** Shorter values are too common to be taken out wherever they stand. */
const SHORTEST = 6;
const LONG_PART = 16;
/** Keys by their looks, whoever holds them. */
const SHAPES = /\b(sk-[A-Za-z0-9_-]{16,}|Bearer\s+[A-Za-z0-9._~+/-]{16,}=*)/g;

/** Takes secrets out of texts. */
export interface Redactor {
  text(text: string): string;
  /** Of all texts in a value, and of its keys. Gives the value itself when there is nothing to take out. */
  value<T>(value: T): T;
}

/**
 * Knows the secrets of an environment: variables that are named like one or listed in `names` (of an address its long
 * parts too, as webhooks have), and the password in any address. Each is replaced by `[VARIABLE]`; what looks like a key, whoever's it is, by `[secret]`.
 */
export function createRedactor(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[] = [],
): Redactor {
  const secrets = new Map<string, string>();
  for (const [name, value = ''] of Object.entries(env)) {
    const isSecret = SECRET_NAME.test(name) || names.includes(name);
    const parts = [...passwordsIn(value), ...(isSecret ? [value, ...longParts(value)] : [])];
    for (const part of parts) if (part.length >= SHORTEST) secrets.set(part, name);
  }
  // The longest first: a secret may hold another.
  const sorted = [...secrets.keys()].sort((a, b) => b.length - a.length);
  const known =
    sorted.length === 0 ? null : new RegExp(sorted.map((s) => s.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'g');
  const text = (given: string): string => {
    const named = known === null ? given : given.replace(known, (found) => `[${secrets.get(found) ?? 'secret'}]`);
    return named.replace(SHAPES, '[secret]');
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), walk(inner)]));
  };
  return {
    text,
    // What it gives has the shape of what it was given: only texts change.
    value: (value) => walk(value) as typeof value,
  };
}

/** The password of an address, as it stands there and as it is meant. */
function passwordsIn(value: string): readonly string[] {
  if (!value.includes('://') || !URL.canParse(value)) return [];
  const { password } = new URL(value);
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

/** Parts of a secret address that are secrets by themselves. */
function longParts(value: string): readonly string[] {
  if (!value.includes('://') || !URL.canParse(value)) return [];
  const { pathname, search } = new URL(value);
  return `${pathname}${search}`.split(/[/?&=]/).filter((part) => part.length >= LONG_PART);
}
