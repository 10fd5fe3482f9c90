/** What a CrewAI project's crew.py says beside its YAML, as far as its text can be read without running it. */
export interface CrewPy {
  /** `Process.…` of the crew; null when it names none. */
  readonly process: 'sequential' | 'hierarchical' | null;
  readonly managerLlm: string | null;
  /** Per agent (name of its config entry): the Python tools in its `tools=[…]`, as written there. */
  readonly agentTools: Readonly<Record<string, readonly string[]>>;
  /** Per task: the class of `output_pydantic` or `output_json`. */
  readonly taskModels: Readonly<Record<string, string>>;
  /** Classes of pydantic models: field → type as written. */
  readonly models: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const NONE: CrewPy = { process: null, managerLlm: null, agentTools: {}, taskModels: {}, models: {} };

/** Reads the texts of a project's Python files: the crew's own, and those with models. Never throws. */
export function readCrewPy(texts: readonly string[]): CrewPy {
  return texts.map(readOne).reduce(merge, NONE);
}

function merge(a: CrewPy, b: CrewPy): CrewPy {
  return {
    process: a.process ?? b.process,
    managerLlm: a.managerLlm ?? b.managerLlm,
    agentTools: { ...a.agentTools, ...b.agentTools },
    taskModels: { ...a.taskModels, ...b.taskModels },
    models: { ...a.models, ...b.models },
  };
}

function readOne(source: string): CrewPy {
  const text = withoutComments(source);
  const process = /\bprocess\s*=\s*Process\.(sequential|hierarchical)\b/.exec(text)?.[1];
  const agentTools: Record<string, readonly string[]> = {};
  const taskModels: Record<string, string> = {};
  for (const { config, args } of calls(text, 'Agent', 'agents_config')) {
    const list = bracketed(args, /\btools\s*=\s*\[/);
    if (list !== null) agentTools[config] = topLevel(list);
  }
  for (const { config, args } of calls(text, 'Task', 'tasks_config')) {
    const model = /\boutput_(?:pydantic|json)\s*=\s*([A-Za-z_]\w*)/.exec(args)?.[1];
    if (model !== undefined) taskModels[config] = model;
  }
  return {
    process: process === 'sequential' || process === 'hierarchical' ? process : null,
    managerLlm: /\bmanager_llm\s*=\s*["']([^"']+)["']/.exec(text)?.[1] ?? null,
    agentTools,
    taskModels,
    models: modelsIn(text),
  };
}

/** `Agent(config=self.agents_config['x'], …)`: the entry's name and the text between the parentheses. */
function calls(
  text: string,
  callee: string,
  config: string,
): readonly { readonly config: string; readonly args: string }[] {
  return [...text.matchAll(new RegExp(`\\b${callee}\\s*\\(`, 'g'))].flatMap((match) => {
    const args = balanced(text, match.index + match[0].length);
    const name = new RegExp(`\\b${config}\\s*\\[\\s*["']([^"']+)["']`).exec(args)?.[1];
    return name === undefined ? [] : [{ config: name, args }];
  });
}

function bracketed(text: string, opening: RegExp): string | null {
  const match = opening.exec(text);
  return match === null ? null : balanced(text, match.index + match[0].length);
}

/** The text from `from` to the bracket that closes the one before it. Brackets in texts count as texts. */
function balanced(text: string, from: number): string {
  let depth = 1;
  let quote = '';
  for (let at = from; at < text.length; at++) {
    const c = text.charAt(at);
    if (quote !== '') {
      if (c === '\\') at++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c) && --depth === 0) return text.slice(from, at);
  }
  return text.slice(from);
}

/** Entries of a list, split at its own commas; `SerperDevTool(n=3)` is one. */
function topLevel(list: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const c of list) {
    if ('([{'.includes(c)) depth++;
    if (')]}'.includes(c)) depth--;
    if (c === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += c;
  }
  return [...parts, part].map((p) => p.trim()).filter((p) => p !== '');
}

function modelsIn(text: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const models: Record<string, Record<string, string>> = {};
  for (const match of text.matchAll(
    /^class\s+(\w+)\s*\(\s*(?:pydantic\.)?BaseModel\s*\)\s*:\s*\n((?:[ \t]+.*\n|\s*\n)*)/gm,
  )) {
    const fields = [...(match[2] ?? '').matchAll(/^[ \t]+([A-Za-z]\w*)\s*:\s*([^=\n]+)/gm)];
    models[match[1] ?? ''] = Object.fromEntries(fields.map((f) => [f[1] ?? '', (f[2] ?? '').trim()]));
  }
  return models;
}

/** Comments and long texts are taken out: nothing that they hold is code. */
function withoutComments(source: string): string {
  return `${source.replaceAll(/"""[\s\S]*?"""|'''[\s\S]*?'''/g, '""').replaceAll(/(^|\s)#.*$/gm, '$1')}\n`;
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
  const inner = topLevel(generic[2] ?? '');
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
