import { readCrewClasses } from '../python/crew-class.ts';
import { blanked, topLevel } from '../python/text.ts';

/** What the Python of a CrewAI project says that a run of it has no use for, and TypeScript has. */
export interface PythonTypes {
  /** Per agent and task, by the name of its entry: the Python tools it is given, as written there. */
  readonly tools: Readonly<Record<string, readonly string[]>>;
  /** Per task: the class of its output. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Classes of pydantic models: field → type as written. */
  readonly models: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Reads the texts of a project's Python files: the crew's own, and those with models. Never throws. */
export function readPythonTypes(sources: readonly string[]): PythonTypes {
  const crews = sources.flatMap(readCrewClasses);
  const tasks = crews.flatMap((crew) => crew.tasks);
  const entries = [...crews.flatMap((crew) => crew.agents), ...tasks];
  return {
    tools: Object.fromEntries(entries.map((e) => [e.config ?? e.method, e.tools.map(({ value }) => value)])),
    outputs: Object.fromEntries(
      tasks.flatMap(({ config, method, output }) => (output === null ? [] : [[config ?? method, output]])),
    ),
    models: Object.assign({}, ...sources.map(modelsIn)) as PythonTypes['models'],
  };
}

function modelsIn(source: string): PythonTypes['models'] {
  // An end of line that is not there would hide the last field.
  const text = `${blanked(source.replaceAll('\r\n', '\n'))}\n`;
  const classes = text.matchAll(
    /^class\s+(\w+)\s*\(\s*(?:pydantic\.)?BaseModel\s*\)\s*:\s*\n((?:[ \t]+.*\n|\s*\n)*)/gm,
  );
  return Object.fromEntries(
    [...classes].map(([, name = '', body = '']) => [
      name,
      Object.fromEntries(
        [...body.matchAll(/^[ \t]+([A-Za-z]\w*)\s*:\s*([^=\n]+)/gm)].map(([, field = '', type = '']) => [
          field,
          type.trim(),
        ]),
      ),
    ]),
  );
}

/**
 * A Python type as a zod expression. Classes among `models` are named; what cannot be said is `z.unknown()`.
 *
 * @example
 * `List[Optional[str]]` → `z.array(z.string().nullable())`
 */
export function zodOf(type: string, models: ReadonlySet<string>): string {
  const text = type.trim().replace(/^(?:typing|t)\./, '');
  const simple = SIMPLE[text];
  if (simple !== undefined) return simple;
  if (models.has(text)) return text;
  const union = text.split('|').map((part) => part.trim());
  if (union.length > 1 && !text.includes('[')) {
    const others = union.filter((part) => part !== 'None').map((part) => zodOf(part, models));
    const joined = others.length === 1 ? (others[0] ?? '') : `z.union([${others.join(', ')}])`;
    return union.includes('None') ? `${joined}.nullable()` : joined;
  }
  const generic = /^(\w+)\[([\s\S]*)\]$/.exec(text);
  if (generic === null) return 'z.unknown()';
  const inner = topLevel({ text: generic[2] ?? '', at: 0 }).map(({ text }) => text);
  const each = inner.map((part) => zodOf(part, models));
  const [first = 'z.unknown()', second = 'z.unknown()'] = each;
  switch (generic[1]?.toLowerCase()) {
    case 'list':
    case 'sequence':
    case 'set':
      return `z.array(${first})`;
    case 'optional':
      return `${first}.nullable()`;
    case 'dict':
    case 'mapping':
      return `z.record(z.string(), ${second})`;
    case 'literal':
      return `z.enum([${inner.map((part) => JSON.stringify(part.replaceAll(/^["']|["']$/g, ''))).join(', ')}])`;
    default:
      return 'z.unknown()';
  }
}

const SIMPLE: Readonly<Record<string, string>> = {
  str: 'z.string()',
  int: 'z.number().int()',
  float: 'z.number()',
  bool: 'z.boolean()',
  dict: 'z.record(z.string(), z.unknown())',
  list: 'z.array(z.unknown())',
  Any: 'z.unknown()',
  None: 'z.null()',
};
