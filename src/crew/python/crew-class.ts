import { balanced, blanked, keywords, literalOf, type Span, topLevel } from './text.ts';

/** A value that stands in the code, and the line it stands on. */
export interface Placed<T> {
  readonly value: T;
  readonly line: number;
}

/** What a method under `@agent` or `@task` makes, as far as it can be read without running it. */
export interface PyEntry {
  readonly method: string;
  /** Entry of the YAML that it is made from; null: it has none. */
  readonly config: string | null;
  readonly line: number;
  /** Arguments that are written out. */
  readonly fields: ReadonlyMap<string, Placed<string | number | boolean | null>>;
  /** Method of the agent of a task. */
  readonly agent: Placed<string> | null;
  /** Methods of the tasks that a task sees. */
  readonly context: Placed<readonly string[]> | null;
  /** Tools as they are made, as in `SerperDevTool(n_results=3)`. */
  readonly tools: readonly Placed<string>[];
  /** Class that `output_pydantic` or `output_json` of a task names. */
  readonly output: string | null;
  /** Arguments that only running the code would tell. */
  readonly opaque: readonly Placed<string>[];
}

/** A class under `@CrewBase`. */
export interface PyCrew {
  readonly name: string;
  readonly line: number;
  /** Paths that it names for its YAML, relative to its file; null: CrewAI's own. */
  readonly agentsConfig: string | null;
  readonly tasksConfig: string | null;
  readonly agents: readonly PyEntry[];
  readonly tasks: readonly PyEntry[];
  /** Of the crew itself: arguments that are written out, methods it names, and what only running it would tell. */
  readonly crew: PyEntry & {
    readonly process: 'sequential' | 'hierarchical';
    readonly manager: string | null;
    readonly listedAgents: readonly string[] | null;
    readonly listedTasks: readonly string[] | null;
  };
  /** Methods that run before and after the crew. */
  readonly hooks: readonly Placed<string>[];
}

interface Method {
  readonly name: string;
  readonly decorators: readonly string[];
  readonly line: number;
  readonly body: Span;
}

/** The crews of a Python file. Never throws: what cannot be read is not there. */
export function readCrewClasses(source: string): readonly PyCrew[] {
  // A byte order mark and the line ends of other systems would hide the first decorator and every line's end.
  const text = source.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const code = blanked(text);
  const reader = new Reader(text, code);
  return [...code.matchAll(/^@CrewBase\b[^\n]*\n(?:@[^\n]*\n|\s*\n)*class\s+(\w+)[^\n]*\n/gm)].flatMap((match) => {
    const from = match.index + match[0].length;
    const rest = code.slice(from);
    const next = /^[^\s)\]}]/m.exec(rest);
    return reader.crew(match[1] ?? '', match.index, { text: rest.slice(0, next?.index ?? rest.length), at: from });
  });
}

class Reader {
  readonly #text: string;
  readonly #code: string;

  constructor(text: string, code: string) {
    this.#text = text;
    this.#code = code;
  }

  crew(name: string, at: number, body: Span): readonly PyCrew[] {
    const methods = this.#methods(body);
    const under = (decorator: string): readonly Method[] => methods.filter((m) => m.decorators.includes(decorator));
    const made = under('crew').flatMap((m) => this.#entry(m, 'Crew'))[0];
    if (made === undefined) return [];
    const path = (field: string): string | null =>
      new RegExp(`^[ \\t]+${field}\\s*(?::[^=\\n]+)?=\\s*["']([^"'\\n]+)["']`, 'm').exec(body.text)?.[1] ?? null;
    const { args, ...crew } = made;
    return [
      {
        name,
        line: this.#line(at),
        agentsConfig: path('agents_config'),
        tasksConfig: path('tasks_config'),
        agents: under('agent').flatMap((m) => this.#entry(m, 'Agent')),
        tasks: under('task').flatMap((m) => this.#entry(m, 'Task')),
        crew: {
          ...crew,
          process: /\.hierarchical\b/.test(args.get('process')?.text ?? '') ? 'hierarchical' : 'sequential',
          manager: ownMethods(args.get('manager_agent')?.text ?? '')[0] ?? null,
          listedAgents: listed(args.get('agents')),
          listedTasks: listed(args.get('tasks')),
        },
        hooks: [...under('before_kickoff'), ...under('after_kickoff')].map((m) => ({ value: m.name, line: m.line })),
      },
    ];
  }

  #methods(body: Span): readonly Method[] {
    const starts = [...body.text.matchAll(/^[ \t]+(?:async[ \t]+)?def[ \t]+(\w+)/gm)];
    return starts.map((match, i) => {
      const before = body.text.slice(0, match.index);
      const decorators = /(?:^[ \t]+@[^\n]*\n(?:[ \t]*\n)*)+$/m.exec(before)?.[0] ?? '';
      const end = starts[i + 1]?.index ?? body.text.length;
      return {
        name: match[1] ?? '',
        decorators: [...decorators.matchAll(/@(?:\w+\.)*(\w+)/g)].map((d) => d[1] ?? ''),
        line: this.#line(body.at + match.index + match[0].length),
        body: { text: body.text.slice(match.index, end), at: body.at + match.index },
      };
    });
  }

  /** The call of a class whose name ends in `kind`, in a method. */
  #entry(method: Method, kind: string): readonly (PyEntry & { readonly args: ReadonlyMap<string, Span> })[] {
    const calls = [...method.body.text.matchAll(new RegExp(`(?<![\\w.>])(?:\\w+\\.)*(\\w*${kind})\\s*\\(`, 'g'))];
    const inside = calls.map((m) => balanced(this.#code, method.body.at + m.index + m[0].length));
    const config = new RegExp(`\\b${kind.toLowerCase()}s_config\\s*(?:\\[|\\.get\\()\\s*["']([^"'\\n]+)["']`);
    const call = inside.find(({ text }) => config.test(text)) ?? inside.find(({ text }) => /=/.test(text)) ?? inside[0];
    if (call === undefined) return [];
    const args = keywords(call);
    const fields = new Map<string, Placed<string | number | boolean | null>>();
    const opaque: Placed<string>[] = [];
    for (const [name, value] of args) {
      if (READ_APART.has(name)) continue;
      const line = this.#line(value.at);
      const literal = literalOf(this.#text.slice(value.at, value.at + value.text.length));
      const known = literal === undefined && MODELS.has(name) ? this.#model(value.text) : literal;
      if (known === undefined) opaque.push({ value: name, line });
      else fields.set(name, { value: known, line });
    }
    const agent = args.get('agent');
    const [of] = ownMethods(agent?.text ?? '');
    const context = args.get('context');
    return [
      {
        args,
        method: method.name,
        config: config.exec(method.body.text)?.[1] ?? null,
        line: method.line,
        fields,
        agent: agent === undefined || of === undefined ? null : { value: of, line: this.#line(agent.at) },
        context: context === undefined ? null : { value: ownMethods(context.text), line: this.#line(context.at) },
        tools: this.#tools(args.get('tools'), method.body),
        output: /^\w+$/.exec((args.get('output_pydantic') ?? args.get('output_json'))?.text ?? '')?.[0] ?? null,
        opaque,
      },
    ];
  }

  /** Entries of `tools=[…]`; a name that stands for `X()` is X(), one that stands for a list is that list. */
  #tools(value: Span | undefined, body: Span): readonly Placed<string>[] {
    if (value === undefined) return [];
    if (!value.text.startsWith('[')) {
      const list = /^\w+$/.test(value.text) ? new RegExp(`\\b${value.text}\\s*=\\s*\\[`).exec(body.text) : null;
      const at = list === null ? undefined : body.at + list.index + list[0].length;
      if (at === undefined) return value.text === 'None' ? [] : [{ value: value.text, line: this.#line(value.at) }];
      return this.#listed(balanced(this.#code, at));
    }
    return this.#listed(balanced(this.#code, value.at + 1));
  }

  #listed(list: Span): readonly Placed<string>[] {
    return topLevel(list).map(({ text, at }) => ({
      value: /^(self\.)?\w+$/.test(text) ? (this.#assigned(text.replace('self.', ''), 'Tool')?.text ?? text) : text,
      line: this.#line(at),
    }));
  }

  /** `x = SomeTool(…)` or `self.x = …` anywhere in the file: the call. */
  #assigned(name: string, ending: string): { readonly text: string; readonly args: Span } | undefined {
    const match = new RegExp(
      `^[ \\t]*(?:self\\.)?${name}\\s*(?::[^=\\n]+)?=\\s*((?:\\w+\\.)*\\w*${ending})\\s*\\(`,
      'm',
    ).exec(this.#code);
    if (match === null) return undefined;
    const args = balanced(this.#code, match.index + match[0].length);
    return { text: `${match[1] ?? ''}(${args.text})`, args };
  }

  /** `LLM(model="…")`, there or under a name. One with its own address or key variable is somebody else's server. */
  #model(text: string): string | undefined {
    const call = /^(?:\w+\.)*(?:LLM|ChatOpenAI)\s*\(/.exec(text);
    const named = /^(self\.)?(\w+)$/.exec(text);
    const args =
      call !== null
        ? keywords({ text: text.slice(call[0].length, -1), at: 0 })
        : named === null
          ? undefined
          : optional(this.#assigned(named[2] ?? '', '(?:LLM|ChatOpenAI)')?.args);
    if (args === undefined || [...args.keys()].some((name) => /base/.test(name))) return undefined;
    const model = literalOf((args.get('model') ?? args.get('model_name'))?.text ?? '');
    return typeof model === 'string' ? model : undefined;
  }

  #line(at: number): number {
    return this.#text.slice(0, at).split('\n').length;
  }
}

/** Arguments whose values are not literals and are read in their own way; `config` is the entry itself. */
const READ_APART: ReadonlySet<string> = new Set(
  'config agent context tools process manager_agent agents tasks'.split(' '),
);
const MODELS: ReadonlySet<string> = new Set(['llm', 'manager_llm', 'planning_llm', 'function_calling_llm']);

function optional(args: Span | undefined): ReadonlyMap<string, Span> | undefined {
  return args === undefined ? undefined : keywords(args);
}

function ownMethods(text: string): readonly string[] {
  return [...text.matchAll(/\bself\.(\w+)/g)].map((m) => m[1] ?? '');
}

/** `[self.a(), self.b()]`; null for `self.tasks` and whatever else is no such list. */
function listed(value: Span | undefined): readonly string[] | null {
  return value?.text.startsWith('[') === true ? ownMethods(value.text) : null;
}
