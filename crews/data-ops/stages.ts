import type { Observation, PlaybookContext, PlaybookPolicy, PlaybookStep } from '../../src/crew/index.ts';
import { fields, textAt } from './read.ts';

export interface Call {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly reason: string;
}

/** The calls that a stage wants, from what is known so far; none: the stage has nothing to do. */
export type Stage = (context: PlaybookContext) => readonly Call[];

/** What was done in a task, for its answer. */
export interface Done {
  readonly tool: string;
  readonly outcome: 'done' | 'proposed' | 'failed';
  readonly args: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

const ATTEMPTS = 2;

/**
 * A policy made of stages: each stage's calls are made together, and the next stage sees what came of them. A call
 * that failed for a passing reason is made once more; any other failure is left in the record and the work goes on.
 * When nothing is left to do, or the answer must come now, `answer` concludes.
 */
export function inStages(stages: readonly Stage[], answer: (context: PlaybookContext) => unknown): PlaybookPolicy {
  return (context): PlaybookStep => {
    if (context.final !== true) {
      for (const stage of stages) {
        const open = distinct(stage(context)).filter((call) => !settled(context.observations, call));
        if (open.length > 0) return { calls: open };
      }
    }
    return { answer: answer(context) };
  };
}

/** Everything done in a task that was not just looking: proposals, effects, messages, and what failed. */
export function actions(context: PlaybookContext, looking: readonly string[]): readonly Done[] {
  return context.observations
    .filter((o) => !o.ok || !looking.includes(o.tool))
    .map((o) => ({
      tool: o.tool,
      outcome: o.proposed ? 'proposed' : o.ok ? 'done' : 'failed',
      args: o.args,
      ...(o.ok ? {} : { error: textAt(o.result, 'message') }),
    }));
}

/** Two findings may want the same look: asking once answers both, and asking twice would pass for a loop. */
function distinct(calls: readonly Call[]): readonly Call[] {
  return calls.filter(
    (call, i) => calls.findIndex((other) => other.tool === call.tool && sameArgs(call.args, other.args)) === i,
  );
}

function settled(observations: readonly Observation[], call: Call): boolean {
  const made = observations.filter((o) => o.tool === call.tool && sameArgs(call.args, o.args));
  const last = made.at(-1);
  if (last === undefined) return false;
  return last.ok || made.length >= ATTEMPTS || fields(last.result)['retryable'] !== true;
}

/** Whether the arguments wanted are among those of a call made. */
function sameArgs(wanted: Readonly<Record<string, unknown>>, made: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(wanted).every(([name, value]) => JSON.stringify(made[name]) === JSON.stringify(value));
}
