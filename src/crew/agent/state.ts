import { Annotation } from '@langchain/langgraph';
import type { BaseMessage } from '@langchain/core/messages';
import type { AskedQuestion, GivenAnswer } from '../../kit/question.ts';
import type { ModelUsage } from '../model/usage.ts';
import type { Observation, RecalledNote, TaskResult } from '../playbook.ts';
import type { Proposal, TaskToolCall } from './call.ts';

/** A tool call that the model asked for and that is not answered yet. */
export interface QueuedCall {
  readonly id: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly reason: string;
  /** Place in the run: `<output key>#<execution>/<attempt>/<turn>.<index>`. */
  readonly path: string;
  /** What was wrong with it as written; it is then answered, not run. */
  readonly malformed: string | null;
  /** Approval it waits for. */
  readonly approvalId: string | null;
  /** Key of an effect of unknown outcome that it waits for a person to settle. */
  readonly effectKey?: string | undefined;
  /** Question of it that it waits for, and which of its questions it is. */
  readonly question?: { readonly index: number; readonly asked: AskedQuestion } | undefined;
  /** What people answered to its questions, in order. */
  readonly answers?: readonly GivenAnswer[] | undefined;
}

/** Where an agent stands in its task; the whole of it is checkpointed after every step. */
export interface AgentRecord {
  /** The step that comes now; `start` is the first model turn. */
  readonly next: 'start' | 'plan' | 'model' | 'tools' | 'approval' | 'check' | 'review' | 'end';
  /** From 0; a new attempt begins the conversation anew. */
  readonly attempt: number;
  readonly turn: number;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly context: readonly TaskResult[];
  readonly messages: readonly BaseMessage[];
  readonly observations: readonly Observation[];
  readonly queue: readonly QueuedCall[];
  readonly calls: readonly TaskToolCall[];
  readonly proposals: readonly Proposal[];
  readonly usage: readonly ModelUsage[];
  /** Answers that did not fit the schema, or held nothing. */
  readonly repairs: number;
  /** Whose words from outside are in the conversation. */
  readonly outside: readonly string[];
  /** Malformed tool calls and empty answers. */
  readonly malformed: number;
  readonly guardrailFailures: Readonly<Record<string, number>>;
  /** Since when, and over how many tokens, guardrails send answers back; null before the first refusal. */
  readonly guarded: { readonly sinceMs: number; readonly sinceTokens: number } | null;
  /** A pass that only brings the answer into its schema was made. */
  readonly structured: boolean;
  /** The plan written before acting; null without one. */
  readonly plan: string | null;
  readonly planAttempts: number;
  /** How often older messages gave way to a summary. */
  readonly summaries: number;
  /** Pieces of work and questions handed to others. */
  readonly delegations: number;
  /** Who took the task over; null: the agent itself ended it. */
  readonly takenOverBy: string | null;
  /** Why the next answer must be the last; null while there is time. */
  readonly forced: string | null;
  readonly raw: string;
  readonly output: unknown;
  readonly error: string | null;
  /** Kept from the run before; null when nothing. */
  readonly memory: unknown;
  /** Of earlier runs, what has to do with the task. */
  readonly recalled?: readonly RecalledNote[] | undefined;
  /** UTC ms. */
  readonly startedAt: number;
}

/** One channel, because the steps of an agent never run side by side. */
export const AgentState = Annotation.Root({ agent: Annotation<AgentRecord>() });
