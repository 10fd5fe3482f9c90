import { interrupt } from '@langchain/langgraph';
import { z } from 'zod';
import type { AskedQuestion } from '../../kit/question.ts';

/** What a pause for a person carries; `runner.resume` answers it. */
export type Pause =
  | ({
      /** A call of a tool, a hook of a task or the task itself asks a person. */
      readonly kind: 'question';
      readonly task: string;
      readonly agent: string;
      readonly tool?: string;
      /** Which of the call's questions it is, from 0. */
      readonly n?: number;
    } & AskedQuestion)
  | {
      readonly kind: 'approval';
      readonly task: string;
      readonly agent: string;
      readonly approval_id: string;
      readonly tool: string;
      readonly args: Readonly<Record<string, unknown>>;
    }
  | {
      /** An effect was begun and its outcome is not known: `crew effects` settles it. */
      readonly kind: 'effect';
      readonly task: string;
      readonly agent: string;
      readonly effect_key: string;
      readonly tool: string;
      readonly args: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: 'human_input';
      readonly task: string;
      readonly agent: string;
      readonly output: unknown;
      /** JSON Schema of what may be answered. */
      readonly answer: Readonly<Record<string, unknown>>;
      /** UTC ms; null: any time. */
      readonly expires_at: number | null;
    }
  | {
      /** The next call of a model may exceed a budget: `{ accept: true, usd: 5 }` raises it for this run. */
      readonly kind: 'budget';
      readonly task: string;
      readonly agent: string;
      readonly budget: string;
      readonly output: unknown;
    };

/**
 * One of several pauses of a step, under a `part` that no other of the run has: the path of a call, or of a question. `name`:
 * that of a task's own question.
 */
export type PausePart = Pause & { readonly part: string; readonly name?: string };

const Given = z.object({ parts: z.record(z.string(), z.unknown()) });

/**
 * Puts all that a step waits for before people at once, and gives what came back, by part: at least one thing. What is
 * absent waits on; a step that pauses for the rest keeps its parts' names, and with them their questions stay the same.
 */
export function pauseForParts(pauses: readonly PausePart[]): Readonly<Record<string, unknown>> {
  const given: unknown = interrupt({ kind: 'several', pauses });
  const parsed = Given.safeParse(given);
  if (parsed.success) return parsed.data.parts;
  // A run that began to wait before pauses had parts waited for the first alone.
  return Object.fromEntries(pauses.slice(0, 1).map(({ part }) => [part, given]));
}
