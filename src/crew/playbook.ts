import type { KnowledgePassage } from './agent/knowledge.ts';
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

/** A memory, as agents see it. */
export interface RecalledNote {
  readonly id: string;
  readonly content: string;
  /** The one thing it is about. */
  readonly about: string | null;
  readonly written_by: string | null;
  readonly run: string | null;
  /** UTC, ISO text. */
  readonly written_at: string;
  /** 0–1, to three places. */
  readonly score: number;
}

/** Output of a finished task, as later tasks see it. */
export interface TaskResult {
  readonly task: string;
  readonly output: unknown;
}

/** What a person said of an earlier answer of the agent. */
export interface Lesson {
  /** The task that it was about. */
  readonly task: string;
  readonly text: string;
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
  /** What the agent or its crew remember that has to do with the task, best first, when the crew has memory. */
  readonly recalled?: readonly RecalledNote[] | undefined;
  /** Passages of the agent's and its crew's knowledge sources that have to do with the task, best first. */
  readonly knowledge?: readonly KnowledgePassage[] | undefined;
  /** What people said of the agent's earlier answers, oldest first, when they did. */
  readonly lessons?: readonly Lesson[] | undefined;
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
