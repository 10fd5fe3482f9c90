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
