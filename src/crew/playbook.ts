import type { AgentSpec, TaskSpec } from './spec.ts';

/** A tool call already made in this task, and what came of it. */
export interface Observation {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly ok: boolean;
  /** The tool's data; a proposal's `would_change`; or the failure's error object. */
  readonly result: unknown;
  /** True when shadow mode recorded the call as a proposal. */
  readonly proposed: boolean;
}

/** Output of a finished task, as later tasks see it. */
export interface TaskResult {
  readonly task: string;
  readonly output: unknown;
}

export interface PlaybookContext {
  readonly task: TaskSpec;
  readonly agent: AgentSpec;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Outputs of the tasks in `context`. */
  readonly context: readonly TaskResult[];
  /** Calls made so far in this task, in order. */
  readonly observations: readonly Observation[];
  readonly shadow: boolean;
  /** What the agent kept of this task from the run before, when the crew has memory. */
  readonly memory?: unknown;
  /** The answer must come now: calls would no longer be made. */
  readonly final?: boolean | undefined;
}

/** The next tool calls, or the final structured answer. */
export type PlaybookStep =
  | {
      readonly calls: readonly {
        readonly tool: string;
        readonly args: Readonly<Record<string, unknown>>;
        readonly reason: string;
      }[];
    }
  | { readonly answer: unknown };

/** A deterministic policy: same context, same step. It has no I/O; everything it knows came through tools. */
export type PlaybookPolicy = (context: PlaybookContext) => PlaybookStep;

/** Policies by task id. The `playbook` model follows them through the same graph as any other model. */
export interface Playbook {
  readonly policies: Readonly<Record<string, PlaybookPolicy>>;
}

export function definePlaybook(policies: Readonly<Record<string, PlaybookPolicy>>): Playbook {
  return Object.freeze({ policies: Object.freeze({ ...policies }) });
}
