import type { AgentSpec, TaskSpec } from '../spec.ts';

/** An answer as a guardrail sees it. */
export interface GuardrailSubject {
  readonly task: TaskSpec;
  readonly agent: AgentSpec;
  readonly output: unknown;
  readonly raw: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Passed, perhaps with another output in its place; or failed, with what the agent is to mend. */
export type GuardrailVerdict =
  | { readonly ok: true; readonly output?: unknown }
  | { readonly ok: false; readonly message: string };

/** Checks a task's answer before the task ends. Several run in order, each seeing the output of the one before. */
export interface TaskGuardrail {
  readonly name: string;
  /** How often its message goes back to the agent before the task fails. Default 3. */
  readonly maxRetries?: number | undefined;
  check(subject: GuardrailSubject): GuardrailVerdict | Promise<GuardrailVerdict>;
}

/** A rule in words: a model judges whether the answer keeps it. */
export interface JudgedRule {
  readonly name: string;
  readonly maxRetries?: number | undefined;
  readonly rule: string;
}

export type AnyGuardrail = TaskGuardrail | JudgedRule;
