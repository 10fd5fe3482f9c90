import { parse, YAMLParseError } from 'yaml';
import type { ConfigIssue } from '../../kit/errors.ts';
import { pathText } from '../../kit/schema-issues.ts';

const PREFIX = 'CREW_';

/** Variables that the program reads itself: the default token of its MCP server, stack traces on failure, a person's key. */
const PROGRAM_VARIABLES: ReadonlySet<string> = new Set(['CREW_MCP_TOKEN', 'CREW_DEBUG', 'CREW_PERSON_KEY']);

/** One variable that changes a key of system.yaml. */
interface Override {
  readonly variable: string;
  readonly path: readonly string[];
}

/** The system's values with the environment's on top, and where each of those came from. */
export interface Overlaid {
  readonly value: unknown;
  readonly issues: readonly ConfigIssue[];
  /** The variable that set a path or part of it, or that lies below it; undefined when the file did. */
  source(path: readonly PropertyKey[]): string | undefined;
}

/**
 * `CREW_MARKET__COLLECT__FLUSH_INTERVAL_MS=500` sets `market.collect.flush_interval_ms`: `__` between the keys, the
 * value read as YAML (`[a, b]` is a list). A list is set whole. Variables in `reserved` (those that hold secrets) and
 * variables whose first key no section has are left alone only when reserved; else the schema reports them.
 */
export function overlayEnvironment(
  system: unknown,
  env: Readonly<Record<string, string | undefined>>,
  reserved: ReadonlySet<string>,
): Overlaid {
  const overrides: Override[] = [];
  const issues: ConfigIssue[] = [];
  let value = system;
  // A file that holds no map is an issue of its own, which must not be covered up.
  const variables = asMap(system) === undefined ? [] : Object.keys(env).sort();
  for (const variable of variables) {
    const text = env[variable];
    if (!variable.startsWith(PREFIX) || text === undefined) continue;
    if (reserved.has(variable) || PROGRAM_VARIABLES.has(variable)) continue;
    const path = variable.slice(PREFIX.length).toLowerCase().split('__');
    if (path.includes('')) {
      issues.push(envIssue(variable, 'is not a path: write CREW_SECTION__KEY'));
      continue;
    }
    try {
      value = withValue(value, path, parse(text));
      overrides.push({ variable, path });
    } catch (error) {
      if (!(error instanceof YAMLParseError)) throw error;
      issues.push(
        envIssue(variable, `${JSON.stringify(text)} is not a YAML value: ${error.message.split('\n', 1)[0] ?? ''}`),
      );
    }
  }
  return {
    value,
    issues,
    source: (path) => {
      const wanted = path.map(String);
      return overrides.find((o) => o.path.every((key, i) => i >= wanted.length || wanted[i] === key))?.variable;
    },
  };
}

/** An issue of a variable: it has no line. */
export function envIssue(variable: string, message: string): ConfigIssue {
  return { file: `env ${variable}`, line: 0, column: 0, message };
}

function asMap(value: unknown): object | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined;
}

function withValue(target: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const base = asMap(target) ?? {};
  const inner: unknown = Reflect.get(base, key);
  return { ...base, [key]: withValue(inner, rest, value) };
}

/** Names of variables that the configuration points to: every text under a key that ends in `_env`. */
export function namedVariables(value: unknown): readonly string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key.endsWith('_env') && typeof inner === 'string' ? [inner] : namedVariables(inner),
  );
}

/** What to write for a path: the documented rule, for reference pages. */
export function variableFor(path: readonly PropertyKey[]): string {
  return `${PREFIX}${pathText(path).replaceAll('.', '__').toUpperCase()}`;
}
