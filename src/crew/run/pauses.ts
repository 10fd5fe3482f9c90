import type { StateSnapshot } from '@langchain/langgraph';
import { z } from 'zod';
import { Conflict } from '../../kit/errors.ts';
import { parseReview } from '../agent/review.ts';
import type { TaskSpec } from '../spec.ts';
import type { RunPause } from './document.ts';

const StoredPause = z.object({
  kind: z.enum(['approval', 'human_input', 'effect', 'budget']),
  task: z.string(),
  agent: z.string(),
  approval_id: z.string().optional(),
  effect_key: z.string().optional(),
  budget: z.string().optional(),
  tool: z.string().optional(),
  args: z.unknown().optional(),
  output: z.unknown().optional(),
  answer: z.record(z.string(), z.unknown()).optional(),
  expires_at: z.number().nullable().optional(),
});

/** Pauses that the checkpoint knows of, those of tasks that went on included. */
export function pausesOf({ tasks }: StateSnapshot): readonly RunPause[] {
  return tasks.flatMap((task) =>
    task.interrupts.flatMap(({ id, value }) => (id === undefined ? [] : [readPause(id, task.name, value)])),
  );
}

const Interrupted = z.object({ __interrupt__: z.array(z.object({ id: z.string() })) });

/** Ids of the interrupts that a graph stopped at. */
export function interruptIds(result: unknown): ReadonlySet<string> {
  return new Set(Interrupted.safeParse(result).data?.__interrupt__.map((i) => i.id));
}

function readPause(id: string, node: string, value: unknown): RunPause {
  const parsed = StoredPause.safeParse(value);
  if (!parsed.success) {
    return { id, kind: 'custom', task: node, agent: null, approval_id: null, tool: null, details: value };
  }
  const { kind, task, agent, approval_id = null, tool = null, answer = {}, expires_at = null } = parsed.data;
  const asked = kind === 'human_input' ? { answer, expires_at } : {};
  return { id, kind, task, agent, approval_id, tool, details: detailsOf(parsed.data), ...asked };
}

function detailsOf({ kind, args, effect_key, budget, output }: z.output<typeof StoredPause>): unknown {
  switch (kind) {
    case 'approval':
      return args;
    case 'effect':
      return { effect_key, args };
    case 'budget':
      return { ...(typeof output === 'object' ? output : {}), budget };
    case 'human_input':
      return output;
  }
}

/** Pauses that an answer by name ends; the others end by themselves once their approval or effect is settled. */
const ANSWERED: ReadonlySet<RunPause['kind']> = new Set(['human_input', 'budget', 'custom'] as const);

/** Whether the time to answer is past. */
export function isOver({ expires_at: expiresAt }: RunPause, now: number): boolean {
  return expiresAt !== undefined && expiresAt !== null && expiresAt <= now;
}

/**
 * Holds answers against what a run waits for. Throws Conflict for one to a question that is not open (it was answered
 * already, its time is past, or it never was asked), InvalidInput for one that is not what was asked for.
 */
export function checkAnswers(
  row: { readonly run_id: string; readonly waiting_for: readonly RunPause[] },
  answers: Readonly<Record<string, unknown>>,
  tasks: Readonly<Record<string, TaskSpec>>,
  now: number,
): void {
  for (const [name, answer] of Object.entries(answers)) {
    const pause = row.waiting_for.find((p) => p.task === name && ANSWERED.has(p.kind));
    if (pause === undefined) {
      const open = row.waiting_for.map((p) => p.task).join(', ');
      throw new Conflict(
        `run ${row.run_id} has no open question at '${name}': it was answered already, or never asked` +
          (open === '' ? '' : `; open: ${open}`),
      );
    }
    if (isOver(pause, now)) throw new Conflict(`the time to answer '${name}' of run ${row.run_id} is past`);
    const task = tasks[name];
    if (pause.kind === 'human_input' && task !== undefined) parseReview(task, answer);
  }
}

/** What a run waits for, in a line. */
export function waitingReason(pauses: readonly RunPause[]): string {
  if (pauses.length === 0) return 'an answer';
  return pauses
    .map((p) =>
      p.kind === 'approval'
        ? `approval ${p.approval_id ?? ''} of ${p.tool ?? ''} in ${p.task}`
        : p.kind === 'human_input'
          ? `a review of ${p.task}`
          : p.kind === 'effect'
            ? `what became of ${p.tool ?? ''} in ${p.task} (crew effects)`
            : p.kind === 'budget'
              ? `more money than a budget allows in ${p.task} (crew runs resume)`
              : `an answer at ${p.task}`,
    )
    .join('; ');
}
