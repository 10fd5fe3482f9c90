import type { StateSnapshot } from '@langchain/langgraph';
import { z } from 'zod';
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
  const { kind, task, agent, approval_id = null, tool = null } = parsed.data;
  return { id, kind, task, agent, approval_id, tool, details: detailsOf(parsed.data) };
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
