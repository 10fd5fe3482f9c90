import { z } from 'zod';
import type { PlaybookPolicy } from '../playbook.ts';

/** Task id under which a playbook may say how its manager delegates; without such a policy `delegateReady` holds. */
export const MANAGE_TASK = 'manage_crew';

const Ready = z.array(z.object({ task: z.string(), coworker: z.string() }));

/** Hands out every task whose context is complete (`inputs.ready`), each to its own agent. */
export const delegateReady: PlaybookPolicy = ({ inputs }) => {
  const ready = Ready.parse(inputs['ready']);
  if (ready.length === 0) return { answer: 'All tasks are done.' };
  return { calls: ready.map((args) => ({ tool: 'delegate_work', args, reason: 'its context is complete' })) };
};

/** Task id under which a playbook may write the plans of a crew with `planning`; its inputs name the `tasks`. */
export const PLAN_TASK = 'plan_crew';

/** Policies that every playbook has unless it brings its own. */
export const BUILT_IN: Readonly<Record<string, PlaybookPolicy>> = {
  [MANAGE_TASK]: delegateReady,
  [PLAN_TASK]: () => ({ answer: { plans: [] } }),
};
