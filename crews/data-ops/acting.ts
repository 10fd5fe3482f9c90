import type { BehaviourContext } from '../../src/crew/index.ts';
import { fields } from './read.ts';

type Invoked = Awaited<ReturnType<BehaviourContext['invoke']>>;

/** What a call did, as a behaviour keeps it with its event. Throws for a failure, so that the behaviour counts as failed. */
export function outcomeOf(outcome: Invoked): Readonly<Record<string, unknown>> {
  if (!outcome.ok) throw new Error(`${outcome.tool}: ${outcome.error.message}`);
  if ('proposed' in outcome) return { tool: outcome.tool, proposal_id: outcome.proposal_id };
  return { tool: outcome.tool, summary: outcome.summary };
}

/** The data of a call that ran; empty when it was only proposed. Throws for a failure. */
export function dataOf(outcome: Invoked): Readonly<Record<string, unknown>> {
  if (!outcome.ok) throw new Error(`${outcome.tool}: ${outcome.error.message}`);
  return 'proposed' in outcome ? {} : fields(outcome.data);
}

/** Waits on the behaviour's clock; ends early when the behaviour is aborted. */
export function pause(context: BehaviourContext, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = context.clock.schedule(ms, () => {
      context.signal.removeEventListener('abort', stop);
      resolve();
    });
    const stop = (): void => {
      timer.cancel();
      reject(context.signal.reason instanceof Error ? context.signal.reason : new Error('aborted'));
    };
    if (context.signal.aborted) stop();
    else context.signal.addEventListener('abort', stop, { once: true });
  });
}

/** ISO text of UTC ms. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
