import type { GuardrailSubject, GuardrailVerdict } from './agent/guardrail.ts';
import type { TaskOutput } from './agent/output.ts';
import type { CodeQuestion } from './question/task-question.ts';
import type { Migration, MigratingRun } from './run/migration.ts';
import type { RunDocument } from './run/document.ts';
import type { TripwireCheck } from './tripwire/contract.ts';

type Inputs = Readonly<Record<string, unknown>>;
type Eventually<T> = T | Promise<T>;

/** What a task's condition may look at. */
export interface ConditionContext {
  readonly inputs: Inputs;
  /** Outputs so far, by task. */
  readonly outputs: Readonly<Record<string, TaskOutput>>;
  /** The completed output that ended last. */
  readonly last: TaskOutput | undefined;
}

/** One step of an agent, as `onStep` hears of it. */
export interface AgentStep {
  readonly task: string;
  readonly agent: string;
  readonly turn: number;
  /** Tool calls that the model asked for; empty when it answered. */
  readonly calls: readonly { readonly tool: string; readonly args: Readonly<Record<string, unknown>> }[];
  readonly text: string;
}

/** A piece of an answer while the model writes it. */
export interface AnswerPiece {
  readonly run_id: string;
  readonly task: string;
  readonly agent: string;
  readonly turn: number;
  readonly text: string;
}

/** Hears the text of answers of all crews as it is written, as long as somebody wants it. */
export interface TextListener {
  /** Asked before each answer: only for a run that is wanted are models asked to stream. */
  wantsText(runId: string): boolean;
  tell(piece: AnswerPiece): void;
}

/**
 * Code of a crew that YAML can only name. An error in any of it is not swallowed: `beforeKickoff` keeps the run from
 * starting, the others fail the task or the run that called them.
 */
export interface CrewHooks {
  /** Run in order before anything else; what one returns takes the place of the inputs. */
  readonly beforeKickoff?: readonly ((inputs: Inputs) => Eventually<Inputs | undefined>)[] | undefined;
  /** Run in order when the crew has completed; what one returns (not undefined) takes the place of the run's output. */
  readonly afterKickoff?: readonly ((document: RunDocument) => unknown)[] | undefined;
  /** Functions that `guardrail` and `guardrails` of tasks name. */
  readonly guardrails?:
    | Readonly<Record<string, (subject: GuardrailSubject) => Eventually<GuardrailVerdict>>>
    | undefined;
  /** Functions that `tripwires` of the crew and its agents name. */
  readonly tripwires?: Readonly<Record<string, TripwireCheck>> | undefined;
  /** Functions that `condition` of tasks names. */
  readonly conditions?: Readonly<Record<string, (context: ConditionContext) => boolean>> | undefined;
  /** Questions that tasks in code ask, by `task.name`: they take the place of what the spec says of them. */
  readonly questions?: Readonly<Record<string, CodeQuestion>> | undefined;
  /** Functions that `callback` of tasks names. */
  readonly callbacks?: Readonly<Record<string, (output: TaskOutput) => Eventually<void>>> | undefined;
  /**
   * Asked when a run that was begun on another structure of the crew is resumed: says what of it stands. Null: the run is
   * refused, as without this function.
   */
  readonly migrate?: ((run: MigratingRun) => Eventually<Migration | null>) | undefined;
  /** Hears of every task that completed, after its own callback. */
  readonly onTask?: ((output: TaskOutput) => Eventually<void>) | undefined;
  /** Hears of every answer of a model, before its calls are made. */
  readonly onStep?: ((step: AgentStep) => Eventually<void>) | undefined;
  /** Hears the text of answers as it is written: with it, models are asked to stream. */
  readonly onText?: ((piece: AnswerPiece) => void) | undefined;
}

/**
 * Defines a crew's hooks: the default export of `crews/<crew>/hooks.ts`.
 *
 * @example
 * ```ts
 * import { defineCrewHooks } from 'orderflow-crew/crew';
 *
 * export default defineCrewHooks({
 *   beforeKickoff: [(inputs) => ({ ...inputs, year: 2026 })],
 *   guardrails: {
 *     short: ({ raw }) => (raw.length < 500 ? { ok: true } : { ok: false, message: 'at most 500 characters' }),
 *   },
 *   conditions: { enough: ({ last }) => Array.isArray(last?.output) && last.output.length >= 3 },
 * });
 * ```
 */
export function defineCrewHooks(hooks: CrewHooks): CrewHooks {
  return Object.freeze({ ...hooks });
}
