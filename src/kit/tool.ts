import type { z } from 'zod';
import { type AccessLevel, CATEGORY_NAME, type ToolCategory } from './access.ts';
import type { Clock } from './clock.ts';
import { InvalidInput } from './errors.ts';
import type { EventSink } from './event.ts';
import type { Logger } from './logger.ts';
import type { Ask } from './question.ts';

/**
 * What a tool changes. `none` reads; `ops` writes only the ops database (runs in shadow mode too);
 * `effect` changes the market database, the collectors or anything outside: in shadow mode it is proposed, not run.
 */
export type ToolEffects = 'none' | 'ops' | 'effect';

/** Where a result comes from and how far it can be trusted. Every tool's data carries it. */
export interface Provenance {
  /** UTC ISO time of the newest data used; null when there was none. */
  readonly as_of: string | null;
  /** Table, collector or venue address that the data was read from. */
  readonly source: string;
  /** False when data inside the asked range is missing; `notes` say what. */
  readonly complete: boolean;
  /** Age of the newest data at the time of the answer; null when not applicable. */
  readonly stale_ms: number | null;
  readonly notes?: readonly string[] | undefined;
  /** `foreign`: it came from a server of others, whatever it says; absent: from this desk and its venues. */
  readonly origin?: 'foreign' | undefined;
  /** Each place that the result was read from, where there may be more than one. */
  readonly sources?: readonly ProvenanceSource[] | undefined;
}

/** One place that a result was read from. */
export interface ProvenanceSource {
  /** `live`: a running collector; `store`: rows kept; `rest`: asked of the venue for this call. */
  readonly via: 'live' | 'store' | 'rest';
  readonly exchange: string;
  readonly market: string;
  /** Null where no host was asked. */
  readonly host: string | null;
  /** Path at the host, or the table or book. */
  readonly path: string;
  readonly as_of: string;
  readonly stale_ms: number;
}

/** Who calls, and what the call may use. `services` is what the toolset was bound to. */
export interface ToolContext<S> {
  readonly callId: string;
  /** `agent:collector`, `operator`, `mcp:<client>`, `behaviour:<name>` … */
  readonly caller: string;
  readonly agentId: string | null;
  readonly runId: string | null;
  readonly taskId: string | null;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly services: S;
  /** Long work reports progress, 0–1, for terminals and MCP clients. */
  readonly progress: (fraction: number, message?: string) => void;
  /**
   * Asks a person: the call ends here and is made again from its beginning once there is an answer, so ask before you
   * act. In a run that waits on disk for it; else the call fails with `answer_required`.
   */
  readonly ask: Ask;
}

/** What a tool's `run` gives back: data of the output schema, and its provenance. */
export interface ToolResult<O> {
  readonly data: O;
  readonly provenance: Provenance;
}

export interface ToolExample {
  readonly title: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * One tool, defined once: served over MCP, handed to agents, called from the CLI.
 * `S` is the services it needs; `bindTools` closes over them, and from then on a tool is `BoundTool`.
 */
export interface Tool<S, I extends z.ZodObject = z.ZodObject, O extends z.ZodType = z.ZodType> {
  readonly name: string;
  /** Other names that mean this tool: old names, names of the original. */
  readonly aliases: readonly string[];
  readonly title: string;
  readonly toolset: string;
  readonly category: ToolCategory;
  readonly access: AccessLevel;
  readonly effects: ToolEffects;
  /**
   * Whose words its results and errors hold: others' (venues, pages), or, of a tool of somebody else's, others' in its
   * description too. Whoever has read such words may not choose effects alone; see `outside.ts`.
   */
  readonly outside?: 'results' | 'results_and_description' | undefined;
  /** For models: what it does, when to use it, what it returns. */
  readonly description: string;
  /** Flat object; every field described, with its unit. */
  readonly input: I;
  readonly output: O;
  readonly examples: readonly ToolExample[];
  /** Wall clock allowed for one call. */
  readonly timeoutMs: number;
  /** Calls allowed, over all callers; the key is the limited thing (a venue, a database), not the tool. */
  readonly rateLimit?: { readonly key: string; readonly perSecond: number; readonly burst: number } | undefined;
  readonly run: (input: z.output<I>, context: ToolContext<S>) => Promise<ToolResult<z.output<O>>>;
  /** For tools with effects: what the call would change, without changing it. Recorded in shadow mode. */
  readonly preview?: ((input: z.output<I>, context: ToolContext<S>) => Promise<Record<string, unknown>>) | undefined;
  /**
   * For tools with effects: whether a call with this input, begun by a process that died, took effect. Gives its result
   * when it did and null when it did not; throws when it cannot tell, and then a person is asked.
   */
  readonly reconcile?:
    | ((input: z.output<I>, context: ToolContext<S>) => Promise<ToolResult<z.output<O>> | null>)
    | undefined;
  /** One or two sentences for people; JSON is used when absent. */
  readonly summary?: ((output: z.output<O>) => string) | undefined;
}

/** A definition as its author writes it: what can be defaulted is optional. */
export type ToolDefinition<S, I extends z.ZodObject, O extends z.ZodType> = Omit<
  Tool<S, I, O>,
  'aliases' | 'timeoutMs' | 'toolset'
> & {
  readonly aliases?: readonly string[];
  readonly timeoutMs?: number;
  readonly toolset: string;
};

const NAME = /^[a-z][a-z0-9_]{2,63}$/;

/** Checks and freezes a definition. Throws InvalidInput when a name, description or field description is missing. */
export function defineTool<S, I extends z.ZodObject, O extends z.ZodType>(
  definition: ToolDefinition<S, I, O>,
): Tool<S, I, O> {
  const { name } = definition;
  for (const n of [name, ...(definition.aliases ?? [])]) {
    if (!NAME.test(n)) throw new InvalidInput(`tool name '${n}' must be snake_case of 3 to 64 characters`);
  }
  if (!CATEGORY_NAME.test(definition.category))
    throw new InvalidInput(`tool ${name}: category '${definition.category}' must be snake_case of 2 to 64 characters`);
  if (definition.description.length < 20)
    throw new InvalidInput(`tool ${name}: the description is too short to choose it by`);
  for (const [field, schema] of Object.entries(definition.input.shape)) {
    if ((schema as z.ZodType).description === undefined)
      throw new InvalidInput(`tool ${name}: input field '${field}' has no description`);
  }
  if (definition.effects === 'effect' && definition.preview === undefined) {
    throw new InvalidInput(`tool ${name} has effects and no preview: shadow mode could not say what it would change`);
  }
  return Object.freeze({
    ...definition,
    aliases: Object.freeze([...(definition.aliases ?? [])]),
    timeoutMs: definition.timeoutMs ?? 30_000,
  });
}

/** An input that a JSON Schema describes. */
export interface JsonInput {
  readonly schema: Readonly<Record<string, unknown>>;
  /** What is wrong with a value; null: nothing. */
  readonly problem: (value: unknown) => string | null;
}

/** A tool whose services are bound. Its types are erased: the pipeline parses input and output. */
export type BoundTool = Omit<Tool<unknown>, 'run' | 'preview' | 'reconcile' | 'summary'> & {
  /** For tools that are described by a JSON Schema of others: it takes the place of `input`. */
  readonly inputJson?: JsonInput | undefined;
  readonly run: (input: unknown, context: ToolContext<unknown>) => Promise<ToolResult<unknown>>;
  readonly preview: ((input: unknown, context: ToolContext<unknown>) => Promise<Record<string, unknown>>) | undefined;
  readonly reconcile:
    | ((input: unknown, context: ToolContext<unknown>) => Promise<ToolResult<unknown> | null>)
    | undefined;
  readonly summary: ((output: unknown) => string) | undefined;
};

/** Any definition that needs services `S`, whatever its input and output. */
// biome-ignore lint: variance of the erased parameters
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the pipeline parses what is erased here
export type AnyTool<S> = Tool<S, any, any>;

/** Closes tools over their services. */
export function bindTools<S>(tools: readonly AnyTool<S>[], services: S): readonly BoundTool[] {
  return tools.map((tool) => {
    const withServices = (context: ToolContext<unknown>): ToolContext<S> => ({ ...context, services });
    const { preview, reconcile, summary } = tool;
    return Object.freeze({
      ...tool,
      run: (input: unknown, context: ToolContext<unknown>) => tool.run(input, withServices(context)),
      preview:
        preview === undefined
          ? undefined
          : (input: unknown, context: ToolContext<unknown>) => preview(input, withServices(context)),
      reconcile:
        reconcile === undefined
          ? undefined
          : (input: unknown, context: ToolContext<unknown>) => reconcile(input, withServices(context)),
      summary: summary === undefined ? undefined : (output: unknown) => summary(output as never),
    });
  });
}
