const SECRET_NAME = /(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/;
/** Shorter values are too common to be taken out wherever they stand. */
const SHORTEST = 6;
/** Keys by their looks, whoever holds them. */
const SHAPES = /\b(sk-[A-Za-z0-9_-]{16,}|Bearer\s+[A-Za-z0-9._~+/-]{16,}=*)/g;

/** Takes secrets out of the texts of a value: those of the environment, by name, and what looks like a key. */
export function redactor(env: Readonly<Record<string, string | undefined>>): (value: unknown) => unknown {
  const secrets = Object.entries(env)
    .flatMap(([name, value]) =>
      value !== undefined && value.length >= SHORTEST && SECRET_NAME.test(name) ? [[name, value] as const] : [],
    )
    .sort(([, a], [, b]) => b.length - a.length);
  const clean = (text: string): string =>
    secrets.reduce((rest, [name, value]) => rest.replaceAll(value, `[${name}]`), text).replace(SHAPES, '[secret]');
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return clean(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [clean(key), walk(inner)]));
  };
  return walk;
}
